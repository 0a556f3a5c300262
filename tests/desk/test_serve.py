"""How the desk is offered: on this computer alone, or to others behind TLS and a password."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mfrec.desk.app import Desk, desk_app
from mfrec.desk.case import Cases
from mfrec.desk.frames import Frames
from mfrec.desk.guard import Keys
from mfrec.desk.jobs import Jobs
from mfrec.desk.passwords import hashed, matches, read_password, write_password
from mfrec.desk.results import Results
from mfrec.desk.serve import Service, check_certificate, folder_of_cases, listening
from mfrec.errors import UsageError


@pytest.mark.parametrize("lacking", ["certificate", "key", "password_file"])
def test_others_are_let_in_only_with_tls_and_a_password(lacking: str) -> None:
    given: dict[str, Any] = {name: Path(name) for name in ("certificate", "key", "password_file")}
    assert not Service("0.0.0.0", **given).here_alone
    del given[lacking]
    with pytest.raises(UsageError, match=f"needs --{lacking.replace('_', '-')};"):
        Service("0.0.0.0", **given)


def test_what_is_no_certificate_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    for certificate in (tmp_path / "nowhere.pem", tmp_path / "text.pem", tmp_path):
        with pytest.raises(UsageError, match=r"cannot be used for TLS .* expected PEM files"):
            check_certificate(certificate, None)
    with pytest.raises(UsageError, match="name that with --certificate"):
        check_certificate(None, tmp_path / "text.pem")


def test_a_port_that_is_taken_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=rf"port {port} .*--port 0 takes a free port"),
            listening("127.0.0.1", port),
        ):
            pass


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot hold cases"):
        folder_of_cases(tmp_path / "file")


def test_a_password_is_kept_as_a_hash_that_its_owner_alone_can_read(tmp_path: Path) -> None:
    path = tmp_path / "password"
    with pytest.raises(UsageError, match="at least 12"):
        write_password(path, "short")
    write_password(path, "correct horse battery")
    assert "horse" not in path.read_text() and path.stat().st_mode & 0o777 == 0o600
    assert matches("correct horse battery", read_password(path)) and not matches("wrong", read_password(path))
    with pytest.raises(UsageError, match="cannot write"):
        write_password(path, "another long password")
    path.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_password(path)
    path.chmod(0o600)
    for text in ("plain text\n", hashed("correct horse battery").replace("0", "g").replace("1", "é")):
        path.write_text(text)
        with pytest.raises(UsageError, match="--new-password"):
            read_password(path)


def test_the_password_takes_the_place_of_the_token(tmp_path: Path) -> None:
    cases = Cases(tmp_path)
    desk = Desk(cases, Jobs(cases, 0), Frames(), Results(), here_alone=False, password=hashed("correct horse battery"))
    keys = Keys(frozenset({"desk.example:8443"}), "https", "", "mfrec_desk_8443")
    origin = {"Origin": "https://desk.example:8443"}
    with TestClient(desk_app(desk, keys), base_url="https://desk.example:8443", follow_redirects=False) as client:
        assert client.get("/", params={"token": ""}).headers["location"] == "/login"
        assert client.get("/api/cases").status_code == 303 and client.get("/page/app.js").status_code == 303
        assert "<form" in client.get("/login").text
        wrong = client.post("/login", data={"password": "wrong"}, headers=origin)
        assert wrong.status_code == 401 and "set-cookie" not in wrong.headers
        theirs = client.post(
            "/login", data={"password": "correct horse battery"}, headers={"Origin": "https://evil.example"}
        )
        assert theirs.status_code == 403
        answer = client.post("/login", data={"password": "correct horse battery"}, headers=origin)
        assert answer.status_code == 303 and "Secure" in answer.headers["set-cookie"]
        assert client.get("/api/cases").json() == []
