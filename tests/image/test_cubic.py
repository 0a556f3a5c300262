"""Keys' cubic: exact where the theory says so, and the same as Pillow's where no border is near."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.image.cubic import cubic_weights, keys_kernel, resize_cubic


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((48, 60), np.float32)


@pytest.mark.parametrize(("old", "new"), [(16, 64), (64, 16), (30, 45), (45, 30), (3, 12), (12, 3)])
def test_weights_sum_to_one_and_mirror(old: int, new: int) -> None:
    weights = cubic_weights(old, new)
    assert weights.shape == (new, old)
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert weights == pytest.approx(weights[::-1, ::-1])


def test_kernel_interpolates() -> None:
    assert keys_kernel(np.array([0.0, 1.0, -1.0, 2.0, 3.0])) == pytest.approx([1, 0, 0, 0, 0])
    assert keys_kernel(np.array([0.5, 1.5])) == pytest.approx([0.5625, -0.0625])


def test_the_same_size_changes_nothing(picture: np.ndarray) -> None:
    assert resize_cubic(picture, *picture.shape) == pytest.approx(picture, abs=1e-7)


def test_a_straight_slope_stays_straight() -> None:
    slope = np.tile(np.arange(32.0), (8, 1))
    wide = resize_cubic(slope, 8, 128)[:, 16:-16]
    assert wide == pytest.approx(np.tile((np.arange(128) + 0.5) / 4 - 0.5, (8, 1))[:, 16:-16], abs=1e-5)


@pytest.mark.parametrize("size", [(96, 240), (12, 15), (36, 40)])
def test_agrees_with_pillow_away_from_the_border(picture: np.ndarray, size: tuple[int, int]) -> None:
    from PIL import Image

    other = np.asarray(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.BICUBIC))
    ours = resize_cubic(picture, *size)
    y, x = (int(np.ceil(2 * max(1.0, new / old))) for old, new in zip(picture.shape, size, strict=True))
    assert ours[y + 1 : -y - 1, x + 1 : -x - 1] == pytest.approx(other[y + 1 : -y - 1, x + 1 : -x - 1], abs=1e-5)


def test_channels_are_independent(picture: np.ndarray) -> None:
    both = resize_cubic(np.dstack([picture, 1 - picture]), 20, 90)
    assert both[..., 0] == pytest.approx(resize_cubic(picture, 20, 90))
    assert both.sum(axis=2) == pytest.approx(np.ones((20, 90)), abs=1e-5)
