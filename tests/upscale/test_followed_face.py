"""The followed face: found, kept over gaps, enlarged by a method, and put back without a seam."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from portrait_clips import moving
from upscale_clips import write_clip

from mfrec.image.geometry import enlarge
from mfrec.imageio import read
from mfrec.types import Canvas, FloatArray, Frame
from mfrec.upscale.asked import Asked
from mfrec.upscale.followed_face import GAP, FollowedFace, filled
from mfrec.upscale.job import upscale_into
from mfrec.upscale.made import Made
from mfrec.upscale.methods import Method
from mfrec.upscale.seam import put_back


def test_a_part_passes_into_the_picture_around_it() -> None:
    picture, part = np.zeros((80, 96, 3), np.float32), np.ones((40, 40, 3), np.float32)
    out = put_back(picture, part, Canvas(12, 10, 20, 20, 2))
    assert np.array_equal(picture, np.zeros_like(picture))
    assert out[40, 44, 0] == 1 and out[20:60, 24:64].mean() > 0.6
    outside = out.copy()
    outside[20:60, 24:64] = 0
    assert not outside.any()
    assert np.abs(np.diff(out[40, :, 0])).max() < 0.4, "no step at the seam"
    corner = put_back(picture, part, Canvas(0, 0, 20, 20, 2))
    assert corner[0, 0, 0] == 1, "the border of the picture is no seam"


def test_short_gaps_are_filled_in_between_and_long_ones_are_not() -> None:
    seen = {0: [0.0, 0.0, 10.0, 10.0], 4: [8.0, 4.0, 18.0, 14.0], 4 + GAP + 2: [0.0, 0.0, 10.0, 10.0]}
    boxes = filled(seen)
    assert list(boxes) == [0, 1, 2, 3, 4, 4 + GAP + 2]
    assert boxes[1] == [2.0, 1.0, 12.0, 11.0]
    assert boxes[4] == seen[4]


def painted(frames: Sequence[Frame], position: int) -> Made:
    """A method that makes everything red."""
    height, width = frames[position].image.shape[:2]
    return Made(np.broadcast_to(np.array([1, 0, 0], np.float32), (2 * height, 2 * width, 3)).copy(), frozenset((0,)))


def test_only_the_face_is_made_by_the_method() -> None:
    rng = np.random.default_rng(0)
    frame = Frame(rng.random((60, 80, 3), np.float32), 3, "a")
    made = FollowedFace(Method("red", 2, "ENHANCED", painted), {3: [30.0, 20.0, 49.0, 39.0]})
    image, used, part = made([frame], 0)
    assert part == (20, 98, 40, 118)  # half a side around the box, in pixels of the output
    assert len(used) == 1 and image.shape == (120, 160, 3)
    assert np.allclose(image[60, 80], [1, 0, 0])
    plain = enlarge(frame.image, 2)
    assert np.array_equal(image[:18], plain[:18]) and np.array_equal(image[:, :38], plain[:, :38])
    image, used, _ = FollowedFace(made.method, {4: [30.0, 20.0, 49.0, 39.0]})([frame], 0)
    assert not used and np.array_equal(image, plain), "a frame without the face is enlarged as it is"


@pytest.fixture(scope="module")
def clip(portrait: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait, moving, in the left half of frames of 160 x 80 px; nobody in the last one."""
    images = []
    for image in moving(portrait, 5, 80):
        wide = np.full((80, 160, 3), 120, np.uint8)
        wide[:, :80] = image
        images.append(wide)
    images[-1] = np.full_like(images[-1], 120)
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mp4", images, crf=14)


def test_the_face_of_a_clip_is_followed_and_the_rest_stays_plain(clip: Path, tmp_path: Path) -> None:
    asked = Asked(scale=2, window=3, face=True, settings=("fuse.method=mean",))
    record = upscale_into(tmp_path / "out", clip, asked)["upscaled"]
    assert record["face"].startswith("subject 1 of 1 followed, seen in 4 of 5 frames")
    assert record["used"]["least"] == 0 and record["used"]["most"] == 4
    frames, made = read(clip).frames, read(tmp_path / "out" / "upscaled.mp4").frames
    for frame, picture in zip(frames, made, strict=True):
        plain = enlarge(frame.image, 2)
        assert np.abs(picture.image[:, 200:] - plain[:, 200:]).mean() * 255 < 1
    change = np.abs(made[1].image - enlarge(frames[1].image, 2)).mean(axis=2)
    assert change[40:120, 40:120].mean() > 2 * change[:, 200:].mean()
