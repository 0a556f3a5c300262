"""Originals: received in a stream, hashed, recognised by what they hold, and never written to again."""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_service import Opened, opened, served

PIECE = b"\0" * (1 << 20)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("inputs") / "cases", upload_limit=1 << 20) as found:
        yield found


def parts(desk: Opened) -> list[str]:
    """What unfinished uploads have left."""
    folder = desk.case.folder / "inputs"
    return [path.name for path in folder.iterdir() if path.name.startswith(".")] if folder.exists() else []


def test_a_clip_is_stored_unchanged_hashed_and_read_only(desk: Opened, clip: Path) -> None:
    given = desk.upload(clip, "<b>clip</b>.mp4")
    (file,) = given["files"]
    stored = desk.case.folder / file["path"]
    assert given["kind"] == "video" and given["name"] == "<b>clip</b>.mp4" and stored.read_bytes() == clip.read_bytes()
    assert given["source"] == file["path"] == f"inputs/{given['number']}/b_.mp4"
    assert file["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert file["md5"] == hashlib.md5(clip.read_bytes()).hexdigest()
    assert not stored.stat().st_mode & 0o222
    check = f"{desk.base}/inputs/{given['number']}/check"
    assert desk.client.get(check).json() == {"changed": []}
    stored.chmod(0o644)
    stored.write_bytes(b"x" + clip.read_bytes()[1:])
    assert desk.client.get(check).json() == {"changed": ["<b>clip</b>.mp4"]}


def test_pictures_gather_in_one_input_and_a_clip_does_not_join_them(desk: Opened, sequence: Path, clip: Path) -> None:
    first = desk.upload(sequence / "0.png")
    into = first["number"]
    for name in ("1.png", "1.png"):
        content = (sequence / name).read_bytes()
        answer = desk.client.post(f"{desk.base}/inputs", params={"name": name, "into": into}, content=content)
        assert answer.status_code == 201
    files = [file["path"] for file in answer.json()["files"]]
    assert files == [f"inputs/{into}/{name}" for name in ("0.png", "1.png", "1-2.png")], (
        "an equal name replaces nothing"
    )
    answer = desk.client.post(f"{desk.base}/inputs", params={"name": "c.mp4", "into": into}, content=clip.read_bytes())
    assert answer.json()["key"] == "refused.mixture"
    sheet = desk.client.get(f"{desk.base}/inputs/{into}/clip").json()
    assert sheet["names"] == ["0.png", "1.png", "1-2.png"] or sheet["count"] == 3


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("empty.mp4", b"", "refused.empty"),
        ("page.mp4", b"<html><script>alert(1)</script></html>", "refused.type"),
        ("report.pdf", b"%PDF-1.7", "refused.type"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "refused.type"),
        ("large.mp4", PIECE + b"x", "refused.large"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_leaves_nothing(
    desk: Opened, name: str, content: bytes, key: str
) -> None:
    before = desk.case.read()
    answer = desk.client.post(f"{desk.base}/inputs", params={"name": name}, content=content)
    assert answer.json()["key"] == key and name in answer.json()["error"]
    assert str(desk.case.folder) not in answer.json()["error"]
    assert parts(desk) == [] and desk.case.read() == before


def test_opened_in_place_stays_where_it_is(desk: Opened, clip: Path, tmp_path: Path) -> None:
    where = f"{desk.base}/inputs-in-place"
    given = desk.client.post(where, json={"path": str(clip)}).json()
    assert given["in_place"] and given["source"] == str(clip)
    assert given["files"][0]["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert not (desk.case.folder / "inputs" / given["number"]).exists()
    for path, key in (
        ("clip.mp4", "refused.relative"),
        (str(tmp_path / "none.mp4"), "refused.type"),
        ("/etc/passwd", "refused.type"),
    ):
        assert desk.client.post(where, json={"path": path}).json()["key"] == key, path


def test_a_path_is_not_named_from_another_computer(tmp_path: Path, clip: Path) -> None:
    with opened(tmp_path / "cases", here_alone=False) as desk:
        answer = desk.client.post(f"{desk.base}/inputs-in-place", json={"path": str(clip)})
        assert answer.status_code == 403 and answer.json()["key"] == "refused.elsewhere"


def test_a_link_in_the_place_of_an_original_is_refused(desk: Opened, clip: Path) -> None:
    given = desk.upload(clip, "linked.mp4")
    stored = desk.case.folder / given["source"]
    stored.unlink()
    stored.symlink_to("/etc/passwd")
    answer = desk.client.get(f"{desk.base}/inputs/{given['number']}/clip")
    assert answer.status_code == 403 and answer.json()["key"] == "refused.link"
    answer = desk.client.post(f"{desk.base}/runs", json={"input": given["number"]})
    assert answer.json()["key"] == "refused.link"


def test_an_upload_takes_no_memory_however_large_and_an_interrupted_one_leaves_nothing(tmp_path: Path) -> None:
    with served(tmp_path / "cases", "--upload-limit", "0.25") as desk:
        origin = {"Origin": f"http://{desk.host}"}
        connection = http.client.HTTPConnection(desk.host)
        connection.request("GET", f"/?token={desk.token}")
        answer = connection.getresponse()
        answer.read()
        headers = {**origin, "Cookie": (answer.getheader("Set-Cookie") or "").partition(";")[0]}
        connection.request("POST", "/api/cases", b'{"title": "x"}', headers)
        assert connection.getresponse().read() == b'{"key":"x"}'

        before = desk.memory()
        connection = http.client.HTTPConnection(desk.host)
        connection.putrequest("POST", "/api/cases/x/inputs?name=large.mp4")
        for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        sent = 0
        try:
            while sent < 320:
                connection.send(b"100000\r\n" + PIECE + b"\r\n")
                sent += 1
        except OSError:
            pass  # the desk has said no and hung up
        assert sent >= 256
        answer = connection.getresponse()
        assert answer.status == 413 and b"256 MiB" in answer.read()
        assert desk.memory() - before < 48 << 20

        connection = http.client.HTTPConnection(desk.host)
        connection.putrequest("POST", "/api/cases/x/inputs?name=half.mp4")
        for name, value in {**headers, "Content-Length": str(64 << 20)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(PIECE)
        connection.close()
        told = http.client.HTTPConnection(desk.host)
        told.request("POST", "/api/cases/x/inputs?name=told.mp4", b"x", {**headers, "Content-Length": str(1 << 40)})
        assert told.getresponse().status == 413
        folder = tmp_path / "cases" / "x" / "inputs"
        end = time.monotonic() + 10
        while list(folder.iterdir()) and time.monotonic() < end:
            time.sleep(0.05)
        assert list(folder.iterdir()) == []
