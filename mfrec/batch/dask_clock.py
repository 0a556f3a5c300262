"""A clock for Dask that nobody can set.

Dask and Tornado wait until a time on the wall. Where that clock is set back they send nothing until it is there again,
and where it is set forward they take their workers for dead. Neither has a setting for it, so importing this module
gives both a clock that runs on from the start of this process. A scheduler and workers that are started elsewhere get
it by ``--preload mfrec.batch.dask_clock``.
"""

from __future__ import annotations

import sys
import time

import distributed  # noqa: F401 (its modules are those that are given the clock)
from tornado.ioloop import IOLoop

_START = time.time() - time.monotonic()


def steady() -> float:
    """Seconds since 1970 by the clock on the wall at the start of this process, and evenly on from there."""
    return _START + time.monotonic()


def _of_loop(self: IOLoop) -> float:
    return steady()


def _give() -> None:
    IOLoop.time = _of_loop
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "distributed" and getattr(module, "time", None) is time.time:
            module.time = steady  # pyright: ignore[reportAttributeAccessIssue]


_give()
