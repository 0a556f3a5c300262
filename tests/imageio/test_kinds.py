"""Files of the kinds that analysts get, each read as what it shows, or refused by name."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from heif_file import heic, with_properties
from PIL import Image, ImageCms
from portrait_clips import CODINGS, Coding, moving, write

from mfrec.errors import InputError, NoFramesError
from mfrec.image.transfer import (
    PRIMARIES,
    linear_from_hlg,
    linear_from_pq,
    linear_from_srgb,
    srgb_from_linear,
    to_srgb_primaries,
    to_xyz,
)
from mfrec.imageio import jpeg_bytes, png_bytes, read
from mfrec.imageio.player import ClipPlayer
from mfrec.types import Frame

MATRIX = ":colormatrix=bt2020nc"
LOSSLESS = Coding("libx264", options={"qp": "0", "preset": "ultrafast", "threads": "1"})
ONE_HEVC = Coding("libx265", options={"crf": "28", "x265-params": "bframes=0:log-level=none:pools=1:frame-threads=1"})
FAINT = Coding("libx264", options={"crf": "8", "preset": "veryfast", "threads": "1"})


def grey_levels(frame: Frame, expected: np.ndarray) -> float:
    """Mean distance in grey levels; pictures of another size are infinitely far."""
    if frame.image.shape != expected.shape:
        return np.inf
    shown = expected / 255 if expected.dtype == np.uint8 else expected
    return 255 * float(np.abs(frame.image - shown).mean())


@pytest.fixture(scope="module")
def images(portrait: np.ndarray) -> list[np.ndarray]:
    return moving(portrait, 7, 96)


# ---------------------------------------------------------------------------------------------------------------------
# Colour of video


def hdr_frame(image: np.ndarray, transfer: int) -> av.VideoFrame:
    """10-bit BT.2020 samples of an sRGB picture whose white becomes 203 cd/m2, by the equations of BT.2100."""
    light = linear_from_srgb(image.astype(np.float32) / 255).astype(np.float64)
    wide = np.clip(light @ np.linalg.inv(to_srgb_primaries(*PRIMARIES[9][1:])).T, 0, None)
    nits = 203 * wide
    if transfer == 16:
        y = (nits / 10000) ** (2610 / 16384)
        signal = ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)
    else:
        luminance = nits @ [0.2627, 0.6780, 0.0593] / 1000
        scene = nits / 1000 * np.maximum(luminance, 1e-9)[..., None] ** (1 / 1.2 - 1)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        signal = np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)
    red, blue = 0.2627, 0.0593
    y = signal @ [red, 1 - red - blue, blue]
    cb, cr = (signal[..., 2] - y) / (2 * (1 - blue)), (signal[..., 0] - y) / (2 * (1 - red))
    planes = [4 * (16 + 219 * y), 4 * (128 + 224 * cb), 4 * (128 + 224 * cr)]
    frame = av.VideoFrame(image.shape[1], image.shape[0], "yuv444p10le")
    for target, samples in zip(frame.planes, planes, strict=True):
        padded = np.zeros((target.height, target.line_size // 2), np.uint16)
        padded[:, : samples.shape[1]] = np.rint(samples)
        target.update(padded.tobytes())
    return frame


def hdr_clip(path: Path, images: Sequence[np.ndarray], transfer: int, matrix: str = MATRIX) -> Path:
    name = {16: "smpte2084", 18: "arib-std-b67"}[transfer]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv444p10le"
        tags = f"colorprim=bt2020:transfer={name}{matrix}:fullrange=0"
        stream.options = {"qp": "0", "preset": "ultrafast", "x264-params": tags}
        for image in images:
            out.mux(stream.encode(hdr_frame(image, transfer)))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_becomes_srgb(images: list[np.ndarray], tmp_path: Path, transfer: int) -> None:
    reading = read(hdr_clip(tmp_path / "a.mkv", images[:2], transfer))
    for frame, image in zip(reading.frames, images, strict=False):
        assert grey_levels(frame, image) < 1.0
        assert {16: "HDR (PQ)", 18: "HDR (HLG)"}[transfer] in frame.notes[-1]


def test_the_matrix_that_goes_with_the_primaries_is_assumed(images: list[np.ndarray], tmp_path: Path) -> None:
    said, unsaid = (read(hdr_clip(tmp_path / "a.mkv", images[:1], 16, tag)).frames[0] for tag in (MATRIX, ""))
    np.testing.assert_array_equal(said.image, unsaid.image)
    assert any("matrix BT.2020 (assumed)" in note for note in unsaid.notes)


def test_transfer_functions_meet_their_standards() -> None:
    """Reference points of BT.2408: 58 % PQ and 75 % HLG are 203 cd/m2, and the ends of the ranges."""
    assert linear_from_pq(np.array(0.5807)) == pytest.approx(1, abs=0.005)
    assert linear_from_pq(np.array([0, 1])) == pytest.approx([0, 10000 / 203], rel=1e-4)
    assert linear_from_hlg(np.full(3, 0.75)) == pytest.approx(np.ones(3), abs=0.01)
    assert linear_from_hlg(np.ones(3)) == pytest.approx(np.full(3, 1000 / 203), rel=1e-3)
    values = np.linspace(0, 1, 101, dtype=np.float32)
    np.testing.assert_allclose(srgb_from_linear(linear_from_srgb(values)), values, atol=2e-6)


def test_primaries_keep_white_and_agree_with_published_matrices() -> None:
    np.testing.assert_allclose(
        to_xyz(*PRIMARIES[1][1:]),
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
        atol=2e-4,
    )
    # ITU-R BT.2087, table 2, inverted.
    np.testing.assert_allclose(
        to_srgb_primaries(*PRIMARIES[9][1:]),
        [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
        atol=2e-3,
    )
    for _, primaries, white in PRIMARIES.values():
        np.testing.assert_allclose(to_srgb_primaries(primaries, white) @ np.ones(3), np.ones(3), atol=1e-6)


def test_ycgco(images: list[np.ndarray], tmp_path: Path) -> None:
    """Known samples by the equations of H.273: Y = (R + 2 G + B) / 4, Cg = (2 G - R - B) / 4, Co = (R - B) / 2."""
    rgb = images[0].astype(np.float64)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    planes = [(r + 2 * g + b) / 4, 128 + (2 * g - r - b) / 4, 128 + (r - b) / 2]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], "yuv444p")
    for target, samples in zip(frame.planes, planes, strict=True):
        padded = np.zeros((target.height, target.line_size), np.uint8)
        padded[:, : samples.shape[1]] = np.clip(np.rint(samples), 0, 255)
        target.update(padded.tobytes())
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = *rgb.shape[:2], "yuv444p"
        stream.color_range = 2
        stream.options = {"qp": "0", "preset": "ultrafast", "x264-params": "fullrange=1:colormatrix=ycgco"}
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    read_back = read(tmp_path / "a.mkv").frames[0]
    assert grey_levels(read_back, images[0]) < 1
    assert "full colour range, matrix YCgCo" in read_back.notes


def test_wide_primaries_without_hdr(images: list[np.ndarray], tmp_path: Path) -> None:
    """SDR with BT.2020 primaries: greys stay, and a saturated colour becomes more saturated in sRGB."""
    image = np.full((48, 48, 3), 128, np.uint8)
    image[:, 24:] = (150, 110, 100)
    tags = "colorprim=bt2020:transfer=bt709:colormatrix=bt2020nc"
    path = write(tmp_path / "a.mkv", [image], Coding("libx264", "yuv444p", {"qp": "0", "x264-params": tags}))
    frame = read(path).frames[0]
    grey, red = frame.image[24, 4] * 255, frame.image[24, 44] * 255
    assert np.ptp(grey) < 1.5
    assert red[0] - red[1:].mean() > 150 - 105 + 8
    assert "wide colours with BT.2020 primaries converted to sRGB" in frame.notes


def test_a_colour_space_that_is_not_understood_is_refused_by_name(images: list[np.ndarray], tmp_path: Path) -> None:
    coding = Coding("libx264", "yuv444p", {"qp": "0", "x264-params": "colormatrix=ictcp:transfer=smpte2084"})
    with pytest.raises(NoFramesError, match="colour space ICtCp of this file is not understood"):
        read(write(tmp_path / "a.mkv", images[:1], coding))


# ---------------------------------------------------------------------------------------------------------------------
# Orientation and streams of video

MATRICES = {
    "mirrored left to right": ((-1, 0, 0, 1), lambda a: a[:, ::-1]),
    "mirrored top to bottom": ((1, 0, 0, -1), lambda a: a[::-1]),
    "mirrored along the diagonal": ((0, 1, 1, 0), lambda a: a.transpose(1, 0, 2)),
    "mirrored along the other diagonal": ((0, -1, -1, 0), lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
    "rotation by 270 degrees counter-clockwise": ((0, 1, -1, 0), lambda a: np.rot90(a, -1)),
    "rotation by 90 degrees counter-clockwise": ((0, -1, 1, 0), np.rot90),
    "rotation by 180 degrees counter-clockwise": ((-1, 0, 0, -1), lambda a: np.rot90(a, 2)),
}


@pytest.mark.parametrize("words", MATRICES)
def test_every_display_matrix_of_quarter_turns_and_mirrors(
    images: list[np.ndarray], tmp_path: Path, words: str
) -> None:
    low = [image[:80] for image in images]
    path = write(tmp_path / "a.mp4", low, FAINT)
    matrix, way = MATRICES[words]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = (65536 * value for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    frame = read(path).frames[0]
    assert grey_levels(frame, way(low[0])) < 3
    assert f"{words} in the file applied" in frame.notes


def test_a_slanting_display_matrix_is_left_alone_and_said(images: list[np.ndarray], tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", images, FAINT)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    slant = [round(65536 * value) for value in (0.866, 0.5, -0.5, 0.866)]
    data[at : at + 36] = struct.pack(">9i", *slant[:2], 0, *slant[2:], 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    frame = read(path).frames[0]
    assert grey_levels(frame, images[0]) < 3
    assert any("degrees in the file ignored" in note for note in frame.notes)


def test_the_largest_picture_stream_is_read(images: list[np.ndarray], tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        streams = []
        for side in (32, 96, 48):
            stream = out.add_stream("mjpeg", rate=25)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = side, side, "yuvj420p"
            streams.append(stream)
        for image in images:
            for stream in streams:
                small = np.asarray(Image.fromarray(image).resize((stream.width, stream.height)))
                out.mux(stream.encode(av.VideoFrame.from_ndarray(small, format="rgb24")))
    reading = read(tmp_path / "a.mkv")
    assert [f.image.shape[:2] for f in reading.frames] == [(96, 96)] * 7
    assert "3 picture streams (32x32, 96x96, 48x48); the largest, number 1, is read" in reading.warnings[0]


def test_a_larger_stream_of_a_single_picture_is_not_taken_for_the_film(
    images: list[np.ndarray], tmp_path: Path
) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        film, cover = (out.add_stream("mjpeg", rate=25) for _ in range(2))
        assert isinstance(film, av.VideoStream) and isinstance(cover, av.VideoStream)
        film.width = film.height = 96
        cover.width = cover.height = 192
        film.pix_fmt = cover.pix_fmt = "yuvj420p"
        large = np.asarray(Image.fromarray(images[0]).resize((192, 192)))
        out.mux(cover.encode(av.VideoFrame.from_ndarray(large, format="rgb24")))
        for image in images:
            out.mux(film.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
    reading = read(tmp_path / "a.mkv")
    assert [f.image.shape[:2] for f in reading.frames] == [(96, 96)] * 7
    assert "the largest of more than one picture, number 0, is read" in reading.warnings[0]


def unknown_codec(path: Path, images: Sequence[np.ndarray]) -> Path:
    write(path, images, CODINGS["mpeg4"])
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/ASP", b"V_XYZW4/ISO/ASP"))
    return path


def test_a_stream_without_a_decoder_is_refused_by_name(images: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(NoFramesError, match=r"no decoder for; export the clip"):
        read(unknown_codec(tmp_path / "a.mkv", images))


def dahua(images: Sequence[np.ndarray]) -> bytes:
    """A recorder's file: every H.264 picture between the marks DHAV and dhav (as FFmpeg's libavformat/dhav.c reads)."""
    file = io.BytesIO()
    coding = CODINGS["h264"]
    with av.open(file, "w", format="h264") as out:
        stream = out.add_stream(coding.encoder, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv420p"
        stream.options = {**coding.options, "bf": "0"}
        coded = [p for i in images for p in stream.encode(av.VideoFrame.from_ndarray(i, format="rgb24"))]
        coded += stream.encode()
    out_bytes = b""
    for number, packet in enumerate(coded):
        # 0x80: full size in units of 8 pixels; 0x81: H.264 at 25 frames per second.
        extension = bytes([0x80, 0, images[0].shape[1] // 8, images[0].shape[0] // 8, 0x81, 0, 8, 25])
        length = 24 + len(extension) + len(bytes(packet)) + 8
        date = (2026 - 2000) << 26 | 11 << 22 | 26 << 17 | 12 << 12 | 0 << 6 | 0
        kind = 0xFD if packet.is_keyframe else 0xFC
        head = struct.pack(
            "<4sBBBBIIIHBB", b"DHAV", kind, 0, 1, 0, number, length, date, 40 * number, len(extension), 0
        )
        out_bytes += head + extension + bytes(packet) + b"dhav" + struct.pack("<I", length)
    return out_bytes


def test_the_file_of_a_dahua_recorder(images: list[np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "gate.dav").write_bytes(dahua(images))
    reading = read(tmp_path / "gate.dav")
    assert len(reading.frames) == 7
    levels = [grey_levels(f, i) for f, i in zip(reading.frames, images, strict=True)]
    assert max(levels) < 8, levels
    assert [f.time for f in reading.frames] == pytest.approx([n / 25 for n in range(7)], abs=0.01)


@pytest.mark.parametrize("name", ["gate.h264", "gate.bin"])
def test_a_header_before_a_raw_stream_is_left_out(images: list[np.ndarray], tmp_path: Path, name: str) -> None:
    """FFmpeg takes one that begins with 1 for the configuration of an MP4, and refuses the file."""
    write(tmp_path / name, images, CODINGS["h264"], container="h264")
    whole = read(tmp_path / name)
    (tmp_path / name).write_bytes(b"\1" * 508 + (tmp_path / name).read_bytes())
    reading = read(tmp_path / name)
    assert len(reading.frames) == 7 and not any(f.damaged for f in reading.frames)
    for frame, expected in zip(reading.frames, whole.frames, strict=True):
        np.testing.assert_array_equal(frame.image, expected.image)
    assert any("the first 508 bytes" in warning for warning in reading.warnings) and not whole.warnings


def test_bytes_between_the_units_of_a_stream_are_no_damage(images: list[np.ndarray], tmp_path: Path) -> None:
    """A recorder's header of each frame makes the supplemental information before it look cut off."""
    data = write(tmp_path / "a.h264", images, CODINGS["h264"]).read_bytes()
    units = re.split(b"(?=\0\0\0\1|(?<!\0)\0\0\1)", data)
    (tmp_path / "b.h264").write_bytes(b"".join(unit + b"HXVF\x90\1\1\1" for unit in units))
    reading = read(tmp_path / "b.h264")
    assert len(reading.frames) == 7 and not any(f.damaged for f in reading.frames)


def test_a_whole_transport_stream_with_stamps_is_not_called_cut_off(images: list[np.ndarray], tmp_path: Path) -> None:
    path = write(tmp_path / "a.m2ts", images, CODINGS["h264"])
    data = path.read_bytes()
    assert len(data) % 192 == 0 and data[4] == ord("G")
    assert read(path).warnings == ()
    path.write_bytes(data[:-40])
    assert any("cut off" in warning for warning in read(path).warnings)


def test_a_long_pause_is_told_and_no_loss(images: list[np.ndarray], tmp_path: Path) -> None:
    stamps = [0, 1, 2, 3, 25 * 600, 25 * 600 + 1, 25 * 600 + 2]
    reading = read(write(tmp_path / "a.mp4", images, CODINGS["h264"], stamps=stamps))
    assert [f.time for f in reading.frames] == pytest.approx([n / 25 for n in stamps])
    (warning,) = reading.warnings
    assert "pauses once for 600 s" in warning
    # One frame every minute is a slow recording.
    assert read(write(tmp_path / "b.mp4", images, CODINGS["h264"], stamps=[1500 * n for n in range(7)])).warnings == ()


def test_a_clock_that_restarts_runs_on(portrait: np.ndarray, tmp_path: Path) -> None:
    part = write(tmp_path / "part.ts", moving(portrait, 40, 48), CODINGS["h264"]).read_bytes()
    (tmp_path / "both.ts").write_bytes(part + part)
    reading = read(tmp_path / "both.ts")
    times = np.array([f.time for f in reading.frames], float)
    assert len(times) == 80 and np.all(np.diff(times) > 0)
    assert times[-1] == pytest.approx(79 / 25, abs=0.1)
    assert any("clock" in warning for warning in reading.warnings)
    later = read(tmp_path / "both.ts", start=2.0, end=2.5).frames
    assert [f.name for f in later] == [f.name for f in reading.frames if 2.0 <= (f.time or 0) <= 2.501]


@pytest.mark.parametrize("upper", [True, False])
def test_fields_of_motion_jpeg_in_either_order(portrait: np.ndarray, tmp_path: Path, upper: bool) -> None:
    """FFmpeg takes the first field in an AVI file for the lower one, whatever it is."""
    moments = moving(portrait, 6, 96)
    with av.open(str(tmp_path / "a.avi"), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = 96, 96, "yuvj420p"
        for number in range(0, 6, 2):
            lines = [moments[number + (k if upper else 1 - k)][k::2] for k in (0, 1)]
            fields = [jpeg_bytes(field / np.float32(255), 95) for field in lines]
            packet = av.Packet(b"".join(fields if upper else fields[::-1]))
            packet.pts = packet.dts = number // 2
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, True
            out.mux(packet)
    for number, frame in enumerate(read(tmp_path / "a.avi").frames):
        woven = moments[2 * number + (0 if upper else 1)].copy()
        woven[1::2] = moments[2 * number + (1 if upper else 0)][1::2]
        assert grey_levels(frame, woven) < 4 and not frame.damaged


def test_short_clips_in_a_row_keep_their_order(portrait: np.ndarray, tmp_path: Path) -> None:
    images = moving(portrait, 24, 48)
    parts = [write(tmp_path / f"{k}.ts", images[k : k + 8], FAINT).read_bytes() for k in (0, 8, 16)]
    (tmp_path / "all.ts").write_bytes(b"".join(parts))
    reading = read(tmp_path / "all.ts")
    assert [f.time for f in reading.frames] == pytest.approx(np.arange(24) / 25, abs=0.05)
    levels = [grey_levels(f, i) for f, i in zip(reading.frames, images, strict=True)]
    assert max(levels) < 8, levels
    assert any("starts again 2 times" in warning for warning in reading.warnings)


@pytest.mark.parametrize("bottom", [False, True])
def test_the_field_that_comes_first_is_measured(portrait: np.ndarray, tmp_path: Path, bottom: bool) -> None:
    moments = moving(portrait, 64, 96)[::2]
    woven = []
    for first, second in zip(moments[::2], moments[1::2], strict=True):
        frame = (first if bottom else second).copy()
        frame[::2] = (second if bottom else first)[::2]
        woven.append(frame)
    path = write(tmp_path / "a.mkv", woven, FAINT)
    fields = read(path, deinterlace=True).frames
    words = f"{'bottom' if bottom else 'top'} field first as measured"
    assert len(fields) == len(moments) and all(any(words in note for note in f.notes) for f in fields)
    assert max(grey_levels(f, moment) for f, moment in zip(fields, moments, strict=True)) < 8


def test_a_field_order_that_is_marked_wrong_is_measured(portrait: np.ndarray, tmp_path: Path) -> None:
    """x264 takes the mark from the frames that it is given, and PyAV's have none: bottom field first."""
    moments = moving(portrait, 48, 96)[::2]
    woven = []
    for first, second in zip(moments[::2], moments[1::2], strict=True):
        woven.append(second.copy())
        woven[-1][::2] = first[::2]
    marked = Coding("libx264", options={**FAINT.options, "x264-params": "interlaced=1"})
    fields = read(write(tmp_path / "a.mkv", woven, marked), deinterlace=True).frames
    assert len(fields) == len(moments)
    assert max(grey_levels(f, moment) for f, moment in zip(fields, moments, strict=True)) < 8
    assert all("top field first as measured" in f.notes[0] and "does not mark" not in f.notes[0] for f in fields)


def test_whole_frames_that_are_marked_as_interlaced(portrait: np.ndarray, tmp_path: Path) -> None:
    marked = Coding("libx264", options={**FAINT.options, "x264-params": "interlaced=1"})
    (warning,) = read(write(tmp_path / "a.mkv", moving(portrait, 40, 144)[::2], marked)).warnings
    assert "marked as interlaced, but in none of" in warning


@pytest.mark.parametrize("full", [False, True])
def test_a_full_range_that_is_not_declared_is_suspected(portrait: np.ndarray, tmp_path: Path, full: bool) -> None:
    dark = [np.clip(image.astype(float) * 1.6 - 50, 0, 255).astype(np.uint8) for image in moving(portrait, 4, 96)]
    frames = []
    for image in dark:
        coded = av.VideoFrame.from_ndarray(image, format="rgb24")
        coded = coded.reformat(format="yuv420p", dst_color_range=2 if full else 1)
        samples = coded.to_ndarray()
        frames.append(av.VideoFrame.from_ndarray(samples, format="yuv420p"))
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
        stream.options = dict(FAINT.options)
        for frame in frames:
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    reading = read(tmp_path / "a.mp4")
    assert any("(assumed)" in note for note in reading.frames[0].notes)
    assert any("well below black" in warning for warning in reading.warnings) == full


@pytest.mark.parametrize("coding", ["h264", "mpeg2", "mjpeg"])
def test_unmarked_interlacing_is_measured_and_advice_given(portrait: np.ndarray, tmp_path: Path, coding: str) -> None:
    moments = moving(portrait, 80, 144)[::2]
    woven = []
    for first, second in zip(moments[::2], moments[1::2], strict=True):
        frame = second.copy()
        frame[::2] = first[::2]
        woven.append(frame)
    reading = read(write(tmp_path / "woven.mkv", woven, CODINGS[coding]))
    assert any("looks interlaced" in w and "--deinterlace" in w for w in reading.warnings)
    assert read(write(tmp_path / "whole.mkv", moments, CODINGS[coding])).warnings == ()
    assert read(tmp_path / "woven.mkv", deinterlace=True).warnings == ()


# ---------------------------------------------------------------------------------------------------------------------
# Pictures


@pytest.mark.parametrize("tile", [None, 64], ids=["one picture", "tiles"])
def test_heic(portrait: np.ndarray, tmp_path: Path, tile: int | None) -> None:
    image = moving(portrait, 1, 192)[0][:176, :160]
    (tmp_path / "IMG_0001.HEIC").write_bytes(heic(image, tile))
    (tmp_path / "IMG_0002.jpg").write_bytes(heic(image, tile))
    reading = read(tmp_path)
    assert [f.name for f in reading.frames] == ["IMG_0001.HEIC", "IMG_0002.jpg"]
    assert all(grey_levels(frame, image) < 4 for frame in reading.frames)
    assert len(read(tmp_path / "IMG_0001.HEIC").frames) == 1


def test_damaged_heic_is_dropped(portrait: np.ndarray, tmp_path: Path) -> None:
    whole = heic(moving(portrait, 1, 96)[0])
    (tmp_path / "a.heic").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b.png").write_bytes(png_bytes(portrait))
    assert [item.name for item in read(tmp_path).dropped] == ["a.heic"]


@pytest.mark.parametrize("suffix", ["heic", "avif"])
def test_the_shape_of_pixels_and_the_part_that_is_shown(images: list[np.ndarray], tmp_path: Path, suffix: str) -> None:
    """libheif and libavif hand over pixels that are not square; libavif those too that are not to be shown."""
    image = images[0][:64]
    plain = io.BytesIO()
    Image.fromarray(image).save(plain, "AVIF", quality=95)
    whole = heic(image) if suffix == "heic" else plain.getvalue()
    wide, turned = ("pasp", struct.pack(">II", 2, 1)), ("irot", b"\1")

    def part(left: int) -> tuple[str, bytes]:
        return "clap", struct.pack(">IIIIiIiI", 48, 1, 32, 1, left, 2, 4, 1)

    def shown(*properties: tuple[str, bytes]) -> Frame:
        (tmp_path / f"a.{suffix}").write_bytes(with_properties(whole, *properties))
        return read(tmp_path / f"a.{suffix}").frames[0]

    assert grey_levels(shown(("pasp", struct.pack(">II", 3, 3))), image) < 4
    assert grey_levels(shown(part(16)), image[20:52, 32:80]) < 4
    stretched = shown(wide)
    assert stretched.image.shape == (64, 192, 3) and "aspect ratio 2 applied" in stretched.notes[-1]
    assert grey_levels(stretched, cv2.resize(image, (192, 64), interpolation=cv2.INTER_CUBIC)) < 6
    assert np.array_equal(shown(wide, turned).image.shape, (192, 64, 3))
    if suffix == "avif":
        with pytest.raises(NoFramesError, match=r"clap: 48x32 pixels from 24\.5, 20"):
            shown(part(1))
        (tmp_path / "a.avif").write_bytes(with_properties(whole, part(16)).replace(b"clap", b"clop"))
        with pytest.raises(NoFramesError, match="damaged"):
            read(tmp_path / "a.avif")


def tiff(path: Path, samples: np.ndarray, **options: object) -> Path:
    import tifffile

    tifffile.imwrite(path, samples, **options)  # type: ignore[arg-type]
    return path


def packed(samples: np.ndarray, bits: int) -> bytes:
    """``[H, W]`` whole numbers, the highest bit first, every row beginning with a byte."""
    ones = (samples[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(ones.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


def tiff_of_packed_grey(samples: np.ndarray, bits: int, photometric: int = 1) -> bytes:
    """The smallest TIFF file that says what it has to (TIFF 6.0, section 4)."""
    height, width = samples.shape
    strip = packed(samples, bits)
    entries = [
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, photometric),
        (273, 8),
        (277, 1),
        (278, height),
    ]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*entries, (279, len(strip))])
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + struct.pack("<H", 9) + directory + bytes(4)


def test_twelve_bits_in_sixteen_are_suspected(portrait: np.ndarray, tmp_path: Path) -> None:
    samples = np.rint(portrait * 4095).astype(np.uint16)
    notes = [read(tiff(tmp_path / "a.tif", samples * n, photometric="rgb")).frames[0].notes for n in (1, 16)]
    assert any("perhaps 12 bits in 16" in note for note in notes[0])
    assert notes[1] == ("16 bit",)


def test_deep_tiff_of_planes_inverted_grey_and_odd_depths(portrait: np.ndarray, tmp_path: Path) -> None:
    deep = np.rint(portrait * 65535).astype(np.uint16)
    grey = np.repeat(portrait[..., 1:2], 3, axis=2)
    for name, samples, options in (
        ("planes", np.moveaxis(deep, -1, 0), {"photometric": "rgb", "planarconfig": "separate"}),
        ("chunky", deep, {"photometric": "rgb"}),
        ("deflate", deep, {"photometric": "rgb", "compression": "zlib", "predictor": True}),
        ("big endian", deep, {"photometric": "rgb", "byteorder": ">"}),
        ("tiles", deep, {"photometric": "rgb", "tile": (64, 64)}),
        ("big tiff", deep, {"photometric": "rgb", "bigtiff": True}),
    ):
        frame = read(tiff(tmp_path / f"{name}.tif", samples, **options)).frames[0]
        assert grey_levels(frame, portrait) < 0.01, name
        assert "16 bit" in frame.notes
    inverted = read(tiff(tmp_path / "i.tif", 65535 - deep[..., 1], photometric="miniswhite")).frames[0]
    assert grey_levels(inverted, grey) < 0.01
    for bits in (10, 12, 14):
        samples = np.rint(portrait[..., 1] * (2**bits - 1)).astype(np.int64)[:, :-1]
        (tmp_path / "packed.tif").write_bytes(tiff_of_packed_grey(samples, bits))
        assert grey_levels(read(tmp_path / "packed.tif").frames[0], grey[:, :-1]) < 0.2
        (tmp_path / "inverted.tif").write_bytes(tiff_of_packed_grey(2**bits - 1 - samples, bits, photometric=0))
        assert grey_levels(read(tmp_path / "inverted.tif").frames[0], grey[:, :-1]) < 0.2


def test_tiff_layouts_of_eight_bits(portrait: np.ndarray, tmp_path: Path) -> None:
    eight = np.rint(portrait * 255).astype(np.uint8)
    planes = read(
        tiff(tmp_path / "p.tif", np.moveaxis(eight, -1, 0), photometric="rgb", planarconfig="separate")
    ).frames[0]
    assert grey_levels(planes, eight) < 0.01
    inverted = read(tiff(tmp_path / "i.tif", 255 - eight[..., 1], photometric="miniswhite")).frames[0]
    assert grey_levels(inverted, np.repeat(eight[..., 1:2], 3, axis=2)) < 0.01


def test_a_tiff_that_is_not_read_is_refused_by_name(portrait: np.ndarray, tmp_path: Path) -> None:
    deep = np.rint(portrait * 65535).astype(np.uint16)
    tiff(tmp_path / "a.tif", np.dstack([deep, deep]), photometric="minisblack", planarconfig="contig")
    with pytest.raises(NoFramesError, match="6 samples of 16 bits with photometric interpretation 1"):
        read(tmp_path / "a.tif")
    for samples, compression, name in (
        (deep, 50000, "ZSTD"),
        (np.rint(portrait * 255).astype(np.uint8), 34712, "JPEG2000"),
    ):
        tiff(tmp_path / "a.tif", samples, photometric="rgb")
        data = bytearray((tmp_path / "a.tif").read_bytes())
        at = data.index(struct.pack("<HHIH", 259, 3, 1, 1)) + 8
        data[at : at + 2] = struct.pack("<H", compression)
        (tmp_path / "a.tif").write_bytes(data)
        with pytest.raises(NoFramesError, match=rf"compressed by {name}, is not read; save it without compression"):
            read(tmp_path / "a.tif")


def test_signed_samples_and_lost_pages_of_a_tiff(portrait: np.ndarray, tmp_path: Path) -> None:
    pages = np.rint(portrait[:64, :64] * 255).astype(np.uint8)[None].repeat(3, axis=0)
    tiff(tmp_path / "a.tif", (pages[0, ..., 0] / 2).astype(np.int16), photometric="minisblack")
    with pytest.raises(NoFramesError, match=r"signed or complex samples of 16 bits.* save it with unsigned"):
        read(tmp_path / "a.tif")
    # The headers of all pages but the first come last.
    tiff(tmp_path / "a.tif", pages, photometric="rgb")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:-900])
    reading = read(tmp_path / "a.tif")
    assert reading.frames and "the file was cut off" in reading.dropped[-1].reason
    tiff(tmp_path / "a.tif", pages[..., 0], imagej=True, truncate=True)
    (frame,) = read(tmp_path / "a.tif").frames
    assert "the first of 3 pictures in the file" in frame.notes[-1]
    # OpenCV writes the only header behind the samples.
    data = cv2.imencode(".tif", pages[0])[1].tobytes()
    (tmp_path / "a.tif").write_bytes(data[: len(data) // 2])
    with pytest.raises(NoFramesError, match="the end of the file is missing"):
        read(tmp_path / "a.tif")


def test_the_thumbnail_of_a_raw_file_is_not_taken_for_its_picture(portrait: np.ndarray, tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "a.dng"
    with tifffile.TiffWriter(path) as file:
        file.write(portrait[::8, ::8], photometric="rgb", subfiletype=1, subifds=1)
        file.write(portrait[:64, :64, 0], photometric=32803, subfiletype=0)  # a colour filter array
    with pytest.raises(NoFramesError, match=r"nothing but a reduced picture .* export it as TIFF"):
        read(path)


def test_every_page_of_a_tiff_is_a_frame_and_thumbnails_are_none(images: list[np.ndarray], tmp_path: Path) -> None:
    import tifffile

    with tifffile.TiffWriter(tmp_path / "a.tif") as out:
        out.write(images[0], photometric="rgb")
        out.write(images[0][::4, ::4], photometric="rgb", subfiletype=1)
        out.write(images[1].astype(np.uint16) * 257, photometric="rgb")
        out.write(images[2], photometric="rgb", compression="zlib")
    reading = read(tmp_path / "a.tif")
    assert [f.name for f in reading.frames] == ["a.tif#0", "a.tif#2", "a.tif#3"]
    assert all(grey_levels(f, i) < 0.01 for f, i in zip(reading.frames, images, strict=False))
    assert [f.name for f in read(tmp_path / "a.tif", every=2).frames] == ["a.tif#0", "a.tif#3"]


def test_a_volume_in_one_tiff_page_is_said(images: list[np.ndarray], tmp_path: Path) -> None:
    import tifffile

    volume = np.stack([image[..., 1] for image in images[:4]])
    tifffile.imwrite(tmp_path / "a.tif", volume, volumetric=True, tile=(1, 32, 32), photometric="minisblack")
    (frame,) = read(tmp_path / "a.tif").frames
    assert any("the first of 4 pictures" in note for note in frame.notes)


def test_a_picture_for_programs_without_animation_is_no_frame(images: list[np.ndarray], tmp_path: Path) -> None:
    stills = [Image.fromarray(image) for image in images[:4]]
    stills[3].save(tmp_path / "a.png", save_all=True, default_image=True, append_images=stills[:3], duration=40)
    frames = read(tmp_path / "a.png").frames
    assert [f.time for f in frames] == [0.0, 0.04, 0.08]
    assert max(grey_levels(f, image) for f, image in zip(frames, images[:3], strict=True)) < 0.01
    assert ["left out" in str(f.notes) for f in frames] == [True, False, False]


def test_the_depth_of_a_jpeg_2000_is_said(portrait: np.ndarray, tmp_path: Path) -> None:
    for depth, note in ((np.uint8, ()), (np.uint16, ("16 bit, read as 8",))):
        samples = np.rint(portrait * np.iinfo(depth).max).astype(depth)
        (tmp_path / "a.jp2").write_bytes(cv2.imencode(".jp2", samples[..., ::-1])[1].tobytes())
        assert read(tmp_path / "a.jp2").frames[0].notes == note


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.avif"])
def test_every_frame_of_an_animation(images: list[np.ndarray], tmp_path: Path, name: str) -> None:
    first, *rest = [Image.fromarray(image) for image in images]
    options = {"a.webp": {"lossless": True}, "a.png": {}, "a.avif": {"quality": 95}}[name]
    first.save(tmp_path / name, save_all=True, append_images=rest, duration=40, **options)
    reading = read(tmp_path / name)
    assert [f.name for f in reading.frames] == [f"{name}#{n}" for n in range(7)]
    assert all(grey_levels(f, i) < 3 for f, i in zip(reading.frames, images, strict=True))
    assert [f.time for f in reading.frames] == pytest.approx([0.04 * n for n in range(7)], abs=1e-3)


def xyz_profile(primaries: Sequence[tuple[float, float]], gamma: float) -> bytes:
    """A matrix profile with one gamma (ICC.1:2001), white D65 adapted to D50."""
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50, d65 = np.array([0.9642, 1, 0.8249]), np.array([0.9505, 1, 1.0891])
    adapt = np.linalg.solve(bradford, np.diag(bradford @ d50 / (bradford @ d65)) @ bradford)
    columns = (adapt @ to_xyz(primaries, (0.3127, 0.3290))).T

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    tags = {b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(fixed, d50)), b"desc": b"desc\0\0\0\0\0\0\0\5test\0" + bytes(80)}
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True):
        tags[name] = b"XYZ \0\0\0\0" + b"".join(map(fixed, column))
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + bytes(2)
    tags[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(value))
        body += padded
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ").ljust(36, b"\0") + b"acsp"
    return head.ljust(68, b"\0") + b"".join(map(fixed, d50)) + bytes(48) + table + body


PROFILES = {
    "Display P3": (PRIMARIES[12][1], 2.2),
    "Adobe RGB": (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 2.2),
    "ProPhoto": (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), 1.8),
}


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "16.png", "16.tif"])
def test_profiles_are_applied(portrait: np.ndarray, tmp_path: Path, name: str, suffix: str) -> None:
    primaries, gamma = PROFILES[name]
    light = linear_from_srgb(portrait).astype(np.float64)
    wide = light @ np.linalg.inv(to_srgb_primaries(primaries, (0.3127, 0.3290))).T
    samples = np.clip(wide, 0, 1) ** (1 / gamma)
    profile = xyz_profile(primaries, gamma)
    path = tmp_path / f"a.{suffix}"
    if suffix == "16.tif":
        tiff(path, np.rint(samples * 65535).astype(np.uint16), photometric="rgb", iccprofile=profile)
    elif suffix == "16.png":
        path.write_bytes(sixteen_bit_png(samples, [(b"iCCP", b"x\0\0" + zlib.compress(profile))]))
    else:
        eight = Image.fromarray(np.rint(samples * 255).astype(np.uint8))
        if suffix == "jpg":
            eight.save(path, icc_profile=profile, quality=98, subsampling=0)
        else:
            eight.save(path, icc_profile=profile)
    frame = read(path).frames[0]
    assert grey_levels(frame, portrait) < (2.5 if suffix == "jpg" else 1.2)
    assert any("converted to sRGB" in note for note in frame.notes)
    unprofiled = 255 * np.abs(samples - portrait).mean()
    assert unprofiled > 2.5, "the profile would not be missed"


def test_profiles_that_change_nothing_or_cannot_be_used(portrait: np.ndarray, tmp_path: Path) -> None:
    eight = np.rint(portrait * 255).astype(np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(eight).save(tmp_path / "srgb.png", icc_profile=srgb)
    frame = read(tmp_path / "srgb.png").frames[0]
    np.testing.assert_array_equal(np.rint(frame.image * 255), eight)
    assert frame.notes == ()
    Image.fromarray(eight).save(tmp_path / "bad.png", icc_profile=b"no profile" * 30)
    frame = read(tmp_path / "bad.png").frames[0]
    np.testing.assert_array_equal(np.rint(frame.image * 255), eight)
    assert frame.notes == ("damaged colour profile not applied",)
    # A part of a profile that was cut in pieces is lost.
    data = jpeg_bytes(portrait, 90)
    part = b"ICC_PROFILE\0\1\2" + srgb[:200]
    (tmp_path / "part.jpg").write_bytes(data[:2] + b"\xff\xe2" + struct.pack(">H", 2 + len(part)) + part + data[2:])
    assert read(tmp_path / "part.jpg").frames[0].notes == ("colour profile incomplete, not applied",)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(eight).save(tmp_path / "lab.png", icc_profile=lab)
    assert "not for this kind of picture" in read(tmp_path / "lab.png").frames[0].notes[0]


def sixteen_bit_png(samples: np.ndarray, chunks: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
    """``[H, W, 3]`` in [0, 1] as a PNG of 16 bits with more chunks behind its header."""
    height, width = samples.shape[:2]
    lines = np.rint(samples * 65535).astype(">u2").reshape(height, -1)
    data = b"".join(b"\0" + line.tobytes() for line in lines)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    packed_parts = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed_parts)


def test_adobe_rgb_that_only_the_exif_data_say(portrait: np.ndarray, tmp_path: Path) -> None:
    light = linear_from_srgb(portrait).astype(np.float64)
    wide = light @ np.linalg.inv(to_srgb_primaries(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (0.3127, 0.3290))).T
    stored = Image.fromarray(np.rint(np.clip(wide, 0, 1) ** (256 / 563) * 255).astype(np.uint8))
    for rule, converted in (("R03", True), ("R98", False)):
        exif = Image.Exif()
        exif[0x8769] = {0xA001: 0xFFFF, 0xA005: {1: rule}}
        stored.save(tmp_path / "a.jpg", quality=97, subsampling=0, exif=exif)
        frame = read(tmp_path / "a.jpg").frames[0]
        assert (grey_levels(frame, portrait) < 2) == converted
        assert bool(frame.notes) == converted


def test_gamma_of_a_png(portrait: np.ndarray, tmp_path: Path) -> None:
    linear = linear_from_srgb(portrait)
    cases = {
        "linear": (linear, 100000),
        "mac": (linear ** (1 / 1.8), 55556),
        "usual": (portrait, 45455),
    }
    for name, (samples, gamma) in cases.items():
        chunk = (b"gAMA", struct.pack(">I", gamma))
        (tmp_path / f"{name}.png").write_bytes(sixteen_bit_png(samples, [chunk]))
        frame = read(tmp_path / f"{name}.png").frames[0]
        assert grey_levels(frame, portrait) < 0.1, name
        assert any("gamma" in note for note in frame.notes) == (name != "usual")
    both = [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))]
    (tmp_path / "srgb.png").write_bytes(sixteen_bit_png(portrait, both))
    assert grey_levels(read(tmp_path / "srgb.png").frames[0], portrait) < 0.1


def test_codes_of_video_in_png_and_avif(portrait: np.ndarray, tmp_path: Path) -> None:
    """cICP goes before everything else in a PNG; Pillow passes it over, and the colours of an AVIF too."""
    light = linear_from_srgb(portrait[:64, :64]).astype(np.float64)
    p3 = srgb_from_linear(np.clip(light @ np.linalg.inv(to_srgb_primaries(*PRIMARIES[12][1:])).T, 0, 1))
    shown = portrait[:64, :64] * 255
    for samples, codes in ((p3, (12, 13, 0, 1)), ((16 + portrait[:64, :64] * 219) / 255, (1, 13, 0, 0))):
        data = png_bytes(samples)
        (tmp_path / "a.png").write_bytes(data[:33] + chunk(b"cICP", bytes(codes)) + data[33:])
        assert grey_levels(read(tmp_path / "a.png").frames[0], shown / 255) < 0.6
    Image.fromarray(np.rint(p3 * 255).astype(np.uint8)).save(tmp_path / "a.avif", quality=100, subsampling="4:4:4")
    data = bytearray((tmp_path / "a.avif").read_bytes())
    plain = grey_levels(read(tmp_path / "a.avif").frames[0], shown / 255)
    at = data.find(b"colrnclx") + 8
    assert at > 8
    data[at : at + 2] = b"\0\x0c"
    (tmp_path / "a.avif").write_bytes(data)
    (frame,) = read(tmp_path / "a.avif").frames
    assert grey_levels(frame, shown / 255) < 0.7 * plain and "Display P3" in frame.notes[-1]


def test_the_depth_of_an_avif_is_said(images: list[np.ndarray], tmp_path: Path) -> None:
    for name, layout in (("8.avif", "yuv420p"), ("10.avif", "yuv420p10le")):
        coding = Coding("libsvtav1", layout, {"crf": "20", "preset": "10"})
        (frame,) = read(write(tmp_path / name, images[:1], coding, container="avif")).frames
        assert grey_levels(frame, images[0]) < 6
        assert ("10 bit, read as 8" in frame.notes) == (name == "10.avif")


def test_a_colour_of_deep_grey_that_stands_for_transparent(tmp_path: Path) -> None:
    samples = np.arange(0, 65536, 256).astype(">u2").reshape(16, 16)
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 16, 0, 0, 0, 0)) + chunk(b"tRNS", b"\x40\0")
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    (frame,) = read(tmp_path / "a.png").frames
    expected = samples.astype(np.float32) / 65535
    expected[4, 0] = 0.5
    np.testing.assert_allclose(frame.image[..., 1], expected, atol=1e-6)


def test_damaged_codes_of_a_jpeg_are_said(images: list[np.ndarray], tmp_path: Path) -> None:
    """libjpeg shows what it can and calls it a warning, which Pillow does not pass on."""
    for progressive in (False, True):
        name = f"{progressive}.jpg"
        Image.fromarray(images[0]).save(tmp_path / name, quality=90, progressive=progressive)
        data = (tmp_path / name).read_bytes()
        (tmp_path / f"cut {name}").write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    reading = read(tmp_path)
    assert {f.name: f.damaged for f in reading.frames} == {
        "cut False.jpg": True,
        "cut True.jpg": True,
        "False.jpg": False,
        "True.jpg": False,
    }
    assert any(note.startswith("damaged: decoder: ") for note in reading.frames[0].notes)
    assert "2 of 4 pictures are damaged in their coded data; each says so" in reading.warnings


def test_damaged_codes_of_a_jpeg_in_a_tiff_are_said(portrait: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.rint(cv2.resize(portrait, (256, 192)) * 255).astype(np.uint8)).save(path, compression="jpeg")
    whole = path.read_bytes()
    before = read(path).frames[0]
    assert not before.damaged
    marked = wrong = 0
    for at in range(700, len(whole) - 700, 1500):
        data = bytearray(whole)
        data[at] ^= 0x24
        path.write_bytes(data)
        frame = read(path).frames[0]
        marked += frame.damaged
        wrong += grey_levels(frame, before.image) > 3
    assert wrong > 4 and marked >= wrong / 2


def test_a_jpeg_of_limited_range_that_says_so(portrait: np.ndarray, tmp_path: Path) -> None:
    image = np.rint(portrait * 255).astype(np.uint8)
    luma, red, blue = np.moveaxis(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float32), -1, 0)
    video = np.stack([16 + luma * 219 / 255, *(128 + (c - 128) * 224 / 255 for c in (blue, red))], axis=-1)
    file = io.BytesIO()
    Image.fromarray(np.rint(video).astype(np.uint8), "YCbCr").save(file, "JPEG", quality=95, comment=b"CS=ITU601")
    (tmp_path / "a.jpg").write_bytes(file.getvalue())
    (tmp_path / "b.jpg").write_bytes(file.getvalue().replace(b"CS=ITU601", b"CS=ITU-R?"))
    limited, other = read(tmp_path).frames
    assert grey_levels(limited, portrait) < 3 and limited.notes == ("limited colour range expanded",)
    assert grey_levels(other, portrait) > 8 and other.jpeg is not None and limited.jpeg is not None
    np.testing.assert_allclose(limited.jpeg.luma, other.jpeg.luma * 255 / 219, rtol=1e-6)


def test_small_faults_of_headers(images: list[np.ndarray], tmp_path: Path) -> None:
    """An alpha that was left empty, a JPEG whose pixels are said to be as wide as it is, one behind another header."""
    image = np.dstack([images[0], np.zeros((96, 96), np.uint8)])
    Image.fromarray(image).save(tmp_path / "a.png")
    (frame,) = read(tmp_path / "a.png").frames
    assert grey_levels(frame, images[0]) < 0.1 and "which is ignored" in frame.notes[0]
    data = bytearray(jpeg_bytes(images[0][:64], 90))
    data[13:18] = struct.pack(">BHH", 0, 96, 64)  # behind the name, version and unit of JFIF
    (tmp_path / "b.jpg").write_bytes(data)
    (frame,) = read(tmp_path / "b.jpg").frames
    assert frame.image.shape == (64, 96, 3) and "size of the picture" in frame.notes[0]
    (tmp_path / "c.jpg").write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + data)
    with pytest.raises(NoFramesError, match="19 bytes of something else"):
        read(tmp_path / "c.jpg")


def test_restart_markers_out_of_order_are_said(images: list[np.ndarray], tmp_path: Path) -> None:
    """libjpeg goes on at a wrong place then, and FFmpeg does not look at the numbers."""
    for name, progressive in (("a.jpg", False), ("b.jpg", True)):
        Image.fromarray(images[0]).save(tmp_path / name, progressive=progressive, restart_marker_blocks=4)
    assert not any(frame.damaged for frame in read(tmp_path).frames)
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    third = [found.start() for found in re.finditer(b"\xff[\xd0-\xd7]", data)][2]
    data[third + 1] = 0xD4
    (tmp_path / "a.jpg").write_bytes(data)
    (frame,) = read(tmp_path / "a.jpg").frames
    assert frame.damaged and "restart markers" in frame.notes[-1]


def test_what_follows_a_jpeg_in_its_file_is_no_damage(images: list[np.ndarray], tmp_path: Path) -> None:
    """Phones put a second picture, a film or notes behind it, and bytes of these may look like the end of a picture."""
    one, other = (jpeg_bytes(image / np.float32(255), 90) for image in images[:2])
    noise = np.random.default_rng(3).integers(0, 256, 4000, np.uint8).tobytes()
    for behind in (other, b"\0\0\1\x0aImage_UTC_Data12\xff\xd9SEFT", noise + b"\xff\xd9" + noise):
        (tmp_path / "a.jpg").write_bytes(one + behind)
        (frame,) = read(tmp_path / "a.jpg").frames
        assert not frame.damaged and grey_levels(frame, images[0]) < 4
    # An MPO file, as of a phone's picture with a map of its gain.
    Image.fromarray(images[0]).save(tmp_path / "a.mpo", save_all=True, append_images=[Image.fromarray(images[1])])
    (frame,) = read(tmp_path / "a.mpo").frames
    assert not frame.damaged and frame.notes == ("the first of 2 pictures in the file",)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_codes_that_end_before_their_picture_are_said(images: list[np.ndarray], tmp_path: Path, lost: int) -> None:
    """libjpeg and FFmpeg take zeros for what is not there."""
    data = jpeg_bytes(images[0] / np.float32(255), 90)
    (tmp_path / "a.jpg").write_bytes(data[: -2 - lost] + data[-2:])
    (frame,) = read(tmp_path / "a.jpg").frames
    assert frame.damaged


def test_a_progressive_jpeg_without_its_last_scans(images: list[np.ndarray], tmp_path: Path) -> None:
    Image.fromarray(images[0]).save(tmp_path / "a.jpg", quality=90, progressive=True)
    data = (tmp_path / "a.jpg").read_bytes()
    scans = [found.start() for found in re.finditer(b"\xff\xda", data)]
    for last in (1, 4, len(scans) - 1):
        tables = data.rfind(b"\xff\xc4", scans[last - 1], scans[last])
        (tmp_path / "b.jpg").write_bytes(data[: tables if tables > 0 else scans[last]] + b"\xff\xd9")
        (frame,) = read(tmp_path / "b.jpg").frames
        assert frame.damaged and "scans are missing" in frame.notes[-1]


def test_what_ffmpeg_cannot_decode_is_no_whole_picture(images: list[np.ndarray], tmp_path: Path) -> None:
    """It gives a black one for lossless JPEG whose samples are interleaved one by one."""
    data = bytearray()
    with av.open(str(tmp_path / "a.avi"), "w") as out:
        stream = out.add_stream("jpegls", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = 96, 96, "rgb24"
        for image in images[:2]:
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")):
                data = bytearray(packet)
                scan = data.index(b"\xff\xda")
                data[scan + data[scan + 3]] = 2  # the mode of interleaving, the last but one byte of the header
                packet.update(bytes(data))
                out.mux(packet)
    reading = read(tmp_path / "a.avi")
    assert all(frame.damaged and "is not implemented" in frame.notes[0] for frame in reading.frames)
    (tmp_path / "a.mjpg").write_bytes(data)
    with pytest.raises(NoFramesError, match="a JPEG-LS picture, which is not read"):
        read(tmp_path / "a.mjpg")


def test_deflated_samples_that_are_not_those_of_their_checksum(portrait: np.ndarray, tmp_path: Path) -> None:
    """Pillow shows what was inflated before an error, and passes over the error where that is enough lines."""
    whole = np.rint(portrait * 255).astype(np.uint8)
    Image.fromarray(whole).save(tmp_path / "a.tif", compression="tiff_adobe_deflate")
    assert not read(tmp_path / "a.tif").frames[0].damaged
    data = (tmp_path / "a.tif").read_bytes()
    marked = 0
    for at in range(1000, len(data) - 1000, len(data) // 12):
        (tmp_path / "b.tif").write_bytes(data[:at] + bytes([data[at] ^ 0x24]) + data[at + 1 :])
        try:
            (frame,) = read(tmp_path / "b.tif").frames
        except NoFramesError:
            continue
        assert frame.damaged
        marked += 1
    assert marked


def test_inverted_ink_is_said_where_the_file_does_not_say(portrait: np.ndarray, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(portrait * 255).astype(np.uint8)).convert("CMYK").save(buffer, "JPEG", quality=95)
    data = buffer.getvalue()
    at = data.index(b"\xff\xee")
    unsaid = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    for name, content in {"said.jpg": data, "unsaid.jpg": unsaid}.items():
        (tmp_path / name).write_bytes(content)
        frame = read(tmp_path / name).frames[0]
        assert grey_levels(frame, portrait) < 3
        assert any("inverted ink" in note for note in frame.notes) == (name == "unsaid.jpg")


def test_a_jpeg_without_its_end_is_whole_and_one_cut_short_is_not(portrait: np.ndarray, tmp_path: Path) -> None:
    for progressive in (False, True):
        buffer = io.BytesIO()
        Image.fromarray(np.rint(portrait * 255).astype(np.uint8)).save(buffer, "JPEG", progressive=progressive)
        data = buffer.getvalue()
        (tmp_path / "a.jpg").write_bytes(data[:-2])
        frame = read(tmp_path / "a.jpg").frames[0]
        np.testing.assert_allclose(frame.image, np.asarray(Image.open(buffer)) / 255, atol=1e-6)
        assert "lacks its end marker" in frame.notes[0]
        assert frame.jpeg is not None
        for missing in (40, 400, len(data) // 2):
            (tmp_path / "a.jpg").write_bytes(data[:-missing])
            with pytest.raises(NoFramesError, match="damaged, cannot be decoded"):
                read(tmp_path / "a.jpg")


def test_jpeg_files_in_a_row_are_a_clip_or_said(images: list[np.ndarray], tmp_path: Path) -> None:
    files = [jpeg_bytes(image / np.float32(255), 90) for image in images[:3]]
    row = tmp_path / "a.mjpg"
    row.write_bytes(bytes(5).join(files))
    reading = read(row)
    assert [grey_levels(frame, image) < 4 for frame, image in zip(reading.frames, images[:3], strict=True)] == [
        True
    ] * 3
    still = tmp_path / "a.jpg"
    still.write_bytes(b"".join(files))
    (frame,) = read(still).frames
    assert any("the first of several JPEG pictures" in note for note in frame.notes)
    # A picture with something else behind it is a picture, whatever it is called.
    row.write_bytes(files[0] + b"the recorder's own words")
    (frame,) = read(row).frames
    assert frame.notes == ()


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"8BPS\0\1", "a Photoshop file, which is not read; export it as PNG"),
        (b"\xff\x0a\xfa\x1f", "a JPEG XL picture"),
        (b"II*\0\x10\0\0\0CR\2\0", r"a camera's raw file \(CR2\)"),
        (b"PK\3\4", "an archive or an office document, which is not read; take out what it holds"),
        (bytes(128) + b"DICM", "a DICOM file"),
        (b"#EXTM3U\n", "a play list, which is not read; give the files that it names"),
        (b"\xff\xd8\xff\xf7\0\x0b\x08", "a JPEG-LS picture"),
        (b"II\xbc\1", "a JPEG XR picture"),
        (bytes(257) + b"ustar\0", "an archive, which is not read; take out what it holds"),
        (b"MZ\x90\0", "a program, which is not read; some recorders export one"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\0", "begins with zeros alone"),
    ],
)
@pytest.mark.parametrize("name", ["a.jpg", "a.bin"])
def test_what_is_not_read_is_refused_by_name(tmp_path: Path, head: bytes, words: str, name: str) -> None:
    (tmp_path / name).write_bytes(head + bytes(300))
    with pytest.raises(NoFramesError, match=words):
        read(tmp_path / name)
    with pytest.raises(NoFramesError, match=words):
        read(tmp_path)


def test_content_goes_before_the_suffix(images: list[np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "still.mp4").write_bytes(jpeg_bytes(images[0] / 255, 90))
    frame = read(tmp_path / "still.mp4").frames[0]
    assert grey_levels(frame, images[0]) < 4 and frame.name == "still.mp4"
    clip = write(tmp_path / "clip.mp4", images, CODINGS["h264"])
    clip.rename(tmp_path / "clip.jpg")
    assert [f.name for f in read(tmp_path / "clip.jpg").frames] == [f"clip.jpg#{n}" for n in range(7)]
    (tmp_path / "photo.mkv").write_bytes(png_bytes(images[1] / 255))
    (tmp_path / "clip.jpg").unlink()
    assert [f.name for f in read(tmp_path).frames] == ["photo.mkv", "still.mp4"]


# ---------------------------------------------------------------------------------------------------------------------
# Files that cannot be right


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_palette_png_without_its_palette(tmp_path: Path, portrait: np.ndarray) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 3, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress((b"\0" + bytes(16)) * 16)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    (tmp_path / "b.png").write_bytes(png_bytes(portrait))
    reading = read(tmp_path)
    assert [f.name for f in reading.frames] == ["b.png"]
    assert "damaged" in reading.dropped[0].reason


def test_an_animation_that_says_it_has_billions_of_frames_ends_with_the_last_one(
    images: list[np.ndarray], tmp_path: Path
) -> None:
    first, *rest = [Image.fromarray(image) for image in images]
    first.save(tmp_path / "a.png", save_all=True, append_images=rest)
    data = (tmp_path / "a.png").read_bytes()
    at = data.index(b"acTL")
    control = b"acTL" + struct.pack(">II", 2**31 - 1, 0)
    sound = data[:at] + control + struct.pack(">I", zlib.crc32(control)) + data[at + len(control) + 4 :]
    (tmp_path / "a.png").write_bytes(sound)
    reading = read(tmp_path / "a.png")
    assert [f.name for f in reading.frames] == [f"a.png#{n}" for n in range(7)]
    (dropped,) = reading.dropped
    assert dropped.name == "a.png#7" and "after it" in dropped.reason


def test_a_damaged_avif_costs_no_other_picture(tmp_path: Path, portrait: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(portrait * 255).astype(np.uint8)).save(buffer, "AVIF")
    data = buffer.getvalue()
    (tmp_path / "a.avif").write_bytes(data[: len(data) // 2])
    (tmp_path / "b.png").write_bytes(png_bytes(portrait))
    reading = read(tmp_path)
    assert [f.name for f in reading.frames] == ["b.png"] and reading.dropped[0].name == "a.avif"


def test_a_stream_of_nothing_a_clip_of_one_frame_and_one_that_stops(images: list[np.ndarray], tmp_path: Path) -> None:
    with av.open(str(tmp_path / "empty.mkv"), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuvj420p"
        out.start_encoding()
    with pytest.raises(NoFramesError, match=r"empty\.mkv"):
        read(tmp_path / "empty.mkv")
    for name in ("h264", "hevc", "mpeg4", "mpeg2", "mjpeg", "vp9"):
        # Of a single frame x265 makes up a time of decoding where it expects B frames.
        coding = ONE_HEVC if name == "hevc" else CODINGS[name]
        frame = read(write(tmp_path / "one.mkv", images[:1], coding)).frames[0]
        assert frame.name == "one.mkv#0" and frame.time == 0
        suffix = "mkv" if name in ("mjpeg", "vp9") else "ts"
        path = write(tmp_path / f"whole.{suffix}", images * 5, CODINGS[name])
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        assert 5 < len(read(path).frames) < 35


def test_frames_of_eight_thousand_pixels(tmp_path: Path) -> None:
    image = np.tile(np.linspace(0, 255, 7680).astype(np.uint8)[None, :, None], (4320, 1, 3))
    path = write(tmp_path / "a.mkv", [image], CODINGS["mjpeg"])
    assert read(path).frames[0].image.shape == (4320, 7680, 3)
    over = np.zeros((7000, 8000, 3), np.uint8)
    with pytest.raises(NoFramesError, match="8000x7000 pixels; at most 50 million"):
        read(write(tmp_path / "b.mkv", [over], CODINGS["mjpeg"]))


def test_a_rate_that_is_nothing(images: list[np.ndarray], tmp_path: Path) -> None:
    """All frames at one moment: the file's duration is zero."""
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuvj420p"
        for image in images[:3]:
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                packet.pts = packet.dts = 0
                packet.time_base = Fraction(1, 25)
                out.mux(packet)
    assert len(read(tmp_path / "a.mkv").frames) >= 1


def clip_with(path: Path, images: list[np.ndarray], options: dict[str, str], ticks: int = 1) -> Path:
    """The pictures in H.264 with B frames, with options for the container, whose clock has so many ticks a frame."""
    with av.open(str(path), "w", options=options) as out:
        stream = out.add_stream("libx264", rate=25 * ticks)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv420p"
        stream.options = {"crf": "8", "bf": "2", "preset": "veryfast", "threads": "1"}
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = number * ticks, Fraction(1, 25 * ticks)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["a.avi", "a.asf", "a.mxf", "a.mp4"])
def test_files_without_times_of_presentation_keep_the_order(
    images: list[np.ndarray], tmp_path: Path, name: str
) -> None:
    path = clip_with(tmp_path / name, images, {})
    if name == "a.mp4":  # what says how much later each frame is shown than decoded is not there
        path.write_bytes(path.read_bytes().replace(b"ctts", b"free").replace(b"edts", b"free"))
    reading = read(path)
    assert all(grey_levels(f, i) < 5 for f, i in zip(reading.frames, images, strict=True))
    assert [f.time for f in reading.frames] == pytest.approx([0.04 * n for n in range(7)], abs=1e-3)


def test_an_avi_counts_frames_that_hold_nothing(images: list[np.ndarray], tmp_path: Path) -> None:
    """A rate that is a multiple of the camera's is reached by chunks of no bytes."""
    reading = read(clip_with(tmp_path / "a.avi", images, {}, ticks=24))
    assert not reading.warnings
    assert all(grey_levels(f, i) < 5 for f, i in zip(reading.frames, images, strict=True))
    assert [f.time for f in reading.frames] == pytest.approx([0.04 * n for n in range(7)], abs=1e-3)


def not_coded(picture: bytes) -> bytes:
    """What stands in the place of a picture of MPEG-4: its kind and time, a bit that says so, and stuffing."""
    return picture[:4] + (int.from_bytes(picture[4:6], "big") >> 6 << 6 | 0b001111).to_bytes(2, "big")


def test_b_frames_that_are_packed_with_the_frame_before(portrait: np.ndarray, tmp_path: Path) -> None:
    """DivX put two pictures into a packet of an AVI file and an empty one into the next."""
    images = moving(portrait, 9, 96)
    coding = Coding("mpeg4", options={"qscale": "2", "bf": "1", "g": "9"})
    with av.open(str(write(tmp_path / "a.mkv", images, coding))) as container:
        stream = container.streams.video[0]
        pieces = [bytes(packet) for packet in container.demux(stream) if packet.size]
        with av.open(str(tmp_path / "a.avi"), "w") as out:
            there = out.add_stream_from_template(stream)
            packed_pieces = [b"\0\0\1\xb2DivX503b1393p" + pieces[0]]
            for first in range(1, 9, 2):
                packed_pieces += [pieces[first] + pieces[first + 1], not_coded(pieces[first])]
            for number, data in enumerate(packed_pieces):
                packet = av.Packet(data)
                packet.pts = packet.dts = number
                packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), there, number == 0
                out.mux(packet)
    reading = read(tmp_path / "a.avi")
    nearest = [int(np.argmin([grey_levels(f, i) for i in images])) for f in reading.frames]
    assert nearest == list(range(len(nearest))) and len(nearest) >= 7
    assert [f.time for f in reading.frames] == pytest.approx([0.04 * n for n in range(len(nearest))], abs=1e-3)


def edited(path: Path, parts: Sequence[tuple[int, int]]) -> None:
    """Give an MP4 of one track, its index last, an edit list of parts: first frame, and how many (25 a second)."""
    data = path.read_bytes()
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
        assert base is not None
        step = int(Fraction(1, 25) / base)
    at = data.find(b"edts") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    (begin,) = struct.unpack_from(">i", data, data.find(b"elst") + 16)  # behind version, count and duration
    entries = [struct.pack(">IiI", 40 * count, begin + first * step, 1 << 16) for first, count in parts]
    edits = box(b"edts", box(b"elst", struct.pack(">II", 0, len(parts)) + b"".join(entries)))
    grown = bytearray(data[:at] + edits + data[at + size :])
    for kind in (b"moov", b"trak"):
        place = data.find(kind) - 4
        struct.pack_into(">I", grown, place, struct.unpack_from(">I", data, place)[0] + len(edits) - size)
    path.write_bytes(grown)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def test_frames_that_an_edit_list_hides_are_not_called_lost(portrait: np.ndarray, tmp_path: Path) -> None:
    """Neither are they counted among those that can be asked for."""
    images = moving(portrait, 40, 48)
    path = write(tmp_path / "a.mp4", images, FAINT)
    edited(path, [(13, 20)])
    reading = read(path)
    assert all(grey_levels(f, i) < 5 for f, i in zip(reading.frames, images[13:33], strict=True))
    assert reading.dropped[0].reason.endswith("frames that the edit list of the file hides")
    shown = ClipPlayer(path)
    assert shown.sheet.count == 20 and shown.sheet.times == tuple(f.time for f in reading.frames)
    assert all(np.array_equal(shown.frame(n).image, reading.frames[n].image) for n in (19, 5, 12))
    number, picture = shown.near(15, 48)
    assert grey_levels(reading.frames[number], np.asarray(Image.open(io.BytesIO(picture)))) < 6
    shown.close()


@pytest.mark.parametrize("size", [1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_an_index_that_claims_more_bytes_than_there_are_is_refused(size: int, tmp_path: Path) -> None:
    path = tmp_path / "claims.mp4"
    path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\1moov" + size.to_bytes(8, "big") + bytes(100))
    with pytest.raises(InputError):
        read(path)


def test_an_edit_list_of_several_parts_is_said_and_the_recording_read(images: list[np.ndarray], tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", images, FAINT)
    edited(path, [(4, 2), (1, 2)])
    reading = read(path)
    assert all(grey_levels(f, i) < 5 for f, i in zip(reading.frames, images, strict=True))
    assert [f.time for f in reading.frames] == [round(n / 25, 6) for n in range(7)]
    assert len(reading.warnings) == 1 and "edit list" in reading.warnings[0]


@pytest.mark.parametrize(
    ("suffix", "coding"), [("mp4", FAINT), ("mov", FAINT), ("flv", FAINT), ("asf", CODINGS["mpeg4"])]
)
def test_a_second_recording_behind_the_first_is_said(
    images: list[np.ndarray], tmp_path: Path, suffix: str, coding: Coding
) -> None:
    one = write(tmp_path / f"a.{suffix}", images, coding)
    data = one.read_bytes()
    (tmp_path / f"b.{suffix}").write_bytes(data + data)
    assert not any("another recording" in warning for warning in read(one).warnings)
    reading = read(tmp_path / f"b.{suffix}")
    assert any(f"another recording begins at byte {len(data)}" in warning for warning in reading.warnings)


def test_pixels_that_change_their_shape_within_a_clip_are_said(images: list[np.ndarray], tmp_path: Path) -> None:
    parts = []
    for number, aspect in enumerate((1, 2)):
        with av.open(str(tmp_path / f"{number}.ts"), "w") as out:
            stream = out.add_stream("libx264", rate=25, options=dict(FAINT.options))
            assert isinstance(stream, av.VideoStream)
            stream.width = stream.height = 96
            stream.pix_fmt, stream.codec_context.sample_aspect_ratio = "yuv420p", Fraction(aspect)
            for image in images * 2:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
        parts.append((tmp_path / f"{number}.ts").read_bytes())
    (tmp_path / "a.ts").write_bytes(b"".join(parts))
    assert any("change their shape" in warning for warning in read(tmp_path / "a.ts").warnings)
    assert not any("change their shape" in warning for warning in read(tmp_path / "1.ts").warnings)


def test_an_encrypted_clip_is_refused_by_name(images: list[np.ndarray], tmp_path: Path) -> None:
    key = "00112233445566778899aabbccddeeff"
    options = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": key, "encryption_kid": key}
    with pytest.raises(NoFramesError, match=r"encrypted.* export the clip without encryption"):
        read(clip_with(tmp_path / "a.mp4", images[:3], options))


def test_a_scrambled_transport_stream_is_refused_and_a_scrambled_part_said(
    images: list[np.ndarray], tmp_path: Path
) -> None:
    """As television and some cameras record it: the headers of the packets are open, what they hold is not."""
    path = write(tmp_path / "a.ts", images * 3, CODINGS["h264"])
    assert not read(path).warnings[1:]  # the first is of copies
    data = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 188).copy()
    with av.open(str(path)) as container:
        own = np.flatnonzero((data[:, 1] & 0x1F).astype(int) * 256 + data[:, 2] == container.streams.video[0].id)
    for begin in (len(own) // 2, 0):
        for number in own[begin:]:
            data[number, 3] |= 0x80
            header = 4 + (1 + data[number, 4] if data[number, 3] & 0x20 else 0)
            data[number, header:] = np.random.default_rng(number).integers(0, 256, 188 - header)
        (tmp_path / "b.ts").write_bytes(data.tobytes())
        if begin:
            assert any("are scrambled, and what they show" in warning for warning in read(tmp_path / "b.ts").warnings)
    with pytest.raises(NoFramesError, match="are encrypted, and without its key"):
        read(tmp_path / "b.ts")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.mp4", {"movflags": "faststart"}, "is cut off"),
        ("a.avi", {}, "the header of 'a.avi' counts 7 frames and"),
    ],
)
def test_a_file_that_ends_too_early_says_so(
    images: list[np.ndarray], tmp_path: Path, name: str, options: dict[str, str], words: str
) -> None:
    path = clip_with(tmp_path / name, images, options)
    assert not read(path).warnings
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 5])
    assert any(re.search(words, warning) for warning in read(path).warnings)


def test_an_mp4_without_its_index_is_refused_by_name(images: list[np.ndarray], tmp_path: Path) -> None:
    path = clip_with(tmp_path / "a.mp4", images[:3], {})
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(NoFramesError, match=r"the index of .* \(moov\) is missing"):
        read(path)
