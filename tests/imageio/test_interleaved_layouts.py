"""Interleaved YCbCr: the samples that are stored, under whatever matrix the file declares or does not know."""

from __future__ import annotations

import av
import numpy as np
import pytest

from mfrec.imageio.ycbcr import PLANAR_TWINS, picture_image


@pytest.mark.parametrize("layout", ["nv12", "nv21", "uyvy422", "yuyv422"])
@pytest.mark.parametrize("matrix", [1, 5, 8, 3, 19])
def test_the_picture_is_that_of_its_planes(layout: str, matrix: int) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    planar = av.VideoFrame.from_ndarray(np.kron(colours, np.ones((8, 8, 1), np.uint8)), "rgb24").reformat(
        format=PLANAR_TWINS[layout]
    )
    stored = planar.reformat(format=layout)
    images, said = [], []
    for picture in (planar, stored):
        picture.colorspace, notes = matrix, []
        images.append(picture_image(picture, notes))
        said.append(notes)
    assert np.array_equal(*images) and said[0] == said[1]
