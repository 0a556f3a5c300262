"""Networks of single pictures: any size in tiles, grey and colour both ways, and what they may be called afterwards."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from compact_network import Compact
from safetensors.torch import save_file
from small_networks import randomised
from tiny_cards import card_of

from mfrec.cards import single_picture
from mfrec.cards.load import card_names, cards_folder, read_card
from mfrec.cards.single_picture import KINDS, SinglePicture, enlarged_again, find_single_picture, is_grey
from mfrec.errors import UsageError, WeightsError
from mfrec.image.colour import rgb_to_ycc
from mfrec.image.geometry import enlarge, resize
from mfrec.nets import network_class
from mfrec.nets.enhance import Enhance
from mfrec.nets.rrdb import Rrdb
from mfrec.nets.srresnet import Srresnet
from mfrec.types import FloatArray


def repeated(scale: int, channels: int = 3) -> SinglePicture:
    """Every pixel many times."""
    return SinglePicture("any", lambda x: x.repeat_interleave(scale, 2).repeat_interleave(scale, 3), scale, channels)


def test_every_kind_says_its_channels_and_scale() -> None:
    for kind in KINDS:
        network = network_class(kind)()
        assert network.channels in (1, 3) and network.scale in (2, 4), kind
        with torch.inference_mode():
            made = network.eval()(torch.rand(1, network.channels, 9, 7))
        assert made.shape == (1, network.channels, 9 * network.scale, 7 * network.scale)


@pytest.mark.parametrize("size", [(5, 7), (40, 63), (64, 64), (65, 33)])
def test_tiles_give_what_the_whole_gives(size: tuple[int, int]) -> None:
    network = randomised(Srresnet(features=4, blocks=1, scale=2))
    image = np.random.default_rng(0).random((*size, 3), np.float32)
    found = SinglePicture("tiny", network, 2, 3)
    whole = found(image)
    with mock.patch.object(single_picture, "TILE", 16), mock.patch.object(single_picture, "MARGIN", 16):
        assert found(image) == pytest.approx(whole, abs=2e-6)
    assert whole.shape == (2 * size[0], 2 * size[1], 3) and whole.dtype == np.float32


def test_a_grey_picture_comes_out_grey_of_a_colour_network(portrait: FloatArray) -> None:
    grey = np.repeat(rgb_to_ycc(portrait[:24, :20])[..., :1], 3, axis=2)
    made = SinglePicture("tiny", randomised(Srresnet(features=4, blocks=1, scale=2)), 2, 3)(grey)
    assert is_grey(made) and made.shape == (48, 40, 3)


def test_a_grey_network_makes_the_luma_and_leaves_the_colours(portrait: FloatArray) -> None:
    part = portrait[60:92, 60:90]
    made = repeated(2, channels=1)(part)
    assert rgb_to_ycc(made)[..., 0] == pytest.approx(rgb_to_ycc(part)[..., 0].repeat(2, 0).repeat(2, 1), abs=0.02)
    plain = resize(rgb_to_ycc(part)[..., 1:], 64, 60)
    assert np.abs(rgb_to_ycc(made)[..., 1:] - plain).mean() < 0.005
    grey = np.repeat(part[..., :1], 3, axis=2)
    assert np.array_equal(repeated(2, channels=1)(grey), grey.repeat(2, 0).repeat(2, 1))


def test_finishing_keeps_size_and_what_the_network_can_make(portrait: FloatArray) -> None:
    for scale in (1, 2, 4):
        for size in ((64, 64), (63, 49)):
            image = portrait[: size[0], : size[1]]
            made = enlarged_again(repeated(scale), image)
            assert made.shape == image.shape
            coarse = [resize(picture, 16, 16, interpolation="area") for picture in (made, image)]
            assert np.abs(coarse[0] - coarse[1]).mean() < 0.02
    assert np.array_equal(enlarged_again(repeated(1), portrait), portrait)


def test_a_card_says_whether_a_network_draws(tmp_path: Path) -> None:
    network = Rrdb(blocks=1, features=4, growth=2)
    arguments = "blocks = 1\nfeatures = 4\ngrowth = 2\n"
    honest = find_single_picture(card_of(tmp_path / "a", "rrdb", network, arguments))
    drawing = find_single_picture(card_of(tmp_path / "b", "rrdb", network, arguments, "adversarial"))
    assert (honest.draws, drawing.draws) == (False, True)
    assert (honest.scale, honest.channels, len(honest.sha256)) == (4, 3, 64)
    grey = find_single_picture(
        str(card_of(tmp_path / "c", "enhance", Enhance(features=4, blocks=1), "features = 4\nblocks = 1\n"))
    )
    assert (grey.scale, grey.channels) == (2, 1)


def test_cards_of_other_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there is no card 'nothing'"):
        find_single_picture("nothing")
    with pytest.raises(WeightsError, match=r"of a network 'clean', and this needs one of 'enhance' or 'rrdb' or"):
        find_single_picture("clean")
    for name in card_names():
        card = read_card(cards_folder() / f"{name}.toml")
        if card.net == "rrdb" and card.sha256:
            assert find_single_picture(name).scale == 4


@pytest.mark.skipif(importlib.util.find_spec("spandrel") is None, reason="no spandrel here")
def test_a_file_of_the_user_may_draw_for_all_anybody_knows(tmp_path: Path, portrait: FloatArray) -> None:
    save_file(Compact().state_dict(), tmp_path / "mine.safetensors")
    found = find_single_picture(str(tmp_path / "mine.safetensors"))
    assert found.draws and found.objective == "unknown" and found.scale == 4
    assert found(portrait[:16, :20]).shape == (64, 80, 3)


def test_a_network_that_is_not_as_it_says_is_refused(portrait: FloatArray) -> None:
    wrong = SinglePicture("wrong", lambda x: x, 2, 3)
    with pytest.raises(UsageError, match=r"the network 'wrong' made .* and is said to enlarge 2 times"):
        wrong(portrait[:16, :16])
    assert enlarge(portrait[:16, :16], 2).shape == (32, 32, 3)
