"""Directions in the styles of a generator: one step along one of them changes one attribute of the face it draws.

Shen, Gu, Tang and Zhou, "Interpreting the latent space of GANs for semantic face editing", CVPR 2020 (InterFaceGAN).
They are learnt by :func:`mfrec.generative.learnt_directions.learn` on one generator and say nothing of another.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

COARSE = 6
"""Styles that are moved: those of 4, 8 and 16 px, which decide pose and shape; the others decide colour and light."""


class StyleDirections(nn.Module):
    """Styles to styles, some steps along each direction.

    Args:
        latent: numbers of a style.
        names: of the attributes.
        generator: SHA-256 of the weights that they were learnt on.
    """

    normals: Tensor

    def __init__(self, *, latent: int, names: Sequence[str], generator: str) -> None:
        super().__init__()
        self.names, self.generator = tuple(names), generator
        self.register_buffer("normals", torch.zeros(len(self.names), latent))

    def normal(self, name: str) -> Tensor:
        """The unit vector ``[latent]`` of an attribute.

        Raises:
            KeyError: there is none of that name.
        """
        if name not in self.names:
            raise KeyError(name)
        return self.normals[self.names.index(name)]

    def forward(self, styles: Tensor, steps: Tensor) -> Tensor:
        """``styles`` ``[B, S, latent]``, ``steps`` ``[B, K]`` one for each attribute; ``[B, S, latent]``."""
        return moved(styles, steps @ self.normals)


def moved(styles: Tensor, by: Tensor) -> Tensor:
    """Styles ``[B, S, latent]`` of which the :data:`COARSE` first have moved by ``[B, latent]``."""
    coarse = (torch.arange(styles.shape[1], device=styles.device) < COARSE).to(styles)
    return styles + coarse[None, :, None] * by[:, None]
