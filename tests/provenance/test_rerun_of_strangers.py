"""Records that a stranger wrote: repeating one ends in mfrec's own errors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from output_folder import BARE

from mfrec.errors import InputError, MfrecError, UsageError, WeightsError
from mfrec.options import Options
from mfrec.provenance.rerun import rerun
from mfrec.recipe import load

ARGUMENTS = {**Options().record(), "recipe": "evidence", "scale": 2, "device": "cpu", "seed": 0}


def with_stage(name: str, **changes: Any) -> dict[str, Any]:
    """The evidence recipe as a record holds it, with parameters of one stage changed."""
    recipe = load("evidence").record()
    stages = [{**stage, **(changes if stage["name"] == name else {})} for stage in recipe["stages"]]
    return {**recipe, "stages": stages}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"frames": ["\0"]}, InputError),
        ({"frames": ["x" * 300]}, InputError),
        ({"frames": ["/dev/zero"]}, InputError),
        ({"frames": ["pipe"]}, InputError),
        ({"every": 0}, UsageError),
        ({"scale": 2**62}, UsageError),
        ({"start": -1.0, "end": -2.0}, UsageError),
        ({"subject": "\ud800"}, UsageError),
        ({"reference": "\0"}, UsageError),
        ({"device": "cuda:99"}, UsageError),
        ({"seed": -1}, UsageError),
        ({"seed": 10**400}, UsageError),
    ],
)
def test_arguments(
    changes: dict[str, Any], error: type[MfrecError], sequence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    recipe = load("evidence").record()
    given = {**ARGUMENTS, "frames": [str(sequence)], **changes}
    check(recipe, given, error, tmp_path)


@pytest.mark.parametrize(
    ("recipe", "error"),
    [
        ({**load("evidence").record(), "stages": []}, UsageError),
        ({**load("evidence").record(), "stages": [{"name": []}]}, UsageError),
        ({**load("evidence").record(), "stages": load("evidence").record()["stages"][::-1]}, UsageError),
        ({**load("evidence").record(), "stamp": "PROVEN"}, UsageError),
        (with_stage("track", landmarks="x"), UsageError),
        (with_stage("fuse", edge=float("1e300")), UsageError),
        (with_stage("fuse", psf_sigma=10**18), UsageError),
        pytest.param(with_stage("parse", card="/dev/zero.toml"), WeightsError, marks=pytest.mark.slow),
        pytest.param(with_stage("parse", card="clean"), WeightsError, marks=pytest.mark.slow),
        pytest.param(with_stage("parse", card="a\0b"), WeightsError, marks=pytest.mark.slow),
    ],
)
def test_recipes(recipe: dict[str, Any], error: type[MfrecError], sequence: Path, tmp_path: Path) -> None:
    check(recipe, {**ARGUMENTS, "frames": [str(sequence)]}, error, tmp_path)


def check(recipe: dict[str, Any], arguments: dict[str, Any], error: type[MfrecError], folder: Path) -> None:
    evidence = {"recipe": load("evidence").record(), "steps": []}
    outputs = {"reconstruction.png": {"sha256": "0" * 64, "md5": "0" * 32}}
    record = {**BARE, "recipe": recipe, "arguments": arguments, "evidence": evidence, "outputs": outputs}
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(error):
        rerun(folder / "run.json")
