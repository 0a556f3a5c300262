"""The page signs and verifies as the command line does, and the case's ledger says what was done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_service import Opened, opened
from report_case import reconstruction

pytest.importorskip("c2pa")

from mfrec.custody.keys import new_identity
from mfrec.custody.trust import trust
from mfrec.outputs import save

PASSPHRASE = "correct horse battery"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with opened(tmp_path / "cases") as found:
        save(reconstruction(3), found.case.part("runs") / "0001")
        yield found


def test_a_run_is_signed_verified_and_a_changed_byte_is_named(desk: Opened, clip: Path) -> None:
    assert desk.client.get("/api/keys").json() == {"installed": True, "keys": []}
    _, public = new_identity("anna", PASSPHRASE, signer="Anna Muster")
    trust(public)
    desk.upload(clip)
    (key,) = desk.client.get("/api/keys").json()["keys"]
    assert key["name"] == "anna"
    run = f"{desk.base}/runs/0001"
    wrong = desk.client.post(f"{run}/sign", json={"key": "anna", "passphrase": "wrong"})
    assert wrong.status_code == 400 and "passphrase does not open" in wrong.json()["error"]
    theirs = desk.client.post(f"{run}/sign", json={"key": "../anna", "passphrase": PASSPHRASE})
    assert theirs.json()["key"] == "refused.signing"
    signed = desk.client.post(f"{run}/sign", json={"key": "anna", "passphrase": PASSPHRASE, "reason": "file 17"})
    assert signed.status_code == 201 and signed.json()["signature"] == "signature-1.json"
    assert desk.client.get(f"{run}/verify").json()["code"] == 0
    picture = desk.case.folder / "runs" / "0001" / "evidence.png"
    picture.write_bytes(picture.read_bytes()[:-1] + b"\0")
    found = desk.client.get(f"{run}/verify").json()
    assert found["code"] == 1 and {f["name"] for f in found["files"] if f["status"] == "changed"} == {"evidence.png"}
    ledger = desk.client.get(f"{desk.base}/ledger").json()
    assert [entry["event"] for entry in ledger["entries"]] == ["original added", "signed"] and ledger["problems"] == []
    assert json.loads(ledger["entries"][1]["details"])["reason"] == "file 17"
    everything = "".join(p.read_bytes().decode("latin-1") for p in desk.case.folder.rglob("*") if p.is_file())
    assert PASSPHRASE not in everything
