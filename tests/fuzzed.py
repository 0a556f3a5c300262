"""Every reader against spoilt files: it ends well, or in mfrec's own errors, soon, and in bounded memory.

``python tests/fuzzed.py 10000 [SEED] [PART ...]`` (``make fuzz``) is the long form of ``tests/fuzz``. The parts are
``documents``, ``custody``, ``media`` and ``training``; each file ``fuzzed_PART.py`` makes the readers of one.
"""

from __future__ import annotations

import faulthandler
import importlib
import math
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mfrec.errors import MfrecError

PARTS = ("documents", "custody", "media", "training")

SLOW = 20.0
"""Seconds of processor time that no file may take: on a busy machine minutes pass in which nothing is computed."""

HANGS = 180.0
"""Seconds on the clock after which the stack of what may hang is printed."""

MINUTES = float(os.environ.get("MINUTES", "inf")) / 2
"""Minutes that the files have in the long form; ``fuzzed_commands.py`` has the other half of what was said."""

LARGE = 3 << 10
"""MiB that this process may have at most."""

MEMORY = "/dev/shm"
"""Where the files are written, if it is there. ext4 puts a file that is written anew onto the disk each
time, and on a busy disk a hundred thousand files wait for it for an hour: that looked like a hang."""

Spoil = Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes:
        name: of it.
        spoil: makes one.
        read: reads a file that holds it, with all that is done with what it says.
        errors: what it may raise.
    """

    name: str
    spoil: Spoil
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...] = (MfrecError,)


def readers_of(part: str, folder: Path) -> list[Reader]:
    """The readers of a part; sound files to begin with are made in ``folder``."""
    folder.mkdir()
    return importlib.import_module(f"fuzzed_{part}").readers(folder)


def attack(
    kinds: Sequence[Reader],
    folder: Path,
    count: int,
    seed: int,
    say: Callable[[str], None] = lambda _: None,
    *,
    minutes: float = math.inf,
) -> tuple[Counter[str], list[str]]:
    """Read many spoilt files, every kind in turn.

    Args:
        kinds: who reads what.
        folder: for the files.
        count: of files in all.
        seed: with it and its number each can be made again.
        say: told every ten thousand how far it is.
        minutes: after which no other is read.

    Returns:
        How often each kind was read or refused; and what should not have happened, with the file's number.
    """
    found: Counter[str] = Counter()
    wrong: list[str] = []
    start = time.monotonic()
    most = _mebibytes()
    for number in range(count):
        if time.monotonic() - start > 60 * minutes:
            break
        kind = kinds[number % len(kinds)]
        place = folder / kind.name.replace(".", "-")
        place.mkdir(exist_ok=True)
        path = place / kind.name
        path.write_bytes(kind.spoil(random.Random(f"{seed} {number}")))
        begun = time.process_time()
        faulthandler.dump_traceback_later(HANGS)
        try:
            kind.read(path)
            found[f"{kind.name} read"] += 1
        except kind.errors:
            found[f"{kind.name} refused"] += 1
        except Exception:
            wrong.append(f"file {number}, {kind.name}: {traceback.format_exc(limit=-3)}")
        if time.process_time() - begun > SLOW:
            wrong.append(f"file {number}, {kind.name}: took {time.process_time() - begun:.0f} s")
        if most <= LARGE < _mebibytes():
            wrong.append(f"file {number}, {kind.name}: took {_mebibytes()} MiB")
        most = _mebibytes()
        if number % 10_000 == 9_999:
            say(f"{number + 1} files, {len(wrong)} wrong, {time.monotonic() - start:.0f} s, {most} MiB")
    faulthandler.cancel_dump_traceback_later()
    return found, wrong


def _mebibytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def in_memory() -> str | None:
    """:data:`MEMORY`, if it can be used."""
    return MEMORY if os.access(MEMORY, os.W_OK) else None


def main(count: int, seed: int, parts: Sequence[str]) -> int:
    """Attack the readers of all parts, print what came of it, and give the exit code."""
    faulthandler.enable()
    with tempfile.TemporaryDirectory(prefix="mfrec-fuzz-", dir=in_memory()) as scratch:
        kinds = [kind for part in parts for kind in readers_of(part, Path(scratch) / part)]
        found, wrong = attack(
            kinds, Path(scratch), count, seed, partial(print, file=sys.stderr, flush=True), minutes=MINUTES
        )
    for what, times in sorted(found.items()):
        print(f"{times:7}  {what}")
    print(f"{found.total()} files, {_mebibytes()} MiB at most")
    print("\n".join(wrong[:20]) or "nothing but mfrec's own errors")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, sys.argv[3:] or PARTS))
