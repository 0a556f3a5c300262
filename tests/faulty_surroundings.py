"""Commands where something around them is wrong: a full disk, few handles, no home, names that are no text.

``python tests/faulty_surroundings.py [COMMAND ...]`` (part of ``make faults``) runs each of :data:`COMMANDS` in each of
:data:`SURROUNDINGS`, every one in a process of its own. Each has to end by itself, in an exit code and a sentence or
with a whole output, and to leave nothing behind. A batch is given two good cases, a clip that is missing, an output
twice and a case that takes forever: the good ones are done all the same, and the table says why of the others; one that
measures is given two cases. Ledgers lie on full disks too, and the same command with room for it finds what is done.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mfrec.errors import MfrecError
from mfrec.provenance.record import read_record, seal_holds
from mfrec.publication.claims import foreign

COMMANDS = ("reconstruct", "upscale", "train", "batch", "evaluate-batch", "bench-batch")

SHORT = ("--recipe", "evidence", "--set", "fuse.method=mean", "--set", "parse.method=polygons", "--scale", "2")

TABLE = """name,path,set,scale
gone,gone.mp4,,
two,other,,
two,other,,
forever,large,fuse.method=map,2
"""
"""Cases of a batch beside the folder of all commands: one is missing, one is named twice, one takes forever."""

MINUTES = float(os.environ.get("MINUTES", "0.5"))
"""Of one case of a batch: half a minute is ten times what a good case takes where nothing else runs."""

LIMITS = ("--workers", "1", "--retries", "0", "--time-limit", str(MINUTES))
"""Of a batch."""

CARD = """net = "srresnet"
file = "small.safetensors"
summary = "s"
paper = "p"
licence = "l"
input = "i"
[arguments]
features = 8
blocks = 1
scale = 2
[recipe]
task = "enlarge"
steps = 3
batch = 2
learning_rate = 1e-3
validation = 2
bfloat16 = false
[recipe.losses]
mse = 1.0
[recipe.data]
height = 32
width = 32
scale = 2
view = "whole"
"""

JUMPING = """import time
_true, _calls = time.time, [0]
def _jumping():
    _calls[0] += 1
    return _true() + 86400 * (1, -400, 3650)[_calls[0] % 3]
time.time = _jumping
"""
"""A module that Python imports at its start: the clock jumps by days, forwards and backwards, at every look."""

TIMEOUT = 120.0 + 4 * 60 * MINUTES
"""Seconds in which each has to end."""


def nothing(_folder: Path) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Surroundings:
    """What is wrong around a command.

    Attributes:
        name: in words.
        works: whether the command has to succeed all the same; None where either will do.
        before: called in the child before the command, with the working folder as ``.``.
        environment: variables; None takes one away.
        kibibytes: of the file system on which the output lies; 0 for an ordinary folder.
        writable: whether that file system is.
        streams: what stdout and stderr are: ``"kept"``, ``"pipe"`` (nobody reads), ``"closed"``.
        meanwhile: called in the parent while the command runs.
        names: of the input and of the output.
        ledger: whether the ledger of a batch lies on that file system, and its output does not.
    """

    name: str
    works: bool | None
    before: Callable[[Path], None] = nothing
    environment: Mapping[str, str | None] = field(default_factory=dict)
    kibibytes: int = 0
    writable: bool = True
    streams: str = "kept"
    meanwhile: Callable[[Path], None] = nothing
    names: tuple[bytes, bytes] = (b"input", b"out")
    ledger: bool = False


def limited(kind: int, amount: int) -> Callable[[Path], None]:
    """A limit of the system."""
    return lambda _: resource.setrlimit(kind, (amount, amount))


def vanished(folder: Path) -> None:
    """Take the output's file system away as soon as something is written to it."""
    _until_written(folder)
    subprocess.run(["umount", "-l", folder / "disk"], check=True)


def elsewhere(folder: Path) -> None:
    """Take the input away as soon as the output is begun."""
    _until_written(folder)
    (folder / "input").rename(folder / "moved")


def _until_written(folder: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and not any((folder / "disk").iterdir()):
        time.sleep(0.01)


def without_folder(folder: Path) -> None:
    """Stand in a folder that is gone."""
    (folder / "gone").mkdir()
    os.chdir(folder / "gone")
    (folder / "gone").rmdir()


def without_rights(_folder: Path) -> None:
    """Give nobody any right to what is made."""
    os.umask(0o777)


SURROUNDINGS = (
    *(Surroundings(f"a disk of {size} KiB", None, kibibytes=size) for size in (4, 30, 250, 700)),
    Surroundings("a disk that is read-only", False, kibibytes=4000, writable=False),
    *(Surroundings(f"a ledger on a disk of {size} KiB", None, kibibytes=size, ledger=True) for size in (4, 80, 150)),
    Surroundings("a ledger on a disk that is read-only", None, kibibytes=4000, writable=False, ledger=True),
    Surroundings("a share that vanishes", None, kibibytes=20_000, meanwhile=vanished),
    Surroundings("originals that vanish", None, kibibytes=20_000, meanwhile=elsewhere),
    Surroundings("40 file handles", None, limited(resource.RLIMIT_NOFILE, 40)),
    Surroundings("12 file handles", None, limited(resource.RLIMIT_NOFILE, 12)),
    Surroundings("1 GiB of memory", None, limited(resource.RLIMIT_DATA, 1 << 30)),
    Surroundings("200 MiB of memory", None, limited(resource.RLIMIT_DATA, 200 << 20)),
    Surroundings("no home", True, environment={"HOME": None, "XDG_CONFIG_HOME": None, "USER": None}),
    Surroundings("a home that is not there", True, environment={"HOME": "/nowhere/at/all"}),
    Surroundings("no folder for temporary files", None, environment={"TMPDIR": "/nowhere/at/all"}),
    Surroundings("the language C", True, environment={"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}),
    Surroundings("names that are no UTF-8", True, names=(b"caf\xe9", b"out\xff")),
    Surroundings("names that are no UTF-8, the language C", True, names=(b"caf\xe9", b"out\xff"),
                 environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    Surroundings("nobody who reads stdout and stderr", True, streams="pipe"),
    Surroundings("no stdout and stderr", True, streams="closed"),
    Surroundings("a clock that jumps", True, environment={"PYTHONPATH": "{folder}/jumping"}),
    Surroundings("a folder that is gone", None, without_folder),
    Surroundings("a mask of all rights", None, without_rights),
)  # fmt: skip


def command_of(name: str, given: Path, out: Path) -> list[str | bytes]:
    """The words of a short run.

    Args:
        name: of the command.
        given: what it works on; made here.
        out: where to.
    """
    from mfrec.camera.film import astronaut, draw_shoot, film
    from mfrec.imageio import png_bytes, read

    rng = np.random.default_rng(0)
    clip = film(astronaut(), draw_shoot(frames=7, size=48, seed=3)).clip
    words: tuple[str, ...] = ()
    if name == "upscale":
        given.with_suffix(".mp4").write_bytes(clip)
        given.with_suffix(".mp4").rename(given)
        words = ("--scale", "2")
    elif name == "train":
        given.mkdir()
        for number in range(24):
            (given / f"{number}.png").write_bytes(png_bytes(rng.random((40, 40, 3), np.float32)))
        (given.parent / "small.toml").write_text(CARD)
        return ["train", str(given.parent / "small.toml"), "--data", os.fsencode(given), "-o", os.fsencode(out),
                "--device", "cpu", "--terms", "public domain"]  # fmt: skip
    elif name == "evaluate-batch":
        given.mkdir()
        for number in range(2):
            (given / f"{number}.png").write_bytes(png_bytes(rng.random((64, 64, 3), np.float32)))
        words = ("--truth", os.fsdecode(given), "--metric", "psnr", *LIMITS)
    elif name == "bench-batch":
        for number in range(2):
            (given / str(number)).mkdir(parents=True)
            for shot in range(7):
                (given / str(number) / f"{shot}.png").write_bytes(png_bytes(astronaut()[10:266, 90:346]))
        words = ("--protocol", "jpeg32", "--method", "unregistered", *LIMITS[:-1], str(6 * MINUTES))
    else:
        given.mkdir()
        (given.parent / "clip.mp4").write_bytes(clip)
        frames = read(given.parent / "clip.mp4").frames
        for frame in frames:
            (given / f"{frame.index}.png").write_bytes(png_bytes(frame.image))
        words = SHORT
        if name == "batch":
            (given.parent / "large").mkdir()
            for frame in frames:
                large = frame.image.repeat(24, axis=0).repeat(24, axis=1)
                (given.parent / "large" / f"{frame.index}.png").write_bytes(png_bytes(large))
            shutil.copytree(given, given.parent / "other")
            (given.parent / "cases.csv").write_text(TABLE)
            words = (str(given.parent / "cases.csv"), *SHORT, *LIMITS)
    return [name, os.fsencode(given), "-o", os.fsencode(out), *words]


def tried(name: str, around: Surroundings, folder: Path) -> tuple[str, str]:
    """Run a command in its surroundings.

    Args:
        name: of the command.
        around: what is wrong.
        folder: empty.

    Returns:
        Exit code and last line of what it said, and what should not have been; empty where all is well.
    """
    given, out = (folder / os.fsdecode(part) for part in around.names)
    disk = folder / "disk"
    disk.mkdir()
    (folder / "jumping").mkdir()
    (folder / "jumping" / "sitecustomize.py").write_text(JUMPING)
    if around.kibibytes and not around.ledger:
        out = disk / out.name
    words = command_of(name, given, out)
    ledger = ["--ledger", str(disk / "ledger.sqlite")] if around.ledger else []
    paths = os.pathsep.join(sys.path)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    for key, value in around.environment.items():
        environment.pop(key, None)
        if value is not None:
            environment[key] = value.format(folder=folder) + (f"{os.pathsep}{paths}" if key == "PYTHONPATH" else "")
    reader, writer = os.pipe()
    os.close(reader)
    said = folder / "said"

    def prepare() -> None:
        os.chdir(folder)
        around.before(folder)
        if around.streams == "closed":
            os.close(1)
            os.close(2)

    with _file_system(disk, around), said.open("wb") as log:
        stream = writer if around.streams == "pipe" else log
        child = subprocess.Popen(
            [sys.executable, "-m", "mfrec", *words, *ledger], env=environment, stdout=stream, stderr=stream,
            stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509 (this process has one thread)
        )  # fmt: skip
        os.close(writer)
        around.meanwhile(folder)
        try:
            code = str(child.wait(TIMEOUT))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            code = f"hung ({child.wait()})"
        wrong = _judged(name, around, code, said.read_text("utf-8", "replace"), out)
    if around.ledger and not wrong:
        wrong = _resumed(name, [os.fsdecode(word) for word in words], out, environment)
    last = (said.read_text("utf-8", "replace").strip().splitlines() or ["nothing was said"])[-1]
    return f"{code}: {last[:150]}", wrong


@contextlib.contextmanager
def _file_system(disk: Path, around: Surroundings) -> Iterator[None]:
    if not around.kibibytes:
        yield
        return
    options = f"size={around.kibibytes}k{'' if around.writable else ',ro'}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", disk], check=False, stderr=subprocess.DEVNULL)


def _judged(name: str, around: Surroundings, code: str, said: str, out: Path) -> str:
    """What should not have been."""
    if code not in ("0", "2", "3", "4", "5", "6"):
        return f"ended with {code}: {said[-600:]}"
    if "Traceback" in said or "Exception ignored" in said:
        return said[-900:]
    if around.works is not None and (code == good_code(name)) != around.works:
        return f"ended with {code}: {said[-600:]}"
    if code != "0" and around.streams == "kept" and not said.strip():
        return f"ended with {code} without a word"
    with contextlib.suppress(OSError):
        out.parent.chmod(0o755)
    left = [path.name for path in out.parent.iterdir() if path.name.startswith(".mfrec-") and path.name[-5:] != ".lock"]
    unfinished = name == "upscale" and all(entry.endswith(".unfinished") for entry in left)
    if left and not unfinished:
        return f"left {left}"
    if name in ("reconstruct", "upscale") and (code == "0") != out.exists():
        return f"ended with {code}, and the output is {'there' if out.exists() else 'not there'}"
    if name in ("reconstruct", "upscale") and out.exists():
        out.chmod(0o755)
        try:
            read_record(out)
        except MfrecError as error:
            return str(error)
        if foreign(out):
            return f"not whole: {foreign(out)}"
    if name == "batch":
        with contextlib.suppress(OSError):
            out.chmod(0o755)
        return _judged_batch(out, complete=bool(around.works))
    return _judged_figures(out, complete=bool(around.works)) if name.endswith("-batch") else ""


def good_code(name: str) -> str:
    """With which a command ends where nothing is wrong around it; a batch, with that of the case that took forever."""
    return "6" if name == "batch" else "0"


def _judged_figures(out: Path, *, complete: bool) -> str:
    """What is wrong with the folder of a batch that measures."""
    files = list(out.glob("*__*.json"))
    for file in files:
        if not seal_holds(file, json.loads(file.read_text())):
            return f"'{file.name}' is not whole"
    if complete and (len(files) != 2 or (out / "cases.csv").read_text().count(",done,0,") != 2):
        return f"only {[file.name for file in files]} are there"
    return ""


def _judged_batch(out: Path, *, complete: bool) -> str:
    """What is wrong with the folder of a batch; ``complete`` says that every case had what it needs."""
    for record in out.glob("*/run.json"):
        record.parent.chmod(0o755)
        if foreign(record.parent):
            return f"'{record.parent.name}' is not whole: {foreign(record.parent)}"
    if not complete:
        return ""
    with (out / "cases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    said = {row["name"]: f"{row['state']} {row['code']}: {row['reason']}" for row in rows}
    good = [name for name, why in said.items() if why.startswith("done 0: ")]
    if len(good) != 2 or "two" not in good or len(list(out.glob("*/run.json"))) != 2:
        return f"good cases were not done: {said}"
    if "it took longer than" not in said["forever"] or not said["gone"].startswith("failed 3: "):
        return f"the others are not said: {said}"
    return "" if any("is that of" in why for why in said.values()) else f"what was named twice is not said: {said}"


def _resumed(name: str, words: list[str], out: Path, environment: Mapping[str, str]) -> str:
    """What is wrong after the same batch once more, with room for its ledger; what was done is not done again."""
    before = _seals(out)
    command = [sys.executable, "-m", "mfrec", *words]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    after = _seals(out)
    if str(run.returncode) != good_code(name) or {place: after.get(place) for place in before} != before:
        return f"the same command with room for its ledger ended with {run.returncode}: {run.stderr[-600:]}"
    return (_judged_batch if name == "batch" else _judged_figures)(out, complete=True)


def _seals(out: Path) -> dict[str, str]:
    """Of what a batch has done: the seal of each record or file of figures."""
    places = [*out.glob("*/run.json"), *out.glob("*__*.json")]
    return {str(place.relative_to(out)): json.loads(place.read_text())["seal"] for place in places}


if __name__ == "__main__":
    bad = 0
    only = os.environ.get("ONLY", "")
    for command in sys.argv[1:] or COMMANDS:
        for each in SURROUNDINGS:
            if only not in each.name or (each.ledger and not command.endswith("batch")):
                continue
            place = Path(tempfile.mkdtemp(prefix="mfrec-faults-"))
            try:
                ended, what = tried(command, each, place)
            finally:
                shutil.rmtree(place, ignore_errors=True)
            bad += bool(what)
            print(f"{command}, {each.name}: {ended}{f'{chr(10)}    WRONG: {what}' if what else ''}", flush=True)
    sys.exit(1 if bad else 0)
