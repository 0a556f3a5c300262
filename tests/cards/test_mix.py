"""Weights between two trainings: exact at both ends, on a line between them, and honest about what they are."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from typer.testing import CliRunner

from mfrec.cards.load import load_network, read_card, read_state
from mfrec.cards.mix import mix
from mfrec.cli import app
from mfrec.errors import UsageError, WeightsError
from mfrec.nets.rrdb import Rrdb
from mfrec.nets.srresnet import Srresnet

CARD = """# A comment that stays.
net = "{net}"
file = "{name}.safetensors"
summary = "s"
paper = "p"
licence = "{licence}"
input = "i"
{objective}sha256 = "{sha256}"
origin = "o"
training = "t of {name}"
trained = "2026-11-27T00:00:00Z"

[arguments]
{arguments}

[recipe]
task = "enlarge"

[metrics]
psnr = 30.0
"""

SMALL: dict[str, Any] = {"blocks": 1, "features": 8, "growth": 4}


def written(folder: Path, name: str, seed: int, *, objective: str = "", net: str = "rrdb", **changes: Any) -> str:
    """A card with random float16 weights; its path."""
    arguments = {**SMALL, **changes} if net == "rrdb" else {"features": 8, "blocks": 1}
    torch.manual_seed(seed)
    network = Rrdb(**arguments) if net == "rrdb" else Srresnet(features=8, blocks=1)
    tensors = {
        key: value.numpy().astype(np.float16 if value.is_floating_point() else np.int64)
        for key, value in network.state_dict().items()
    }
    data = save(tensors)
    (folder / f"{name}.safetensors").write_bytes(data)
    (folder / f"{name}.toml").write_text(
        CARD.format(
            net=net,
            name=name,
            licence="MIT",
            objective=f'objective = "{objective}"\n' if objective else "",
            sha256=hashlib.sha256(data).hexdigest(),
            arguments="\n".join(f"{key} = {value}" for key, value in arguments.items()),
        )
    )
    return str(folder / f"{name}.toml")


def tensors(path: str | Path) -> dict[str, np.ndarray]:
    return read_state(read_card(Path(path)), Path(path).parent)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    return written(tmp_path, "psnr", 0), written(tmp_path, "gan", 1, objective="adversarial")


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_ends_are_the_ends_bit_for_bit(pair: tuple[str, str], tmp_path: Path, alpha: float) -> None:
    made = mix(*pair, alpha, tmp_path / "mixed.toml")
    found, end = tensors(made.card), tensors(pair[int(alpha)])
    assert found.keys() == end.keys()
    assert all(found[key].tobytes() == end[key].tobytes() and found[key].dtype == end[key].dtype for key in end)
    end_bytes = (tmp_path / f"{('psnr', 'gan')[int(alpha)]}.safetensors").read_bytes()
    assert (tmp_path / "mixed.safetensors").read_bytes() == end_bytes
    assert made.objective == ("fidelity", "adversarial")[int(alpha)]


def test_between_them_every_number_is_on_the_line(pair: tuple[str, str], tmp_path: Path) -> None:
    made = mix(*pair, 0.8, tmp_path / "mixed")
    one, other, found = (tensors(path) for path in (*pair, made.card))
    for key, value in found.items():
        expected = (1 - 0.8) * one[key].astype(np.float64) + 0.8 * other[key].astype(np.float64)
        np.testing.assert_array_equal(value, expected.astype(np.float16))
    image = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    pictures = [load_network(path)(image) for path in (*pair, made.card)]
    assert (pictures[2] - pictures[1]).abs().mean() < (pictures[2] - pictures[0]).abs().mean()


def test_the_card_says_what_it_is_of(pair: tuple[str, str], tmp_path: Path) -> None:
    made = mix(*pair, 0.25, tmp_path / "mixed.toml")
    card = read_card(made.card)
    assert card.objective == "adversarial"
    assert card.summary == "0.75 of the weights of 'psnr' and 0.25 of those of 'gan'."
    assert "'psnr' (" in card.origin
    assert "t of psnr" in card.training
    assert "t of gan" in card.training
    assert not card.recipe
    assert not card.metrics
    assert card.trained == ""
    assert made.card.read_text().startswith("# A comment that stays.")


def test_statistics_of_a_normalisation_are_said_to_be_mixed(tmp_path: Path) -> None:
    pair = [written(tmp_path, name, seed, net="srresnet") for seed, name in enumerate(("one", "other"))]
    made = mix(pair[0], pair[1], 0.5, tmp_path / "mixed.toml")
    assert made.normalised
    assert "an approximation" in read_card(made.card).summary
    assert load_network(made.card).training is False


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(pair: tuple[str, str], tmp_path: Path, alpha: float) -> None:
    with pytest.raises(UsageError, match=r"--alpha is .*expected a number from 0"):
        mix(*pair, alpha, tmp_path / "mixed.toml")
    assert not (tmp_path / "mixed.toml").exists()


def test_two_networks_are_not_mixed(tmp_path: Path) -> None:
    one = written(tmp_path, "one", 0)
    for other in (written(tmp_path, "more", 1, blocks=2), written(tmp_path, "kind", 1, net="srresnet")):
        with pytest.raises(WeightsError, match="two trainings of one network"):
            mix(one, other, 0.5, tmp_path / "mixed.toml")


def test_a_name_that_is_no_name(pair: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name for a card"):
        mix(*pair, 0.5, tmp_path / "a b.toml")


def test_what_mfrec_did_not_write_is_not_replaced(pair: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mfrec did not write it"):
        mix(*pair, 0.5, Path(pair[0]))
    mix(*pair, 0.5, tmp_path / "mixed.toml")
    mix(*pair, 0.6, tmp_path / "mixed.toml")  # its own it may


def test_the_command(pair: tuple[str, str], tmp_path: Path) -> None:
    out = tmp_path / "mixed.toml"
    said = CliRunner().invoke(app, ["weights", "mix", *pair, "--alpha", "0.5", "-o", str(out)])
    assert said.exit_code == 0, said.stderr
    assert said.stdout.strip() == f"{out}: adversarial"
    said = CliRunner().invoke(app, ["weights", "mix", *pair, "--alpha", "2", "-o", str(out)])
    assert said.exit_code == 2
