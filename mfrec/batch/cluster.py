"""Dask's workers: threads of this process, a cluster behind an address, or jobs of a queue.

On one machine the workers are threads, because the work is done by processes that they start: no port is opened to
which somebody else could connect. Elsewhere Dask's own configuration says how connections are encrypted
(``distributed.comm.tls``), and a scheduler's address is then one of TLS.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mfrec.errors import UsageError
from mfrec.runtime.extras import not_installed

try:
    import dask.config as dask_config
    from distributed import Client, LocalCluster, Security
except ModuleNotFoundError as error:
    raise UsageError(not_installed("mfrec batch", error.name, "batch")) from None

CONNECT = 10.0
"""Seconds in which a scheduler has to answer."""

QUEUES = {"slurm": "SLURMCluster", "pbs": "PBSCluster"}
"""Engine to the class of dask-jobqueue."""

HERE = {f"distributed.{part}.http.routes": [] for part in ("scheduler", "worker")}
"""Dask's configuration for workers in this process: it serves pages about its state even without a dashboard. These are
empty, and for this machine alone."""

SCHEMES = ("dask://", "tcp://", "tls://")


@dataclass(frozen=True)
class Cluster:
    """Where the workers are.

    Attributes:
        connect: a new connection to them.
        patience: seconds without any worker, or without a scheduler, after which it is no use to wait longer.
        own: whether they end with this process.
    """

    connect: Callable[[], Client]
    patience: float
    own: bool


@contextlib.contextmanager
def cluster(engine: str, workers: int, memory: int) -> Iterator[Cluster]:
    """Workers as long as the block runs.

    Args:
        engine: ``"local"``, ``"dask://HOST:PORT"`` (or ``tcp://``, ``tls://``), ``"slurm"`` or ``"pbs"``.
        workers: how many; of a cluster behind an address all are used.
        memory: bytes that a case may have, which a queue reserves.

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
        with _queued(engine, workers, memory) as jobs:
            # A job may wait in its queue for as long as it likes.
            yield Cluster(lambda: Client(jobs, set_as_default=False), float("inf"), own=True)
    else:
        raise UsageError(f"there is no engine '{engine}'; expected local, dask://HOST:PORT, slurm or pbs")


def as_address(engine: str) -> str:
    """The address of a scheduler for Dask: ``dask://`` is TLS where Dask's configuration has certificates."""
    scheme, _, place = engine.partition("://")
    if scheme != "dask":
        return engine
    security = Security()
    return f"{'tls' if security.require_encryption or security.tls_ca_file else 'tcp'}://{place}"


def _connected(address: str) -> Client:
    try:
        return Client(address, timeout=CONNECT, security=Security(), set_as_default=False)
    except RuntimeError as error:  # Dask's configuration wants encryption
        raise UsageError(f"'{address}' is not used: {error}; give dask://HOST:PORT, which is TLS here") from None
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"no scheduler answers at '{address}' ({error}); start one there with: dask scheduler"
        ) from None


def _queued(engine: str, workers: int, memory: int) -> Any:
    try:
        import dask_jobqueue
    except ModuleNotFoundError as error:
        raise UsageError(not_installed(f"--engine {engine}", error.name, "batch")) from None
    make = getattr(dask_jobqueue, QUEUES[engine])
    try:
        # Account, partition and time come from Dask's configuration, jobqueue.yaml. The worker itself is small.
        jobs = make(cores=1, processes=1, memory=f"{memory / 2**30 + 1:.1f}GiB", security=Security())
        jobs.scale(jobs=workers)
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"--engine {engine} cannot be used: {error}; see dask-jobqueue's configuration") from None
    return jobs
