"""A desk for the tests: its application in this process, or the command ``mfrec desk`` in one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.testclient import TestClient

from mfrec.desk.app import desk_app
from mfrec.desk.case import Case, Cases
from mfrec.desk.frames import Frames
from mfrec.desk.guard import Keys
from mfrec.desk.jobs import Jobs
from mfrec.desk.request import Desk
from mfrec.desk.results import Results
from mfrec.provenance.about import About

ROOT = Path(__file__).resolve().parent.parent

HOST = "127.0.0.1:8765"

TOKEN = "the-token-of-the-address"

SAFE = {"Origin": f"http://{HOST}"}
"""What a browser sends along from the desk's own page."""


@dataclass(eq=False)
class Opened:
    """A desk in this process, with a case in it, and a browser that has shown its key."""

    desk: Desk
    client: TestClient
    stranger: TestClient
    case: Case

    @property
    def base(self) -> str:
        return f"/api/cases/{self.case.key}"

    def upload(self, path: Path, name: str | None = None) -> dict:
        answer = self.client.post(f"{self.base}/inputs", params={"name": name or path.name}, content=path.read_bytes())
        assert answer.status_code == 201, answer.text
        return answer.json()


@contextmanager
def opened(folder: Path, *, upload_limit: int = 1 << 24, at_once: int = 0, here_alone: bool = True) -> Iterator[Opened]:
    """A desk over ``folder``; with ``at_once=0`` nothing that is queued begins."""
    folder.mkdir(exist_ok=True)
    cases = Cases(folder)
    desk = Desk(cases, Jobs(cases, at_once), Frames(), Results(), upload_limit, here_alone)
    keys = Keys(frozenset({HOST, "localhost:8765"}), "http", TOKEN, "mfrec_desk_8765")
    app = desk_app(desk, keys)
    case = cases.add(About(title="Shop, till 2", number="2026-0142"))
    with TestClient(app, base_url=f"http://{HOST}", headers=SAFE) as client:
        client.get("/", params={"token": TOKEN})
        yield Opened(desk, client, TestClient(app, base_url=f"http://{HOST}"), case)


@dataclass(eq=False)
class Served:
    """The command ``mfrec desk``, listening."""

    process: subprocess.Popen[str]
    address: str
    said: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        return self.address.partition("token=")[2]

    @property
    def host(self) -> str:
        return self.address.partition("://")[2].partition("/")[0]

    def memory(self) -> int:
        """The most bytes that its process has held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def served(cases: Path, *options: str) -> Iterator[Served]:
    """``mfrec desk CASES`` on a free port; ended when the block ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "mfrec", "desk", str(cases), "--port", "0", *options],
        env=environment, cwd=cases.parent, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    desk = Served(process, "")
    try:
        for line in process.stderr:
            desk.said.append(line.strip())
            if " open http" in line:
                desk.address = line.split(" open ")[1].strip()
                break
        assert desk.address, desk.said
        yield desk
    finally:
        process.terminate()
        process.stderr.close()
        process.wait()
