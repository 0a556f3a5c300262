"""The encoder is ResNet-34 up to its classifier."""

import pytest
import torch
from network_checks import parameters
from torch import nn

from mfrec.nets.resnet_encoder import ResnetEncoder


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


def test_it_has_the_parameters_of_resnet34_without_the_classifier() -> None:
    # torchvision states 21,797,672 for ResNet-34; its classifier has 512 x 1000 weights and 1000 offsets.
    assert parameters(ResnetEncoder) == 21_797_672 - 513_000


def test_its_tensors_bear_the_names_of_torchvision() -> None:
    with torch.device("meta"):
        state = ResnetEncoder().state_dict()
    expected = {"conv1", "bn1"}
    for stage, blocks in enumerate((3, 4, 6, 3), start=1):
        for block in range(blocks):
            expected |= {f"layer{stage}.{block}.{part}" for part in ("conv1", "bn1", "conv2", "bn2")}
        if stage > 1:
            expected |= {f"layer{stage}.0.downsample.0", f"layer{stage}.0.downsample.1"}
    assert {name.rpartition(".")[0] for name in state} == expected
    assert state["layer3.5.conv2.weight"].shape == (256, 256, 3, 3)


@pytest.mark.parametrize("width", [0.25, 0.1])
def test_each_level_halves_the_grid(width: float) -> None:
    encoder = ResnetEncoder(inputs=5, width=width).eval()
    with torch.inference_mode():
        features = encoder(torch.rand(1, 5, 64, 96))
    assert [tuple(f.shape) for f in features] == [
        (1, channels, 64 // 2**level, 96 // 2**level) for level, channels in enumerate(encoder.channels, start=1)
    ]
    assert all(f.min() >= 0 for f in features)


def test_a_block_whose_convolutions_say_nothing_is_the_identity() -> None:
    encoder = ResnetEncoder(width=0.125).eval()
    block = encoder.layer1[0]
    for part in block.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.zeros_(part.weight)
    features = torch.rand(1, 8, 6, 6)
    with torch.inference_mode():
        torch.testing.assert_close(block(features), features)
