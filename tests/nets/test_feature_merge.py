"""Feature merge: a frozen encoder for the other frames, any number of them in any order, merged at its end alone."""

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

from mfrec.nets.dynamic_unet import DynamicUnet, double_convolution
from mfrec.nets.feature_merge import FeatureMerge
from mfrec.nets.multi_frame_unet import MultiFrameUnet
from mfrec.nets.resnet_encoder import ResnetEncoder


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


@pytest.mark.parametrize(("width", "wanted", "frozen"), [(1.0, 67_227_604, 21_284_672), (0.25, 4_216_252, 1_335_248)])
def test_it_is_the_single_frame_unet_a_frozen_encoder_and_the_merge(width: float, wanted: int, frozen: int) -> None:
    unet = parameters(lambda: DynamicUnet(inputs=3, width=width))
    deepest = round(512 * width)
    merge = parameters(lambda: double_convolution(deepest, deepest))
    assert parameters(lambda: ResnetEncoder(inputs=3, width=width)) == frozen
    assert parameters(lambda: FeatureMerge(width=width)) == wanted == unet + frozen + merge
    assert f"{wanted:,}" in str(FeatureMerge.__doc__) and f"{frozen:,}" in str(FeatureMerge.__doc__)


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


def test_the_other_frames_are_read_at_the_end_of_the_encoder_alone() -> None:
    network, frames = FeatureMerge(width=0.125).eval(), stack(1, 3, 3, 8, 8)
    with torch.inference_mode():
        made = network(frames)
        for k in range(3):
            changed = frames.clone()
            changed[:, k] *= 0.5
            assert not torch.equal(network(changed), made)
        last = [part for part in network.merge if isinstance(part, nn.BatchNorm2d)][-1]
        nn.init.zeros_(last.weight)
        alone = network(frames)
        changed = frames.clone()
        changed[:, [0, 2]] = 0
        assert torch.equal(network(changed), alone), "nothing else is read of the other frames"


def test_nothing_trains_or_thaws_the_frozen_encoder() -> None:
    network = FeatureMerge(width=0.25)
    before = {name: tensor.clone() for name, tensor in network.frozen.state_dict().items()}
    network.requires_grad_(True)  # as whoever begins with other weights does
    assert_learns_everywhere(network, stack(2, 3, 3, 16, 16))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.frozen.state_dict().items())
    assert not any(parameter.requires_grad for parameter in network.frozen.parameters())


def test_what_a_single_frame_network_has_learnt_is_taken_over() -> None:
    single, network = MultiFrameUnet(frames=1, width=0.125).eval(), FeatureMerge(width=0.125).eval()
    network.take_over(single)
    last = [part for part in network.merge if isinstance(part, nn.BatchNorm2d)][-1]
    nn.init.zeros_(last.weight)
    frames = stack(1, 3, 3, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(network(frames), single(frames[:, 1:2]), msg="without the merge it is that network")
    assert torch.equal(network.frozen.conv1.weight, single.unet.encoder.conv1.weight)


def test_it_is_repeatable() -> None:
    assert_repeatable(lambda: FeatureMerge(width=0.125), stack(1, 3, 3, 9, 16))


def test_neither_layout_nor_company_matters() -> None:
    assert_layout_does_not_matter(FeatureMerge(width=0.25), stack(2, 3, 3, 16, 16))
    assert_pictures_are_independent(FeatureMerge(width=0.25), stack(2, 3, 3, 16, 16))
