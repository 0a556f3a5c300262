"""Repose: bring frames that were taken from another side into the reference's pose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.face.region_labels import carry_regions
from mfrec.face.regions import FEATURES
from mfrec.face.surface import Face, fit, pose_gap
from mfrec.fusion.on_canvas import bicubic
from mfrec.image.geometry import similarity_map, warp
from mfrec.pipeline import Run, in_range
from mfrec.registration.dense import match_light, without_aliases
from mfrec.repose.align_and_blend import align_and_blend
from mfrec.repose.delaunay import delaunay
from mfrec.repose.mesh import carry
from mfrec.repose.procrustes import procrustes
from mfrec.repose.refusal import refuse, unlikeness
from mfrec.types import (
    FaceTrack,
    FloatArray,
    Landmarks,
    Observation,
    RegionMasks,
    Registration,
    Reposed,
)

METHODS = ("mesh", "delaunay", "procrustes", "align_and_blend")

PLAIN: Mapping[str, Callable[..., Reposed]] = {
    "delaunay": delaunay,
    "procrustes": procrustes,
    "align_and_blend": align_and_blend,
}
"""The methods that look at two frames and nothing else."""

POINTS_A_PIXEL = 2
"""Samples of a map in a frame pixel along each side, from which the map the other way is made."""


@dataclass(frozen=True)
class Repose:
    """Bring turned frames into the reference's pose: a 3-D face surface with depth test, refined by registration.

    Each feature of a turned frame is taken from the reposed frame where that fits the reference better than the plain
    registration does, and is refused (nothing of it is used) where the source hides it, where the head is turned too
    far, or where neither fits. What is decided is recorded with the frame. Frames that are turned little keep their
    registration, and so does the reference.

    Attributes:
        method: ``"mesh"``, ``"delaunay"``, ``"procrustes"`` or ``"align_and_blend"``; see :mod:`mfrec.repose`.
        above: degrees between a frame's view and the reference's from which on it is reposed.
    """

    method: Literal["mesh", "delaunay", "procrustes", "align_and_blend"] = "mesh"
    above: float = 12.0

    learned = False

    name: ClassVar[str] = "repose"
    needs: ClassVar[frozenset[str]] = frozenset({"landmarks", "reference", "registration", "regions"})
    gives: ClassVar[frozenset[str]] = frozenset({"registration"})
    literature: ClassVar[tuple[str, ...]] = (
        "V. Blanz, T. Vetter, A morphable model for the synthesis of 3D faces, SIGGRAPH 1999",
        "A. Goshtasby, Piecewise linear mapping functions for image registration, Pattern Recognition 1986",
    )

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"repose.method '{self.method}' is unknown; expected one of {', '.join(METHODS)}")
        in_range("repose.above", self.above, 0, 90)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if track.reference is None or track.canvas is None:
            raise UsageError("stage 'repose' found no reference frame and no canvas; run the stage 'align' before it")
        reference = track.observations[track.reference]
        if reference.landmarks is None or reference.regions is None:
            run.resolve({"reposed": {}})
            return track
        canvas = track.canvas
        target = bicubic(reference.frame.image, canvas)
        points = Landmarks(canvas.from_reference.apply(reference.landmarks.points).astype(np.float32))
        look_up = similarity_map(canvas.from_reference.inverse(), *canvas.shape)
        masks = carry_regions(reference.regions, look_up)

        found = [i for i, o in enumerate(track.observations) if o.landmarks is not None]
        landmarks = [track.observations[i].landmarks for i in found]
        faces = dict(zip(found, fit([p for p in landmarks if p is not None]), strict=True))
        (there,) = [
            replace(face, vertices=_moved(face, canvas.from_reference.matrix), scale=face.scale * canvas.scale)
            for i, face in faces.items()
            if i == track.reference
        ]
        observations = list(track.observations)
        for done, i in enumerate(found):
            run.progress(self.name, done, len(found))
            o = observations[i]
            if i == track.reference or o.registration is None or o.regions is None or o.landmarks is None:
                continue
            if pose_gap(faces[i], there) < self.above:
                continue
            if self.method == "mesh":
                reposed = carry(o.frame.image, target, (faces[i], there), (o.landmarks, points), (o.regions, masks))
            else:
                reposed = PLAIN[self.method](o.frame.image, target, (o.landmarks, points), (o.regions, masks))
            observations[i] = self._merged(o, reposed, target, faces=(faces[i], there), points=points, masks=masks)
        run.resolve({"reposed": {o.frame.name: dict(o.reposed) for o in observations if o.reposed}})
        return replace(track, observations=tuple(observations))

    def _merged(
        self,
        o: Observation,
        reposed: Reposed,
        target: FloatArray,
        *,
        faces: tuple[Face, Face],
        points: Landmarks,
        masks: RegionMasks,
    ) -> Observation:
        """The frame with the better of both maps for each feature, and with no trust in what is refused."""
        plain = o.registration
        assert plain is not None
        soft = without_aliases(o.frame.image, 1.0 / plain.spacing)
        lit = np.clip(warp(soft, plain.look_up) * plain.gain + plain.offset, 0.0, 1.0)
        registered = Reposed(lit, plain.trust, plain.look_up)
        unit = points.interocular
        look_up, trust = np.array(plain.look_up), np.array(plain.trust)
        taken = np.zeros(trust.shape, bool)
        verdicts = {}
        for feature, regions in FEATURES.items():
            where = masks.mask(*regions)
            if feature in ("hair", "neck") or not where.any():
                continue
            reason = refuse(feature, reposed, target, where, faces=faces, unit=unit)
            before = unlikeness(registered, target, where, unit)
            after = unlikeness(reposed, target, where, unit)
            if reason and (reason.hidden or before >= after):
                trust[where] = 0.0
                verdicts[feature] = f"refused: {reason.text}"
            elif not reason and after < before:
                taken |= where & (reposed.validity > 0)
                trust[where] = reposed.validity[where]
                verdicts[feature] = f"reposed: difference {after:.2f} of the contrast, {before:.2f} as registered"
            else:
                verdicts[feature] = f"as registered: difference {before:.2f} of the contrast, {after:.2f} reposed"
        look_up[taken] = reposed.look_up[taken]
        registration = with_map(plain, o.frame.image, target, look_up, trust=trust, changed=taken)
        return replace(o, registration=registration, reposed=verdicts)


def _moved(face: Face, matrix: NDArray[np.float64]) -> FloatArray:
    """The vertices of a face after an enlargement of its picture."""
    vertices = np.array(face.vertices, np.float64)
    scale = float(matrix[0, 0])
    vertices[:, :2] = scale * vertices[:, :2] + matrix[:, 2]
    vertices[:, 2] *= scale
    return vertices.astype(np.float32)


def with_map(
    registration: Registration,
    image: FloatArray,
    target: FloatArray,
    look_up: FloatArray,
    *,
    trust: FloatArray,
    changed: NDArray[np.bool_],
) -> Registration:
    """A registration with another map in a part of the canvas; the map the other way and the light follow.

    Args:
        registration: as it was.
        image: ``[h, w, 3]`` the frame.
        target: ``[H, W, 3]`` on the canvas, what the light is matched to.
        look_up, trust: ``[H, W, 2]`` and ``[H, W]``, the new ones.
        changed: ``[H, W]`` bool, where ``look_up`` differs.
    """
    from scipy.interpolate import LinearNDInterpolator  # half a second, and most chains repose nothing
    from scipy.spatial import QhullError

    landing = np.array(registration.landing)
    step = max(1, round(registration.spacing / POINTS_A_PIXEL))
    rows, columns = np.nonzero(changed[::step, ::step])
    if len(rows) >= 4:
        at = np.column_stack([columns, rows]) * step
        places = look_up[at[:, 1], at[:, 0]].astype(np.float64)
        y, x = np.mgrid[: landing.shape[0], : landing.shape[1]]
        x0, y0 = registration.window
        try:
            inverse = LinearNDInterpolator(places, at.astype(np.float64))(np.dstack([x + x0, y + y0]))
            # Across a gap in the map there is no inverse: only pixels near a sample land by it.
            near = np.zeros(landing.shape[:2], bool)
            inside_window = np.rint(places - (x0, y0)).astype(int)
            keep = ((inside_window >= 0) & (inside_window < landing.shape[1::-1])).all(axis=1)
            near[inside_window[keep, 1], inside_window[keep, 0]] = True
            good = near & np.isfinite(inverse).all(axis=-1)
            landing[good] = inverse[good]
        except QhullError:  # the places lie on one line: nothing that could be inverted
            pass
    soft = without_aliases(image, 1.0 / registration.spacing)
    plain = warp(soft, look_up)
    gain, offset = match_light(plain, target, trust > 0)
    difference = ((plain * gain + offset - target) ** 2).mean(axis=-1)
    seen = trust > 0
    residual = float(np.sqrt(difference[seen].mean())) if seen.any() else registration.residual
    return replace(
        registration,
        look_up=look_up,
        landing=landing,
        trust=np.clip(trust, 0.0, 1.0),
        gain=gain,
        offset=offset,
        residual=residual,
    )
