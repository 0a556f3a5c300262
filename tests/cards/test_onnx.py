"""Networks as ONNX: the same numbers as in PyTorch at every size that the card leaves free, or no file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from tiny_network import Tiny
from typer.testing import CliRunner

from mfrec.cards.load import card_names, cards_folder, load_network, read_card
from mfrec.cards.onnx import TOLERANCE, declared_inputs, export_onnx, free_sizes
from mfrec.cli import app
from mfrec.errors import UsageError, WeightsError
from mfrec.nets import NETS

FREE = '[inputs]\nimage = ["batch", 3, "height", "width"]\n'


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card of the tiny network with weights beside it, without inputs."""
    monkeypatch.setitem(NETS, "tiny", "tiny_network:Tiny")
    network = Tiny(channels=4)
    rng = np.random.default_rng(0)
    state = {
        name: rng.uniform(0.1, 1.0, value.shape).astype(np.float16) if value.is_floating_point() else value.numpy()
        for name, value in network.state_dict().items()
    }
    data = save(state)
    (tmp_path / "tiny.safetensors").write_bytes(data)
    texts = dict.fromkeys(("summary", "paper", "licence", "origin", "training", "input"), "x")
    values = {"net": "tiny", "file": "tiny.safetensors", "sha256": hashlib.sha256(data).hexdigest(), **texts}
    path = tmp_path / "tiny.toml"
    path.write_text("".join(f'{k} = "{v}"\n' for k, v in values.items()) + "[arguments]\nchannels = 4\n")
    return path


def test_it_computes_what_pytorch_computes_at_other_sizes(card: Path) -> None:
    import onnxruntime
    import torch

    card.write_text(card.read_text() + FREE)
    file = card.with_name("tiny.onnx")
    found = export_onnx(card, file)
    assert found.inputs == {"image": ("batch", 3, "height", "width")}
    assert found.outputs == ("made_image",)
    assert 0 <= found.difference <= TOLERANCE
    image = torch.rand(2, 3, 7, 11)
    (made,) = onnxruntime.InferenceSession(file).run(None, {"image": image.numpy()})
    assert np.abs(made - load_network(card)(image).numpy()).max() < TOLERANCE
    assert [p.name for p in card.parent.iterdir() if "partial" in p.name] == []


def test_fixed_sizes_stay_fixed(card: Path) -> None:
    card.write_text(card.read_text() + '[inputs]\nimage = [1, 3, "8*height", 16]\n')
    assert export_onnx(card, card.with_name("tiny.onnx")).inputs == {"image": (1, 3, "8*height", 16)}


def test_the_command(card: Path) -> None:
    card.write_text(card.read_text() + FREE)
    arguments = ["weights", "export", str(card), "--onnx", "-o", str(card.with_name("tiny.onnx"))]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    assert "input image [batch, 3, height, width]" in done.stdout
    assert "differs from PyTorch by" in done.stdout
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2
    assert "is not replaced" in again.stderr
    card.with_name("tiny.onnx").unlink()
    assert json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)["difference"] <= TOLERANCE
    assert CliRunner().invoke(app, [a for a in arguments if a != "--onnx"]).exit_code == 2


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("", "does not state its inputs"),
        ('[inputs]\nimage = ["batch", 3, 0, 4]\n', "the input 'image'"),
        ('[inputs]\nimage = ["batch", 3, "0*height", 4]\n', "the input 'image'"),
        ("[inputs]\nimage = 3\n", "the input 'image'"),
        ('[inputs]\nimage = { shape = [1, 3, 8, 8], kind = "float16" }\n', "the input 'image'"),
        ("[inputs]\nimage = { shape = [1, 3, 8, 8], type = 1 }\n", "the input 'image'"),
    ],
)
def test_inputs_that_are_not_said_are_asked_for(card: Path, inputs: str, message: str) -> None:
    card.write_text(card.read_text() + inputs)
    with pytest.raises(UsageError, match=message):
        export_onnx(card, card.with_name("tiny.onnx"))
    assert not card.with_name("tiny.onnx").exists()


def test_a_network_of_several_parts_is_refused() -> None:
    with pytest.raises(UsageError, match="does not state its inputs"):
        export_onnx("mtcnn", Path("never.onnx"))


def test_damaged_weights_are_refused(card: Path) -> None:
    card.write_text(card.read_text() + FREE)
    card.with_name("tiny.safetensors").write_bytes(b"x")
    with pytest.raises(WeightsError, match="damaged"):
        export_onnx(card, card.with_name("tiny.onnx"))


def test_a_folder_that_cannot_be_written_is_refused(card: Path) -> None:
    card.write_text(card.read_text() + FREE)
    with pytest.raises(UsageError, match="cannot write"):
        export_onnx(card, card.parent / "none" / "tiny.onnx")


def test_free_sizes_keep_their_factors(card: Path) -> None:
    card.write_text(
        card.read_text() + '[inputs]\na = ["batch", 2, "4*height"]\nb = { shape = ["height"], kind = "int64" }\n'
    )
    inputs = declared_inputs(read_card(card))
    tried = free_sizes(inputs)
    assert len({sizes["height"] for sizes in tried}) == len(tried)
    for sizes in tried:
        assert inputs["a"].sized(sizes) == (sizes["batch"], 2, 4 * sizes["height"])
        assert inputs["b"].sized(sizes) == (sizes["height"],)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in card_names() if read_card(cards_folder() / f"{name}.toml").inputs])
def test_every_shipped_network_that_states_its_inputs(name: str, tmp_path: Path) -> None:
    if not read_card(cards_folder() / f"{name}.toml").sha256:
        pytest.skip("not trained yet")
    assert export_onnx(name, tmp_path / "network.onnx").difference <= TOLERANCE
