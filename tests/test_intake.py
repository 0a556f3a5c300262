"""Frames on their way into the chain: their order, and enlarged captures that get their own pixels back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mfrec.image.geometry import resize
from mfrec.intake import at_own_sampling, in_order, read_track
from mfrec.options import Options


def captures(portrait: np.ndarray, factor: float) -> list[np.ndarray]:
    """Three frames of 64 px, shown at another size and captured with 8 bits."""
    rng = np.random.default_rng(0)
    small = resize(portrait, 64, 64, interpolation="area")
    side = round(factor * 64)
    shown = []
    for _ in range(3):
        frame = np.clip(small + rng.normal(0, 2 / 255, small.shape), 0, 1).astype(np.float32)
        shown.append(np.clip(cv2.resize(frame, (side, side), interpolation=cv2.INTER_CUBIC), 0, 1))
    return [np.rint(255 * image).astype(np.uint8) for image in shown]


@pytest.mark.parametrize(("factor", "asked", "own"), [(2.0, 4, 8), (2.0, 2, 4), (1.5, 4, 6), (2.5, 2, 5)])
def test_the_picture_keeps_the_size_that_was_asked_for(portrait, factor, asked, own):
    options = Options(scale=asked)
    read = read_track(captures(portrait, factor), options)
    track, used = at_own_sampling(read, options)
    frame = track.observations[0].frame
    assert frame.image.shape == (64, 64, 3)
    assert used.scale == own
    assert used.scale * 64 == asked * read.observations[0].frame.image.shape[0]
    assert "brought back" in frame.notes[-1]
    assert "64 x 64" in track.warnings[-1]
    assert options.scale == asked
    assert frame.sha256 == read.observations[0].frame.sha256


@pytest.mark.parametrize(("factor", "asked"), [(1.7, 4), (1.5, 3), (3.0, 4)])
def test_where_no_whole_scale_fits_the_frames_stay_and_the_reader_is_told(portrait, factor, asked):
    options = Options(scale=asked)
    read = read_track(captures(portrait, factor), options)
    track, used = at_own_sampling(read, options)
    assert used == options
    assert track.observations == read.observations
    assert "export them at their own size" in track.warnings[-1]


def test_by_the_size_of_the_face_captures_are_brought_back_whatever_they_were_enlarged_by(portrait):
    options = Options(scale="auto")
    track, used = at_own_sampling(read_track(captures(portrait, 1.7), options), options)
    assert used.scale == "auto" and track.observations[0].frame.image.shape == (64, 64, 3)
    assert "by the size of the face there" in track.warnings[-1]


def test_frames_of_their_own_size_pass(portrait):
    read = read_track(captures(portrait, 1.0), Options())
    assert at_own_sampling(read, Options()) == (read, Options())


def test_frames_that_disagree_pass(portrait):
    frames = captures(portrait, 2.0)
    frames[1] = np.asarray(cv2.GaussianBlur(frames[1], (0, 0), 2))
    read = read_track(frames, Options())
    assert at_own_sampling(read, Options())[0] is read


def test_listed_files_are_taken_in_natural_order() -> None:
    names = ["b/10.png", "a/3.png", "b/2.png"]
    assert in_order(names) == [Path("a/3.png"), Path("b/2.png"), Path("b/10.png")]
    assert in_order("folder") == "folder"
    arrays = [np.zeros((8, 8, 3)), np.ones((8, 8, 3))]
    kept = in_order(arrays)
    assert isinstance(kept, list)
    assert [id(array) for array in kept] == [id(array) for array in arrays]
