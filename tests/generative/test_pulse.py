"""PULSE: answers stay on the sphere, explain what is asked, differ from start to start, and can be made again."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tiny_generator import tiny_generator

from mfrec.generative.pulse import (
    DrawnStart,
    Gaussian,
    cross_distance,
    draw_starts,
    on_sphere,
    one_cycle,
    search,
)


@pytest.fixture(scope="module")
def wanted() -> torch.Tensor:
    """A picture of the generator's own, made four times smaller."""
    generator = tiny_generator()
    with torch.no_grad():
        return torch.nn.functional.avg_pool2d(generator(torch.full((1, 8), 0.7)), 4)


def unlike(wanted: torch.Tensor, scale: float = 0.02):
    """A misfit: mean squared difference of the reduced picture, in units of a grey level of that size."""
    return lambda made: ((torch.nn.functional.avg_pool2d(made, 4) - wanted) / scale).square().mean(dim=(1, 2, 3))


def test_the_answer_explains_what_it_was_asked_to_and_starts_give_others(wanted: torch.Tensor) -> None:
    found = search(tiny_generator(), unlike(wanted), draw_starts(np.random.default_rng(0), 3), steps=60)
    with torch.no_grad():
        random = unlike(wanted)(tiny_generator()(torch.randn(32, 8, generator=torch.Generator().manual_seed(1))))
    assert float(found.misfit.max()) < float(random.median()) / 4
    torch.testing.assert_close(found.misfit, unlike(wanted)(found.portraits))
    assert found.portraits.shape == (3, 3, 16, 16)
    small = [torch.nn.functional.avg_pool2d(p[None], 4) for p in found.portraits]
    apart_small = float((small[0] - small[1]).abs().mean())
    apart = float((found.portraits[0] - found.portraits[1]).abs().mean())
    assert apart > max(apart_small, 2 / 255), "they differ, and more in what the small picture does not show"


def test_a_search_can_be_made_again_from_what_was_drawn(wanted: torch.Tensor) -> None:
    starts = draw_starts(np.random.default_rng(4), 2)
    read = [DrawnStart.from_json(drawn.to_json()) for drawn in starts]
    first = search(tiny_generator(), unlike(wanted), starts, steps=5)
    again = search(tiny_generator(), unlike(wanted), read, steps=5)
    assert torch.equal(first.portraits, again.portraits)
    alone = search(tiny_generator(), unlike(wanted), starts[1:], steps=5)
    torch.testing.assert_close(alone.portraits[0], first.portraits[1], atol=1e-4, rtol=1e-4)


def test_styles_stay_where_random_ones_lie(wanted: torch.Tensor) -> None:
    found = search(tiny_generator(), unlike(wanted), draw_starts(np.random.default_rng(0), 2), steps=20)
    gaussian = Gaussian.of(tiny_generator())
    before = torch.where(found.styles < 0, found.styles / 0.2, found.styles) / math.sqrt(2)
    latents = (before - gaussian.mean) / gaussian.deviation
    assert latents.square().sum(dim=-1) == pytest.approx(8.0, rel=1e-3)


def test_the_gaussian_gives_the_generator_s_styles_back() -> None:
    """Its mean and deviation are those of the styles before the rectifier."""
    generator, gaussian = tiny_generator(), Gaussian.of(tiny_generator())
    with torch.no_grad():
        own = generator.mapping(torch.randn(4000, 8, generator=torch.Generator().manual_seed(8)))
    drawn = gaussian.styles(torch.randn(4000, 8, generator=torch.Generator().manual_seed(9)))
    torch.testing.assert_close(own.mean(dim=0), drawn.mean(dim=0), atol=0.12, rtol=0.2)


def test_the_geodesic_loss_is_the_angle() -> None:
    one, other = torch.zeros(8), torch.zeros(8)
    one[0], other[1] = 3.0, 3.0
    latents = torch.stack([one, other])[None]
    assert float(cross_distance(latents)) == pytest.approx((math.pi / 2) ** 2 / 2, rel=1e-3)
    assert float(cross_distance(torch.stack([one, one])[None])) == pytest.approx(0.0, abs=1e-6)


def test_the_sphere_has_the_radius_of_random_points() -> None:
    points = torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(0)) * 7
    assert on_sphere(points).square().sum(dim=-1) == pytest.approx(16.0, rel=1e-4)
    assert torch.isfinite(on_sphere(torch.zeros(1, 2, 4))).all()


def test_the_rate_rises_and_falls_to_nearly_nothing() -> None:
    rates = [one_cycle(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 45
    assert rates[-1] < 0.02
