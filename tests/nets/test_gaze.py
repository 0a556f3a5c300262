"""The gaze network: its size, its shape, and that light is nothing to it."""

from __future__ import annotations

import pytest
import torch
from network_checks import parameters, stack

from mfrec.cards.load import cards_folder, read_card
from mfrec.face.eyes import HEIGHT, WIDTH
from mfrec.nets.gaze import Gaze


def test_it_is_resnet_18_with_three_fully_connected_layers() -> None:
    with torch.device("meta"):
        whole = Gaze(width=1.0)
    heads = [layer for layer in whole.modules() if isinstance(layer, torch.nn.Linear)]
    head = sum(p.numel() for layer in heads for p in layer.parameters())
    assert len(heads) == 3
    # torchvision's resnet18 has 11,689,512 parameters, 513,000 of them in its classifier.
    assert parameters(lambda: Gaze(width=1.0)) - head == 11_689_512 - 513_000


def test_a_quarter_of_the_channels_weighs_less_than_two_mebibytes() -> None:
    assert 2 * parameters(Gaze) < 2 * 2**20
    assert read_card(cards_folder() / "gaze.toml").net == "gaze"


def test_brightness_and_contrast_do_not_matter() -> None:
    torch.manual_seed(0)
    network = Gaze().eval()
    eyes = stack(2, 3, HEIGHT, WIDTH)
    with torch.inference_mode():
        plain, dim = network(eyes).gaze, network(0.1 + 0.5 * eyes).gaze
    assert plain.shape == (2, 2) and plain.dtype == torch.float32
    torch.testing.assert_close(plain, dim, atol=0.03, rtol=0)


def test_the_form_of_the_thesis_is_there_to_be_had() -> None:
    torch.manual_seed(0)
    network = Gaze(hidden=(16, 8), pool="average", normalised=True, dropout=0.5, noise=0.2)
    eyes = stack(4, 3, HEIGHT, WIDTH)
    first, second = network(eyes).gaze, network(eyes).gaze
    assert not torch.equal(first, second), "a training leaves units out and adds noise"
    network.eval()
    assert torch.equal(network(eyes).gaze, network(eyes).gaze)
    assert network.fc1.in_features == 128 and isinstance(network.after2, torch.nn.BatchNorm1d)
    assert {name.split(".")[0] for name in Gaze().state_dict()} == {"conv1", "bn1", "stages", "fc1", "fc2", "fc3"}
    with pytest.raises(ValueError, match="'places' or 'average'"):
        Gaze(pool="maximum")  # pyright: ignore[reportArgumentType]


def test_flat_pictures_and_mixed_precision_give_numbers() -> None:
    torch.manual_seed(0)
    network = Gaze()
    with torch.autocast("cpu", torch.bfloat16):
        out = network(torch.full((2, 3, HEIGHT, WIDTH), 0.5)).gaze
    assert out.dtype == torch.float32 and torch.isfinite(out).all()
    out.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
