"""One person is followed, everybody is counted, and no frame goes without a reason."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from mfrec.errors import NoFaceError, UsageError
from mfrec.face.detect import Detection, overlap
from mfrec.face.people import Face, group_people, without_foreign
from mfrec.image.geometry import resize
from mfrec.pipeline import Run
from mfrec.stages.track import Track
from mfrec.types import Dropped, FaceTrack, FloatArray, Frame, Landmarks, Observation

ASTRONAUT = (skimage.data.astronaut() / 255).astype(np.float32)
CAMERAMAN = np.dstack([skimage.data.camera() / 255] * 3).astype(np.float32)
FACES = {"astronaut": (ASTRONAUT, (222, 118), 111), "cameraman": (CAMERAMAN, (227, 157), 85)}
"""Picture, centre of the face and its height in pixels."""


def crop(who: str, size: int, dx: int = 0, dy: int = 0) -> FloatArray:
    """A tight crop, the face 55 % of its height."""
    picture, (x, y), height = FACES[who]
    half = round(height / 0.55 / 2)
    x, y = x + dx, max(y + dy, half)
    return resize(picture[y - half : y + half, x - half : x + half], size, size, interpolation="area")


def scene(*people: tuple[str, int, int, int]) -> FloatArray:
    """A table with coffee and, pasted onto it, (who, height, x, y)."""
    canvas = resize((skimage.data.coffee() / 255).astype(np.float32), 180, 330, interpolation="area")
    for who, height, x, y in people:
        size = round(height / 0.55)
        canvas[y - size // 2 : y - size // 2 + size, x - size // 2 : x - size // 2 + size] = crop(who, size)
    return canvas


def start(images: list[FloatArray], fps: float | None = None) -> FaceTrack:
    frames = [
        Frame(image, i, f"{i}.png", sha256=hashlib.sha256(image.tobytes()).hexdigest(), time=i / fps if fps else None)
        for i, image in enumerate(images)
    ]
    return FaceTrack(tuple(Observation(frame) for frame in frames))


def crops(size: int, count: int = 5) -> list[FloatArray]:
    return [crop("astronaut", size, 3 * i - 6, 2 * (i % 3)) for i in range(count)]


@pytest.fixture(scope="module")
def tracked() -> FaceTrack:
    return Track()(start(crops(48)), Run())


def test_every_tight_crop_is_used_and_complete(tracked: FaceTrack) -> None:
    assert [o.frame.index for o in tracked.observations] == [0, 1, 2, 3, 4]
    assert tracked.dropped == ()
    assert tracked.warnings == ()
    for o in tracked.observations:
        assert o.box is not None
        assert o.landmarks is not None
        assert o.embedding is not None
        assert o.embedding.shape == (128,)
        assert 0.7 < o.score <= 1
        x0, y0, x1, y1 = o.box
        inside = (o.landmarks.points[17:] > [x0 - 3, y0 - 3]) & (o.landmarks.points[17:] < [x1 + 3, y1 + 3])
        assert inside.all()
    assert len(tracked.subjects) == 1
    assert tracked.subjects[0].chosen
    assert set(tracked.subjects[0].boxes) == {0, 1, 2, 3, 4}


def test_the_boxes_follow_the_motion(tracked: FaceTrack) -> None:
    x = [float(o.box[0] + o.box[2]) / 2 for o in tracked.observations if o.box is not None]
    # The crop moves by 3 of 202 pixels to the right each time, so the face moves to the left in 48.
    assert np.polyfit(range(5), x, 1)[0] == pytest.approx(-3 * 48 / 202, abs=0.25)


def test_the_input_is_not_touched() -> None:
    before = start(crops(32, 2))
    Track()(before, Run())
    assert all(o.box is None and o.landmarks is None for o in before.observations)


def test_twice_the_same_and_in_any_order(tracked: FaceTrack) -> None:
    images = crops(48)
    order = [3, 0, 4, 1, 2]
    other = Track()(start([images[i] for i in order]), Run())
    for position, i in enumerate(order):
        a, b = other.observations[position], tracked.observations[i]
        for name in ("box", "embedding"):
            assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
        assert a.landmarks is not None
        assert b.landmarks is not None
        assert a.landmarks.points.tobytes() == b.landmarks.points.tobytes()
    assert other.warnings == tracked.warnings


def test_one_frame_runs() -> None:
    track = Track()(start(crops(32, 1)), Run())
    assert len(track.observations) == 1
    assert track.warnings == ()


def test_a_missed_face_among_tight_crops_is_left_to_align() -> None:
    images = crops(48)
    images[2] = np.full_like(images[2], 0.5)
    track = Track()(start(images), Run())
    assert [o.box is None for o in track.observations] == [False, False, True, False, False]
    assert track.observations[2].score == 0
    assert track.dropped == ()


def test_somebody_else_among_tight_crops_is_left_out_with_the_reason() -> None:
    track = Track()(start([*crops(128), crop("cameraman", 128)]), Run())
    assert [o.frame.index for o in track.observations] == [0, 1, 2, 3, 4]
    (dropped,) = track.dropped
    assert (dropped.name, dropped.index, dropped.stage) == ("5.png", 5, "track")
    assert dropped.frame is not None and dropped.frame.index == 5, "the report shows what was left out"
    assert "somebody else (subject 2): identity distance 0." in dropped.reason
    assert [subject.chosen for subject in track.subjects] == [True, False]


def test_somebody_else_at_32_pixels_is_at_least_named_in_a_warning() -> None:
    track = Track()(start([*crops(32), crop("cameraman", 32)]), Run())
    assert any("5.png" in text for text in (*track.warnings, *(d.name for d in track.dropped)))


def test_the_frame_that_the_caller_named_is_not_taken_for_somebody_else() -> None:
    vectors = np.random.default_rng(0).normal(size=(7, 128)) * 0.3 / 16
    vectors[4] += 0.5 * np.eye(128)[0]  # near enough to be joined, far enough to stand apart
    group = list(range(7))
    assert without_foreign(group, vectors, set()) == [[0, 1, 2, 3, 5, 6], [4]]
    assert without_foreign(group, vectors, {4}) == [group]

    frames = [Frame(np.full((8, 8, 3), k / 10, np.float32), k, f"{k}.png") for k in group]
    places = [Detection(np.array([1, 1, 7, 7], np.float32), 1.0, np.zeros((5, 2), np.float32)) for _ in group]
    where = Landmarks(np.zeros((68, 2), np.float32))
    faces = [Face(k, place, where, vector) for k, (place, vector) in enumerate(zip(places, vectors, strict=True))]
    assert sorted(map(len, group_people(frames, faces))) == [1, 6]
    assert list(map(len, group_people(frames, faces, spared=[4]))) == [7]

    # Where they are neighbours of a video it is who it was a moment ago; in frames chosen minutes apart nobody knows.
    for seconds, people in ((0.04, [7]), (60.0, [1, 6])):
        timed = [replace(frame, time=seconds * frame.index) for frame in frames]
        assert sorted(map(len, group_people(timed, faces))) == people


def test_drops_and_warnings_of_earlier_stages_stay() -> None:
    early = Dropped("broken.jpg", "truncated")
    before = start(crops(32, 2))
    track = Track()(FaceTrack(before.observations, dropped=(early,), warnings=("careful",)), Run())
    assert track.dropped[0] == early
    assert track.warnings[0] == "careful"


def test_no_face_anywhere_says_so() -> None:
    for size in (64, 240):
        empty = resize(scene(), size, size * 3 // 2, interpolation="area")
        with pytest.raises(NoFaceError, match=r"no face was found in any of the 3 frames .*check that these"):
            Track()(start([empty] * 3), Run())


@pytest.mark.parametrize("fps", [None, 25.0])
def test_two_people_are_numbered_and_either_can_be_followed(fps: float | None) -> None:
    images = [scene(("astronaut", 36, 80 + 5 * i, 100), ("cameraman", 64, 268 - 4 * i, 118)) for i in range(3)]
    images.append(scene(("astronaut", 36, 100, 100)))
    images.append(scene())
    first = Track()(start(images, fps), Run())
    assert [len(subject.boxes) for subject in first.subjects] == [3, 4]
    assert [o.frame.index for o in first.observations] == [0, 1, 2]
    reasons = {d.name: d.reason for d in first.dropped}
    assert "somebody else (subject 2)" in reasons["3.png"]
    assert "no face found" in reasons["4.png"]
    second = Track(subject=2)(start(images, fps), Run())
    assert [o.frame.index for o in second.observations] == [0, 1, 2, 3]
    for i, o in enumerate(second.observations[:3]):
        assert o.box is not None
        assert overlap(o.box, np.array([80 + 5 * i - 14, 82, 80 + 5 * i + 14, 118])) > 0.5
    with pytest.raises(UsageError, match="no subject 3: 2 people were found"):
        Track(subject=3)(start(images[:1], fps), Run())
    # The frame that the caller named shows one of the two alone, or both of them.
    assert [s.chosen for s in Track(reference=3)(start(images, fps), Run()).subjects] == [False, True]
    assert [s.chosen for s in Track(reference="0.png")(start(images, fps), Run()).subjects] == [True, False]
    assert [s.chosen for s in Track(subject=1, reference=3)(start(images, fps), Run()).subjects] == [True, False]
