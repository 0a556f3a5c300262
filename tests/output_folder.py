"""Result folders as runs leave them, and as others make them look."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mfrec.outputs import write_record
from mfrec.provenance.digests import file_digests

BARE: dict[str, Any] = {
    "mfrec": "0.1.0",
    "schema": 1,
    "created": "2026-11-21T05:28:58+00:00",
    "command": "mfrec reconstruct frames -o out",
    "recipe": {"name": "evidence", "stamp": "ENHANCED", "stages": []},
    "arguments": {},
    "versions": {},
    "machine": {},
    "inputs": [],
    "used": [],
    "dropped": [],
    "subjects": [],
    "regions": {},
    "steps": [],
    "warnings": [],
}
"""The least that a record holds."""


def earlier(folder: Path, content: bytes = b"earlier") -> Path:
    """An output as a run leaves it: a file, and the record that names it."""
    folder.mkdir()
    (folder / "reconstruction.png").write_bytes(content)
    write_record(BARE, folder, [folder / "reconstruction.png"])
    return folder


def foreign_run(folder: Path, *names: str) -> Path:
    """A record that somebody forged to claim files of the folder, seal and all."""
    outputs = {name: file_digests(folder / name) for name in names if (folder / name).is_file()}
    digests = {"sha256": "0" * 64, "md5": "0" * 32}
    body = json.dumps({**BARE, "outputs": {name: outputs.get(name, digests) for name in names}}, indent=1) + "\n"
    seal = hashlib.sha256(body.encode()).hexdigest()
    (folder / "run.json").write_text(f'{body[:-3]},\n "seal": "{seal}"\n}}\n')
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every entry of a folder, hidden ones included."""
    return {p.name: p.read_bytes() if p.is_file() else b"" for p in folder.iterdir()}
