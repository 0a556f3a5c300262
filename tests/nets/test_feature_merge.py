"""Feature merge: any number of other frames in any order, and an encoder that can be taken over and frozen."""

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

from mfrec.nets.feature_merge import FeatureMerge
from mfrec.nets.unet import Unet


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


@pytest.mark.parametrize(("width", "wanted"), [(1.0, 28_078_324), (0.25, 1_762_756)])
def test_it_has_as_many_parameters_as_its_docstring_says(width: float, wanted: int) -> None:
    assert parameters(lambda: FeatureMerge(width=width)) == wanted
    assert f"{wanted:,}" in str(FeatureMerge.__doc__)


def test_one_network_takes_any_number_and_size_of_frames() -> None:
    network = FeatureMerge(width=0.125).eval()
    for frames, size in [(1, (16, 16)), (2, (8, 8)), (3, (9, 13)), (7, (3, 5))]:
        with torch.inference_mode():
            made = network(stack(2, frames, 3, *size))
        assert made.shape == (2, 3, 4 * size[0], 4 * size[1])
        assert torch.isfinite(made).all()


def test_only_the_reference_has_a_place_of_its_own() -> None:
    network, frames = FeatureMerge(width=0.25).eval(), stack(1, 5, 3, 9, 16)
    with torch.inference_mode():
        made = network(frames)
        torch.testing.assert_close(network(frames[:, [4, 3, 2, 0, 1]]), made, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(network(frames[:, [0, 2, 1, 3, 4]]), made, atol=1e-3)


def test_the_other_frames_are_read() -> None:
    network, frames = FeatureMerge(width=0.125).eval(), stack(1, 3, 3, 8, 8)
    with torch.inference_mode():
        made = network(frames)
        for k in range(3):
            changed = frames.clone()
            changed[:, k] *= 0.5
            assert not torch.equal(network(changed), made)


def test_the_maximum_counts_what_is_shown_and_the_mean_how_often() -> None:
    """The merge reads the reference, the mean and the maximum of the others, in this order."""
    network, frames = FeatureMerge(width=0.25).eval(), stack(1, 3, 3, 16, 16)
    first, reference, last = frames.unbind(1)
    oftener = torch.stack([first, last, reference, last, last], 1)
    merges = [merge for merge in network.merge if isinstance(merge, torch.nn.Conv2d)]
    parts = [merge.weight.data.split(merge.out_channels, 1) for merge in merges]
    with torch.inference_mode():
        assert not torch.allclose(network(oftener), network(frames), atol=1e-3)
        for _, mean, _ in parts:
            mean.zero_()
        torch.testing.assert_close(network(oftener), network(frames), rtol=1e-4, atol=1e-5)
        for _, _, maximum in parts:
            maximum.zero_()
        alone = network(frames)
        assert torch.equal(network(oftener), alone), "nothing else is read of the other frames"


def test_a_single_frame_is_its_own_other_frame() -> None:
    network, frame = FeatureMerge(width=0.125).eval(), stack(1, 1, 3, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(network(frame), network(frame.expand(-1, 4, -1, -1, -1)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frozen", [False, True])
def test_it_learns_everywhere_but_in_a_frozen_encoder(frozen: bool) -> None:
    network = FeatureMerge(width=0.25, frozen_encoder=frozen)
    before = {name: tensor.clone() for name, tensor in network.encoder.state_dict().items()}
    assert_learns_everywhere(network, stack(2, 3, 3, 16, 16))
    assert all(p.requires_grad != frozen for p in network.encoder.parameters())
    same = all(torch.equal(tensor, before[name]) for name, tensor in network.encoder.state_dict().items())
    assert same == frozen  # without a step of the optimiser only the statistics of batch norms can move


def test_the_encoder_of_a_single_frame_unet_can_be_taken_over_and_frozen() -> None:
    unet, network = Unet(frames=1, width=0.125), FeatureMerge(width=0.125)
    network.encoder.load_state_dict(unet.encoder.state_dict())
    network.freeze_encoder()
    network.train()
    assert not network.encoder.training
    assert network.decoder.training
    assert torch.equal(network.encoder.conv1.weight, unet.encoder.conv1.weight)


def test_it_is_repeatable() -> None:
    assert_repeatable(lambda: FeatureMerge(width=0.125), stack(1, 3, 3, 9, 16))


def test_neither_layout_nor_company_matters() -> None:
    assert_layout_does_not_matter(FeatureMerge(width=0.25), stack(2, 3, 3, 16, 16))
    assert_pictures_are_independent(FeatureMerge(width=0.25), stack(2, 3, 3, 16, 16))
