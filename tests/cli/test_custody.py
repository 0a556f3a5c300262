"""``mfrec keys``, ``sign`` and ``verify`` as an analyst types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from signed_folder import PASSPHRASE, TimeAuthority, copy_of_result
from typer.testing import CliRunner, Result

from mfrec.cli import app
from mfrec.custody import keys


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and a passphrase in the environment."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MFREC_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr(keys, "ROUNDS", 1000)
    return tmp_path / "home" / "mfrec"


def mfrec_says(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_from_new_keys_to_a_verified_folder(tmp_path: Path, home: Path) -> None:
    made = mfrec_says("keys", "new", "anna", "--signer", "Anna Müller")
    assert made.exit_code == 0
    (listed,) = json.loads(mfrec_says("keys", "list", "--json").stdout)
    assert (listed["name"], listed["signer"]) == ("anna", "Anna Müller")
    assert f"fingerprint: {listed['fingerprint']}" in made.stdout
    assert listed["fingerprint"] in mfrec_says("keys", "list").stdout
    out, ledger = copy_of_result(tmp_path / "out"), tmp_path / "case.db"
    assert mfrec_says("verify", out).exit_code == 7
    done = json.loads(mfrec_says("sign", out, "--reason", "case 17", "--ledger", ledger, "--json").stdout)
    assert done["fingerprint"] == listed["fingerprint"]
    assert Path(done["signature"]).name == "signature-1.json"
    checked = mfrec_says("verify", out)
    assert checked.exit_code == 0
    assert checked.stdout.count("untouched") == len(list(out.iterdir()))
    assert mfrec_says("verify", out / "report.signed.pdf").exit_code == 0
    assert "1 rows" in mfrec_says("verify", ledger).stdout
    (row,) = mfrec_says("verify", ledger, "--json").stdout.splitlines()
    assert json.loads(row)["hash"] == done["ledger"]["hash"]
    assert "nothing is new" in mfrec_says("sign", out).stdout
    (out / "evidence.png").write_bytes(b"retouched")
    found = mfrec_says("verify", out, "--json")
    assert found.exit_code == json.loads(found.stdout)["exit_code"] == 1
    (changed,) = [one for one in json.loads(found.stdout)["files"] if one["status"] != "untouched"]
    assert (changed["name"], changed["status"]) == ("evidence.png", "changed")


def test_another_s_key_counts_when_it_is_trusted(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mfrec_says("keys", "new", "anna")
    out = copy_of_result(tmp_path / "out")
    mfrec_says("sign", out)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "court"))
    found = mfrec_says("verify", out)
    assert found.exit_code == 7
    assert "signed by an unknown key" in found.stdout
    assert mfrec_says("keys", "trust", home / "keys" / "anna.crt").exit_code == 0
    assert mfrec_says("verify", out).exit_code == 0


def test_requests_go_out_and_answers_come_back(tmp_path: Path) -> None:
    authority = TimeAuthority(tmp_path / "authority")
    mfrec_says("keys", "new", "anna")
    out = copy_of_result(tmp_path / "out")
    asked = json.loads(mfrec_says("sign", out, "--request", tmp_path / "letters", "--json").stdout)["requests"]
    assert [Path(path).name for path in asked] == ["out.signature-1.tsq", "out.report.signed.tsq"]
    options: list[object] = []
    for path in asked:
        options += ["--answer", authority.answer(Path(path).read_bytes(), f"{Path(path).stem}.tsr")]
    assert mfrec_says("sign", out, *options).exit_code == 0
    assert mfrec_says("keys", "trust", authority.root, "--time").exit_code == 0
    checked = mfrec_says("verify", out)
    assert checked.exit_code == 0
    assert "by a trusted authority" in checked.stdout


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = copy_of_result(tmp_path / "out")
    (tmp_path / "empty").touch()
    (tmp_path / "text.txt").write_text("a text")
    assert mfrec_says("keys", "list").exit_code == 0
    cases: list[tuple[str, tuple[object, ...]]] = [("make one: mfrec keys new NAME", ("sign", out))]
    mfrec_says("keys", "new", "anna")
    cases += [
        ("exists and is not replaced", ("keys", "new", "anna")),
        ("the passphrase does not open", ("sign", out, "--passphrase-file", tmp_path / "text.txt")),
        ("expected it in the first line", ("sign", out, "--passphrase-file", tmp_path / "empty")),
        ("a lost key cannot be made again", ("sign", out, "--key", "bert")),
        ("no record at", ("sign", tmp_path / "nowhere")),
        ("is no folder", ("verify", tmp_path / "nowhere")),
        ("carries no signature of its own", ("verify", tmp_path / "text.txt")),
        ("no folder of trusted certificates", ("verify", out, "--trusted", tmp_path / "nowhere")),
        ("expected the .crt file", ("keys", "trust", tmp_path / "text.txt")),
    ]
    for says, arguments in cases[1:]:
        result = mfrec_says(*arguments)
        assert result.exit_code == 2, arguments
        assert says in result.stderr
        assert result.stderr.count("\n") == 1
    monkeypatch.delenv("MFREC_PASSPHRASE")
    assert "no terminal can ask for it" in mfrec_says("sign", out).stderr
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    assert cases[0][0] in mfrec_says("sign", out).stderr
