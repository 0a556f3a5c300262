"""A case's folder: whole at every moment, readable by anybody, and nothing outside it can be reached through it."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_service import Opened, opened

from mfrec.desk.app import ROUTES
from mfrec.desk.case import CASE, Cases
from mfrec.desk.places import file_name
from mfrec.desk.refusal import RefusalError
from mfrec.provenance.about import About

MARKUP = "</title><img src=x onerror=alert(1)>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path / "cases") as found:
        yield found


def test_a_case_is_made_changed_and_read_without_the_desk(desk: Opened) -> None:
    answer = desk.client.post("/api/cases", json={"title": MARKUP, "number": "../../A 7/x", "notes": "n\nn"})
    key = answer.json()["key"]
    assert answer.status_code == 201 and key == "A-7-x"
    folder = desk.desk.cases.folder / key
    shown = desk.client.get(f"/api/cases/{key}").json()
    assert shown["about"]["title"] == MARKUP
    about = {**shown["about"], "analyst": "A. N."}
    assert desk.client.put(f"/api/cases/{key}", json={"about": about, "revision": 0}).json() == {"revision": 1}
    assert json.loads((folder / CASE).read_text())["about"]["analyst"] == "A. N."
    moved = folder.parent / "moved-elsewhere"
    shutil.move(folder, moved)
    assert desk.client.get("/api/cases/moved-elsewhere").json()["about"] == about


def test_an_equal_name_gets_a_folder_of_its_own(desk: Opened) -> None:
    keys = [desk.client.post("/api/cases", json={"title": "Ü &"}).json()["key"] for _ in range(3)]
    assert keys == ["case", "case-2", "case-3"]
    assert desk.client.post("/api/cases", json={"title": "  "}).json()["key"] == "refused.untitled"


def test_two_windows_do_not_overwrite_each_other(desk: Opened) -> None:
    about = {"title": "mine"}
    assert desk.client.put(desk.base, json={"about": about, "revision": 0}).status_code == 200
    late = desk.client.put(desk.base, json={"about": {"title": "theirs"}, "revision": 0})
    assert late.status_code == 409 and late.json()["key"] == "refused.changed"
    assert desk.client.get(desk.base).json()["about"]["title"] == "mine"


def test_twenty_requests_at_once_lose_nothing(desk: Opened) -> None:
    keys: list[str] = []

    def work(number: int) -> None:
        answer = desk.client.post("/api/cases", json={"title": f"at once {number}"})
        keys.append(answer.json()["key"])
        with desk.case.change() as content:
            content.about.notes += f" {number}"

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 20 and set(keys) <= set(desk.desk.cases.names())
    content = desk.case.read()
    assert content.revision == 20
    assert sorted(map(int, content.about.notes.split())) == list(range(20))


def test_a_full_disk_leaves_the_case_as_it_was(desk: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (desk.case.folder / CASE).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = desk.client.put(desk.base, json={"about": {"title": "more"}, "revision": 0})
    assert answer.status_code == 507 and "No space left on device" in answer.json()["error"]
    assert (desk.case.folder / CASE).read_bytes() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('{"schema": 2}', "this version of mfrec reads schema 1"),
        ('{"schema": 1, "mfrec": "0", "created": "", "inputs": [{"number": 1}]}', "inputs"),
    ],
)
def test_a_damaged_or_newer_case_is_a_sentence_and_stays(desk: Opened, text: str, says: str) -> None:
    (desk.case.folder / CASE).write_text(text)
    answer = desk.client.get(desk.base)
    assert answer.status_code == 409 and says in answer.json()["error"]
    (line,) = desk.client.get("/api/cases").json()
    assert says in line["error"]
    assert (desk.case.folder / CASE).read_text() == text


TRAVERSAL = [
    "%2e%2e",
    "..%2f..%2fetc",
    "%2fetc%2fpasswd",
    "a%00b",
    "..%5c..",
    "-x",
    "case.json%2f..",
    "%25%32%65",
    "x" * 300,
]


@pytest.mark.parametrize("bad", TRAVERSAL)
def test_no_parameter_leads_out_of_the_case(desk: Opened, bad: str) -> None:
    usual = {
        "case": desk.case.key,
        "input": "01",
        "frame": "0",
        "run": "0001",
        "job": "0001",
        "note": "0001-01",
        "survey": "01",
        "invitation": "0" * 16,
        "token": "x" * 43,
        "name": "x",
    }
    for method, path, _ in ROUTES:
        names = [name for name in usual if f"{{{name}}}" in path]
        for name in names:
            where = path.format(**{**usual, name: bad})
            answer = desk.client.request(method, where, content=b"{}")
            assert 400 <= answer.status_code < 500, f"{method} {where}: {answer.status_code}"
            assert "root:" not in answer.text
    assert not (desk.desk.cases.folder.parent / "etc").exists()


def test_links_in_a_case_are_not_followed(desk: Opened, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "run.json").write_text("secret")
    (secret / "report.html").write_text("secret")
    (secret / "0001-01.png").write_text("secret")
    (secret / "0001.log").write_text("secret")
    folder = desk.case.folder
    for part in ("runs", "notes", "inputs", "jobs", "surveys"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).symlink_to(secret)
    paths = ("runs/0001", "runs/0001/files/report.html", "notes/0001-01", "jobs/0001/log", "surveys")
    for path in (*paths, ""):
        answer = desk.client.get(f"{desk.base}/{path}".rstrip("/"))
        assert answer.status_code in (403, 404) and "secret" not in answer.text.replace("secret'", ""), path
    assert desk.client.post(f"{desk.base}/inputs", params={"name": "a.png"}, content=b"x").status_code == 403
    assert sorted(p.name for p in secret.iterdir()) == ["0001-01.png", "0001.log", "report.html", "run.json"]
    (folder / "runs").unlink()
    (folder / "runs").mkdir()
    (folder / "runs" / "0001").symlink_to(secret)
    assert desk.client.get(f"{desk.base}/runs/0001/files/run.json").status_code == 403
    linked = desk.desk.cases.folder / "linked"
    linked.symlink_to(folder)
    assert "linked" not in desk.desk.cases.names()
    assert desk.client.get("/api/cases/linked").status_code == 403


def test_a_file_named_on_another_system_gets_a_name_for_all() -> None:
    assert file_name("C:\\Users\\x\\clip.mp4") == "clip.mp4"
    assert file_name("../../etc/passwd") == "passwd"
    assert file_name('<img src=x onerror="a">.mp4') == "_img src=x onerror=_a__.mp4"
    assert file_name("-o.png") == "_-o.png" and file_name("..") == "file" and file_name("a\0\nb.png") == "a__b.png"
    long = file_name("é" * 300 + ".mp4")
    assert long.endswith(".mp4") and len(long.encode()) <= 120


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    cases = Cases(tmp_path / "gone")
    with pytest.raises(RefusalError, match="cannot write 'x'"):
        cases.add(About(title="x"))
