"""Reading: every kind of file gives the picture that it shows, and everything that cannot be used says why."""

from __future__ import annotations

import hashlib
import io
import math
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mfrec.camera.noise import ijg_tables
from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.imageio import (
    MAX_FRAMES,
    MAX_PIXELS,
    MIN_SIDE,
    Reading,
    h264_bytes,
    jpeg_bytes,
    png_bytes,
    read,
    to_uint8,
)
from mfrec.imageio.orientation import ORIENTATIONS
from mfrec.imageio.survey import natural_key
from mfrec.types import JpegTables

HEIGHT, WIDTH = 48, 64


def picture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A smooth colourful uint8 picture without any symmetry."""
    rng = np.random.default_rng(seed)
    small = rng.uniform(30, 225, (5, 6, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def save(path: Path, array: np.ndarray, **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def as_uint8(reading: Reading, number: int = 0) -> np.ndarray:
    return to_uint8(reading.frames[number].image)


def encode(
    path: Path,
    images: Sequence[np.ndarray],
    codec: str = "libx264",
    layout: str = "yuv420p",
    *,
    container: str | None = None,
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    rate: int = 25,
    full: bool = False,
    convert: Callable[[np.ndarray], av.VideoFrame] | None = None,
) -> Path:
    """A real video file; ``convert`` makes a frame in ``layout`` from an array, by default FFmpeg does."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = layout
        stream.options = {**(options or {})}
        if aspect is not None:
            stream.sample_aspect_ratio = aspect
        if full:
            stream.color_range = 2
        for image in images:
            made = convert(image) if convert else av.VideoFrame.from_ndarray(image, format="rgb24")
            out.mux(stream.encode(made))
        out.mux(stream.encode())
    return path


def planar(layout: str, planes: Sequence[np.ndarray]) -> av.VideoFrame:
    """A frame with given samples."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, layout)
    for target, samples in zip(frame.planes, planes, strict=True):
        padded = np.zeros((target.height, target.line_size // samples.itemsize), samples.dtype)
        padded[:, : samples.shape[1]] = samples
        target.update(padded.tobytes())
    return frame


def numbered(count: int, height: int = HEIGHT, width: int = WIDTH) -> list[np.ndarray]:
    """Frames that tell their number by their grey level: ``40 + 10 n``."""
    return [np.full((height, width, 3), 40 + 10 * n, np.uint8) for n in range(count)]


def number_of(image: np.ndarray) -> int:
    return round((float(np.mean(image)) * 255 - 40) / 10)


# ---------------------------------------------------------------------------------------------------------------------
# Folders, lists, order


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    names = ["frame10.png", "frame2.png", "Frame1.png", "frame002b.png"]
    for i, name in enumerate(names):
        save(tmp_path / name, picture(i))
    reading = read(tmp_path)
    assert [f.name for f in reading.frames] == ["Frame1.png", "frame2.png", "frame002b.png", "frame10.png"]
    assert [f.index for f in reading.frames] == [0, 1, 2, 3]
    assert reading.dropped == () and reading.warnings == ()


@given(st.lists(st.integers(0, 10**12), unique=True, min_size=2, max_size=20), st.randoms())
def test_natural_order_is_the_order_of_the_numbers(values: list[int], shuffle: random.Random) -> None:
    names = [f"a {value} b" for value in sorted(values)]
    mixed = list(names)
    shuffle.shuffle(mixed)
    assert sorted(mixed, key=natural_key) == names


@given(st.text(min_size=1), st.text(min_size=1))
def test_natural_order_takes_any_names(one: str, other: str) -> None:
    assert sorted([one, other], key=natural_key) == sorted([other, one], key=natural_key)


def test_explicit_files_keep_their_order(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{name}.png", picture(i)) for i, name in enumerate("cab")]
    assert [f.name for f in read(paths).frames] == ["c.png", "a.png", "b.png"]
    assert [f.name for f in read([str(p) for p in paths]).frames] == ["c.png", "a.png", "b.png"]
    assert [f.name for f in read(p for p in paths).frames] == ["c.png", "a.png", "b.png"]


def test_every_counts_from_the_first(tmp_path: Path) -> None:
    for i in range(8):
        save(tmp_path / f"{i}.png", picture(i))
    reading = read(tmp_path, every=3)
    assert [f.name for f in reading.frames] == ["0.png", "3.png", "6.png"]
    assert [f.index for f in reading.frames] == [0, 1, 2]
    arrays = read([picture(i) for i in range(8)], every=3)
    assert [f.name for f in arrays.frames] == ["array 0", "array 3", "array 6"]


def test_hashes_are_those_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", picture())
    frame = read(path).frames[0]
    assert frame.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert frame.md5 == hashlib.md5(path.read_bytes()).hexdigest()
    assert frame.path == path and frame.time is None and frame.key is None


@pytest.mark.parametrize(
    "name", ["two words.png", "été 顔 🙂.png", "<img src=x onerror=alert(1)>&amp;'\".png", "%03d.png"]
)
def test_any_file_name_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, picture())
    reading = read(tmp_path)
    assert [f.name for f in reading.frames] == [name]
    np.testing.assert_array_equal(as_uint8(reading), picture())


@pytest.mark.parametrize("name", ["two words.mp4", "顔 <b>&.mp4", "concat:x.mp4", "%03d.mp4"])
def test_any_video_name_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    encode(tmp_path / name, numbered(2))
    assert [f.name for f in read(tmp_path / name).frames] == [f"{name}#0", f"{name}#1"]


@pytest.mark.skipif(sys.platform == "win32", reason="names are bytes on POSIX only")
def test_a_name_that_is_not_utf8_can_be_stored(tmp_path: Path) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9.png", os.O_CREAT | os.O_WRONLY))
    entry = next(tmp_path.iterdir())
    entry.write_bytes(png_bytes(picture() / 255))
    frame = read(tmp_path).frames[0]
    assert frame.name == "caf\\udce9.png"
    assert frame.name.encode("utf-8")


def test_a_name_that_would_steer_a_terminal_is_shown_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "a\n\x1b[2J\u202egnp.png").write_bytes(png_bytes(picture() / 255))
    (tmp_path / "junk\n.txt").write_bytes(b"no picture")
    reading = read(tmp_path)
    assert reading.frames[0].name == "a\\n\\x1b[2J\\u202egnp.png"
    assert reading.dropped[0].name == "junk\\n.txt"


def test_nothing_is_written_beside_the_originals(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", picture())
    (tmp_path / "b.png").write_bytes(b"no picture")
    encode(tmp_path / "c.mp4", numbered(3))

    def state() -> list[tuple[str, int, bytes]]:
        return [(p.name, p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(tmp_path.iterdir())]

    before = state()
    read(tmp_path)
    read(tmp_path / "c.mp4", deinterlace=True)
    assert state() == before


def test_two_readings_are_identical(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", [picture(i) for i in range(5)])
    one, other = read(path), read(path)
    for a, b in zip(one.frames, other.frames, strict=True):
        np.testing.assert_array_equal(a.image, b.image)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    video = encode(tmp_path / "a.mp4", numbered(6))
    read(video, progress=lambda *call: calls.append(call))
    assert calls == [("read", n, 6) for n in range(1, 7)]
    calls.clear()
    read([picture(0), picture(1)], progress=lambda *call: calls.append(call))
    assert calls == [("read", 1, 2), ("read", 2, 2)]


def test_copies_are_pointed_out(tmp_path: Path) -> None:
    save(tmp_path / "a.png", picture(0))
    save(tmp_path / "b.png", picture(1))
    save(tmp_path / "c.png", picture(0))
    (warning,) = read(tmp_path).warnings
    assert "'c.png' of 'a.png'" in warning and "b.png" not in warning


# ---------------------------------------------------------------------------------------------------------------------
# Pictures


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "ppm", "webp"])
def test_lossless_colour_comes_back_exactly(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    reading = read(save(tmp_path / f"a.{suffix}", picture(), **options))
    np.testing.assert_array_equal(as_uint8(reading), picture())
    image = reading.frames[0].image
    assert image.dtype == np.float32 and not image.flags.writeable
    np.testing.assert_allclose(image, picture() / 255, atol=1e-7)


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    save(tmp_path / "photo.png", picture(), format="PNG").rename(tmp_path / "no suffix")
    np.testing.assert_array_equal(as_uint8(read(tmp_path)), picture())


@pytest.mark.parametrize("suffix", ["png", "tiff", "ppm"])
def test_sixteen_bit_colour_keeps_all_its_bits(tmp_path: Path, suffix: str) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), deep[..., ::-1])
    frame = read(tmp_path / f"a.{suffix}").frames[0]
    np.testing.assert_array_equal(np.rint(frame.image * np.float64(65535)), deep)
    assert "16 bit" in frame.notes


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_sixteen_bit_grey_keeps_all_its_bits(tmp_path: Path, suffix: str) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
    deep[0, 0] = 65535
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), deep)
    frame = read(tmp_path / f"a.{suffix}").frames[0]
    np.testing.assert_array_equal(np.rint(frame.image * np.float64(65535)), np.repeat(deep[..., None], 3, axis=2))
    assert "grey, 16 bit" in frame.notes


def test_sixteen_bit_alpha(tmp_path: Path) -> None:
    deep = np.full((16, 16, 4), 65535, np.uint16)
    deep[..., 3] = 0
    deep[:8, :, 3] = 65535
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    frame = read(tmp_path / "a.png").frames[0]
    assert np.all(frame.image[:8] == 1) and np.all(frame.image[8:] == 0.5)


def test_floating_point_tiff(tmp_path: Path) -> None:
    values = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    np.testing.assert_array_equal(read(save(tmp_path / "a.tif", values)).frames[0].image[..., 1], values)
    save(tmp_path / "b.tif", values * 255)
    reading = read(tmp_path)
    assert "0 to 255" in reading.dropped[0].reason


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
def test_other_modes_look_like_pillows_rgb(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(picture()).convert(mode)
    image.save(tmp_path / "a.tif")
    reading = read(tmp_path)
    np.testing.assert_array_equal(as_uint8(reading), np.asarray(image.convert("RGB")))
    assert reading.frames[0].notes == {"1": ("grey",), "L": ("grey",), "LA": ("grey",), "P": ("palette",)}.get(
        mode, ("converted from CMYK",) if mode == "CMYK" else ()
    )


def test_alpha_is_composited_over_mid_grey(tmp_path: Path) -> None:
    rgba = np.dstack([picture(), np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))])
    frame = read(save(tmp_path / "a.png", rgba)).frames[0]
    alpha = rgba[..., 3:] / 255
    np.testing.assert_allclose(frame.image, alpha * picture() / 255 + (1 - alpha) * 0.5, atol=1e-6)
    assert "transparent parts composited over mid-grey" in frame.notes


def test_a_transparent_palette_entry(tmp_path: Path) -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (0, 0, 8, 16))
    image.save(tmp_path / "a.png", transparency=0)
    frame = read(tmp_path).frames[0]
    np.testing.assert_array_equal(frame.image[0, 0], [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(frame.image[0, 15], [0, 1, 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "deep.png", "deep.tif"])
def test_exif_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    stored = Image.fromarray(picture())
    if suffix.startswith("deep"):
        import tifffile

        deep = picture().astype(np.uint16) * 257
        if suffix.endswith("tif"):
            tifffile.imwrite(path, deep, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
        else:
            path.write_bytes(with_png_exif(cv2.imencode(".png", deep[..., ::-1])[1].tobytes(), exif.tobytes()))
        expected = stored
        expected.getexif()[0x0112] = orientation
    else:
        stored.save(path, exif=exif, quality=95)
        with Image.open(path) as again:
            exif_of_file = again.getexif().get(0x0112)
            expected = Image.frombytes("RGB", stored.size, stored.tobytes())
            if suffix == "jpg":
                expected = again.copy()
            expected.getexif()[0x0112] = orientation
            assert exif_of_file == orientation
    frame = read(path).frames[0]
    np.testing.assert_array_equal(to_uint8(frame.image), np.asarray(ImageOps.exif_transpose(expected)))
    assert (f"EXIF orientation {orientation} applied" in frame.notes) == (orientation != 1)


def with_png_exif(png: bytes, exif: bytes) -> bytes:
    """Insert an eXIf chunk after the header of a PNG."""
    body = b"eXIf" + exif.removeprefix(b"Exif\x00\x00")
    return png[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + png[33:]


def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    data = bytearray(jpeg_bytes(picture() / 255, 90))
    block = b"Exif\x00\x00II*\x00\xff\xff\xff\x7f" + b"\x00" * 8
    data[2:2] = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    (tmp_path / "a.jpg").write_bytes(data)
    assert len(read(tmp_path).frames) == 1


def quantization_in_file(data: bytes) -> dict[int, np.ndarray]:
    """The tables of a JPEG, its zigzag undone by hand (T.81, figure 5)."""
    order = sorted(((u, v) for v in range(8) for u in range(8)), key=lambda p: (sum(p), p[1] if sum(p) % 2 else p[0]))
    tables, at = {}, 0
    while (at := data.find(b"\xff\xdb", at)) >= 0:
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        body = data[at + 4 : at + 2 + length]
        for start in range(0, len(body), 65):
            table = np.zeros((8, 8))
            for value, (u, v) in zip(body[start + 1 : start + 65], order, strict=True):
                table[v, u] = value
            tables[body[start] & 15] = table
        at += 2 + length
    return tables


LUMA = [1 + u + 10 * v for v in range(8) for u in range(8)]
CHROMA = [2 + 3 * u + 15 * v for v in range(8) for u in range(8)]


@pytest.mark.parametrize(("sampling", "expected"), [(0, (1, 1)), (1, (2, 1)), (2, (2, 2))])
def test_jpeg_tables_are_the_files_own(tmp_path: Path, sampling: int, expected: tuple[int, int]) -> None:
    path = save(tmp_path / "a.jpg", picture(), qtables=[LUMA, CHROMA], subsampling=sampling)
    stored = quantization_in_file(path.read_bytes())
    tables = read(path).frames[0].jpeg
    assert tables is not None
    # A table that rises ten times faster downwards than to the right: rows are vertical frequencies.
    assert stored[0][1, 0] - stored[0][0, 0] == 10 and stored[0][0, 1] - stored[0][0, 0] == 1
    np.testing.assert_array_equal(tables.luma, stored[0])
    np.testing.assert_array_equal(tables.chroma, stored[1])
    assert tables.subsampling == expected and tables.phase == (0, 0)


def test_jpeg_tables_describe_the_coefficients(tmp_path: Path) -> None:
    """The decoded luma has block coefficients at whole multiples of the steps; half a grey level of rounding aside."""
    path = save(tmp_path / "a.jpg", picture(), qtables=[[24] * 64, [24] * 64], subsampling=0)
    frame = read(path).frames[0]
    assert frame.jpeg is not None
    luma = (frame.image.astype(np.float64) @ [0.299, 0.587, 0.114]) * 255 - 128
    blocks = luma.reshape(HEIGHT // 8, 8, WIDTH // 8, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    steps = np.stack([cv2.dct(block) for block in blocks]) / frame.jpeg.luma
    assert np.sqrt(np.mean((steps - np.rint(steps)) ** 2)) < 0.03


@pytest.mark.parametrize("orientation", range(2, 9))
def test_jpeg_tables_turn_with_the_picture(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.jpg", picture(), qtables=[LUMA, CHROMA], subsampling=1, exif=exif)
    tables = read(path).frames[0].jpeg
    assert tables is not None
    turned = ORIENTATIONS[orientation][0]
    np.testing.assert_array_equal(tables.luma, np.reshape(LUMA, (8, 8)).T if turned else np.reshape(LUMA, (8, 8)))
    assert tables.subsampling == ((1, 2) if turned else (2, 1))
    # They fit the upright picture: its block coefficients are multiples of the turned steps and not of the others.
    luma = (read(path).frames[0].image.astype(np.float64) @ [0.299, 0.587, 0.114]) * 255 - 128
    height, width = luma.shape
    blocks = luma.reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    coefficients = np.stack([cv2.dct(block) for block in blocks])

    def misfit(steps: np.ndarray) -> float:
        fraction = np.abs(coefficients / steps - np.rint(coefficients / steps))
        return float(np.mean(fraction[:, :3, :3] * (np.abs(coefficients) > 8)[:, :3, :3]))

    assert misfit(tables.luma) < 0.5 * misfit(tables.luma.T)


def off_lattice(image: np.ndarray, tables: JpegTables, phase: tuple[int, int]) -> float:
    """RMS distance of luma's block coefficients from multiples of their steps, in steps: 0.29 for chance.

    The zero frequency is left out: it depends on where a video's range has its black.
    """
    luma = image[phase[1] :, phase[0] :].astype(np.float64) @ [0.299, 0.587, 0.114] * 255
    rows, columns = luma.shape[0] // 8, luma.shape[1] // 8
    blocks = luma[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    steps = np.stack([cv2.dct(block) for block in blocks]) / tables.luma
    # What is below half a step rounds to nothing on any lattice.
    telling = np.abs(steps) > 0.5
    telling[:, 0, 0] = False
    assert telling.sum() > 100
    return float(np.sqrt(np.mean((steps - np.rint(steps))[telling] ** 2)))


def textured(seed: int, height: int, width: int) -> np.ndarray:
    """Grey noise with contrast at all frequencies, and clear of black and white, where decoders clip."""
    values = np.random.default_rng(seed).normal(0, 25, (height, width))
    grey = np.clip(128 + values, 60, 195).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize("sampling", [0, 2])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_blocks_of_a_turned_picture_of_any_size_are_found(tmp_path: Path, orientation: int, sampling: int) -> None:
    """Stored 61 x 43: mirrored sides begin with the block that the file had cut, 5 wide or 3 high."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    tables_stored = [[16 + 2 * u + 5 * v for v in range(8) for u in range(8)]] * 2
    path = save(tmp_path / "a.jpg", textured(0, 43, 61), qtables=tables_stored, subsampling=sampling, exif=exif)
    frame = read(path).frames[0]
    assert frame.jpeg is not None
    mirrored = {1: "", 2: "x", 3: "xy", 4: "y", 5: "", 6: "x", 7: "xy", 8: "y"}[orientation]
    cut = (3, 5) if orientation >= 5 else (5, 3)
    assert frame.jpeg.phase == (cut[0] if "x" in mirrored else 0, cut[1] if "y" in mirrored else 0)
    misfit = {(x, y): off_lattice(frame.image, frame.jpeg, (x, y)) for x in range(8) for y in range(8)}
    best, runner_up = sorted(misfit, key=lambda phase: misfit[phase])[:2]
    assert best == frame.jpeg.phase
    assert misfit[best] < 0.05
    assert misfit[runner_up] > 0.2


def test_jpeg_of_grey_rgb_and_cmyk(tmp_path: Path) -> None:
    grey = read(save(tmp_path / "a.jpg", picture()[..., 0], qtables=[LUMA])).frames[0]
    assert grey.jpeg is not None and grey.jpeg.subsampling == (1, 1)
    np.testing.assert_array_equal(grey.jpeg.luma, np.reshape(LUMA, (8, 8)))
    assert read(save(tmp_path / "b.jpg", picture(), keep_rgb=True)).frames[0].jpeg is None
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "c.jpg")
    assert read(tmp_path / "c.jpg").frames[0].jpeg is None
    assert read(save(tmp_path / "d.png", picture())).frames[0].jpeg is None


@pytest.mark.parametrize(("suffix", "dpi", "size"), [("png", (144, 72), (96, 64)), ("tif", (72, 108), (48, 96))])
def test_resolution_makes_pixels_square(
    tmp_path: Path, suffix: str, dpi: tuple[int, int], size: tuple[int, int]
) -> None:
    frame = read(save(tmp_path / f"a.{suffix}", picture(), dpi=dpi)).frames[0]
    assert frame.image.shape[:2] == size
    assert any("pixel aspect ratio" in note for note in frame.notes)


def test_resolution_of_a_turned_jpeg(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    # Stored pixels twice as wide as high: 128 x 48 on the stored grid, 48 x 128 upright.
    frame = read(save(tmp_path / "a.jpg", picture(), exif=exif, dpi=(72, 144))).frames[0]
    assert frame.image.shape[:2] == (128, 48)
    assert frame.jpeg is None


def test_jfif_aspect_ratio_without_a_unit(tmp_path: Path) -> None:
    data = bytearray(jpeg_bytes(picture() / 255, 90))
    at = data.index(b"JFIF\x00")
    data[at + 7 : at + 12] = b"\x00\x00\x02\x00\x01"
    (tmp_path / "a.jpg").write_bytes(data)
    assert read(tmp_path).frames[0].image.shape[:2] == (48, 128)


def test_square_and_implausible_resolutions_change_nothing(tmp_path: Path) -> None:
    save(tmp_path / "a.png", picture(0), dpi=(72, 72))
    save(tmp_path / "b.png", picture(1), dpi=(1, 1000))
    square, implausible = read(tmp_path).frames
    np.testing.assert_array_equal(to_uint8(square.image), picture(0))
    np.testing.assert_array_equal(to_uint8(implausible.image), picture(1))
    assert square.notes == () and "implausible" in implausible.notes[0]


def test_frames_of_different_sizes(tmp_path: Path) -> None:
    save(tmp_path / "a.png", picture(0, 32, 32))
    save(tmp_path / "b.png", picture(1, 20, 50))
    assert [f.image.shape for f in read(tmp_path).frames] == [(32, 32, 3), (20, 50, 3)]


# ---------------------------------------------------------------------------------------------------------------------
# Arrays


def test_arrays_are_scaled_by_their_type() -> None:
    deep = picture().astype(np.uint16) * 257
    reading = read([picture(), deep, picture() / 255, (picture() / 255).astype(np.float32)])
    for i, frame in enumerate(reading.frames):
        np.testing.assert_array_equal(to_uint8(frame.image), picture())
        assert frame.name == f"array {i}" and frame.index == i and frame.path is None
    assert reading.frames[0].sha256 == hashlib.sha256(picture().tobytes()).hexdigest()
    stacked = read(np.stack([picture(0), picture(1)]))
    np.testing.assert_array_equal(as_uint8(stacked, 1), picture(1))


def test_the_callers_array_stays_his() -> None:
    mine = (picture() / 255).astype(np.float32)
    frame = read([mine]).frames[0]
    mine[:] = 0
    assert mine.flags.writeable and frame.image.max() > 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((16, 16, 3), np.nan), "768 values that are NaN or infinite"),
        (np.full((16, 16, 3), np.inf), "NaN or infinite"),
        (np.full((16, 16, 3), 200.0), "divide by 255"),
        (np.full((16, 16, 3), -0.1), "in \\[0, 1\\]"),
        (np.zeros((16, 16)), "shape \\[16, 16\\]"),
        (np.zeros((3, 16, 16)), "shape \\[3, 16, 16\\]"),
        (np.zeros((16, 16, 4)), "shape \\[16, 16, 4\\]"),
        (np.zeros((16, 16, 3), np.int64), "int64"),
        (np.zeros((16, 16, 3), bool), "bool"),
        (np.zeros((1, 1, 3)), "1x1 pixels"),
        (np.zeros((0, 5, 3)), "5x0 pixels"),
    ],
)
def test_an_array_that_is_no_picture(array: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read([picture(), array])


def test_other_sources_that_are_no_sequence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="list of"):
        read(picture())
    with pytest.raises(InputError, match="mixture"):
        read([picture(), save(tmp_path / "a.png", picture())])  # type: ignore[list-item]
    with pytest.raises(NoFramesError, match="empty"):
        read([])


# ---------------------------------------------------------------------------------------------------------------------
# Video

X264 = {"crf": "0", "preset": "ultrafast"}


@pytest.mark.parametrize(
    ("name", "codec", "layout", "container"),
    [
        ("a.mp4", "libx264", "yuv420p", None),
        ("a.mov", "libx264", "yuv422p", None),
        ("a.mkv", "libx264", "yuv444p", None),
        ("a.avi", "mpeg4", "yuv420p", None),
        ("mjpeg.avi", "mjpeg", "yuvj420p", None),
        ("a.gif", "gif", "rgb8", None),
        ("a.h264", "libx264", "yuv420p", "h264"),
        ("raw.264", "libx264", "yuv420p", "h264"),
        ("rgb.mkv", "ffv1", "bgr0", None),
        ("grey.mkv", "ffv1", "gray", None),
        ("ten.mkv", "ffv1", "yuv420p10le", None),
        ("nv12.avi", "rawvideo", "yuyv422", None),
    ],
)
def test_video_formats(tmp_path: Path, name: str, codec: str, layout: str, container: str | None) -> None:
    path = encode(tmp_path / name, numbered(7), codec, layout, container=container)
    reading = read(path)
    assert [f.name for f in reading.frames] == [f"{name}#{n}" for n in range(7)]
    # rgb8 has eight levels of red: too few to tell all frames apart.
    levels = np.array([f.image.mean() * 255 for f in reading.frames])
    assert np.abs(levels - (40 + 10 * np.arange(7))).max() < (20 if name == "a.gif" else 2.5)
    rate = 25
    assert [f.time for f in reading.frames] == pytest.approx([n / rate for n in range(7)], abs=0.006)
    assert all(f.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() for f in reading.frames)
    assert reading.frames[0].key is True
    assert reading.dropped == ()


def test_key_frames(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "a.mp4", [picture(i) for i in range(9)], options={"g": "4", "bf": "0", "sc_threshold": "0"}
    )
    assert [f.key for f in read(path).frames] == [n % 4 == 0 for n in range(9)]


def test_start_end_and_every(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", numbered(20), rate=10)
    reading = read(path, start=0.5, end=1.5, every=3)
    assert [f.name for f in reading.frames] == ["a.mp4#5", "a.mp4#8", "a.mp4#11", "a.mp4#14"]
    assert [f.index for f in reading.frames] == [0, 1, 2, 3]
    assert [f.time for f in reading.frames] == pytest.approx([0.5, 0.8, 1.1, 1.4])
    assert [number_of(f.image) for f in reading.frames] == [5, 8, 11, 14]
    assert [f.name for f in read(path, start=1.8).frames] == ["a.mp4#18", "a.mp4#19"]
    assert [f.name for f in read(path, end=0.1).frames] == ["a.mp4#0", "a.mp4#1"]


def test_start_and_end_count_frames_where_there_is_no_clock(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.h264", numbered(20), rate=25, container="h264")
    reading = read(path, start=0.4, end=0.48)
    assert [f.name for f in reading.frames] == ["a.h264#10", "a.h264#11", "a.h264#12"]
    assert any("counted at 25 frames per second" in note for note in reading.frames[0].notes)


def test_selections_that_make_no_sense(tmp_path: Path) -> None:
    video = encode(tmp_path / "a.mp4", numbered(5))
    with pytest.raises(UsageError, match="every=0"):
        read(video, every=0)
    with pytest.raises(UsageError, match="start=3 s lies after end=1 s"):
        read(video, start=3, end=1)
    for number in (math.nan, math.inf, -math.inf):
        with pytest.raises(UsageError, match=r"end=.* give seconds of the video as a number"):
            read(video, end=number)
    with pytest.raises(NoFramesError, match="from 100 s to its end; it has 5 frames at 25 per second"):
        read(video, start=100)
    with pytest.raises(UsageError, match="seconds of a video"):
        read([picture()], start=1)


def test_a_folder_with_one_video(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", numbered(3))
    (tmp_path / "notes.txt").write_text("seen at the gate")
    reading = read(tmp_path)
    assert [f.name for f in reading.frames] == ["a.mp4#0", "a.mp4#1", "a.mp4#2"]
    assert [d.name for d in reading.dropped] == ["notes.txt"]
    save(tmp_path / "b.png", picture())
    mixed = read(tmp_path)
    assert [f.name for f in mixed.frames] == ["b.png"]
    assert {d.name: d.reason for d in mixed.dropped}["a.mp4"] == "a video among pictures; give it by itself"
    (tmp_path / "b.png").unlink()
    encode(tmp_path / "c.mp4", numbered(2))
    with pytest.raises(NoFramesError, match=r"2 videos \('a.mp4', 'c.mp4'\)"):
        read(tmp_path)


def test_an_animated_gif_is_a_video_and_a_still_one_a_picture(tmp_path: Path) -> None:
    still = Image.fromarray(picture()).quantize(64)
    still.save(tmp_path / "a.gif")
    assert [f.name for f in read(tmp_path / "a.gif").frames] == ["a.gif"]
    still.save(
        tmp_path / "b.gif", save_all=True, append_images=[Image.fromarray(picture(1)).quantize(64)], duration=200
    )
    reading = read(tmp_path / "b.gif")
    assert [f.name for f in reading.frames] == ["b.gif#0", "b.gif#1"]
    assert [f.time for f in reading.frames] == [0, 0.2]
    assert [d.name for d in read(tmp_path).dropped] == ["b.gif"]


WEIGHTS = {5: (0.299, 0.114), 1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", sorted(WEIGHTS))
@pytest.mark.parametrize("layout", ["yuv444p", "yuv444p10le"])
def test_colour_range_and_matrix_are_followed(tmp_path: Path, full: bool, matrix: int, layout: str) -> None:
    """Known samples, coded losslessly, give the colours of the ITU equations."""
    rng = np.random.default_rng(3)
    unit = 4 if layout.endswith("10le") else 1
    kind = np.uint16 if unit == 4 else np.uint8
    planes = [rng.integers(90 * unit, 160 * unit, (16, 24)).astype(kind) for _ in range(3)]
    planes[0][0, :2] = (16 * unit, 235 * unit)
    for plane in planes[1:]:
        plane[0, :2] = 128 * unit

    def convert(_image: np.ndarray) -> av.VideoFrame:
        frame = planar(layout, planes)
        frame.color_range = 2 if full else 1
        frame.colorspace = matrix
        return frame

    names = {5: "bt470bg", 1: "bt709", 9: "bt2020nc"}
    options = {"qp": "0", "preset": "ultrafast", "x264-params": f"fullrange={int(full)}:colormatrix={names[matrix]}"}
    path = encode(
        tmp_path / "a.mkv",
        [np.zeros((16, 24, 3), np.uint8)],
        "libx264",
        layout,
        options=options,
        full=full,
        convert=convert,
    )
    frame = read(path).frames[0]

    y, cb, cr = (plane.astype(np.float64) / unit for plane in planes)
    top = 255 if unit == 1 else 1023 / 4
    y, cb, cr = (
        (y / top, (cb - 128) / top, (cr - 128) / top) if full else ((y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224)
    )
    red, blue = WEIGHTS[matrix]
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    expected = np.clip(np.dstack([r, (y - red * r - blue * b) / (1 - red - blue), b]), 0, 1)
    np.testing.assert_allclose(frame.image, expected, atol=2e-6)
    if not full:
        np.testing.assert_allclose(frame.image[0, :2, 0], [0, 1], atol=1e-6)
    name = {5: "BT.601", 1: "BT.709", 9: "BT.2020"}[matrix]
    assert frame.notes == (f"{'full colour range' if full else 'limited colour range expanded'}, matrix {name}",)


def test_what_is_not_declared_is_guessed_and_said(tmp_path: Path) -> None:
    small = read(encode(tmp_path / "a.mp4", numbered(1))).frames[0]
    large = read(encode(tmp_path / "b.mp4", numbered(1, 720, 64), options=X264)).frames[0]
    assert small.notes == ("limited colour range (assumed) expanded, matrix BT.601 (assumed)",)
    assert large.notes == ("limited colour range (assumed) expanded, matrix BT.709 (assumed)",)


def test_chroma_is_interpolated_between_its_samples(tmp_path: Path) -> None:
    """A linear ramp of chroma at half resolution comes back as the same ramp, without steps and in place."""
    layout, height, width = "yuv420p", 16, 32
    # The centre of chroma sample k lies at luma position 2 k + 0.5.
    ramp = np.tile((60 + 4 * np.arange(width // 2)).astype(np.uint8), (height // 2, 1))
    planes = [np.full((height, width), 120, np.uint8), np.full_like(ramp, 128), ramp]
    blank = [np.zeros((height, width, 3), np.uint8)]
    path = encode(tmp_path / "a.mkv", blank, "ffv1", layout, convert=lambda _: planar(layout, planes))
    red = read(path).frames[0].image[8, 2:-2, 0].astype(np.float64)
    cr = 60 + 4 * (np.arange(width)[2:-2] - 0.5) / 2
    expected = np.clip((120 - 16) / 219 + 2 * (1 - 0.299) * (cr - 128) / 224, 0, 1)
    np.testing.assert_allclose(red, expected, atol=1e-5)


def test_odd_sizes(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", [picture(0, 33, 47)], "ffv1", "yuv420p")
    assert read(path).frames[0].image.shape == (33, 47, 3)


def test_video_keeps_colours_of_a_photograph(tmp_path: Path) -> None:
    images = [picture(i).astype(np.float32) / 255 for i in range(3)]
    (tmp_path / "a.mp4").write_bytes(h264_bytes(images, 4))
    for frame, image in zip(read(tmp_path / "a.mp4").frames, images, strict=True):
        assert np.abs(frame.image - image).mean() < 0.01


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(4, 3), (48, 85)), (Fraction(1, 2), (96, 64)), (Fraction(1), (48, 64))]
)
def test_pixel_aspect_ratio_of_a_video(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    frame = read(encode(tmp_path / "a.mp4", numbered(2), aspect=aspect)).frames[0]
    assert frame.image.shape[:2] == size
    assert any("pixel aspect ratio" in note for note in frame.notes) == (aspect != 1)


@pytest.mark.parametrize(
    ("matrix", "turns"),
    [((0, 1, -1, 0), -1), ((0, -1, 1, 0), 1), ((-1, 0, 0, -1), 2)],
    ids=["phone held upright", "upside-down phone", "half turn"],
)
def test_rotation_of_a_phones_video(tmp_path: Path, matrix: tuple[int, int, int, int], turns: int) -> None:
    """The matrix in the track header maps stored (x, y) to (a x + c y, b x + d y), y pointing down (ISO 14496-12)."""
    path = encode(tmp_path / "a.mp4", [picture()], options=X264)
    upright = read(path).frames[0].image
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 16
    assert struct.unpack(">9i", data[at : at + 36]) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    a, b, c, d = (65536 * value for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    frame = read(path).frames[0]
    np.testing.assert_array_equal(frame.image, np.rot90(upright, turns))
    assert "rotation" in frame.notes[-1]


def interlaced(count: int, first_line: int) -> list[np.ndarray]:
    """A bright block that moves 4 px a field; every second line from ``first_line`` on shows the earlier moment."""
    fields = []
    for moment in range(2 * count):
        field = np.full((HEIGHT, 96, 3), 60, np.uint8)
        field[16:32, 4 + 4 * moment : 20 + 4 * moment] = 200
        fields.append(field)
    woven = []
    for n in range(count):
        frame = fields[2 * n + 1].copy()
        frame[first_line::2] = fields[2 * n][first_line::2]
        woven.append(frame)
    return woven


def assert_moments(reading: Reading) -> None:
    """Every picture shows the block where it was at its moment, whole and with straight edges."""
    for moment, frame in enumerate(reading.frames):
        columns = np.flatnonzero(np.all(frame.image[18:30, :, 1] > 130 / 255, axis=0))
        assert columns[0] == pytest.approx(4 + 4 * moment, abs=1)
        assert columns[-1] == pytest.approx(19 + 4 * moment, abs=1)
        assert frame.image[4, 90, 1] * 255 == pytest.approx(60, abs=3)
        assert frame.image[24, 11 + 4 * moment, 1] * 255 == pytest.approx(200, abs=3)


@pytest.mark.parametrize("full", [False, True])
def test_fields_are_separated(tmp_path: Path, full: bool) -> None:
    def convert(image: np.ndarray) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        return frame.reformat(format="yuv420p", dst_color_range=2 if full else 1)

    # libx264 marks what it codes in fields as bottom field first.
    options = {"qp": "4", "flags": "+ildct+ilme"}
    path = encode(tmp_path / "a.mp4", interlaced(8, 1), options=options, convert=convert, full=full)
    plain = read(path)
    assert len(plain.frames) == 8 and "--deinterlace" in plain.warnings[0]
    assert "interlaced, fields not separated" in plain.frames[0].notes
    assert any("full colour range" in note for note in plain.frames[0].notes) == full

    reading = read(path, deinterlace=True)
    assert [f.name for f in reading.frames[:4]] == ["a.mp4#0a", "a.mp4#0b", "a.mp4#1a", "a.mp4#1b"]
    assert [f.index for f in reading.frames] == list(range(16))
    assert [f.time for f in reading.frames] == pytest.approx([n / 50 for n in range(16)])
    assert reading.warnings == ()
    assert reading.frames[0].image.shape == (HEIGHT, 96, 3)
    assert_moments(reading)
    every = read(path, deinterlace=True, every=3)
    assert [f.name for f in every.frames] == [f"a.mp4#{n}{field}" for n in (0, 3, 6) for field in "ab"]


def test_fields_of_a_video_that_does_not_say_it_is_interlaced(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", interlaced(6, 0), "ffv1", "yuv444p")
    reading = read(path, deinterlace=True)
    assert "does not mark it as interlaced, top field first as measured" in reading.frames[0].notes[0]
    assert_moments(reading)


def mjpeg_avi(path: Path, files: Sequence[bytes], aspect: Fraction | None = None) -> Path:
    """A video whose packets are these JPEG files, byte by byte."""
    with Image.open(io.BytesIO(files[0])) as first:
        width, height = first.size
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        if aspect is not None:
            stream.sample_aspect_ratio = aspect
        for number, file in enumerate(files):
            packet = av.Packet(file)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            out.mux(packet)
    return path


@pytest.mark.parametrize("container", ["avi", "mov", "mkv"])
@pytest.mark.parametrize("layout", ["yuvj420p", "yuvj422p", "yuvj444p", "yuv420p"])
def test_motion_jpeg_has_the_tables_of_its_packets(tmp_path: Path, container: str, layout: str) -> None:
    """FFmpeg's own encoder, whose rate control changes the table from frame to frame; yuv420p has the limited range."""
    images = [textured(n, HEIGHT, WIDTH) for n in range(4)]
    path = encode(tmp_path / f"a.{container}", images, "mjpeg", layout, options={"strict": "unofficial"})
    frames = read(path).frames
    across_down = {"yuvj422p": (2, 1), "yuvj444p": (1, 1)}.get(layout, (2, 2))
    for frame in frames:
        assert frame.jpeg is not None
        assert frame.jpeg.subsampling == across_down and frame.jpeg.phase == (0, 0)
    first, *_, last = [frame.jpeg for frame in frames if frame.jpeg is not None]
    assert last.luma.mean() > 1.5 * first.luma.mean()
    # The coarser frame is on its own lattice: neither on its neighbour's nor, at limited range, on an unscaled one.
    assert off_lattice(frames[-1].image, last, (0, 0)) < 0.05
    assert off_lattice(frames[-1].image, first, (0, 0)) > 0.15
    full = layout.startswith("yuvj")
    if not full:
        stored = replace(last, luma=last.luma * np.float32(219 / 255))
        assert off_lattice(frames[-1].image, stored, (0, 0)) > 0.15
    assert ("limited" in frames[0].notes[0]) != full
    np.testing.assert_allclose(last.luma[0, 0] * (1 if full else 219 / 255), 8, rtol=1e-6)
    np.testing.assert_allclose(last.chroma[0, 0] * (1 if full else 224 / 255), 8, rtol=1e-6)


def test_motion_jpeg_tables_are_bound_to_their_frame(tmp_path: Path) -> None:
    """A camera's files, each with another quality, chroma table included; also where frames are skipped."""
    qualities = [30, 90, 50, 70, 40]
    path = mjpeg_avi(tmp_path / "a.avi", [jpeg_bytes(textured(q, 44, 62) / 255, q) for q in qualities])
    for every in (1, 2):
        frames = read(path, every=every).frames
        for frame, quality in zip(frames, qualities[::every], strict=True):
            expected = ijg_tables(quality)
            assert frame.jpeg is not None
            np.testing.assert_array_equal(frame.jpeg.luma, expected.luma)
            np.testing.assert_array_equal(frame.jpeg.chroma, expected.chroma)


def test_motion_jpeg_tables_are_left_out_where_the_blocks_are_lost(tmp_path: Path) -> None:
    files = [jpeg_bytes(picture(n) / 255, 60) for n in range(3)]
    path = mjpeg_avi(tmp_path / "a.avi", files)
    assert all(f.jpeg is not None for f in read(path).frames)
    assert all(f.jpeg is None for f in read(path, deinterlace=True).frames)
    wide = read(mjpeg_avi(tmp_path / "wide.mov", files, Fraction(2)))
    assert wide.frames[0].image.shape == (HEIGHT, 2 * WIDTH, 3)
    assert all(f.jpeg is None for f in wide.frames)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = save(tmp_path / "turned.jpg", picture(), exif=exif).read_bytes()
    frame = read(mjpeg_avi(tmp_path / "turned.avi", [turned] * 2)).frames[0]
    assert frame.image.shape == (WIDTH, HEIGHT, 3) and frame.jpeg is None
    other = encode(tmp_path / "a.mkv", [picture()] * 2, "ffv1", "yuv444p")
    assert all(f.jpeg is None for f in read(other).frames)


def test_motion_jpeg_packets_without_tables_of_their_own(tmp_path: Path) -> None:
    """The decoder then goes on with the previous ones, but the packet does not say so: nothing is claimed."""
    whole, bare = jpeg_bytes(picture(0) / 255, 60), jpeg_bytes(picture(1) / 255, 60)
    while (at := bare.find(b"\xff\xdb")) >= 0:
        (length,) = struct.unpack(">H", bare[at + 2 : at + 4])
        bare = bare[:at] + bare[at + 2 + length :]
    first, second = read(mjpeg_avi(tmp_path / "a.avi", [whole, bare])).frames
    assert np.abs(second.image - picture(1) / 255).mean() < 0.05
    assert first.jpeg is not None and second.jpeg is None


def test_motion_jpeg_of_two_fields_has_no_tables(tmp_path: Path) -> None:
    """Two JPEG files of half the height in one packet, as analogue capture cards write them."""
    woven = picture(0)
    halves = [jpeg_bytes(woven[n::2] / 255, 90) for n in (0, 1)]
    # The application segment of such files: 1 for the odd field, 2 for the even one.
    marked = [h[:2] + b"\xff\xe0\x00\x10AVI1" + bytes([n + 1]) + bytes(9) + h[2:] for n, h in enumerate(halves)]
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        packet = av.Packet(b"".join(marked))
        packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 25), 0, 0
        out.mux(packet)
    (frame,) = read(path).frames
    assert frame.image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(frame.image - woven / 255).mean() < 0.05
    assert frame.jpeg is None


def test_deinterlacing_pictures_is_refused_politely(tmp_path: Path) -> None:
    reading = read([picture()], deinterlace=True)
    assert "applies to video only" in reading.warnings[-1]


def test_frames_that_change_their_size(tmp_path: Path) -> None:
    """Two raw H.264 streams in a row: legal, and recorders do it."""
    one = encode(tmp_path / "1.h264", numbered(3), container="h264").read_bytes()
    two = encode(tmp_path / "2.h264", numbered(3, 64, 96), container="h264").read_bytes()
    (tmp_path / "both.h264").write_bytes(one + two)
    shapes = [(HEIGHT, WIDTH, 3)] * 3 + [(64, 96, 3)] * 3
    assert [f.image.shape for f in read(tmp_path / "both.h264").frames] == shapes
    assert [f.image.shape for f in read(tmp_path / "both.h264", deinterlace=True).frames] == [
        s for s in shapes for _ in "ab"
    ]


def test_a_damaged_video_keeps_what_can_be_decoded(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.avi", [picture(i) for i in range(8)], "mjpeg", "yuvj420p")
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data)) if data[i : i + 4] == b"00dc" and data[i + 8 : i + 10] == b"\xff\xd8"]
    assert len(starts) == 8
    size = struct.unpack("<I", data[starts[3] + 4 : starts[3] + 8])[0]
    data[starts[3] + 8 : starts[3] + 8 + size] = b"\x00" * size
    path.write_bytes(data)
    reading = read(path)
    assert len(reading.frames) == 7
    assert [d.reason for d in reading.dropped] == ["a piece of the video could not be decoded, the first is packet 3"]
    for frame, n in zip(reading.frames, [0, 1, 2, 4, 5, 6, 7], strict=True):
        assert np.abs(frame.image - picture(n) / 255).mean() < 0.05


def test_motion_jpeg_tables_stay_with_their_frames_after_damage(tmp_path: Path) -> None:
    path = mjpeg_avi(tmp_path / "a.avi", [jpeg_bytes(picture(n) / 255, 30 + 10 * n) for n in range(6)])
    second = jpeg_bytes(picture(1) / 255, 40)
    data = path.read_bytes()
    assert data.count(second) == 1
    path.write_bytes(data.replace(second, bytes(len(second))))
    reading = read(path)
    assert len(reading.frames) == 5 and len(reading.dropped) == 1
    for frame, n in zip(reading.frames, [0, 2, 3, 4, 5], strict=True):
        assert np.abs(frame.image - picture(n) / 255).mean() < 0.05
        assert frame.jpeg is not None
        np.testing.assert_array_equal(frame.jpeg.luma, ijg_tables(30 + 10 * n).luma)


def test_a_video_cut_short(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", [picture(i) for i in range(12)], "mjpeg", "yuvj420p")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 3 <= len(read(path).frames) < 12


def test_too_many_frames(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", numbered(1, 16, 16) * (2 * MAX_FRAMES + 5), "ffv1", "gray")
    with pytest.raises(
        InputError, match=r"at most 500 frames.*about 1005.*--every 3, or a part with --start and --end"
    ):
        read(path)
    assert len(read(path, every=3).frames) == 335
    with pytest.raises(InputError, match="at most 500"):
        read(np.zeros((MAX_FRAMES + 1, 8, 8, 3), np.uint8))


# ---------------------------------------------------------------------------------------------------------------------
# Bad input


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that announces a huge picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def fill_with_rubbish(folder: Path) -> dict[str, str]:
    """Files that cannot be used; name to a part of the reason."""
    jpeg = jpeg_bytes(picture() / 255, 90)
    (folder / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "zero.png").write_bytes(b"")
    (folder / "text.png").write_text("this is no picture")
    (folder / "folder.jpg").mkdir()
    (folder / "sub").mkdir()
    save(folder / "one.png", picture()[:1, :1])
    save(folder / "thin.png", picture()[:7])
    (folder / "huge.png").write_bytes(bomb(20_000, 20_000))
    (folder / "large.png").write_bytes(bomb(10_000, 6_000))
    (folder / "notes.txt").write_text("seen at the gate")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 100)
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.jpg")
    (folder / ".DS_Store").write_bytes(b"hidden")
    (folder / ".hidden.png").write_bytes(b"")
    return {
        "truncated.jpg": "damaged, cannot be decoded: image file is truncated",
        "zero.png": "empty (0 bytes)",
        "text.png": "not a picture: its content is of no known picture format",
        "folder.jpg": "a folder, not a picture",
        "sub": "a folder; sub-folders are not read",
        "one.png": f"1x1 pixels; the shortest side must have at least {MIN_SIDE}",
        "thin.png": "64x7 pixels",
        "huge.png": f"400 million pixels; at most {MAX_PIXELS // 10**6} million are read",
        "large.png": "10000x6000 pixels; at most 50 million",
        "notes.txt": "not a picture",
        "Thumbs.db": "not a picture",
        "gone.png": "a link to a file that does not exist",
        "pipe.jpg": "not an ordinary file",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links")
def test_rubbish_is_dropped_with_its_reason(tmp_path: Path) -> None:
    expected = fill_with_rubbish(tmp_path)
    save(tmp_path / "good.png", picture())
    reading = read(tmp_path)
    assert [f.name for f in reading.frames] == ["good.png"]
    found = {item.name: item for item in reading.dropped}
    assert set(found) == set(expected)
    for name, reason in expected.items():
        assert reason in found[name].reason
        assert found[name].stage == "read"
    # A picture that cannot be read keeps its place in the count.
    places = {reading.frames[0].index} | {item.index for item in reading.dropped if item.index is not None}
    assert places == set(range(8))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links")
def test_nothing_but_rubbish(tmp_path: Path) -> None:
    fill_with_rubbish(tmp_path)
    with pytest.raises(NoFramesError, match=r"none of 7 pictures can be used.*notes\.txt.*and 3 more") as caught:
        read(tmp_path)
    assert caught.value.exit_code == 3


def test_empty_missing_and_pictureless(tmp_path: Path) -> None:
    with pytest.raises(NoFramesError, match=r"empty; pictures \(JPEG, PNG, TIFF"):
        read(tmp_path)
    (tmp_path / ".hidden.png").write_bytes(png_bytes(picture() / 255))
    with pytest.raises(NoFramesError, match="is empty"):
        read(tmp_path)
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(NoFramesError, match=r"no picture and no video\. Found: 'notes\.txt': not a picture"):
        read(tmp_path)
    with pytest.raises(NoFramesError, match=r"no file or folder '.*nowhere'"):
        read(tmp_path / "nowhere")
    good = save(tmp_path / "a.png", picture())
    with pytest.raises(NoFramesError, match=r"no file or folder '.*typo\.png'"):
        read([good, tmp_path / "typo.png"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", b""),
        ("a.mp4", b"no video at all" * 50),
        ("a.txt", b"a text that FFmpeg would draw as a video\n" * 50),
        ("a.bin", bytes(range(256)) * 40),
        ("a.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/hostname\n#EXT-X-ENDLIST\n"),
        ("a.ffconcat", b"ffconcat version 1.0\nfile 'b.mp4'\n"),
    ],
)
def test_a_single_file_that_is_neither_picture_nor_video(tmp_path: Path, name: str, content: bytes) -> None:
    encode(tmp_path / "b.mp4", numbered(2))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NoFramesError, match=name):
        read(tmp_path / name)


def test_a_video_without_its_index(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", [picture(i) for i in range(8)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(NoFramesError, match=r"the index of .* \(moov\) is missing"):
        read(path)


def test_sound_only(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=8000, layout="mono")
        for _ in range(10):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            sound.rate = 8000
            out.mux(stream.encode(sound))
        out.mux(stream.encode(None))
    with pytest.raises(NoFramesError, match="without a picture stream"):
        read(tmp_path / "a.mp4")


def test_a_tiny_video(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", [picture(0, 4, 16)], "ffv1", "bgr0")
    with pytest.raises(NoFramesError, match="16x4 pixels"):
        read(path)


@pytest.fixture(scope="module")
def good_files() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {}
    for suffix, options in (
        ("jpg", {"exif": exif, "dpi": (72, 100)}),
        ("png", {"exif": exif}),
        ("tif", {"compression": "tiff_deflate"}),
        ("gif", {}),
        ("bmp", {}),
        ("webp", {"exif": exif}),
    ):
        buffer = io.BytesIO()
        Image.fromarray(picture(0, 24, 32)).save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix), **options)
        files[f"a.{suffix}"] = buffer.getvalue()
    deep = cv2.imencode(".png", picture(0, 24, 32).astype(np.uint16) * 257)[1].tobytes()
    files["deep.png"] = deep
    return files


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_escapes_as_anything_but_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, good_files: dict[str, bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    name = data.draw(st.sampled_from(sorted(good_files)))
    content = bytearray(good_files[name])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        reading = read(folder)
    except NoFramesError:
        return
    assert len(reading.frames) == 1
    image = reading.frames[0].image
    assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1


# ---------------------------------------------------------------------------------------------------------------------
# Encoding


def test_png_round_trip_with_text() -> None:
    text = {"Comment": "ENHANCED", "Title": "顔 <b>"}
    data = png_bytes(picture() / 255, text)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(np.asarray(image), picture())
        assert image.info == text and image.mode == "RGB"
    assert data == png_bytes(picture() / 255, text)
    assert b"tEXtComment\x00ENHANCED" in data and b"iTXtTitle" in data
    with Image.open(io.BytesIO(png_bytes(picture()[..., 0] / 255))) as grey:
        np.testing.assert_array_equal(np.asarray(grey), picture()[..., 0])
        assert grey.mode == "L" and grey.info == {}


def test_uint8_rounds_and_clips() -> None:
    assert to_uint8(np.array([-1.0, 0.49 / 255, 0.51 / 255, 1.0, 2.0])).tolist() == [0, 0, 1, 255, 255]


def test_encoders_repeat_themselves() -> None:
    images = [picture(i).astype(np.float32) / 255 for i in range(4)]
    assert jpeg_bytes(images[0], 50) == jpeg_bytes(images[0], 50)
    assert h264_bytes(images, 30) == h264_bytes(images, 30)


def test_importing_loads_no_codec() -> None:
    code = "import sys, mfrec.imageio; print([m for m in ('torch', 'cv2', 'scipy', 'av', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
