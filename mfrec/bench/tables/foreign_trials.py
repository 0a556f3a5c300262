"""Trials of the identity gate: a frame of somebody else among the frames of one person.

The table ``foreign`` of the bench. In every trial one frame of a sequence, drawn at random, gives way to a frame of
another person; then the stage ``track`` is asked which frames it leaves out. Every sequence is also tracked as it is,
where each frame that is left out is a false alarm.

A trial is a plain value (:class:`ForeignTrial`); :func:`run_trial` applies it to the sequences that it names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mfrec.errors import InputError, NoFaceError
from mfrec.image.geometry import resize
from mfrec.pipeline import Progress, Run, silent
from mfrec.types import Drawn, FaceTrack, FloatArray, Frame, Observation

if TYPE_CHECKING:
    from mfrec.imageio.sequences import TruthSequence

SIDES = (64, 32)
"""Pixels of the frames along each side."""

QUALITY = (30, 90)
"""JPEG quality of each frame, as of the protocol ``jpeg32``."""


@dataclass(frozen=True)
class ForeignTrial(Drawn):
    """One drawn trial.

    Attributes:
        sequence, other: names; ``other`` is empty where no frame is exchanged.
        side: of the frames in pixels.
        foreign: index of the frame that shows somebody else, None where there is none.
        theirs: index of that frame in the other sequence.
        quality: of each frame's JPEG.
    """

    sequence: str
    other: str
    side: int
    foreign: int | None
    theirs: int | None
    quality: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What the stage left out of the frames of a trial, as indices."""

    trial: ForeignTrial
    left_out: tuple[int, ...]

    @property
    def found(self) -> bool:
        return self.trial.foreign in self.left_out

    @property
    def false_alarm(self) -> bool:
        """Whether a frame of the right person was left out."""
        return any(index != self.trial.foreign for index in self.left_out)


def left_out_of(frames: Sequence[FloatArray]) -> tuple[int, ...]:
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


def draw_trial(
    sequence: TruthSequence, strangers: Sequence[TruthSequence], side: int, rng: np.random.Generator
) -> ForeignTrial:
    """A frame of somebody else, and the quality of all.

    Args:
        sequence: whose frames these are.
        strangers: sequences of other people; none for a trial without a foreign frame.
        side: of the frames in pixels.
        rng: everything is drawn from it.

    Raises:
        InputError: a frame cannot be used.
    """
    from mfrec.bench.run import truth_frames

    count = len(truth_frames(sequence))
    other, foreign, theirs = "", None, None
    if strangers:
        stranger = strangers[int(rng.integers(len(strangers)))]
        other, foreign = stranger.name, int(rng.integers(count))
        theirs = int(rng.integers(len(truth_frames(stranger))))
    quality = tuple(int(rng.integers(QUALITY[0], QUALITY[1] + 1)) for _ in range(count))
    return ForeignTrial(sequence.name, other, side, foreign, theirs, quality)


def run_trial(trial: ForeignTrial, sequences: Mapping[str, TruthSequence]) -> Outcome:
    """Exchange the frame, code all of them and ask ``track``; the same for the same arguments.

    Args:
        trial: as drawn.
        sequences: by name.

    Raises:
        InputError: a frame cannot be used.
    """
    from mfrec.bench.run import truth_frames
    from mfrec.train.data.degrade import through_jpeg

    truths = truth_frames(sequences[trial.sequence])
    if trial.foreign is not None and trial.theirs is not None:
        truths[trial.foreign] = truth_frames(sequences[trial.other])[trial.theirs]
    small = [resize(image, trial.side, trial.side, interpolation="area") for image in truths]
    frames = [through_jpeg(image, quality).image for image, quality in zip(small, trial.quality, strict=True)]
    return Outcome(trial, left_out_of(frames))


def foreign_trials(
    sequences: Sequence[TruthSequence], side: int, count: int, seed: int, progress: Progress = silent
) -> list[Outcome]:
    """``count`` trials with a foreign frame, the sequences by turns, and one of every sequence without.

    Raises:
        InputError: the sequences show fewer than two people.
    """
    if len({sequence.person for sequence in sequences}) < 2:
        raise InputError("the table 'foreign' needs sequences of two people or more; check sequences.csv")
    by_name = {sequence.name: sequence for sequence in sequences}
    out = []
    whole = min(count, len(sequences))
    for number in range(count + whole):
        mixed = number < count
        sequence = (
            sequences[number % len(sequences)] if mixed else sequences[(number - count) * len(sequences) // whole]
        )
        strangers = [s for s in sequences if s.person != sequence.person] if mixed else []
        out.append(run_trial(draw_trial(sequence, strangers, side, _rng(seed, side, number)), by_name))
        progress(f"table foreign, {side} px", number + 1, count + whole)
    return out


def _rng(seed: int, side: int, number: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed}/foreign/{side}/{number}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
