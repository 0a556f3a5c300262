"""The discriminator of SRGAN: is a picture real, or made by the generator?

Ledig et al., "Photo-realistic single image super-resolution using a generative adversarial network", CVPR 2017, figure
4, as the thesis on eyes (see :mod:`mfrec.nets.srresnet`) builds it: kernels of 4 where the stride is 2, no bias beside
a normalisation, TensorFlow's padding, so that odd sizes are halved upwards.

What is returned is the logit; the published sigmoid belongs to the loss, where it is computed without overflow.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.srresnet import EPSILON, MOMENTUM, glorot

SLOPE = 0.2
"""Of the leaky rectifier below zero."""


class Halving(nn.Module):
    """A convolution of 4 x 4 with stride 2 and TensorFlow's padding "same": ``n`` pixels to ``ceil(n / 2)``."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(features, features, 4, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        return self.convolution(functional.pad(x, (1, 1 + width % 2, 1, 1 + height % 2)))


class SrganDiscriminator(nn.Module):
    """Colour pictures of one size to logits. 85,769,537 parameters for 84 x 388 px at full size.

    Args:
        height, width: of the pictures in pixels; the dense layer is made for them.
        features: channels of the first convolution; the last has eight times as many.
        hidden: units of the dense layer.
    """

    def __init__(self, *, height: int, width: int, features: int = 64, hidden: int = 1024) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, features, 3, padding=1, bias=False), nn.LeakyReLU(SLOPE)]
        before = features
        for level in range(4):
            after = features * 2**level
            if level > 0:
                layers += activated(nn.Conv2d(before, after, 3, padding=1, bias=False), after)
            layers += activated(Halving(after), after)
            before = after
            height, width = -(-height // 2), -(-width // 2)
        self.features = nn.Sequential(*layers)
        self.judgement = nn.Sequential(
            nn.Flatten(), nn.Linear(before * height * width, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, 1)
        )
        self.apply(glorot)

    def forward(self, image: Tensor) -> Tensor:
        """``[B, 3, height, width]`` RGB in [0, 1] to ``[B]`` logits of being real."""
        return self.judgement(self.features(2 * image - 1)).flatten().float()


def activated(convolution: nn.Module, features: int) -> list[nn.Module]:
    """A convolution, its normalisation and its rectifier."""
    return [convolution, nn.BatchNorm2d(features, eps=EPSILON, momentum=MOMENTUM), nn.LeakyReLU(SLOPE)]
