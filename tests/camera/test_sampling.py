"""Enlarged captures: found at their own size and given back, whatever program enlarged, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from mfrec.camera.sampling import KERNELS, enlarging, find_enlargement, reduced
from mfrec.image.geometry import resize
from mfrec.imageio import jpeg_bytes
from mfrec.imageio.memory import decoded

PROGRAMS = ["opencv cubic", "opencv linear", "pillow bicubic", "pillow lanczos"]


def eight_bits(image: np.ndarray) -> np.ndarray:
    return (np.rint(np.clip(image, 0, 1) * 255) / 255).astype(np.float32)


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    """A noisy frame of 64 x 72 px of the portrait."""
    from skimage.data import astronaut

    portrait = (astronaut() / 255.0).astype(np.float32)[0:288, 90:346]
    noise = np.random.default_rng(0).normal(0, 2 / 255, (72, 64, 3))
    return eight_bits(resize(portrait, 72, 64, interpolation="area") + noise)


def enlarged_by(program: str, image: np.ndarray, factor: float) -> np.ndarray:
    height, width = (round(factor * n) for n in image.shape[:2])
    name, kernel = program.split()
    if name == "opencv":
        way = {"cubic": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR}[kernel]
        return eight_bits(cv2.resize(image, (width, height), interpolation=way))
    way = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}[kernel]
    large = Image.fromarray((image * 255).astype(np.uint8)).resize((width, height), way)
    return np.asarray(large, np.float32) / np.float32(255)


# The programs one after the other at each size: what is computed for a size serves all of them.
@pytest.mark.parametrize("program", PROGRAMS[:3])
@pytest.mark.parametrize("factor", [1.5, 2.0, 2.5, 3.0])
def test_the_own_size_is_found_and_its_pixels_come_back(program, factor, frame):
    found = find_enlargement(enlarged_by(program, frame, factor))
    assert found is not None
    assert (found.width, found.height) == (64, 72)
    assert found.factor == pytest.approx(factor, rel=0.01)
    again = reduced(enlarged_by(program, frame, factor), found.width, found.height, found.kernel)
    assert again.shape == frame.shape
    inner = np.s_[4:-4, 4:-4]
    # By exactly two, linear and the softer cubic span the same space, and the commoner is taken.
    limit = 5 if (program, factor) == ("opencv linear", 2.0) else 2
    assert 255 * np.sqrt(((again[inner] - frame[inner]) ** 2).mean()) < limit


def test_lanczos_is_found_at_twice_the_size(frame):
    found = find_enlargement(enlarged_by(PROGRAMS[3], frame, 2))
    assert found is not None
    assert (found.width, found.kernel) == (64, "lanczos 3")


def test_it_is_found_through_a_jpeg_of_high_quality(frame):
    saved = decoded("a.jpg", jpeg_bytes(enlarged_by(PROGRAMS[0], frame, 2), 95))[0].image
    found = find_enlargement(saved)
    assert found is not None
    assert found.width == 64


@pytest.mark.parametrize("quality", [None, 95, 60])
def test_a_frame_at_its_own_size_is_left_alone(quality, frame, portrait):
    for image in (frame, portrait):
        seen = image if quality is None else decoded("a.jpg", jpeg_bytes(image, quality))[0].image
        assert find_enlargement(seen) is None


def test_blurred_flat_and_tiny_pictures_are_no_enlargements(frame):
    assert find_enlargement(eight_bits(cv2.GaussianBlur(frame, (0, 0), 1.5))) is None
    assert find_enlargement(np.full((96, 96, 3), 0.4, np.float32)) is None
    assert find_enlargement(frame[:32, :32]) is None


@pytest.mark.parametrize("kernel", KERNELS)
def test_enlarging_keeps_a_flat_row_and_agrees_with_opencv(kernel, frame):
    matrix = enlarging(128, 2.0, kernel)
    assert matrix.shape == (128, 64)
    assert np.allclose(matrix.sum(axis=1), 1)
    row = frame[10, :, 0]
    ways = {"cubic 0.75": cv2.INTER_CUBIC, "linear": cv2.INTER_LINEAR}
    if kernel in ways:
        theirs = cv2.resize(row[None], (128, 1), interpolation=ways[kernel])[0]
        assert np.allclose(matrix @ row, theirs, atol=1e-4)
