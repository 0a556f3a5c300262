"""A foreign frame is found, a result that has left its frames is noticed."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from mfrec.face.detect import detect_faces
from mfrec.face.identity_gate import (
    IdentityCheck,
    check_identity,
    find_foreign,
    find_lookalikes,
    foreign_score,
    mirrored,
    steady_embeddings,
)
from mfrec.face.landmarks import detect_landmarks
from mfrec.image.geometry import resize
from mfrec.types import Canvas, FaceTrack, Frame, Landmarks, Observation

ASTRONAUT = (skimage.data.astronaut()[:256, 96:352] / 255).astype(np.float32)
CAMERAMAN = np.dstack([skimage.data.camera()[60:260, 130:330] / 255] * 3).astype(np.float32)


def found(image) -> Landmarks:
    return detect_landmarks(image, max(detect_faces(image), key=lambda face: face.side).box)


def cloud(count: int, spread: float, centre=0.0, seed=0) -> np.ndarray:
    """Points whose distances from each other are ``spread`` in the mean."""
    points = np.random.default_rng(seed).normal(size=(count, 128))
    return (points * spread / np.sqrt(2 * 128) + np.eye(128)[0] * centre).astype(np.float32)


@pytest.mark.parametrize("place", [0, 3, 6])
def test_one_that_stands_apart_is_found_wherever_it_is(place):
    vectors = cloud(7, 0.35)
    vectors[place] = cloud(1, 0.35, 0.75, seed=1)[0]
    assert find_foreign(vectors) == [place]


def test_loose_and_tight_groups_of_one_person_stay_whole():
    for spread in (0.0, 0.2, 0.4, 0.6):
        assert find_foreign(cloud(7, spread)) == []


def test_two_foreign_frames_do_not_hide_each_other():
    vectors = np.concatenate([cloud(6, 0.3), cloud(2, 0.3, 0.9, seed=2)])
    assert sorted(find_foreign(vectors)) == [6, 7]


def test_a_majority_is_not_foreign_and_three_frames_accuse_nobody():
    vectors = np.concatenate([cloud(3, 0.3), cloud(4, 0.3, 1.5, seed=2)])
    assert len(find_foreign(vectors)) <= 2
    assert find_foreign(np.concatenate([cloud(2, 0.3), cloud(1, 0.3, 2.0, seed=3)])) == []
    assert find_foreign([]) == []


def test_a_face_that_is_lit_otherwise_among_equal_ones_stays():
    vectors = cloud(5, 0.02)
    vectors[2] += 0.45 * np.eye(128, dtype=np.float32)[1]
    assert find_foreign(vectors) == []


def test_the_score_is_what_it_says():
    vectors = cloud(5, 0.6).astype(np.float64)
    distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    others = [1, 2, 3, 4]
    within = distance[np.ix_(others, others)].sum() / 12
    assert foreign_score(distance)[0] == pytest.approx(distance[0, 1:].mean() - 0.5 * within)


def test_a_face_and_its_mirror_image_have_one_embedding():
    landmarks = found(ASTRONAUT)
    flipped = np.ascontiguousarray(ASTRONAUT[:, ::-1])
    one, other = steady_embeddings([(ASTRONAUT, landmarks), (flipped, mirrored(landmarks, ASTRONAUT.shape[1]))])
    assert np.linalg.norm(one - other) < 0.02


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    """Three frames of the astronaut at 64 px, the middle one the reference of a canvas four times as large."""
    frames = [resize(np.roll(ASTRONAUT, k, axis=1), 64, 64, interpolation="area") for k in (-6, 0, 9)]
    points = [found(frame) for frame in frames]
    embeddings = steady_embeddings(list(zip(frames, points, strict=True)))
    return FaceTrack(
        tuple(
            Observation(Frame(image, k, f"{k}.png"), landmarks=where, embedding=embedding)
            for k, (image, where, embedding) in enumerate(zip(frames, points, embeddings, strict=True))
        ),
        reference=1,
        canvas=Canvas(0, 0, 64, 64, 4),
    )


def enlarged(track) -> np.ndarray:
    return np.clip(resize(track.observations[1].frame.image, 256, 256), 0, 1)


def test_an_enlargement_of_the_reference_passes(track):
    large = enlarged(track)
    check = check_identity(large, large, track)
    assert set(check.distances) == {0, 1, 2}
    assert check.passed and check.result == check.plain
    assert check.distances[1] < 0.3  # what was enlarged is blurred by the camera once more
    assert check.between is not None


def test_somebody_else_in_its_place_does_not_pass(track):
    theirs, mine = found(CAMERAMAN), track.observations[1].landmarks
    scale = 4 * mine.interocular / theirs.interocular
    large = resize(CAMERAMAN, round(200 * scale), round(200 * scale), interpolation="cubic").clip(0, 1)
    image = np.zeros((256, 256, 3), np.float32)
    start = np.rint(theirs.points[30] * scale - (4 * mine.points[30] + 1.5)).astype(int)
    rows, columns = (np.clip(np.arange(256) + start[k], 0, len(large) - 1) for k in (1, 0))
    image = large[rows[:, None], columns]
    check = check_identity(image, enlarged(track), track)
    assert check.passed is False
    assert "FARTHER" in check.text
    assert check.record()["passed"] is False


def test_nothing_is_decided_without_something_to_compare(track):
    image = np.zeros((256, 256, 3), np.float32)
    bare = FaceTrack(tuple(Observation(o.frame) for o in track.observations), reference=1, canvas=track.canvas)
    assert check_identity(image, image, bare).passed is None
    single = FaceTrack(track.observations[1:2], reference=0, canvas=track.canvas)
    check = check_identity(image, image, single)
    assert check.passed is None
    assert "one frame only" in check.text
    assert IdentityCheck({}, reason="why").text == "not compared: why"


def test_what_is_warned_of_is_farther_than_every_frame_and_than_the_enlargement():
    def check(result, between, farthest, plain):
        return IdentityCheck({0: result}, result, between, farthest, plain)

    assert check(0.30, 0.35, 0.40, 0.3).text.endswith("no warning")
    assert "NO NEARER" in check(0.30, 0.35, 0.40, 0.2).text
    assert "no warning" not in check(0.30, 0.35, 0.40, 0.2).text
    assert check(0.39, 0.35, 0.40, 0.39).text.endswith("though farther than the frames in the median")
    assert check(0.41, 0.35, 0.40, 0.2).passed is False
    # Frames of a still head: what a plain enlargement costs is not the result's fault, however near the frames lie.
    assert check(0.21, 0.05, 0.06, 0.2).passed
    assert check(0.25, 0.05, 0.06, 0.2).passed is False, "near is no excuse"


def test_the_distances_between_the_frames_are_what_they_say(track):
    vectors = cloud(3, 0.4) + np.eye(128, dtype=np.float32)[2] * np.array([[0], [0], [0.7]], np.float32)
    placed = replace(
        track,
        observations=tuple(replace(o, embedding=v) for o, v in zip(track.observations, vectors, strict=True)),
    )
    check = check_identity(enlarged(track), enlarged(track), placed)
    a, b, c = (np.linalg.norm(vectors[i] - vectors[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert check.between == pytest.approx(np.median([a, b, c]), abs=1e-6)
    assert check.farthest == pytest.approx((b + c) / 2, abs=1e-6)


def test_a_lookalike_is_named_and_not_taken_out():
    vectors = cloud(7, 0.35)
    vectors[2] = cloud(1, 0.35, 0.4, seed=1)[0]
    assert find_foreign(vectors) == []
    assert find_lookalikes(vectors) == [2]
    assert find_lookalikes(cloud(7, 0.35)) == []
    assert find_lookalikes(vectors[:3]) == []
