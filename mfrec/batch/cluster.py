"""Dask's workers: threads of this process, a cluster behind an address, or jobs of a queue.

On one machine the workers are threads, because the work is done by processes that they start: no port is opened to
which somebody else could connect. Elsewhere Dask's own configuration says how connections are encrypted
(``distributed.comm.tls``), and a scheduler's address is then one of TLS. Jobs of a queue come over the network: where
it says nothing they get a key that was made for them.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mfrec.errors import UsageError
from mfrec.publication.folder import writing
from mfrec.runtime.extras import not_installed

try:
    import dask.config as dask_config
    from distributed import Client, LocalCluster, Security

    from mfrec.batch import dask_clock
except ModuleNotFoundError as error:
    raise UsageError(not_installed("mfrec batch", error.name, "batch")) from None

if TYPE_CHECKING:
    from mfrec.batch.queued import Jobs

CONNECT = 10.0
"""Seconds in which a scheduler has to answer."""

QUEUES = ("slurm", "pbs")
"""Engines whose workers are jobs."""

HERE = {
    # It serves pages about its state even without a dashboard. These are empty, and for this machine alone.
    **{f"distributed.{part}.http.routes": [] for part in ("scheduler", "worker")},
    # For those pages it looks a hundred times a second what its threads are at, and what the machine does: nine tenths
    # of the processor time of a batch that waits for its cases.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
}
"""Dask's configuration for a scheduler and workers in this process."""

SCHEMES = ("dask://", "tcp://", "tls://")

JOBS = ".mfrec-jobs"
"""Folder in that of the batch with the key by which jobs of a queue connect, for its owner only."""

ROLES = ("client", "scheduler", "worker")
"""Of Dask's processes, each with its own certificate."""


@dataclass(frozen=True)
class Cluster:
    """Where the workers are.

    Attributes:
        connect: a new connection to them.
        patience: seconds without any worker, or without a scheduler, after which it is no use to wait longer.
        own: whether they end with this process.
        refusal: why there will be no worker, as far as that is known; empty where there may be one.
        news: what happened to workers on their way, in words.
    """

    connect: Callable[[], Client]
    patience: float
    own: bool
    refusal: Callable[[], str] = lambda: ""
    news: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)


@contextlib.contextmanager
def cluster(engine: str, workers: int, memory: int, out: Path) -> Iterator[Cluster]:
    """Workers as long as the block runs.

    Args:
        engine: ``"local"``, ``"dask://HOST:PORT"`` (or ``tcp://``, ``tls://``), ``"slurm"`` or ``"pbs"``.
        workers: how many; of a cluster behind an address all are used.
        memory: bytes that a case may have, which a queue reserves.
        out: folder of the batch, which all workers share; jobs of a queue find their key in it.

    Raises:
        UsageError: there is no such engine, what it needs is not installed, or it does not answer.
    """
    if engine.startswith(SCHEMES):
        address = as_address(engine)
        yield Cluster(lambda: _connected(address), 60.0, own=False)
    elif engine == "local":
        with tempfile.TemporaryDirectory(prefix="mfrec-dask-") as place, dask_config.set(HERE):
            try:
                local = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=False,
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    local_directory=place,
                )
            except (RuntimeError, OSError) as error:  # no handles, no memory for a thread
                raise UsageError(
                    f"no worker could be started here ({error.__cause__ or error}); let this process have more files "
                    "and threads, or take fewer --workers"
                ) from None
            with local:
                yield Cluster(lambda: Client(local, set_as_default=False), 60.0, own=True)
    elif engine in QUEUES:
        with _key(out / JOBS) as security, _queued(engine, workers, memory, security, out) as jobs:
            # A job may wait in its queue for as long as it likes.
            yield Cluster(lambda: Client(jobs, set_as_default=False), float("inf"), True, jobs.refusal, jobs.news)
    else:
        raise UsageError(f"there is no engine '{engine}'; expected local, dask://HOST:PORT, slurm or pbs")


def as_address(engine: str) -> str:
    """The address of a scheduler for Dask: ``dask://`` is TLS where Dask's configuration has certificates."""
    scheme, _, place = engine.partition("://")
    if scheme != "dask":
        return engine
    return f"{'tls' if _encrypted(Security()) else 'tcp'}://{place}"


def _encrypted(security: Security) -> bool:
    """Whether Dask's configuration says how."""
    return bool(security.require_encryption or security.tls_ca_file)


def _connected(address: str) -> Client:
    try:
        return Client(address, timeout=CONNECT, security=Security(), set_as_default=False)
    except RuntimeError as error:  # Dask's configuration wants encryption
        raise UsageError(f"'{address}' is not used: {error}; give dask://HOST:PORT, which is TLS here") from None
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"no scheduler answers at '{address}' ({error}); start one there with: dask scheduler"
        ) from None


@contextlib.contextmanager
def _key(place: Path) -> Iterator[Security]:
    """How jobs and this process know each other: as Dask's configuration says, else by a key that lies in a folder.

    Args:
        place: the folder; one that a dead process left is emptied. Only one process works on a batch.

    Raises:
        UsageError: it cannot be written, or what makes the key is not installed.
    """
    configured = Security()
    if _encrypted(configured):
        yield configured
        return
    try:
        made = Security.temporary()
    except ImportError:
        raise UsageError(not_installed("a queue's jobs without certificates", "cryptography", "batch")) from None
    shutil.rmtree(place, ignore_errors=True)  # does not follow a link
    with writing(place):
        place.mkdir(mode=0o700)
    try:
        with writing(place):
            for name, text in (("key.pem", made.tls_worker_key), ("certificate.pem", made.tls_ca_file)):
                (place / name).write_text(text)
        key, certificate = str(place / "key.pem"), str(place / "certificate.pem")
        files = {f"tls_{role}_{part}": path for role in ROLES for part, path in (("key", key), ("cert", certificate))}
        yield Security(tls_ca_file=certificate, require_encryption=True, **files)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def _queued(engine: str, workers: int, memory: int, security: Security, out: Path) -> Iterator[Jobs]:
    """See :class:`mfrec.batch.queued.Jobs`."""
    try:
        from mfrec.batch.queued import LOGS, Jobs
    except ModuleNotFoundError as error:
        raise UsageError(not_installed(f"--engine {engine}", error.name, "batch")) from None
    configured = dask_config.get(f"jobqueue.{engine}.scheduler-options", {})
    with dask_config.set(HERE):
        try:
            # Account, partition and time come from Dask's configuration, jobqueue.yaml. The worker itself is small.
            jobs = Jobs(
                engine,
                out / LOGS,
                cores=1,
                processes=1,
                nanny=False,
                memory=f"{memory / 2**30 + 1:.1f}GiB",
                security=security,
                scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0", **configured},
                worker_extra_args=[
                    *(dask_config.get(f"jobqueue.{engine}.worker-extra-args") or ()),
                    *("--no-dashboard", "--preload", dask_clock.__name__),
                ],
            )
        except (ValueError, OSError, RuntimeError) as error:
            raise UsageError(f"--engine {engine} cannot be used: {error}; see dask-jobqueue's configuration") from None
        with jobs:
            jobs.adapt(minimum_jobs=workers, maximum_jobs=workers)
            yield jobs
