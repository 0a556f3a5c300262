"""Small pictures of a clip's frames as JPEG, as many as have room: the one that nobody asked for longest goes first."""

from __future__ import annotations

from collections import OrderedDict


class SmallPictures:
    """Pictures by the number of their frame and by the width that was asked for. Not for several threads at once.

    Args:
        limit: bytes of all together; the last one is kept whatever it has.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, which: tuple[int, int]) -> bool:
        return which in self._kept

    def find(self, number: int, width: int) -> bytes | None:
        """A picture that is kept, which counts as asked for; None where it is not there."""
        found = self._kept.get((number, width))
        if found is not None:
            self._kept.move_to_end((number, width))
        return found

    def keep(self, number: int, width: int, jpeg: bytes) -> None:
        """Keep a picture, in the place of others where there is no room."""
        self.bytes += len(jpeg) - len(self._kept.pop((number, width), b""))
        self._kept[number, width] = jpeg
        while self.bytes > self.limit and len(self._kept) > 1:
            self.bytes -= len(self._kept.popitem(last=False)[1])

    def clear(self) -> None:
        """Let all of them go."""
        self._kept.clear()
        self.bytes = 0
