"""The codec's blocks over a face, as a picture and in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mfrec.report.codec import SIDE, codec_picture, codec_words
from mfrec.types import CodecView, Frame, Observation


def observed() -> Observation:
    """A face over four blocks: rounded finely, coarsely, and two that repeat the frame before."""
    quantisers = np.full((4, 4), 20.0, np.float32)
    quantisers[1, 2] = 40.0
    copied = np.zeros((4, 4), bool)
    copied[2] = True
    view = CodecView("P", quantisers, "H.264 QP", copied)
    frame = Frame(np.full((64, 64, 3), 0.5, np.float32), 0, "clip#0", codec=view)
    return Observation(frame, np.array([16, 16, 47, 47], np.float32))


def test_words() -> None:
    expected = (
        "coded from earlier frames (P), H.264 QP 20 to 40 over the face, 25 in the mean, 50 % of its blocks repeat the"
    )
    assert codec_words(observed()) == f"{expected} frame before"
    assert codec_words(replace(observed(), box=None)) == ""


def test_the_picture_shows_what_is_coarse_and_what_is_a_copy() -> None:
    picture = codec_picture(observed())
    assert picture is not None
    assert picture.shape == (SIDE, SIDE, 3)
    fine, coarse, copy = (picture[24, 24].astype(int), picture[24, 72].astype(int), picture[72, 24].tolist())
    assert coarse.sum() > fine.sum() + 100
    assert copy == [70, 130, 200]
    bare = replace(observed(), frame=replace(observed().frame, codec=None))
    assert codec_picture(bare) is None
