"""Samples that take longer to make than to learn from: so many are made, and come again from memory."""

from __future__ import annotations

import torch
from torch import Tensor

from mfrec.errors import UsageError
from mfrec.train.streams.stream import DrawnSample, Sample, Stream


class PooledStream(Stream[DrawnSample]):
    """A stream whose samples repeat after the first ``pool``, as the epochs of a training on files do.

    What is kept of a picture is its 8 bits; pictures of such a stream are in steps of them.

    Args:
        seed: of every sample.
        length: how many samples; None is without end.
        pool: how many are different; 0 makes each anew.

    Raises:
        UsageError: a negative pool.
    """

    def __init__(self, seed: int, length: int | None, pool: int) -> None:
        super().__init__(seed, length)
        if pool < 0:
            raise UsageError(f"the pool is {pool}; expected a number of samples, or 0 for no end")
        self.pool = pool
        self.kept: dict[int, tuple[tuple[Tensor, ...], dict[str, Tensor]]] = {}

    def __getitem__(self, index: int) -> Sample:
        if not self.pool or index >= self.length:
            return super().__getitem__(index)
        place = index % self.pool
        if place not in self.kept:
            inputs, wanted = super().__getitem__(index)
            self.kept[place] = tuple(map(packed, inputs)), {name: packed(value) for name, value in wanted.items()}
        inputs, wanted = self.kept[place]
        return tuple(map(unpacked, inputs)), {name: unpacked(value) for name, value in wanted.items()}

    def drawn(self, index: int) -> DrawnSample:
        return super().drawn(index % self.pool if self.pool and index < self.length else index)


def packed(value: Tensor) -> Tensor:
    """A picture ``[C, H, W]`` in [0, 1] as uint8; anything else as it is."""
    return (255 * value).round().to(torch.uint8) if value.ndim == 3 else value


def unpacked(value: Tensor) -> Tensor:
    """The reverse of :func:`packed`."""
    return value.float() / 255 if value.dtype == torch.uint8 else value
