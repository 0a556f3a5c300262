"""What the decoder tells of the coding of a frame: its type, the quantiser of every block, blocks that are copies."""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from portrait_clips import CODINGS, Coding, moving, write

from mfrec.imageio import read
from mfrec.types import CodecView, Frame

QUICK = {"preset": "veryfast", "g": "10", "bf": "2", "threads": "1"}
CONSTANT = Coding("libx264", options={"qp": "30", "aq-mode": "0", **QUICK})
LOSSLESS = Coding("libx264", options={"qp": "0", "preset": "ultrafast", "threads": "1"})


def view(frame: Frame) -> CodecView:
    assert frame.codec is not None
    return frame.codec


@pytest.fixture(scope="module")
def images(portrait: np.ndarray) -> list[np.ndarray]:
    return moving(portrait, 12, 104)


def test_types_and_quantisers_of_h264(images: list[np.ndarray], tmp_path: Path) -> None:
    frames = read(write(tmp_path / "a.mp4", images, CONSTANT)).frames
    assert view(frames[0]).kind == "I" and {view(f).kind for f in frames} == {"I", "P", "B"}
    for frame in frames:
        quantisers = view(frame).quantisers
        assert quantisers is not None and quantisers.shape == (7, 7)
        assert frame.quantiser == pytest.approx(float(quantisers.mean()), abs=0.01)
        # x264 codes I frames 3 finer than P frames and B frames 2 coarser (ipratio 1.4, pbratio 1.3).
        expected = {"I": 27, "P": 30, "B": 32}[view(frame).kind]
        assert float(np.median(quantisers)) == pytest.approx(expected, abs=1)
        assert view(frame).unit == "H.264 QP"


@pytest.mark.parametrize(
    ("coding", "unit"), [("mpeg2", "MPEG quantiser scale"), ("mpeg4", "MPEG quantiser scale"), ("vp9", "VP9 q index")]
)
def test_quantisers_of_other_codecs(images: list[np.ndarray], tmp_path: Path, coding: str, unit: str) -> None:
    frames = read(write(tmp_path / "a.mkv", images, CODINGS[coding])).frames
    # FFmpeg says nothing of the very last frame of MPEG streams.
    assert [(view(f).unit, view(f).quantisers is not None) for f in frames[:-1]] == [(unit, True)] * 11
    assert all(f.quantiser is None for f in frames)


def test_codecs_that_do_not_tell(images: list[np.ndarray], tmp_path: Path) -> None:
    frames = read(write(tmp_path / "a.mkv", images, CODINGS["mjpeg"])).frames
    assert all(view(f).quantisers is None and view(f).unit == "" and view(f).kind == "I" for f in frames)
    assert read(images).frames[0].codec is None


def test_copied_blocks(images: list[np.ndarray], tmp_path: Path) -> None:
    """Only the lower right quarter changes; every third frame repeats the one before as a whole."""
    still = images[0]
    clip = []
    for image in images[1:7]:
        mixed = still.copy()
        mixed[48:, 64:] = image[48:, 64:]
        clip += [mixed, mixed]
    frames = read(write(tmp_path / "a.mkv", clip, LOSSLESS)).frames
    assert view(frames[0]).copied is None
    for number, frame in enumerate(frames[1:], 1):
        copied = view(frame).copied
        assert copied is not None and copied.shape == (7, 7)
        if number % 2:
            assert copied.all()
            assert view(frame).over((0, 0, 103, 103))[1] == 1
        else:
            assert copied[:3].all() and copied[:, :4].all() and not copied[3:, 4:].any()
            assert view(frame).over((64, 48, 103, 103))[1] == 0
            assert view(frame).over((0, 0, 40, 40))[1] == 1
    # Also between frames of which only some are taken: a copy of the frame before, not of the one taken before.
    every = read(tmp_path / "a.mkv", every=3).frames
    for frame in every[1:]:
        copied = view(frame).copied
        assert copied is not None and copied.all() == bool(int(frame.name.split("#")[1]) % 2)


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 0, -1), (-1, 0, 0, -1)])
def test_blocks_turn_with_the_picture(images: list[np.ndarray], tmp_path: Path, matrix: tuple[int, ...]) -> None:
    """What changes is found again in the blocks of the turned picture, also where a cut block comes first."""
    clip = []
    for image in images[:6]:
        mixed = images[0][:88].copy()
        mixed[:32, :32] = image[:32, :32]
        clip.append(mixed)
    path = write(
        tmp_path / "a.mp4", clip, Coding("libx264", options={"qp": "0", "preset": "ultrafast", "threads": "1"})
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = (65536 * value for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    frames = read(path).frames
    for before, frame in pairwise(frames):
        moved = np.any(frame.image != before.image, axis=-1)
        blocks = view(frame)
        assert blocks.copied is not None and blocks.block == (16, 16)
        where = np.argwhere(~blocks.copied)
        assert len(where) == 4
        (x, y), (top, left), (bottom, right) = blocks.origin, where.min(axis=0), where.max(axis=0)
        rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
        # Colour is interpolated over the border of a block.
        assert y + 16 * top - 3 <= rows[0] and rows[-1] < y + 16 * (bottom + 1) + 3
        assert x + 16 * left - 3 <= columns[0] and columns[-1] < x + 16 * (right + 1) + 3


def test_blocks_of_stretched_pixels(images: list[np.ndarray], tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 104
        stream.pix_fmt, stream.sample_aspect_ratio = "yuv420p", Fraction(2)
        for image in images[:3]:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())
    frame = read(tmp_path / "a.mp4").frames[0]
    assert frame.image.shape[:2] == (104, 208)
    assert view(frame).block == (32, 16) and view(frame).quantisers is not None


def test_a_view_is_read_only_and_a_box_outside_is_its_border() -> None:
    blocks = CodecView("P", np.arange(6, dtype=np.float32).reshape(2, 3), "H.264 QP", None)
    assert blocks.over((-50, -50, -40, -40)) == (0.0, None)
    assert blocks.over((16, 16, 31, 31)) == (4.0, None)
    assert blocks.over((0, 0, 1000, 1000)) == (2.5, None)
    assert blocks.quantisers is not None and not blocks.quantisers.flags.writeable
