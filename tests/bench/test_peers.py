"""Peers: each is what its name says, files are read exactly, and what is missing is said with the way to get it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from compact_network import Compact
from safetensors.torch import save_file

from mfrec.bench.peers import centred, find_peer, is_peer, single_picture
from mfrec.cards import foreign
from mfrec.cards.single_picture import SinglePicture
from mfrec.errors import UsageError, WeightsError
from mfrec.image.geometry import enlarge
from mfrec.nets.finetune import Finetune
from mfrec.nets.multi_frame_unet import MultiFrameUnet
from mfrec.nets.rrdb import Rrdb
from mfrec.types import FloatArray

FRAMES = list(np.random.default_rng(0).random((7, 16, 20, 3), np.float32))


def installed(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"no {package} here")


@pytest.mark.parametrize("name", ["nearest", "bilinear", "lanczos"])
def test_interpolations_see_the_reference_alone(name: str) -> None:
    picture = find_peer(name)(FRAMES, 3)
    assert picture.shape == (64, 80, 3) and picture.dtype == np.float32
    assert np.array_equal(picture, find_peer(name)([FRAMES[3]], 0))
    assert picture.min() >= 0 and picture.max() <= 1
    assert find_peer(name)([np.full((8, 8, 3), 0.5, np.float32)], 0) == pytest.approx(0.5)


def test_nearest_repeats_pixels_and_bilinear_stays_between_them() -> None:
    assert np.array_equal(find_peer("nearest")(FRAMES, 0), FRAMES[0].repeat(4, axis=0).repeat(4, axis=1))
    picture = find_peer("bilinear")(FRAMES, 0)
    assert FRAMES[0].min() <= picture.min() and picture.max() <= FRAMES[0].max()


def test_names() -> None:
    assert all(map(is_peer, ("nearest", "realesrgan", "spandrel:a.pth", "network:bionet")))
    assert not any(map(is_peer, ("bicubic", "mean", "evidence", "recipe.toml")))
    with pytest.raises(UsageError, match="there is no peer 'bicubic'; known are nearest, bilinear"):
        find_peer("bicubic")


def test_the_reference_goes_to_the_middle() -> None:
    for reference in range(5):
        order = [int(frame[0, 0, 0]) for frame in centred([np.full((1, 1, 3), i) for i in range(5)], reference, 5)]
        assert order[2] == reference
        assert [i for i in order if i != reference] == [i for i in range(5) if i != reference]


# --- networks of the zoo and of the user -------------------------------------------------------------------


def card(folder: Path, net: str, network: torch.nn.Module, arguments: str) -> str:
    """A card with weights beside it, as ``mfrec train`` writes them; its path."""
    save_file(network.state_dict(), folder / "net.safetensors")
    digest = hashlib.sha256((folder / "net.safetensors").read_bytes()).hexdigest()
    texts = "".join(f'{key} = "x"\n' for key in ("summary", "paper", "licence", "origin", "training", "input"))
    path = folder / "net.toml"
    path.write_text(
        f'net = "{net}"\nfile = "net.safetensors"\nsha256 = "{digest}"\n{texts}[arguments]\n{arguments}',
        encoding="utf-8",
    )
    return f"network:{path}"


def test_a_network_of_all_frames_gets_them_with_the_reference_in_the_middle(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MultiFrameUnet(frames=3, width=0.05).eval()
    peer = find_peer(card(tmp_path, "multi_frame_unet", network, "frames = 3\nwidth = 0.05\n"))
    stack = torch.from_numpy(np.stack([FRAMES[1], FRAMES[0], FRAMES[2]])).permute(0, 3, 1, 2)[None]
    with torch.inference_mode():
        expected = network(stack.contiguous())[0].clamp(0, 1).permute(1, 2, 0).numpy()
    assert peer(FRAMES[:3], 0) == pytest.approx(expected, abs=1e-4)  # channels lie otherwise in memory


def test_a_network_of_fewer_frames_gets_those_about_the_reference() -> None:
    ordered = centred(FRAMES, 1, len(FRAMES))
    assert ordered[len(FRAMES) // 2] is FRAMES[1]
    for count in (1, 3):
        first = len(FRAMES) // 2 - count // 2
        assert [id(frame) for frame in centred(FRAMES, 1, count)] == [id(frame) for frame in ordered[first:][:count]]
    for frames in (FRAMES[:4], FRAMES[:6]):  # of an even number of frames too
        given = centred(frames, 1, 3)
        assert len(given) == 3 and given[1] is frames[1]


def test_a_finishing_network_gets_the_enlarged_reference(tmp_path: Path) -> None:
    peer = find_peer(card(tmp_path, "finetune", Finetune(), ""))
    # Before it is trained it changes nothing.
    assert peer(FRAMES, 2) == pytest.approx(enlarge(FRAMES[2], 4), abs=1e-5)


def test_a_picture_is_finished_by_a_second_network(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = card(tmp_path / "a", "multi_frame_unet", MultiFrameUnet(frames=7, width=0.05), "frames = 7\nwidth = 0.05\n")
    second = card(tmp_path / "b", "finetune", Finetune(), "").removeprefix("network:")
    assert find_peer(f"{first}+{second}")(FRAMES, 2) == pytest.approx(find_peer(first)(FRAMES, 2), abs=1e-5)
    with pytest.raises(UsageError, match="come first"):
        find_peer(f"network:{second}+{first.removeprefix('network:')}")


def test_a_network_that_is_part_of_a_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'gaze' of the card .* cannot be used at this place"):
        find_peer(card(tmp_path, "gaze", torch.nn.Conv2d(1, 1, 1), ""))
    with pytest.raises(UsageError, match=r"'mine\.txt' is no file of weights"):
        find_peer("spandrel:mine.txt")
    with pytest.raises(WeightsError, match="there is no card 'nothing'"):
        find_peer("network:nothing")


@installed("spandrel")
def test_a_network_of_the_user(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = Compact().eval()
    save_file(network.state_dict(), tmp_path / "mine.safetensors")
    with torch.inference_mode():
        made = network(torch.from_numpy(FRAMES[4].transpose(2, 0, 1)[None].copy()))
        expected = made[0].clamp(0, 1).permute(1, 2, 0).numpy()
    assert find_peer(f"spandrel:{tmp_path / 'mine.safetensors'}")(FRAMES, 4) == pytest.approx(expected, abs=1e-5)


def test_other_scales_come_out_at_four() -> None:
    image = FRAMES[0]
    for scale in (1, 2, 8):

        def larger(x: torch.Tensor, scale: int = scale) -> torch.Tensor:
            return torch.nn.functional.interpolate(x, scale_factor=scale)

        made = single_picture(SinglePicture("any", larger, scale, 3))([image], 0)
        assert made.shape == (64, 80, 3)
        assert np.abs(made.reshape(16, 4, 20, 4, 3).mean(axis=(1, 3)) - image).mean() < 0.1


@installed(foreign.PACKAGE)
def test_realesrgan_keeps_what_it_was_given(portrait: FloatArray) -> None:
    small = np.ascontiguousarray(portrait[80:96, 90:106])
    picture = find_peer("realesrgan")([small], 0)
    assert picture.shape == (64, 64, 3)
    assert np.abs(picture.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3)) - small).mean() < 0.03
    assert np.abs(picture - enlarge(small, 4)).mean() > 0.01, "and draws something"


def test_a_network_of_single_pictures_comes_first_or_finishes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Rrdb(blocks=1, features=4, growth=2).eval()
    name = card(tmp_path, "rrdb", network, "blocks = 1\nfeatures = 4\ngrowth = 2\n")
    first = find_peer(name)(FRAMES, 2)
    with torch.inference_mode():
        made = network(torch.from_numpy(FRAMES[2].transpose(2, 0, 1)[None].copy()))[0]
    assert first == pytest.approx(made.clamp(0, 1).permute(1, 2, 0).numpy(), abs=1e-5)
    twice = find_peer(f"{name}+{name.removeprefix('network:')}")(FRAMES, 2)
    assert twice.shape == first.shape and not np.allclose(twice, first)
