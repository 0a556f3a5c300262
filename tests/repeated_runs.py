"""Memory of one process over many reconstructions: what the first one leaves, and what the last one does.

``python tests/repeated_runs.py 50 [RECIPE]`` (part of ``make faults``) reconstructs seven frames of 48 px so often and
fails where the process has grown by more than :data:`MOST` after any run.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from mfrec.options import Options
from mfrec.outputs import reconstruct_into

MOST = 20_000_000
"""Bytes by which it may be larger after a run than after the first one."""


def resident() -> int:
    """Bytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def after_each(runs: int, recipe: str, folder: Path) -> list[int]:
    """Bytes of this process after each run; ``folder`` is empty."""
    frames = folder / "frames"
    # By another process: this one is to begin as one that reconstructs and does nothing else.
    film = "import pathlib, sys, killed_runs; killed_runs.film_frames(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", film, str(frames)], check=True, env=environment)
    found = []
    for number in range(runs):
        reconstruct_into(folder / f"out-{number}", [frames], Options(recipe=recipe), command="repeated")
        gc.collect()
        found.append(resident())
        print(f"run {number + 1}: {found[-1] / 1e6:.1f} MB", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="mfrec-repeated-") as place:
        after = after_each(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "restore", Path(place))
    grown = max(after) - after[0]
    print(
        f"{len(after)} runs: {after[0] / 1e6:.1f} MB after the first, {grown / 1e6:+.1f} MB at most after a later one"
    )
    sys.exit(1 if grown > MOST else 0)
