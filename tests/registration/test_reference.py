"""The choice of the reference frame."""

from dataclasses import replace

import numpy as np
import pytest
from schematic_face import POINTS, face

from mfrec.errors import UsageError
from mfrec.face.pose import HEAD, Pose, head_pose
from mfrec.image.filters import gaussian
from mfrec.imageio import jpeg_bytes, read
from mfrec.registration.reference import choose_reference, frontality, neutrality, score_references
from mfrec.types import Frame, Landmarks, Observation

BOX = np.array([8, 20, 92, 96], np.float32)


def turned(yaw: float) -> Landmarks:
    """Landmarks of the generic head, looking aside by so many degrees, where the schematic face is."""
    pose = Pose(yaw, 0, 0, face().interocular, POINTS[36:48].mean(axis=0).astype(np.float32), 0)
    return Landmarks(pose.project(HEAD).astype(np.float32))


def speaking() -> Landmarks:
    points = turned(0).points.copy()
    points[[55, 56, 57, 58, 59, 65, 66, 67]] += (0, 0.4 * face().interocular)
    return Landmarks(points)


def blinking() -> Landmarks:
    points = POINTS.copy()
    for start in (36, 42):
        points[start : start + 6, 1] = points[start, 1]
    return Landmarks(points.astype(np.float32))


def observation(image, name, landmarks=None) -> Observation:
    return Observation(Frame(image, int(name), name), BOX, 1.0, landmarks or face())


@pytest.fixture(scope="module")
def picture(portrait):
    return np.ascontiguousarray(portrait[40:140, 46:146])


def test_frontality_falls_evenly_to_both_sides():
    values = [frontality(head_pose(turned(yaw))) for yaw in (0, 15, 30, 45)]
    assert values[0] == pytest.approx(1, abs=0.01)
    assert values == sorted(values, reverse=True)
    assert frontality(head_pose(turned(-30))) == pytest.approx(values[2], abs=0.01)
    assert frontality(Pose(0, 8, 0, 1, np.zeros(2, np.float32), 0)) == 1
    assert frontality(Pose(0, 30, 0, 1, np.zeros(2, np.float32), 0)) < 0.8
    assert frontality(Pose(120, 0, 0, 1, np.zeros(2, np.float32), 0)) == 0


def test_a_mouth_at_rest_is_neutral():
    assert neutrality(0) == neutrality(0.15) == 1
    assert neutrality(0.65) == neutrality(2) == 0.5


@pytest.mark.parametrize("worse", ["blurred", "turned", "blinking", "speaking", "coarse", "undetected"])
def test_the_better_frame_is_chosen(picture, worse, tmp_path):
    good = observation(picture, "1")
    if worse == "blurred":
        bad = observation(gaussian(picture, 2), "0")
    elif worse == "turned":
        good, bad = observation(picture, "1", turned(0)), observation(picture, "0", turned(25))
    elif worse == "blinking":
        bad = observation(picture, "0", blinking())
    elif worse == "speaking":
        good, bad = observation(picture, "1", turned(0)), observation(picture, "0", speaking())
    elif worse == "undetected":
        bad = Observation(Frame(picture, 0, "0"))
    else:
        for name, quality in (("0", 20), ("1", 85)):
            (tmp_path / f"{name}.jpg").write_bytes(jpeg_bytes(picture, quality))
        frames = read(tmp_path).frames
        bad, good = (Observation(frame, BOX, 1.0, face()) for frame in frames)
    for pair in ((good, bad), (bad, good)):
        chosen, why, scores = choose_reference(pair)
        assert pair[chosen] is good
        assert scores[chosen].text in why
        assert scores[chosen].total == max(score.total for score in scores)


def test_equal_frames_are_told_apart_by_name_not_by_order(picture):
    frames = [observation(picture, name) for name in ("2", "0", "1")]
    first, *_ = choose_reference(frames)
    second, *_ = choose_reference(frames[::-1])
    assert frames[first].frame.name == frames[::-1][second].frame.name


def test_the_user_decides_by_index_or_name(picture):
    frames = [observation(picture, "4"), observation(picture, "7")]
    assert choose_reference(frames, 7)[0] == 1
    assert choose_reference(frames, "4")[:2] == (0, "chosen by the user")
    with pytest.raises(UsageError, match=r"'5' is not among the frames in use; they are 4 \(4\), 7 \(7\)"):
        choose_reference(frames, 5)


def test_a_frame_in_which_something_covers_the_face_is_not_chosen(picture):
    """The covered frame is the sharpest of all, as a hand with its edges makes it."""
    covered = gaussian(picture, 0.3)
    covered[55:95, 25:75] = (np.indices((40, 50)).sum(axis=0) % 12 < 6)[..., None] * 0.6 + 0.2
    frames = [observation(picture, "0"), observation(gaussian(picture, 0.6), "1"), observation(covered, "2")]
    frames.append(observation(gaussian(picture, 0.8), "3"))
    scores = score_references(frames)
    assert scores[2].sharp == 1
    assert scores[2].typical < min(s.typical for s in (scores[0], scores[1], scores[3]))
    assert frames[choose_reference(frames)[0]].frame.name == "0"


def test_scores_are_shares(picture):
    for score in score_references([observation(picture, "0"), observation(gaussian(picture, 1), "1")]):
        parts = (
            score.frontal,
            score.sharp,
            score.open_eyes,
            score.clean,
            score.detected,
            score.typical,
            score.neutral,
            score.total,
        )
        assert all(0 <= part <= 1 for part in parts)


def test_a_damaged_frame_is_the_reference_only_where_there_is_no_other(picture):
    blurred = gaussian(picture, 1.5)
    whole, damaged = observation(blurred, "0"), observation(picture, "1")
    damaged = replace(damaged, frame=replace(damaged.frame, damaged=True, notes=("damaged: concealed",)))
    assert choose_reference([whole, damaged])[0] == 0
    assert "1 undamaged of 2 frames" in choose_reference([whole, damaged])[1]
    assert choose_reference([whole, damaged], 1)[0] == 1
    worse = replace(whole, frame=replace(whole.frame, damaged=True))
    assert choose_reference([worse, damaged])[0] == 1
