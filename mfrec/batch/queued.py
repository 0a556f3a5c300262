"""Workers as jobs of Slurm or PBS, and what becomes of a job whose worker never comes.

dask-jobqueue submits them, and submits another where a worker that was there has gone. Of a job that ends before its
worker has connected (no such Python on the node, a disk that is not mounted, too little memory) it never hears, and
would wait for it for ever. So the queue itself is asked now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import queue
import re
import shlex
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask.config as dask_config
from distributed import Security, Status
from tornado.ioloop import PeriodicCallback

from mfrec.runtime.interruption import uninterrupted

# Importing it makes every later Ctrl-C end this process without a word and with code 0, as if all were done.
with uninterrupted():
    from dask_jobqueue.core import Job, JobQueueCluster
    from dask_jobqueue.pbs import PBSJob
    from dask_jobqueue.slurm import SLURMJob

LOOK = 10.0
"""Seconds between two looks into the queue; as long as a worker is missing, and no longer."""

ANSWER = 60.0
"""Seconds in which the queue has to answer."""

CONNECT = 600.0
"""Seconds that a job may run until its worker has connected; a node that reads Python from a cold share is slow."""

REPLACED = 3
"""Jobs in a row that follow one whose worker never came, before its place is given up."""

LOGS = ".mfrec-job-logs"
"""Folder in that of the batch with what jobs printed, unless dask-jobqueue's configuration names another."""

GONE = "it is not in the queue any more"


class Submitted(Job):
    """What is known of a job.

    Attributes:
        refused: why the queue did not take it; empty where it did.
        connected: whether its worker ever was there.
        running: since when it runs, in monotonic seconds, as far as that was seen.
    """

    refused: str = ""
    connected: bool = False
    running: float | None = None

    async def start(self) -> None:
        """Submit it. Dask would log a refusal once a second, and try as often."""
        try:
            await super().start()
        except (RuntimeError, ValueError, OSError) as error:
            self.refused = " ".join(str(error).split())
            self.status = Status.running


class SlurmJob(Submitted, SLURMJob):
    """A job of Slurm."""

    @staticmethod
    def question() -> list[str]:
        """The command that lists the user's jobs, with those that ended some minutes ago."""
        return ["squeue", "--noheader", f"--user={os.geteuid()}", "--states=all", "--format=%i %T"]

    @staticmethod
    def states(answer: str) -> dict[str, str]:
        """Number of each job to :data:`RUNS`, the word for how it ended, or ``""`` while it waits."""
        ended = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")
        rows = [line.split() for line in answer.splitlines()]
        return {row[0]: row[1] if row[1] in (*ended, RUNS) else "" for row in rows if len(row) == 2}


class PbsJob(Submitted, PBSJob):
    """A job of PBS."""

    @staticmethod
    def question() -> list[str]:
        """The command that lists the user's jobs."""
        try:
            return ["qstat", "-u", pwd.getpwuid(os.geteuid()).pw_name]
        except KeyError:  # a user without a name: all jobs, in which the own ones are found by their number
            return ["qstat", "-a"]

    @staticmethod
    def states(answer: str) -> dict[str, str]:
        """See :meth:`SlurmJob.states`."""
        words = {"R": RUNS, "C": "COMPLETED", "F": "FINISHED"}
        rows = [line.split() for line in answer.splitlines()]
        return {row[0].split(".")[0]: words.get(row[9], "") for row in rows if len(row) > 9 and row[0][:1].isdigit()}


RUNS = "RUNNING"

KINDS: Mapping[str, type[SlurmJob] | type[PbsJob]] = {"slurm": SlurmJob, "pbs": PbsJob}
"""Engine to what it submits."""


class Jobs(JobQueueCluster):
    """As many jobs as workers; one that ends, by its queue's limit of time for example, is followed by another.

    Attributes:
        news: what has happened to jobs, in words.
    """

    def __init__(self, engine: str, logs: Path, **options: Any) -> None:
        configured = dask_config.get(f"jobqueue.{engine}.log-directory", None)
        # Neither a queue's directive nor its configuration can hold every name.
        plain = str(logs) if shlex.quote(str(logs)) == str(logs) else None
        self.news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._logs = configured or plain
        self._kind = KINDS[engine]
        self._failures: Counter[str] = Counter()
        self._lost: dict[str, str] = {}
        self._trouble = ""
        self._asking: asyncio.Task[str] | None = None
        kind: Any = self._kind  # declared there as a job, and meant as a class of them
        super().__init__(job_cls=kind, log_directory=self._logs, **options)
        self.periodic_callbacks["jobs"] = PeriodicCallback(self._look, LOOK * 1000)
        assert self.loop is not None  # it runs
        self.loop.add_callback(self.periodic_callbacks["jobs"].start)

    def refusal(self) -> str:
        """Why there will be no worker; empty as long as there may be one."""
        return list(self._lost.values())[-1] if self.worker_spec and self._lost.keys() >= set(self.worker_spec) else ""

    def _get_worker_security(self, security: Security | None) -> Security | None:
        """The paths in it become words of a command line."""
        files = super()._get_worker_security(security)
        if files is None:
            return None
        return Security(
            require_encryption=files.require_encryption,
            tls_ca_file=shlex.quote(files.tls_ca_file) if files.tls_ca_file else None,
            tls_worker_key=shlex.quote(files.tls_worker_key) if files.tls_worker_key else None,
            tls_worker_cert=shlex.quote(files.tls_worker_cert) if files.tls_worker_cert else None,
        )

    def _update_worker_status(self, op: str, msg: Any) -> None:
        if op == "add":
            for worker in msg["workers"].values():
                self._connected(worker["name"])
        super()._update_worker_status(op, msg)

    def _connected(self, name: str) -> None:
        self._failures.pop(name, None)
        if name in self.workers:
            self.workers[name].connected = True

    async def _look(self) -> None:
        """Find jobs whose worker will not come any more, and put others in their place."""
        for worker in self.scheduler_info["workers"].values():  # faster than the answer to their submission
            self._connected(worker["name"])
        missing = {name: job for name, job in self.workers.items() if not job.connected and name not in self._lost}
        if not missing:
            return
        states = await self._states() if any(job.job_id for job in missing.values()) else {}
        for name, job in missing.items():
            if self.status == Status.running and self.workers.get(name) is job and not job.connected:
                why = job.refused and f"the queue takes no job ({job.refused})"
                why = why or (states is not None and self._ended(job, states.get(job.job_id, GONE)))
                if why:
                    await self._replace(name, why)

    async def _states(self) -> Mapping[str, str] | None:
        """What the queue says; None if it does not, and then nothing is concluded."""
        command = self._kind.question()
        self._asking = asyncio.ensure_future(answer(command))
        try:
            said = await self._asking
        except (OSError, RuntimeError, TimeoutError) as error:
            trouble = f"the queue cannot be asked for its jobs: {' '.join(command)}: {error or 'no answer'}"
            if trouble != self._trouble:
                self.news.put(trouble)
            self._trouble = trouble
            return None
        self._trouble = ""
        return self._kind.states(said)

    def _ended(self, job: Any, state: str) -> str:
        """Why the worker of a job will not come, in words with its log; empty if it may."""
        if not state:
            return ""
        if state == RUNS:
            job.running = job.running or time.monotonic()
            if time.monotonic() - job.running < CONNECT:
                return ""
            what = f"job {job.job_id} ran for {CONNECT:g} s and its worker did not connect"
        else:
            what = f"job {job.job_id} ended before its worker connected ({state})"
        return f"{what}; {log_of(job.job_id, self._logs)}"

    async def _replace(self, name: str, why: str) -> None:
        """Submit another in the place of a job, or give the place up; either way it is cancelled if it still runs."""
        self._failures[name] += 1
        if self._failures[name] > REPLACED:
            self._lost[name] = f"{why}; so it went with {self._failures[name]} jobs, and no other is submitted"
            self.news.put(self._lost[name])
            job = self.workers[name]
        else:
            self.news.put(f"{why}; another is submitted ({self._failures[name]} of {REPLACED})")
            job = self.workers.pop(name)
        with contextlib.suppress(OSError):
            await job.close()
        await self._correct_state()

    async def _close(self) -> None:
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait([self._asking])
        await super()._close()


async def answer(command: list[str]) -> str:
    """What a command prints.

    Raises:
        OSError: it is not there.
        RuntimeError: it failed.
        TimeoutError: it took more than :data:`ANSWER` seconds.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    try:
        said, wrong = await asyncio.wait_for(process.communicate(), ANSWER)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(" ".join(wrong.decode(errors="replace").split()) or f"it ended with {process.returncode}")
    return said.decode(errors="replace")


def log_of(job: str, folder: str | None) -> str:
    """Where what a job printed can be read, and its last line, in words.

    Args:
        job: its number.
        folder: in which the logs of all jobs are; None if the queue puts them where it likes.
    """
    if folder is None:
        return f"look at its log, a file with {job} in its name where this command was started"
    pattern = re.compile(rf"(?<!\d){re.escape(job)}(?!\d)")
    with contextlib.suppress(OSError):
        for path in sorted(Path(folder).iterdir()):
            lines = path.read_bytes()[-4000:].decode(errors="replace").split("\n") if pattern.search(path.name) else []
            last = [line.strip() for line in lines if line.strip()]
            if last:
                return f"the last line of its log '{path}' is: {last[-1][:300]}"
    return f"it printed nothing into its log in '{folder}'"
