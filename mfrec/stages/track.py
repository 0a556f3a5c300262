"""Find the face in every frame and follow one person."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mfrec.errors import NoFaceError
from mfrec.geometry import enlarge
from mfrec.landmarks import detect_landmarks, to_uint8
from mfrec.metrics.identity import embed
from mfrec.pipeline import Run
from mfrec.types import Dropped, FaceTrack, FloatArray, Observation, Subject


@functools.cache
def _hog() -> Any:
    import dlib

    return dlib.get_frontal_face_detector()


def _detect(image: FloatArray) -> tuple[FloatArray, float] | None:
    height, width = image.shape[:2]
    scale = max(1, int(np.ceil(128 / min(height, width))))
    found, scores, _ = _hog().run(to_uint8(enlarge(image, scale)), 0, -0.5)
    if not found:
        return None
    best = max(range(len(found)), key=lambda i: scores[i])
    r = found[best]
    box = (np.array([r.left(), r.top(), r.right(), r.bottom()]) + 0.5) / scale - 0.5
    return box.astype(np.float32), float(np.clip((scores[best] + 1) / 3, 0, 1))


@dataclass(frozen=True)
class Track:
    """Find faces (MTCNN), follow one person, find 68 landmarks and identity embeddings."""

    subject: int = 0
    landmarks: str = "auto"

    name: ClassVar[str] = "track"
    needs: ClassVar[frozenset[str]] = frozenset({"frames"})
    gives: ClassVar[frozenset[str]] = frozenset({"boxes", "landmarks"})
    literature: ClassVar[tuple[str, ...]] = ()

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        seen: list[Observation] = []
        boxes: dict[int, FloatArray] = {}
        for observation in track.observations:
            image = observation.frame.image
            hit = _detect(image)
            if hit is None:
                seen.append(Observation(observation.frame))
                continue
            box, score = hit
            points = detect_landmarks(image, box)
            boxes[observation.frame.index] = box
            seen.append(Observation(observation.frame, box, score, points, embed(image, points)))
        if not boxes:
            raise NoFaceError(f"no face was found in any of {len(seen)} frames")
        sizes = {o.frame.image.shape for o in seen}
        dropped = list(track.dropped)
        if len(sizes) > 1:
            dropped += [Dropped(o.frame.name, "no face found", o.frame.index, "track") for o in seen if o.box is None]
            seen = [o for o in seen if o.box is not None]
        return FaceTrack(tuple(seen), tuple(dropped), (Subject(1, boxes, True),), warnings=track.warnings)
