"""Every command with hostile words: it ends in an exit code and a sentence, and touches nothing that is not its own.

``python tests/fuzzed_commands.py 2000 [SEED] [COMMAND ...]`` (part of ``make fuzz``). Each command line is a fork of
one process that has imported what takes long, with a home and a working folder of its own.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import resource
import shlex
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from fuzzed import LARGE, MINUTES, SLOW, in_memory

from mfrec.cli import app
from mfrec.imageio import h264_bytes, png_bytes

WORKS = ("batch", "bench", "bench-batch", "demo", "desk", "evaluate-batch", "train", "upscale-batch")
"""Commands that may do what they were asked for as long as they like; they are ended after :data:`SLOW` seconds."""

LEFT_OUT = ("--help", "--version", "--install")
"""``--install`` writes among the weights of this very checkout."""

CODES = (0, 1, 2, 3, 4, 5, 6, 7)
"""See :mod:`mfrec.cli`."""

WORDS = (
    "nan", "inf", "-inf", "-1", "0", "1", "2", "1e999", "1e-320", "9" * 400, "0x10", "1_0", "٣", "", " ", "auto", "a=b",
    "=", "a=", "fuse.edge=nan", "cross.softness=1e999", "track.subject=" + "[" * 500, "x" * 5000, "é\u202e", "\udcff",
    "a\nb", "--", "..", "../..", "/", "/dev/null", "0/0", "1/0", "0/4", "1,1,1,1", "nan,0,1,1", "local", "dask://",
    "dask://127.0.0.1:1", "tls://x", "jpeg32", "restore", "evidence", "clean", "eyes=frames/0.png", "%s%n", "{0}", "*",
)  # fmt: skip
"""What an option may be given."""

PATHS = (
    "frames", "frames/0.png", "clip.mp4", "mine", "mine/holiday.png", "mine/run.json", "mine/sub", "pipe", "loop",
    "nowhere", "nowhere/at/all", "unreadable", "empty", "text.txt", "text.csv", "out", "new/out", "link", "zero.png",
)  # fmt: skip
"""What lies in the working folder, or does not."""


def working_folder(folder: Path) -> dict[Path, bytes]:
    """Fill a folder with what commands are pointed at; gives what no command may change."""
    rng = np.random.default_rng(0)
    images = [rng.random((48, 48, 3), np.float32) for _ in range(3)]
    (folder / "frames").mkdir()
    for number, image in enumerate(images):
        (folder / "frames" / f"{number}.png").write_bytes(png_bytes(image))
    (folder / "clip.mp4").write_bytes(h264_bytes(images, 30))
    (folder / "mine" / "sub").mkdir(parents=True)
    (folder / "mine" / "holiday.png").write_bytes(png_bytes(images[0]))
    (folder / "mine" / "sub" / "letter.txt").write_text("mine")
    (folder / "mine" / "run.json").write_text('{"schema": 1, "outputs": {"holiday.png": {"sha256": "0"}}}')
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "link").symlink_to("mine")
    (folder / "unreadable").mkdir(mode=0)
    (folder / "empty").mkdir()
    (folder / "text.txt").write_text("no picture")
    (folder / "text.csv").write_text("name,path\na,frames\n")
    (folder / "zero.png").touch()
    (folder / "home").mkdir()
    kept = [path for place in ("frames", "mine") for path in (folder / place).rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in (*kept, folder / "clip.mp4")}


def command_lines(draw: random.Random, only: Sequence[str] = ()) -> list[str]:
    """The words of one command line: a command, some of its options with a value each, and some arguments."""
    name, command = draw.choice([pair for pair in _commands() if not only or pair[0].split()[0] in only])
    options = [p for p in command.params if p.param_type_name == "option" and p.opts[0] not in LEFT_OUT]
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    chosen = draw.sample(options, min(len(options), draw.choice((0, 1, 1, 2, 3))))
    chosen += [p for p in options if p.required and p not in chosen and draw.random() < 0.95]
    words = name.split()
    for _ in range(draw.choice((0, 1, 1, 1, 2)) if arguments else 0):
        words.append(draw.choice(PATHS) if draw.random() < 0.8 else draw.choice(WORDS))
    for option in chosen:
        words.append(option.opts[0])
        if not option.is_flag:
            words.append(draw.choice(PATHS) if draw.random() < 0.4 else draw.choice(WORDS))
    return words


def _commands() -> Iterator[tuple[str, Any]]:
    """Every command and its name, those of a group with both words."""
    for name, command in typer.main.get_command(app).commands.items():  # pyright: ignore[reportAttributeAccessIssue]
        for inner, below in getattr(command, "commands", {"": command}).items():
            yield f"{name} {inner}".strip(), below


def attack(
    folder: Path, count: int, seed: int, only: Sequence[str] = (), *, minutes: float = math.inf
) -> tuple[Counter[str], list[str]]:
    """Run many command lines.

    Args:
        folder: empty; they are run in it.
        count: how many.
        seed: with it and its number each can be made again.
        only: the first words of the commands that are taken; all where none is named.
        minutes: after which no other is run.

    Returns:
        How often each command ended how; and what should not have happened.
    """
    kept = working_folder(folder)
    found: Counter[str] = Counter()
    wrong: list[str] = []
    start = time.monotonic()
    for number in range(count):
        if time.monotonic() - start > 60 * minutes:
            break
        words = command_lines(random.Random(f"{seed} {number}"), only)
        shown = f"command {number}: mfrec {shlex.join(words)[:300]!r}"
        code, mebibytes = _run(words, folder)
        said, told = ((folder / "home" / name).read_text("utf-8", "replace") for name in ("stderr", "stdout"))
        found[f"{words[0]} {code}"] += 1
        if "Traceback" in said or "Exception ignored" in said:
            wrong.append(f"{shown}:\n{said[-700:]}")
        elif code == "slow" and words[0] not in WORKS:
            wrong.append(f"{shown}: still at it after {SLOW:.0f} s")
        elif code not in ("slow", *map(str, CODES)):
            wrong.append(f"{shown}: ended with {code}")
        elif code not in ("slow", "0") and not said and not told:
            wrong.append(f"{shown}: ended with {code} without a word")
        if mebibytes > LARGE:
            wrong.append(f"{shown}: took {mebibytes} MiB")
        lost = [path.name for path, data in kept.items() if not path.is_file() or path.read_bytes() != data]
        if lost:
            wrong.append(f"{shown}: {', '.join(lost)} is not as it was")
            break
    return found, wrong


def _run(words: Sequence[str], folder: Path) -> tuple[str, int]:
    """Run a command line in a fork; its exit code, ``"slow"`` or the signal that ended it, and its most MiB."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            os.chdir(folder)
            os.environ |= {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home" / ".config")}
            for number, name in enumerate((os.devnull, "home/stdout", "home/stderr")):
                os.dup2(os.open(name, os.O_RDWR | (os.O_CREAT | os.O_TRUNC if number else 0), 0o600), number)
            sys.argv = ["mfrec", *words]
            try:
                app(list(words), prog_name="mfrec")
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            except BaseException as error:
                traceback.print_exception(error)
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
        finally:
            os._exit(code)
    end = time.monotonic() + SLOW
    while time.monotonic() < end:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            with contextlib.suppress(OSError):
                os.killpg(child, signal.SIGKILL)  # what it started and left
            number = os.waitstatus_to_exitcode(status)
            return str(number) if number >= 0 else signal.Signals(-number).name, used.ru_maxrss // 1024
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    _, _, used = os.wait4(child, 0)
    return "slow", used.ru_maxrss // 1024


def imported() -> None:
    """Import what commands import, so that their forks need not."""
    import mfrec.batch.night
    import mfrec.custody.sign
    import mfrec.outputs
    import mfrec.reconstruction
    import mfrec.train.job
    import mfrec.upscale.job  # noqa: F401


if __name__ == "__main__":
    imported()
    chosen_seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory(prefix="mfrec-fuzz-", dir=in_memory()) as scratch:
        place = Path(scratch) / "here"
        place.mkdir()
        seen, failures = attack(place, int(sys.argv[1]), chosen_seed, sys.argv[3:], minutes=MINUTES)
    for what, times in sorted(seen.items()):
        print(f"{times:7}  {what}")
    own = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{seen.total()} command lines, {own} MiB at most")
    print("\n".join(failures[:20]) or "nothing but mfrec's own errors")
    sys.exit(1 if failures else 0)
