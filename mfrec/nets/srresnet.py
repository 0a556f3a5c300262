"""SRResNet, the generator of SRGAN.

Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", CVPR 2017, figure
4, in the form that a thesis on the super-resolution of eyes for gaze estimation trains: bias-free convolutions, batch
normalisation and initial values as in Keras, an enlargement that repeats pixels and keeps the wider channels. The
original's enlargement (Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
convolutional neural network", CVPR 2016) is there as ``"shuffle"``.

The network computes in [-1, 1]; outside of it pictures are in [0, 1] as everywhere. It ends in tanh, as the thesis has
it, or linearly, as figure 4 of the paper shows.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.interpolating import PHASES, SAME, carry, outer

MOMENTUM, EPSILON = 0.01, 1e-3
"""Of the batch normalisation: Keras's 0.99 is the share that stays, PyTorch's the share that is new."""


def glorot(module: nn.Module) -> None:
    """Initial values of Keras: Glorot and Bengio's uniform kernels (AISTATS 2010), zero biases."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def normalised(inputs: int, outputs: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A 3 x 3 convolution without bias, and the normalisation after it."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs, eps=EPSILON, momentum=MOMENTUM)


class ResidualBlock(nn.Module):
    """``[B, features, h, w]`` to the same shape; nothing after the sum."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *normalised(features, features), nn.PReLU(features, init=0.0), *normalised(features, features)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Doubling(nn.Module):
    """``[B, inputs, h, w]`` to ``[B, outputs, 2 h, 2 w]`` through a convolution to ``4 features`` channels.

    Attributes:
        outputs: ``4 features`` where pixels are repeated, ``features`` where channels are shuffled into pixels.
    """

    def __init__(self, inputs: int, features: int, *, shuffled: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, 4 * features, 3, padding=1, bias=False)
        self.shuffled = shuffled
        self.outputs = features if shuffled else 4 * features
        self.activation = nn.PReLU(self.outputs, init=0.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        x = functional.pixel_shuffle(x, 2) if self.shuffled else functional.interpolate(x, scale_factor=2)
        return self.activation(x)


class Srresnet(nn.Module):
    """One colour picture in, one of two or four times its sides out.

    2,037,440 parameters at full size with repeated pixels, 1,548,032 with shuffled channels.

    Args:
        features: channels of the trunk.
        blocks: residual blocks.
        scale: 2 or 4.
        upsampling: ``"nearest"`` repeats pixels, ``"shuffle"`` is the sub-pixel convolution.
        last: side of the last kernel, at full size of the picture. Small networks take 3: with the published 9, it
            alone costs as much as sixteen blocks of 32 channels.
        output: ``"tanh"`` or ``"linear"``.

    Raises:
        ValueError: another scale, upsampling or output.
    """

    channels = 3

    def __init__(
        self,
        *,
        features: int = 64,
        blocks: int = 16,
        scale: int = 4,
        upsampling: Literal["nearest", "shuffle"] = "nearest",
        last: int = 9,
        output: Literal["tanh", "linear"] = "tanh",
    ) -> None:
        super().__init__()
        if scale not in (2, 4):
            raise ValueError(f"the scale is {scale}; expected 2 or 4")
        if upsampling not in ("nearest", "shuffle"):
            raise ValueError(f"the upsampling is '{upsampling}'; expected 'nearest' or 'shuffle'")
        if output not in ("tanh", "linear"):
            raise ValueError(f"the output is '{output}'; expected 'tanh' or 'linear'")
        self.scale, self.upsampling, self.output = scale, upsampling, output
        self.first = nn.Sequential(nn.Conv2d(3, features, 9, padding=4), nn.PReLU(features, init=0.0))
        self.trunk = nn.Sequential(*(ResidualBlock(features) for _ in range(blocks)))
        self.after_trunk = nn.Sequential(*normalised(features, features))
        enlarging, inputs = [], features
        for _ in range(scale // 2):
            enlarging.append(Doubling(inputs, features, shuffled=upsampling == "shuffle"))
            inputs = enlarging[-1].outputs
        self.enlarging = nn.Sequential(*enlarging)
        self.last = nn.Conv2d(inputs, 3, last, padding=last // 2, bias=False)
        self.apply(glorot)

    def forward(self, image: Tensor) -> Tensor:
        """``[B, 3, h, w]`` RGB in [0, 1] to ``[B, 3, scale h, scale w]`` in [0, 1], of a linear output about that."""
        skip = self.first(2 * image - 1)
        x = self.last(self.enlarging(skip + self.after_trunk(self.trunk(skip)))).float()
        return ((torch.tanh(x) if self.output == "tanh" else x) + 1) / 2

    def begin_as_interpolation(self) -> None:
        """Let the weights begin as :mod:`mfrec.nets.interpolating` says.

        Raises:
            ValueError: it repeats pixels or ends in tanh, through which no picture passes unchanged.
        """
        if self.upsampling != "shuffle" or self.output != "linear":
            raise ValueError("only an SRResNet with upsampling 'shuffle' and output 'linear' begins as interpolation")
        layers = {name: layer for name, layer in self.named_modules() if isinstance(layer, nn.Conv2d)}
        same = [outer(SAME, SAME)]
        carry(layers["first.0"], same, 3, signed=False, signs=True)
        for name, layer in layers.items():
            if name.startswith("enlarging"):
                carry(layer, PHASES, 3, signed=True, signs=True)
        carry(self.last, same, 3, signed=True, signs=False)
        ends = [name for name, layer in self.named_modules() if isinstance(layer, ResidualBlock)]
        for name in (*(f"{end}.layers.4" for end in ends), "after_trunk.1"):
            nn.init.zeros_(self.get_parameter(f"{name}.weight"))
