"""One person's face followed through a sequence, enlarged by a method, and put back into frames that are enlarged by
bicubic interpolation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mfrec.asked_person import asked_person
from mfrec.errors import NoFaceError
from mfrec.face.chosen_frames import find_person
from mfrec.face.footage import survey
from mfrec.face.surroundings import cut, surroundings
from mfrec.image.geometry import enlarge
from mfrec.imageio import FrameStream
from mfrec.options import as_subject
from mfrec.stages.align import make_canvas
from mfrec.types import Frame, Observation
from mfrec.upscale.asked import Asked
from mfrec.upscale.made import Made
from mfrec.upscale.methods import Method
from mfrec.upscale.seam import put_back
from mfrec.upscale.sliding_window import Window

Boxes = Mapping[int, Sequence[float]]
"""Index of a frame to ``(x0, y0, x1, y1)`` of the face in its pixels."""

GAP = 12
"""Frames over which a face is followed in between where the detector has missed it."""


def follow(frames: FrameStream, asked: Asked) -> tuple[dict[int, list[float]], str]:
    """Where the face of the person who is asked for lies, in every frame that shows it.

    Args:
        frames: all of them.
        asked: whom to follow.

    Returns:
        :data:`Boxes`, and a sentence about who is followed.

    Raises:
        NoFaceError: nobody was found.
        UsageError: the person who is asked for is not there.
    """
    options = asked.person()
    found = survey(frames)
    if not found.people:
        raise NoFaceError(
            f"no face was found in any of the {len(found.frames)} frames; leave --face out to enlarge whole frames"
        )
    person, doubt = find_person(found, as_subject(options.subject), asked_person(options, found.frames))
    seen = {glimpse.index: [float(edge) for edge in glimpse.detection.box] for glimpse in person.glimpses}
    boxes = filled(seen)
    words = (
        f"subject {person.number} of {len(found.people)} followed, seen in {len(seen)} of {len(found.frames)} frames"
        f"{f' and {len(boxes) - len(seen)} in between' if len(boxes) > len(seen) else ''}"
    )
    return boxes, f"{words}. {doubt}" if doubt else words


def filled(seen: Boxes) -> dict[int, list[float]]:
    """Boxes with those in between, where at most :data:`GAP` frames are missing."""
    out = {index: list(box) for index, box in seen.items()}
    for before, after in pairwise(sorted(seen)):
        if 1 < after - before <= GAP + 1:
            for index in range(before + 1, after):
                share = (index - before) / (after - before)
                out[index] = [(1 - share) * a + share * b for a, b in zip(seen[before], seen[after], strict=True)]
    return {index: out[index] for index in sorted(out)}


@dataclass(frozen=True)
class FollowedFace:
    """A method for the face alone.

    Attributes:
        method: that enlarges it.
        boxes: where it lies.
    """

    method: Method
    boxes: Boxes

    def __call__(self, frames: Sequence[Frame], position: int) -> Made:
        """See :data:`mfrec.upscale.made.Enlarge`; made of 0 frames where the face is not seen."""
        frame, scale = frames[position], self.method.scale
        plain = enlarge(frame.image, scale)
        if frame.index not in self.boxes:
            return Made(plain, frozenset(), (0, 0, 0, 0))
        if isinstance(self.method.enlarge, Window):
            near = [self._observed(other) for other in frames if other.index in self.boxes]
            reference = next(o.frame for o in near if o.frame.index == frame.index)
            part, canvas, used = self.method.enlarge.fused(near, reference, "face")
            x0, y0 = reference.origin
            canvas = replace(canvas, x0=canvas.x0 + x0, y0=canvas.y0 + y0)
        else:
            canvas = make_canvas(Observation(frame, np.array(self.boxes[frame.index], np.float32)), scale, "face")
            window = frame.image[canvas.y0 : canvas.y0 + canvas.height, canvas.x0 : canvas.x0 + canvas.width]
            made = self.method.enlarge([replace(frame, image=window, codec=None, jpeg=None)], 0)
            part, used = made.image, made.used
        top, left = canvas.y0 * scale, canvas.x0 * scale
        return Made(put_back(plain, part, canvas), used, (top, top + part.shape[0], left, left + part.shape[1]))

    def _observed(self, frame: Frame) -> Observation:
        """The surroundings of the face in a frame."""
        box = np.array(self.boxes[frame.index], np.float32)
        part = surroundings([box], *frame.size)
        if part is None:
            return Observation(frame, box)
        return Observation(cut(frame, part), box - np.tile(np.array(part[:2], np.float32), 2))
