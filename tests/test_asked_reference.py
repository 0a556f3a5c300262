"""Which frame is meant, and what is said of one that is not to be had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_case import portrait

import mfrec
from mfrec.asked_reference import check_reference, find_reference
from mfrec.errors import UsageError
from mfrec.imageio import read
from mfrec.types import Dropped, FaceTrack, Frame, Observation


def test_reference_may_be_an_index_digits_or_a_name(sequence: Path) -> None:
    frames = read(sequence).frames
    assert find_reference("auto", frames) == "auto"
    assert find_reference(2, frames) == find_reference("2", frames) == find_reference("2.png", frames) == 2
    for wrong, expected in ((7, "counted from 0 to 6"), (-1, "no frame's name"), ("3.pgn", "did you mean '3.png'")):
        with pytest.raises(UsageError, match=expected):
            find_reference(wrong, frames)
    twins = [Frame(frames[0].image, i, "same.png") for i in range(2)]
    with pytest.raises(UsageError, match="names 2 frames; give an index, one of 0, 1"):
        find_reference("same.png", twins)
    digits = [Frame(frames[0].image, 0, "5"), Frame(frames[0].image, 5, "x")]
    assert find_reference("5", digits) == 0  # a name is meant before a number


def test_a_reference_that_was_left_out_is_refused_with_the_reason(sequence: Path) -> None:
    frames = read(sequence).frames
    unread = Dropped("9.png", "the file is empty", 9)
    for wanted in ("9.png", "9", 9):
        with pytest.raises(UsageError, match=r"was left out: the file is empty \(stage read\); give auto, or one"):
            find_reference(wanted, frames, [unread])
    in_use = [Observation(frame) for frame in (*frames[4:], *frames[:3])]
    track = FaceTrack(tuple(in_use), (Dropped("3.png", "no face found", 3, "track"),))
    expected = (
        r"--reference 3 \(3\.png\) was left out: no face found \(stage track\); .* in use: 0 \(0\.png\), 1 .*, 6 "
    )
    with pytest.raises(UsageError, match=expected):
        check_reference(3, track)
    check_reference(4, track)
    check_reference("auto", track)


def test_a_reference_without_a_face_is_refused_with_the_reason() -> None:
    wide = [np.pad(portrait(120), ((20 + i, 160 - i), (20, 160), (0, 0))) for i in range(3)]
    blank = np.full((300, 300, 3), 0.5, np.float32)
    with pytest.raises(UsageError, match=r"--reference 3 \(array 3\) was left out: no face found"):
        mfrec.reconstruct([*wide, blank], reference=3, scale=1)
