"""The grey generator of "Enhance!": its size and its pictures."""

import torch
from network_checks import (
    assert_layout_does_not_matter,
    assert_learns_everywhere,
    assert_pictures_are_independent,
    assert_repeatable,
    parameters,
    stack,
)

from mfrec.nets.enhance import Enhance


def small() -> Enhance:
    return Enhance(features=4, blocks=2)


def test_about_121_000_numbers() -> None:
    assert parameters(Enhance) == 121_161


def test_any_grey_picture_doubles() -> None:
    with torch.inference_mode():
        assert small().eval()(stack(2, 1, 7, 5)).shape == (2, 1, 14, 10)
    assert (Enhance.scale, Enhance.channels) == (2, 1)


def test_what_every_network_stands() -> None:
    image = stack(2, 1, 8, 9)
    assert_learns_everywhere(small(), image)
    assert_repeatable(small, image)
    assert_layout_does_not_matter(small(), image)
    assert_pictures_are_independent(small(), image)
