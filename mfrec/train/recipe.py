"""How a network is trained: the table ``[recipe]`` of its card, read and checked.

::

    [recipe]
    task = "clean"            # which stream of samples, see mfrec.train.tasks.TASKS
    steps = 40000
    batch = 8
    learning_rate = 3e-4

    [recipe.losses]           # name to weight, or to a table of weight and options, see mfrec.train.losses
    charbonnier = 1.0
    perceptual = { weight = 0.02, layers = [2, 3] }

    [recipe.data]             # arguments of the stream
    side = 128

    [recipe.adversarial]      # a discriminator that learns beside the network, see mfrec.train.adversary

Everything else has a default. Nothing unknown is ignored.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from mfrec.cards.load import Card
from mfrec.errors import UsageError
from mfrec.recipe import checked, nearest, shown


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything that decides what a training ends with, but for the data and the network.

    Attributes:
        task: which stream of samples.
        steps: updates of the weights, where the command does not say how long.
        batch: samples of one step, in each process.
        learning_rate: the largest.
        losses: name to weight of each term of the sum that is minimised, or to a table with the weight and options;
            :func:`mfrec.train.losses.weighted_sum` checks them.
        seed: of the initial weights, of the samples, and of what the network itself draws.
        data: arguments of the stream.
        schedule: of the learning rate. ``"one_cycle"`` rises from a 25th of the largest and falls to nearly nothing,
            both along a cosine. ``"cyclic"`` rises from a 25th and falls back to it along straight lines, ``cycles``
            times, each time half as high as before. ``"constant"`` does not change. ``"multi_step"`` is multiplied by
            ``gamma`` at each of ``milestones``. ``"triangular"`` rises from a tenth to the largest and falls back,
            ``cycles`` times to the same height, and falls from a tenth to a hundredth in the last sixth of the steps.
        cycles: of ``"cyclic"`` and ``"triangular"``.
        milestones, gamma: of ``"multi_step"``, in steps.
        warmup: share of the steps in which the learning rate of ``"one_cycle"`` rises.
        betas: of AdamW, Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
        weight_decay: of AdamW.
        clip: largest norm of the gradient of all weights together; longer ones are shortened to it.
        average: decay of the moving average of the weights, which is what is exported (Polyak averaging; Karras et al.,
            "Progressive growing of GANs", ICLR 2018, use it for this). It is shorter in the first steps.
        frozen: beginnings of the names of parameters that stay as they are, such as ``"encoder.features.0."``.
        bfloat16: compute convolutions in bfloat16 (weights, gradients and losses stay float32) on a device that has
            instructions for it; others compute in float32, see :mod:`mfrec.train.precision`.
        validation: how many samples of the validation split are looked at, at most.
        patience: end when the loss of training has not fallen by ``min_delta`` for so many rounds; 0 is never.
        min_delta: see there.
        initial: weights of a new network: ``"random"``, or ``"interpolation"``, see :mod:`mfrec.nets.interpolating`.
        start: the card whose weights a training begins with, where the command names no other.
        adversarial: how a discriminator learns beside the network, empty for none; see
            :class:`mfrec.train.adversary.AdversarialRecipe`.
    """

    task: str
    steps: int
    batch: int
    learning_rate: float
    losses: dict[str, Any]
    seed: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    schedule: Literal["one_cycle", "cyclic", "constant", "multi_step", "triangular"] = "one_cycle"
    cycles: int = 4
    milestones: tuple[int, ...] = ()
    gamma: float = 0.5
    warmup: float = 0.05
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    clip: float = 1.0
    average: float = 0.999
    frozen: tuple[str, ...] = ()
    bfloat16: bool = True
    validation: int = 64
    patience: int = 0
    min_delta: float = 0.0
    initial: Literal["random", "interpolation"] = "random"
    start: str = ""
    adversarial: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bounds = {
            "steps": (1, math.inf),
            "batch": (1, math.inf),
            "learning_rate": (1e-12, 10.0),
            "seed": (0, 2**32),
            "cycles": (1, 1000),
            "warmup": (0.0, 0.9),
            "weight_decay": (0.0, 10.0),
            "clip": (1e-12, math.inf),
            "average": (0.0, 1.0),
            "validation": (1, math.inf),
            "gamma": (1e-6, 1.0),
            "patience": (0, 1000),
            "min_delta": (0.0, math.inf),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"'{name}' is {getattr(self, name)}; expected {low:g} to {high:g}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"'betas' is {self.betas}; expected two numbers from 0 to below 1")
        if (self.schedule == "multi_step") != bool(self.milestones) or list(self.milestones) != sorted(self.milestones):
            raise ValueError(
                f"'milestones' is {list(self.milestones)}; expected rising numbers of steps with the schedule "
                "'multi_step', and none with another"
            )
        if not self.losses and not self.adversarial:
            raise ValueError(
                "'losses' is empty; expected at least one loss, such as charbonnier = 1.0, or a table "
                "[recipe.adversarial]"
            )

    def record(self) -> dict[str, Any]:
        """The recipe as plain values, defaults included."""
        return {
            **asdict(self),
            "betas": list(self.betas),
            "frozen": list(self.frozen),
            "milestones": list(self.milestones),
        }


def training_recipe(card: Card) -> TrainingRecipe:
    """The recipe of a card.

    Raises:
        UsageError: the card has none, or a key or a value in it cannot be.
    """
    place = f"the recipe of the card '{card.name}'"
    if not card.recipe:
        raise UsageError(
            f"the card '{card.name}' has no table [recipe], so nothing says how to train it; add one, or train another"
        )
    return parse_recipe(card.recipe, place)


def parse_recipe(values: Mapping[str, Any], place: str = "the recipe") -> TrainingRecipe:
    """Check the values of a table ``[recipe]``; see :func:`parse_table`."""
    return parse_table(TrainingRecipe, values, place)


Table = TypeVar("Table")


def parse_table(kind: type[Table], values: Mapping[str, Any], place: str) -> Table:
    """Check the values of a table against the dataclass that it becomes.

    Args:
        kind: the dataclass; what it raises as ValueError is a value out of range.
        values: as TOML gives them.
        place: where they stand, for messages.

    Raises:
        UsageError: a key is unknown or missing, or a value of the wrong kind or out of range.
    """
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            raise UsageError(f"{place} has the unknown key '{key}'{nearest(key, hints)}")
    for needed in fields(kind):  # pyright: ignore[reportArgumentType]
        if needed.name not in values and needed.default is MISSING and needed.default_factory is MISSING:
            raise UsageError(f"{place} has no '{needed.name}'; add it")
    given = {}
    for key, value in values.items():
        try:
            given[key] = checked(value, hints[key])
        except ValueError as error:
            raise UsageError(f"{place}: '{key}' is {shown(value)}; expected {error}") from None
    try:
        return kind(**given)
    except ValueError as error:
        raise UsageError(f"{place}: {error}") from None
