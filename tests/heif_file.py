"""HEIC files made by hand (ISO/IEC 23008-12), with one picture or a grid of tiles, as phones write them."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import av
import numpy as np


def heic(image: np.ndarray, tile: int | None = None) -> bytes:
    """``[H, W, 3]`` uint8 as HEIC: one coded picture, or tiles of ``tile`` pixels that libheif has to put together."""
    height, width = image.shape[:2]
    side_y, side_x = (height, width) if tile is None else (tile, tile)
    rows, columns = -(-height // side_y), -(-width // side_x)
    padded = np.pad(image, ((0, rows * side_y - height), (0, columns * side_x - width), (0, 0)), mode="edge")
    coded = [
        _hevc(padded[y * side_y : (y + 1) * side_y, x * side_x : (x + 1) * side_x])
        for y in range(rows)
        for x in range(columns)
    ]
    configuration = coded[0][0]
    samples = [sample for _, sample in coded]
    grid = tile is not None
    if grid:
        samples.append(struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height))
    count = len(samples)
    infos = b"".join(
        _full("infe", 2, 0, struct.pack(">HH4s", n + 1, 0, b"grid") + b"\0")
        if grid and n == count - 1
        # Tiles are hidden: they are no pictures of their own.
        else _full("infe", 2, int(grid), struct.pack(">HH4s", n + 1, 0, b"hvc1") + b"\0")
        for n in range(count)
    )
    shapes = _full("ispe", 0, 0, struct.pack(">II", side_x, side_y)) + _full(
        "ispe", 0, 0, struct.pack(">II", width, height)
    )
    uses = b"".join(
        struct.pack(">HBB", n + 1, 1, 3) if grid and n == count - 1 else struct.pack(">HBBB", n + 1, 2, 0x81, 2)
        for n in range(count)
    )
    properties = _box("ipco", _box("hvcC", configuration) + shapes) + _full(
        "ipma", 0, 0, struct.pack(">I", count) + uses
    )
    parts = [
        _full("hdlr", 0, 0, struct.pack(">I4s12s", 0, b"pict", b"") + b"\0"),
        _full("pitm", 0, 0, struct.pack(">H", count if grid else 1)),
        _full("iinf", 0, 0, struct.pack(">H", count) + infos),
        _box("iprp", properties),
    ]
    if grid:
        tiles = struct.pack(f">HH{count - 1}H", count, count - 1, *range(1, count))
        parts.append(_full("iref", 0, 0, _box("dimg", tiles)))
    kind = _box("ftyp", b"heic\0\0\0\0mif1heic")
    # The last part, iloc, has one extent of 14 bytes for each item.
    length = 16 + 14 * count
    start = len(kind) + 12 + sum(map(len, parts)) + length + 8
    places, at = b"", start
    for n, sample in enumerate(samples):
        places += struct.pack(">HHHII", n + 1, 0, 1, at, len(sample))
        at += len(sample)
    parts.append(_full("iloc", 0, 0, struct.pack(">BBH", 0x44, 0, count) + places))
    return kind + _full("meta", 0, 0, b"".join(parts)) + _box("mdat", b"".join(samples))


def _box(kind: str, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind.encode()) + body


def _full(kind: str, version: int, flags: int, body: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + body)


def _hevc(image: np.ndarray) -> tuple[bytes, bytes]:
    """Decoder configuration and one intra picture, each NAL unit behind its length."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx265", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": "14", "x265-params": "log-level=none:pools=1:frame-threads=1:bframes=0"}
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1, 1)
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as again:
        stream = again.streams.video[0]
        packet = next(again.demux(stream))
        configuration = stream.codec_context.extradata
        assert configuration is not None
        return configuration, bytes(packet)


def with_properties(file: bytes, *found: tuple[str, bytes]) -> bytes:
    """A HEIC or AVIF file of one picture whose first item gets more properties, each a kind and what is in its box."""
    more = [_box(kind, body) for kind, body in found]
    grown = sum(map(len, more)) + len(more)

    def rebuilt(data: bytes, count: int = 0) -> bytes:
        out, at = b"", 0
        while at < len(data):
            size, kind = struct.unpack_from(">I4s", data, at)
            body = data[at + 8 : at + size]
            if kind == b"meta":
                body = body[:4] + rebuilt(body[4:])
            elif kind == b"iprp":
                body = rebuilt(body)
            elif kind == b"ipco":
                count, body = len(_sizes(body)), body + b"".join(more)
            elif kind == b"ipma":
                end = 11 + body[10]
                # What turns or cuts must be understood by a reader, says the highest bit.
                must = [0x80 * (kind in ("clap", "irot", "imir")) for kind, _ in found]
                uses = bytes(must[n] + count + 1 + n for n in range(len(more)))
                body = body[:10] + bytes([body[10] + len(more)]) + body[11:end] + uses + body[end:]
            elif kind == b"iloc":
                (items,) = struct.unpack_from(">H", body, 6)
                places = bytearray(body)
                for n in range(items):
                    (start,) = struct.unpack_from(">I", body, 14 + 14 * n)
                    struct.pack_into(">I", places, 14 + 14 * n, start + grown)
                body = bytes(places)
            out += _box(kind.decode(), body)
            at += size
        return out

    return rebuilt(file)


def _sizes(data: bytes) -> list[int]:
    """Of boxes that lie one after the other."""
    sizes: list[int] = []
    while sum(sizes) < len(data):
        sizes.append(int.from_bytes(data[sum(sizes) : sum(sizes) + 4], "big"))
    return sizes
