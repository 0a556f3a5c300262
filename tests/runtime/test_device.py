"""The processor or graphics card that networks run on."""

from __future__ import annotations

import pytest

from mfrec.errors import UsageError
from mfrec.runtime.device import resolve_device


@pytest.mark.parametrize("there", [False, True])
def test_the_graphics_card_is_taken_where_there_is_one(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    assert resolve_device("auto") == ("cuda" if there else "cpu")
    assert resolve_device("cpu") == "cpu"
    if there:
        assert resolve_device("cuda") == "cuda"
    else:
        with pytest.raises(UsageError, match="no CUDA device on this machine; use --device cpu"):
            resolve_device("cuda")
    with pytest.raises(UsageError, match="no device 'gpu'"):
        resolve_device("gpu")
