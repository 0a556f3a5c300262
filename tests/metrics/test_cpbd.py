"""CPBD: the values of another implementation, the direction of blur, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.image.filters import gaussian
from mfrec.metrics.cpbd import BLOCK, cpbd, edge_widths

PUBLISHED = {
    "camera": (0.7481657466284677, 0.5798419698640205),
    "coins": (0.7646694214876033, 0.6202211690363348),
    "page": (0.8920809392955283, 0.8413182789136405),
    "brick": (0.25554137719173875, 0.1352211986807688),
}
"""What cpbd-py312 1.0.3, a port of the authors' release, says of scikit-image's pictures, and of the means of
horizontal neighbours in them."""


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    from skimage.data import astronaut

    return (astronaut()[:256, 100:356] / 255.0).astype(np.float32)


@pytest.mark.parametrize("name", PUBLISHED)
def test_agrees_with_an_independent_implementation(name: str) -> None:
    import skimage.data

    picture = getattr(skimage.data, name)()
    soft = (picture[:, 1:].astype(np.float64) + picture[:, :-1]) / 2
    for image, expected in zip((picture, soft), PUBLISHED[name], strict=True):
        assert cpbd(image / 255.0) == pytest.approx(expected, abs=1e-6)


def test_twice_the_blur_never_raises_it(portrait: np.ndarray) -> None:
    values = [cpbd(portrait), *(cpbd(np.clip(gaussian(portrait, s), 0, 1)) for s in (0.5, 1, 2, 4, 8))]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[1] > values[2] > values[3]
    assert values[-1] < 0.01


def slope(width: int) -> np.ndarray:
    """``[128, 128]`` with an upright edge, steepest in its middle, from 40 to 200 over ``width`` (even) pixels."""
    grey = np.full((128, 128), 40.0)
    grey[:, 30 : 31 + width] = 120 - 80 * np.cos(np.linspace(0, np.pi, width + 1))
    grey[:, 31 + width :] = 200.0
    return grey


@pytest.mark.parametrize("width", [2, 4, 10])
def test_the_width_of_an_edge_is_its_length(width: int) -> None:
    rising = slope(width)
    for picture in (rising, rising[:, ::-1], 240 - rising):
        widths = edge_widths(np.ascontiguousarray(picture))
        assert set(np.unique(widths)) == {0, width}
    assert edge_widths(np.ascontiguousarray(rising.T)).max() == 0, "an edge that lies down has no width along its row"


def test_an_edge_counts_up_to_the_just_noticeable_width() -> None:
    assert cpbd(slope(2) / 255) == 1.0
    assert cpbd(slope(4) / 255) == 0.0, "above a contrast of 50 grey levels, 3 px"
    assert cpbd((120 + 0.3 * slope(4)) / 255) == 1.0, "below, 5 px"
    assert cpbd((120 + 0.3 * slope(6)) / 255) == 0.0
    assert cpbd(np.full((128, 128, 3), 0.5)) == 0.0, "nothing to be sharp"


def test_grey_and_colour_agree(portrait: np.ndarray) -> None:
    grey = portrait.mean(axis=2)
    assert cpbd(np.dstack([grey] * 3)) == pytest.approx(cpbd(grey), abs=0.01)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=f"{BLOCK - 1} x {BLOCK} px, expected at least {BLOCK} x {BLOCK}"):
        cpbd(np.zeros((BLOCK, BLOCK - 1)))
    with pytest.raises(ValueError, match="1 of 4096 values of the picture are NaN"):
        cpbd(np.pad(np.full((1, 1), np.nan), ((0, BLOCK - 1), (0, BLOCK - 1))))
    with pytest.raises(TypeError, match="the picture is uint8"):
        cpbd(np.zeros((BLOCK, BLOCK), np.uint8))
