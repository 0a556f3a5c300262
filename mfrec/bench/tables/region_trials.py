"""Trials of the choice of regions: one frame shows a region sharply, all others blurred or blocked.

The table ``regions`` of the bench. In every trial one region of one frame, both drawn at random, is left as it is;
the same region of every other frame is blurred or coarsely coded, each frame by its own draw. Then the product's own
chain runs up to ``assess`` and is asked for the best source of that region. Damage covers the region and its
surroundings as far as a registration may err, so that nothing but the one frame shows it.

A trial is a plain value (:class:`RegionTrial`); :func:`run_trial` applies it to the sequence that it names.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.face.region_error import error_of
from mfrec.image.geometry import resize, warp
from mfrec.imageio import jpeg_bytes
from mfrec.pipeline import Progress, silent
from mfrec.types import Drawn, FaceTrack, FloatArray, Landmarks, Observation, Region

if TYPE_CHECKING:
    from mfrec.imageio.sequences import TruthSequence

REGIONS = (
    Region.SKIN,
    Region.NOSE,
    Region.L_EYE,
    Region.R_EYE,
    Region.L_BROW,
    Region.R_BROW,
    Region.U_LIP,
    Region.L_LIP,
)
"""What is drawn from: the regions that landmarks outline and every face shows."""

SIDES = (64, 32)
"""Pixels of the frames along each side."""

BLUR = (0.03, 0.06)
"""Standard deviation of the blur in widths of the frame; the range of the protocol ``patch32``."""

COARSE = (3, 12)
"""JPEG quality inside a blocked region."""

QUALITY = 90
"""JPEG quality of every frame as a whole."""

REACH = 0.25
"""How far the damage reaches beyond the region, in inter-ocular distances."""


@dataclass(frozen=True)
class Damage(Drawn):
    """What is done to the region in one frame; one of the two is None.

    Attributes:
        sigma: standard deviation of a blur in widths of the frame.
        quality: of a JPEG of the region.
    """

    sigma: float | None
    quality: int | None


@dataclass(frozen=True)
class RegionTrial(Drawn):
    """One drawn trial.

    Attributes:
        sequence: its name.
        side: of the frames that are written, in pixels.
        region: that is damaged.
        sharp: index of the frame that still shows it.
        damage: of each frame; None for the sharp one.
    """

    sequence: str
    side: int
    region: Region
    sharp: int
    damage: tuple[Damage | None, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one trial.

    Attributes:
        trial: as drawn.
        chosen: the frame that ``assess`` ranks first, None where it ranks none.
        refused: why ``assess`` refused the region of the sharp frame; empty where it did not.
        errors: of the region in every frame: what was expected and what it is, root-mean-square in [0, 1].
    """

    trial: RegionTrial
    chosen: int | None
    refused: str
    errors: tuple[tuple[float, float], ...]

    @property
    def right(self) -> bool:
        return self.chosen == self.trial.sharp


def draw_trial(sequence: str, frames: int, side: int, rng: np.random.Generator) -> RegionTrial:
    """Damage for one region of all frames but one.

    Args:
        sequence: its name.
        frames: how many it has.
        side: of the frames that are written, in pixels.
        rng: draws region, frame, kinds and strengths.
    """
    region = REGIONS[int(rng.integers(len(REGIONS)))]
    sharp = int(rng.integers(frames))
    damage = []
    for i in range(frames):
        blocked = rng.random() < 0.5
        sigma = float(rng.uniform(*BLUR))
        quality = int(rng.integers(COARSE[0], COARSE[1] + 1))
        drawn = Damage(None, quality) if blocked else Damage(sigma, None)
        damage.append(None if i == sharp else drawn)
    return RegionTrial(sequence, side, region, sharp, tuple(damage))


def damaged(trial: RegionTrial, truths: Sequence[FloatArray], faces: Sequence[Landmarks]) -> tuple[bytes, ...]:
    """The frames of a trial as JPEG files.

    Args:
        trial: what is done to them.
        truths: ``[H, W, 3]`` float32 in [0, 1] each, all of one size.
        faces: landmarks of each, in its pixels.
    """
    from mfrec.train.data.degrade import through_jpeg

    files = []
    for truth, face, damage in zip(truths, faces, trial.damage, strict=True):
        image = truth
        if damage is not None and damage.sigma is not None:
            blur = blurred(truth, damage.sigma * truth.shape[1])
            image = _inside(truth, blur, surroundings(truth, face, trial.region))
        small = resize(image, trial.side, trial.side, interpolation="area")
        if damage is not None and damage.quality is not None:
            mask = resize(surroundings(truth, face, trial.region), trial.side, trial.side, interpolation="area")
            small = _inside(small, through_jpeg(small, damage.quality).image, mask)
        files.append(jpeg_bytes(small, QUALITY))
    return tuple(files)


def surroundings(image: FloatArray, face: Landmarks, region: Region) -> FloatArray:
    """The region and what lies within :data:`REACH` of it, ``[H, W]`` in [0, 1] with a soft edge."""
    from mfrec.face.region_labels import label_regions

    mask = (label_regions(image.shape[:2], face).labels == region.value).astype(np.uint8)
    reach = max(1, round(REACH * face.interocular))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    wide = np.asarray(cv2.dilate(mask, disc), np.float32)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), 0.25 * reach), np.float32)


def blurred(image: FloatArray, sigma: float) -> FloatArray:
    """``[H, W, 3]``, a Gaussian blur of ``sigma`` pixels."""
    return np.asarray(cv2.GaussianBlur(np.asarray(image), (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def _inside(image: NDArray, other: NDArray, mask: NDArray) -> FloatArray:
    return np.asarray(image + mask[..., None] * (other - image), np.float32)


def run_trial(trial: RegionTrial, truths: Sequence[FloatArray], faces: Sequence[Landmarks]) -> Outcome | None:
    """Damage the frames and ask ``assess``; the same for the same arguments, which are those of :func:`damaged`.

    Returns:
        None where the sharp frame is left out by the chain, or the region is not outlined in the reference frame.
    """
    from mfrec.options import Options
    from mfrec.reconstruction import run_until

    with tempfile.TemporaryDirectory(prefix="mfrec-regions-") as folder:
        for i, data in enumerate(damaged(trial, truths, faces)):
            (Path(folder) / f"{i}.jpg").write_bytes(data)
        track, _ = run_until("assess", folder, Options(recipe="evidence", crop="frame"))
    shown = {o.frame.index: o for o in track.observations}
    if trial.sharp not in shown or not all(trial.region in o.quality for o in shown.values()):
        return None
    ranked = track.sources.get(trial.region, ())
    return Outcome(
        trial,
        track.observations[ranked[0]].frame.index if ranked else None,
        shown[trial.sharp].quality[trial.region].refused,
        tuple(
            (error_of(o.quality[trial.region].score), true_error(track, o, truths[o.frame.index], trial.region))
            for o in track.observations
        ),
    )


def true_error(track: FaceTrack, observation: Observation, truth: FloatArray, region: Region) -> float:
    """Root-mean-square difference, over a region on the canvas, between a registered frame and its own truth.

    Both are brought onto the canvas by the frame's registration, and into the reference's light.
    """
    from mfrec.camera.noise import noise_of
    from mfrec.face.region_labels import labels_on_canvas
    from mfrec.fusion.source import as_source

    assert track.reference is not None and track.canvas is not None
    assert observation.registration is not None
    image, registration = observation.frame.image, observation.registration
    chief = track.observations[track.reference]
    mask = labels_on_canvas(chief, track.canvas) == region.value
    seen = as_source(image, registration, noise_of(observation.frame), observation is chief).warped
    scale = track.canvas.scale
    fine = resize(truth, image.shape[0] * scale, image.shape[1] * scale, interpolation="area")
    lit = np.asarray(fine * registration.gain + registration.offset, np.float32)
    good = warp(lit, (registration.look_up + 0.5) * scale - 0.5)
    return float(np.sqrt(((seen - good)[mask] ** 2).mean()))


def region_trials(
    sequences: Sequence[TruthSequence], side: int, count: int, seed: int, progress: Progress = silent
) -> list[Outcome]:
    """``count`` trials, the sequences by turns; those that cannot be made or judged are passed over."""
    from mfrec.bench.run import truth_frames

    out: list[Outcome] = []
    for number in range(3 * count):
        if len(out) == count:
            break
        turn, which = divmod(number, len(sequences))
        name, truths = sequences[which].name, truth_frames(sequences[which])
        faces = faces_of(truths)
        digest = hashlib.sha256(f"{seed}/regions/{side}/{turn}/{name}".encode()).digest()
        trial = draw_trial(name, len(truths), side, np.random.default_rng(int.from_bytes(digest[:8], "big")))
        outcome = None if faces is None else run_trial(trial, truths, faces)
        if outcome is not None:
            out.append(outcome)
        progress(f"table regions, {side} px", len(out), count)
    return out


def faces_of(truths: Sequence[FloatArray]) -> list[Landmarks] | None:
    """Landmarks of the largest face of every frame; None where one shows none."""
    from mfrec.bench.run import truth_landmarks

    found = [truth_landmarks(image) for image in truths]
    return None if None in found else [face for face in found if face is not None]
