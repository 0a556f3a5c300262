"""The ledger: rows are added at the end and nowhere else, and whoever gets around that is found."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from signed_folder import Person, copy_of_result

from mfrec.custody.ledger import TRIGGERS, Entry, add_entry, check_ledger, hash_of, is_ledger, json_lines, read_entries
from mfrec.custody.sign import sign_folder
from mfrec.errors import UsageError


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "case.db"
    for number in range(5):
        add_entry(path, "noted", {"number": number, "text": "Käfig 📷"})
    return path


def run(path: Path, *commands: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for command in commands:
            database.execute(command)
        database.commit()


def test_each_row_carries_the_hash_of_the_one_before(ledger: Path) -> None:
    rows = read_entries(ledger)
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert [row.previous for row in rows] == ["0" * 64, *(row.hash for row in rows[:-1])]
    assert all(row.hash == hash_of(row) for row in rows)
    assert check_ledger(ledger) == []
    assert check_ledger(ledger, known=rows[2].hash) == []
    assert is_ledger(ledger)


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE entry SET details = '{}' WHERE number = 3",
        "DELETE FROM entry WHERE number = 5",
        "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry SELECT 3, time, event, details, previous, hash FROM entry WHERE number = 4",
        "INSERT INTO entry SELECT 7, time, event, details, hash, hash FROM entry WHERE number = 5",
        "INSERT INTO entry SELECT 6, time, event, details, previous, hash FROM entry WHERE number = 5",
    ],
)
def test_the_triggers_refuse(command: str, ledger: Path) -> None:
    before = read_entries(ledger)
    with pytest.raises(sqlite3.IntegrityError, match=r"entries are (never|added)"):
        run(ledger, command)
    assert read_entries(ledger) == before


DROP = tuple(f"DROP TRIGGER {name}" for name in TRIGGERS)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("UPDATE entry SET details = '{}' WHERE number = 3", "row 3 was changed"),
        ("UPDATE entry SET time = '2020' WHERE number = 5", "row 5 was changed"),
        ("DELETE FROM entry WHERE number = 2", "row 2 is missing: the next is 3"),
        ("UPDATE entry SET previous = hash WHERE number = 4", "row 4 does not follow row 3"),
    ],
)
def test_who_drops_the_triggers_is_found_by_the_hashes(command: str, says: str, ledger: Path) -> None:
    run(ledger, *DROP, command)
    problems = check_ledger(ledger)
    assert says in problems
    assert sum("trigger" in problem for problem in problems) == 3


def test_who_cuts_off_the_end_or_writes_all_again_is_found_by_a_hash_from_elsewhere(ledger: Path) -> None:
    rows = read_entries(ledger)
    source = sqlite3.connect(ledger).execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    run(ledger, *DROP, "DELETE FROM entry WHERE number = 5", *(row[0] for row in source))
    assert check_ledger(ledger) == []  # nothing in the file itself tells
    assert "rows were cut off" in check_ledger(ledger, known=rows[4].hash)[0]


def test_nothing_is_added_behind_a_changed_row(ledger: Path) -> None:
    run(ledger, *DROP, "UPDATE entry SET event = 'x' WHERE number = 5")
    with pytest.raises(UsageError, match=r"last row of the ledger .* was changed"):
        add_entry(ledger, "noted", {})
    assert len(read_entries(ledger)) == 5


def test_several_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "case.db"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add_entry(path, "noted", {"number": number}), range(40)))
    assert check_ledger(path) == []
    assert sorted(json.loads(row.details)["number"] for row in read_entries(path)) == list(range(40))


def test_json_lines_hold_all_that_the_hash_is_of(ledger: Path) -> None:
    lines = [json.loads(line) for line in json_lines(ledger)]
    for line, row in zip(lines, read_entries(ledger), strict=True):
        details = json.dumps(line.pop("details"), sort_keys=True)
        assert hash_of(Entry(**line, details=details)) == row.hash == line["hash"]


def test_a_signature_is_entered(tmp_path: Path, anna: Person) -> None:
    out, path = copy_of_result(tmp_path / "out"), tmp_path / "case.db"
    done = sign_folder(out, anna.identity, reason="case 17", ledger=path)
    (row,) = read_entries(path)
    assert row == done.entry
    details = json.loads(row.details)
    assert (row.event, details["folder"], details["file"]) == ("signed", "out", "signature-1.json")
    assert details["key"] == anna.identity.fingerprint


def test_rows_that_mfrec_never_writes(ledger: Path) -> None:
    run(ledger, "DROP TRIGGER no_update", "UPDATE entry SET details = '{' WHERE number = 2")
    assert json.loads(list(json_lines(ledger))[1])["details"] == "{"
    assert "row 2 was changed" in check_ledger(ledger)
    run(ledger, "PRAGMA writable_schema = 1", "UPDATE sqlite_master SET sql = replace(sql, 'STRICT', '')")
    run(ledger, "UPDATE entry SET details = x'00ff' WHERE number = 2")
    for use in (check_ledger, read_entries):
        with pytest.raises(UsageError, match=r"row 2 of the ledger .* is damaged"):
            use(ledger)


def test_what_is_no_ledger(tmp_path: Path, ledger: Path) -> None:
    with pytest.raises(UsageError, match="no ledger at"):
        check_ledger(tmp_path / "nowhere.db")
    (tmp_path / "text.db").write_text("nothing of the kind " * 100)
    run(tmp_path / "other.db", "CREATE TABLE mine (x)")
    for name, says in (("text.db", "cannot be used"), ("other.db", "no ledger of mfrec")):
        before = (tmp_path / name).read_bytes()
        for use in (check_ledger, lambda path: add_entry(path, "noted", {})):
            with pytest.raises(UsageError, match=says):
                use(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
        assert not is_ledger(tmp_path / name)
    with pytest.raises(UsageError, match="cannot be used"):
        add_entry(tmp_path / "no" / "such" / "case.db", "noted", {})
    run(ledger, "PRAGMA user_version = 2")
    with pytest.raises(UsageError, match=r"has version 2 .* use the newer mfrec"):
        add_entry(ledger, "noted", {})
