"""Damage that the decoder does not tell of is found by where the coded data end, or by another decoder."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from heif_file import heic
from PIL import Image
from portrait_clips import CODINGS, Coding, moving, write

from mfrec.errors import NoFramesError
from mfrec.imageio import Reading, jpeg_bytes, read
from mfrec.imageio.damage import listening
from mfrec.imageio.dc_chain import is_broken
from mfrec.imageio.jpeg import OFF, damage_of
from mfrec.imageio.silent_damage import LATE, OTHER_DECODERS, SecondDecoder

HEVC = CODINGS["hevc"]
CODED = {
    "open": replace(HEVC, options={**HEVC.options, "x265-params": HEVC.options["x265-params"] + ":open-gop=1"}),
    "closed": replace(HEVC, options={**HEVC.options, "x265-params": HEVC.options["x265-params"] + ":open-gop=0"}),
    "digests": replace(HEVC, options={**HEVC.options, "x265-params": HEVC.options["x265-params"] + ":hash=1"}),
}

AV1 = Coding("libsvtav1", options={"crf": "15", "preset": "10", "g": "16", "svtav1-params": "lp=1:pred-struct=1"})


@pytest.fixture(scope="module")
def images(portrait: np.ndarray) -> list[np.ndarray]:
    return moving(portrait, 30, 112)


def places(path: Path) -> list[tuple[int, int]]:
    """Where the packets of a file lie that is no transport stream."""
    data, out = path.read_bytes(), []
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                at = data.index(bytes(packet), out[-1][1] if out else 0)
                out.append((at, at + packet.size))
    return out


def spoilt(path: Path, target: Path, at: int) -> Path:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x24
    target.write_bytes(data)
    return target


def off_and_marked(damaged: Reading, whole: Reading) -> tuple[set[str], set[str]]:
    """Frames that differ by more than two grey levels from those that they should be, and those that are marked."""
    right = {frame.time: frame for frame in whole.frames}
    off = {f.name for f in damaged.frames if 255 * np.abs(f.image - right[f.time].image).mean() > 2}
    return off, {frame.name for frame in damaged.frames if frame.damaged}


@pytest.mark.parametrize("coding", ["open", "closed"])
def test_a_changed_byte_of_hevc_is_found_though_the_decoder_says_nothing(
    images: list[np.ndarray], tmp_path: Path, coding: str
) -> None:
    path = write(tmp_path / "a.mp4", images, CODED[coding])
    whole = read(path)
    assert not any(frame.damaged for frame in whole.frames)
    silent = 0
    for number in (0, 6, 20):
        begin, end = places(path)[number]
        for part in (3, 5):
            spoilt(path, tmp_path / "b.mp4", begin + (end - begin) * part // 8)
            with listening() as messages, av.open(str(tmp_path / "b.mp4")) as container:
                container.streams.video[0].codec_context.thread_count = 1
                list(container.decode(video=0))
            off, marked = off_and_marked(read(tmp_path / "b.mp4"), whole)
            assert off <= marked
            silent += bool(off) and not messages
    assert silent


def test_a_changed_byte_of_av1_is_found_though_the_decoder_says_nothing(
    images: list[np.ndarray], tmp_path: Path
) -> None:
    """Or the decoder refuses the packet, which is said; frames of whole files are never marked."""
    path = write(tmp_path / "a.mkv", images[:16], AV1)
    whole = read(path)
    assert not any(frame.damaged for frame in whole.frames)
    silent = 0
    for number in (0, 2):
        begin, end = places(path)[number]
        for part in (2, 4, 6):
            spoilt(path, tmp_path / "b.mkv", begin + (end - begin) * part // 8)
            try:
                damaged = read(tmp_path / "b.mkv")
            except NoFramesError:
                continue
            off, marked = off_and_marked(damaged, whole)
            assert off <= marked
            silent += any("go on after the picture" in note for f in damaged.frames for note in f.notes)
    assert silent


def test_a_picture_that_is_not_what_its_file_has_a_digest_of(images: list[np.ndarray], tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", images[:12], CODED["digests"])
    whole = read(path)
    begin, end = places(path)[4]
    changed = read(spoilt(path, tmp_path / "b.mkv", (begin + end) // 2))
    off, marked = off_and_marked(changed, whole)
    assert marked and off <= marked and not any(frame.damaged for frame in whole.frames)
    assert any("checksum" in note for frame in changed.frames for note in frame.notes)


@pytest.mark.parametrize("coding", ["h264", "hevc", "mpeg4", "mpeg2"])
def test_a_transport_stream_that_is_cut_off(images: list[np.ndarray], tmp_path: Path, coding: str) -> None:
    path = write(tmp_path / "a.ts", images[:20], CODINGS[coding])
    whole = read(path)
    assert not whole.warnings
    data = path.read_bytes()
    with av.open(str(path)) as container:
        last = [packet.pos or 0 for packet in container.demux(video=0) if packet.size][-1]
    for length in (last + 150, (last + len(data)) // 2 // 188 * 188 + 60):
        (tmp_path / "b.ts").write_bytes(data[:length])
        cut = read(tmp_path / "b.ts")
        assert any("cut off" in warning for warning in cut.warnings)
        by_time = {frame.time: frame for frame in whole.frames}
        for frame in cut.frames:
            assert frame.damaged or np.abs(frame.image - by_time[frame.time].image).mean() < 0.008


def test_codes_left_over_in_motion_jpeg_and_in_a_still(images: list[np.ndarray], tmp_path: Path) -> None:
    """Zeros are the shortest codes: the picture is complete before they are all read."""
    path = write(tmp_path / "a.avi", images[:4], CODINGS["mjpeg"])
    begin, end = places(path)[2]
    data = bytearray(path.read_bytes())
    middle = (begin + end) // 2
    data[middle : middle + 200] = bytes(200)
    (tmp_path / "b.avi").write_bytes(data)
    (tmp_path / "b.jpg").write_bytes(data[begin:end])
    (tmp_path / "a.jpg").write_bytes(path.read_bytes()[begin:end])
    assert [frame.damaged for frame in read(path).frames] == [False] * 4
    assert [frame.damaged for frame in read(tmp_path / "b.avi").frames] == [False, False, True, False]
    assert read(tmp_path / "b.jpg").frames[0].damaged and not read(tmp_path / "a.jpg").frames[0].damaged


def test_a_stair_of_one_step_is_no_picture(portrait: np.ndarray) -> None:
    """Neither a bar across the picture, straight or with such an edge, nor the picture itself has one."""
    luma = np.rint(cv2.resize(portrait, (320, 240))[..., 1] * 200 + 20).astype(np.uint8)
    halves = luma[::2, ::2]
    for plane, size in ((0, 16), (1, 8), (2, 8)):
        planes = [luma.copy(), halves.copy(), halves.copy()]
        assert not is_broken(planes)
        for step in (-18, 18):
            for row, column in ((6, 9), (9, 13)):
                changed = [p.copy() for p in planes]
                rest = np.zeros(changed[plane].shape, bool)
                rest[(row + 1) * size :] = rest[row * size :, column * size :] = True
                changed[plane] = (changed[plane] + step * rest).astype(np.uint8)
                assert is_broken(changed)
                changed[plane][rest] = 200
                assert not is_broken(changed)
        straight = [p.copy() for p in planes]
        straight[plane][5 * size :] += 20
        assert not is_broken(straight)


def test_most_changed_bytes_of_a_jpeg_that_give_no_other_sign(portrait: np.ndarray) -> None:
    picture = cv2.resize(portrait, (256, 192))
    whole = jpeg_bytes(picture, 60)
    begin = whole.find(b"\xff\xda") + 14
    quiet = found = 0
    for at in range(begin + 300, len(whole) - 300, 97):
        data = bytearray(whole)
        data[at] ^= 0x24
        if 0xFF in data[at - 1 : at + 1] or whole[at] == 0xFF:
            continue
        reason = damage_of(bytes(data))
        with Image.open(io.BytesIO(data)) as opened:
            far = np.abs(np.asarray(opened) / 255 - picture).mean() > 0.02
        quiet += far and reason in ("", OFF)
        found += far and reason == OFF
    assert not damage_of(whole)
    assert quiet > 10 and found > quiet / 2


@pytest.mark.parametrize("suffix", ["heic", "avif"])
def test_changed_bytes_of_a_still_in_a_codec_of_video(images: list[np.ndarray], tmp_path: Path, suffix: str) -> None:
    plain = io.BytesIO()
    Image.fromarray(images[0]).save(plain, "AVIF", quality=85)
    whole = heic(images[0], 48) if suffix == "heic" else plain.getvalue()
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(whole)
    assert not read(path).frames[0].damaged
    begin = whole.find(b"mdat") + 30
    marked = 0
    for at in np.linspace(begin, len(whole) - 40, 8).astype(int):
        data = bytearray(whole)
        data[at] ^= 0x10
        path.write_bytes(data)
        try:
            marked += read(path).frames[0].damaged
        except NoFramesError:
            marked += 1
    assert marked >= 6


VP8 = Coding("libvpx", options={"crf": "20", "b": "1M", "g": "20", "deadline": "realtime", "cpu-used": "8"})


@pytest.mark.parametrize(("coding", "least"), [(CODINGS["vp9"], 4), (VP8, 0)], ids=["vp9", "vp8"])
def test_a_second_decoder_tells_of_changed_bytes(
    images: list[np.ndarray], tmp_path: Path, coding: Coding, least: int
) -> None:
    """Of VP8 it tells now and then, of VP9 nearly always; of whole files never."""
    path = write(tmp_path / "a.webm", images, coding)
    whole = read(path)
    assert not any(frame.damaged for frame in whole.frames)
    later = read(path, start=0.9).frames
    assert len(later) == 7 and not any(frame.damaged for frame in later)
    found = 0
    for number, part in ((0, 4), (3, 5), (22, 3), (26, 5)):
        begin, end = places(path)[number]
        off, marked = off_and_marked(read(spoilt(path, tmp_path / "b.webm", begin + (end - begin) * part // 8)), whole)
        found += off <= marked and bool(marked)
        # Nothing is marked behind the next key frame, which is number 20.
        assert number >= 20 or all(int(name.split("#")[1]) < 20 for name in marked)
    assert found >= least


def test_frames_that_nobody_asks_for_are_let_go_of(images: list[np.ndarray], tmp_path: Path) -> None:
    """As where the first decoder refuses every frame of a long clip."""
    path = write(tmp_path / "clip.webm", images, CODINGS["vp9"])
    second, index = SecondDecoder(OTHER_DECODERS["vp9"]), 0
    with av.open(str(path)) as container:
        for index, packet in enumerate(container.demux(container.streams.video[0])):
            second.keep(index, packet if packet.size else None)
            assert len(second._frames) <= LATE
    assert index > 2 * LATE
