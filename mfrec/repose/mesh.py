"""Ours: carry the skin over on a 3-D face, only where the source really shows it.

A face is fitted to the landmarks of both pictures with one identity (:mod:`mfrec.face.surface`). For each pixel of the
target the surface that is seen there is looked up in the source. A depth test says whether the source sees it too, and
the surface's slant and the number of source pixels that fall on a target pixel say how well. What is left (the model
is coarse, landmarks jitter) is found by dense registration of the carried picture onto the target, several times from
different starts and on different grids. Where the registrations agree their mean is as sharp as each; where they do not
nobody knows, and detail in doubt cancels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mfrec.face.regions import FACE
from mfrec.face.surface import Face, fit, pose_gap, surface
from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import fit_similarity, identity_map, inside, resize, similarity_map, warp
from mfrec.image.raster import Raster, rasterise
from mfrec.registration.dense import GRID, match_light, register, without_aliases
from mfrec.repose.detail import BLURS, FAINT, NEARBY
from mfrec.types import Canvas, FloatArray, FlowSettings, Landmarks, RegionMasks, Reposed, Similarity

DEPTH_TOLERANCE = 0.06
"""How far behind the seen surface a point may lie and still count as seen, in units of the surface (inter-ocular
distances): the grid's triangles are flat."""

GRAZING, SQUARE = 0.05, 0.2
"""Cosine of the angle between the surface and the line of sight below which a point counts as hidden, and from which on
its slant costs nothing."""

LEAST_VALIDITY = 0.02
"""Validity below which a pixel counts as not seen at all."""

FLOW_SCALES = (11.0, 16.0, 24.0)
"""Inter-ocular distances in pixels at which the flow is found: a coarse grid is stiff and does not follow noise, a fine
one follows an expression."""

JUDGED = 0.15
"""Standard deviation, in inter-ocular distances, of the window in which the target's blur is judged; detail is what is
finer."""

TURN_ERROR, TURN_POWER = 11.0, 4
"""Degrees of turn between two views at which the surface and a plain similarity are believed alike, and how sharply
that changes: errors of the landmarks alone feign some degrees of turn."""


DISAGREEMENT = 0.5
"""Spread of the detail over its mean at which registrations are half believed. Of 80 pairs of development people 51 are
taken over then and all gain on the blurred region, at least 1 dB; without it 60 are, and two lose."""


def mesh(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """Carry the source's face over to the target's pose on a fitted 3-D surface.

    Args:
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` float32 RGB in [0, 1].
        landmarks: of source and target, each in its own pixels.
        masks: of source and target; only what is of the face in both is carried.

    Returns:
        The carried face in the target's light; ``validity`` in [0, 1] is 0 where the source does not see the surface.

    Raises:
        ValueError: landmarks that are no face.
    """
    here, there = fit(landmarks)
    return carry(source, target, (here, there), landmarks, masks)


def carry(
    source: FloatArray,
    target: FloatArray,
    faces: tuple[Face, Face],
    landmarks: tuple[Landmarks, Landmarks],
    masks: tuple[RegionMasks, RegionMasks],
) -> Reposed:
    """The same with faces that are fitted already, such as those of all frames of a person together.

    The dense registration starts from the surface's map, drawn towards a plain similarity where the head has turned
    little (landmarks tell the turn only to some degrees, and a turn that is not there bends the face), and from the
    similarity itself, each on all grids of :data:`FLOW_SCALES`. The picture is the mean of those six, ``look_up`` the
    mean of their maps. On 32 pairs of development people (table 3.5), not those by which it was designed, one
    registration gains 2.8 dB on the blurred region, the mean 3.9 dB.

    Args:
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` float32 RGB in [0, 1].
        faces: in source and target, of one :func:`~mfrec.face.surface.fit`.
        landmarks, masks: of source and target.
    """
    here, there = faces
    shape = target.shape[:2]
    on_surface, validity = correspondence(here, there, source.shape[:2], shape)
    validity = validity * masks[1].mask(*FACE)
    flat = similarity_map(fit_similarity(landmarks[1].points, landmarks[0].points), *shape)
    turned = 1.0 / (1.0 + (TURN_ERROR / max(pose_gap(here, there), 1e-6)) ** TURN_POWER)
    soft = without_aliases(source, here.scale / there.scale)
    # From the same side both see the same, skin or not; around a turned head only the face is where the surface says.
    starts = (
        ((flat + turned * (on_surface - flat)).astype(np.float32), 1.0 - turned + turned * validity),
        (flat, np.ones(shape, np.float32)),
    )
    maps = [
        refine(soft, target, start, seen, unit=there.scale, grid=grid) for start, seen in starts for grid in FLOW_SCALES
    ]
    chosen = np.asarray(np.stack(maps).mean(axis=0), np.float32)
    seen = inside(chosen, *source.shape[:2]).astype(np.float32)
    on_face = validity * _of_face(masks[0], chosen) * seen
    versions = []
    for look_up in maps:
        one = warp(soft, look_up)
        gain, offset = match_light(one, target, on_face > 0)
        versions.append(np.clip(one * gain + offset, 0.0, 1.0))
    carried = np.asarray(np.stack(versions).mean(axis=0), np.float32)
    weight = (turned * on_face + (1.0 - turned) * seen) * agreement(versions, there.scale)
    weight = np.where(weight < LEAST_VALIDITY, 0.0, weight).astype(np.float32)
    return Reposed(np.where(weight[..., None] > 0, carried, target), weight, chosen)


def agreement(versions: Sequence[FloatArray], unit: float) -> FloatArray:
    """How far the detail of several registrations of one picture agrees, ``[H, W]`` in [0, 1].

    Detail is what a blur of :data:`JUDGED` takes away; its spread over the versions is compared with its mean nearby.
    Of all that can be measured without the truth this tells best what a carried region gains (rank correlation -0.67 in
    112 pairs of development people; unlikeness -0.30).

    Args:
        versions: ``[H, W, 3]`` each.
        unit: inter-ocular distance in pixels.
    """
    planes = np.stack([luma(version) for version in versions])
    detail = np.stack([plane - gaussian(plane, JUDGED * unit) for plane in planes])
    spread, common = (gaussian(part, NEARBY * unit) for part in (detail.var(axis=0), detail.mean(axis=0) ** 2))
    return np.asarray(1.0 / (1.0 + (spread / (DISAGREEMENT**2 * (common + FAINT**2))) ** 2), np.float32)


def refine(
    source: FloatArray, target: FloatArray, look_up: FloatArray, validity: FloatArray, *, unit: float, grid: float
) -> FloatArray:
    """A map corrected by dense registration of the carried picture onto the target.

    The carried picture is first blurred where the target is, so that the flow compares the same with the same.

    Args:
        source: ``[h, w, 3]``.
        target: ``[H, W, 3]``.
        look_up: ``[H, W, 2]`` into the source.
        validity: ``[H, W]``.
        unit: inter-ocular distance in pixels of the target.
        grid: the same on the grid on which the flow is found, in its reference pixels.

    Returns:
        ``[H, W, 2]``; ``look_up`` itself for a picture of a few pixels, in which there is nothing to register.
    """
    # The flow is made for faces of about 40 px: larger ones are registered on a coarser grid.
    coarse = max(1, round(unit / grid))
    across, down = target.shape[1] // coarse, target.shape[0] // coarse
    if min(across, down) < FlowSettings().patch:
        return look_up
    whole = slice(down * coarse), slice(across * coarse)
    canvas = Canvas(0, 0, across, down, GRID)
    step = coarse / GRID

    def on_grid(image: FloatArray) -> FloatArray:
        return resize(image[whole], *canvas.shape, interpolation="area" if step > 1 else "cubic")

    still, plain, share = on_grid(target), on_grid(warp(source, look_up)), on_grid(validity.astype(np.float32))
    gain, offset = match_light(plain, still, share > 0)
    alike = as_blurred(plain * gain + offset, still, unit / step)
    # Where nothing is carried the target stands in, so that nothing there can be followed.
    share = gaussian(np.clip(share, 0.0, 1.0), 0.5 * GRID)[..., None]
    mixed = np.clip(share * alike + (1 - share) * still, 0.0, 1.0).astype(np.float32)
    found = register(still, mixed, Similarity.identity(), canvas)
    flow = step * (found.look_up - identity_map(*canvas.shape))
    refined, size = np.array(look_up), (down * coarse, across * coarse)
    moved = identity_map(*size) + resize(flow, *size, interpolation="linear")
    refined[whole] = warp(look_up, moved, interpolation="linear")
    return refined


def as_blurred(picture: FloatArray, target: FloatArray, unit: float) -> FloatArray:
    """A picture blurred, pixel by pixel, as it is most like the target nearby, by one of the blurs of a target.

    Args:
        picture, target: ``[H, W, 3]`` on one grid, about registered and in one light.
        unit: inter-ocular distance in pixels of it.
    """
    versions = [gaussian(picture, blur * unit) if blur else picture for blur in BLURS]
    plane = luma(target)
    unlike = np.stack([gaussian((luma(version) - plane) ** 2, JUDGED * unit) for version in versions])
    best = unlike.argmin(axis=0)
    shares = [gaussian((best == k).astype(np.float32), 0.05 * unit)[..., None] for k in range(len(versions))]
    mixed = sum(share * version for share, version in zip(shares, versions, strict=True)) / sum(shares)
    return np.asarray(mixed, np.float32)


def frontal(source: FloatArray, landmarks: Landmarks, side: int) -> Reposed:
    """The face as a camera straight in front of it would see it; what the source does not show stays black.

    Args:
        source: ``[h, w, 3]`` float32 RGB in [0, 1].
        landmarks: of the face.
        side: of the square picture to be made, in pixels; the face fills two thirds of it.
    """
    (here,) = fit([landmarks])
    scale = side / 3.6
    vertices = scale * here.shape
    vertices = vertices - [*(vertices[:, :2].min(axis=0) + vertices[:, :2].max(axis=0)) / 2, 0]
    vertices[:, :2] += (side - 1) / 2
    ahead = Face(here.shape, vertices, np.eye(3), scale, here.residual)
    look_up, validity = correspondence(here, ahead, source.shape[:2], (side, side))
    image = np.clip(warp(without_aliases(source, here.scale / scale), look_up), 0.0, 1.0)
    return Reposed(image * (validity[..., None] > 0), validity, look_up)


def correspondence(
    here: Face, there: Face, source: tuple[int, int], target: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Where each pixel of the target lies in the source, and how well the source sees it.

    Args:
        here, there: the face in source and target.
        source, target: ``(H, W)`` of both.

    Returns:
        ``look_up [H, W, 2]`` in source pixels, continued smoothly beside the surface, and ``validity [H, W]`` in
        [0, 1]: the product of visibility, slant in the source and sampling density.
    """
    triangles = surface().triangles
    drawn = rasterise(there.vertices, triangles, *target)
    on_surface = drawn.triangle >= 0
    place = drawn.read(here.vertices, triangles)
    shown = rasterise(here.vertices, triangles, *source)
    nearest = np.where(np.isfinite(shown.depth), shown.depth, np.float32(here.vertices[:, 2].max()))
    in_front = warp(nearest, place[..., :2], interpolation="linear")
    visible = place[..., 2] <= in_front + DEPTH_TOLERANCE * here.scale
    weight = _slant(here, drawn) * _density(here, there, drawn)
    validity = np.where(on_surface & visible & inside(place[..., :2], *source), weight, 0.0)
    # The depth test flickers along a fold; half a pixel of blur takes the lone pixels.
    validity = np.minimum(validity, gaussian(validity.astype(np.float32), 0.7))
    validity[validity < LEAST_VALIDITY] = 0.0
    return _continued(place[..., :2], on_surface, here, there), validity.astype(np.float32)


def _of_face(masks: RegionMasks, look_up: FloatArray) -> FloatArray:
    """How far each pixel shows a region of the face in the source, ``[H, W]`` in [0, 1]."""
    return warp(masks.mask(*FACE).astype(np.float32), look_up, interpolation="linear", fill=0.0)


def _slant(here: Face, drawn: Raster) -> NDArray:
    """How squarely the source looks at the surface, ``[H, W]`` in [0, 1]."""
    triangles = surface().triangles
    corners = here.vertices[triangles].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    cosine = -normal[:, 2] / (np.linalg.norm(normal, axis=1) + 1e-12)
    return np.clip((-cosine[np.maximum(drawn.triangle, 0)] - GRAZING) / (SQUARE - GRAZING), 0.0, 1.0)


def _density(here: Face, there: Face, drawn: Raster) -> NDArray:
    """Source pixels on a target pixel relative to that of a face seen squarely, ``[H, W]``, at most 1."""
    triangles = surface().triangles

    def area(vertices: NDArray) -> NDArray:
        corners = vertices[triangles][..., :2].astype(np.float64)
        a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        return np.maximum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], 0.0)

    ratio = area(here.vertices) / np.maximum(area(there.vertices), 1e-9) * (there.scale / here.scale) ** 2
    return np.sqrt(np.minimum(ratio, 1.0))[np.maximum(drawn.triangle, 0)]


def _continued(place: FloatArray, known: NDArray[np.bool_], here: Face, there: Face) -> FloatArray:
    """``place`` beside the surface: the affine map that fits it best."""
    height, width = known.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    columns = np.stack([x, y, np.ones_like(x)], axis=-1)
    if known.sum() >= 16:
        fitted = np.linalg.lstsq(columns[known], place[known].astype(np.float64), rcond=None)[0]
    else:
        fitted = np.linalg.lstsq(
            np.column_stack([there.vertices[:, :2], np.ones(len(there.vertices))]), here.vertices[:, :2], rcond=None
        )[0]
    return np.where(known[..., None], place, columns @ fitted).astype(np.float32)
