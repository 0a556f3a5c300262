"""Cross-over of two registered pictures: one region of one put into the other, in its light, over a feather."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.image.filters import gaussian
from mfrec.types import FloatArray

METHODS = ("soft", "sharp", "pyramid")
"""The ways of blending that are a formula, :func:`cross_over`."""


SLOPE_PRIOR = 0.01
"""Holds the slope at 0 where the ring is too narrow to tell it, as a share of the ring's own spread."""


SAME = 2.0 / 255.0
"""Difference of two pictures up to which they are taken for the same."""


def feather_width(region: NDArray[np.bool_], softness: float = 0.5) -> float:
    """How wide the transition around a region should be: ``softness * max D``, at least 1 px.

    ``D`` is the Euclidean distance of each pixel of the region from its border, so ``max D`` is the radius of the
    largest circle that fits in: half the height of an eye, a third of the width of a face. A feather of fixed width
    either washes out the eyes or shows the seam of the skin.

    Args:
        region: ``[H, W]``.
        softness: feather as a share of that radius.

    Returns:
        Pixels.
    """
    return max(1.0, softness * _radius(region))


def grown(region: NDArray[np.bool_], pixels: float) -> NDArray[np.bool_]:
    """A region ``[H, W]`` and what lies within so many pixels of it."""
    return _distance(~region) <= pixels


def cross_over(
    target: FloatArray, source: FloatArray, mask: NDArray[np.float32] | NDArray[np.bool_], method: str, feather: float
) -> FloatArray:
    """Put ``source`` into ``target`` where ``mask`` allows it.

    The source contributes nothing outside of the mask. Inside, ``d`` pixels from the mask's border:

    * ``sharp`` takes the source as it is;
    * ``soft`` mixes, with a share of the source that rises from 0 to 1 over ``feather`` pixels (cubic smoothstep);
    * ``pyramid`` blends each octave of detail over a transition of its own size (Burt and Adelson 1983), with
      as many octaves as fit into the feather, and fades to nothing at the border.

    All three are linear in the pictures: ``target + A(source - target)``; ``cross_over(zeros, ones, ...)`` is
    therefore the share of the source in each pixel.

    Args:
        target, source: ``[H, W, C]`` float32 in [0, 1], registered onto each other.
        mask: ``[H, W]`` in [0, 1]: where the source may contribute (above 0) and how strongly.
        method: one of :data:`METHODS`.
        feather: width of the transition in pixels.

    Returns:
        ``[H, W, C]`` float32 in [0, 1].

    Raises:
        UsageError: an unknown method.
        ValueError: pictures and mask are not of one size.
    """
    if method not in METHODS:
        raise UsageError(f"unknown cross-over '{method}'; known are {', '.join(METHODS)}")
    if target.shape != source.shape or target.shape[:2] != mask.shape:
        raise ValueError(f"target {target.shape}, source {source.shape} and mask {mask.shape} are not of one size")
    strength = np.asarray(mask, np.float32)
    allowed = strength > 0
    if not allowed.any():
        return np.array(target, np.float32)
    difference = (strength[..., None] * (source - target)).astype(np.float32)
    depth = _distance(allowed) - 0.5
    if method == "sharp":
        change = difference
    elif method == "soft":
        change = _smoothstep(depth / max(feather, 1e-6))[..., None] * difference
    else:
        half = feather / 2
        # The mask's Gaussian pyramid spreads about 2^(n+1) px at level n; the coarsest level fills the feather.
        octaves = max(1, round(float(np.log2(max(feather, 2.0)))) - 1)
        blended = _blend_octaves(_continued(difference, allowed), (depth > half).astype(np.float32), octaves)
        change = _smoothstep(depth / max(half, 1e-6))[..., None] * blended
    return np.clip(target + change, 0.0, 1.0).astype(np.float32)


def cross_over_learned(
    network: Any, target: FloatArray, source: FloatArray, mask: NDArray[np.float32], feather: float
) -> tuple[FloatArray, FloatArray]:
    """Put ``source`` into ``target`` by the thesis's network for it.

    Nothing changes outside of the mask, where a source may not contribute: there the network's picture gives way to the
    target over ``feather`` pixels.

    Args:
        network: a :class:`mfrec.nets.crossover_unet.CrossoverUnet` in evaluation mode.
        target, source: ``[H, W, 3]`` float32 in [0, 1], registered onto each other.
        mask: ``[H, W]`` in [0, 1].
        feather: see :func:`cross_over`.

    Returns:
        ``image [H, W, 3]`` in [0, 1], and the share of the source ``[H, W]`` in [0, 1]: how far the change goes along
        the difference of the two pictures (least squares over about ``feather`` pixels), in the mask.
    """
    import torch

    from mfrec.nets.threads import one_thread

    device = next(network.parameters()).device

    def tensor(array: FloatArray) -> Any:
        return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(array).transpose(2, 0, 1)[None])).to(device)

    with torch.inference_mode(), one_thread():
        made = network(tensor(source), tensor(target), tensor(mask))[0].permute(1, 2, 0).cpu().numpy()
    image = cross_over(target, np.clip(made, 0.0, 1.0), mask, "soft", feather)
    towards = source - target
    along = gaussian(np.asarray(((image - target) * towards).sum(axis=2)), 0.5 * feather)
    whole = gaussian(np.asarray((towards**2).sum(axis=2)), 0.5 * feather)
    # Where the two pictures are the same nobody can tell them apart: the formula's own share.
    nothing = np.zeros((*mask.shape, 1), np.float32)
    plain = cross_over(nothing, nothing + 1.0, mask, "soft", feather)[..., 0]
    share = np.where(whole > SAME**2, along / np.maximum(whole, SAME**2), plain)
    return image, np.where(mask > 0, np.clip(share, 0.0, 1.0), 0.0).astype(np.float32)


def match_seam(source: FloatArray, target: FloatArray, ring: NDArray[np.bool_]) -> FloatArray:
    """Give ``source`` the light and colour that ``target`` has in a ring around the seam.

    Per channel, the plane ``offset + slope . (x, y)`` that fits ``target - source`` in the ring best (least squares) is
    added. The source's own detail stays as it is, as in gradient-domain editing (Perez 2003), whose membrane the plane
    stands for: a gain fitted here would take a blurred target for a dim light and flatten what is brought in.

    Args:
        source, target: ``[H, W, C]`` float32 in [0, 1], registered onto each other.
        ring: ``[H, W]``: pixels that both pictures show.

    Returns:
        ``[H, W, C]`` float32 in [0, 1]; ``source`` itself where the ring is empty.
    """
    y, x = np.nonzero(ring)
    if len(x) == 0:
        return source
    height, width = ring.shape
    reach = max(np.ptp(x), np.ptp(y), 1) / 2
    plane = np.ones((height, width, 3))
    plane[..., 1] = (np.arange(width)[None, :] - x.mean()) / reach
    plane[..., 2] = (np.arange(height)[:, None] - y.mean()) / reach
    columns = plane[ring]
    missing = (target - source)[ring].astype(np.float64)
    held = np.diag([0.0, SLOPE_PRIOR, SLOPE_PRIOR]) * len(x)
    fit = np.linalg.solve(columns.T @ columns + held, columns.T @ missing)
    return np.clip(source + plane @ fit, 0.0, 1.0).astype(np.float32)


def _distance(region: NDArray[np.bool_]) -> FloatArray:
    """Distance ``[H, W]`` of each pixel of the region from the nearest one outside; the picture's edge is no border."""
    if region.all():
        return np.full(region.shape, np.float32(sum(region.shape)))
    return np.asarray(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _radius(region: NDArray[np.bool_]) -> float:
    """Radius in pixels of the largest circle in the region."""
    padded = np.pad(region, 1)
    return max(0.0, float(_distance(padded).max()) - 0.5)


def _smoothstep(t: FloatArray) -> FloatArray:
    t = np.clip(t, np.float32(0), np.float32(1))
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def _continued(image: FloatArray, region: NDArray[np.bool_]) -> FloatArray:
    """``image`` with each pixel outside replaced by the nearest pixel of the region: no octave sees an edge there."""
    _, numbers = cv2.distanceTransformWithLabels(
        (~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.asarray(numbers, np.intp)
    colour = np.zeros((int(nearest.max()) + 1, image.shape[2]), np.float32)
    colour[nearest[region]] = image[region]
    return colour[nearest]


def _blend_octaves(difference: FloatArray, share: FloatArray, octaves: int) -> FloatArray:
    """Laplacian pyramid of ``difference``, each level weighted by that level of the Gaussian pyramid of ``share``."""
    bands: list[FloatArray] = []
    for _ in range(octaves):
        if min(share.shape) < 4:
            break
        smaller = _as_image(cv2.pyrDown(difference))
        bands.append((difference - _expanded(smaller, share.shape)) * share[..., None])
        difference, share = smaller, np.asarray(cv2.pyrDown(share), np.float32)
    out = difference * share[..., None]
    for band in reversed(bands):
        out = band + _expanded(out, band.shape[:2])
    return out


def _expanded(image: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """One octave up, to exactly ``(H, W)``: a level of odd size is half a pixel short otherwise."""
    return _as_image(cv2.pyrUp(image, dstsize=(shape[1], shape[0])))


def _as_image(array: object) -> FloatArray:
    """OpenCV drops the axis of a single channel; put it back."""
    image = np.asarray(array, np.float32)
    return image if image.ndim == 3 else image[..., None]
