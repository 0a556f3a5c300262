"""The smallest network of another format that spandrel knows."""

from __future__ import annotations

import torch


class Compact(torch.nn.Module):
    """The smallest network that spandrel knows, from its paper (Wang et al., Real-ESRGAN's compact variant)."""

    def __init__(self) -> None:
        super().__init__()
        conv = [torch.nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 4), (4, 4), (4, 48))]
        self.body = torch.nn.ModuleList([conv[0], torch.nn.PReLU(4), conv[1], torch.nn.PReLU(4), conv[2]])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = x
        for layer in self.body:
            out = layer(out)
        nearest = torch.nn.functional.interpolate(x, scale_factor=4, mode="nearest")
        return torch.nn.functional.pixel_shuffle(out, 4) + nearest
