"""BiO-Net as the thesis drew it: its multi-frame U-Net, run twice, whose decoder hands back to its encoder.

Xiang et al., "BiO-Net: learning recurrent bi-directional connections for encoder-decoder architecture" (MICCAI 2020),
on the network of :mod:`mfrec.nets.multi_frame_unet`: the same layers, the same input in every iteration, and a backward
skip at each of the four levels that both sides have. In the second iteration what the decoder made of a level goes
through two convolutions with batch norm and is added to the encoder's features there, which go on down and across as
the sum. The first iteration has no backward skips; the paper concatenates where the thesis adds.

The convolutions are the same in every iteration and each iteration has batch norms of its own, as in the paper; the
thesis does not say which it has.
"""

from __future__ import annotations

from copy import deepcopy

from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.dynamic_unet import DynamicDecoder, denormalised, double_convolution, normalised
from mfrec.nets.enlarge import stacked
from mfrec.nets.padding import crop, pad
from mfrec.nets.resnet_encoder import STRIDE, ResnetEncoder


class IterationNorm(nn.Module):
    """A batch norm for each iteration; :attr:`now` says which one is running."""

    def __init__(self, norm: nn.BatchNorm2d, iterations: int) -> None:
        super().__init__()
        self.each = nn.ModuleList(deepcopy(norm) for _ in range(iterations))
        self.now = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.each[self.now](x)


class BioNet(nn.Module):
    """Frames in, one picture out.

    44,005,710 parameters at full size and 2,793,126 at a quarter of the width, for seven frames and two iterations:
    those of the U-Net, 2,638,848 (165,504) of the backward skips and 19,072 (4,768) of the second batch norms.

    Args:
        frames: how many frames a stack has.
        width: share of the channels of every layer, 1 is full size.
        iterations: how often encoder and decoder run.
    """

    def __init__(self, *, frames: int = 7, width: float = 1.0, iterations: int = 2) -> None:
        super().__init__()
        if iterations < 1:
            raise ValueError(f"{iterations} iterations were asked for, expected at least 1")
        self.frames, self.iterations = frames, iterations
        self.encoder = ResnetEncoder(inputs=3 * frames, width=width)
        self.decoder = DynamicDecoder(inputs=3 * frames, features=self.encoder.channels)
        self.norms = [*with_iterations(self.encoder, iterations), *with_iterations(self.decoder, iterations)]
        back = zip(reversed(self.decoder.channels), self.encoder.channels, strict=False)
        self.back = nn.ModuleList(double_convolution(made, read) for made, read in back if iterations > 1)

    def begin_as_interpolation(self) -> None:
        """Begin as the bicubic enlargement of the middle frame, see :mod:`mfrec.nets.interpolating`."""
        self.decoder.begin_as(3 * (self.frames // 2))

    def forward(self, frames: Tensor) -> Tensor:
        """Make one picture.

        Args:
            frames: ``[B, N, 3, h, w]`` RGB in [0, 1], in the order of time; the picture is of the moment of the frame
                ``N // 2``. Sides of 3 px and more.

        Returns:
            ``[B, 3, 4 h, 4 w]`` RGB, about [0, 1].

        Raises:
            ValueError: another number of frames than the network was made for, or no stack of frames.
        """
        large = stacked(frames, self.frames)
        stack = normalised(pad(large, STRIDE))
        made: list[Tensor] = []
        for iteration in range(self.iterations):
            for norm in self.norms:
                norm.now = iteration
            back = [block(x) for block, x in zip(self.back, reversed(made), strict=False)]
            made = self.decoder.levels_of(self._encoded(stack, back))
        return crop(denormalised(self.decoder.finish(stack, made[-1])), *large.shape[-2:])

    def _encoded(self, stack: Tensor, back: list[Tensor]) -> list[Tensor]:
        """The encoder's five maps, the four finest with what came back added; nothing came back at first."""
        encoder, features = self.encoder, []
        x = functional.relu(encoder.bn1(encoder.conv1(stack)))
        stages = (encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4)
        for level in range(len(stages) + 1):
            if level > 0:
                x = functional.max_pool2d(x, 3, stride=2, padding=1) if level == 1 else x
                x = stages[level - 1](x)
            if level < len(back):
                x = x + back[level]
            features.append(x)
        return features


def with_iterations(network: nn.Module, iterations: int) -> list[IterationNorm]:
    """Put an :class:`IterationNorm` in the place of every batch norm of a network, and list them."""
    found = []
    for part in list(network.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                norm = IterationNorm(child, iterations)
                setattr(part, name, norm)
                found.append(norm)
    return found
