"""How many times the stated uncertainty holds nine pixels in ten: one factor a recipe and kind of input.

Conformal prediction (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-free predictive inference for
regression", JASA 2018) with the score ``error / uncertainty`` of a pixel (the locally weighted score of their section
5.2). Pixels of one sequence belong together, so every calibration sequence has the same say, whatever its size (pooling
of distribution functions: Dunn, Wasserman and Ramdas, "Distribution-free prediction sets for two-layer hierarchical
models", JASA 2023, section 3.1).

What it promises is marginal: over the pixels of inputs that are exchangeable with those that calibrated it, the same
kinds of faces, cameras and codecs, 90 % on average. For a single picture, or for a single feature in it, it
promises nothing.

``coverage.toml`` beside this file holds the factors and what they were computed from; ``mfrec bench SEQUENCES --table
coverage --people 0/4 --factors mfrec/metrics/coverage.toml`` makes it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mfrec.camera.noise import noise_of
from mfrec.documents import check_schema, parse_toml, read_text, shaped
from mfrec.metrics.calibration import errors_by_uncertainty
from mfrec.types import Frame

SHARE = 0.9
"""Of the pixels that shall lie within the factor."""

STEPS = 2000
"""Quantiles by which the scores of a sequence are kept."""

SCHEMA = 2

FACTORS = Path(__file__).with_name("coverage.toml")

Kind = Literal["still", "exported", "video"]


class Held(Struct):
    """Share of the pixels of people within the factor of all others.

    Attributes:
        mean: over the pictures. error: its standard error over the people.
        lowest, highest: of a single picture.
    """

    mean: float
    error: float
    lowest: float
    highest: float


class Factor(Struct):
    """A factor for one kind of input, how many sequences and people it was calibrated on, and what it holds."""

    factor: float
    inputs: str
    sequences: int
    people: int
    held: Held


class Factors(Struct):
    """The whole of ``coverage.toml``: recipe to kind to factor; ``weights`` are the networks that it holds for."""

    schema: int
    share: float
    made: str
    data: str
    weights: dict[str, str]
    recipes: dict[str, dict[Kind, Factor]]


def kind_of_input(frames: Iterable[Frame]) -> Kind:
    """What most frames are.

    Stills whose file or lattice tells their tables, video whose decoder tells its quantiser, or exported, where the
    pixels had to be asked or tell nothing.
    """
    models = [noise_of(frame) for frame in frames]
    kinds: list[Kind] = ["exported" if m.estimated or m.kind == "unknown" else m.kind for m in models]
    return max(("still", "exported", "video"), key=kinds.count)


def scores(uncertainty: Any, result: Any, truth: Any) -> NDArray[np.float64]:
    """Error over uncertainty of the pixels of one picture, by :data:`STEPS` quantiles, rising.

    Args:
        uncertainty: ``[H, W]`` above 0.
        result, truth: ``[H, W, 3]`` in [0, 1]; the error of a pixel is the root of the mean square of its channels.

    Raises:
        ValueError, TypeError: see :func:`mfrec.metrics.calibration.errors_by_uncertainty`.
    """
    said, error = errors_by_uncertainty(uncertainty, result, truth)
    if said[0] == 0.0:
        raise ValueError("an uncertainty of 0 allows no error at all; give a standard deviation above 0 to every pixel")
    return np.quantile(error / said, (np.arange(STEPS) + 0.5) / STEPS)


def conformal_factor(sequences: Sequence[NDArray[np.float64]], share: float = SHARE) -> float:
    """The factor within which a share of the pixels lies, every sequence having the same say.

    Args:
        sequences: of each its :func:`scores`.
        share: in (0, 1).

    Raises:
        ValueError: there is no sequence.
    """
    if not sequences:
        raise ValueError("no sequence to calibrate on; give one at least")
    return float(np.quantile(np.concatenate(sequences), share, method="higher"))


def coverage(score: NDArray[np.float64], factor: float) -> float:
    """Share of the pixels of a picture within ``factor`` times their uncertainty, by its :func:`scores`."""
    return float(np.mean(score <= factor))


def read_factors(path: Path = FACTORS) -> Factors:
    """The factors that are shipped, or those of another file.

    Raises:
        DocumentError: it is no such file.
    """
    return shaped(check_schema(parse_toml(read_text(path, 1 << 20)), SCHEMA), Factors)


def stated(
    recipe: str, kind: Kind, *, altered: bool, weights: Mapping[str, str], known: Factors | None = None
) -> dict[str, Any]:
    """What may be said about the coverage of a result, as the record has it.

    Args:
        recipe: its name.
        kind: of the input.
        altered: whether parameters of the recipe were set by hand.
        weights: card to SHA-256 of the networks that make pixels in it.
        known: the factors; those that are shipped where nobody says.

    Returns:
        ``kind``, ``share``, ``factor`` (None where none is known) and ``text``, a sentence.
    """
    known = read_factors() if known is None else known
    found = known.recipes.get(recipe, {}).get(kind)
    said = {"kind": kind, "share": known.share, "factor": None}
    if found is None or altered:
        why = "parameters of the recipe were set by hand" if altered and found is not None else "none was measured"
        return {**said, "text": f"no factor of coverage is known for this recipe and {INPUTS[kind]}: {why}"}
    if any(known.weights.get(card) != digest for card, digest in weights.items()):
        return {**said, "text": "the factor of coverage was measured with other weights and is not stated for these"}
    text = (
        f"{100 * known.share:.0f} % of the pixels lie within {found.factor:.2f} times the uncertainty that is shown, "
        f"on average over inputs like these ({INPUTS[kind]}); of {found.people} people, each measured with the factor "
        f"of the others: {100 * found.held.mean:.1f} %, {100 * found.held.lowest:.0f} to "
        f"{100 * found.held.highest:.0f} % in single pictures"
    )
    return {**said, "factor": found.factor, "text": text}


INPUTS: dict[str, str] = {
    "still": "stills whose compression is known",
    "exported": "frames whose compression had to be estimated",
    "video": "video whose decoder tells its compression",
}
"""Kind of input in words."""
