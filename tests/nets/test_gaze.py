"""The gaze network: its size, its shape, and that light is nothing to it."""

from __future__ import annotations

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


def test_flat_pictures_and_mixed_precision_give_numbers() -> None:
    torch.manual_seed(0)
    network = Gaze()
    with torch.autocast("cpu", torch.bfloat16):
        out = network(torch.full((2, 3, HEIGHT, WIDTH), 0.5)).gaze
    assert out.dtype == torch.float32 and torch.isfinite(out).all()
    out.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
