"""Table 3.5: what bringing a region over from another pose is worth, with the real picture as truth.

Two frames A and B of one person; a feature of B (eyes and brows, nose, or mouth) is blurred away, each method brings A
into B's pose, the feature is put in where it was lost, and the untouched B is the truth. Landmarks and masks are found
on what a method would get: the damaged B. The damage is known only to the one who puts the feature in, the same way for
all methods.

A trial is a plain value (:class:`ReposeTrial`); :func:`run_trial` applies it to the two frames that it names. Nothing
of it is random: the pairs are spread evenly over what there is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError, WeightsError
from mfrec.face.region_labels import label_regions
from mfrec.face.regions import FEATURES
from mfrec.face.surface import fit, pose_gap
from mfrec.fusion.crossover import cross_over, match_seam
from mfrec.image.filters import gaussian
from mfrec.image.geometry import fit_similarity, inside, similarity_map, warp
from mfrec.pipeline import Progress, silent
from mfrec.registration.dense import register
from mfrec.repose.align_and_blend import align_and_blend
from mfrec.repose.delaunay import delaunay
from mfrec.repose.detail import with_detail
from mfrec.repose.mesh import mesh
from mfrec.repose.procrustes import procrustes
from mfrec.repose.refusal import VALID, refuse
from mfrec.types import Canvas, Drawn, FloatArray, Landmarks, RegionMasks, Reposed

if TYPE_CHECKING:
    from mfrec.imageio.sequences import TruthSequence

BINS = ((0.0, 10.0), (10.0, 20.0), (20.0, 35.0))
"""Pose gaps in degrees, from the lower up to but not the upper."""

PAIRS = 24
"""Pairs in a bin where no limit is given."""

PARTS: Mapping[str, tuple[str, ...]] = {"eyes": ("eyes", "brows"), "nose": ("nose",), "mouth": ("mouth",)}
"""What is blurred away together, as names of :data:`mfrec.face.regions.FEATURES`."""

POINTS: Mapping[str, tuple[int, ...]] = {
    "eyes": (*range(17, 27), *range(36, 48)),
    "nose": tuple(range(27, 36)),
    "mouth": tuple(range(48, 68)),
}

GROWN, BLUR = 0.12, 0.15
"""How far the damage reaches beyond the feature, and its standard deviation, in inter-ocular distances."""


PLAIN_SCALE = 16.0
"""Inter-ocular distance in pixels at which :func:`registered` finds its flow."""


def blurred(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """The first thing to beat: nothing is carried, the target stays blurred."""
    del source, landmarks, masks
    height, width = target.shape[:2]
    nothing = np.zeros((height, width), np.float32)
    return Reposed(target, nothing, np.zeros((height, width, 2), np.float32))


def similarity(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """The second: the source moved, turned and scaled so that all landmarks fit best."""
    del masks
    to_source = fit_similarity(landmarks[1].points, landmarks[0].points)
    look_up = similarity_map(to_source, *target.shape[:2])
    seen = inside(look_up, *source.shape[:2]).astype(np.float32)
    return Reposed(np.clip(warp(source, look_up), 0.0, 1.0), seen, look_up)


def registered(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """The third: that similarity and the dense registration of the stage ``align`` after it, without a third dimension.

    The flow is found on a grid as fine as faces have in poor frames (:data:`PLAIN_SCALE`).
    """
    del masks
    to_source = fit_similarity(landmarks[1].points, landmarks[0].points)
    coarse = max(1, round(landmarks[1].interocular / PLAIN_SCALE))
    rows, columns = (side // coarse * coarse for side in target.shape[:2])
    canvas = Canvas(0, 0, columns // coarse, rows // coarse, coarse)
    found = register(target[:rows, :columns], source, to_source, canvas)
    look_up = similarity_map(to_source, *target.shape[:2])
    look_up[:rows, :columns] = found.look_up
    seen = inside(look_up, *source.shape[:2]).astype(np.float32)
    lit = warp(source, look_up) * found.gain + found.offset
    return Reposed(np.clip(lit, 0.0, 1.0), seen, look_up)


Method = Callable[[FloatArray, FloatArray, tuple[Landmarks, Landmarks], tuple[RegionMasks, RegionMasks]], Reposed]


@functools.cache
def drawing_repose(method: str, **settings: int) -> Any:
    """The stage ``repose`` that draws; it is there under the stamp NOT EVIDENCE alone."""
    from mfrec.image.stamp import WORDS
    from mfrec.recipe import stage_classes

    stage: Any = stage_classes(WORDS)["repose"]
    return stage(method=method, **settings)


def drawn(method: str) -> Method:
    """The source drawn in the target's pose by a network."""

    def draw(
        source: FloatArray,
        target: FloatArray,
        landmarks: tuple[Landmarks, Landmarks],
        masks: tuple[RegionMasks, RegionMasks],
    ) -> Reposed:
        return drawing_repose(method).between(source, target, landmarks, masks)

    return draw


DRAWN = ("interfacegan", "few_shot")
"""Methods that draw."""

METHODS: Mapping[str, Method] = {
    "blurred": blurred,
    "similarity": similarity,
    "registered": registered,
    "align_and_blend": align_and_blend,
    "delaunay": delaunay,
    "procrustes": procrustes,
    **{name: drawn(name) for name in DRAWN},
    "mesh": mesh,
}


@dataclass(frozen=True, eq=False)
class Picture:
    """One good frame with its landmarks; no two have one name."""

    person: str
    name: str
    image: FloatArray
    landmarks: Landmarks


@dataclass(frozen=True)
class ReposeTrial(Drawn):
    """Two frames of one person and what is blurred away in the second.

    Attributes:
        a, b: names of the pictures.
        gap: degrees between the directions from which the camera sees the face.
        part: of :data:`PARTS`.
    """

    a: str
    b: str
    gap: float
    part: str


@dataclass(frozen=True)
class Outcome:
    """What one method made of one trial; the region is the damaged area.

    Attributes:
        refused: why the region would not be taken over; empty where it would.
        values: ``psnr`` and ``ssim`` of the region, ``landmarks`` (error of the part's points in inter-ocular
            distances), ``identity`` (distance of the face to the truth).
    """

    trial: ReposeTrial
    method: str
    refused: str
    values: Mapping[str, float]


def pictures_of(sequences: Sequence[TruthSequence], progress: Progress = silent) -> list[Picture]:
    """Every frame of the sequences in which a face is found."""
    from mfrec.bench.run import truth_landmarks
    from mfrec.imageio import read

    out = []
    for done, sequence in enumerate(sequences):
        for frame in read(sequence.folder).frames:
            found = truth_landmarks(frame.image)
            if found is not None:
                out.append(Picture(sequence.person, f"{sequence.name}/{frame.name}", frame.image, found))
        progress("tables, 3.5: landmarks", done + 1, len(sequences))
    return out


def trials_of(pictures: Sequence[Picture], count: int) -> list[ReposeTrial]:
    """At most ``count`` trials for each bin, spread evenly over the people that have one."""
    people: dict[str, list[int]] = {}
    for i, picture in enumerate(pictures):
        people.setdefault(picture.person, []).append(i)
    found: list[dict[str, list[tuple[int, int, float]]]] = [{} for _ in BINS]
    for person, members in people.items():
        if len(members) < 2:
            continue
        faces = fit([pictures[i].landmarks for i in members])
        for i, a in enumerate(members):
            for j, b in enumerate(members):
                gap = pose_gap(faces[i], faces[j])
                for k, (low, high) in enumerate(BINS):
                    if i != j and low <= gap < high:
                        found[k].setdefault(person, []).append((a, b, gap))
    trials = []
    for of_people in found:
        chosen: list[tuple[int, int, float]] = []
        share = -(-count // max(len(of_people), 1))
        for pool in of_people.values():
            chosen += [pool[i * len(pool) // share] for i in range(min(share, len(pool)))] if share else []
        if len(chosen) > count:
            chosen = [chosen[i * len(chosen) // count] for i in range(count)]
        trials += [
            ReposeTrial(pictures[a].name, pictures[b].name, gap, part)
            for (a, b, gap), part in zip(chosen, list(PARTS) * len(chosen), strict=False)
        ]
    return trials


def damage(image: FloatArray, landmarks: Landmarks, part: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The picture with a part blurred away, and where."""
    unit = landmarks.interocular
    regions = [region for feature in PARTS[part] for region in FEATURES[feature]]
    labels = label_regions(image.shape[:2], landmarks)
    size = 2 * max(1, round(GROWN * unit)) + 1
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    where = cv2.dilate(labels.mask(*regions).astype(np.uint8), shape) > 0
    share = gaussian(where.astype(np.float32), 0.02 * unit)[..., None]
    spoilt = share * gaussian(image, BLUR * unit) + (1 - share) * image
    return spoilt.astype(np.float32), where


def put_in(target: FloatArray, reposed: Reposed, where: NDArray[np.bool_], unit: float) -> FloatArray:
    """The target with the reposed picture's detail where it was blurred and as far as that is valid.

    ``unit`` is the inter-ocular distance in pixels.
    """
    seen = where & (reposed.validity > VALID)
    matched = match_seam(reposed.image, target, seen)
    detailed = with_detail(target, matched, seen, unit)
    strength = np.where(where, np.minimum(2 * reposed.validity, 1.0), 0.0).astype(np.float32)
    return cross_over(target, detailed, strength, "soft", max(2.0, 0.25 * (int(np.sqrt(where.sum()) / 4) | 1)))


def usable() -> tuple[dict[str, Method], dict[str, str]]:
    """The methods whose networks can be used, and why the others cannot."""
    from mfrec.pipeline import Run

    methods, reasons = dict(METHODS), {}
    for name in DRAWN:
        try:
            drawing_repose(name).drawer(Run())
        except WeightsError as error:
            del methods[name]
            reasons[name] = f"not there yet ({error})"
    return methods, reasons


def run_trial(trial: ReposeTrial, a: Picture, b: Picture, methods: Mapping[str, Method]) -> list[Outcome]:
    """Methods on the two frames of a trial; nothing where no face is found on the damaged picture."""
    from mfrec.bench.run import truth_landmarks
    from mfrec.metrics.identity import embed_all, identity_distance
    from mfrec.metrics.landmark_error import point_errors
    from mfrec.metrics.psnr import psnr
    from mfrec.metrics.ssim import ssim

    spoilt, where = damage(b.image, b.landmarks, trial.part)
    found = truth_landmarks(spoilt)
    if found is None:
        return []
    points = (a.landmarks, found)
    masks = (label_regions(a.image.shape[:2], points[0]), label_regions(spoilt.shape[:2], points[1]))
    rows, columns = np.nonzero(where)
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    here, there = fit(points)
    faces = (here, there)
    made, refused = {}, {}
    for name, method in methods.items():
        reposed = method(a.image, spoilt, points, masks)
        refusal = refuse(trial.part, reposed, spoilt, where, faces=faces, unit=found.interocular)
        refused[name] = "" if name == "blurred" else refusal.text
        made[name] = put_in(spoilt, reposed, where, found.interocular)
    embeddings = embed_all([(b.image, b.landmarks), *((image, b.landmarks) for image in made.values())])
    out = []
    for (name, image), embedding in zip(made.items(), embeddings[1:], strict=True):
        seen = truth_landmarks(image)
        values = {
            "psnr": psnr(image[where][None], b.image[where][None]),
            "ssim": ssim(image[box], b.image[box]),
            "identity": identity_distance(embedding, embeddings[0]),
        }
        if seen is not None:
            values["landmarks"] = float(point_errors(seen, b.landmarks)[list(POINTS[trial.part])].mean())
        out.append(Outcome(trial, name, refused[name], values))
    return out


def repose_trials(
    pictures: Sequence[Picture], count: int, methods: Mapping[str, Method], progress: Progress = silent
) -> list[Outcome]:
    """Methods on the trials of :func:`trials_of`.

    Raises:
        InputError: no two pictures of one person.
    """
    trials, named = trials_of(pictures, count), {picture.name: picture for picture in pictures}
    if not trials:
        raise InputError("no two frames of one person show a face; expected folders of frames of one person each")
    out = []
    for done, trial in enumerate(trials):
        out += run_trial(trial, named[trial.a], named[trial.b], methods)
        progress("tables, 3.5", done + 1, len(trials))
    return out


TURNS = ((0.0, 0.0), (6.0, 3.0), (-8.0, -4.0), (13.0, 0.0), (-15.0, 4.0), (22.0, 0.0), (-24.0, -3.0))
"""Yaw and pitch in degrees at which the portrait is taken where no pictures are given."""


def turned_portraits() -> list[Picture]:
    """The astronaut portrait at known turns of a smooth model of her head: exact truth, one person."""
    from mfrec.bench.run import SIDE, truth_landmarks
    from mfrec.camera.film import Motion, astronaut, view

    portrait, still = astronaut(), dict.fromkeys(("sway_x", "sway_y", "shake_x", "shake_y"), 0.0)
    out = []
    for yaw, pitch in TURNS:
        pose = {"yaw": yaw, "pitch": pitch, "roll": 0.0, "size": 1.0, **still}
        image = np.clip(warp(portrait, view(SIDE, pose, Motion())), 0.0, 1.0)
        found = truth_landmarks(image)
        if found is not None:
            out.append(Picture("astronaut", f"yaw {yaw:g}, pitch {pitch:g}", image, found))
    return out
