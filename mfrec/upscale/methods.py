"""How one frame becomes a larger one, and what the result may be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mfrec.cards.load import card_path, read_card
from mfrec.cards.single_picture import SinglePicture, find_single_picture
from mfrec.errors import UsageError
from mfrec.image.geometry import enlarge
from mfrec.image.stamp import WORDS
from mfrec.recipe import Recipe, load, pixel_cards
from mfrec.runtime.device import resolve_device
from mfrec.types import Frame
from mfrec.upscale.asked import BICUBIC, Asked
from mfrec.upscale.made import Enlarge, Made
from mfrec.upscale.sliding_window import Window

USUAL_SCALE = 4


@dataclass(frozen=True)
class Method:
    """A way to a larger picture.

    Attributes:
        name: for people.
        scale: along each side.
        stamp: ``"ENHANCED"`` where no network makes a pixel, ``"RESTORED"`` where one does that learnt to be right,
            ``"NOT EVIDENCE"`` where one may draw what nobody saw.
        enlarge: does it.
        weights: name to SHA-256 of the weights of every network that makes pixels.
        parameters: for the record.
        apart: whether frames are independent, so that two may be made at a time.
    """

    name: str
    scale: int
    stamp: str
    enlarge: Enlarge
    weights: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    apart: bool = True

    @property
    def draws(self) -> bool:
        """Whether its pictures bear the words NOT EVIDENCE."""
        return self.stamp == WORDS


def find_method(asked: Asked) -> Method:
    """The method that is asked for, with its weights loaded.

    Raises:
        UsageError: there is none like it, or its scale is not what was asked for.
        WeightsError: weights are missing or damaged.
    """
    if asked.window:
        return _window(asked)
    if asked.method == BICUBIC:
        scale = asked.scale or USUAL_SCALE
        return Method("bicubic interpolation", scale, "ENHANCED", partial(_bicubic, scale))
    network = find_single_picture(asked.method, resolve_device(asked.device))
    if asked.scale not in (None, network.scale):
        raise UsageError(
            f"the network '{network.name}' enlarges {network.scale} times, and --scale {asked.scale} was asked for; "
            f"leave --scale out, or take a network of that scale or --method {BICUBIC}"
        )
    return Method(
        f"network {network.name}",
        network.scale,
        WORDS if network.draws else "RESTORED",
        partial(_by_network, network),
        {network.name: network.sha256},
        {"objective": network.objective, "channels": network.channels},
    )


def _bicubic(scale: int, frames: Sequence[Frame], position: int) -> Made:
    return Made(enlarge(frames[position].image, scale), frozenset((frames[position].index,)))


def _by_network(network: SinglePicture, frames: Sequence[Frame], position: int) -> Made:
    return Made(network(frames[position].image), frozenset((frames[position].index,)))


def _window(asked: Asked) -> Method:
    recipe = load(asked.recipe).with_settings(asked.settings)
    scale = asked.scale or USUAL_SCALE
    window = Window.of(recipe, scale, resolve_device(asked.device), asked.seed)
    return Method(
        f"recipe {recipe.name} over {asked.window} frames",
        scale,
        recipe.stamp if any(stage.learned for stage in window.stages) else "ENHANCED",
        window,
        _weights(window.recipe),
        {"recipe": window.recipe.record()},
        apart=False,
    )


def _weights(recipe: Recipe) -> dict[str, str]:
    names = [name for stage in recipe.stages for name in pixel_cards(stage)]
    return {name: read_card(card_path(name)).sha256 for name in names}
