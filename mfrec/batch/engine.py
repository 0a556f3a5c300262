"""Hands cases to workers, and what came of them to the ledger.

No more cases are handed out than there are workers, so that a worker that dies costs one case a try and no other case
anything. A worker with another mfrec, or other versions of what it computes with, gets none: its pixels would differ.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mfrec.batch.attempt import Limits, Outcome, close_children, perform
from mfrec.batch.child import BROKEN
from mfrec.batch.cluster import Client, Cluster
from mfrec.batch.ledger import Attempt, Entry, Ledger
from mfrec.errors import UsageError
from mfrec.provenance.surroundings import surroundings

LOOK = 1.0
"""Seconds between two looks at which workers there are, and between two reports."""

LOSSES = 10
"""How often a case may lose its worker. That is not its doing, mostly: its own crashes do not reach the worker."""


@dataclass(frozen=True)
class Status:
    """How far a batch is.

    Attributes:
        counts: cases by their state, see :mod:`mfrec.batch.ledger`.
        workers: that take cases.
        ended: cases that ended in this run, and the seconds since it began.
        message: what has just happened that somebody may want to know; mostly empty.
    """

    counts: Mapping[str, int]
    workers: int
    ended: int
    seconds: float
    message: str = ""


class LostError(Exception):
    """The scheduler is gone."""


@dataclass
class Crew:
    """The workers that may work on cases.

    Attributes:
        client: of their scheduler.
        threads: address to the number of cases at a time.
        strangers: address to the reason why a worker gets none.
    """

    client: Client
    threads: dict[str, int] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)

    def look(self) -> list[str]:
        """See who is there; what is wrong with those who are new.

        Raises:
            LostError: the scheduler does not answer.
        """
        try:
            there: Any = self.client.nthreads()
            new = [address for address in there if address not in self.threads and address not in self.strangers]
            said: Any = self.client.run(surroundings, workers=new, on_error="return") if new else {}
        except Exception as error:  # Dask raises what its connection happened to be at
            raise LostError(f"{type(error).__name__}: {error}") from None
        own, wrong = surroundings(), []
        for address in new:
            why = other(own, said.get(address))
            if why:
                self.strangers[address] = why
                wrong.append(f"the worker {address} gets no case: {why}")
        self.threads = {address: count for address, count in there.items() if address not in self.strangers}
        return wrong


def other(own: Mapping[str, str], said: Any) -> str:
    """How the surroundings of a worker differ from those here, the first difference in words; empty if they do not."""
    if not isinstance(said, Mapping):
        return f"it cannot say which mfrec it has ({type(said).__name__}: {said})"
    for key in (*own, *said):
        if own.get(key) != said.get(key):
            here, there = ((values.get(key) or "none")[:12] for values in (own, said))
            return f"it has {key} {there}, and here it is {here}"
    return ""


def work_off(
    ledger: Ledger,
    cluster: Cluster,
    out: Path,
    lock: Path,
    limits: Limits,
    *,
    retries: int = 1,
    report: Callable[[Status], None] = lambda _: None,
) -> str:
    """Work on every case that waits.

    Args:
        ledger: says which; gets what came of them.
        cluster: of the workers.
        out: folder of the batch, absolute.
        lock: see :func:`mfrec.batch.child.alone`.
        limits: of each case.
        retries: how many more tries a case gets that crashed.
        report: called about once a second, and when something happens.

    Returns:
        Why it ended with cases waiting; empty if it did not.
    """
    shift = Shift(ledger, out, lock, limits, retries, report)
    gone = time.monotonic()
    try:
        while True:
            try:
                client = cluster.connect()
            except UsageError as error:
                if not shift.connected or time.monotonic() - gone > cluster.patience:
                    return str(error)
                time.sleep(LOOK)
                continue
            shift.connected = True
            try:
                return shift.work(client, cluster)
            except LostError as error:
                gone = time.monotonic()
                shift.say(f"the scheduler is gone ({error}); waiting for it")
                shift.all_lost()
            finally:
                if cluster.own:
                    close_children()  # else workers would be waited for until their cases end
                # What is left of a scheduler that may be dead already; the ledger holds all that counts.
                with contextlib.suppress(Exception):
                    client.close(timeout=2)
    finally:
        ledger.write()


@dataclass
class Shift:
    """What :func:`work_off` keeps from one scheduler to the next; its arguments, and

    Attributes:
        connected: whether there ever was a scheduler.
        again: cases that get one more try.
        ahead: cases that were read from the ledger and not handed out yet.
        last: the highest number of a case that was read.
        flying: key of Dask to the case that was handed out under it, and its future.
        tries: number of a case to how often it was tried.
        losses: number of a case to how often its worker or scheduler was lost.
        workers: how many cases the workers take at a time.
        ended: cases that ended.
        begun: when, in monotonic seconds.
        token: tells the cases of this process from those of another client of the scheduler.
    """

    ledger: Ledger
    out: Path
    lock: Path
    limits: Limits
    retries: int
    report: Callable[[Status], None]
    connected: bool = False
    again: deque[Entry] = field(default_factory=deque)
    ahead: deque[Entry] = field(default_factory=deque)
    last: int = 0
    flying: dict[Any, tuple[Entry, Any]] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    losses: Counter[int] = field(default_factory=Counter)
    workers: int = 0
    ended: int = 0
    begun: float = field(default_factory=time.monotonic)
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def work(self, client: Client, cluster: Cluster) -> str:
        """Work until nothing waits, or nobody is there to work for too long, or will be; the reason for the latter.

        Raises:
            LostError: the scheduler is gone.
        """
        crew = Crew(client)
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        looked, had = 0.0, time.monotonic()
        while True:
            if time.monotonic() - looked >= LOOK or not crew.threads:
                for message in crew.look():
                    self.say(message)
                while not cluster.news.empty():
                    self.say(cluster.news.get())
                self.workers, looked = sum(crew.threads.values()), time.monotonic()
                self.say()
            while len(self.flying) < self.workers and (entry := self.next()) is not None:
                self.submit(client, crew, entry, finished)
            self.ledger.write()
            if not self.flying and self.peek() is None:
                return ""
            if self.workers:
                had = time.monotonic()
            elif refusal := cluster.refusal():
                return refusal
            elif time.monotonic() - had > cluster.patience:
                why = next(iter(crew.strangers.values()), "")
                return f"no worker took a case for {cluster.patience:g} s" + (
                    f"; one was there, but {why}" if why else ""
                )
            try:
                self.take(finished.get(timeout=LOOK))
                while not finished.empty():
                    self.take(finished.get())
            except queue.Empty:
                if client.status != "running" or any(
                    f.status in ("lost", "cancelled") for _, f in self.flying.values()
                ):
                    raise LostError(f"its connection is {client.status}") from None

    def peek(self) -> Entry | None:
        """The next case that waits."""
        if self.again:
            return self.again[0]
        if not self.ahead:
            self.ahead.extend(self.ledger.waiting(self.last, 100))
            if self.ahead:
                self.last = self.ahead[-1].number
        return self.ahead[0] if self.ahead else None

    def next(self) -> Entry | None:
        """The next case that waits, taken from those."""
        entry = self.peek()
        if entry is not None:
            (self.again or self.ahead).popleft()
        return entry

    def submit(self, client: Client, crew: Crew, entry: Entry, finished: queue.SimpleQueue[Any]) -> None:
        """Hand out a case; its future comes to ``finished``."""
        count = self.tries[entry.number] + self.losses[entry.number]
        future = client.submit(
            perform,
            entry.number,
            entry.command,
            str(self.out / entry.out),
            str(self.lock),
            self.limits,
            key=f"mfrec-{self.token}-{entry.number}-{count}",
            pure=False,
            workers=list(crew.threads) if crew.strangers else None,
        )
        self.flying[future.key] = entry, future
        self.ledger.begun(entry.number)
        future.add_done_callback(finished.put)

    def take(self, future: Any) -> None:
        """A case has come back, in one way or another."""
        if future.key not in self.flying:
            return
        if future.status in ("lost", "cancelled"):
            return  # found by work()
        entry, _ = self.flying.pop(future.key)
        if future.status == "finished":
            outcome: Outcome = future.result()
            self.tries[entry.number] += 1
            again = outcome.again and self.tries[entry.number] <= self.retries
        else:
            # The worker died, or could not even begin.
            error = future.exception()
            name = type(error).__name__
            lost = name in ("KilledWorker", "NoValidWorkerError", "CommClosedError", "WorkerStartTimeoutError")
            what = "its worker died" if lost else f"{name}: {error}"
            outcome = Outcome(BROKEN, what, True, 0.0, 0, "", time.time())
            self.losses[entry.number] += 1
            again = self.losses[entry.number] <= (LOSSES if lost else self.retries)
        future.release()
        done = outcome.code == 0
        state = "done" if done else "waiting" if again else "failed"
        attempt = Attempt(
            entry.number,
            outcome.began,
            time.time(),
            outcome.worker,
            outcome.code,
            outcome.reason,
            outcome.seconds,
            outcome.memory,
        )
        self.ledger.ended(attempt, state)
        if again and not done:
            self.again.append(entry)
            self.say(f"{entry.name}: once more, because {outcome.reason}")
            return
        self.ended += 1
        self.say("" if done else f"{entry.name}: failed: {outcome.reason}")

    def all_lost(self) -> None:
        """No case that was handed out will come back."""
        for entry, _ in self.flying.values():
            self.losses[entry.number] += 1
            self.again.append(entry)
        self.flying.clear()
        self.workers = 0

    def say(self, message: str = "") -> None:
        """Report how far it is, and what happened."""
        seconds = time.monotonic() - self.begun
        self.report(Status(self.ledger.counts(), self.workers, self.ended, seconds, message))
