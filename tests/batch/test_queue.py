"""Jobs of a queue: what is submitted is run by stand-ins for Slurm's commands, and really is a worker of Dask."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.config as dask_config
import pytest
from killed_batches import environment

from mfrec.batch.attempt import Limits
from mfrec.batch.cluster import JOBS, cluster
from mfrec.batch.engine import Status
from mfrec.batch.measuring import evaluate_cases
from mfrec.batch.night import Batch, run_batch
from mfrec.batch.queued import GONE, LOGS, REPLACED
from mfrec.errors import UsageError
from mfrec.imageio import png_bytes
from mfrec.types import FloatArray

SUBMIT = """#!/bin/sh
cp "$1" "{folder}/$$.job"
log=$(sed -n "s/^#SBATCH -e //p; s/^#PBS -e \\(.*\\)/\\1mfrec.e%J/p" "$1" | sed "s/%J/$$/")
setsid sh "{folder}/$$.job" > "${{log:-{folder}/$$.log}}" 2>&1 &
echo $! > "{folder}/$$.pid"
echo "Submitted batch job $$"
"""

CANCEL = """#!/bin/sh
kill -9 -- -$(cat "{folder}/$1.pid")
touch "{folder}/$1.cancelled"
"""

LIST = """#!/bin/sh
for pid in "{folder}"/*.pid; do
    name=$(basename "$pid" .pid)
    if kill -0 $(cat "$pid") 2> /dev/null; then {alive}; else {ended}; fi
done
"""

SQUEUE = LIST.replace("{alive}", "echo $name RUNNING").replace("{ended}", "echo $name FAILED")
QSTAT = LIST.replace("{alive}", "echo $name.here me night mfrec 1 1 1 3gb 01:00 R 00:01").replace("{ended}", ":")


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with every job that was submitted; a job begins at once."""
    folder = tmp_path / "queue"
    folder.mkdir()
    slurm, pbs = (("sbatch", SUBMIT), ("scancel", CANCEL), ("squeue", SQUEUE)), (("qsub", SUBMIT), ("qdel", CANCEL))
    for name, text in (*slurm, *pbs, ("qstat", QSTAT)):
        (folder / name).write_text(text.format(folder=folder))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    monkeypatch.chdir(folder)
    monkeypatch.setattr("mfrec.batch.queued.LOOK", 0.1)
    return folder


def before(engine: str, line: str) -> Any:
    """Jobs begin with a line of the shell."""
    return dask_config.set({f"jobqueue.{engine}.job-script-prologue": [line]})


def one_picture(portrait: FloatArray, folder: Path, engine: str, said: list[str]) -> Batch:
    """A batch of one case in ``folder / "out"``; what it says comes to ``said``."""
    (folder / "a.png").write_bytes(png_bytes(portrait))
    cases, _ = evaluate_cases([folder / "a.png"], folder / "a.png", metrics=["psnr"])

    def hear(status: Status) -> None:
        said.extend(filter(None, [status.message]))

    return run_batch(cases, folder / "out", Limits(120.0, 2 << 30), engine=engine, report=hear)


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


def test_ctrl_c_is_what_it_was_before_the_queues_were_imported() -> None:
    """dask-jobqueue's import makes it end the process with code 0; only the first import can show it."""
    # Where the tests run in the background of a shell Ctrl-C is ignored, and a new process finds it so.
    found = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import mfrec.batch.queued; print(signal.getsignal(signal.SIGINT).__name__)"
    )
    run = subprocess.run([sys.executable, "-c", found], env=environment(), capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "default_int_handler"


def test_another_job_follows_one_that_ends(tmp_path: Path, queue: Path) -> None:
    """Also after one that did not come as far as a worker; the folder's name is two words."""
    out = tmp_path / "a night"
    out.mkdir()
    soon = dask_config.set({"distributed.deploy.lost-worker-timeout": "1s"})
    first = before("slurm", f"test -e '{queue}/second' || {{ touch '{queue}/second'; exit 1; }}")
    with (
        soon,
        first,
        cluster("slurm", 1, 1 << 30, out) as workers,
        contextlib.closing(workers.connect()) as client,
    ):
        assert stat.S_IMODE((out / JOBS).stat().st_mode) == 0o700
        client.wait_for_workers(1, timeout=60)
        said = workers.news.get_nowait()
        assert "ended before its worker connected (FAILED)" in said and "another is submitted (1 of 3)" in said
        (job,) = (path for path in queue.glob("*.pid") if f"job {path.stem} " not in said)
        os.killpg(int(job.read_text()), 9)
        job.unlink()
        assert client.submit(os.getpid, key="once more").result(timeout=60)
        assert len(list(queue.glob("*.job"))) == 3 and not workers.refusal()


@pytest.mark.parametrize("engine", ["slurm", "pbs"])
def test_jobs_that_end_before_they_connect_are_replaced_and_then_given_up(
    portrait: FloatArray, tmp_path: Path, queue: Path, engine: str
) -> None:
    said: list[str] = []
    with before(engine, "echo no such disk; exit 1"):
        made = one_picture(portrait, tmp_path, engine, said)
    assert made.code == UsageError.exit_code and made.counts == {"waiting": 1}
    jobs, logs = sorted(path.stem for path in queue.glob("*.job")), sorted((tmp_path / "out" / LOGS).iterdir())
    assert len(jobs) == 1 + REPLACED and len(logs) == len(jobs)
    ended = "(FAILED)" if engine == "slurm" else f"({GONE})"
    assert f"ended before its worker connected {ended}; the last line of its log '{tmp_path}" in made.ended
    assert "is: no such disk; so it went with 4 jobs" in made.ended
    assert all(part in text for part, text in zip(("1 of 3", "2 of 3", "3 of 3", "so it went"), said, strict=True))


def test_a_job_that_runs_without_its_worker_is_cancelled(
    portrait: FloatArray, tmp_path: Path, queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfrec.batch.queued.CONNECT", 0.2)
    monkeypatch.setattr("mfrec.batch.queued.REPLACED", 0)
    with before("slurm", "exec sleep 600"):
        made = one_picture(portrait, tmp_path, "slurm", [])
    assert "ran for 0.2 s and its worker did not connect; it printed nothing into its log in" in made.ended
    (job,) = queue.glob("*.job")
    assert job.with_suffix(".cancelled").exists()


def test_nothing_is_concluded_from_a_queue_that_does_not_answer(
    portrait: FloatArray, tmp_path: Path, queue: Path
) -> None:
    """The job has ended, but that is found when the queue can be asked again."""
    (queue / "squeue").rename(queue / "repaired")
    (queue / "squeue").write_text(f"#!/bin/sh\nmv {queue}/repaired {queue}/squeue\necho no controller >&2\nexit 1\n")
    (queue / "squeue").chmod(0o755)
    said: list[str] = []
    with before("slurm", "exit 1"):
        made = one_picture(portrait, tmp_path, "slurm", said)
    assert said[0].startswith("the queue cannot be asked for its jobs: squeue") and "no controller" in said[0]
    assert len(said) == 2 + REPLACED and "(FAILED)" in made.ended


def test_a_queue_that_takes_no_job_is_not_waited_for(portrait: FloatArray, tmp_path: Path, queue: Path) -> None:
    (queue / "qsub").write_text("#!/bin/sh\necho no such account >&2\nexit 1\n")
    made = one_picture(portrait, tmp_path, "pbs", [])
    assert made.code == UsageError.exit_code and made.counts == {"waiting": 1}
    assert "the queue takes no job (" in made.ended and "no such account" in made.ended
