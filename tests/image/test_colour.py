"""Luma and colour differences."""

import numpy as np
from PIL import Image

from mfrec.image.colour import luma, rgb_to_ycc, ycc_to_rgb


def test_there_and_back(portrait):
    assert np.abs(ycc_to_rgb(rgb_to_ycc(portrait)) - portrait).max() < 1e-5


def test_agrees_with_the_jpeg_library(portrait):
    eight_bit = np.rint(portrait * 255).astype(np.uint8)
    theirs = np.asarray(Image.fromarray(eight_bit).convert("YCbCr"), np.float32)
    ours = rgb_to_ycc(eight_bit / np.float32(255)) * 255 + [0, 128, 128]
    assert np.abs(ours - theirs).max() <= 1.01  # Pillow rounds to whole numbers


def test_luma_is_the_first_plane(portrait):
    assert np.allclose(luma(portrait), rgb_to_ycc(portrait)[..., 0], atol=1e-6)
