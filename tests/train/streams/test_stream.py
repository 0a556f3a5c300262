"""Samples by number, and arguments of a recipe that are checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mfrec.errors import UsageError
from mfrec.train.streams.stream import ENDLESS, Sample, Stream, as_tensor, checked_arguments, whole_blocks
from mfrec.types import Drawn


@dataclass(frozen=True)
class Number(Drawn):
    index: int
    value: float


class Numbers(Stream[Number]):
    """A sample is a random number and its index."""

    def __init__(self, seed: int, *, length: int | None = None, share: float = 0.5, name: str = "") -> None:
        super().__init__(seed, length)
        self.share, self.name = share, name

    def draw(self, index: int, rng: np.random.Generator) -> Number:
        return Number(index, rng.random())

    def make(self, drawn: Number) -> Sample:
        return (torch.tensor(drawn.value),), {"truth": torch.tensor(drawn.index)}


def test_a_sample_depends_on_the_seed_and_its_number_alone() -> None:
    stream = Numbers(3)
    forwards = [float(stream[i][0][0]) for i in range(5)]
    assert [float(Numbers(3)[i][0][0]) for i in (4, 3, 2, 1, 0)] == forwards[::-1]
    assert len(set(forwards)) == 5
    assert float(Numbers(4)[0][0][0]) != forwards[0]


def test_a_stream_has_no_end_and_a_list_has_one() -> None:
    assert len(Numbers(0)) == ENDLESS
    assert int(Numbers(0)[ENDLESS - 1][1]["truth"]) == ENDLESS - 1
    assert [int(sample[1]["truth"]) for sample in Numbers(0, length=3)] == [0, 1, 2]
    for index in (3, -1):
        with pytest.raises(IndexError, match=f"sample {index} of 3"):
            Numbers(0, length=3)[index]
    with pytest.raises(UsageError, match="length is 0"):
        Numbers(0, length=0)


def test_arguments_are_those_that_the_stream_names() -> None:
    assert checked_arguments(Numbers, {"share": 1, "length": 4}, "the task 'x'") == {"share": 1.0, "length": 4}
    for given, message in (
        ({"shares": 1}, "the task 'x' has no argument 'shares'; did you mean 'share'"),
        ({"seed": 1}, "has no argument 'seed'"),
        ({"share": "much"}, "the task 'x': 'share' is 'much'; expected a number"),
        ({"length": 2.5}, "'length' is 2.5; expected a whole number"),
    ):
        with pytest.raises(UsageError, match=message):
            checked_arguments(Numbers, given, "the task 'x'")


def test_sides_are_whole_blocks() -> None:
    assert whole_blocks("side", 144) == 144
    for side in (40, 100, 2048):
        with pytest.raises(UsageError, match=f"side is {side}; expected a multiple of 8 from 48 to 1024"):
            whole_blocks("side", side)


def test_pictures_become_tensors() -> None:
    image = np.random.default_rng(0).random((4, 6, 3), np.float32)[:, ::-1]
    tensor = as_tensor(image)
    assert tensor.dtype == torch.float32
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), image)
