"""BiO-Net: iterations share their convolutions, and what was decoded goes back to the encoder."""

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

from mfrec.nets.bionet import BioNet


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


@pytest.mark.parametrize(("width", "wanted"), [(1.0, 14_979_395), (0.25, 942_035)])
def test_it_has_as_many_parameters_as_its_docstring_says(width: float, wanted: int) -> None:
    assert parameters(lambda: BioNet(width=width)) == wanted
    assert f"{wanted:,}" in str(BioNet.__doc__)


@pytest.mark.parametrize(("frames", "size"), [(1, (16, 16)), (3, (9, 13)), (7, (8, 21)), (7, (3, 5))])
def test_the_picture_is_four_times_as_large_as_a_frame(frames: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        made = BioNet(frames=frames, width=0.125).eval()(stack(2, frames, 3, *size))
    assert made.shape == (2, 3, 4 * size[0], 4 * size[1])
    assert torch.isfinite(made).all()


def test_another_iteration_costs_batch_norms_and_nothing_else() -> None:
    once, twice = (BioNet(width=0.125, iterations=n).state_dict() for n in (1, 2))
    assert once.keys() < twice.keys()
    assert all(".norms.1." in name for name in twice.keys() - once.keys())


def test_the_second_iteration_changes_the_picture() -> None:
    once, twice = (BioNet(frames=1, width=0.125, iterations=n).eval() for n in (1, 2))
    once.load_state_dict({name: twice.state_dict()[name] for name in once.state_dict()})
    frame = stack(1, 1, 3, 8, 8)
    with torch.inference_mode():
        # Untrained batch norms are all alike, so it is the backward skips that make the difference.
        assert not torch.allclose(once(frame), twice(frame), atol=1e-4)


def test_no_iteration_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BioNet(iterations=0)


def test_another_number_of_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="5 frames, this network was made for 7"):
        BioNet(width=0.125)(stack(1, 5, 3, 8, 8))


def test_it_learns_everywhere() -> None:
    assert_learns_everywhere(BioNet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))


def test_it_is_repeatable() -> None:
    assert_repeatable(lambda: BioNet(frames=3, width=0.125), stack(1, 3, 3, 9, 16))


def test_neither_layout_nor_company_matters() -> None:
    assert_layout_does_not_matter(BioNet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))
    assert_pictures_are_independent(BioNet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))
