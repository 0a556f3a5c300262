"""The U-Net of the cross-over: its size, any size of pictures, and all three inputs are read."""

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
from torch import Tensor

from mfrec.nets.crossover_unet import CrossoverUnet


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


def inputs(batch: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two pictures and a hard mask."""
    source, target = (stack(batch, 3, height, width, seed=s) for s in (1, 2))
    return source, target, (stack(batch, 1, height, width, seed=3) > 0.5).float()


@pytest.mark.parametrize(("width", "wanted"), [(1.0, 41_262_146), (0.25, 2_596_538)])
def test_it_has_as_many_parameters_as_its_docstring_says(width: float, wanted: int) -> None:
    assert parameters(lambda: CrossoverUnet(width=width)) == wanted
    assert f"{wanted:,}" in str(CrossoverUnet.__doc__)


@pytest.mark.parametrize("size", [(64, 64), (45, 71), (12, 33)])
def test_the_picture_is_as_large_as_the_inputs(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        made = CrossoverUnet(width=0.125).eval()(*inputs(2, *size))
    assert made.shape == (2, 3, *size)
    assert torch.isfinite(made).all()


def test_source_target_and_mask_are_read() -> None:
    network, given = CrossoverUnet(width=0.125).eval(), inputs(1, 32, 32)
    with torch.inference_mode():
        made = network(*given)
        for i in range(3):
            assert not torch.equal(network(*(1 - x if k == i else x for k, x in enumerate(given))), made)


def test_it_learns_everywhere() -> None:
    assert_learns_everywhere(CrossoverUnet(width=0.25), *inputs(2, 64, 64))


def test_it_is_repeatable() -> None:
    assert_repeatable(lambda: CrossoverUnet(width=0.125), *inputs(1, 36, 64))


def test_neither_layout_nor_company_matters() -> None:
    assert_layout_does_not_matter(CrossoverUnet(width=0.25), *inputs(2, 64, 64))
    assert_pictures_are_independent(CrossoverUnet(width=0.25), *inputs(2, 64, 64))
