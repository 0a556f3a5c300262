"""Enlarged eyes judged by what gaze tracking needs: fidelity, gaze, and the contours of iris and pupil.

The protocol of the thesis on eyes, on pairs of drawn eyes (:mod:`mfrec.train.data.eye_users`): whatever learns, learns
from users of four iris textures, and is measured on three sets of pairs (:data:`SETS`). Each pair is made four times
smaller, and twice, and enlarged again. Two judges look at it that learnt from the same four textures: a network that
estimates gaze, and supervised descent to the contours (:mod:`mfrec.face.supervised_descent`). Both know sharp originals
alone, as the thesis has it. A gaze network that learnt from eyes of any sharpness, as the one of ``mfrec evaluate``,
tells no enlargement from an original.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.bench.scores import BASELINE
from mfrec.bench.tables.enlargement import in_8_bits
from mfrec.bench.tables.single_pictures import Compared, interpolated
from mfrec.errors import UsageError, WeightsError
from mfrec.pipeline import Progress
from mfrec.runtime.extras import not_installed

if TYPE_CHECKING:
    from mfrec.face.supervised_descent import SupervisedDescent
    from mfrec.train.data.eye_users import EyePair
    from mfrec.train.streams.eye_pair_stream import EyePairStream
    from mfrec.types import FloatArray

SCALES = (2, 4)
"""By how much pairs are made smaller for interpolation; networks have their own."""

SETS = ("train", "validation", "test")
"""``train``: the first pairs that networks learnt from. ``validation``: other users of the four textures.
``test``: users of the texture that was left out."""

SEED = 2**37
"""Draws of validation and test; those of trainings lie below."""

USERS = 400
"""Of all textures, of whom the pairs of ``test`` are."""

OTHERS = 1000
"""Number of the first user of ``validation``; gaze networks learnt from those below."""

LEARNT = 600
"""Eyes from which the contours are learnt, each of a pair of its own."""

SEEN = 0.5
"""Share of an iris that has to show for its contours to count."""


@dataclass(frozen=True)
class Judges:
    """What learnt to judge enlarged eyes of one texture.

    Attributes:
        texture: that was left out.
        gaze: card of the network that estimates gaze; without one gaze is not judged.
    """

    texture: int
    gaze: str = ""

    @property
    def contours(self) -> SupervisedDescent:
        """Finds contours; learnt when it is first asked for."""
        return learnt_contours(self.texture)


@functools.cache
def learnt_contours(texture: int) -> SupervisedDescent:
    """Supervised descent, learnt from sharp eyes of users of all textures but one."""
    from mfrec.face.supervised_descent import learn
    from mfrec.train.data.eye_users import TEXTURES
    from mfrec.train.data.synthetic_eyes import contours, render_eye
    from mfrec.train.streams.user_eye_stream import UserEyeStream

    stream = UserEyeStream(SEED + 1, length=LEARNT, left_out=texture, users=USERS)
    drawn = [stream.drawn(i) for i in range(LEARNT)]
    eyes = [in_8_bits(render_eye(one.eye, TEXTURES[one.texture].spokes).image) for one in drawn]
    return learn(eyes, np.stack([contours(one.eye) for one in drawn]))


def pairs_of(name: str, texture: int, count: int, seed: int) -> EyePairStream:
    """The pairs of one of :data:`SETS`.

    Raises:
        UsageError: a package of training is not installed.
    """
    try:
        from mfrec.train.streams.eye_pair_stream import EyePairStream
    except ModuleNotFoundError as error:
        raise UsageError(not_installed("drawing eyes", error.name, "train")) from None
    if name == "train":
        return EyePairStream(0, length=count, left_out=texture)
    of: dict[str, Any] = {"users": USERS} if name == "test" else {"users": USERS, "first": OTHERS}
    return EyePairStream(SEED + seed, length=count, left_out=texture, only_left_out=name == "test", **of)


def rows_of(networks: Sequence[Compared]) -> tuple[Compared, ...]:
    """Originals, interpolation by scale, networks."""
    plain = (Compared(f"x{scale} {BASELINE}", scale, (), interpolated(scale)) for scale in SCALES)
    return (Compared("originals", 1), *plain, *networks)


@dataclass(frozen=True)
class Found:
    """What was measured of enlarged eyes.

    Attributes:
        values: label of a row to those of each pair: ``psnr``, ``ssim``, ``perceptual``; ``gaze``, its error in
            degrees, ``more``, that error less the original's, ``moved``, the angle between its gaze and the original's,
            ``mm``, its error on the plane that is looked at; ``iris``, ``pupil`` and ``contour``, errors of the
            centres and of all points of both contours in distances of the pupils, means of both eyes.
        users: number of the user of each pair.
        reasons: why something is missing.
    """

    values: Mapping[str, Sequence[Mapping[str, float]]]
    users: Sequence[int]
    reasons: tuple[str, ...]

    def interval(self, label: str, column: str) -> float | None:
        """Half of the width of the 95 % confidence interval of a mean over pairs; None of fewer than two users.

        Pairs of one user are not independent, so users are what varies (Liang and Zeger, "Longitudinal data analysis
        using generalized linear models", Biometrika 73(1), 1986).
        """
        of_user: dict[int, list[float]] = {}
        for user, values in zip(self.users, self.values[label], strict=True):
            if column in values:
                of_user.setdefault(user, []).append(values[column])
        if len(of_user) < 2:
            return None
        every = np.concatenate([*of_user.values()])
        sums = np.array([np.sum(np.array(values) - every.mean()) for values in of_user.values()])
        return float(1.96 * np.sqrt(np.sum(sums**2) * len(sums) / (len(sums) - 1)) / len(every))


def measured(stream: EyePairStream, rows: Sequence[Compared], judges: Judges, progress: Progress, told: str) -> Found:
    """Enlarge pairs by every method and measure.

    Args:
        stream: of the pairs, with its length.
        rows: of :func:`rows_of`.
        judges: who learnt from other pairs.
        progress: see :func:`mfrec.bench.tables.tables`.
        told: what is measured, for the progress.
    """
    from mfrec.image.cubic import resize_cubic

    found: dict[str, list[dict[str, float]]] = {each.label: [] for each in rows}
    users: list[int] = []
    reasons: dict[str, None] = {}
    for i in range(len(stream)):
        progress(told, i, len(stream))
        pair = stream.drawn(i)
        users.append(pair.user)
        truth = stream.make(pair)[1]["truth"].permute(1, 2, 0).numpy()
        height, width = truth.shape[:2]
        smalls = {
            scale: in_8_bits(resize_cubic(truth, height // scale, width // scale))
            for scale in {each.scale for each in rows if each.enlarge is not None}
        }
        images = [truth if each.enlarge is None else in_8_bits(each.enlarge(smalls[each.scale])) for each in rows]
        judged = judgements(pair, images, judges, reasons)
        for each, image, values in zip(rows, images, judged, strict=True):
            likeness = {} if each.enlarge is None else fidelity(image, truth, reasons)
            found[each.label].append({**likeness, **values})
    progress(told, len(stream), len(stream))
    return Found(found, users, tuple(reasons))


def fidelity(image: FloatArray, truth: FloatArray, reasons: dict[str, None]) -> dict[str, float]:
    """``psnr``, ``ssim`` and, where its weights are there, ``perceptual``."""
    from mfrec.metrics.perceptual import perceptual_distance
    from mfrec.metrics.psnr import psnr
    from mfrec.metrics.ssim import ssim

    values = {"psnr": psnr(image, truth), "ssim": ssim(image, truth)}
    try:
        values["perceptual"] = perceptual_distance(image, truth)
    except WeightsError as error:
        reasons[f"perceptual distance is not measured ({error})"] = None
    return values


def judgements(
    pair: EyePair, images: Sequence[FloatArray], judges: Judges, reasons: dict[str, None]
) -> list[dict[str, float]]:
    """What the judges say of pictures of one pair, the first of them the original."""
    from mfrec.metrics.gaze import angles, estimate_gaze
    from mfrec.train.data.eye_users import BETWEEN, TEXTURES, cut_pair, look_at, looked_at
    from mfrec.train.data.synthetic_eyes import contours, render_eye

    eyes = (pair.left, pair.right)
    drawn = [render_eye(eye, TEXTURES[pair.texture].spokes) for eye in eyes]
    cuts = [cut for image in images for cut in cut_pair(image)]
    out: list[dict[str, float]] = [{} for _ in images]
    gazes = None
    try:
        gazes = estimate_gaze(cuts, judges.gaze).reshape(len(images), 2, 2) if judges.gaze else None
    except WeightsError as error:
        reasons[f"gaze is not measured ({error})"] = None
    if gazes is not None:
        errors = angles(gazes, np.array([eye.gaze for eye in eyes])).mean(axis=1)
        moved = angles(gazes, gazes[:1]).mean(axis=1)
        for values, gaze, error, move in zip(out, gazes, errors, moved, strict=True):
            values["gaze"] = float(error)
            values["mm"] = float(np.linalg.norm(looked_at(pair, gaze) - look_at(pair.look)))
            if values is not out[0]:
                values["more"], values["moved"] = float(error - errors[0]), float(move)
    seen = [number for number, one in enumerate(drawn) if one.seen >= SEEN]
    if seen:
        shapes = judges.contours.find(cuts).reshape(len(images), 2, -1, 2)
        truths = np.stack([contours(eye) for eye in eyes])
        # What the distance between the pupils has in pixels of the cut.
        units = np.array([BETWEEN * one.radius / eye.iris for one, eye in zip(drawn, eyes, strict=True)])
        misses: NDArray[np.float64] = (np.linalg.norm(shapes - truths, axis=-1) / units[:, None])[:, seen].mean(axis=1)
        for values, miss in zip(out, misses, strict=True):
            values |= {"iris": float(miss[0]), "pupil": float(miss[1]), "contour": float(miss[2:].mean())}
    return out
