"""From a training to what ships: float16 tensors, and a card that vouches for them and for nothing else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_network import Tiny
from tiny_training import STEPS, training

import mfrec
from mfrec.cards import load as weights
from mfrec.cards.load import load_network, read_card
from mfrec.errors import WeightsError
from mfrec.nets import NETS
from mfrec.train.export import described, export, half, install, rounded, source_commit
from mfrec.train.learner import Trained, train

CARD = """# Who reads the card reads this first.
net = "tiny"
file = "tiny.safetensors"
summary = "s"
paper = "p"
licence = "Apache-2.0"  # ours
input = "i"

[arguments]
dropout = 0.25

[recipe]
task = "clean"
steps = 30
batch = 2
learning_rate = 3e-3

[recipe.losses]
charbonnier = 1.0  # weight
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(training(), tmp_path_factory.mktemp("training"))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(NETS, "tiny", "tiny_network:Tiny")
    (tmp_path / "tiny.toml").write_text(CARD)
    return tmp_path / "tiny.toml"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in ("a.png", "b.JPG", "notes.txt"):
        (folder / name).write_bytes(b"")
    return folder


def test_what_is_exported_loads_and_says_what_was_done(
    trained: Trained, source: Path, pictures: Path, tmp_path: Path
) -> None:
    path = export(trained, training().recipe, source, tmp_path / "out", data=[pictures], terms='for "research" only\\')
    assert sorted(p.name for p in path.parent.iterdir()) == ["mfrec-files.json", "tiny.safetensors", "tiny.toml"]
    card = read_card(path)
    assert card.training == f"{STEPS} steps of 2 samples, seed 7, on 'faces' (2 pictures); for \"research\" only\\"
    assert card.origin == f"trained with mfrec {mfrec.__version__}"
    assert card.parameters == f"{sum(value.numel() for value in trained.network.parameters()):,}"
    assert card.trained_for.startswith(f"{STEPS} steps × 2, ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", card.trained)
    assert card.metrics["samples"] == 3
    assert float(card.metrics["psnr"]) > float(card.metrics["psnr_bicubic"]) - 3
    network = load_network(path)
    for name, value in trained.network.state_dict().items():
        assert torch.equal(network.state_dict()[name], value.half().to(value.dtype)), name


def test_comments_order_and_recipe_of_the_card_stay(trained: Trained, source: Path, tmp_path: Path) -> None:
    text = export(trained, training().recipe, source, tmp_path / "out", data=[], terms="").read_text()
    lines = iter(text.splitlines())
    assert all(line in lines for line in CARD.splitlines() if line), "a line was lost or moved"
    assert read_card(tmp_path / "out" / "tiny.toml").recipe == read_card(source).recipe


def test_a_trained_card_can_be_trained_again(trained: Trained, source: Path, tmp_path: Path) -> None:
    first = export(trained, training().recipe, source, tmp_path / "out", data=[], terms="old terms")
    again = export(trained, training().recipe, first, tmp_path / "again", data=[], terms="new terms")
    assert "new terms" in read_card(again).training
    assert "old terms" not in again.read_text()
    ours = read_card(first).trained_for
    assert read_card(again).trained_for == ours
    further = export(trained, training().recipe, first, tmp_path / "further", data=[], terms="", start=str(first))
    assert read_card(further).trained_for == f"{ours}, after {ours}"
    assert read_card(again).sha256 == read_card(first).sha256


def test_installed_means_found_by_name(
    trained: Trained, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(trained, training().recipe, source, tmp_path / "out", data=[], terms="")
    for name in ("cards_folder", "weights_folder"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(weights, name, lambda name=name: tmp_path / name)
        monkeypatch.setattr(f"mfrec.train.export.{name}", lambda name=name: tmp_path / name)
    install(path)
    assert isinstance(load_network("tiny"), Tiny)
    (tmp_path / "out" / "tiny.safetensors").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="damaged"):
        install(path)
    assert isinstance(load_network("tiny"), Tiny)


def test_numbers_beyond_float16_are_refused() -> None:
    for value in (1e6, float("nan"), float("inf")):
        network = Tiny()
        with torch.no_grad():
            network.out.weight[0] = value
        with pytest.raises(WeightsError, match=r"'out.weight' holds a value that is not finite in float16"):
            half(network)


def test_whole_numbers_stay_whole() -> None:
    tensors = half(Tiny())
    assert tensors["norm.num_batches_tracked"].dtype == np.int64
    assert {value.dtype for name, value in tensors.items() if "tracked" not in name} == {np.dtype(np.float16)}


def test_the_commit_is_that_of_the_checkout() -> None:
    root = Path(mfrec.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        assert source_commit() == f"mfrec {mfrec.__version__}"
        return
    head = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert source_commit().removesuffix("+changes") == head.stdout.strip()


def test_folders_in_words(pictures: Path) -> None:
    assert described([pictures, pictures]) == "'faces' (2 pictures) and 'faces' (2 pictures)"


def test_digits_that_mean_something() -> None:
    assert rounded({"psnr": 27.23456, "psnr_bicubic": 26.0, "ssim": 0.812345}) == {
        "psnr": 27.23,
        "psnr_bicubic": 26.0,
        "ssim": 0.8123,
    }
