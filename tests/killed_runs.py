"""Runs of ``mfrec reconstruct --overwrite`` that are killed, and what their output's name shows afterwards.

``python tests/killed_runs.py 270 30`` (``make faults``) kills 270 runs at random instants and 30 while they publish.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from mfrec.provenance.record import read_record
from mfrec.publication.claims import foreign
from mfrec.publication.folder import staged

OPTIONS = (
    *("--recipe", "evidence", "--set", "fuse.method=mean", "--set", "parse.method=polygons", "--scale", "2"),
    "--overwrite",
)
"""What makes a run short."""


def film_frames(folder: Path) -> Path:
    """Seven frames of 48 px as PNG files in ``folder``."""
    from mfrec.camera.film import astronaut, draw_shoot, film
    from mfrec.imageio import png_bytes, read

    folder.mkdir()
    clip = folder.with_suffix(".mp4")
    clip.write_bytes(film(astronaut(), draw_shoot(frames=7, size=48, seed=3)).clip)
    for frame in read(clip).frames:
        (folder / f"{frame.index}.png").write_bytes(png_bytes(frame.image))
    clip.unlink()
    return folder


AGAIN = 10
"""Kills after which it is measured again how long a run takes: other work on the machine comes and goes."""


class Runs:
    """Runs that replace ``out``, one after the other, each in its own process.

    They are forks of one process that has imported everything and done a run, because the imports take longer than the
    rest. Each behaves from there on as ``mfrec reconstruct`` from a shell.
    """

    def __init__(self, frames: Path, out: Path) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, __file__, "serve", str(frames), str(out)]
        self._server = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdin is not None and self._server.stdout is not None
        self._say, self._hear = self._server.stdin, self._server.stdout
        self._hear.readline()  # the first run is done

    def start(self) -> int:
        """Begin a run; its process number."""
        self._say.write("go\n")
        self._say.flush()
        return int(self._hear.readline())

    def wait(self) -> int:
        """Wait until it has ended; its status as the system has it."""
        return int(self._hear.readline())

    def close(self) -> None:
        """End the process that they are forks of."""
        self._say.close()
        self._server.wait()


def serve(frames: str, out: str) -> None:
    """The process that :class:`Runs` forks."""
    from mfrec.cli import app

    def reconstruct() -> None:
        # Three of the seven frames: what is killed is the publication, and a run has to come first.
        app(["reconstruct", frames, "-o", out, *OPTIONS, "--every", "3"], standalone_mode=False)

    def say(value: int) -> None:
        os.write(answers, f"{value}\n".encode())

    answers = os.dup(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    reconstruct()
    say(0)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            reconstruct()
            os._exit(0)
        say(child)
        say(os.waitpid(child, 0)[1])


def until_recorded(out: Path) -> None:
    """Wait until the record of the run that is to replace ``out`` is there, not under its name yet."""
    while not any(out.parent.glob(".mfrec-*.partial/result/run.json")):
        time.sleep(0.0005)


def durations(runs: Runs, out: Path) -> tuple[float, float]:
    """Seconds that a whole run takes at the moment, and of them those from the record's being there to its end."""
    begun = time.monotonic()
    runs.start()
    until_recorded(out)
    recorded = time.monotonic()
    runs.wait()
    ended = time.monotonic()
    return ended - begun, ended - recorded


def killed(runs: Runs, out: Path, wait: float, *, publishing: bool) -> str:
    """Kill a run and look at its output.

    Args:
        runs: over ``out``.
        out: holds an earlier output.
        wait: seconds until it is killed, from its start or, with ``publishing``, from the record's being there.
        publishing: wait for that first.

    Returns:
        What the name shows: ``"old"``, ``"new"``, or what is wrong.
    """
    before = read_record(out)["seal"]
    run = runs.start()
    if publishing:
        until_recorded(out)
    time.sleep(wait)
    with contextlib.suppress(ProcessLookupError):  # it was faster
        os.kill(run, signal.SIGKILL)
    runs.wait()
    try:
        record = read_record(out)
    except Exception as error:
        return f"no record: {error}"
    wrong = foreign(out)
    missing = [name for name in record["outputs"] if not (out / name).is_file()]
    if wrong or missing:
        return f"not whole: {wrong or missing}"
    with staged(out.with_name("another")) as folder:  # the next run that writes there
        (folder / "index.html").touch()
    (out.with_name("another") / "index.html").unlink()
    out.with_name("another").rmdir()
    left = {path.name for path in out.parent.iterdir()} - {out.name, "frames"}
    if left:
        return f"left over: {', '.join(left)}"
    return "old" if record["seal"] == before else "new"


def kill_many(folder: Path, anywhere: int, publishing: int, seed: int = 0) -> Counter[str]:
    """Kill many runs over one output.

    Args:
        folder: empty.
        anywhere: how many at a random instant of the run.
        publishing: how many in the moment in which their output takes its name.
        seed: of the instants.

    Returns:
        How often the name showed what, see :func:`killed`.
    """
    draw = random.Random(seed)
    frames, out = film_frames(folder / "frames"), folder / "out"
    runs = Runs(frames, out)
    found: Counter[str] = Counter()
    kills = [False] * anywhere + [True] * publishing
    for first in range(0, len(kills), AGAIN):
        whole, publication = durations(runs, out)
        for late in kills[first : first + AGAIN]:
            found[killed(runs, out, draw.uniform(0, publication if late else whole), publishing=late)] += 1
    runs.close()
    return found


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
        sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="mfrec-faults-") as place:
        seen = kill_many(Path(place), int(sys.argv[1]), int(sys.argv[2]))
    for what, count in seen.most_common():
        print(f"{count:5}  {what}")
    sys.exit(0 if seen.keys() <= {"old", "new"} else 1)
