"""Between two trainings of one network: interpolation of their weights.

``(1 - alpha) A + alpha B`` over all parameters, Wang et al., "ESRGAN", ECCV workshops 2018, section 3.4: between a
network that was trained for PSNR and the adversarial one that began with it, it trades noise for sharpness without
another training. It is meant for networks without batch normalisation; where there is one, its statistics are mixed
likewise, which is an approximation, and the card says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomlkit
from numpy.typing import NDArray
from safetensors.numpy import save

from mfrec.cards.load import Card, card_path, read_card, read_state
from mfrec.errors import UsageError, WeightsError
from mfrec.publication.files import replace_files

STATISTICS = ("running_mean", "running_var")
"""Ends of the names of what a batch normalisation measured and did not learn."""


@dataclass(frozen=True)
class Mixed:
    """What was written.

    Attributes:
        card: the file of the new card; the weights lie beside it.
        objective: of the new card.
        normalised: whether running statistics were mixed, too.
    """

    card: Path
    objective: str
    normalised: bool


def mix(first: str, second: str, alpha: float, out: Path) -> Mixed:
    """Write card and weights between two cards.

    Args:
        first, second: names or paths of cards; ``alpha`` 0 gives the tensors of the first, 1 those of the second, bit
            for bit.
        alpha: from 0 to 1.
        out: path of the new card, ``NAME.toml``; the weights beside it get the same name.

    Returns:
        What was written. It is adversarial where one of both is, but for the end that has no share in it.

    Raises:
        UsageError: alpha lies outside, or files that mfrec did not write are in the way.
        WeightsError: a card or its weights cannot be read, or they are of two networks.
    """
    if not 0 <= alpha <= 1:
        raise UsageError(
            f"--alpha is {alpha:g}; expected a number from 0, the first card's weights, to 1, the second's"
        )
    folder, name = out.parent, out.name.removesuffix(".toml")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UsageError(f"'{out.name}' is no name for a card; give letters, digits, '_', '-' and '.': mixed.toml")
    (one, here), (other, there) = (weights_of(card) for card in (first, second))
    check_alike(one, here, other, there)
    tensors = {key: between(here[key], there[key], alpha) for key in here}
    parts = [card for card, share in ((one, 1 - alpha), (other, alpha)) if share > 0]
    objective = "adversarial" if any(card.objective == "adversarial" for card in parts) else "fidelity"
    normalised = any(key.endswith(STATISTICS) for key in tensors)
    told = "; batch statistics mixed likewise, an approximation" if normalised else ""
    payload = save(tensors)
    facts = {
        "file": f"{name}.safetensors",
        "summary": f"{1 - alpha:.4g} of the weights of '{one.name}' and {alpha:.4g} of those of '{other.name}'{told}.",
        "licence": one.licence if one.licence == other.licence else f"{one.licence} | {other.licence}",
        "objective": objective,
        "sha256": hashlib.sha256(payload).hexdigest(),
        "origin": f"mixed from '{one.name}' ({one.sha256[:16]}...) and '{other.name}' ({other.sha256[:16]}...)",
        "training": f"'{one.name}': {one.training} | '{other.name}': {other.training}",
    }
    text = described(card_path(first), facts)
    replace_files(folder, {f"{name}.safetensors": payload, f"{name}.toml": text.encode("utf-8")})
    return Mixed(folder / f"{name}.toml", objective, normalised)


def weights_of(name: str) -> tuple[Card, dict[str, NDArray]]:
    """A card, and its verified tensors.

    Raises:
        WeightsError: one of them cannot be read.
    """
    path = card_path(name)
    card = read_card(path)
    return card, read_state(card, path.parent if name.endswith(".toml") else None)


def between(first: NDArray, second: NDArray, alpha: float) -> NDArray:
    """``(1 - alpha) first + alpha second`` in double precision, of the first one's type; the ends are exact.

    Whole numbers, which count and are no weights, are the first one's but at alpha 1.
    """
    if alpha in (0, 1) or not np.issubdtype(first.dtype, np.floating):
        return second if alpha == 1 else first
    return ((1 - alpha) * first.astype(np.float64) + alpha * second.astype(np.float64)).astype(first.dtype)


def check_alike(one: Card, here: Mapping[str, NDArray], other: Card, there: Mapping[str, NDArray]) -> None:
    """Refuse two networks that are not one.

    Raises:
        WeightsError: other networks, arguments, names, shapes or types of tensors.
    """
    if (one.net, dict(one.arguments)) != (other.net, dict(other.arguments)):
        raise WeightsError(
            f"'{one.name}' is a network '{one.net}' with {dict(one.arguments)}, '{other.name}' one of '{other.net}' "
            f"with {dict(other.arguments)}; weights are mixed of two trainings of one network"
        )
    kinds = [{key: (value.shape, value.dtype) for key, value in state.items()} for state in (here, there)]
    for key in {**kinds[0], **kinds[1]}:
        if kinds[0].get(key) != kinds[1].get(key):
            raise WeightsError(
                f"the tensors of '{one.name}' and '{other.name}' differ, first '{key}': {kinds[0].get(key)} and "
                f"{kinds[1].get(key)}; weights are mixed of two trainings of one network"
            )


def described(source: Path, facts: Mapping[str, str]) -> str:
    """The new card: that of ``source`` without recipe and figures, which are not the new one's, and with ``facts``."""
    text = tomlkit.parse(source.read_text(encoding="utf-8"))
    for key in ("recipe", "metrics", "commit", "trained", "trained_for"):
        text.pop(key, None)
    for key, value in facts.items():
        text[key] = value
    return tomlkit.dumps(text)
