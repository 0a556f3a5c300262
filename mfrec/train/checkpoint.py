"""A training on disk: everything that it needs to go on as if it had never stopped.

The file is replaced as a whole: it is written under another name, flushed to the disk and renamed, so a kill at any
moment leaves the earlier checkpoint or the new one. It is read by :mod:`mfrec.train.torch_files`, which runs no code.

There are no states of random generators in it. Every step seeds them from the recipe's seed and its own number
(:class:`mfrec.train.callbacks.Steps`), so the step is all that has to be known.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mfrec.documents import DocumentError
from mfrec.errors import UsageError
from mfrec.train.torch_files import read_torch_file

CHECKPOINT = "checkpoint.pt"
"""Name of the file in the folder of a training."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training between two steps.

    Attributes:
        identity: digest of all that must be the same for the training to go on (recipe, network, data).
        step, total: updates done, and updates that there will be.
        round: updates between two looks at the validation samples.
        seconds: that it has run for.
        network: tensors of the network by name.
        average: their moving average.
        optimiser: state of the optimiser.
        history: what each round found, oldest first.
        adversary: :meth:`mfrec.train.adversary.Adversary.state`, empty where no discriminator learns.
        smoothed: the moving mean of the training's loss as fastai keeps it, a sum and a number of steps. Patience asks
            it; checkpoints from before it was kept begin it anew.
    """

    identity: str
    step: int
    total: int
    round: int
    seconds: float
    network: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    optimiser: Mapping[str, Any]
    history: list[dict[str, float]]
    adversary: Mapping[str, Any] = field(default_factory=dict)
    smoothed: tuple[float, int] = (0.0, 0)


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Replace the checkpoint in a folder.

    Raises:
        UsageError: it cannot be written; the earlier one is as it was.
    """
    path = folder / CHECKPOINT
    partial = path.with_suffix(".partial")
    values = {**shallow(checkpoint), "network": dict(checkpoint.network), "average": dict(checkpoint.average)}
    try:
        with partial.open("wb") as file:
            torch.save(values, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise UsageError(
            f"cannot write the checkpoint into '{folder}': {error}; make room or choose another folder with -o"
        ) from None


def shallow(checkpoint: Checkpoint) -> dict[str, Any]:
    """The fields by name, without copying tensors."""
    return {each.name: getattr(checkpoint, each.name) for each in fields(checkpoint)}


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a folder, onto the CPU.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    try:
        return _shaped(read_torch_file(folder / CHECKPOINT))
    except FileNotFoundError:
        raise UsageError(f"there is no {CHECKPOINT} in '{folder}' to go on from; leave out --resume") from None
    except DocumentError as error:
        raise _unusable(folder, error) from None


@contextlib.contextmanager
def restoring(folder: Path) -> Iterator[None]:
    """Within it, what a checkpoint holds is put into a training.

    Raises:
        UsageError: it does not fit, in the place of whatever PyTorch or fastai say.
    """
    try:
        yield
    except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise _unusable(folder, f"it does not fit: {str(error).partition(chr(10))[0]}") from None


def _shaped(values: Any) -> Checkpoint:
    """The values of a file as a checkpoint.

    Raises:
        DocumentError: they are none.
    """
    try:
        found = Checkpoint(**values)
    except TypeError as error:
        raise DocumentError(f"it is no checkpoint: {error}") from None
    tensors = [value for part in (found.network, found.average) for value in _mapped(part, "its tensors").values()]
    _mapped(found.optimiser, "the optimiser's state")
    _mapped(found.adversary, "the discriminator's state")
    if not all(isinstance(value, Tensor) for value in tensors):
        raise DocumentError("it holds something else than tensors for a network")
    counts = (found.step, found.total, found.round)
    if not all(type(count) is int for count in counts) or not 0 <= found.step <= found.total or found.round < 1:
        raise DocumentError(f"its steps cannot be: {found.step!r} of {found.total!r}, {found.round!r} a round")
    if not isinstance(found.identity, str) or type(found.seconds) is not float:
        raise DocumentError("it does not say of which training it is, or how long that has run")
    match found.smoothed:
        case (float(), int(steps)) if steps >= 0:
            pass
        case other:
            raise DocumentError(f"the mean of its loss is {other!r}, expected a sum and a number of steps")
    if not isinstance(found.history, list):
        raise DocumentError("it has no history")
    if not all(type(value) in (int, float) for row in found.history for value in _mapped(row, "a round").values()):
        raise DocumentError("a round of its history holds something else than numbers")
    return found


def _mapped(value: Any, what: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise DocumentError(f"{what} should be a dictionary and are {type(value).__name__}")
    return value


def _unusable(folder: Path, why: object) -> UsageError:
    return UsageError(f"the checkpoint '{folder / CHECKPOINT}' cannot be used ({why}); begin again with --fresh")
