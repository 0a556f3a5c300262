"""From a trained network to what ships: a card that says what was done, and float16 tensors that it vouches for.

The card is the one that held the recipe, with the facts of the training filled in; its comments and its order stay. The
figures on it are those of the rounded weights, read back as the pipeline reads them.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tomlkit
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import nn

from mfrec.cards.load import card_path, cards_folder, load_network, read_card, weights_folder, with_weights
from mfrec.errors import WeightsError
from mfrec.imageio.formats import PICTURE_SUFFIXES
from mfrec.publication.files import replace_files, write_file
from mfrec.version import __version__

if TYPE_CHECKING:
    from mfrec.train.learner import Trained
    from mfrec.train.recipe import TrainingRecipe


def export(
    trained: Trained,
    recipe: TrainingRecipe,
    source: Path,
    folder: Path,
    *,
    data: Sequence[Path],
    terms: str,
    start: str = "",
) -> Path:
    """Write ``NAME.safetensors`` and ``NAME.toml`` for a trained network, the card last.

    Args:
        trained: what :func:`mfrec.train.learner.train` gave.
        recipe: that it was trained by.
        source: the card with the recipe.
        folder: to write into.
        data: the folders that it learnt from; their names go onto the card.
        start: the card whose weights it began with, empty for none.
        terms: under which terms these may be used; goes onto the card, empty or not.

    Returns:
        The card; :func:`mfrec.cards.load.load_network` takes its path.

    Raises:
        UsageError: the folder cannot be written.
        WeightsError: a weight is too large for float16, or no number.
    """
    from mfrec.train.validation import evaluate

    card = read_card(source)
    tensors = half(trained.network)
    scores = evaluate(with_weights(card, tensors), trained.samples)
    payload = save(tensors)
    text = tomlkit.parse(source.read_text(encoding="utf-8"))
    # Read before anything is written: a training may take the place of the weights that it began with.
    before = f"; begun with the weights {told_of(start)}" if start else ""
    facts = {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "origin": f"trained with mfrec {__version__}",
        "training": f"{trained.step} steps of {recipe.batch} samples, seed {recipe.seed}, on {described(data)}{before}"
        f"; {terms or ('the terms of these pictures were not stated' if data else 'no pictures of anybody')}",
        "parameters": f"{sum(value.numel() for value in trained.network.parameters()):,}",
        "commit": source_commit(),
        "trained": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "trained_for": f"{trained.step:,} steps × {recipe.batch}, {trained.seconds / 60:.0f} min"
        f"{after(card.name, start)}",
        "metrics": {**rounded(scores), "minutes": round(trained.seconds / 60, 1)},
    }
    for key, value in facts.items():
        text[key] = value
    path = folder / f"{card.name}.toml"
    replace_files(folder, {card.file: payload, path.name: tomlkit.dumps(text).encode("utf-8")})
    return path


def told_of(start: str) -> str:
    """Which weights a training began with, and what they had been trained on."""
    if start.endswith(".pth"):
        digest = hashlib.sha256(Path(start).read_bytes()).hexdigest()
        return f"of its encoder '{Path(start).name}' ({digest[:16]}..., trained on ImageNet)"
    card = read_card(card_path(start))
    return f"'{card.name}' ({card.sha256[:16]}..., which were: {card.training})"


def after(name: str, start: str) -> str:
    """What a card says of the steps before its own: those of the same network with their time, those of another by its
    name; empty where it began with nothing, or with an encoder of others."""
    if not start or start.endswith(".pth"):
        return ""
    before = read_card(card_path(start))
    if before.name != name or not before.trained_for:
        return f", after those of '{before.name}'"
    return f", after {before.trained_for}"


def install(path: Path) -> None:
    """Copy a card and the weights beside it to where mfrec looks for them.

    Raises:
        UsageError: that place cannot be written.
        WeightsError: card and weights do not load.
    """
    load_network(path)
    card = read_card(path)
    write_file(weights_folder() / card.file, (path.parent / card.file).read_bytes(), replace=True)
    write_file(cards_folder() / path.name, path.read_bytes(), replace=True)


def half(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The tensors of a network by name, floating point ones as float16.

    Raises:
        WeightsError: a value is not finite, or beyond float16.
    """
    tensors = {}
    for name, value in network.state_dict().items():
        array = value.detach().cpu().numpy()
        if value.is_floating_point():
            with np.errstate(over="ignore"):
                array = array.astype(np.float16)
            if not np.isfinite(array).all():
                raise WeightsError(
                    f"'{name}' holds a value that is not finite in float16 (largest 65504); the training has diverged, "
                    "lower the learning_rate of the recipe"
                )
        tensors[name] = array.copy(order="C")  # ascontiguousarray would give a single number a dimension
    return tensors


def described(folders: Sequence[Path]) -> str:
    """Folders by name, each with its number of pictures."""
    parts = []
    for folder in folders:
        count = sum(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.rglob("*"))
        parts.append(f"'{folder.resolve().name}' ({count:,} pictures)")
    return " and ".join(parts) or "samples that were drawn"


def rounded(scores: Mapping[str, float]) -> dict[str, float]:
    """As many digits as mean something: hundredths of a decibel, ten-thousandths of other figures."""
    return {name: round(value, 2 if name.startswith("psnr") else 4) for name, value in scores.items()}


def source_commit() -> str:
    """The commit of the checkout that runs, with ``+changes`` where mfrec differs from it; else mfrec's version."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() == root:
            return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--", "mfrec") else "")
    except (OSError, subprocess.CalledProcessError):
        pass  # no git, or no repository: the version says what can be said
    return f"mfrec {__version__}"
