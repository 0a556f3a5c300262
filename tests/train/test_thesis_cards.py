"""The thesis's networks can be trained by their cards: samples, network and losses fit, and each loss teaches."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from few_pictures import few_pictures
from tiny_cards import card_of
from torch import nn

from mfrec.cards.load import Card, cards_folder, read_card
from mfrec.errors import WeightsError
from mfrec.nets import network_class
from mfrec.nets.feature_merge import FeatureMerge
from mfrec.nets.multi_frame_unet import MultiFrameUnet
from mfrec.train.job import started
from mfrec.train.losses import weighted_sum
from mfrec.train.recipe import training_recipe
from mfrec.train.tasks import STREAMS

CARDS = (
    "thesis_unet",
    "thesis_serfiq",
    "thesis_single",
    "thesis_finetune",
    "bionet",
    "feature_merge",
    "crossover_unet",
    "thesis_holes",
    "thesis_blurs",
    "thesis_serfiq_only",
)


@pytest.mark.parametrize("name", CARDS)
def test_a_sample_of_its_task_teaches_the_network(name: str) -> None:
    card = read_card(cards_folder() / f"{name}.toml")
    recipe = training_recipe(card)
    side = recipe.data.get("side", 64) if "points" in recipe.data else 64
    stream = STREAMS[recipe.task](few_pictures(), 1, **{**recipe.data, "side": side})
    torch.manual_seed(0)
    network: nn.Module = network_class(card.net)(**{**card.arguments, "width": 0.125}).train()
    inputs, wanted = stream[0]
    made = network(*(torch.stack([x, x]) for x in inputs))
    truth = {key: torch.stack([x, x]) for key, x in wanted.items()}
    assert made.shape == truth["truth"].shape
    terms = weighted_sum(recipe.losses).terms({"image": made}, truth)
    assert set(terms) == set(recipe.losses)
    for loss, value in terms.items():
        (gradient,) = torch.autograd.grad(value, made, retain_graph=True)
        assert torch.isfinite(gradient).all() and (gradient != 0).any(), loss


def test_feature_merge_begins_with_a_single_frame_network_and_keeps_its_encoder_frozen(tmp_path: Path) -> None:
    torch.manual_seed(3)
    single = MultiFrameUnet(frames=1, width=0.125).eval()
    start = card_of(tmp_path / "single", "multi_frame_unet", single, "frames = 1\nwidth = 0.125\n")
    card = Card("merge", "feature_merge", "merge.safetensors", "s", "p", "l", "i", arguments={"width": 0.125})
    network = started(card, start)
    assert isinstance(network, FeatureMerge)
    for encoder in (network.encoder, network.frozen):
        torch.testing.assert_close(encoder.conv1.weight, single.unet.encoder.conv1.weight, rtol=1e-3, atol=1e-4)
    assert network.encoder.conv1.weight.requires_grad and not network.frozen.conv1.weight.requires_grad
    wider = Card("merge", "feature_merge", "merge.safetensors", "s", "p", "l", "i", arguments={"width": 0.25})
    with pytest.raises(WeightsError, match=r"has the width 0\.125, expected 0\.25"):
        started(wider, start)
