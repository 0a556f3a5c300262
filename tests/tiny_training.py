"""A training of seconds: coloured shapes, a network of a few hundred numbers, and a command to run it as a process.

``python tiny_training.py FOLDER [--resume] [--slow]`` trains into a folder and leaves
``weights.safetensors`` there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_network import Tiny
from torch.nn import functional
from torch.utils.data import Dataset

STEPS = 30

RECIPE: dict[str, Any] = {
    "task": "clean",
    "steps": STEPS,
    "batch": 2,
    "learning_rate": 3e-3,
    "losses": {"charbonnier": 1.0, "mse": 0.5},
    "seed": 7,
    "average": 0.9,
    "validation": 3,
}


ADVERSARIAL: dict[str, Any] = {
    "discriminator": "srgan_discriminator",
    "arguments": {"height": 32, "width": 32, "features": 2, "hidden": 4},
    "weight": 1e-2,
    "learning_rate": 1e-3,
    "batches": "another",
    "updates": "separate",
    "real_labels": (0.7, 1.0),
    "made_labels": (0.0, 0.3),
}
"""SRGAN's way, with a discriminator of some ten thousand numbers."""


class Shapes(Dataset):
    """Smooth random colours, 8 px as the input and 32 px as the truth; sample ``i`` depends on the seed and ``i``."""

    def __init__(self, seed: int, length: int = 2**31, seconds: float = 0.0) -> None:
        self.seed, self.length, self.seconds = seed, length, seconds

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[tuple[torch.Tensor], dict[str, torch.Tensor]]:
        if index >= self.length:
            raise IndexError(index)
        time.sleep(self.seconds)
        rng = np.random.default_rng((self.seed, index))
        coarse = torch.from_numpy(rng.random((1, 3, 6, 6), np.float32))
        truth = functional.interpolate(coarse, size=(32, 32), mode="bicubic").clamp(0, 1)[0]
        return (functional.avg_pool2d(truth, 4),), {"truth": truth}


def training(*, seconds: float = 0.0, **changes: Any) -> Any:
    """The training, with other values of the recipe where they are given; every sample takes ``seconds``."""
    from mfrec.train.adversary import AdversarialRecipe, Adversary
    from mfrec.train.learner import Training
    from mfrec.train.losses import weighted_sum
    from mfrec.train.recipe import parse_recipe, parse_table

    recipe = parse_recipe({**RECIPE, **changes})
    torch.manual_seed(recipe.seed)
    network = Tiny(dropout=0.25)
    adversary = (
        Adversary(parse_table(AdversarialRecipe, recipe.adversarial, "the test"), 3) if recipe.adversarial else None
    )
    stream = Shapes(1, seconds=seconds)
    return Training(network, stream, Shapes(2, 5), recipe, weighted_sum(recipe.losses), adversary=adversary)


def main() -> None:
    """Train in this process; every step is checkpointed."""
    from safetensors.numpy import save_file

    from mfrec.train.export import half
    from mfrec.train.learner import train

    torch.set_num_threads(1)
    folder = Path(next(word for word in sys.argv[1:] if not word.startswith("--")))
    made = train(
        training(seconds=0.02 if "--slow" in sys.argv else 0.0, adversarial=ADVERSARIAL),
        folder,
        resume="--resume" in sys.argv,
        checkpoint_every=0.0,
        progress=lambda _, done, total: print(done, total, flush=True),
    )
    save_file(half(made.network), folder / "weights.safetensors")


if __name__ == "__main__":
    main()
