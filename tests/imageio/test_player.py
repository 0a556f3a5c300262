"""A frame that somebody looks at is the frame that a run works on, whatever was looked at before."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from portrait_clips import CODINGS, moving, write, x264

from mfrec.errors import NoFramesError
from mfrec.imageio import read
from mfrec.imageio.player import ClipPlayer, PicturePlayer, player
from mfrec.imageio.strip import Move
from mfrec.types import FloatArray

COUNT = 70


def size(jpeg: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(jpeg)).size


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
        if number % 2 == 0:
            # As a page does that has asked for frames ahead.
            shown.preview(min(number + 4, COUNT - 1), 48)
        found, wanted = shown.frame(number), frames[number]
        assert np.array_equal(found.image, wanted.image), number
        assert (found.name, found.time, found.key, found.quantiser, found.notes) == (
            wanted.name, wanted.time, wanted.key, wanted.quantiser, wanted.notes,
        )  # fmt: skip
        assert size(shown.preview(number, 48)) == (48, 48)
    shown.close()


def test_a_step_back_is_there_already(portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "clip.mp4", moving(portrait, 40, 64), CODINGS["h264"])
    shown = ClipPlayer(path)
    shown.preview(35, 320)
    monkeypatch.setattr("mfrec.imageio.player.opened", None)  # whoever opens the file again fails
    for number in range(34, 0, -1):
        assert size(shown.preview(number, 320)) == (64, 64)


def test_small_pictures_are_kept_within_a_bound(
    portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "clip.mp4", moving(portrait, 40, 64), CODINGS["h264"])
    shown = ClipPlayer(path)
    largest = max(len(shown.preview(number, 320)) for number in range(40))
    monkeypatch.setattr("mfrec.imageio.player.KEPT", 8 * largest)
    monkeypatch.setattr("mfrec.imageio.strip.ROOM", 8 * largest)
    shown = ClipPlayer(path)
    for number in (0, 39, 5, 20):
        shown.preview(number, 48)
        assert shown._small.bytes <= 8 * largest
    assert (20, 48) in shown._small, "the one that was asked for last"
    while shown.strip.fill(48):
        assert shown.strip._pictures.bytes <= 8 * largest
    there = [number for number in range(40) if shown.strip.find(number, 48)]
    assert max(np.diff(there)) == -(-40 // len(there)) > 1, "every so-manieth, as many as have room"


def test_the_frame_before_those_that_were_asked_for_ahead_is_still_there(
    portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "clip.mp4", moving(portrait, 40, 64), CODINGS["h264"])
    shown, wanted = ClipPlayer(path), read(path).frames[20]
    for number in range(20, 25):
        shown.preview(number, 320)
    monkeypatch.setattr("mfrec.imageio.player.opened", None)  # whoever opens the file again fails
    found = shown.frame(20)
    assert np.array_equal(found.image, wanted.image)
    copied = [frame.codec.copied for frame in (found, wanted) if frame.codec and frame.codec.copied is not None]
    assert len(copied) == 2 and np.array_equal(copied[0], copied[1]), "told from the frame before it"


@pytest.mark.parametrize("coding", ["h264 open", "h264 refresh", "hevc", "mjpeg"])
def test_what_is_soonest_seen_of_a_place_is_the_frame_that_it_says(
    coding: str, portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "clip.mkv", moving(portrait, COUNT, 64), CODINGS[coding])
    hasty, calm = ClipPlayer(path), ClipPlayer(path)
    before = len(set(calm.sheet.keys))
    decoded: list[int] = []
    monkeypatch.setattr(hasty, "_towards", lambda number: decoded.append(number) or ClipPlayer._towards(hasty, number))
    for number in (69, 40, 55, 20, 41, 0, 69):
        frame, small = hasty.near(number, 48)
        assert max((key for key in calm.sheet.keys if key <= number), default=0) <= frame <= number
        assert small == calm.preview(frame, 48)
    assert before < 2 or coding == "h264 refresh" or not decoded, "key frames alone"
    monkeypatch.setattr("mfrec.imageio.player.HASTE", 0)
    for number in (35, 22):
        seen = [hasty.near(number, 48) for _ in range(2 * COUNT)]
        assert seen == sorted(seen, key=lambda near: near[0]) and seen[-1] == (number, calm.preview(number, 48))
    hasty.close()
    calm.close()


@pytest.mark.parametrize("coding", ["h264 open", "hevc"])
def test_what_is_made_ahead_is_there_at_once_whoever_asked_meanwhile(
    coding: str, portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "clip.mkv", moving(portrait, COUNT, 64), CODINGS[coding])
    hasty, calm = ClipPlayer(path), ClipPlayer(path)
    rng, steps = np.random.default_rng(0), 0
    while hasty.strip.fill(48):
        steps += 1
        if steps % 5 == 0:
            hasty.near(int(rng.integers(0, COUNT)), 48)
            for _ in range(int(rng.integers(0, 9))):
                hasty.strip.follow(48)
    for name in ("decoded", "towards"):
        monkeypatch.setattr(hasty._key_frames, name, None)
    monkeypatch.setattr(hasty, "_towards", None)
    for number in range(COUNT):
        assert hasty.near(number, 48) == (number, calm.preview(number, 48))


def test_who_goes_back_slowly_finds_the_group_before_made(portrait: FloatArray, tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mkv", moving(portrait, COUNT, 64), CODINGS["h264 open"])
    shown, calm = ClipPlayer(path), ClipPlayer(path)
    first, last = [key for key in calm.sheet.keys if key < 60][-2:]
    shown.strip.moved(Move(last + 1, -20.0))
    while shown.strip.follow(48):
        assert shown.strip.waits
    assert not shown.strip.waits
    for number in range(first, last + 2):
        assert shown.strip.find(number, 48) == calm.preview(number, 48)
    shown.strip.moved(Move(0, 500.0))
    assert not shown.strip.follow(48), "too fast for anything to be made in time"


def test_pictures_are_shown_in_the_order_of_a_run(sequence: Path) -> None:
    shown = player(sequence)
    assert isinstance(shown, PicturePlayer)
    frames = read(sequence).frames
    assert shown.sheet.names == tuple(frame.name for frame in frames)
    for number in (3, 0, 6):
        assert np.array_equal(shown.frame(number).image, frames[number].image)
    assert size(shown.preview(2, 24)) == (24, 24)
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


def test_colours_that_the_scaler_refuses_are_shown_as_a_run_reads_them(portrait: FloatArray, tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", moving(portrait, 3, 64), x264("colormatrix=ycgco"))
    shown, (frame, *_) = ClipPlayer(path), read(path).frames
    assert "YCgCo" in " ".join(frame.notes)
    seen = np.asarray(Image.open(io.BytesIO(shown.preview(0, 64))), np.float32) / 255
    assert np.abs(seen - frame.image).mean() < 0.03
    while shown.strip.fill(48):
        pass
    assert shown.strip.find(2, 48)


def test_colours_that_are_not_understood_are_a_sentence(portrait: FloatArray, tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", moving(portrait, 3, 64), x264("transfer=log100"))
    with pytest.raises(NoFramesError, match="cannot be shown: the logarithmic transfer function"):
        ClipPlayer(path)
