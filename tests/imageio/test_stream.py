"""A stream gives the frames that reading at once gives, one after the other, and keeps none of them."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from portrait_clips import CODINGS, moving, write

from mfrec.errors import InputError, NoFramesError
from mfrec.imageio import MAX_FRAMES, read, stream
from mfrec.types import Frame

FILES = [
    *(("h264", suffix) for suffix in ("mp4", "ts", "mkv", "avi")),
    *((name, "mp4") for name in ("h264 open", "h264 refresh", "h264 slices")),
    *(("hevc", suffix) for suffix in ("mp4", "ts", "mkv")),
    *(("mpeg4", suffix) for suffix in ("avi", "mp4", "mkv")),
    *(("mpeg2", suffix) for suffix in ("ts", "mpg", "mkv")),
    *(("mjpeg", suffix) for suffix in ("avi", "mkv")),
    ("vp9", "mkv"),
]


def same(one: Frame, other: Frame) -> bool:
    told = (one.name, one.time, one.key, one.quantiser, one.notes, one.sha256)
    return told == (other.name, other.time, other.key, other.quantiser, other.notes, other.sha256) and np.array_equal(
        one.image, other.image
    )


@pytest.mark.parametrize(("coding", "suffix"), FILES)
def test_decoding_from_within_gives_the_frames_of_decoding_from_the_beginning(
    portrait: np.ndarray, tmp_path: Path, coding: str, suffix: str
) -> None:
    path = write(tmp_path / f"a.{suffix}", moving(portrait, 75), CODINGS[coding])
    whole = read(path).frames
    assert [f.name for f in whole] == [f"a.{suffix}#{n}" for n in range(75)]
    assert [f.time for f in whole] == pytest.approx([n / 25 for n in range(75)], abs=0.002)
    for start, end, every in ((1.72, 2.0, 1), (2.4, None, 3), (0.2, 0.3, 1), (2.96, None, 1)):
        last = whole[-1].time if end is None else end
        wanted = [f for f in whole if start - 1e-3 <= (f.time or 0) <= (last or 0) + 1e-3][::every]
        coming = stream(path, start=start, end=end, every=every)
        part = list(coming)
        assert not coming.dropped
        assert [f.index for f in part] == list(range(len(wanted)))
        assert len(part) == len(wanted) and all(map(same, part, wanted))


def test_decoding_begins_at_a_key_frame_before_the_start(
    portrait: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 200 frames with a key frame every 20, the last three cost the last two groups and the first frame."""
    from mfrec.imageio import decoding

    path = write(tmp_path / "a.mp4", moving(portrait, 200, 48), CODINGS["h264"])
    given: list[int] = []
    count = decoding._Clock.read

    def counted(self: decoding._Clock, packet: int) -> tuple[int, float | None, bool]:
        given.append(packet)
        return count(self, packet)

    monkeypatch.setattr(decoding._Clock, "read", counted)
    assert len(list(stream(path, start=197 / 25))) == 3
    assert len(given) <= 45


def test_frames_are_given_one_after_the_other_and_not_kept(portrait: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", moving(portrait, 40, 48), CODINGS["h264"])
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, image in enumerate(moving(portrait, 12, 48)):
        Image.fromarray(image).save(pictures / f"{number}.png")
    for source, count in ((path, 40), (pictures, 12)):
        alive: weakref.WeakSet[Frame] = weakref.WeakSet()
        most = given = 0
        for frame in stream(source):
            alive.add(frame)
            given += 1
            most = max(most, len(alive))
        assert given == count
        assert most <= 2


def test_a_stream_has_no_limit_of_length(tmp_path: Path) -> None:
    images = [np.full((16, 16, 3), n % 251, np.uint8) for n in range(3 * MAX_FRAMES)]
    path = write(tmp_path / "a.mkv", images, CODINGS["mjpeg"])
    frames = stream(path)
    assert frames.expected == 3 * MAX_FRAMES and frames.size == (16, 16) and frames.unit == "video"
    assert sum(1 for _ in frames) == 3 * MAX_FRAMES
    with pytest.raises(InputError, match=r"about 1500.*--every 3"):
        read(path)


def test_what_is_too_much_is_refused_before_decoding(portrait: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", moving(portrait, 2, 48) * 400, CODINGS["mjpeg"])
    calls: list[tuple[str, int, int]] = []
    with pytest.raises(InputError, match="at most 500 frames"):
        read(path, progress=lambda *call: calls.append(call))
    assert calls == []
    assert len(read(path, start=1.0, end=10.0).frames) == 226


def test_what_was_left_out_is_known_at_the_end(portrait: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(moving(portrait, 1)[0]).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    Image.fromarray(moving(portrait, 1)[0]).save(tmp_path / "2.png")
    frames = stream(tmp_path)
    assert frames.dropped == () and frames.warnings == ()
    assert [f.name for f in frames] == ["0.png", "2.png"]
    assert [item.name for item in frames.dropped] == ["1.png"]
    assert "'2.png' of '0.png'" in frames.warnings[0]
    assert next(frames, None) is None
    reading = read(tmp_path)
    assert reading.dropped == frames.dropped and reading.warnings == frames.warnings


def test_a_stream_that_is_left_early_lets_the_file_go(portrait: np.ndarray, tmp_path: Path) -> None:
    frames = stream(write(tmp_path / "a.mp4", moving(portrait, 30), CODINGS["h264"]))
    assert next(frames).index == 0
    frames.close()
    assert next(frames, None) is None


def test_a_stream_without_a_usable_frame_says_so_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"no picture")
    frames = stream(tmp_path)
    with pytest.raises(NoFramesError, match="none of 1 pictures"):
        next(frames)
