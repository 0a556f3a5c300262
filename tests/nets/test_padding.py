"""Padding to a multiple: nothing of the picture is lost or moved, and the border is a mirror."""

import pytest
import torch

from mfrec.nets.padding import crop, pad


@pytest.mark.parametrize("size", [(12, 12), (13, 40), (33, 31), (64, 96), (95, 17)])
def test_cropping_takes_back_what_padding_added(size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size)
    padded = pad(image, 32)
    for given, made in zip(size, padded.shape[-2:], strict=True):
        assert made % 32 == 0
        assert given <= made < given + 32
    assert torch.equal(crop(padded, *size), image)


def test_nothing_is_done_where_nothing_is_missing() -> None:
    image = torch.rand(1, 3, 32, 64)
    assert pad(image, 32) is image


def test_the_border_is_a_mirror() -> None:
    row = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0]).expand(1, 1, 5, 5)
    assert pad(row, 4)[0, 0, 0].tolist() == [1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0]


@pytest.mark.parametrize("multiple", [2, 4, 8, 32])
def test_the_smallest_size_is_the_one_that_the_error_names(multiple: int) -> None:
    smallest = (multiple + 4) // 3
    assert pad(torch.rand(1, 1, smallest, smallest), multiple).shape[-2:] == (multiple, multiple)
    with pytest.raises(ValueError, match=f"at least {smallest} px"):
        pad(torch.rand(1, 1, multiple, smallest - 1), multiple)
