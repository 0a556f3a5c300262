"""Pictures of a person, and the same person in another pose: what few-shot reenactment is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mfrec.errors import InputError
from mfrec.face.landmark_sketch import sketch
from mfrec.pipeline import in_range
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.points import mirrored
from mfrec.train.data.portraits import upright_sequences
from mfrec.train.streams.stream import Sample, Stream, as_tensor
from mfrec.types import Drawn


@dataclass(frozen=True)
class DrawnReenactment(Drawn):
    """One person in several frames of a sequence.

    Attributes:
        sequence: its number.
        frame: number of the one that is to be drawn.
        shots: numbers of those that show who it is; none of them is ``frame``.
        mirrored: whether their columns are reversed.
    """

    sequence: int
    frame: int
    shots: tuple[int, ...]
    mirrored: bool


class ReenactmentStream(Stream[DrawnReenactment]):
    """Samples ``((pictures [K, 3, S, S], sketches [K, 3, S, S], sketch [3, S, S]), {"truth": [3, S, S]})``.

    ``K`` is ``shots`` and ``S`` is ``side``; each frame is cut out by its own landmarks.

    Args:
        pictures: of one split; of its sequences the frames in which a face is found.
        seed: of every sample.
        length: of a validation list; None for training.
        side: of the pictures in pixels.
        shots: frames that show the person. Where a sequence has fewer besides the one to draw, some are there twice.

    Raises:
        InputError: no sequence shows a face in two frames.
    """

    def __init__(
        self, pictures: Pictures, seed: int, *, length: int | None = None, side: int = 64, shots: int = 2
    ) -> None:
        super().__init__(seed, length)
        in_range("side", side, 16, 1024)
        in_range("shots", shots, 1, 32)
        self.side, self.shots = side, shots
        self.sequences = [found for found in upright_sequences(pictures, side) if len(found[0]) > 1]
        if not self.sequences:
            raise InputError(
                f"none of {len(pictures.sequences)} sequences shows a face in two frames; give folders with frames of "
                "one person each"
            )
        frames = sum(len(found[0]) for found in self.sequences)
        self.notes = (f"{frames:,} faces in {len(self.sequences)} of {len(pictures.sequences)} sequences",)

    def draw(self, index: int, rng: np.random.Generator) -> DrawnReenactment:
        sequence = int(rng.integers(len(self.sequences)))
        count = len(self.sequences[sequence][0])
        frame = int(rng.integers(count))
        others = rng.choice(count - 1, self.shots, replace=count - 1 < self.shots)
        return DrawnReenactment(
            sequence, frame, tuple(int(i) + (int(i) >= frame) for i in others), bool(rng.random() < 0.5)
        )

    def make(self, drawn: DrawnReenactment) -> Sample:
        faces, points = self.sequences[drawn.sequence]
        shown, sketches = [], []
        for i in (*drawn.shots, drawn.frame):
            face, there = faces[i] / np.float32(255), points[i]
            if drawn.mirrored:
                face, there = face[:, ::-1], mirrored(there, self.side)
            shown.append(as_tensor(face))
            sketches.append(as_tensor(sketch(there, self.side)))
        return (torch.stack(shown[:-1]), torch.stack(sketches[:-1]), sketches[-1]), {"truth": shown[-1]}
