"""ESRGAN's generator: the sizes of the source, its beginning, and its pictures."""

import pytest
import torch
from network_checks import (
    assert_layout_does_not_matter,
    assert_learns_everywhere,
    assert_pictures_are_independent,
    assert_repeatable,
    parameters,
    stack,
)

from mfrec.nets.rrdb import Rrdb


def small() -> Rrdb:
    return Rrdb(blocks=1, features=8, growth=4)


@pytest.mark.parametrize(("blocks", "count"), [(23, 16_697_987), (16, 11_662_019)])
def test_sizes_of_the_source(blocks: int, count: int) -> None:
    assert parameters(lambda: Rrdb(blocks=blocks)) == count


def test_four_times_the_sides() -> None:
    with torch.inference_mode():
        assert small().eval()(stack(2, 3, 7, 5)).shape == (2, 3, 28, 20)
    assert (Rrdb.scale, Rrdb.channels) == (4, 3)


def test_kernels_begin_at_a_tenth_of_he_s() -> None:
    torch.manual_seed(0)
    weight = dict(Rrdb(blocks=1).named_parameters())["trunk.0.blocks.0.convolutions.4.weight"]
    expected = 0.1 * (2 / (9 * weight.shape[1])) ** 0.5
    assert float(weight.std()) == pytest.approx(expected, rel=0.02)


def test_what_every_network_stands() -> None:
    image = stack(2, 3, 8, 9)
    assert_learns_everywhere(small(), image)
    assert_repeatable(small, image)
    assert_layout_does_not_matter(small(), image)
    assert_pictures_are_independent(small(), image)
