"""The thesis's U-Net: its size, any size of frames, and every frame is read."""

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

from mfrec.nets.unet import Unet


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("frames", "width", "wanted"),
    [(7, 1.0, 27_126_318), (7, 0.25, 1_728_798), (1, 1.0, 27_020_532), (1, 0.25, 1_696_452)],
)
def test_it_has_as_many_parameters_as_its_docstring_says(frames: int, width: float, wanted: int) -> None:
    assert parameters(lambda: Unet(frames=frames, width=width)) == wanted
    assert f"{wanted:,}" in str(Unet.__doc__)


@pytest.mark.parametrize(("frames", "size"), [(1, (16, 16)), (3, (9, 13)), (7, (8, 21)), (7, (3, 5))])
def test_the_picture_is_four_times_as_large_as_a_frame(frames: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        made = Unet(frames=frames, width=0.125).eval()(stack(2, frames, 3, *size))
    assert made.shape == (2, 3, 4 * size[0], 4 * size[1])
    assert torch.isfinite(made).all()


def test_every_frame_is_read() -> None:
    network, frames = Unet(frames=3, width=0.125).eval(), stack(1, 3, 3, 8, 8)
    with torch.inference_mode():
        made = network(frames)
        for k in range(3):
            changed = frames.clone()
            changed[:, k] += 0.1
            assert not torch.equal(network(changed), made)


def test_another_number_of_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="5 frames, this network was made for 7"):
        Unet(width=0.125)(stack(1, 5, 3, 8, 8))


def test_it_learns_everywhere() -> None:
    assert_learns_everywhere(Unet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))


def test_it_is_repeatable() -> None:
    assert_repeatable(lambda: Unet(frames=3, width=0.125), stack(1, 3, 3, 9, 16))


def test_neither_layout_nor_company_matters() -> None:
    assert_layout_does_not_matter(Unet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))
    assert_pictures_are_independent(Unet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))
