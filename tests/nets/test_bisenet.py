"""The parser's network: shapes, names of its encoder, and what each path is for."""

from __future__ import annotations

import pytest
import torch
from small_networks import small_parser

from mfrec.nets.bisenet import BiSeNet
from mfrec.nets.mobilenet_encoder import CHANNELS, MobilenetEncoder


@pytest.fixture(scope="module")
def network() -> BiSeNet:
    torch.manual_seed(0)
    return BiSeNet().eval()


def test_it_has_the_stated_size(network: BiSeNet) -> None:
    assert sum(p.numel() for p in network.parameters()) == 2_353_721
    assert sum(p.numel() for p in network.encoder.parameters()) == 1_811_712


@pytest.mark.parametrize("size", [(64, 64), (96, 128), (70, 53)])
def test_scores_lie_on_the_grid_of_the_picture(network: BiSeNet, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        parsed = network(torch.rand(2, 3, *size))
    assert parsed.scores.shape == (2, 19, *size)
    padded = [-(-n // 32) * 32 for n in size]
    assert parsed.context.shape[-2:] == (padded[0] // 8, padded[1] // 8)
    assert parsed.deep.shape[-2:] == (padded[0] // 16, padded[1] // 16)


def test_faces_of_a_batch_do_not_see_each_other(network: BiSeNet) -> None:
    faces = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        together, alone = network(faces).scores, torch.cat([network(face[None]).scores for face in faces])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_each_depth_reaches_the_scores_and_learns() -> None:
    torch.manual_seed(0)
    network = BiSeNet(classes=3, width=8).train()
    images = torch.rand(2, 3, 64, 64)
    network(images).scores.square().mean().backward()
    silent = {name.partition(".")[0] for name, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == {"context_head", "deep_head"}
    parsed = network(images)
    (parsed.context.square().mean() + parsed.deep.square().mean()).backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_the_encoder_is_torchvisions_mobilenet_v2() -> None:
    from mfrec.train.fastai_import import import_torchvision

    import_torchvision()
    from torchvision.models import mobilenet_v2

    torch.manual_seed(0)
    whole = mobilenet_v2().eval()
    network = small_parser()
    network.start_encoder(whole.state_dict())
    images = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        levels = network.encoder(images)
        expected = whole.features[:18]((images - network.encoder.mean) / network.encoder.spread)
    torch.testing.assert_close(levels[-1], expected, rtol=1e-4, atol=1e-5)
    assert [level.shape[1] for level in levels] == list(CHANNELS)
    assert [level.shape[-1] for level in levels] == [48, 24, 12, 6, 3]


def test_weights_of_another_encoder_are_refused() -> None:
    with pytest.raises(RuntimeError, match="Missing key"):
        small_parser().start_encoder({"features.0.0.weight": torch.zeros(32, 3, 3, 3)})


def test_the_encoder_alone_has_no_classifier() -> None:
    assert not any("classifier" in name or "features.18" in name for name in MobilenetEncoder().state_dict())
