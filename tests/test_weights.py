"""Cards and weights: only the right numbers, in the right format, ever reach a network."""

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from mfrec.errors import WeightsError
from mfrec.nets import NETS
from mfrec.weights import Card, card_names, cards_folder, load_network, read_card, read_state, weights_folder


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
        ({"sha256": "12ab"}, "64 lower-case hex digits"),
        ({"licence": ""}, "no 'licence'"),
        ({"licens": "MIT"}, "unknown key 'licens'; did you mean 'licence'"),
        ({"file": "../small.safetensors"}, "plain name"),
        ({"file": "small.pth"}, "plain name of a .safetensors file"),
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


def test_every_shipped_card_is_complete_and_loads() -> None:
    assert "mtcnn" in card_names()
    for name in card_names():
        card = read_card(cards_folder() / f"{name}.toml")
        assert card.net in NETS
        assert (weights_folder() / card.file).is_file()
        load_network(name)


def test_nothing_depends_on_the_working_folder(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parent.parent
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from mfrec.weights import load_network; load_network('mtcnn')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)


def test_an_installed_package_finds_its_own_data(tmp_path: Path) -> None:
    import shutil

    root = Path(__file__).resolve().parent.parent
    package = tmp_path / "site" / "mfrec"
    shutil.copytree(root / "mfrec", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(cards_folder(), package / "_models", dirs_exist_ok=True)
    shutil.copytree(weights_folder(), package / "_weights", dirs_exist_ok=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from mfrec.weights import load_network, cards_folder\n"
        "load_network('mtcnn'); print(cards_folder())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()) == package / "_models"
