"""A turned frame is the same samples elsewhere, and its JPEG tables still say how each was rounded."""

import io

import numpy as np
import pytest
from PIL import Image

from mfrec.face.turn import TURNS, turned
from mfrec.imageio.memory import decoded
from mfrec.types import FloatArray, Frame


def jpeg_frame(portrait: FloatArray) -> Frame:
    """43 x 30 pixels: neither side is whole blocks."""
    file = io.BytesIO()
    Image.fromarray((portrait[80:110, 60:103] * 255).astype(np.uint8)).save(file, "JPEG", quality=30, subsampling=0)
    return decoded("face.jpg", file.getvalue())[0]


def test_clockwise(portrait: FloatArray) -> None:
    frame = Frame(portrait, 0, "a")
    assert np.array_equal(turned(frame, 90).image[0], portrait[::-1, 0])
    assert turned(frame, 0) is frame


@pytest.mark.parametrize("degrees", TURNS[1:])
def test_turned_on_to_the_full_circle(portrait: FloatArray, degrees: int) -> None:
    frame = jpeg_frame(portrait)
    back = turned(turned(frame, degrees), 360 - degrees)
    assert np.array_equal(back.image, frame.image)
    assert f"turned by {degrees} degrees clockwise" in turned(frame, degrees).notes
    assert frame.jpeg is not None
    assert back.jpeg is not None
    assert np.array_equal(back.jpeg.luma, frame.jpeg.luma)
    assert back.jpeg.phase == frame.jpeg.phase


@pytest.mark.parametrize("degrees", TURNS)
def test_the_tables_turn_with_the_blocks(portrait: FloatArray, degrees: int) -> None:
    """The luma of a whole block is a sum of multiples of its table's steps, wherever it lies."""
    import cv2

    from mfrec.image.colour import luma

    frame = turned(jpeg_frame(portrait), degrees)
    assert frame.jpeg is not None
    x, y = frame.jpeg.phase
    grey = (luma(frame.image) - np.float32(128 / 255)).astype(np.float32)
    height, width = (np.array(grey.shape) - [y, x]) // 8
    off = []
    for row in range(height):
        for column in range(width):
            block = grey[y + 8 * row : y + 8 * row + 8, x + 8 * column : x + 8 * column + 8]
            levels = cv2.dct(np.ascontiguousarray(block)) * 255 / (frame.jpeg.luma * 255)
            off.append(np.abs(levels - np.rint(levels))[:4, :4].max())
    # Rounding to 8 bits blurs the multiples a little; a wrong table or place makes them arbitrary (0.5 somewhere).
    assert np.median(off) < 0.15


def test_other_angles_are_refused(portrait: FloatArray) -> None:
    with pytest.raises(ValueError, match="45"):
        turned(Frame(portrait, 0, "a"), 45)
