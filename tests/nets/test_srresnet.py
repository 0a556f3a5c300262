"""SRResNet: the published sizes, any picture, and what the two enlargements are."""

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

from mfrec.nets.srresnet import Srresnet


def small(**changes: object) -> Srresnet:
    return Srresnet(features=8, blocks=2, **changes)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("upsampling", "scale", "count"),
    [("nearest", 4, 2_037_440), ("shuffle", 4, 1_548_032), ("shuffle", 2, 1_400_512)],
)
def test_sizes_of_the_sources(upsampling: str, scale: int, count: int) -> None:
    assert parameters(lambda: Srresnet(upsampling=upsampling, scale=scale)) == count  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("upsampling", ["nearest", "shuffle"])
@pytest.mark.parametrize("scale", [2, 4])
def test_any_picture_grows_and_stays_in_range(upsampling: str, scale: int) -> None:
    network = small(upsampling=upsampling, scale=scale).eval()
    with torch.inference_mode():
        made = network(stack(2, 3, 7, 5))
    assert made.shape == (2, 3, 7 * scale, 5 * scale)
    assert made.min() >= 0
    assert made.max() <= 1
    assert (network.scale, network.channels) == (scale, 3)


@pytest.mark.parametrize("upsampling", ["nearest", "shuffle"])
def test_what_every_network_stands(upsampling: str) -> None:
    image = stack(2, 3, 8, 9)
    assert_learns_everywhere(small(upsampling=upsampling), image)
    assert_repeatable(lambda: small(upsampling=upsampling), image)
    assert_layout_does_not_matter(small(upsampling=upsampling), image)
    assert_pictures_are_independent(small(upsampling=upsampling), image)


def test_repeated_pixels_are_enlarged_before_the_activation() -> None:
    """Without kernels beyond 1 x 1 after it, the first enlargement shows blocks of equal pixels."""
    network = small(scale=2)
    with torch.inference_mode():
        grown = network.enlarging(stack(1, 8, 3, 3))
    assert grown.shape == (1, 32, 6, 6)
    assert torch.equal(grown[..., ::2, ::2], grown[..., 1::2, 1::2])


@pytest.mark.parametrize("wrong", [{"scale": 3}, {"upsampling": "bilinear"}])
def test_what_it_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        small(**wrong)
