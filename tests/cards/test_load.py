"""Cards and weights: only the right numbers, in the right format, ever reach a network."""

import hashlib
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from tiny_network import Tiny

from mfrec.cards.load import (
    Card,
    card_names,
    card_path,
    cards_folder,
    load_network,
    new_network,
    read_card,
    read_state,
    shared_network,
    weights_folder,
)
from mfrec.errors import WeightsError
from mfrec.nets import NETS
from mfrec.pipeline import Run

RECIPE = """[recipe]
task = "clean"
steps = 10
"""


def card_text(data: bytes, **changes: str) -> str:
    values = {
        "net": "mtcnn",
        "file": "small.safetensors",
        "sha256": hashlib.sha256(data).hexdigest(),
        "summary": "s",
        "paper": "p",
        "licence": "MIT",
        "origin": "o",
        "training": "t",
        "input": "i",
        **changes,
    }
    return "".join(f'{key} = "{value}"\n' for key, value in values.items() if value)


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    return {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.ones(4, np.float32)}


def make(folder: Path, data: bytes, text: str | None = None) -> Card:
    (folder / "small.safetensors").write_bytes(data)
    (folder / "small.toml").write_text(text if text is not None else card_text(data))
    return read_card(folder / "small.toml")


def test_what_was_saved_is_what_is_read(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    state = read_state(make(tmp_path, save(tensors)), tmp_path)
    assert state.keys() == tensors.keys()
    assert all(np.array_equal(state[k], tensors[k]) and state[k].dtype == tensors[k].dtype for k in tensors)


def test_one_flipped_bit_is_noticed(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    data = save(tensors)
    card = make(tmp_path, data)
    damaged = bytearray(data)
    damaged[-1] ^= 1
    (tmp_path / card.file).write_bytes(damaged)
    with pytest.raises(WeightsError, match=r"damaged.*SHA-256.*expected"):
        read_state(card, tmp_path)


def test_a_pickle_by_another_name_is_refused_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    card = make(tmp_path, pickle.dumps(Trap()))
    with pytest.raises(WeightsError, match="not a safetensors file"):
        read_state(card, tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_says_what_to_do(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    card = make(tmp_path, save(tensors))
    (tmp_path / card.file).unlink()
    with pytest.raises(WeightsError, match="install mfrec again"):
        read_state(card, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": ""}, "no 'sha256'; weights without a hash are never loaded"),
        ({"sha256": "12ab"}, "sha256: expected str matching regex"),
        ({"licence": ""}, "no 'licence'"),
        ({"licens": "MIT"}, "unknown key 'licens'; did you mean 'licence'"),
        ({"file": "../small.safetensors"}, "file: expected str matching"),
        ({"file": "small.pth"}, "file: expected str matching"),
    ],
)
def test_a_wrong_card_is_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        make(tmp_path, b"x", card_text(b"x", **changes))


def test_a_card_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        make(tmp_path, b"x", "net = ")


def test_an_unknown_card_lists_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"no card 'mtcn'; known cards are .*mtcnn"):
        load_network("mtcn")


def test_a_card_by_its_path_is_named_by_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=re.escape(f"there is no card '{tmp_path / 'clean.toml'}'")):
        read_card(card_path(tmp_path / "clean.toml"))


def test_every_shipped_card_is_complete_and_loads() -> None:
    assert "mtcnn" in card_names()
    for name in card_names():
        card = read_card(cards_folder() / f"{name}.toml")
        assert card.net in NETS
        if card.sha256:
            assert (weights_folder() / card.file).is_file()
            load_network(name)
        else:
            new_network(card)


def test_every_shipped_weights_file_belongs_to_a_card() -> None:
    cards = [read_card(cards_folder() / f"{name}.toml") for name in card_names()]
    assert {path.name for path in weights_folder().iterdir()} == {card.file for card in cards if card.sha256}
    assert sum(path.stat().st_size for path in weights_folder().iterdir()) <= 96 * 2**20


# --- cards before and after training -----------------------------------------------------------------------


def test_a_card_with_a_recipe_is_read_before_it_is_trained_but_gives_no_network(tmp_path: Path) -> None:
    card = make(tmp_path, b"x", card_text(b"x", sha256="", origin="", training="") + RECIPE)
    assert (card.sha256, card.recipe["steps"]) == ("", 10)
    with pytest.raises(WeightsError, match=r"not trained yet.*mfrec train small"):
        load_network(tmp_path / "small.toml")


def test_a_card_says_whether_a_discriminator_taught_the_network(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    data = save(tensors)
    assert make(tmp_path, data).objective == "fidelity"
    assert make(tmp_path, data, card_text(data, objective="adversarial")).objective == "adversarial"
    with pytest.raises(WeightsError, match="objective"):
        make(tmp_path, data, card_text(data, objective="gan"))


def test_a_trained_card_needs_its_origin_again(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no 'origin'"):
        make(tmp_path, b"x", card_text(b"x", origin="") + RECIPE)


def test_measured_figures_are_numbers_or_text(tmp_path: Path) -> None:
    card = make(tmp_path, b"x", card_text(b"x", trained="2026-01-01T00:00:00Z") + '[metrics]\npsnr = 27.5\non = "40"\n')
    assert card.metrics == {"psnr": 27.5, "on": "40"}
    for wrong in ("psnr = true", "psnr = [1]"):
        with pytest.raises(WeightsError, match=r"metrics.*: expected"):
            make(tmp_path, b"x", card_text(b"x") + f"[metrics]\n{wrong}\n")
    with pytest.raises(WeightsError, match="metrics: expected object, got str"):
        make(tmp_path, b"x", card_text(b"x", metrics="good"))


# --- networks of PyTorch -----------------------------------------------------------------------------------


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """A network that cards may call "tiny"."""
    monkeypatch.setitem(NETS, "tiny", "tiny_network:Tiny")
    return Tiny(channels=4)


def written(folder: Path, state: dict[str, np.ndarray], channels: int = 4) -> Path:
    """A card and its weights side by side, as ``mfrec train`` leaves them."""
    data = save(state)
    make(folder, data, card_text(data, net="tiny") + f"[arguments]\nchannels = {channels}\n")
    return folder / "small.toml"


def halves(network: Tiny) -> dict[str, np.ndarray]:
    """The tensors of a network as its file holds them."""
    values = {name: value.numpy() for name, value in network.state_dict().items()}
    return {name: v.astype(np.float16) if v.dtype == np.float32 else v for name, v in values.items()}


def test_a_network_comes_ready_to_be_used(tmp_path: Path, tiny: Tiny) -> None:
    import torch

    before = torch.random.get_rng_state()
    network = load_network(written(tmp_path, halves(tiny)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not network.training
    for (name, value), wanted in zip(network.state_dict().items(), tiny.state_dict().values(), strict=True):
        assert value.dtype == wanted.dtype
        assert torch.equal(value, wanted.half().to(wanted.dtype)), name
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert network.hidden.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("norm.weight"), r"missing \['norm.weight'\]"),
        (lambda state: state.update(extra=np.zeros(2)), r"unknown \['extra'\]"),
        (lambda state: state.update({"out.bias": np.zeros(47, np.float16)}), r"another shape \['out.bias'\]"),
    ],
    ids=["missing", "extra", "shape"],
)
def test_tensors_of_another_network_are_refused(tmp_path: Path, tiny: Tiny, change: Callable, message: str) -> None:
    state = halves(tiny)
    change(state)
    with pytest.raises(WeightsError, match=message):
        load_network(written(tmp_path, state))


def test_arguments_that_the_network_does_not_take_are_refused(tmp_path: Path, tiny: Tiny) -> None:
    data = save(halves(tiny))
    make(tmp_path, data, card_text(data, net="tiny") + "[arguments]\nwidth = 4\n")
    with pytest.raises(WeightsError, match=r"arguments of the card 'small' do not fit.*width"):
        load_network(tmp_path / "small.toml")


def test_a_network_larger_than_its_weights_is_not_even_built(tmp_path: Path, tiny: Tiny) -> None:
    """A stranger's card: a terabyte by its arguments."""
    with pytest.raises(WeightsError, match=r"ask for a network of .* numbers"):
        load_network(written(tmp_path, halves(tiny), channels=10**9))


def test_a_card_of_another_kind_is_refused() -> None:
    with pytest.raises(WeightsError, match="is of a network 'bisenet', and this needs one of 'clean'"):
        Run().network("parser", "clean")


def test_numbers_that_mean_nothing(tmp_path: Path) -> None:
    for text in (
        "[metrics]\npsnr = nan\n",
        "[metrics]\npsnr = inf\n",
        "[recipe]\nclip = nan\n",
        "[arguments]\nwidth = inf\n",
    ):
        with pytest.raises(WeightsError, match="cannot be read: it holds the number"):
            make(tmp_path, b"x", card_text(b"x") + text)
    assert make(tmp_path, b"x", card_text(b"x") + "[recipe]\nclip = inf\n").recipe == {"clip": float("inf")}


def test_a_network_that_does_not_exist_is_refused(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    data = save(tensors)
    make(tmp_path, data, card_text(data, net="resnet"))
    with pytest.raises(WeightsError, match=r"wants the network 'resnet'; known are .*mtcnn"):
        load_network(tmp_path / "small.toml")


def test_a_flipped_byte_is_refused_on_the_way_to_a_network(tmp_path: Path, tiny: Tiny) -> None:
    path = written(tmp_path, halves(tiny))
    damaged = bytearray((tmp_path / "small.safetensors").read_bytes())
    damaged[len(damaged) // 2] ^= 255
    (tmp_path / "small.safetensors").write_bytes(damaged)
    with pytest.raises(WeightsError, match="damaged"):
        load_network(path)


def test_a_shared_network_is_built_once_and_its_file_verified_every_time(tmp_path: Path, tiny: Tiny) -> None:
    path = written(tmp_path, halves(tiny))
    network = shared_network(path)
    assert shared_network(path) is network
    assert load_network(path) is not network
    (tmp_path / "small.safetensors").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="damaged"):
        shared_network(path)


# --- where they are found ----------------------------------------------------------------------------------


def test_nothing_depends_on_the_working_folder(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); "
        "from mfrec.cards.load import load_network; load_network('mtcnn')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=300)


def test_an_installed_package_finds_its_own_data(tmp_path: Path) -> None:
    import shutil

    root = Path(__file__).resolve().parents[2]
    package = tmp_path / "site" / "mfrec"
    shutil.copytree(root / "mfrec", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(cards_folder(), package / "_models", dirs_exist_ok=True)
    shutil.copytree(weights_folder(), package / "_weights", dirs_exist_ok=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from mfrec.cards.load import load_network, cards_folder\n"
        "load_network('mtcnn'); print(cards_folder())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=300, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()) == package / "_models"
