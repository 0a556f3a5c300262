"""Batches of a stream of samples, as fastai's ``Learner`` takes them.

Sample ``i`` of a stream depends on its seed and ``i`` alone (:mod:`mfrec.train.streams.stream`), so the loader only has
to say which numbers are next, and a training that goes on in the middle sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from mfrec.errors import UsageError
from mfrec.runtime.extras import not_installed
from mfrec.train.fastai_import import DataLoaders, num_distrib, rank_distrib
from mfrec.train.sheet import sheet
from mfrec.train.streams.stream import Sample


@dataclass
class Place:
    """Where a training is. The callbacks share it; one of them counts.

    Attributes:
        step: updates done.
        total: updates that there will be; it decides the learning rate of every step.
        round: updates between two looks at the validation samples.
    """

    step: int
    total: int
    round: int

    @property
    def round_end(self) -> int:
        """The step at which the round under way ends."""
        return min(self.total, (self.step // self.round + 1) * self.round)

    @property
    def round_done(self) -> bool:
        """Whether the step was the last of its round."""
        return self.step % self.round == 0 or self.step == self.total

    @property
    def rounds_left(self) -> int:
        """Rounds to come, the one under way included."""
        return -(-self.total // self.round) - self.step // self.round if self.step < self.total else 0


class Shares(Sampler[int]):
    """The numbers of the samples from the present step to the end of its round.

    Step ``s`` of process ``r`` of ``R`` takes the samples from ``(s R + r) batch`` on.
    """

    def __init__(self, place: Place, batch: int) -> None:
        self.place, self.batch = place, batch

    def __len__(self) -> int:
        return (self.place.round_end - self.place.step) * self.batch

    def __iter__(self) -> Iterator[int]:
        processes, rank = max(num_distrib(), 1), rank_distrib()
        for step in range(self.place.step, self.place.round_end):
            first = (step * processes + rank) * self.batch
            yield from range(first, first + self.batch)


class Batches(DataLoader):
    """PyTorch's loader with what fastai asks of one besides."""

    def to(self, device: Any) -> None:
        """fastai tells its loaders the device. The ``Learner`` moves the batches, so nothing is left to do."""

    def to_detach(self, values: Any, cpu: bool = True, gather: bool = True) -> Any:
        """A figure without its graph. Every process keeps its own: all look at the same validation samples."""
        del gather
        if not isinstance(values, Tensor):
            return values
        return values.detach().cpu() if cpu else values.detach()

    def one_batch(self) -> Any:
        """The next batch, as the ``Learner`` would get it."""
        return next(iter(self))

    def show_batch(self, max_n: int = 4) -> None:
        """Draw samples with matplotlib, one a row: the pictures among the inputs, and the truth.

        Raises:
            UsageError: matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ModuleNotFoundError as error:
            raise UsageError(not_installed("showing a batch", error.name, "plots")) from None

        *inputs, wanted = self.one_batch()
        drawn = sheet(inputs, wanted, rows=max_n)
        height, width = drawn.shape[:2]
        inches = max(1, min(3, 480 // width)) / 72  # of a pixel: small pictures are drawn larger
        _, axis = plt.subplots(figsize=(width * inches, height * inches), dpi=72)
        axis.imshow(drawn, interpolation="nearest")
        axis.axis("off")
        plt.show()


def collate(samples: Sequence[Sample]) -> tuple[Any, ...]:
    """Samples to a flat batch ``(*inputs, wanted)``, which fastai splits before its last element."""
    inputs, wanted = default_collate(list(samples))
    return (*inputs, wanted)


class Held(Dataset):
    """The first samples of a data set, made once and kept: validation looks at them again and again."""

    def __init__(self, samples: Dataset, count: int) -> None:
        length = len(samples)  # pyright: ignore[reportArgumentType]
        self.samples: list[Sample] = [samples[i] for i in range(min(count, length))]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def data_loaders(
    stream: Dataset, valid: Dataset, place: Place, *, batch: int, device: str | torch.device = "cpu", workers: int = 0
) -> DataLoaders:
    """The loaders of a training.

    Args:
        stream: endless training samples.
        valid: a finite list of samples, which may differ in size from one to the next.
        place: where the training is; each pass over the training loader is the rest of a round.
        batch: training samples of one step.
        device: where the network is.
        workers: processes that make training samples; 0 makes them in this one. The samples are the same.
    """
    train = Batches(
        stream,
        batch_size=batch,
        sampler=Shares(place, batch),
        num_workers=workers,
        collate_fn=collate,
        pin_memory=torch.device(device).type == "cuda",
    )
    return DataLoaders(train, Batches(valid, batch_size=1, collate_fn=collate), device=torch.device(device))
