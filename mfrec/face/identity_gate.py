"""Is it one person all the way: a foreign frame among the inputs, and a result that has left them.

Both questions compare identity embeddings (:mod:`mfrec.metrics.identity`) with how far the frames lie from each other,
because small and damaged faces of one person lie far apart too. An embedding here is the mean of those of a face and
of its mirror image: what compression does to the two is different, who it is is the same. At 32 px that finds a tenth
more foreign frames at the same number of false alarms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.forward import PSF
from mfrec.camera.noise import usual_kind
from mfrec.face.pose import MIRROR
from mfrec.image.filters import gaussian
from mfrec.image.geometry import resize
from mfrec.metrics.identity import embed_all, identity_distance, identity_distances
from mfrec.types import Canvas, FaceTrack, FloatArray, Landmarks, frozen_array

FOREIGN = 0.37
"""How far a frame lies from the others, in the mean, beyond half of what these lie from each other, when it is taken
for somebody else. Chosen on 73 development people, where it finds 99 % of single foreign frames at 64 px and 91 % at
32 px, and drops a frame of none of 73 clean sequences and of one; ``mfrec bench --table foreign`` measures it."""

APART = 0.52
"""Mean distance to the others below which no frame is foreign: nearly equal frames of one person differ by more than
:data:`FOREIGN` from one that is lit otherwise. Chosen with all people in sight, the fold held out included."""

SLACK = 0.03
"""How much farther from the frames than a plain enlargement of the reference a result may lie: rounding and landmarks
move an embedding by so much. On 21 development people (film of 64 px, JPEGs of 32 and 64 px, blurred patches: 83
sequences) 6 results of ``restore`` are warned of and none of ``evidence``; with a stranger's face in place of the
person's all of 166 are, with three quarters of it 97 %, with half of it 90 %. Where a head keeps still its frames are
hardly apart, and the gate is stricter: of 25 such sequences 5 results of ``restore`` are warned of."""

LOOKALIKE = 0.12
"""How much farther from the others, in the mean, than these lie from each other a frame may lie before the reader is
told that it may be a look-alike's. One frame in seven of the twenty most alike of 210 pairs of people at 64 px is left
out by :data:`FOREIGN` in 87 of 100 trials, and left out or warned of in 97; 3 of 40 clean sequences are warned of
(``mfrec bench --table alike --people 4/8``)."""

ENOUGH = 4
"""Faces of one person from which on one of them can stand apart: three others say how far apart they lie."""


def steady_embeddings(faces: Sequence[tuple[FloatArray, Landmarks]]) -> list[FloatArray]:
    """Mean embedding of each face and its mirror image, ``[128]`` float32 each.

    Args:
        faces: picture ``[H, W, 3]`` float32 RGB in [0, 1] and landmarks of each.

    Raises:
        WeightsError: the network is not installed.
    """
    both = []
    for image, landmarks in faces:
        both += [(image, landmarks), (np.ascontiguousarray(image[:, ::-1]), mirrored(landmarks, image.shape[1]))]
    found = embed_all(both)
    return [frozen_array((one + other) / 2) for one, other in zip(found[::2], found[1::2], strict=True)]


def mirrored(landmarks: Landmarks, width: int) -> Landmarks:
    """The landmarks of a picture that is mirrored left to right, numbered as those of a face."""
    points = landmarks.points[list(MIRROR)] * np.array([-1, 1], np.float32) + np.array([width - 1, 0], np.float32)
    return Landmarks(points, landmarks.source)


def foreign_score(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each of some faces stands apart, ``[N]``: mean distance to the others less half of the mean among these.

    Args:
        distance: ``[N, N]`` between the embeddings, at least three faces.

    Returns:
        The scores; minus infinity for a face nearer to the others than :data:`APART`.
    """
    count = len(distance)
    to_others = distance.sum(axis=1) / (count - 1)
    # What is left among the others: all pairs without those of the face itself.
    within = (distance.sum() - 2 * distance.sum(axis=1)) / ((count - 1) * (count - 2))
    return np.where(to_others > APART, to_others - 0.5 * within, -np.inf)


def find_foreign(embeddings: Sequence[FloatArray] | NDArray[np.floating], limit: float = FOREIGN) -> list[int]:
    """Which of the faces of one track are somebody else's, the farthest first.

    One after the other is taken out, so that two foreign frames do not hide each other, while at least :data:`ENOUGH`
    faces are left to compare. A majority is not called foreign: at most every third face is.

    Args:
        embeddings: ``[128]`` each.
        limit: of :func:`foreign_score`.

    Returns:
        Positions in ``embeddings``.
    """
    vectors = np.array(embeddings, np.float64).reshape(-1, 128)
    distance = identity_distances(vectors)
    left, out = list(range(len(vectors))), []
    while len(left) >= ENOUGH and 3 * (len(out) + 1) <= len(vectors):
        score = foreign_score(distance[np.ix_(left, left)])
        worst = int(np.argmax(score))
        if score[worst] <= limit:
            break
        out.append(left.pop(worst))
    return out


def find_lookalikes(embeddings: Sequence[FloatArray] | NDArray[np.floating], limit: float = LOOKALIKE) -> list[int]:
    """Which of the faces of one track stand apart as a look-alike's would; nothing is left out for it.

    Args:
        embeddings: ``[128]`` each.
        limit: see :data:`LOOKALIKE`.

    Returns:
        Positions in ``embeddings``; none where there are fewer than :data:`ENOUGH`.
    """
    vectors = np.array(embeddings, np.float64).reshape(-1, 128)
    count = len(vectors)
    if count < ENOUGH:
        return []
    distance = identity_distances(vectors)
    to_others = distance.sum(axis=1) / (count - 1)
    within = (distance.sum() - 2 * distance.sum(axis=1)) / ((count - 1) * (count - 2))
    return np.flatnonzero(to_others - within > limit).tolist()


@dataclass(frozen=True)
class IdentityCheck:
    """How like the result is to the frames that it was made of.

    Attributes:
        distances: frame index to the distance of its embedding from the result's.
        result: median of these; None where there is nothing to compare.
        between: median distance between the frames; None with fewer than two.
        farthest: distance to the others, in the median, of the frame that lies farthest from them; None as above.
        plain: median distance from the frames of a plain enlargement of the reference, seen as the result is seen;
            None where nothing is compared.
        reason: why nothing was compared; empty where it was.
    """

    distances: Mapping[int, float]
    result: float | None = None
    between: float | None = None
    farthest: float | None = None
    plain: float | None = None
    reason: str = ""

    @property
    def limit(self) -> float | None:
        """Distance beyond which the result is warned of, None where that is unknown.

        The frames lie as far from each other as the farthest of them does; a median would call half of them too far.
        What the comparison itself costs is what it costs a plain enlargement, in which nothing was changed.
        """
        if self.farthest is None or self.plain is None:
            return None
        return max(self.farthest, self.plain + SLACK)

    @property
    def passed(self) -> bool | None:
        """Whether the result lies within :attr:`limit`; None where that is unknown."""
        if self.result is None or self.limit is None:
            return None
        return self.result <= self.limit

    @property
    def text(self) -> str:
        """One sentence with the numbers."""
        if self.result is None:
            return f"not compared: {self.reason}"
        if self.between is None or self.farthest is None or self.plain is None:
            return f"median distance to the frames {self.result:.2f}; {self.reason}"
        if not self.passed:
            verdict = "FARTHER from the frames than they are from each other"
        elif self.result > self.plain:
            verdict = "not beyond the frames' own spread, but NO NEARER than the plain enlargement"
        else:
            near = self.result <= self.between
            verdict = "no warning" if near else "no warning, though farther than the frames in the median"
        return (
            f"the result lies {self.result:.2f} from the frames in the median, a plain enlargement {self.plain:.2f}; "
            f"the frames lie {self.between:.2f} from each other, the farthest {self.farthest:.2f}: {verdict}"
        )

    def record(self) -> dict[str, object]:
        """JSON types for ``run.json``."""
        return {
            "result": self.result,
            "between": self.between,
            "farthest": self.farthest,
            "plain": self.plain,
            "passed": self.passed,
            "distances": {str(index): distance for index, distance in self.distances.items()},
            "text": self.text,
        }


def as_filmed(image: FloatArray, track: FaceTrack, canvas: Canvas) -> FloatArray:
    """A picture ``[H, W, 3]`` on the canvas about as the reference's camera would have shown it, without its codec.

    The declared blur and then the mean over each pixel, so the pixel's own aperture counts twice: at scale 4 a blur of
    0.45 px in place of the 0.35 of stills, and of 0.71 in place of the 0.65 of video.
    :data:`SLACK` was measured so; what is softer lies a little nearer to the frames.

    Returns:
        ``[h, w, 3]`` in [0, 1], a value for every pixel of the reference that the canvas covers.
    """
    soft = gaussian(image, PSF[usual_kind(o.frame for o in track.observations)] * canvas.scale)
    return np.clip(resize(soft, canvas.height, canvas.width, interpolation="area"), 0, 1)


def check_identity(image: FloatArray, plain: FloatArray, track: FaceTrack) -> IdentityCheck:
    """Compare a result with every input frame of its track, as the camera would have shown it.

    A sharp picture and a blurred one of a person lie far apart, so the result is first brought down to the reference's
    pixels through the declared camera; what is left is whether it is still the same face. That face is where the
    reference's landmarks are: the two have one geometry, so that no detector decides.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1] on the track's canvas.
        plain: the reference frame on the same canvas, enlarged and otherwise unchanged.
        track: with a reference, a canvas and embeddings by :func:`steady_embeddings`.

    Raises:
        WeightsError: the network is not installed.
    """
    seen = {o.frame.index: o.embedding for o in track.observations if o.embedding is not None}
    chief = None if track.reference is None else track.observations[track.reference].landmarks
    if not seen:
        return IdentityCheck({}, reason="no frame of the track has an identity embedding")
    if chief is None or track.canvas is None:
        return IdentityCheck({}, reason="the reference has no landmarks")
    landmarks = Landmarks(chief.points - np.array([track.canvas.x0, track.canvas.y0], np.float32), chief.source)
    made, unchanged = steady_embeddings([(as_filmed(one, track, track.canvas), landmarks) for one in (image, plain)])
    distances = {index: identity_distance(made, embedding) for index, embedding in seen.items()}
    result = float(np.median(list(distances.values())))
    enlarged = float(np.median([identity_distance(unchanged, embedding) for embedding in seen.values()]))
    if len(seen) < 2:
        return IdentityCheck(distances, result, plain=enlarged, reason="there is one frame only")
    vectors = np.array(list(seen.values()))
    distance = identity_distances(vectors)
    others = distance[~np.eye(len(vectors), dtype=bool)].reshape(len(vectors), -1)
    return IdentityCheck(distances, result, float(np.median(others)), float(np.median(others, axis=1).max()), enlarged)
