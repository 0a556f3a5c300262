"""A frame that somebody looks at is the frame that a run works on, whatever was looked at before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from portrait_clips import CODINGS, moving, write

from mfrec.errors import NoFramesError
from mfrec.imageio import read
from mfrec.imageio.player import ClipPlayer, PicturePlayer, player
from mfrec.types import FloatArray

COUNT = 70


@pytest.mark.parametrize("coding", ["h264 open", "h264 refresh", "hevc", "mjpeg"])
def test_every_frame_is_that_of_a_reading_in_any_order(coding: str, portrait: FloatArray, tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mkv", moving(portrait, COUNT, 64), CODINGS[coding])
    frames = read(path).frames
    shown = player(path)
    assert isinstance(shown, ClipPlayer) and shown.sheet.count == COUNT == len(frames)
    assert shown.sheet.names == tuple(frame.name for frame in frames)
    assert shown.sheet.times == pytest.approx([frame.time for frame in frames])
    rng = np.random.default_rng(0)
    for number in (69, 0, 1, *rng.integers(0, COUNT, 12).tolist(), 30, 29, 28):
        found, wanted = shown.frame(number), frames[number]
        assert np.array_equal(found.image, wanted.image), number
        assert (found.name, found.time, found.key, found.quantiser, found.notes) == (
            wanted.name, wanted.time, wanted.key, wanted.quantiser, wanted.notes,
        )  # fmt: skip
        small = shown.preview(number, 48)
        assert small.shape == (48, 48, 3) and small.dtype == np.uint8
    shown.close()


def test_a_step_back_is_there_already(portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "clip.mp4", moving(portrait, 40, 64), CODINGS["h264"])
    shown = ClipPlayer(path)
    shown.preview(35, 320)
    monkeypatch.setattr("mfrec.imageio.player.opened", None)  # whoever opens the file again fails
    for number in range(34, 0, -1):
        assert shown.preview(number, 320).shape == (64, 64, 3)


def test_pictures_are_shown_in_the_order_of_a_run(sequence: Path) -> None:
    shown = player(sequence)
    assert isinstance(shown, PicturePlayer)
    frames = read(sequence).frames
    assert shown.sheet.names == tuple(frame.name for frame in frames)
    for number in (3, 0, 6):
        assert np.array_equal(shown.frame(number).image, frames[number].image)
    assert shown.preview(2, 24).shape == (24, 24, 3)
    with pytest.raises(NoFramesError, match="no picture 7"):
        shown.frame(7)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(NoFramesError, match="neither a picture nor a video"):
        player(path)


def test_a_frame_that_is_not_there_is_a_sentence(clip: Path) -> None:
    shown = ClipPlayer(clip)
    for number in (-1, 500):
        with pytest.raises(NoFramesError, match=f"frame {number} of"):
            shown.frame(number)
        with pytest.raises(NoFramesError):
            shown.preview(number, 320)
    assert shown.frame(2).index == 2
