"""PULSE: faces of a generator's own kind that explain the frames, found on a sphere.

Menon, Damian, Hu, Ravi and Rudin, "PULSE: self-supervised photo upsampling via latent space exploration of generative
models", CVPR 2020. The styles of a picture are searched where random ones lie: on the sphere of radius ``sqrt(d)`` of a
Gaussian that was fitted to the generator's styles before their last rectifier; so the answer stays a face as far as the
generator knows any. Their loss asks that the bicubically reduced answer equals one small picture. Ours asks that the
answer, seen through the declared camera and codec, explains all frames of a track
(:class:`mfrec.generative.measurements.Measurements`). Several starts give several answers.
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
        seed: of its styles and its noise.
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
        noise: ``[K, 1, h, w]`` of each layer.
        portraits: ``[K, 3, side, side]`` in [0, 1].
        misfit: ``[K]`` of each, see :meth:`mfrec.generative.measurements.Measurements.misfit`.
    """

    styles: Tensor
    noise: tuple[Tensor, ...]
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
    latents, noises = zip(*(_start(generator, drawn) for drawn in starts), strict=True)
    points = [torch.stack(latents).to(where), *(torch.stack(layer).to(where) for layer in zip(*noises, strict=True))]
    points = [on_sphere(point).requires_grad_() for point in points]
    optimiser = torch.optim.Adam(points, RATE)
    best = torch.full((len(starts),), math.inf, device=where)
    kept = [point.detach().clone() for point in points]
    for step in range(steps + 1):
        styles = gaussian.styles(points[0])
        lost = misfit(generator.picture(styles, points[1:]))
        with torch.no_grad():
            better = lost < best
            best = torch.where(better, lost, best)
            for keep, point in zip(kept, points, strict=True):
                keep[better] = point[better]
        if step == steps:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * one_cycle(step, steps)
        optimiser.zero_grad()
        (lost + CROSS * cross_distance(points[0])).sum().backward()
        optimiser.step()
        with torch.no_grad():
            for point in points:
                point.copy_(on_sphere(point))
        progress(step + 1, steps)
    with torch.no_grad():
        styles = gaussian.styles(kept[0])
        portraits = generator.picture(styles, kept[1:]).clamp(0, 1)
        return Found(styles, tuple(kept[1:]), portraits, misfit(portraits))


def _start(generator: Any, drawn: DrawnStart) -> tuple[Tensor, list[Tensor]]:
    """One style for all layers ``[S, latent]``, and noise of each layer ``[1, h, w]``."""
    rng = np.random.default_rng(drawn.seed)

    def normal(*shape: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal(shape, np.float32))

    return normal(1, generator.latent).repeat(generator.styles, 1), [normal(1, *s) for s in generator.noise_shapes]


def on_sphere(points: Tensor) -> Tensor:
    """Latent vectors ``[K, S, d]``, or noise ``[K, 1, h, w]``, with the length ``sqrt(d)`` that random ones have."""
    over = (-1,) if points.ndim == 3 else (1, 2, 3)
    size = math.sqrt(math.prod(points.shape[axis] for axis in over))
    return points * (size / points.square().sum(dim=over, keepdim=True).sqrt().clamp(min=1e-8))


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
