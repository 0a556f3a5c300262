"""Initial weights with which a network that enlarges begins as plain interpolation.

A few channels carry the picture (and, where an activation follows, its negative) from the first convolution to the
last; the rest begins as drawn. So a short training spends its steps on what interpolation lacks, and the architecture
stays as published. It is the idea of residual branches that begin at zero (Goyal et al., "Accurate, large minibatch
SGD", 2017, section 5.1) together with that of convolutions that begin as interpolation (Aitken et al., "Checkerboard
artifact free sub-pixel convolution", 2017).

An activation ``f`` lets a picture and its negative through as long as ``f(x) - f(-x)`` is proportional to ``x``: 1 for
rectifiers and swish, ``1 + slope`` for leaky ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SAME = torch.tensor([0.0, 1.0, 0.0])
"""Taps along an axis that change nothing."""

SMOOTH = torch.tensor([0.25, 0.5, 0.25])
"""Taps that make linear interpolation of pixels that were repeated twice."""

BEFORE, AFTER = torch.tensor([0.15625, 0.9375, -0.09375]), torch.tensor([-0.09375, 0.9375, 0.15625])
"""Lagrange's quadratic through three pixels, a quarter of a pixel before and behind the middle one."""


def outer(rows: Tensor, columns: Tensor) -> Tensor:
    """``[3, 3]`` taps of two axes."""
    return torch.outer(rows, columns)


PHASES = tuple(outer(rows, columns) for rows in (BEFORE, AFTER) for columns in (BEFORE, AFTER))
"""The four pixels that one becomes when channels are shuffled into pixels, in the order of the channels."""


@torch.no_grad()
def carry(
    layer: nn.Conv2d, taps: Sequence[Tensor], colours: int, *, signed: bool, signs: bool, gain: float = 1.0
) -> None:
    """Let the first output channels of a convolution be the picture, filtered; the others stay as they are.

    Args:
        layer: with an odd kernel of 3 or more.
        taps: ``[3, 3]`` each; of several, each output channel becomes as many in a row.
        colours: planes of the picture.
        signed: the input holds the picture and then its negative, both after an activation.
        signs: the output shall.
        gain: of the activation before, see the head of the file.
    """
    weight = layer.weight
    middle = weight.shape[-1] // 2
    centre = slice(middle - 1, middle + 2)
    for target in range((2 if signs else 1) * colours):
        colour, sign = target % colours, 1 if target < colours else -1
        for phase, kernel in enumerate(taps):
            row = weight[target * len(taps) + phase]
            row.zero_()
            row[colour, centre, centre] = sign * kernel / gain
            if signed:
                row[colours + colour, centre, centre] = -sign * kernel / gain
    if layer.bias is not None:
        layer.bias[: (2 if signs else 1) * colours * len(taps)] = 0
