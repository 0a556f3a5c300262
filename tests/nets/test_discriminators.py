"""The three discriminators: the sources' sizes, one number a picture, and that they can learn a difference."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from network_checks import assert_pictures_are_independent, assert_repeatable, parameters, stack
from torch import nn

from mfrec.nets.enhance_discriminator import EnhanceDiscriminator
from mfrec.nets.relativistic_discriminator import RelativisticDiscriminator
from mfrec.nets.srgan_discriminator import SrganDiscriminator

SMALL: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "srgan": (lambda: SrganDiscriminator(height=33, width=36, features=4, hidden=8), 3),
    "enhance": (lambda: EnhanceDiscriminator(widths=(4, 4, 8, 8)), 1),
    "relativistic": (lambda: RelativisticDiscriminator(features=4, hidden=8), 3),
}


def test_sizes_of_the_sources() -> None:
    assert parameters(lambda: SrganDiscriminator(height=84, width=388)) == 85_769_537
    assert parameters(lambda: SrganDiscriminator(height=64, width=64)) == 15_514_945
    assert parameters(RelativisticDiscriminator) == 14_499_401


def test_the_last_map_of_eyes_has_6_x_25_places() -> None:
    with torch.device("meta"):
        network = SrganDiscriminator(height=84, width=388)
        assert network.features(torch.empty(1, 3, 84, 388)).shape == (1, 512, 6, 25)


def test_the_last_map_of_128_px_is_not_averaged() -> None:
    network = RelativisticDiscriminator(features=4).eval()
    image = stack(1, 3, 128, 128)
    with torch.inference_mode():
        assert torch.equal(network.features(image), network.features[:-1](image))


def test_enhance_averages_the_map_of_any_size() -> None:
    network = EnhanceDiscriminator().eval()
    strides = [layer.stride[0] for layer in network.layers if isinstance(layer, nn.Conv2d)]
    assert strides == [1, 2, 1, 2, 1, 2, 1, 2, 1]
    with torch.inference_mode():
        assert network(stack(2, 1, 112, 92)).shape == (2,)


@pytest.mark.parametrize("name", SMALL)
def test_one_number_a_picture(name: str) -> None:
    make, channels = SMALL[name]
    image = stack(3, channels, 33, 36)
    with torch.inference_mode():
        assert make().eval()(image).shape == (3,)
    assert_repeatable(make, image)
    assert_pictures_are_independent(make(), image)


@pytest.mark.parametrize("name", SMALL)
def test_noise_is_told_from_flat_pictures(name: str) -> None:
    torch.manual_seed(0)
    make, channels = SMALL[name]
    network = make().train()
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    noise, flat = stack(4, channels, 33, 36), stack(4, channels, 1, 1, seed=1).expand(-1, -1, 33, 36)
    losses = []
    for _ in range(20):
        loss = nn.functional.softplus(network(flat)).mean() + nn.functional.softplus(-network(noise)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 < losses[0]
