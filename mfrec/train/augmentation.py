"""Changes that real and made pictures undergo before a discriminator sees them, with gradients through them.

Zhao, Liu, Lin, Zhu and Han, "Differentiable augmentation for data-efficient GAN training", NeurIPS 2020. With few
pictures a discriminator learns them by heart; it cannot where it never sees one twice, and because the made ones are
changed alike, the changes do not turn up in what the generator makes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

SHIFT = 1 / 8
"""Largest translation as a share of the side."""

CUT = 1 / 2
"""Side of the square that is cut out as a share of the picture's."""


def augmented(images: Tensor, changes: Sequence[str]) -> Tensor:
    """Pictures ``[B, 3, H, W]`` in [0, 1] after changes of :data:`CHANGES`, drawn from torch's generator for each."""
    for change in changes:
        images = CHANGES[change](images)
    return images


def coloured(images: Tensor) -> Tensor:
    """Other brightness (by -0.25 to 0.25), saturation (times 0 to 2) and contrast (times 0.5 to 1.5)."""
    brightness, saturation, contrast = torch.rand(3, len(images), 1, 1, 1, device=images.device)
    images = images + (brightness - 0.5) / 2
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * (2 * saturation)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + contrast)


def translated(images: Tensor) -> Tensor:
    """Moved by whole pixels, up to :data:`SHIFT`; black comes in."""
    count, _, height, width = images.shape
    most = torch.tensor([round(height * SHIFT), round(width * SHIFT)], device=images.device)
    moved = (torch.rand(count, 2, device=images.device) * (2 * most + 1)).floor().long() - most
    rows = torch.arange(height, device=images.device)[None] - moved[:, :1]
    columns = torch.arange(width, device=images.device)[None] - moved[:, 1:]
    padded = functional.pad(images, (1, 1, 1, 1))
    rows, columns = (rows + 1).clamp(0, height + 1), (columns + 1).clamp(0, width + 1)
    number = torch.arange(count, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cut_out(images: Tensor) -> Tensor:
    """A square of :data:`CUT`, anywhere and also partly outside, is black."""
    count, _, height, width = images.shape
    at = torch.rand(count, 2, 1, device=images.device)
    rows = (torch.arange(height, device=images.device) / height - at[:, 0]).abs() < CUT / 2
    columns = (torch.arange(width, device=images.device) / width - at[:, 1]).abs() < CUT / 2
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


CHANGES = {"color": coloured, "translation": translated, "cutout": cut_out}
"""The changes, under the paper's names."""
