"""Video in a stream: every frame in its place, bounded memory, and the same frames after any stop."""

from __future__ import annotations

import os
import signal
import weakref
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from portrait_clips import moving
from upscale_clips import heard, portrait_clip, rate, stamps, write_clip

from mfrec.errors import InputError, NoFramesError
from mfrec.image.geometry import enlarge
from mfrec.imageio import FrameStream, read
from mfrec.provenance.record import read_record
from mfrec.publication.claims import foreign
from mfrec.publication.unfinished import NAME
from mfrec.types import FloatArray, Frame
from mfrec.upscale import film
from mfrec.upscale.asked import Asked
from mfrec.upscale.film import around
from mfrec.upscale.job import upscale_into

TICKS = tuple(int(t) for t in np.cumsum([640, *np.random.default_rng(0).integers(1, 3000, 11)]))
"""Of a variable rate that begins late."""


@pytest.fixture(scope="module")
def clip(portrait: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames of 40 px at a variable rate, with sound."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return portrait_clip(portrait, path, 12, side=40, ticks=TICKS, sound="aac")


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "PIECE", 3)


def unfinished(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if NAME.fullmatch(path.name)]


def test_everything_is_kept_but_the_size(clip: Path, tmp_path: Path) -> None:
    record = upscale_into(tmp_path / "out", clip, Asked(scale=2))
    out = tmp_path / "out" / "upscaled.mp4"
    assert stamps(out) == stamps(clip) == [Fraction(tick, 12800) for tick in TICKS]
    assert np.array_equal(heard(out)[1], heard(clip)[1])
    made, frames = read(out).frames, read(clip).frames
    assert len(made) == len(frames) == 12
    for picture, frame in zip(made, frames, strict=True):
        assert picture.image.shape == (80, 80, 3)
        assert np.abs(picture.image - enlarge(frame.image, 2)).mean() * 255 < 2.5
    told = record["upscaled"]
    assert (told["frames"], told["size"], told["sound"]) == (12, [80, 80], "sound copied: aac")
    assert told["flicker"]["ratio"] == pytest.approx(1.0, abs=0.05) and told["flicker"]["pairs"] == 4
    assert read_record(tmp_path / "out")["recipe"]["stamp"] == "ENHANCED"
    assert foreign(tmp_path / "out") == "" and unfinished(tmp_path) == []


def test_a_constant_rate_stays_one(portrait: FloatArray, tmp_path: Path) -> None:
    path = portrait_clip(
        portrait,
        tmp_path / "a.mp4",
        8,
        side=32,
        unit=Fraction(1, 30000),
        ticks=[1001 * i for i in range(8)],
        pace=Fraction(30000, 1001),
    )
    upscale_into(tmp_path / "out", path, Asked(scale=2))
    assert rate(tmp_path / "out" / "upscaled.mp4") == rate(path) == Fraction(30000, 1001)


def killed_at(count: int, out: Path, clip: Path, asked: Asked) -> None:
    """Run in another process, which is killed when so many frames are made."""

    def progress(_stage: str, done: int, _total: int) -> None:
        if done >= count:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        upscale_into(out, clip, asked, progress=progress)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize(
    "asked", [Asked(scale=2), Asked(scale=1, window=3, settings=("fuse.method=mean",))], ids=["each", "window"]
)
def test_killed_and_gone_on_with_it_ends_with_the_same_file(clip: Path, tmp_path: Path, asked: Asked) -> None:
    upscale_into(tmp_path / "whole", clip, asked)
    for count in (3, 9):
        killed_at(count, tmp_path / "out", clip, asked)
        assert not (tmp_path / "out").exists()
        assert len(unfinished(tmp_path)) == 1
    said: list[str] = []
    record = upscale_into(tmp_path / "out", clip, asked, say=said.append)
    assert said == ["an earlier run left 3 finished parts, which are kept: going on after them"]
    name = "upscaled.mp4"
    assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert record["upscaled"] == read_record(tmp_path / "whole")["upscaled"]
    assert any("stopped and gone on with after 3 parts" in warning for warning in record["warnings"])
    # What the killed runs left of the folder that is published goes with the next run there.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def interrupting(count: int) -> Callable[[str, int, int], None]:
    def progress(_stage: str, done: int, _total: int) -> None:
        if done >= count:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_leaves_what_the_next_run_needs_or_nothing(clip: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        upscale_into(tmp_path / "out", clip, Asked(scale=2), progress=interrupting(0), say=said.append)
    assert list(tmp_path.iterdir()) == [] and said == []
    with pytest.raises(KeyboardInterrupt):
        upscale_into(tmp_path / "out", clip, Asked(scale=2), progress=interrupting(6), say=said.append)
    (place,) = tmp_path.iterdir()
    assert said[0].startswith(f"2 finished parts stay in '{place}'")
    assert sorted(p.name for p in place.iterdir()) == [
        "lock",
        "notes.json",
        *(f"piece-0000{i}.{kind}" for i in range(2) for kind in ("json", "mp4")),
    ]
    # Another command for the same name takes its place once it is done.
    upscale_into(tmp_path / "out", clip, Asked(scale=1))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_frame_is_not_kept_longer_than_it_is_needed(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is alive at a time does not depend on the length of the clip."""
    alive: set[int] = set()
    most = [0]

    def watched(frames: Iterable[Frame]) -> Iterator[Frame]:
        for number, frame in enumerate(frames):
            alive.add(number)
            most[0] = max(most[0], len(alive))
            weakref.finalize(frame, alive.discard, number)
            yield frame
            del frame

    opened = film.stream

    def passed(*arguments: Any, **options: Any) -> FrameStream:
        frames = opened(*arguments, **options)
        return FrameStream(watched(frames), frames._findings, unit="video", expected=frames.expected)

    monkeypatch.setattr(film, "stream", passed)
    upscale_into(tmp_path / "out", clip, Asked(scale=2))
    assert 0 < most[0] <= 6
    most[0] = 0
    for near, _ in around(watched(Frame(np.zeros((8, 8, 3), np.float32), i, str(i)) for i in range(60)), 3):
        assert len(near) <= 7
    assert most[0] <= 9


def test_a_part_of_a_clip(clip: Path, tmp_path: Path) -> None:
    shown = [stamp - stamps(clip)[0] for stamp in stamps(clip)]
    start, end = float(shown[3]), float(shown[8])
    upscale_into(tmp_path / "out", clip, Asked(scale=2, start=start, end=end))
    assert stamps(tmp_path / "out" / "upscaled.mp4") == stamps(clip)[3:9]


@pytest.mark.parametrize("side", [31, 33])
def test_odd_sizes(portrait: FloatArray, tmp_path: Path, side: int) -> None:
    images = [image[:side, :] for image in moving(portrait, 3, 36)]
    path = write_clip(tmp_path / "a.mp4", images, layout="yuv444p")
    record = upscale_into(tmp_path / "out", path, Asked(scale=3))
    frames = read(tmp_path / "out" / "upscaled.mp4").frames
    assert {frame.image.shape for frame in frames} == {(3 * side, 108, 3)}
    assert "yuv444p" in record["upscaled"]["coding"]


def test_a_video_without_pictures_is_refused(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        stream: Any = out.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with pytest.raises(NoFramesError, match="without a picture stream"):
        upscale_into(tmp_path / "out", tmp_path / "sound.mp4", Asked())
    assert [path.name for path in tmp_path.iterdir()] == ["sound.mp4"]


def test_frames_that_change_their_size_are_refused(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = film.stream

    def changing(*arguments: Any, **options: Any) -> FrameStream:
        frames = opened(*arguments, **options)
        cut = (Frame(f.image[: 40 - 8 * (f.index > 6)], f.index, f.name, time=f.time) for f in frames)
        return FrameStream(cut, frames._findings, unit="video", expected=frames.expected)

    monkeypatch.setattr(film, "stream", changing)
    with pytest.raises(InputError, match=r"change from 40x40 to 40x32 pixels at clip\.mp4#7; enlarge the parts"):
        upscale_into(tmp_path / "out", clip, Asked(scale=2))
    assert list(tmp_path.iterdir()) == [], "pieces of an input that cannot be enlarged are of no use"


def test_neighbours_on_both_sides() -> None:
    frames = [Frame(np.zeros((8, 8, 3), np.float32), index, str(index)) for index in range(7)]
    found = [([f.index for f in near], near[place].index) for near, place in around(frames, 2)]
    assert [centre for _, centre in found] == list(range(7))
    assert [near for near, _ in found] == [
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 2, 3, 4],
        [1, 2, 3, 4, 5],
        [2, 3, 4, 5, 6],
        [3, 4, 5, 6],
        [4, 5, 6],
    ]
    for reach in (0, 1, 3, 9):
        whole = list(around(frames, reach))
        assert [near[place].index for near, place in whole] == list(range(7))
        for first in range(8):
            assert list(around(frames, reach, first)) == whole[first:]
