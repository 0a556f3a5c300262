"""The part of a large frame that matters for a face: its surroundings, cut out along the blocks of any codec.

A face of 60 pixels in a photograph of 12 million is one part in a thousand of it. What the chain does to a frame it
then does to that part; the rest would cost memory and time and change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mfrec.image.geometry import resize
from mfrec.types import Frame, Observation, Overview, Subject, frozen_array

GRID = 16
"""Parts begin at multiples of a macroblock, so that blocks, subsampled chroma and interlaced lines lie as before."""

MARGIN, LEAST_MARGIN = 1.0, 32
"""Surroundings on each side, in units of the face's longer side, and pixels besides. The canvas takes half of that;
frames are turned and shifted against each other, and are read one block beyond."""

WORTH = 0.5
"""Share of a frame up to which its part is cut out of it."""

FILLS_THE_FRAME = 0.45
"""Share of a frame's width or height from which on a face is said to fill it, so that the whole frame is shown."""

OVERVIEW_SIDE = 1280
"""Pixels that the longer side of the picture has in which people are numbered, at most."""

Rectangle = tuple[int, int, int, int]
"""``(x0, y0, x1, y1)`` in pixels of an image, the last column and row not included."""


def surroundings(boxes: Sequence[NDArray | Sequence[float]], width: int, height: int) -> Rectangle | None:
    """The part of a picture that faces need.

    Args:
        boxes: ``(x0, y0, x1, y1)`` of each face.
        width, height: of the picture.

    Returns:
        None where all of the picture is needed: there is no face, one fills it, or the part is most of it anyway.
    """
    if not len(boxes):
        return None
    parts = []
    for x0, y0, x1, y1 in np.asarray(boxes, np.float64):
        if max((x1 - x0) / width, (y1 - y0) / height) >= FILLS_THE_FRAME:
            return None
        edge = MARGIN * max(x1 - x0, y1 - y0) + LEAST_MARGIN
        parts.append((x0 - edge, y0 - edge, x1 + edge, y1 + edge))
    stacked = np.array(parts)
    low = np.maximum(np.floor(stacked[:, :2].min(axis=0) / GRID) * GRID, 0).astype(int)
    high = np.minimum(np.ceil(stacked[:, 2:].max(axis=0) / GRID) * GRID, [width, height]).astype(int)
    across, down = (int(n) for n in high - low)
    if across * down > WORTH * width * height:
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def cut(frame: Frame, part: Rectangle) -> Frame:
    """A part of a frame, which remembers where it lay; ``part`` begins at multiples of :data:`GRID`."""
    x0, y0, x1, y1 = part
    jpeg, codec = frame.jpeg, frame.codec
    if jpeg is not None:
        jpeg = replace(jpeg, phase=((jpeg.phase[0] - x0) % 8, (jpeg.phase[1] - y0) % 8))
    if codec is not None:
        codec = replace(codec, origin=(codec.origin[0] - x0, codec.origin[1] - y0))
    return replace(
        frame,
        image=frozen_array(frame.image[y0:y1, x0:x1].copy()),
        origin=(frame.origin[0] + x0, frame.origin[1] + y0),
        whole=frame.size,
        jpeg=jpeg,
        codec=codec,
    )


def cut_observations(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """Observations with the surroundings of their faces in place of whole frames, where that is worth it for each.

    One whose face fills its frame may be the reference and show all of it, so then the others stay whole too.
    """
    parts = []
    for o in observations:
        height, width = o.frame.image.shape[:2]
        face = face_rectangle(o)
        part = None if face is None else surroundings([face], width, height)
        if part is None and o.frame.whole is None:
            return tuple(observations)
        parts.append(part)
    return tuple(o if part is None else _cut_observation(o, part) for o, part in zip(observations, parts, strict=True))


def face_rectangle(observation: Observation) -> tuple[float, float, float, float] | None:
    """``(x0, y0, x1, y1)`` that holds the detector's box and the landmarks, None where there is neither."""
    corners = []
    if observation.box is not None:
        corners += [observation.box[:2], observation.box[2:]]
    if observation.landmarks is not None:
        corners += [observation.landmarks.points.min(axis=0), observation.landmarks.points.max(axis=0)]
    if not corners:
        return None
    stacked = np.stack(corners)
    (x0, y0), (x1, y1) = stacked.min(axis=0), stacked.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _cut_observation(observation: Observation, part: Rectangle) -> Observation:
    shift = np.array(part[:2], np.float32)
    box, landmarks = observation.box, observation.landmarks
    return replace(
        observation,
        frame=cut(observation.frame, part),
        box=None if box is None else box - np.tile(shift, 2),
        landmarks=None if landmarks is None else replace(landmarks, points=landmarks.points - shift),
    )


def in_whole(box: NDArray, frame: Frame) -> NDArray:
    """A box in pixels of ``frame.image`` as one in pixels of the picture as it was read."""
    return box if frame.origin == (0, 0) else box + np.tile(np.array(frame.origin, box.dtype), 2)


def overview(frames: Sequence[Frame], people: Sequence[Subject]) -> Overview | None:
    """The frame that shows most of the people, the earliest of equals, small enough to look at.

    None where nobody has a box in any of them.
    """
    if not frames:
        return None
    best = min(frames, key=lambda frame: (-sum(frame.index in person.boxes for person in people), frame.index))
    boxes = {person.number: person.boxes[best.index] for person in people if best.index in person.boxes}
    if not boxes:
        return None
    height, width = best.image.shape[:2]
    zoom = min(1.0, OVERVIEW_SIDE / max(height, width))
    image = best.image
    if zoom < 1:
        image = resize(image, max(1, round(height * zoom)), max(1, round(width * zoom)), interpolation="area")
    shift = np.tile(np.array(best.origin, np.float32), 2)
    there = {number: (np.asarray(box) - shift + 0.5) * np.float32(zoom) - 0.5 for number, box in boxes.items()}
    return Overview(best.index, best.name, image, there)


def thumbnail(frame: Frame) -> Frame:
    """A frame that is not used, small enough to be kept for the report; a small one as it is."""
    height, width = frame.image.shape[:2]
    zoom = OVERVIEW_SIDE / max(height, width)
    if zoom >= 1:
        return frame
    small = resize(frame.image, max(1, round(height * zoom)), max(1, round(width * zoom)), interpolation="area")
    return replace(frame, image=small, whole=frame.size, reduced=True)
