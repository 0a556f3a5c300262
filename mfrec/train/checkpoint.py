"""A training on disk: everything that it needs to go on as if it had never stopped.

The file is replaced as a whole: it is written under another name, flushed to the disk and renamed, so a kill at any
moment leaves the earlier checkpoint or the new one. It is read with PyTorch's restricted unpickler, which makes tensors
and plain values and runs no code.

There are no states of random generators in it. Every step seeds them from the recipe's seed and its own number
(:class:`mfrec.train.callbacks.Steps`), so the step is all that has to be known.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mfrec.errors import UsageError

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
    path = folder / CHECKPOINT
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(**values)
    except FileNotFoundError:
        raise UsageError(f"there is no {CHECKPOINT} in '{folder}' to go on from; leave out --resume") from None
    except (OSError, RuntimeError, EOFError, TypeError, pickle.UnpicklingError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(f"the checkpoint '{path}' cannot be read ({first}); begin again with --fresh") from None
