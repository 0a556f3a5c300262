"""A training that is killed at random instants and resumed each time, and the weights that it ends with.

``python tests/killed_trainings.py 10 [SEED]`` (``make faults``) kills ten times, in the data, in steps and in the
writing of checkpoints; every step is checkpointed. A discriminator learns beside the network.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import tiny_training
from forked import Forked
from tiny_training import STEPS

from mfrec.errors import UsageError
from mfrec.train.checkpoint import load_checkpoint

PATIENCE = 600.0
"""Seconds in which each part of a training has to come to where it is killed, or to its end."""


def kill_many(folder: Path, kills: int, seed: int = 0) -> tuple[list[int], str]:
    """Kill one training many times.

    Args:
        folder: empty.
        kills: how many.
        seed: of the instants.

    Returns:
        The step of the checkpoint after each kill, -1 where there was none yet; and what is wrong in the end, empty
        where nothing is.
    """
    draw = random.Random(seed)
    whole = Forked(tiny_training.main, [folder / "whole"], folder / "whole says")
    whole.wait(PATIENCE)
    killed, steps = folder / "killed", [-1]
    for number in range(kills):
        resume = ["--resume"] if steps[-1] >= 0 else []
        child = Forked(tiny_training.main, [killed, "--slow", *resume], folder / f"says {number}")
        until = time.monotonic() + PATIENCE
        # One in four is killed wherever it is after a moment, the others once they have come a step further.
        if draw.random() >= 0.25:
            while child.running() and steps_said(child) <= steps[-1] and time.monotonic() < until:
                time.sleep(0.002)
        time.sleep(draw.uniform(0.0, 0.15))
        child.send_signal(signal.SIGKILL)
        code = child.wait(PATIENCE)
        if code != -signal.SIGKILL:
            return steps[1:], f"it ended with {code} before it was killed: {child.said}"
        try:
            steps.append(load_checkpoint(killed).step)
        except UsageError as error:
            if steps[-1] >= 0:
                return steps[1:], f"the checkpoint of step {steps[-1]} is lost: {error}"
            steps.append(-1)
        if steps[-1] < steps[-2]:
            return steps[1:], "a checkpoint went back"
    last = Forked(tiny_training.main, [killed, *(["--resume"] if steps[-1] >= 0 else [])], folder / "last says")
    last.wait(PATIENCE)
    bytes_of = [(folder / name / "weights.safetensors").read_bytes() for name in ("whole", "killed")]
    return steps[1:], "" if bytes_of[0] == bytes_of[1] else "the weights differ"


def steps_said(child: Forked) -> int:
    """How many steps a training has said that it has done."""
    lines = child.printed.splitlines()
    return int(lines[-2].split()[0]) if len(lines) > 1 else -1  # the last line may be half written


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="mfrec-trainings-") as place:
        after, wrong = kill_many(Path(place), int(sys.argv[1]), *map(int, sys.argv[2:]))
    print(f"killed {len(after)} times, after checkpoints of steps {after} of {STEPS}")
    print(wrong or "the weights are those of an unbroken training")
    sys.exit(1 if wrong else 0)
