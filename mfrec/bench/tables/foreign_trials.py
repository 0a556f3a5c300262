"""Trials of the identity gate: a frame of somebody else among the frames of one person.

The table ``foreign`` of the bench. In every trial one frame of a sequence, drawn at random, gives way to a frame of
another person; then the stage ``track`` is asked which frames it leaves out. Every sequence is also tracked as it is,
where each frame that is left out is a false alarm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mfrec.errors import InputError, NoFaceError
from mfrec.image.geometry import resize
from mfrec.pipeline import Progress, Run, silent
from mfrec.types import FaceTrack, FloatArray, Frame, Observation

if TYPE_CHECKING:
    from mfrec.imageio.sequences import TruthSequence

SIDES = (64, 32)
"""Pixels of the frames along each side."""

QUALITY = (30, 90)
"""JPEG quality of each frame, as of the protocol ``jpeg32``."""


@dataclass(frozen=True)
class Outcome:
    """What the stage left out of one sequence.

    Attributes:
        sequence, other: names; ``other`` is empty where no frame was exchanged.
        foreign: index of the frame that shows somebody else, None where there is none.
        left_out: indices of the frames that were left out.
    """

    sequence: str
    other: str
    foreign: int | None
    left_out: tuple[int, ...]

    @property
    def found(self) -> bool:
        return self.foreign in self.left_out

    @property
    def false_alarm(self) -> bool:
        """Whether a frame of the right person was left out."""
        return any(index != self.foreign for index in self.left_out)


def run_trial(frames: Sequence[FloatArray]) -> tuple[int, ...]:
    """Indices of the pictures ``[h, w, 3]`` that the stage ``track`` leaves out; all where it finds nobody."""
    from mfrec.stages.track import Track

    track = FaceTrack(
        tuple(
            Observation(Frame(image, i, f"{i}.jpg", sha256=hashlib.sha256(image.tobytes()).hexdigest()))
            for i, image in enumerate(frames)
        )
    )
    try:
        kept = {o.frame.index for o in Track()(track, Run()).observations}
    except NoFaceError:
        kept = set()
    return tuple(i for i in range(len(frames)) if i not in kept)


def foreign_trials(
    sequences: Sequence[TruthSequence], side: int, count: int, seed: int, progress: Progress = silent
) -> list[Outcome]:
    """``count`` trials with a foreign frame, the sequences by turns, and one of every sequence without.

    Raises:
        InputError: the sequences show fewer than two people.
    """
    from mfrec.bench.run import truth_frames
    from mfrec.train.data.degrade import through_jpeg

    if len({sequence.person for sequence in sequences}) < 2:
        raise InputError("the table 'foreign' needs sequences of two people or more; check sequences.csv")
    out = []
    whole = min(count, len(sequences))
    for number in range(count + whole):
        rng = _rng(seed, side, number)
        mixed = number < count
        sequence = (
            sequences[number % len(sequences)] if mixed else sequences[(number - count) * len(sequences) // whole]
        )
        truths = truth_frames(sequence)
        other, foreign = "", None
        if mixed:
            strangers = [s for s in sequences if s.person != sequence.person]
            stranger = strangers[int(rng.integers(len(strangers)))]
            theirs = truth_frames(stranger)
            other, foreign = stranger.name, int(rng.integers(len(truths)))
            truths[foreign] = theirs[int(rng.integers(len(theirs)))]
        frames = [
            through_jpeg(
                resize(image, side, side, interpolation="area"), int(rng.integers(QUALITY[0], QUALITY[1] + 1))
            ).image
            for image in truths
        ]
        out.append(Outcome(sequence.name, other, foreign, run_trial(frames)))
        progress(f"table foreign, {side} px", number + 1, count + whole)
    return out


def _rng(seed: int, side: int, number: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}/foreign/{side}/{number}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
