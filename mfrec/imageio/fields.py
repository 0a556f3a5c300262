"""The two fields of interlaced video as pictures of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from mfrec.imageio.decoding import Coded
from mfrec.imageio.field_order import bottom_first
from mfrec.imageio.ycbcr import planes

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph


FIRST = 12
"""Frames in which the order of the fields is measured."""


def separate_fields(pictures: Iterable[Coded], interval: float) -> Iterator[Coded]:
    """Two pictures for every frame, the missing lines of each interpolated in space and time by FFmpeg's bwdif.

    All frames are treated as interlaced, marked or not: recorders often forget the mark. Which field comes first is
    measured in the first ones, since many marks are wrong; the mark counts where too little moves.

    Args:
        pictures: whole frames.
        interval: typical seconds between two frames.
    """
    from av import error
    from av.filter import Graph

    graph: Graph | None = None
    shape: tuple[int, int, str] | None = None
    waiting: deque[Coded] = deque()
    second = False

    def finished() -> Iterator[Coded]:
        nonlocal second
        while graph is not None and waiting:
            try:
                picture = graph.vpull()
            except (error.BlockingIOError, error.EOFError):
                return
            parent = waiting.popleft() if second else waiting[0]
            yield replace(_field(parent, picture, second, interval), order=order)
            second = not second

    pictures = iter(pictures)
    first = list(islice(pictures, FIRST))
    marked = any(coded.source.interlaced_frame for coded in first)
    bottom = bottom_first([stored[0] for coded in first if (stored := planes(coded.picture))])
    parity = {None: "auto", True: "bff", False: "tff"}[bottom]
    order = "in the order that the file says" if marked else "top field first assumed"
    if bottom is not None:
        order = f"{'bottom' if bottom else 'top'} field first as measured"

    for coded in chain(first, pictures):
        frame = coded.picture
        if (frame.width, frame.height, frame.format.name) != shape:
            if graph is not None:
                graph.vpush(None)
                yield from finished()
            shape = (frame.width, frame.height, frame.format.name)
            graph = Graph()
            entry = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            bwdif = graph.add("bwdif", f"mode=send_field:parity={parity}:deint=all")
            graph.link_nodes(entry, bwdif, graph.add("buffersink"))
            graph.configure()
        assert graph is not None
        waiting.append(coded)
        graph.vpush(frame)
        yield from finished()
    if graph is not None:
        graph.vpush(None)
        yield from finished()


def _field(frame: Coded, picture: VideoFrame, second: bool, interval: float) -> Coded:
    """One field; the second one is shown half way to the next frame."""
    time = frame.time
    if second and time is not None:
        time += interval / 2
    return replace(frame, picture=picture, time=time, jpeg=None, field="b" if second else "a")
