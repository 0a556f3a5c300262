"""PULSE: faces of a generator's own kind that explain the frames, found on a sphere.

Menon, Damian, Hu, Ravi and Rudin, "PULSE: self-supervised photo upsampling via latent space exploration of generative
models", CVPR 2020. The styles of a picture are searched where random ones lie: on the sphere of radius ``sqrt(d)`` of a
Gaussian that was fitted to the generator's styles before their last rectifier; so the answer stays a face as far as the
generator knows any. Their loss asks that the bicubically reduced answer equals one small picture. Ours asks that the
answer, seen through the declared camera and codec, explains all frames of a track
(:class:`mfrec.generative.measurements.Measurements`). Several starts give several answers. The noise stays that of the
generator (their ``noise_type`` "fixed"): with a small one it draws lines that are no part of a face.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mfrec.nets.stylegan2 import GAIN, SLOPE, leaky
from mfrec.types import Drawn

CROSS = 0.05
"""Weight of the geodesic distance between the styles of one picture: without it they drift off what one style gives."""

RATE = 0.4
"""Of Adam, at its largest."""

FITTED = 4096
"""Styles that the Gaussian is fitted to."""


@dataclass(frozen=True)
class DrawnStart(Drawn):
    """Where a search begins.

    Attributes:
        seed: of its styles.
    """

    seed: int


def draw_starts(rng: np.random.Generator, count: int) -> tuple[DrawnStart, ...]:
    """Draw the beginnings of ``count`` searches."""
    return tuple(DrawnStart(int(seed)) for seed in rng.integers(2**31, size=count))


@dataclass(frozen=True, eq=False)
class Found:
    """What searches have ended with.

    Attributes:
        styles: ``[K, S, latent]``.
        portraits: ``[K, 3, side, side]`` in [0, 1].
        misfit: ``[K]`` of each, see :meth:`mfrec.generative.measurements.Measurements.misfit`.
    """

    styles: Tensor
    portraits: Tensor
    misfit: Tensor


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The styles of a generator before their last rectifier, as independent normal numbers.

    Attributes:
        mean, deviation: ``[latent]`` each.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, generator: Any) -> Gaussian:
        """Fitted to styles of :data:`FITTED` latent vectors, always the same ones."""
        z = torch.randn(FITTED, generator.latent, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            styles = generator.mapping(z.to(generator.centre)) / GAIN
        before = torch.where(styles < 0, styles / SLOPE, styles)
        return cls(before.mean(dim=0), before.std(dim=0))

    def styles(self, latents: Tensor) -> Tensor:
        """Styles ``[..., latent]`` of points of a standard normal distribution."""
        return leaky(self.mean + self.deviation * latents)


def search(
    generator: Any,
    misfit: Callable[[Tensor], Tensor],
    starts: Sequence[DrawnStart],
    *,
    steps: int = 100,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Found:
    """Search from several starts at once; each keeps the best that it met.

    Args:
        generator: a :class:`mfrec.nets.stylegan2.Stylegan2` in eval mode.
        misfit: of pictures ``[K, 3, side, side]``, ``[K]`` numbers to be made small.
        starts: one a search.
        steps: of Adam.
        progress: called as ``progress(done, total)``.
    """
    gaussian = Gaussian.of(generator)
    where = generator.centre.device
    latents = on_sphere(torch.stack([_start(generator, drawn) for drawn in starts]).to(where)).requires_grad_()
    optimiser = torch.optim.Adam([latents], RATE)
    best = torch.full((len(starts),), math.inf, device=where)
    kept = latents.detach().clone()
    for step in range(steps + 1):
        lost = misfit(generator.picture(gaussian.styles(latents)))
        with torch.no_grad():
            better = lost < best
            best = torch.where(better, lost, best)
            kept[better] = latents[better]
        if step == steps:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * one_cycle(step, steps)
        optimiser.zero_grad()
        (lost + CROSS * cross_distance(latents)).sum().backward()
        optimiser.step()
        with torch.no_grad():
            latents.copy_(on_sphere(latents))
        progress(step + 1, steps)
    with torch.no_grad():
        styles = gaussian.styles(kept)
        portraits = generator.picture(styles).clamp(0, 1)
        return Found(styles, portraits, misfit(portraits))


def _start(generator: Any, drawn: DrawnStart) -> Tensor:
    """One point for the styles of all layers, ``[S, latent]``."""
    point = np.random.default_rng(drawn.seed).standard_normal((1, generator.latent), np.float32)
    return torch.from_numpy(point).repeat(generator.styles, 1)


def on_sphere(points: Tensor) -> Tensor:
    """Latent vectors ``[..., d]`` with the length ``sqrt(d)`` that random ones have."""
    return points * points.square().mean(dim=-1, keepdim=True).rsqrt().clamp(max=1e8)


def cross_distance(latents: Tensor) -> Tensor:
    """The geodesic loss of the paper's code, ``[K]``: mean squared angle between the styles of each picture."""
    one, other = latents[:, :, None], latents[:, None]
    apart = ((one - other).square().sum(dim=-1) + 1e-9).sqrt()
    together = ((one + other).square().sum(dim=-1) + 1e-9).sqrt()
    return (2 * torch.atan2(apart, together)).square().mean(dim=(1, 2)) * (latents.shape[-1] / 8)


def one_cycle(step: int, steps: int) -> float:
    """Share of the rate: up and down along lines, then nearly to nothing ("linear1cycledrop" of the paper's code)."""
    position = step / (0.9 * steps)
    if position < 1:
        return (9 * (1 - abs(position - 0.5) * 2) + 1) / 10
    return 0.1 - (step - 0.9 * steps) / (0.1 * steps) * 0.099
