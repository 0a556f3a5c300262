"""Enlargements that are killed at random instants and begun again, and the files that they end with.

``python tests/killed_upscales.py 60 [SEED]`` (``make faults``) kills so many runs of ``mfrec upscale``, of a picture, a
folder and a clip in turn, without and over an earlier output.
"""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from forked import Forked
from killed_runs import film_frames

from mfrec.errors import MfrecError
from mfrec.provenance.record import RECORD, read_record
from mfrec.publication.claims import foreign, sha256

PATIENCE = 600.0
"""Seconds in which each run has to end."""

PIECES = 4
"""Frames of a piece of a clip, so that a short one has several."""

WHOLE = {"nothing", "a result", "a result, and the run was faster"}
"""What the name of an output may show."""

KINDS = ("picture", "folder", "clip")


def upscale() -> None:
    """``mfrec upscale`` with short pieces."""
    from mfrec.cli import app
    from mfrec.upscale import film

    film.PIECE = PIECES
    app()


def sources(folder: Path) -> dict[str, Path]:
    """A source of each kind, 48 px."""
    from mfrec.camera.film import astronaut, draw_shoot, film

    frames = film_frames(folder / "frames")
    clip, picture = folder / "clip.mp4", folder / "picture.png"
    clip.write_bytes(film(astronaut(), draw_shoot(frames=18, size=48, seed=3)).clip)
    shutil.copyfile(frames / "0.png", picture)
    return {"picture": picture, "folder": frames, "clip": clip}


def digests(out: Path) -> dict[str, str]:
    """Name to SHA-256 of everything in an output but its record, which has times in it."""
    return {path.name: sha256(path) for path in out.iterdir() if path.name != RECORD}


class Killed:
    """Runs of one source that are killed and begun again.

    Args:
        source: what is enlarged.
        folder: empty; the output is in it, and nothing else.
        says: for what the runs print.
        draw: the instants.
    """

    def __init__(self, source: Path, folder: Path, says: Path, draw: random.Random) -> None:
        folder.mkdir()
        self._source, self._says, self._draw = source, says, draw
        self.out = folder / "out"
        self.resumed = 0
        for _ in range(2):  # the first of all waits for the imports of the fork server
            begun = time.monotonic()
            self._begin().wait(PATIENCE)
            self._whole = time.monotonic() - begun
        self._expected = digests(self.out)

    def _begin(self) -> Forked:
        return Forked(upscale, ["upscale", self._source, "-o", self.out, "--scale", "2", "--overwrite"], self._says)

    def kill(self) -> str:
        """Kill a run; what the output's name shows: one of :data:`WHOLE`, or what is wrong."""
        child = self._begin()
        time.sleep(self._draw.uniform(0, self._whole))
        child.send_signal(signal.SIGKILL)
        code = child.wait(PATIENCE)
        if code not in (0, -signal.SIGKILL):
            return f"ended with {code}: {child.said}"
        if not self.out.exists():
            return "nothing"
        return self._wrong() or ("a result" if code else "a result, and the run was faster")

    def finish(self) -> str:
        """Run to the end; what is wrong then, empty where nothing is. Every other time the output is removed after."""
        child = self._begin()
        if code := child.wait(PATIENCE):
            return f"ended with {code}: {child.said}"
        self.resumed += "going on after them" in child.said
        left = sorted({path.name for path in self.out.parent.iterdir()} - {self.out.name})
        wrong = self._wrong() or (f"left over: {left}" if left else "")
        if self._draw.random() < 0.5:
            shutil.rmtree(self.out)
        return wrong

    def _wrong(self) -> str:
        try:
            read_record(self.out)
        except MfrecError as error:
            return f"no record: {error}"
        if why := foreign(self.out):
            return f"not whole: {why}"
        return "" if digests(self.out) == self._expected else "other files than those of an unbroken run"


def kill_many(folder: Path, kills: int, seed: int = 0) -> tuple[Counter[str], int]:
    """Kill many runs, one to three before each that may end.

    Args:
        folder: empty.
        kills: how many.
        seed: of the instants.

    Returns:
        How often the output's name showed what, or what was wrong when a run had ended; and how many of those that
        ended had gone on with what a killed one left.
    """
    draw = random.Random(seed)
    given = sources(folder)
    runs = [Killed(given[kind], folder / f"{kind} out", folder / "says", draw) for kind in KINDS]
    found: Counter[str] = Counter()
    number = 0
    for run in itertools.cycle(runs):
        if number == kills:
            break
        for _ in range(min(draw.randint(1, 3), kills - number)):
            found[run.kill()] += 1
            number += 1
        if wrong := run.finish():
            found[wrong] += 1
    return found, sum(run.resumed for run in runs)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="mfrec-upscales-") as place:
        seen, resumed = kill_many(Path(place), int(sys.argv[1]), *map(int, sys.argv[2:]))
    for what, count in seen.most_common():
        print(f"{count:5}  {what}")
    print(f"{resumed} runs went on with what a killed one had finished")
    sys.exit(0 if seen.keys() <= WHOLE else 1)
