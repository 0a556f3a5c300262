"""The two fields of interlaced video as pictures of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mfrec.imageio.decoding import Coded

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph


def separate_fields(pictures: Iterable[Coded], interval: float) -> Iterator[Coded]:
    """Two pictures for every frame, the missing lines of each interpolated in space and time by FFmpeg's bwdif.

    All frames are treated as interlaced, marked or not: recorders often forget the mark.

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
            yield _field(parent, picture, second, interval)
            second = not second

    for coded in pictures:
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
            bwdif = graph.add("bwdif", "mode=send_field:parity=auto:deint=all")
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
