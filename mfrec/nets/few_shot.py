"""A face drawn in the pose that landmarks ask for, after a few pictures of the person: few-shot talking heads.

Zakharov, Shysheya, Burkov and Lempitsky, "Few-shot adversarial learning of realistic neural talking head models", ICCV
2019, section 3: an embedder sees pictures of a person with their landmarks, a generator draws the landmarks of another
pose, and what the embedder saw sets scale and shift of its normalised features (Huang and Belongie, "Arbitrary style
transfer in real-time with adaptive instance normalization", ICCV 2017). Here the generator learns one scale for each
channel of a residual block, and no self-attention, which the paper has at 32 and 64 of 256 px.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2
"""Of the leaky rectifier."""

COARSEST = 8
"""Side in pixels at which the generator begins to draw."""


def doublings(side: int) -> int:
    """How often :data:`COARSEST` is doubled to give ``side``.

    Raises:
        ValueError: it is not.
    """
    times = max(0, (side // COARSEST).bit_length() - 1)
    if side != COARSEST << times or not times:
        raise ValueError(f"side is {side}; expected {COARSEST} times a power of two")
    return times


class Down(nn.Module):
    """``[B, before, h, w]`` to ``[B, after, h / 2, w / 2]``: two convolutions beside a linear one.

    Args:
        before, after: channels.
        normalised: normalise the features of each picture, as the generator does and the embedder does not.
    """

    def __init__(self, before: int, after: int, *, normalised: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.beside = nn.Conv2d(before, after, 1)
        self.normalised = normalised

    def forward(self, x: Tensor) -> Tensor:
        made = self.first(functional.leaky_relu(x, SLOPE))
        if self.normalised:
            made = functional.instance_norm(made)
        made = self.second(functional.leaky_relu(made, SLOPE))
        return functional.avg_pool2d(made + self.beside(x), 2)


class Styled(nn.Module):
    """Two convolutions of features that are normalised and set by the person; ``before`` to ``after`` channels.

    Args:
        before, after: channels.
        style: how many numbers describe a person.
        doubled: whether height and width are doubled, before the first convolution.
    """

    def __init__(self, before: int, after: int, style: int, *, doubled: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.beside = nn.Conv2d(before, after, 1)
        self.set_first = nn.Linear(style, 2 * before)
        self.set_second = nn.Linear(style, 2 * after)
        self.doubled = doubled

    def forward(self, x: Tensor, person: Tensor) -> Tensor:
        """``x`` ``[B, before, h, w]``, ``person`` ``[B, style]``."""
        made = functional.leaky_relu(adapted(x, self.set_first(person)), SLOPE)
        if self.doubled:
            made, x = (functional.interpolate(each, scale_factor=2.0, mode="nearest") for each in (made, x))
        made = functional.leaky_relu(adapted(self.first(made), self.set_second(person)), SLOPE)
        return self.second(made) + self.beside(x)


def adapted(x: Tensor, settings: Tensor) -> Tensor:
    """Adaptive instance normalisation (Huang and Belongie, eq. 8).

    Args:
        x: ``[B, C, h, w]``.
        settings: ``[B, 2 C]``, scale less 1 and shift of each channel.
    """
    scale, shift = settings[:, :, None, None].chunk(2, dim=1)
    return functional.instance_norm(x) * (1 + scale) + shift


class FewShot(nn.Module):
    """Pictures of a person with their landmarks, and landmarks of another pose, to the person in that pose.

    Args:
        side: of the pictures in pixels, a power of two from 16.
        channels: at the finest size; each coarser one has twice as many, up to ``most``.
        most: largest number of channels.
        style: how many numbers describe a person.
        blocks: residual blocks at the coarsest size.
    """

    def __init__(
        self, *, side: int = 256, channels: int = 64, most: int = 512, style: int = 512, blocks: int = 4
    ) -> None:
        super().__init__()
        self.side = side
        widths = [min(most, channels << level) for level in range(doublings(side) + 1)]
        finer = list(itertools.pairwise(widths))
        self.seen = nn.Conv2d(6, widths[0], 3, padding=1)
        self.embedder = nn.Sequential(*(Down(a, b, normalised=False) for a, b in finer))
        self.person = nn.Linear(widths[-1], style)
        self.asked = nn.Conv2d(3, widths[0], 3, padding=1)
        self.encoder = nn.Sequential(*(Down(a, b, normalised=True) for a, b in finer))
        self.middle = nn.ModuleList(Styled(widths[-1], widths[-1], style, doubled=False) for _ in range(blocks))
        self.decoder = nn.ModuleList(Styled(b, a, style, doubled=True) for a, b in reversed(finer))
        self.colours = nn.Conv2d(widths[0], 3, 3, padding=1)

    def embed(self, pictures: Tensor, sketches: Tensor) -> Tensor:
        """The person of some pictures, eq. 1: the mean of what the embedder says of each.

        Args:
            pictures: ``[B, K, 3, side, side]`` RGB in [0, 1].
            sketches: likewise, their landmarks (:func:`mfrec.face.landmark_sketch.sketch`).

        Returns:
            ``[B, style]``.
        """
        shots = pictures.shape[1]
        told = torch.cat([2 * pictures - 1, sketches], dim=2).flatten(0, 1)
        pooled = functional.relu(self.embedder(self.seen(told))).mean(dim=(2, 3))
        return self.person(pooled).unflatten(0, (-1, shots)).mean(dim=1)

    def draw(self, sketch: Tensor, person: Tensor) -> Tensor:
        """A person ``[B, style]`` in the pose of ``sketch`` ``[B, 3, side, side]``; RGB in [0, 1], as large."""
        x = self.encoder(self.asked(sketch))
        for block in (*self.middle, *self.decoder):
            x = block(x, person)
        return torch.sigmoid(self.colours(functional.leaky_relu(x, SLOPE)))

    def forward(self, pictures: Tensor, sketches: Tensor, sketch: Tensor) -> Tensor:
        """:meth:`draw` of what :meth:`embed` gives."""
        return self.draw(sketch, self.embed(pictures, sketches))
