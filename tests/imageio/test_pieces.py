"""Pieces joined without coding: every stamp, every sample and every pixel as they were; colours as they were meant."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av import logging
from av.bitstream import BitStreamFilterContext
from portrait_clips import CODINGS, moving, write
from upscale_clips import heard, portrait_clip, rate, stamps, write_clip

from mfrec.errors import UsageError
from mfrec.imageio import read, stream, to_uint8
from mfrec.imageio.clip_clock import clip_clock
from mfrec.imageio.pieces import Coding, Piece, join, sound_of, write_piece
from mfrec.types import FloatArray


def copied(source: Path, folder: Path) -> Path:
    """A clip decoded, coded in pieces, and joined."""
    clock = clip_clock(source)
    sound = sound_of(source, clock)
    frames = read(source).frames
    pieces = []
    for start in range(0, len(frames), 5):
        some = frames[start : start + 5]
        path = folder / f"{start}.mp4"
        assert write_piece(path, [to_uint8(f.image) for f in some], Coding()) == len(some)
        pieces.append(Piece(path, tuple(clock.tick(f.time, f.index) for f in some)))
    out = folder / f"out{sound.suffix}"
    join(out, pieces, clock, sound, source, whole=True, comment="a comment")
    return out


def colours_said(path: Path) -> set[str]:
    """Where the headers of a clip of H.264 say that colour samples lie: 1 is the middle, nothing the left column."""
    before = logging.get_level()
    logging.set_level(logging.INFO)
    try:
        with av.open(str(path)) as container, logging.Capture() as logs:
            stream = container.streams.video[0]
            read_out = BitStreamFilterContext("h264_mp4toannexb,trace_headers", stream)
            for packet in container.demux(stream):
                read_out.filter(packet)
    finally:
        logging.set_level(before)
    return {text.split()[-1] for _, _, text in logs if "chroma_sample_loc_type" in text}


def test_colours_are_said_to_lie_where_they_are_made(tmp_path: Path) -> None:
    # Two colours of one luma in a wave across the picture: its phase tells where the samples lie.
    turn = 2 * np.pi / 32
    wave = np.tile(60 * np.sin(turn * np.arange(128)), (32, 1))
    red, blue = 128 + wave, 128 - wave
    green = (128 - 0.2126 * red - 0.0722 * blue) / 0.7152
    path = tmp_path / "a.mp4"
    write_piece(path, [np.rint(np.dstack([red, green, blue])).astype(np.uint8)], Coding(crf=1))
    with av.open(str(path)) as container:
        redness = next(container.decode(video=0)).to_ndarray()[40:].reshape(16, 64)[8]
    at = 2 * turn * np.arange(64)
    sine, cosine, _ = np.linalg.lstsq(np.stack([np.sin(at), np.cos(at), np.ones(64)], axis=1), redness, rcond=None)[0]
    assert np.arctan2(cosine, sine) / turn == pytest.approx(0.5, abs=0.1), "pixels to the right of the left column"
    assert colours_said(path) == {"1"}


VARIABLE = (0, 512, 700, 1800, 1801, 9000, 12800, 14000, 20000, 20512, 30000, 30001)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("constant.mp4", {"unit": Fraction(1, 25)}),
        (
            "ntsc.mp4",
            {"unit": Fraction(1, 30000), "ticks": [1001 * i for i in range(12)], "pace": Fraction(30000, 1001)},
        ),
        ("variable.mp4", {"ticks": VARIABLE}),
        (
            "variable.mkv",
            {"ticks": [0, 40, 41, 200, 333, 340, 400, 401, 500, 777, 778, 1000], "unit": Fraction(1, 1000)},
        ),
        ("late.mp4", {"ticks": [i * 512 + 6401 for i in range(12)]}),
        ("transport.ts", {"ticks": [i * 3003 for i in range(12)], "unit": Fraction(1, 90000)}),
    ],
)
def test_time_stamps_are_kept_tick_by_tick(portrait: FloatArray, tmp_path: Path, name: str, how: dict) -> None:
    source = portrait_clip(portrait, tmp_path / name, 12, **how)
    out = copied(source, tmp_path)
    assert stamps(out) == stamps(source)
    if name in ("constant.mp4", "ntsc.mp4"):
        assert rate(out) == rate(source)


@pytest.mark.parametrize(
    ("name", "codec", "suffix"),
    [("a.mp4", "aac", ".mp4"), ("a.mov", "pcm_mulaw", ".mov"), ("a.mkv", "wavpack", ".mkv")],
)
def test_sound_is_copied_sample_by_sample(
    portrait: FloatArray, tmp_path: Path, name: str, codec: str, suffix: str
) -> None:
    source = portrait_clip(portrait, tmp_path / name, 12, sound=codec)
    out = copied(source, tmp_path)
    assert out.suffix == suffix
    (begins, samples), (expected_begin, expected) = heard(out), heard(source)
    assert abs(begins - expected_begin) <= Fraction(1, 1000)
    assert np.array_equal(samples, expected)


def test_sound_that_does_not_say_how_long_it_lasts_is_heard_to_its_end(tmp_path: Path) -> None:
    """The track of the MP4 ended with the beginning of its last packet. In a file whose sound comes late FFmpeg does
    not find out the length of a packet."""
    source = write_clip(tmp_path / "a.mkv", [np.zeros((16, 16, 3), np.uint8)] * 1000, sound="aac")
    with av.open(str(source)) as container:
        assert not any(packet.duration for packet in container.demux(audio=0))
    clock = clip_clock(source)
    frames = list(stream(source))
    write_piece(tmp_path / "piece.mp4", [to_uint8(f.image) for f in frames], Coding())
    piece = Piece(tmp_path / "piece.mp4", tuple(clock.tick(f.time, f.index) for f in frames))
    out = tmp_path / "out.mp4"
    join(out, [piece], clock, sound_of(source, clock), source, whole=True, comment="")
    assert np.array_equal(heard(out)[1], heard(source)[1])


def test_only_what_is_heard_goes_along_with_a_part(portrait: FloatArray, tmp_path: Path) -> None:
    source = portrait_clip(portrait, tmp_path / "a.mov", 25, sound="pcm_s16le")
    clock = clip_clock(source)
    frames = [frame for frame in read(source).frames if 10 <= frame.index < 20]
    write_piece(tmp_path / "piece.mp4", [to_uint8(f.image) for f in frames], Coding())
    piece = Piece(tmp_path / "piece.mp4", tuple(clock.tick(f.time, f.index) for f in frames))
    out = tmp_path / "out.mp4"
    join(out, [piece], clock, sound_of(source, clock), source, whole=False, comment="")
    begins, samples = heard(out)
    assert stamps(out) == stamps(source)[10:20]
    assert begins <= Fraction(2, 5) and begins + Fraction(samples.shape[1], 8000) >= Fraction(4, 5)
    assert samples.shape[1] < 5200  # 0.4 s, and packets of a tenth of a second at its ends


def test_other_streams_are_named(portrait: FloatArray, tmp_path: Path) -> None:
    source = portrait_clip(portrait, tmp_path / "a.mp4", 3)
    assert sound_of(source, clip_clock(source)).words == "no sound"
    source = portrait_clip(portrait, tmp_path / "b.mp4", 3, sound="aac")
    assert sound_of(source, clip_clock(source)).words == "sound copied: aac"


def test_a_file_without_stamps_is_counted_at_its_rate(portrait: FloatArray, tmp_path: Path) -> None:
    source = write(tmp_path / "raw.h264", moving(portrait, 6, 48), CODINGS["h264"], container="h264")
    clock = clip_clock(source)
    assert clock.counted and not clock.assumed
    out = copied(source, tmp_path)
    assert stamps(out) == [Fraction(i, 25) for i in range(6)]


@pytest.mark.parametrize(("shape", "layout"), [((48, 64), "yuv420p"), ((47, 64), "yuv444p"), ((33, 35), "yuv444p")])
def test_size_and_colours_are_kept(tmp_path: Path, shape: tuple[int, int], layout: str) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [90, 120, 200]], np.uint8)
    images = [np.broadcast_to(colour, (*shape, 3)).copy() for colour in colours]
    write_piece(tmp_path / "a.mp4", images, Coding(crf=4))
    with av.open(str(tmp_path / "a.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert context.pix_fmt == layout
        assert (context.width, context.height) == shape[::-1]
        assert (context.color_range, context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1, 1)
    for frame, image in zip(read(tmp_path / "a.mp4").frames, images, strict=True):
        assert frame.image.shape == image.shape
        assert np.abs(frame.image * 255 - image).max() <= 3


def test_lossless_is_lossless_at_any_size(tmp_path: Path) -> None:
    images = [np.random.default_rng(i).integers(0, 256, (33, 47, 3), np.uint8) for i in range(3)]
    write_piece(tmp_path / "a.mp4", images, Coding(lossless=True))
    for frame, image in zip(read(tmp_path / "a.mp4").frames, images, strict=True):
        assert np.array_equal(to_uint8(frame.image), image)


def test_comment_and_strength(portrait: FloatArray, tmp_path: Path) -> None:
    out = copied(portrait_clip(portrait, tmp_path / "a.mp4", 4), tmp_path)
    with av.open(str(out)) as container:
        assert container.metadata["comment"] == "a comment"
    with pytest.raises(UsageError, match="--crf is 52; expected 0"):
        Coding(crf=52)


def test_the_same_pictures_give_the_same_bytes(portrait: FloatArray, tmp_path: Path) -> None:
    images = moving(portrait, 5, 48)
    for name in ("a.mp4", "b.mp4"):
        write_piece(tmp_path / name, images, Coding())
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_clip_of_odd_stamps_is_written_as_asked(portrait: FloatArray, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", moving(portrait, 12, 48), ticks=VARIABLE)
    assert stamps(path) == [Fraction(tick, 12800) for tick in VARIABLE]
