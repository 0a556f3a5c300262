"""Choose the reference and register every frame onto it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mfrec.camera.noise import NoiseModel, noise_of
from mfrec.errors import InputError, UsageError
from mfrec.face.surroundings import FILLS_THE_FRAME, face_rectangle
from mfrec.fusion.on_canvas import bicubic
from mfrec.image.colour import luma
from mfrec.image.geometry import fit_similarity, inside, similarity_map, warp
from mfrec.pipeline import Run, in_range
from mfrec.registration.dense import identity_registration, register
from mfrec.registration.reference import choose_reference, face_side
from mfrec.runtime.threads import side_by_side
from mfrec.types import Canvas, Dropped, FaceTrack, FloatArray, FlowSettings, Observation, Similarity
from mfrec.types.geometry import MAX_SCALE

FACE_MARGIN = 0.5
"""Surroundings kept by ``crop="face"`` on each side, as a share of the face's larger side."""

CROPS = ("auto", "face", "frame")
"""Crops by name; a rectangle ``x,y,w,h`` is another, see :func:`as_rectangle`."""

LEAST_CROP = 16
"""Pixels of the reference that a crop has along each side."""

MAX_STACK_PIXELS = 64_000_000
"""Canvas pixels times frames that are taken at once. A frame costs about 90 bytes a canvas pixel, so this is 6 GB."""


PRESMOOTH, PRESMOOTH_RANGE = 0.32, (0.5, 2.0)
"""Blur before the flow, standard deviation in half reference pixels for each grey level (of 255) of what the codec left
as error, and its limits: the flow of a clean picture is exact, that of a coarse one follows its errors. Against 0.75
for all it gains 0.02 dB of the fused picture on clips and on JPEGs of mixed quality, 0.01 on good JPEGs (24 sequences
of development people each); 1.2 for all loses 0.03 on the last."""


ENOUGH_WHOLE = 5
"""Undamaged frames from which on damaged ones are left out. Fewer frames gain from every one that registers, and the
fusion weighs what contradicts the others."""


def as_rectangle(crop: str) -> tuple[int, int, int, int] | None:
    """Left, top, width and height from ``"x,y,w,h"``; None for a crop that has a name.

    Raises:
        UsageError: neither a name nor a rectangle.
    """
    if crop in CROPS:
        return None
    parts = [part.strip() for part in crop.split(",")]
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise UsageError(
            f"--crop '{crop}' is unknown; expected auto, face or frame, or a rectangle x,y,w,h: left, top, width and "
            "height in whole pixels of the reference frame"
        )
    left, top, width, height = map(int, parts)
    if min(width, height) < LEAST_CROP:
        raise UsageError(f"--crop {crop} is {width} x {height} pixels; expected {LEAST_CROP} or more along each side")
    return left, top, width, height


def reduced_crop(crop: str, factor: float) -> str:
    """The crop of frames that had ``factor`` times as many pixels along each side; it holds all of the rectangle."""
    rectangle = as_rectangle(crop)
    if rectangle is None:
        return crop
    left, top, width, height = rectangle
    x0, y0 = math.floor(left / factor), math.floor(top / factor)
    x1, y1 = math.ceil((left + width) / factor), math.ceil((top + height) / factor)
    return f"{x0},{y0},{max(x1 - x0, LEAST_CROP)},{max(y1 - y0, LEAST_CROP)}"


def make_canvas(reference: Observation, scale: int, crop: str) -> Canvas:
    """The output grid for a reference frame.

    Args:
        scale: super-resolution factor, from 1.
        crop: ``"frame"`` (all of the reference frame), ``"face"`` (the face and its surroundings), ``"auto"``
            (``frame`` when the face fills most of it), or a rectangle ``"x,y,w,h"`` of it.

    Raises:
        UsageError: the rectangle reaches beyond the frame.
    """
    height, width = reference.frame.image.shape[:2]
    rectangle = as_rectangle(crop)
    if rectangle is not None:
        left, top, columns, rows = rectangle
        if left + columns > width or top + rows > height:
            raise UsageError(
                f"--crop {crop} reaches beyond the reference frame '{reference.frame.name}', which has {width} x "
                f"{height} pixels; expected a rectangle x,y,w,h inside of it"
            )
        return Canvas(left, top, columns, rows, scale)
    face = face_rectangle(reference)
    whole = Canvas(0, 0, width, height, scale)
    if crop == "frame" or face is None:
        canvas = whole
    else:
        x0, y0, x1, y1 = face
        fills = max((x1 - x0) / reference.frame.size[0], (y1 - y0) / reference.frame.size[1]) >= FILLS_THE_FRAME
        if crop == "auto" and fills:
            canvas = whole
        else:
            margin = FACE_MARGIN * max(x1 - x0, y1 - y0)
            left, top = max(0, int(np.floor(x0 - margin))), max(0, int(np.floor(y0 - margin)))
            right, bottom = min(width, int(np.ceil(x1 + margin))), min(height, int(np.ceil(y1 + margin)))
            canvas = Canvas(left, top, right - left, bottom - top, scale)
    return canvas


def check_size(canvas: Canvas, frames: int) -> None:
    """Refuse what would not fit into the memory of an ordinary machine.

    Raises:
        UsageError: the canvas times the number of frames is too large.
    """
    rows, columns = canvas.shape
    if rows * columns * frames > MAX_STACK_PIXELS:
        raise UsageError(
            f"{frames} frames on a picture of {columns} x {rows} pixels are {rows * columns * frames / 1e6:.0f} "
            f"million values, more than {MAX_STACK_PIXELS / 1e6:.0f} million; take a smaller --scale, --crop face, or "
            "fewer frames (--every)"
        )


def presmooth_for(noises: Sequence[NoiseModel]) -> float:
    """The blur that frames get before the flow, see :data:`PRESMOOTH`; as usual where no frame's codec is known."""
    known = [noise.sigma for noise in noises if noise.kind != "unknown"]
    if not known:
        return FlowSettings().presmooth
    return float(np.clip(PRESMOOTH * 255 * np.median(known), *PRESMOOTH_RANGE))


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Normalised correlation of two sets of grey values, in [-1, 1]; 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def start_similarity(observation: Observation, reference: Observation) -> Similarity:
    """The best simple guess of frame pixels to reference pixels, to start the dense registration from.

    Landmarks are found independently in every frame and jitter by a tenth of a pixel and more on small faces, while a
    sequence of equal crops is often aligned already. So every guess is tried (landmarks, box, the same place in
    the frame) and the one whose pixels correlate best with the reference's face is taken.
    """
    guesses = []
    if observation.frame.size == reference.frame.size:
        shift = np.subtract(observation.frame.origin, reference.frame.origin)
        guesses.append(Similarity(np.column_stack([np.eye(2), shift])))
    if observation.landmarks is not None and reference.landmarks is not None:
        # Landmarks that fall on one spot determine no similarity; the other guesses then stand.
        with contextlib.suppress(ValueError):
            guesses.append(fit_similarity(observation.landmarks.points, reference.landmarks.points))
    here, there = face_rectangle(observation), face_rectangle(reference)
    if here is not None and there is not None:
        scale = (there[2] - there[0] + there[3] - there[1]) / max(here[2] - here[0] + here[3] - here[1], 1e-6)
        shift = [
            (there[0] + there[2]) / 2 - scale * (here[0] + here[2]) / 2,
            (there[1] + there[3]) / 2 - scale * (here[1] + here[3]) / 2,
        ]
        guesses.append(Similarity(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])))
    if not guesses:
        height, width = observation.frame.image.shape[:2]
        rows, columns = reference.frame.image.shape[:2]
        scale = (rows / height + columns / width) / 2
        guesses.append(Similarity(np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])))
    if len(guesses) == 1:
        return guesses[0]
    rows, columns = reference.frame.image.shape[:2]
    x0, y0, x1, y1 = face_rectangle(reference) or (0.0, 0.0, columns - 1.0, rows - 1.0)
    left, top = max(0, int(x0)), max(0, int(y0))
    right, bottom = min(columns, int(np.ceil(x1)) + 1), min(rows, int(np.ceil(y1)) + 1)
    target = luma(reference.frame.image[top:bottom, left:right])
    source = luma(observation.frame.image)
    best, best_match = guesses[0], -2.0
    for guess in guesses:
        into = guess.inverse().after(Similarity(np.array([[1.0, 0, left], [0, 1.0, top]])))
        look_up = similarity_map(into, bottom - top, right - left)
        seen = inside(look_up, *source.shape)
        if seen.mean() < 0.5:
            continue
        match = correlation(warp(source, look_up, interpolation="linear")[seen], target[seen])
        if match > best_match:
            best, best_match = guess, match
    return best


def without_damaged(track: FaceTrack, wanted: str | int) -> FaceTrack:
    """The track without its damaged frames, where :data:`ENOUGH_WHOLE` others are left.

    Args:
        track: so far.
        wanted: the reference that the user asked for, by index or name, which stays; or ``"auto"``.
    """
    whole = [o for o in track.observations if not o.frame.damaged]
    if len(whole) < ENOUGH_WHOLE:
        return track
    kept, dropped = [], []
    for o in track.observations:
        if not o.frame.damaged or str(wanted) in (str(o.frame.index), o.frame.name):
            kept.append(o)
            continue
        why = next((note for note in o.frame.notes if "damaged" in note), "damaged")
        reason = f"{why}; {len(whole)} undamaged frames are used"
        dropped.append(Dropped(o.frame.name, reason, o.frame.index, Align.name, o.frame))
    return replace(track, observations=tuple(kept), dropped=(*track.dropped, *dropped))


FACE_WANTED, USUAL_SCALE = 256, 4
"""Pixels that a face has along its side in the picture where the scale is chosen, and the most that it is enlarged."""


def fitting_scale(reference: Observation) -> int:
    """The least whole scale by which a face comes out at :data:`FACE_WANTED` pixels, at most :data:`USUAL_SCALE`.

    That much is also taken of a face that nobody found.
    """
    side = face_side(reference)
    return USUAL_SCALE if not side else min(USUAL_SCALE, max(1, math.ceil(FACE_WANTED / side)))


@dataclass(frozen=True)
class Align:
    """Register every frame onto the reference: landmarks, similarity, then dense optical flow both ways.

    Attributes:
        reference: ``"auto"``, a frame's index, or its name.
        scale: super-resolution factor, or ``"auto"``, see :func:`fitting_scale`.
        crop: ``"auto"``, ``"face"``, ``"frame"``, or a rectangle of the reference ``"x,y,w,h"`` in its pixels.
        patch, smoothness: side of the flow's patches in half reference pixels; weight of its smoothness term.
        presmooth: standard deviation of the blur before the flow, in half reference pixels, or ``"auto"``, see
            :data:`PRESMOOTH`.
        tolerance: a frame whose face was not detected is kept if its residual after registration is at most this many
            times the median residual of the detected frames (or of all frames, where none was detected).
    """

    reference: str | int = "auto"
    scale: int | Literal["auto"] = 4
    crop: str = "auto"
    patch: int = 12
    smoothness: float = 40.0
    presmooth: float | Literal["auto"] = "auto"
    tolerance: float = 1.75

    learned = False

    name: ClassVar[str] = "align"
    needs: ClassVar[frozenset[str]] = frozenset({"boxes"})
    gives: ClassVar[frozenset[str]] = frozenset({"reference", "registration"})
    literature: ClassVar[tuple[str, ...]] = (
        "S. Umeyama, Least-squares estimation of transformation parameters between two point patterns, TPAMI 1991",
        "T. Kroeger, R. Timofte, D. Dai, L. Van Gool, Fast optical flow using dense inverse search, ECCV 2016",
    )

    def __post_init__(self) -> None:
        as_rectangle(self.crop)
        if self.scale != "auto" and not 1 <= self.scale <= MAX_SCALE:
            raise UsageError(
                f"scale {self.scale} is out of range; expected auto, or a whole number from 1 to {MAX_SCALE}"
            )
        # DIS divides by the patch and needs several of them in the smallest picture.
        in_range("align.patch", self.patch, 4, 32)
        in_range("align.smoothness", self.smoothness, 0, 1000)
        if self.presmooth != "auto":
            in_range("align.presmooth", self.presmooth, 0.05, 10)
        in_range("align.tolerance", self.tolerance, 1, 100)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if not track.observations:
            raise InputError("no frame is left to align; expected at least one that shows the face")
        track = without_damaged(track, self.reference)
        chosen, why, scores = choose_reference(track.observations, self.reference)
        reference = track.observations[chosen]
        scale = fitting_scale(reference) if self.scale == "auto" else self.scale
        canvas = make_canvas(reference, scale, self.crop)
        noises = [noise_of(o.frame) for o in track.observations]
        presmooth = presmooth_for(noises) if self.presmooth == "auto" else float(self.presmooth)
        flow = FlowSettings(patch=self.patch, smoothness=self.smoothness, presmooth=presmooth)
        run.resolve({"presmooth": presmooth, "scale": scale})
        check_size(canvas, len(track.observations))
        target = bicubic(reference.frame.image, canvas)

        def laid_on(position: int) -> Observation:
            observation = track.observations[position]
            phase = noises[position].phase
            image = observation.frame.image
            if position == chosen:
                similarity, registration = Similarity.identity(), identity_registration(canvas, image, phase)
            else:
                similarity = start_similarity(observation, reference)
                to_frame = canvas.into_frame(similarity)
                registration = register(target, image, to_frame, canvas, phase=phase, settings=flow)
            return replace(observation, as_reference=scores[position], similarity=similarity, registration=registration)

        registered = []
        for observation in side_by_side(laid_on, range(len(track.observations))):
            registered.append(observation)
            run.progress(self.name, len(registered), len(track.observations))
        kept, dropped = self._drop(registered, chosen)
        return replace(
            track,
            observations=tuple(kept),
            dropped=(*track.dropped, *dropped),
            reference=kept.index(registered[chosen]),
            reference_why=why,
            canvas=canvas,
            flow=flow,
        )

    def _drop(self, registered: Sequence[Observation], chosen: int) -> tuple[list[Observation], list[Dropped]]:
        """Leave out what was never detected and does not register either, and what the canvas cannot see."""

        def residual(o: Observation) -> float:
            assert o.registration is not None
            return o.registration.residual

        others = [o for i, o in enumerate(registered) if i != chosen]
        yardstick = [residual(o) for o in others if o.box is not None] or [residual(o) for o in others]
        limit = self.tolerance * float(np.median(yardstick)) if yardstick else np.inf
        kept, dropped = [], []
        for position, o in enumerate(registered):
            reason = ""
            if position != chosen and not np.isfinite(residual(o)):
                reason = "the frame does not overlap the reference's face"
            elif position != chosen and o.box is None and residual(o) > limit:
                reason = (
                    f"no face was detected and the frame does not register onto the reference: residual "
                    f"{residual(o) * 255:.1f} grey levels, at most {limit * 255:.1f} expected"
                )
            if reason:
                dropped.append(Dropped(o.frame.name, reason, o.frame.index, self.name, o.frame))
            else:
                kept.append(o)
        return kept, dropped
