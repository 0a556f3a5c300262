"""The discriminator of ESRGAN, whose output is compared between real and made pictures.

Wang et al., "ESRGAN: enhanced super-resolution generative adversarial networks", ECCV workshops 2018, section 3.2: the
VGG-like network of SRGAN for 128 px with one level more and a dense layer of 100, and no sigmoid; ``C(x)`` becomes a
probability only beside the mean of the other kind (Jolicoeur-Martineau, "The relativistic discriminator", ICLR 2019),
see :mod:`mfrec.train.adversary`.
"""

from __future__ import annotations

from torch import Tensor, nn

SLOPE = 0.2
"""Of the leaky rectifier below zero."""


class RelativisticDiscriminator(nn.Module):
    """Colour pictures to ``C(x)``. 14,499,401 parameters at full size.

    Of 128 px the last map has 4 x 4 places; other sizes are brought there by means over areas.

    Args:
        features: channels of the first level; the last has eight times as many.
        hidden: units of the dense layer.
    """

    def __init__(self, *, features: int = 64, hidden: int = 100) -> None:
        super().__init__()
        widths = [features, 2 * features, 4 * features, 8 * features, 8 * features]
        layers: list[nn.Module] = [nn.Conv2d(3, features, 3, padding=1), nn.LeakyReLU(SLOPE)]
        before = features
        for level, width in enumerate(widths):
            if level > 0:
                layers += activated(nn.Conv2d(before, width, 3, padding=1, bias=False))
            layers += activated(nn.Conv2d(width, width, 4, stride=2, padding=1, bias=False))
            before = width
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4))
        self.judgement = nn.Sequential(
            nn.Flatten(), nn.Linear(16 * before, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """``[B, 3, H, W]`` RGB in [0, 1], sides of 32 px and more, to ``[B]``."""
        return self.judgement(self.features(image)).flatten().float()


def activated(convolution: nn.Conv2d) -> list[nn.Module]:
    """A convolution, its normalisation and its rectifier."""
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(SLOPE)]
