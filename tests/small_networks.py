"""The cleaning and the fusing network with a few thousand random weights: fast, and different everywhere."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mfrec.nets.bisenet import BiSeNet
from mfrec.nets.clean import Clean
from mfrec.nets.fusion import Fusion


def randomised(network: nn.Module, seed: int = 0, strength: float = 1.0) -> Any:
    """The network with every weight drawn anew, those that start at zero too, in evaluation mode.

    Args:
        network: changed in place.
        seed: of the draw.
        strength: 1 keeps the size of the activations from layer to layer.
    """
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        inputs = parameter[0].numel() if parameter.ndim > 1 else 100
        drawn = torch.randn(parameter.shape, generator=generator)
        parameter.data.copy_(strength * drawn / inputs**0.5)
    return network.eval()


def small_clean(seed: int = 0) -> Clean:
    return randomised(Clean((8, 8, 8, 8), (1, 1, 1, 1), (1, 1, 1)), seed)


def small_fusion(seed: int = 0) -> Fusion:
    return randomised(Fusion(channels=8, depth=1, decoder=1, deep=(8, 8, 8)), seed)


def small_parser(seed: int = 0) -> BiSeNet:
    """It has no idea of a face, so the landmarks outline every region."""
    return randomised(BiSeNet(width=8), seed)


def load(card: str) -> nn.Module:
    """What :attr:`mfrec.pipeline.Run.load` may be: the small network under the name of the card."""
    return {"clean": small_clean, "fusion": small_fusion, "parser": small_parser}[card]()
