"""How the desk is offered: on this computer alone, or to others behind TLS and a password."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import signal
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from desk_service import Served, served
from starlette.testclient import TestClient

from mfrec.desk.app import desk_app
from mfrec.desk.case import Cases
from mfrec.desk.frames import Frames
from mfrec.desk.guard import Keys
from mfrec.desk.jobs import Jobs
from mfrec.desk.passwords import hashed, matches, read_password, write_password
from mfrec.desk.request import Desk
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


@dataclass(frozen=True)
class Tls:
    """A real client, which trusts one certificate and nothing else."""

    port: int
    trusted: ssl.SSLContext
    cookie: str = ""

    def ask(self, method: str, path: str, headers: Mapping[str, str] = {}, body: str = "") -> tuple[int, str, str]:
        """Status, the header that matters (a cookie, or where to go), and the beginning of the text."""
        door = http.client.HTTPSConnection(HERE, self.port, context=self.trusted, timeout=60)
        try:
            kept = {"Cookie": self.cookie} if self.cookie else {}
            door.request(method, path, body or None, {**kept, **headers})
            answer = door.getresponse()
            said = answer.getheader("Set-Cookie") or answer.getheader("Location") or ""
            return answer.status, said, answer.read().decode()[:400]
        finally:
            door.close()


HERE = "127.0.0.2"
"""For the desk an address like any other that is not localhost; for the test this computer."""


def self_made(folder: Path, begins: float = -1, ends: float = 1) -> tuple[Path, Path]:
    """A certificate of its own for :data:`HERE`, which begins and ends so many hours from now, and its key."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "desk.example")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HERE))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(hours=begins)).not_valid_after(now + datetime.timedelta(hours=ends))
        .add_extension(names, critical=False)
        .sign(key, SHA256())
    )  # fmt: skip
    paths = folder / "desk.pem", folder / "desk.key"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


@pytest.mark.parametrize(("begins", "ends", "says"), [(-3, -1, "expired"), (1, 3, "not yet valid"), (-1, 1, "")])
def test_a_certificate_out_of_its_time_is_a_sentence(begins: float, ends: float, says: str, tmp_path: Path) -> None:
    certificate, key = self_made(tmp_path, begins, ends)
    if not says:
        check_certificate(certificate, key)
        return
    with pytest.raises(UsageError, match=rf"out of its time \(.*{says}\).* renew it, or set this computer's clock"):
        check_certificate(certificate, key)


def admitted(desk: Served) -> tuple[http.client.HTTPConnection, dict[str, str]]:
    """A connection whose token the desk has taken, and the headers of what is asked after that."""
    connection = http.client.HTTPConnection(desk.host)
    connection.request("GET", f"/?token={desk.token}")
    answer = connection.getresponse()
    answer.read()
    return connection, {"Cookie": (answer.getheader("Set-Cookie") or "").partition(";")[0]}


def test_the_first_page_waits_for_no_network_library(tmp_path: Path) -> None:
    """Importing one takes longer than all the rest of the start."""
    with served(tmp_path / "cases") as desk:
        connection, headers = admitted(desk)
        for path in ("/", "/page/app.js", "/words.json", "/api/desk", "/api/cases"):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200 and answer.read()
        maps = Path(f"/proc/{desk.process.pid}/maps").read_text()
        assert "numpy" in maps and "libtorch" not in maps
        connection.close()


def test_beyond_this_computer_tls_and_the_password_lead_in_and_nothing_else(tmp_path: Path) -> None:
    certificate, key = self_made(tmp_path)
    password = "correct horse battery"
    write_password(tmp_path / "password", password)
    options = ("--host", HERE, "--name", "desk.example", "--certificate", certificate, "--key", key)
    with served(tmp_path / "cases", *map(str, options), "--password-file", str(tmp_path / "password")) as desk:
        assert desk.address == f"https://{desk.host}/", "no token that a log or a neighbour could keep"
        assert any("other computers can reach this desk" in line for line in desk.said)
        port = int(desk.host.rpartition(":")[2])
        with pytest.raises(ssl.SSLCertVerificationError):
            Tls(port, ssl.create_default_context()).ask("GET", "/login")
        plain = http.client.HTTPConnection(HERE, port, timeout=60)
        plain.request("GET", "/login")
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            plain.getresponse()
        plain.close()
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", port), timeout=60).close()

        client = Tls(port, ssl.create_default_context(cafile=certificate))
        own = {"Origin": f"https://{desk.host}", "Content-Type": "application/x-www-form-urlencoded"}

        def log_in(word: str, **headers: str) -> tuple[int, str, str]:
            return client.ask("POST", "/login", {**own, **headers}, urlencode({"password": word}))

        for path in ("/", "/api/cases", "/page/app.js"):
            assert client.ask("GET", path)[:2] == (303, "/login")
        assert client.ask("POST", "/api/cases", own, '{"title": "theirs"}')[:2] == (303, "/login")
        assert log_in(password[:-1])[:2] == (401, "")
        for foreign in ("https://evil.example", f"http://{desk.host}", "null"):
            assert log_in(password, Origin=foreign)[:2] == (403, "")
        for foreign in ("evil.example", f"evil.example:{port}", f"127.0.0.1:{port}", "desk.example"):
            assert log_in(password, Host=foreign)[:2] == (421, "")

        status, cookie, _ = log_in(password)
        assert status == 303 and {"HttpOnly", "Secure", "SameSite=strict"} <= set(cookie.split("; "))
        client = Tls(port, client.trusted, cookie.partition(";")[0])
        assert client.ask("GET", "/api/cases")[::2] == (200, "[]")
        assert client.ask("GET", "/api/cases", {"Host": f"desk.example:{port}"})[0] == 200
        assert client.ask("POST", "/api/cases", own, '{"title": "ours"}')[0] == 201
        for headers in ({"Origin": "https://evil.example"}, {**own, "Host": "evil.example"}, {}):
            assert client.ask("POST", "/api/cases", headers, '{"title": "theirs"}')[0] in (403, 421)
        assert [path.name for path in (tmp_path / "cases").iterdir() if path.is_dir()] == ["ours"]


def test_an_open_page_does_not_hold_up_the_end_of_the_desk(tmp_path: Path) -> None:
    """The stream of a page ends as it should, instead of being cut off when the server's patience is over."""
    with served(tmp_path / "cases") as desk:
        connection, headers = admitted(desk)
        headers["Origin"] = f"http://{desk.host}"
        connection.request("POST", "/api/cases", '{"title": "ours"}', headers)
        key = json.loads(connection.getresponse().read())["key"]
        connection.request("GET", f"/api/cases/{key}/events", headers=headers)
        stream = connection.getresponse()
        assert stream.readline().startswith(b"data: ")
        desk.process.send_signal(signal.SIGINT)
        stream.read()  # IncompleteRead where it was cut off
        assert desk.process.wait(60) == 130
