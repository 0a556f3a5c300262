"""The single-frame finish: corrects the last errors of a picture that is already on the output grid.

The thesis's last network is a single-frame U-Net after an enlargement (60 to 144 px there). Ours is compact: a U-Net
(Ronneberger, Fischer and Brox, MICCAI 2015) of residual blocks without normalisation (Lim et al., "Enhanced deep
residual networks for single image super-resolution", CVPRW 2017) that predicts what to add to the picture (Zhang et
al., "Beyond a Gaussian denoiser", IEEE TIP 26(7), 2017, eq. 1). It folds 2 x 2 pixels into channels at the entrance and
unfolds them at the exit (Zhang, Zuo and Zhang, "FFDNet", IEEE TIP 27(9), 2018), which costs a quarter
of the arithmetic and loses no pixel. The last layer starts at zero: an untrained network changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.clean import ResidualBlock
from mfrec.nets.padding import crop, pad

FOLD = 2
"""Side of the square of pixels that is folded into channels."""


class Finetune(nn.Module):
    """Picture in, corrected picture of the same size out.

    1,712,300 parameters.

    Args:
        channels: of the levels, from half of the picture's grid downwards, each at half of the grid before.
        blocks: residual blocks of a level on the way down and as many on the way up; the deepest has them once.
    """

    def __init__(self, *, channels: Sequence[int] = (64, 96, 128), blocks: int = 2) -> None:
        super().__init__()
        pairs = list(pairwise(channels))
        self.multiple = FOLD * 2 ** len(pairs)
        self.enter = nn.Conv2d(3 * FOLD**2, channels[0], 3, padding=1)
        self.encoder = nn.ModuleList(_blocks(c, blocks) for c in channels)
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.up = nn.ModuleList(nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in pairs)
        self.decoder = nn.ModuleList(_blocks(fine, blocks) for fine, _ in pairs)
        self.leave = nn.Conv2d(channels[0], 3 * FOLD**2, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, image: Tensor) -> Tensor:
        """Correct pictures.

        Args:
            image: ``[B, 3, H, W]`` RGB in [0, 1], sides of 4 px and more.

        Returns:
            ``[B, 3, H, W]`` RGB, about [0, 1].
        """
        x = functional.pixel_unshuffle(pad(image, self.multiple) - 0.5, FOLD)
        skips = [self.encoder[0](self.enter(x))]
        for down, blocks in zip(self.down, self.encoder[1:], strict=True):
            skips.append(blocks(down(skips[-1])))
        x = skips.pop()
        for up, blocks in zip(reversed(self.up), reversed(self.decoder), strict=True):
            x = blocks(skips.pop() + functional.pixel_shuffle(up(x), 2))
        correction = functional.pixel_shuffle(self.leave(x), FOLD)
        return image + crop(correction, *image.shape[-2:]).float()


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))
