"""What can be measured of a picture, under the names by which ``mfrec evaluate`` and the tables know it.

Every measure takes the same :class:`Case`, so that a table is a list of names. The metrics themselves are in
:mod:`mfrec.metrics`, one a file, and want to know nothing of files, faces or tables.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfrec.errors import NoFaceError, WeightsError

if TYPE_CHECKING:
    from mfrec.types import FloatArray, Landmarks


@dataclass(frozen=True)
class Metric:
    """One column.

    Attributes:
        better: ``"more"``, ``"less"``, or ``""`` where neither is.
        form: how a value is printed.
        says: what it measures, in one line.
        measure: the value of a :class:`Case`; None where the case lacks what it needs.
    """

    better: str
    form: str
    says: str
    measure: Callable[[Case], float | None]


@dataclass(frozen=True, eq=False)
class Face:
    """The face of the truth, where it is looked for in every result alike: its box, landmarks and embedding."""

    box: FloatArray
    landmarks: Landmarks
    embedding: FloatArray


@dataclass(frozen=True, eq=False)
class Truth:
    """A truth picture.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        name: what messages call it.
    """

    image: FloatArray
    name: str

    @functools.cached_property
    def face(self) -> Face:
        """Its largest face.

        Raises:
            NoFaceError: there is none.
        """
        from mfrec.face.detect import detect_faces
        from mfrec.face.landmarks import detect_landmarks
        from mfrec.metrics.identity import embed

        faces = detect_faces(self.image, smallest=min(self.image.shape[:2]) / 6)
        if not faces:
            raise NoFaceError(f"no face was found in the truth '{self.name}'")
        box = max(faces, key=lambda face: face.side).box
        landmarks = detect_landmarks(self.image, box)
        return Face(box, landmarks, embed(self.image, landmarks))


@dataclass(frozen=True, eq=False)
class Case:
    """A result with everything that it is measured against.

    Attributes:
        result: ``[H, W, 3]`` float32 RGB in [0, 1].
        truth: of the same size.
        before: what the method was given, ``[h, w, 3]``, as large or smaller by a whole factor; None where unknown.
        uncertainty: ``[H, W]`` standard deviations that the method stated; None where it stated none.
    """

    result: FloatArray
    truth: Truth
    before: FloatArray | None
    uncertainty: FloatArray | None


def psnr(case: Case) -> float:
    from mfrec.metrics.psnr import psnr as measure

    return measure(case.result, case.truth.image)


def mse(case: Case) -> float:
    from mfrec.metrics.mse import mse as measure

    return measure(case.result, case.truth.image)


def psnr_y(case: Case) -> float:
    from mfrec.metrics.psnr import psnr_y as measure

    return measure(case.result, case.truth.image)


def ssim(case: Case) -> float:
    from mfrec.metrics.ssim import ssim as measure

    return measure(case.result, case.truth.image)


def perceptual(case: Case) -> float:
    from mfrec.metrics.perceptual import perceptual_distance

    return perceptual_distance(case.result, case.truth.image)


def identity(case: Case) -> float:
    from mfrec.metrics.identity import embed, identity_distance

    face = case.truth.face
    return identity_distance(embed(case.result, face.landmarks), face.embedding)


def landmarks(case: Case) -> float:
    from mfrec.face.landmarks import detect_landmarks
    from mfrec.metrics.landmark_error import landmark_error

    face = case.truth.face
    return landmark_error(detect_landmarks(case.result, face.box), face.landmarks)


def iris(case: Case) -> float:
    from mfrec.metrics.iris import iris_error

    return iris_error(case.result, case.truth.image, case.truth.face.landmarks)


def pupil(case: Case) -> float:
    from mfrec.metrics.iris import pupil_error

    return pupil_error(case.result, case.truth.image, case.truth.face.landmarks)


def gaze(case: Case) -> float:
    from mfrec.metrics.gaze import gaze_error

    return gaze_error(case.result, case.truth.image, case.truth.face.landmarks)


def cpbd(case: Case) -> float:
    from mfrec.metrics.cpbd import cpbd as measure

    return measure(case.result)


def cpbd_before(case: Case) -> float | None:
    from mfrec.image.geometry import enlarge
    from mfrec.metrics.cpbd import cpbd as measure

    if case.before is None:
        return None
    return measure(enlarge(case.before, case.result.shape[0] // case.before.shape[0]))


def cpbd_gain(case: Case) -> float | None:
    before = cpbd_before(case)
    return None if before is None else cpbd(case) - before


def consistency(case: Case) -> float | None:
    from mfrec.metrics.consistency import consistency as measure

    return None if case.before is None else measure(case.result, case.before)


def serfiq(case: Case) -> float:
    from mfrec.metrics.serfiq import serfiq as measure

    return measure(case.result, case.truth.face.landmarks)


def tenths(case: Case) -> float | None:
    from mfrec.metrics.calibration import tenth_ratio

    return None if case.uncertainty is None else tenth_ratio(case.uncertainty, case.result, case.truth.image)


def rank(case: Case) -> float | None:
    from mfrec.metrics.calibration import rank_correlation

    return None if case.uncertainty is None else rank_correlation(case.uncertainty, case.result, case.truth.image)


METRICS: dict[str, Metric] = {
    "psnr": Metric("more", ".2f", "peak signal-to-noise ratio of RGB, dB", psnr),
    "mse": Metric("less", ".1f", "mean squared error of RGB from 0 to 255", mse),
    "psnr_y": Metric("more", ".2f", "the same of the luma, dB", psnr_y),
    "ssim": Metric("more", ".3f", "structural similarity", ssim),
    "perceptual": Metric("less", ".3f", "perceptual distance (shift-tolerant LPIPS)", perceptual),
    "identity": Metric("less", ".3f", "distance of the identity embeddings; below 0.6 mostly one person", identity),
    "landmarks": Metric("less", ".3f", "landmark error in inter-ocular distances", landmarks),
    "iris": Metric("less", ".3f", "error of the iris centre of the worse eye in inter-ocular distances", iris),
    "pupil": Metric("less", ".3f", "the same of the pupil centre", pupil),
    "gaze": Metric("less", ".1f", "change of the estimated gaze against the truth's, degrees", gaze),
    "cpbd": Metric("", ".3f", "sharpness (CPBD); says nothing about truth", cpbd),
    "cpbd_before": Metric("", ".3f", "sharpness of what the method was given", cpbd_before),
    "cpbd_gain": Metric("", "+.3f", "difference of the two", cpbd_gain),
    "consistency": Metric("less", ".4f", "difference to the input after re-degradation, in [0, 1]", consistency),
    "serfiq": Metric("", ".3f", "how sure a recognition network is of the face (SER-FIQ); slow", serfiq),
    "tenths": Metric("less", ".2f", "error where said to be surest, over error where said to be least sure", tenths),
    "rank": Metric("more", ".2f", "rank correlation of stated uncertainty and error", rank),
}
"""Every column there is, in the order in which it is printed."""

SLOW = ("serfiq",)
"""Measured only when asked for by name."""

DEFAULT = tuple(name for name in METRICS if name not in SLOW)


def measure(case: Case, names: Iterable[str]) -> tuple[dict[str, float], dict[str, str]]:
    """The named metrics of a case, and why the others have no value; what lacks its input has neither.

    Args:
        case: what is measured.
        names: keys of :data:`METRICS`.

    Raises:
        TypeError: a picture is not floating point.
    """
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            value = METRICS[name].measure(case)
        except (NoFaceError, WeightsError, ValueError) as error:
            missing[name] = str(error)
            continue
        if value is not None:
            values[name] = value
    return values, missing
