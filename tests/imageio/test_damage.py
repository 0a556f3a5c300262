"""Damage: what differs from the undamaged video is marked where anything tells of it, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from portrait_clips import CODINGS, Coding, moving, write

from mfrec.imageio import Reading, read, stream
from mfrec.imageio.damage import time_gaps, usual_rate
from mfrec.imageio.packets import PacketTable

COUNT = 50


@pytest.fixture(scope="module")
def images(portrait: np.ndarray) -> list[np.ndarray]:
    return moving(portrait, COUNT, 112)


def changed(damaged: Reading, whole: Reading) -> list[str]:
    """Names of the frames that differ by more than two grey levels from those that they should be."""
    by_time = {f.time: f.image for f in whole.frames}
    return [f.name for f in damaged.frames if 255 * np.abs(f.image - by_time[f.time]).mean() > 2]


def marked(reading: Reading) -> list[str]:
    assert all(f.damaged == any("damaged" in note for note in f.notes) for f in reading.frames)
    return [f.name for f in reading.frames if f.damaged]


def without(source: Path, target: Path, gone: Sequence[int]) -> Path:
    """The same stream without some of its packets, all others at their times."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stored = container.streams.video[0]
        copied = out.add_stream_from_template(stored)
        for number, packet in enumerate(p for p in container.demux(stored) if p.size):
            if number not in gone:
                packet.stream = copied
                out.mux(packet)
    return target


def scrambled(path: Path, target: Path, number: int) -> Path:
    """Zeros in the middle of one packet, wherever the container has put it."""
    with av.open(str(path)) as container:
        packets = [bytes(p) for p in container.demux(container.streams.video[0]) if p.size]
    data, payload = path.read_bytes(), packets[number]
    middle = payload[len(payload) // 3 : 2 * len(payload) // 3]
    at = data.index(middle)
    target.write_bytes(data[:at] + bytes(len(middle)) + data[at + len(middle) :])
    return target


@pytest.mark.parametrize("coding", ["h264", "h264 open", "h264 refresh", "h264 slices", "hevc", "mpeg4", "mpeg2"])
def test_packets_lost_from_a_transport_stream(images: list[np.ndarray], tmp_path: Path, coding: str) -> None:
    path = write(tmp_path / "a.ts", images, CODINGS[coding])
    whole = read(path)
    packets = [path.read_bytes()[i : i + 188] for i in range(0, path.stat().st_size, 188)]
    for seed in range(3):
        gone = set(np.random.default_rng(seed).choice(np.arange(20, len(packets) - 4), 3, replace=False).tolist())
        path.write_bytes(b"".join(p for i, p in enumerate(packets) if i not in gone))
        reading = read(path)
        assert set(changed(reading, whole)) <= set(marked(reading))
        # Where what was lost held no picture, there is nothing to tell.
        if marked(reading) or len(reading.frames) < COUNT:
            assert reading.warnings or reading.dropped


@pytest.mark.parametrize(
    ("coding", "suffix", "gone"),
    [
        ("h264", "mp4", (25,)),
        ("h264", "mkv", (26, 27)),
        ("h264 slices", "mp4", (25,)),
        ("hevc", "mkv", (25,)),
        ("mpeg4", "avi", (30,)),
        ("mpeg4", "mp4", (30, 31)),
        ("mpeg2", "mkv", (16,)),
        ("mjpeg", "avi", (9,)),
    ],
)
def test_lost_frames_are_counted_and_what_refers_to_them_is_marked(
    images: list[np.ndarray], tmp_path: Path, coding: str, suffix: str, gone: tuple[int, ...]
) -> None:
    path = write(tmp_path / f"whole.{suffix}", images, CODINGS[coding])
    whole = read(path)
    reading = read(without(path, tmp_path / f"a.{suffix}", gone))
    assert len(reading.frames) <= COUNT - len(gone)
    assert set(changed(reading, whole)) <= set(marked(reading))
    assert any("to be lost" in warning for warning in reading.warnings) or suffix == "avi"


@pytest.mark.parametrize(
    ("coding", "suffix"),
    [
        *(("h264", suffix) for suffix in ("mp4", "mkv", "avi")),
        *(("h264 slices", suffix) for suffix in ("mp4", "mkv")),
        *(("mpeg4", suffix) for suffix in ("avi", "mp4", "mkv")),
        ("mpeg2", "mkv"),
        *(("mjpeg", suffix) for suffix in ("avi", "mkv")),
    ],
)
def test_changed_bytes_are_noticed_up_to_the_next_key_frame(
    images: list[np.ndarray], tmp_path: Path, coding: str, suffix: str
) -> None:
    path = write(tmp_path / f"whole.{suffix}", images, CODINGS[coding])
    whole = read(path)
    reading = read(scrambled(path, tmp_path / f"a.{suffix}", 25 if coding == "h264" else 22))
    off, told = set(changed(reading, whole)), set(marked(reading))
    assert off <= {name.replace("whole", "a") for name in told}
    assert told or reading.dropped
    # Key frames lie at 0, 20 and 40 (mpeg2: every twelve).
    numbers = [int(name.split("#")[1]) for name in told]
    assert min(numbers, default=22) >= 18 and max(numbers, default=22) < {"mpeg2": 36, "mjpeg": 23}.get(coding, 40)


@pytest.mark.parametrize("coding", [*CODINGS])
@pytest.mark.parametrize("suffix", ["ts", "mp4", "mkv", "avi", "mpg"])
def test_nothing_is_marked_in_whole_files(images: list[np.ndarray], tmp_path: Path, coding: str, suffix: str) -> None:
    fitting = {
        "ts": coding not in ("mjpeg", "vp9"),
        "mp4": True,
        "mkv": True,
        "avi": coding in ("h264", "h264 slices", "mpeg4", "mjpeg"),
        "mpg": coding == "mpeg2",
    }
    if not fitting[suffix]:
        return
    path = write(tmp_path / f"a.{suffix}", images, CODINGS[coding])
    for start, every in ((None, 1), (1.3, 1), (None, 3)):
        reading = read(path, start=start, every=every)
        assert marked(reading) == [] and reading.warnings == () and reading.dropped == ()


@pytest.mark.parametrize("coding", ["h264", "h264 open", "h264 refresh", "hevc", "mpeg4", "mpeg2"])
def test_a_stream_that_begins_in_the_middle(images: list[np.ndarray], tmp_path: Path, coding: str) -> None:
    """A recorder's ring buffer: the first frames refer to what was overwritten, the others are whole."""
    path = write(tmp_path / "a.ts", images, CODINGS[coding])
    whole = read(path)
    packets = [path.read_bytes()[i : i + 188] for i in range(0, path.stat().st_size, 188)]
    path.write_bytes(b"".join(packets[:3] + packets[23:]))
    reading = read(path)
    assert marked(reading) == []
    last = len(reading.frames)
    assert last >= 10
    for frame, original in zip(reading.frames, whole.frames[-last:], strict=True):
        assert 255 * np.abs(frame.image - original.image).mean() < 2


@pytest.mark.parametrize("coding", ["h264", "hevc", "mpeg4", "vp9"])
def test_a_variable_frame_rate_is_no_damage(images: list[np.ndarray], tmp_path: Path, coding: str) -> None:
    steps = np.random.default_rng(5).choice([1, 1, 1, 2, 3], COUNT)
    path = write(tmp_path / "a.mkv", images, CODINGS[coding], stamps=np.cumsum(steps).tolist())
    reading = read(path)
    assert len(reading.frames) == COUNT and marked(reading) == [] and reading.warnings == ()


@pytest.mark.parametrize("coding", ["h264", "hevc"])
def test_frames_left_out_by_a_camera_are_told_but_are_no_damage(
    images: list[np.ndarray], tmp_path: Path, coding: str
) -> None:
    stamps = [n + (n > 12) + (n > 33) for n in range(COUNT)]
    reading = read(write(tmp_path / "a.mp4", images, CODINGS[coding], stamps=stamps))
    assert marked(reading) == []
    assert "2 frames seem to be lost, at a constant rate of 25 frames per second" in reading.warnings[0]


def test_the_rate_that_is_said_is_that_of_the_camera_whatever_the_clock_of_the_file_rounds_to() -> None:
    times = np.round(np.delete(np.arange(40), 17) / 12, 3)
    table = PacketTable(times, np.arange(39) == 0, (), ordered=True, visible=np.ones(39, bool))
    assert [gap.count for gap in time_gaps(table)] == [1]
    assert usual_rate(table) == pytest.approx(12, abs=0.005) != pytest.approx(1 / table.interval, abs=0.005)


def test_nothing_of_the_decoders_reaches_the_terminal_or_stays_set(
    images: list[np.ndarray], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from av import logging

    path = write(tmp_path / "whole.mp4", images, CODINGS["h264"])
    scrambled(path, tmp_path / "a.mp4", 22)
    capfd.readouterr()
    before = (logging.get_level(), logging.get_skip_repeated())
    for _ in stream(tmp_path / "a.mp4"):
        assert (logging.get_level(), logging.get_skip_repeated()) == before
    out, err = capfd.readouterr()
    assert out == "" and err == ""


@pytest.mark.parametrize("coding", ["h264", "mpeg2"])
def test_what_comes_before_the_first_key_frame_is_counted(
    images: list[np.ndarray], tmp_path: Path, coding: str
) -> None:
    whole = write(tmp_path / "a.mkv", images, CODINGS[coding])
    keys = [k for k, frame in enumerate(read(whole).frames) if frame.key]
    cut = read(without(whole, tmp_path / "b.mkv", range(3)))
    early = COUNT - 3 - len(cut.frames)
    assert 0 < early < keys[1] + 3
    assert [dropped.reason for dropped in cut.dropped] == [
        f"{early} frames before the first key frame, which cannot be decoded alone"
    ]


def test_frames_that_the_decoder_leaves_out_are_counted(images: list[np.ndarray], tmp_path: Path) -> None:
    whole = write(tmp_path / "a.mkv", images, CODINGS["hevc"])
    assert not read(whole).dropped
    left = read(without(whole, tmp_path / "b.mkv", range(20, 24)))
    missing = COUNT - 4 - len(left.frames)
    assert missing > 1
    assert [dropped.reason for dropped in left.dropped] == [
        f"{missing} frames that the decoder left out, because others that they need are lost or damaged"
    ]


def test_packets_that_are_all_called_keys_are_no_places_to_begin(images: list[np.ndarray], tmp_path: Path) -> None:
    """FFmpeg calls every packet of H.263 in an AVI a key."""
    coding = Coding("h263p", options={"qscale": "5", "g": "20"})
    path = write(tmp_path / "a.avi", images, coding)
    whole = read(path)
    for frame in read(path, start=1.0).frames:
        expected = next(other for other in whole.frames if other.name == frame.name)
        np.testing.assert_array_equal(frame.image, expected.image)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = path.read_bytes()
    at = data.index(packets[20]) + len(packets[20]) // 2
    path.write_bytes(data[:at] + bytes(120) + data[at + 120 :])
    reading = read(path)
    off = set(changed(reading, whole))
    told = [int(name.split("#")[1]) for name in marked(reading)]
    assert len(off) > 5 and off <= set(marked(reading))
    assert min(told) == 20 and max(told) < 40
