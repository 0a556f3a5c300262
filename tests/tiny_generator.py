"""A generator of a few thousand random numbers, whose pictures are coloured blobs, and its card."""

from __future__ import annotations

from pathlib import Path

import torch
from tiny_cards import card_of

from mfrec.nets.stylegan2 import Stylegan2

ARGUMENTS = "side = 16\nlatent = 8\nbase = 128\nmost = 16\nmapping = 2\n"


def tiny_generator() -> Stylegan2:
    """Random weights, always the same, with noise that is seen and colours that mostly lie in [0, 1]."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(5)
        network = Stylegan2(side=16, latent=8, base=128, most=16, mapping=2)
        with torch.no_grad():
            for layer in network.synthesis.layers:
                layer.strength.fill_(0.3)  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
            for colours in network.synthesis.colours:
                colours.convolution.weight.mul_(0.2)  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
            network.centre.copy_(network.mapping(torch.randn(256, 8)).mean(dim=0))
    return network.eval().requires_grad_(False)


def tiny_card(folder: Path) -> str:
    """The path of its card."""
    return card_of(folder, "stylegan2", tiny_generator(), ARGUMENTS, "adversarial")
