"""The finish changes nothing before it has learnt something, and takes pictures of any size."""

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
from torch import nn

from mfrec.nets.finetune import Finetune


def trained() -> Finetune:
    """A small one whose layers have left zero."""
    network = Finetune(channels=(8, 12, 16), blocks=1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return network


def test_it_has_as_many_parameters_as_its_docstring_says() -> None:
    assert parameters(Finetune) == 1_712_300
    assert "1,712,300" in str(Finetune.__doc__)


@pytest.mark.parametrize("size", [(16, 16), (45, 71), (4, 4)])
def test_untrained_it_gives_back_what_it_gets(size: tuple[int, int]) -> None:
    image = stack(2, 3, *size)
    with torch.inference_mode():
        assert torch.equal(Finetune().eval()(image), image)


@pytest.mark.parametrize("size", [(16, 16), (45, 71), (4, 4)])
def test_trained_it_keeps_the_size_and_changes_the_picture(size: tuple[int, int]) -> None:
    image = stack(2, 3, *size)
    with torch.inference_mode():
        made = trained().eval()(image)
    assert made.shape == image.shape
    assert not torch.allclose(made, image, atol=1e-3)


def test_the_correction_lies_where_the_picture_does() -> None:
    network, image = Finetune(channels=(12, 8, 8), blocks=1).eval(), stack(1, 3, 45, 71)
    for layer in (network.enter, network.leave):
        nn.init.dirac_(layer.weight)
        nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
    for parameter in network.up.parameters():
        nn.init.zeros_(parameter)
    with torch.inference_mode():
        # What enters is handed through every skip, so the correction is the picture itself, less grey.
        torch.testing.assert_close(network(image), 2 * image - 0.5)


def test_it_learns_everywhere() -> None:
    assert_learns_everywhere(trained(), stack(2, 3, 24, 24))


def test_it_is_repeatable() -> None:
    assert_repeatable(trained, stack(1, 3, 21, 24))


def test_neither_layout_nor_company_matters() -> None:
    assert_layout_does_not_matter(trained(), stack(2, 3, 24, 24))
    assert_pictures_are_independent(trained(), stack(2, 3, 24, 24))
