"""What a stream of training samples is: repeatable, and in no need of an order.

Sample ``i`` depends on the seed and ``i`` alone, so a training that was killed goes on exactly where it was, and any
number of processes deliver the same samples. What is random about it is drawn first, into a plain value; the sample is
a pure function of that value and the pictures, so it can be made again from its record.
"""

from __future__ import annotations

import inspect
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mfrec.errors import UsageError
from mfrec.recipe import checked, nearest, shown
from mfrec.types import Drawn, FloatArray

Sample = tuple[tuple[Tensor, ...], dict[str, Tensor]]
"""``(inputs, wanted)``: tensors for ``network(*inputs)``, and what is wanted of it by name, ``"truth"`` at least."""

ENDLESS = 2**31
"""The length of a stream that has no end."""


DrawnSample = TypeVar("DrawnSample", bound=Drawn)


class Stream(Dataset, ABC, Generic[DrawnSample]):
    """Samples by number; a stream says how one is drawn, and how it is made of what was drawn.

    Args:
        seed: of every sample.
        length: how many there are; None is :data:`ENDLESS`.

    Raises:
        UsageError: fewer than one.

    Attributes:
        notes: what whoever trains should know of the pictures, in sentences.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, seed: int, length: int | None = None) -> None:
        self.seed = seed
        self.length = ENDLESS if length is None else length
        if self.length < 1:
            raise UsageError(f"length is {length}; expected at least one sample")

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        return self.make(self.drawn(index))

    def drawn(self, index: int) -> DrawnSample:
        """What is random about a sample; :meth:`make` gives the sample.

        Raises:
            IndexError: there is no such sample.
        """
        if not 0 <= index < self.length:
            raise IndexError(f"sample {index} of {self.length}")
        return self.draw(index, np.random.default_rng((self.seed, index)))

    @abstractmethod
    def draw(self, index: int, rng: np.random.Generator) -> DrawnSample:
        """Draw one sample; ``rng`` belongs to the seed and the index."""

    @abstractmethod
    def make(self, drawn: DrawnSample) -> Sample:
        """The sample that was drawn; nothing is random here."""


def checked_arguments(maker: type | typing.Callable[..., Any], given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Arguments from a recipe, as the keyword-only arguments of a function or class declare them.

    Args:
        maker: what they are for.
        given: name to value, as TOML gives them.
        place: where they stand, for messages.

    Raises:
        UsageError: an argument that it does not have, or a value of another kind.
    """
    called = maker.__init__ if isinstance(maker, type) else maker
    hints = typing.get_type_hints(called)
    parameters = inspect.signature(called).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    out = {}
    for name, value in given.items():
        if name not in known:
            raise UsageError(f"{place} has no argument '{name}'{nearest(name, known)}")
        try:
            out[name] = checked(value, hints[name])
        except ValueError as error:
            raise UsageError(f"{place}: '{name}' is {shown(value)}; expected {error}") from None
    return out


def whole_blocks(name: str, side: int) -> int:
    """``side``, if codecs and the registration can take a quarter of it: a multiple of eight, from 48 to 1024.

    Raises:
        UsageError: it is none.
    """
    if side % 8 or not 48 <= side <= 1024:
        raise UsageError(f"{name} is {side}; expected a multiple of 8 from 48 to 1024")
    return side


def as_tensor(image: FloatArray) -> Tensor:
    """``[H, W, 3]`` to ``[3, H, W]``."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))
