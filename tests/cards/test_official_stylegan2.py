"""Official pickles of StyleGAN2-ADA: read for their tensors, drawn alike by our network, and nothing of them is run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from official_pickle import Convolution, Persistent, drawn, official_generator, pickled
from torch import nn
from typer.testing import CliRunner

from mfrec.cards.array_pickle import MAGIC, PROTOCOL, Persisted, module_arrays, read_arrays, storage, tensor
from mfrec.cards.load import load_network, read_card
from mfrec.cards.official_stylegan2 import add_stylegan2
from mfrec.cli import app
from mfrec.errors import UsageError, WeightsError


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_the_card_draws_what_the_official_arithmetic_draws(protocol: int, tmp_path: Path) -> None:
    generator = official_generator()
    file = tmp_path / "official.pkl"
    file.write_bytes(pickled({"G": None, "D": None, "G_ema": generator, "training_set_kwargs": {}}, protocol))
    added = add_stylegan2(file, "research only", tmp_path / "faces.toml")
    card, network = read_card(added.card), load_network(str(added.card))
    assert (card.net, card.objective, card.licence) == ("stylegan2", "adversarial", "research only")
    assert card.arguments == {"side": 16, "latent": 4, "base": 48, "most": 6, "mapping": 3, "framing": "ffhq"}
    z = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours = network.picture(network.truncated(z, 0.7))
        theirs = drawn(generator, z, 0.7) / 2 + 0.5
    assert ours.std() > 0.1
    assert torch.allclose(ours, theirs, atol=1e-5 * float(theirs.abs().max()))


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "official.pkl").write_bytes(pickled(official_generator()))
    out = str(tmp_path / "faces.toml")
    done = CliRunner().invoke(
        app, ["weights", "add", str(tmp_path / "official.pkl"), "--licence", "mine", "-o", out, "--json"]
    )
    assert done.exit_code == 0, done.output
    assert '"side": 16' in done.output


# --- files that want something else -------------------------------------------------------------------------


class Runs:
    """Pickles as a call."""

    def __init__(self, called: Callable[..., Any], *arguments: Any) -> None:
        self.call = called, arguments

    def __reduce__(self) -> Any:
        return self.call


def hostile(marker: Path) -> dict[str, Any]:
    """Files that would make another file, if anything in them were run."""
    code = f"open({str(marker)!r}, 'w').close()"
    return {
        "a shell": Runs(__import__("os").system, f"touch {marker}"),
        "a program": Runs(exec, code),
        "a tensor with a program as its numbers": Runs(
            torch._utils._rebuild_tensor_v2, Runs(eval, code), 0, (1,), (1,)
        ),
        "a pickle in a pickle": Runs(pickle.loads, pickle.dumps(Runs(exec, code))),
        "a stored tensor that is a program": Runs(torch.storage._load_from_bytes, pickle.dumps(Runs(exec, code))),
        "a module of Python": Runs(__import__, "antigravity"),
        "an attribute": Runs(getattr, Runs(__import__, "os"), "system"),
        "among the weights": {"G_ema": official_generator(), "x": Runs(exec, code)},
    }


@pytest.mark.parametrize("way", sorted(hostile(Path("x"))))
def test_a_file_that_wants_to_run_something_is_refused_and_runs_nothing(way: str, tmp_path: Path) -> None:
    marker = tmp_path / "was run"
    (tmp_path / "bad.pkl").write_bytes(pickled(hostile(marker)[way]))
    with pytest.raises(WeightsError, match=r"'bad.pkl' (was not read: it asks for|cannot be read)"):
        add_stylegan2(tmp_path / "bad.pkl", "mine", tmp_path / "card.toml")
    assert not marker.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.pkl"]


def test_the_hostile_files_would_have_run(tmp_path: Path) -> None:
    """So that the test above can fail."""
    pickle.loads(pickle.dumps(hostile(tmp_path / "ran")["a program"]))
    assert (tmp_path / "ran").exists()


def test_a_pickle_may_set_no_attribute_of_what_it_was_given() -> None:
    for name in (b"builtins\nset", b"torch._utils\n_rebuild_parameter", b"dnnlib.util\nEasyDict"):
        with pytest.raises(WeightsError, match="the instruction 0x62, which no tensor needs"):
            read_arrays(b"\x80\x02c" + name + b"\n}X\x01\x00\x00\x00aK\x01sb.", "x")


DOUBLED = b"Nq\x000" + b"".join(b"h%ch%c\x86q%c0" % (k, k, k + 1) for k in range(60)) + b"h%c" % 60
"""Pairs of the pair before: what looks at each of them looks at 2**60."""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "None"),
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00.", "instruction 0x96"),
        (b"\x80\x02}" + DOUBLED + b"K\x01s.", "a name that is a tuple"),
        (b"\x80\x04\x8f(" + DOUBLED + b"\x90.", "a name that is a tuple"),
        (b"\x80\x02cbuiltins\nset\n]" + DOUBLED + b"a\x85R.", "a name that is a tuple"),
        (b"\x80\x02ccollections\nOrderedDict\n]" + DOUBLED + b"a\x85R.", "TypeError"),
        (b"\x80\x02cdnnlib.util\nEasyDict\n]" + DOUBLED + b"a\x85R.", "TypeError"),
    ],
)
def test_ten_bytes_cost_no_gigabyte_and_no_hour(data: bytes, message: str) -> None:
    if message == "None":
        assert read_arrays(data, "x") is None
        return
    with pytest.raises(WeightsError, match=message):
        read_arrays(data, "x")


def test_a_module_in_many_places_of_many_is_refused() -> None:
    module = Persisted("m", {})
    for _ in range(12):
        module = Persisted("m", {"_modules": dict.fromkeys("abcdefgh", module)})
    with pytest.raises(WeightsError, match="or are more than 10000"):
        module_arrays(module)


def test_a_tensor_of_what_are_no_numbers_is_refused() -> None:
    def stored(kind: str) -> bytes:
        parts = (MAGIC, PROTOCOL, {"little_endian": True}, Pointed(kind), ["0"])
        buffer = io.BytesIO()
        for part in parts:
            pickler = pickle.Pickler(buffer, 2)
            pickler.persistent_id = lambda value: value.pid if isinstance(value, Pointed) else None
            pickler.dump(part)
        return buffer.getvalue() + (2).to_bytes(8, "little") + bytes(16)

    assert storage(stored("<f8")).tolist() == [0.0, 0.0]
    for kind in ("V8", "O", "i4,f4", "<M8[s]", "S8", "<c8"):
        with pytest.raises(ValueError, match="no numbers"):
            storage(stored(kind))


class Pointed:
    """Pickles as what PyTorch says of a storage."""

    def __init__(self, kind: str) -> None:
        self.pid = ("storage", kind, "0", "cpu", 2, None)


# --- files that are something else --------------------------------------------------------------------------


def without(path: str) -> Callable[[Any], Any]:
    def take(generator: Any) -> Any:
        *way, last = path.split(".")
        holder = generator
        for name in way:
            holder = getattr(holder, name)
        delattr(holder, last)
        return generator

    return take


def changed(path: str, value: Any) -> Callable[[Any], Any]:
    def change(generator: Any) -> Any:
        *way, last = path.split(".")
        holder = without(path)(generator)
        for name in way:
            holder = getattr(holder, name)
        setattr(holder, last, value)
        return generator

    return change


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (changed("synthesis.b8.conv0", Convolution(5, 6, 4, 8)), "do not fit each other"),
        (changed("synthesis.b8.conv1.weight", nn.Parameter(torch.zeros(6, 6, 5, 5))), "do not fit each other"),
        (changed("synthesis.b4.const", nn.Parameter(torch.zeros(6, 5, 4))), "do not fit each other"),
        (changed("mapping.fc1.bias", nn.Parameter(torch.full((4,), float("nan")))), "no numbers; the file is damaged"),
        (without("synthesis.b16.conv1.noise_strength"), r"b16.conv1.noise_strength' is missing"),
        (without("synthesis.b8"), r"layers of \[4, 16\] px"),
        (without("synthesis.b4.const"), "'Generator' that is no StyleGAN2"),
        (lambda g: {"G": g}, "holds G and no generator 'G_ema'"),
        (lambda _: [1, 2], "holds no network"),
        (lambda g: g.mapping.register_buffer("embedding", torch.zeros(2)) or g, "unknown tensors"),
        (lambda g: setattr(g.mapping, "embed", Convolution(2, 4, 4, 0)) or g, "what a label asks for"),
        (
            lambda g: g.synthesis.b8.conv0.register_buffer("resample_filter", torch.ones(4, 4)) or g,
            "another filter than 1 3 3 1",
        ),
    ],
)
def test_another_network_is_refused_with_a_sentence(
    make: Callable[[Persistent], Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "other.pkl").write_bytes(pickled(make(official_generator())))
    with pytest.raises(WeightsError, match=message):
        add_stylegan2(tmp_path / "other.pkl", "mine", tmp_path / "card.toml")
    assert not (tmp_path / "card.toml").exists()


def test_a_damaged_file_and_an_answer_that_is_none_are_refused(tmp_path: Path) -> None:
    whole = pickled(official_generator())
    for data in (b"", b"PK\x03\x04 a zip", whole[: len(whole) // 2], b"\x80\x04."):
        (tmp_path / "x.pkl").write_bytes(data)
        with pytest.raises(WeightsError, match=r"'x\.pkl' cannot be read as a pickle of tensors"):
            add_stylegan2(tmp_path / "x.pkl", "mine", tmp_path / "card.toml")
    (tmp_path / "x.pkl").write_bytes(whole)
    with pytest.raises(UsageError, match="licence of the weights is empty"):
        add_stylegan2(tmp_path / "x.pkl", " ", tmp_path / "card.toml")
    with pytest.raises(UsageError, match="no name for a card"):
        add_stylegan2(tmp_path / "x.pkl", "mine", tmp_path / ".toml")
    with pytest.raises(UsageError, match="cannot be opened"):
        add_stylegan2(tmp_path / "none.pkl", "mine", tmp_path / "card.toml")


def test_a_tensor_shows_its_own_numbers_and_no_others() -> None:
    numbers = np.arange(12, dtype=np.float32)
    assert np.array_equal(tensor(numbers, 2, (2, 3), (5, 1)), [[2, 3, 4], [7, 8, 9]])
    assert tensor(numbers, 3, (), ()) == 3
    for offset, shape, strides in (
        (0, (13,), (1,)),
        (0, (6, 6), (0, 1)),
        (8, (2, 3), (3, 1)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
    ):
        with pytest.raises(ValueError, match="a tensor"):
            tensor(numbers, offset, shape, strides)


def test_stored_tensors_keep_their_layout() -> None:
    value = torch.randn(3, 4, 2, 5).to(memory_format=torch.channels_last)
    assert np.array_equal(read_arrays(pickle.dumps(value), "x"), value.numpy())
    half = torch.randn(4).half()
    assert np.array_equal(read_arrays(pickle.dumps(half), "x"), half.numpy())
    buffer = io.BytesIO()
    torch.save(value, buffer)
    with pytest.raises(WeightsError, match="cannot be read as a pickle"):
        read_arrays(buffer.getvalue(), "x")
