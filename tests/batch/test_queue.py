"""Jobs of a queue: what is submitted is run by stand-ins for Slurm's commands, and really is a worker of Dask."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

import dask.config as dask_config
import pytest
from killed_batches import environment

from mfrec.batch.attempt import Limits
from mfrec.batch.cluster import JOBS, cluster
from mfrec.batch.measuring import evaluate_cases
from mfrec.batch.night import run_batch
from mfrec.errors import UsageError
from mfrec.imageio import png_bytes
from mfrec.types import FloatArray

SUBMIT = """#!/bin/sh
cp "$1" "{folder}/$$.job"
setsid sh "{folder}/$$.job" > "{folder}/$$.log" 2>&1 &
echo $! > "{folder}/$$.pid"
echo "Submitted batch job $$"
"""

CANCEL = """#!/bin/sh
kill -9 -- -$(cat "{folder}/$1.pid")
touch "{folder}/$1.cancelled"
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with every job that was submitted; a job begins at once."""
    folder = tmp_path / "queue"
    folder.mkdir()
    for name, text in (("sbatch", SUBMIT), ("scancel", CANCEL), ("qsub", SUBMIT), ("qdel", CANCEL)):
        (folder / name).write_text(text.format(folder=folder))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    monkeypatch.chdir(folder)
    return folder


def test_a_batch_through_slurms_commands(portrait: FloatArray, tmp_path: Path, queue: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(portrait))
    cases, gather = evaluate_cases([tmp_path / "a.png"], tmp_path / "a.png", metrics=["psnr"])
    out = tmp_path / "out"
    (out / JOBS).mkdir(parents=True)
    (out / JOBS / "key.pem").write_text("of a run that was killed")
    (out / ".mfrec-batch.lock").touch()
    made = run_batch(cases, out, Limits(120.0, 2 << 30), engine="slurm", gather=gather)
    assert (made.counts, made.code) == ({"done": 1}, 0) and "equal" in made.table
    (job,) = queue.glob("*.job")
    text = job.read_text()
    assert "#SBATCH --mem=3G" in text and "--cpus-per-task=1" in text and f"{out / JOBS / 'key.pem'}" in text
    assert "tls://" in (out / "cases.csv").read_text()
    assert job.with_suffix(".cancelled").exists() and not (out / JOBS).exists()


def test_another_job_follows_one_that_ends(tmp_path: Path, queue: Path) -> None:
    soon = dask_config.set({"distributed.deploy.lost-worker-timeout": "1s"})
    with soon, cluster("slurm", 1, 1 << 30, tmp_path) as workers, contextlib.closing(workers.connect()) as client:
        assert stat.S_IMODE((tmp_path / JOBS).stat().st_mode) == 0o700
        client.wait_for_workers(1, timeout=60)
        (job,) = queue.glob("*.pid")
        os.killpg(int(job.read_text()), 9)
        job.unlink()
        assert client.submit(os.getpid, key="once more").result(timeout=60)
        assert len(list(queue.glob("*.job"))) == 2


def test_a_queue_that_takes_no_job_is_not_waited_for(portrait: FloatArray, tmp_path: Path, queue: Path) -> None:
    (queue / "qsub").write_text("#!/bin/sh\necho no such account >&2\nexit 1\n")
    (tmp_path / "a.png").write_bytes(png_bytes(portrait))
    cases, _ = evaluate_cases([tmp_path / "a.png"], tmp_path / "a.png", metrics=["psnr"])
    made = run_batch(cases, tmp_path / "out", Limits(120.0, 2 << 30), engine="pbs")
    assert made.code == UsageError.exit_code and made.counts == {"waiting": 1}
    assert "the queue takes no job (" in made.ended and "no such account" in made.ended
