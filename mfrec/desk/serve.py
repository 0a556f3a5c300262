"""Starting the desk: its folder, its address, and who can reach it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from mfrec.desk.app import desk_app
from mfrec.desk.case import Cases
from mfrec.desk.frames import Frames
from mfrec.desk.guard import Keys
from mfrec.desk.inputs import UPLOAD_LIMIT
from mfrec.desk.jobs import Jobs
from mfrec.desk.passwords import read_password
from mfrec.desk.request import Desk
from mfrec.desk.results import Results
from mfrec.errors import UsageError

LOOPBACK = "127.0.0.1"

NOT_YET, NO_MORE = 9, 10
"""OpenSSL's numbers for a certificate that does not hold yet, or no more (``X509_V_ERR_CERT_HAS_EXPIRED``)."""

LOCK = ".mfrec-desk.lock"
"""In the folder of the cases: one desk works on them at a time."""


@dataclass(frozen=True)
class Service:
    """How the desk is offered.

    Attributes:
        host: address to listen on.
        port: 0 takes a free one.
        certificate, key: PEM files for TLS; needed beyond this computer.
        password_file: see :mod:`mfrec.desk.passwords`; needed beyond this computer.
        names: by which others call this computer, besides ``host``.
        jobs: how many runs may work at once.
        upload_limit: bytes that an uploaded file may have.
    """

    host: str = LOOPBACK
    port: int = 8765
    certificate: Path | None = None
    key: Path | None = None
    password_file: Path | None = None
    names: tuple[str, ...] = ()
    jobs: int = 1
    upload_limit: int = UPLOAD_LIMIT

    @property
    def here_alone(self) -> bool:
        """Whether only this computer reaches it."""
        return self.host in (LOOPBACK, "localhost")

    def __post_init__(self) -> None:
        """Refuse what would let others in without a lock.

        Raises:
            UsageError: beyond this computer without TLS or without a password.
        """
        lacking = [
            option
            for option, value in (
                ("--certificate", self.certificate), ("--key", self.key), ("--password-file", self.password_file),
            )
            if value is None
        ]  # fmt: skip
        if not self.here_alone and lacking:
            raise UsageError(
                f"--host {self.host} lets other computers reach the desk, which then needs {', '.join(lacking)}; "
                f"leave --host out to serve this computer alone"
            )
        if not 0 <= self.port < 65536 or self.jobs < 1:
            raise UsageError(f"expected a port from 0 to 65535 and at least one job, not {self.port} and {self.jobs}")


def serve(folder: Path, service: Service, say: Callable[[str], None]) -> None:
    """Offer the desk until it is interrupted.

    Args:
        folder: of the cases; it is made where it is lacking.
        service: to whom.
        say: is given the address, and what happens.

    Raises:
        UsageError: the folder, the port or the certificate cannot be used.
    """
    check_certificate(service.certificate, service.key)
    cases = folder_of_cases(folder)
    with only_desk(cases), listening(service.host, service.port) as door:
        port = door.getsockname()[1]
        scheme = "http" if service.certificate is None else "https"
        names = dict.fromkeys((service.host, *service.names, *((LOOPBACK, "localhost") if service.here_alone else ())))
        usual = 80 if scheme == "http" else 443
        hosts = frozenset(f"{name}:{port}" for name in names) | (frozenset(names) if port == usual else frozenset())
        password = "" if service.password_file is None else read_password(service.password_file)
        token = "" if password else secrets.token_urlsafe(32)
        keys = Keys(hosts, scheme, token, f"mfrec_desk_{port}")
        jobs = Jobs(Cases(cases), service.jobs)
        desk = Desk(jobs.cases, jobs, Frames(), Results(), service.upload_limit, service.here_alone, password)
        config = uvicorn.Config(
            desk_app(desk, keys),
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            ws="none",
            proxy_headers=False,
            timeout_graceful_shutdown=2,
            ssl_certfile=service.certificate,
            ssl_keyfile=service.key,
        )
        say(f"the cases are in {cases}")
        if not service.here_alone:
            say("warning: other computers can reach this desk; whoever knows its password sees and changes every case")
        say(f"open {scheme}://{next(iter(names))}:{port}/{f'?token={token}' if token else ''}")
        say("Ctrl-C ends the desk; runs that work go on, and are there when it is started again")
        DeskServer(config, desk).run(sockets=[door])


class DeskServer(uvicorn.Server):
    """Ends the streams of open pages as soon as the desk is interrupted; a server would wait for them to end."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self._desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal calls, between two steps of the loop that the streams are in."""
        if self._desk.stopping is not None:
            self._desk.stopping.set()
        super().handle_exit(sig, frame)


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Try what TLS is to be made of, before anything is offered.

    Args:
        certificate: PEM file, which may hold the key too.
        key: PEM file, without a passphrase, because nobody is there to type it.

    Raises:
        UsageError: a key without a certificate, files that are not such a pair, or a certificate out of its time.
    """
    if certificate is None:
        if key is not None:
            raise UsageError(f"--key '{key}' belongs to a certificate; name that with --certificate")
        return
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--certificate '{certificate}' with --key '{key or certificate}' cannot be used for TLS ({error}); "
            "expected PEM files of a certificate and of its own key, which has no passphrase"
        ) from None

    if wrong := _out_of_its_time(certificate, server):
        raise UsageError(
            f"--certificate '{certificate}' is out of its time ({wrong}), so browsers would refuse the desk; renew it, "
            "or set this computer's clock"
        )


def _out_of_its_time(certificate: Path, server: ssl.SSLContext) -> str:
    """What a client that trusts a certificate finds wrong with its time; empty where it finds nothing.

    The standard library reads no certificate by itself: server and client shake hands in memory.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    for end in ends * 2:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message if error.verify_code in (NOT_YET, NO_MORE) else ""
        except ssl.SSLError:
            return ""
    return ""


def folder_of_cases(folder: Path) -> Path:
    """The folder, absolute; made where it is lacking.

    Raises:
        UsageError: it cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        resolved = folder.resolve()
        with (resolved / LOCK).open("ab"):
            pass
    except OSError as error:
        raise UsageError(
            f"'{folder}' cannot hold cases ({error.strerror or error}); name a folder that can be written"
        ) from None
    return resolved


@contextlib.contextmanager
def only_desk(cases: Path) -> Iterator[None]:
    """Hold the lock on a folder of cases.

    Raises:
        UsageError: another desk has it.
    """
    lock = os.open(cases / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"another desk works on '{cases}' already; use its page, or name another folder") from None
    finally:
        os.close(lock)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket.

    Raises:
        UsageError: the port is taken, or the address is not this computer's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
            # From now on whoever has read the address is heard.
            door.listen(128)
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host}, port {port} ({error.strerror}); --port 0 takes a free port"
            ) from None
        yield door
    finally:
        door.close()
