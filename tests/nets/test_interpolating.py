"""Networks that begin as interpolation: what linear interpolation keeps is kept, before any training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from network_checks import stack
from torch import Tensor, nn
from torch.nn import functional

from mfrec.nets.bionet import BioNet
from mfrec.nets.crossover_unet import CrossoverUnet
from mfrec.nets.dynamic_unet import DynamicUnet
from mfrec.nets.enhance import Enhance
from mfrec.nets.enlarge import enlarge
from mfrec.nets.multi_frame_unet import MultiFrameUnet
from mfrec.nets.rrdb import Rrdb
from mfrec.nets.srresnet import Srresnet


def network(name: str) -> nn.Module:
    torch.manual_seed(3)
    if name == "srresnet 2":
        made = Srresnet(features=8, blocks=2, scale=2, upsampling="shuffle", output="linear")
    elif name == "srresnet 4":
        made = Srresnet(features=8, blocks=2, upsampling="shuffle", last=3, output="linear")
    else:
        made = Enhance(features=4, blocks=2) if name == "enhance" else Rrdb(blocks=1, features=8, growth=4)
    made.begin_as_interpolation()
    return made.eval()


NAMES = ("srresnet 2", "srresnet 4", "enhance", "rrdb")


def ramp(channels: int, side: int, size: int) -> Tensor:
    """A plane that rises to the right and falls downwards, sampled at the middles of ``size`` pixels of ``side``."""
    places = (torch.arange(size) + 0.5) * side / size
    plane = 0.5 + 0.02 * (places[None, :] - side / 2) - 0.03 * (places[:, None] - side / 2)
    return plane.expand(1, channels, size, size)


@pytest.mark.parametrize("name", NAMES)
def test_a_plane_stays_a_plane(name: str) -> None:
    made = network(name)
    channels, scale = made.channels, made.scale
    assert isinstance(channels, int)
    assert isinstance(scale, int)
    with torch.inference_mode():
        large = made(ramp(channels, 12, 12))
    inner = slice(3 * scale, 9 * scale)  # zeros are padded at the border
    expected = ramp(channels, 12, 12 * scale)
    torch.testing.assert_close(large[..., inner, inner], expected[..., inner, inner], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_near_bicubic_and_every_weight_can_still_learn(name: str) -> None:
    made = network(name)
    image = functional.avg_pool2d(stack(1, int(made.channels), 48, 48), 4)  # pyright: ignore[reportArgumentType]
    with torch.inference_mode():
        large = made(image)
    bicubic = functional.interpolate(image, size=large.shape[-2:], mode="bicubic")
    border = 3 * large.shape[-1] // 12
    inner = (..., slice(border, -border), slice(border, -border))
    assert (large - bicubic)[inner].square().mean() < 0.2 * image.var()
    before = {name: value.clone() for name, value in made.named_parameters()}
    made.train()
    optimiser = torch.optim.Adam(made.parameters(), 1e-3)
    for _ in range(3):
        optimiser.zero_grad()
        (made(image) - stack(*large.shape, seed=5)).square().mean().backward()
        optimiser.step()
    assert all(not torch.equal(value, before[name]) for name, value in made.named_parameters())


@pytest.mark.parametrize("name", ["multi_frame_unet", "bionet", "crossover_unet", "dynamic_unet"])
def test_the_thesis_networks_begin_as_the_picture_that_they_are_to_make_better(name: str) -> None:
    """Dark pixels too: what lies below ImageNet's mean is negative where the rectifiers are."""
    torch.manual_seed(5)
    frames = stack(2, 7, 3, 32, 32)
    pictures, mask = stack(2, 2, 3, 64, 64), (stack(2, 1, 64, 64) > 0.5).float()
    networks: dict[str, tuple[Any, tuple[Tensor, ...], Tensor]] = {
        "multi_frame_unet": (MultiFrameUnet(width=0.125), (frames,), enlarge(frames)[:, 3]),
        "bionet": (BioNet(width=0.125), (frames,), enlarge(frames)[:, 3]),
        "crossover_unet": (CrossoverUnet(width=0.125), (*pictures.unbind(1), mask), pictures[:, 1]),
        "dynamic_unet": (DynamicUnet(width=0.125), (pictures[:, 0],), pictures[:, 0]),
    }
    made, inputs, expected = networks[name]
    made.begin_as_interpolation()
    torch.testing.assert_close(made(*inputs), expected, rtol=0, atol=1e-5)
    before = {name: value.clone() for name, value in made.named_parameters()}
    optimiser = torch.optim.Adam(made.parameters(), 1e-3)
    for step in range(4):
        optimiser.zero_grad()
        (made(*inputs) - stack(*expected.shape, seed=step)).square().mean().backward()
        optimiser.step()
    assert all(not torch.equal(value, before[name]) for name, value in made.named_parameters())


def test_only_what_can_be_interpolation_begins_so() -> None:
    with pytest.raises(ValueError, match="'shuffle' and output 'linear'"):
        Srresnet(features=8, blocks=1).begin_as_interpolation()
