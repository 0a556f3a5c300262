"""A clock that jumps by days at every look ends none of Dask's connections."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from faulty_surroundings import JUMPING

WORK = """
import logging, time
from pathlib import Path
from mfrec.batch.cluster import cluster
first, then = time.time(), time.time()
assert abs(then - first) > 80_000
with cluster("local", 2, 1 << 30, Path.cwd()) as workers, workers.connect() as client:
    futures = [client.submit(abs, -number) for number in range(20)]
    print(sum(future.result(timeout=30) for future in futures))
"""


def test_work_is_handed_out_by_a_clock_that_jumps(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(JUMPING)
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    run = subprocess.run(
        [sys.executable, "-c", WORK], env={**os.environ, "PYTHONPATH": paths}, cwd=tmp_path, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (run.stdout, run.returncode) == ("190\n", 0), run.stderr
