"""BiO-Net: the thesis's U-Net run twice, iterations share their convolutions, and what was decoded goes back."""

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

from mfrec.nets.bionet import BioNet
from mfrec.nets.dynamic_unet import DynamicUnet, double_convolution
from mfrec.nets.multi_frame_unet import MultiFrameUnet


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("width", "wanted", "back", "norms"), [(1.0, 44_005_710, 2_638_848, 19_072), (0.25, 2_793_126, 165_504, 4_768)]
)
def test_it_is_the_unet_with_back_skips_and_a_second_set_of_norms(
    width: float, wanted: int, back: int, norms: int
) -> None:
    unet = parameters(lambda: DynamicUnet(inputs=21, width=width))
    assert parameters(lambda: BioNet(width=width)) == wanted == unet + back + norms
    for number in (wanted, back, norms):
        assert f"{number:,}" in str(BioNet.__doc__)
    pairs = [(96, 64), (256, 64), (384, 128), (512, 256)]
    if width == 1:
        assert sum(parameters(lambda a=a, b=b: double_convolution(a, b)) for a, b in pairs) == back


@pytest.mark.parametrize(("frames", "size"), [(1, (16, 16)), (3, (9, 13)), (7, (3, 5))])
def test_the_picture_is_four_times_as_large_as_a_frame(frames: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        made = BioNet(frames=frames, width=0.125).eval()(stack(2, frames, 3, *size))
    assert made.shape == (2, 3, 4 * size[0], 4 * size[1])
    assert torch.isfinite(made).all()


def test_one_iteration_is_the_unet() -> None:
    once, unet = BioNet(frames=3, width=0.125, iterations=1).eval(), MultiFrameUnet(frames=3, width=0.125).eval()
    weights = {f"unet.{name.replace('.each.0', '')}": value for name, value in once.state_dict().items()}
    unet.load_state_dict(weights)
    frames = stack(1, 3, 3, 9, 16)
    with torch.inference_mode():
        torch.testing.assert_close(once(frames), unet(frames))


def test_another_iteration_costs_batch_norms_and_the_first_the_back_skips() -> None:
    once, twice, thrice = (BioNet(width=0.125, iterations=n).state_dict() for n in (1, 2, 3))
    assert all(".each.1." in name or name.startswith("back.") for name in twice.keys() - once.keys())
    assert all(".each.2." in name for name in thrice.keys() - twice.keys())


def test_each_iteration_has_statistics_of_its_own() -> None:
    network = BioNet(frames=1, width=0.125)
    network.train()(stack(4, 1, 3, 16, 16))
    first, second = (part.running_mean for part in network.norms[1].each if isinstance(part, nn.BatchNorm2d))
    assert first is not None and second is not None
    assert not torch.allclose(first, second, atol=1e-3)
    assert all(norm.each[0].num_batches_tracked == norm.each[1].num_batches_tracked == 1 for norm in network.norms)


@pytest.mark.parametrize("level", range(4))
def test_what_goes_back_at_every_level_changes_the_picture(level: int) -> None:
    network, frame = BioNet(frames=1, width=0.25).eval(), stack(1, 1, 3, 8, 8)
    with torch.inference_mode():
        made = network(frame)
        for part in list(network.back)[level].modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.zeros_(part.weight)
        assert not torch.allclose(network(frame), made, atol=1e-5)


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
