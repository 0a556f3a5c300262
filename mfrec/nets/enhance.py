"""The generator of "Enhance!": a small SRGAN for grey faces that doubles 56 x 46 px.

After a student project that turns SRGAN (Ledig et al., CVPR 2017) into 121,161 numbers: 20 channels, 16 residual
blocks, swish (Ramachandran, Zoph and Le, "Searching for activation functions", 2017) in the place of every rectifier.
The project does not state kernels, normalisation and the range of the output: 3 x 3, batch normalisation as in SRGAN
and a linear output are ours.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.interpolating import SAME, SMOOTH, carry, outer
from mfrec.nets.srresnet import glorot


class SwishBlock(nn.Module):
    """``[B, features, h, w]`` to the same shape; SRGAN's residual block with swish."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1),
            nn.BatchNorm2d(features),
            nn.SiLU(),
            nn.Conv2d(features, features, 3, padding=1),
            nn.BatchNorm2d(features),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Enhance(nn.Module):
    """One grey picture in, one of twice its sides out.

    Args:
        features: channels of every layer.
        blocks: residual blocks.
    """

    channels, scale = 1, 2

    def __init__(self, *, features: int = 20, blocks: int = 16) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, features, 3, padding=1), nn.SiLU())
        self.trunk = nn.Sequential(*(SwishBlock(features) for _ in range(blocks)))
        self.after_trunk = nn.Sequential(nn.Conv2d(features, features, 3, padding=1), nn.BatchNorm2d(features))
        self.last = nn.Conv2d(features, 1, 3, padding=1)
        self.apply(glorot)

    def forward(self, image: Tensor) -> Tensor:
        """``[B, 1, h, w]`` in [0, 1] to ``[B, 1, 2 h, 2 w]``, about [0, 1]."""
        skip = self.first(image)
        x = skip + self.after_trunk(self.trunk(skip))
        return self.last(functional.interpolate(x, scale_factor=2)).float()

    def begin_as_interpolation(self) -> None:
        """Let the weights begin as :mod:`mfrec.nets.interpolating` says."""
        layers = {name: layer for name, layer in self.named_modules() if isinstance(layer, nn.Conv2d)}
        carry(layers["first.0"], [outer(SAME, SAME)], 1, signed=False, signs=True)
        carry(self.last, [outer(SMOOTH, SMOOTH)], 1, signed=True, signs=False)
        ends = [name for name, layer in self.named_modules() if isinstance(layer, SwishBlock)]
        for name in (*(f"{end}.layers.4" for end in ends), "after_trunk.1"):
            nn.init.zeros_(self.get_parameter(f"{name}.weight"))
