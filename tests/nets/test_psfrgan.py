"""PSFR-GAN: the paper's sizes, and what the picture and its regions each decide."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mfrec.nets.psfrgan import REGIONS, Psfrgan, StyleTransform


def small() -> Psfrgan:
    torch.manual_seed(2)
    return Psfrgan(start=4, channels=(6, 5, 4), hidden=3).eval()


def told(side: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, REGIONS, (2, side, side), generator=generator)
    return torch.rand(2, 3, side, side, generator=generator), torch.nn.functional.one_hot(labels, REGIONS).permute(
        0, 3, 1, 2
    ).float()


def test_the_paper_s_size_and_the_card_s() -> None:
    with torch.device("meta"):
        assert Psfrgan().side == 512
        assert Psfrgan(start=16, channels=(96, 64, 48, 32), hidden=32).side == 128


def test_pictures_are_pictures_and_both_steer_them() -> None:
    network = small()
    image, regions = told(network.side)
    with torch.inference_mode():
        made = network(image, regions)
        assert made.shape == image.shape and 0 < float(made.min()) < float(made.max()) < 1
        assert not torch.allclose(made, network(1 - image, regions), atol=1e-3)
        assert not torch.allclose(made, network(image, regions.flip(1)), atol=1e-3)
        assert torch.allclose(made[:1], network(image[:1], regions[:1]), atol=1e-6), "pictures of a batch are strangers"


def test_the_constant_alone_decides_nothing() -> None:
    """Features are normalised at every size, so their size and level come from the picture and its regions."""
    network = small()
    image, regions = told(network.side)
    with torch.inference_mode():
        made = network(image, regions)
        network.blocks[0].beside.weight.zero_()  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
        without_shortcut = network(image, regions)
        network.constant.mul_(3).add_(1)
        assert torch.allclose(without_shortcut, network(image, regions), atol=1e-4)
    assert not torch.allclose(made, without_shortcut, atol=1e-3)


def test_a_transform_is_scale_and_shift_of_normalised_features() -> None:
    torch.manual_seed(0)
    transform = StyleTransform(4, 3)
    x, of_it = torch.randn(2, 4, 8, 8) * 5 + 2, torch.randn(2, 3 + REGIONS, 8, 8)
    assert transform.both.bias is not None
    with torch.inference_mode():
        transform.both.weight.zero_()
        transform.both.bias.copy_(torch.tensor([0.0] * 4 + [1.0, 2.0, 3.0, 4.0]))
        made = transform(x, of_it)
    assert made.mean(dim=(0, 2, 3)).tolist() == pytest.approx([1, 2, 3, 4], abs=1e-4)
    assert made.std(dim=(2, 3)).flatten().tolist() == pytest.approx([1] * 8, rel=0.02)
