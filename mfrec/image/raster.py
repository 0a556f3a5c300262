"""Which triangle of a mesh is seen at each pixel: a depth test without a graphics card."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray

SMALLEST_BOX = 4
"""Triangles are handled together with those whose bounding boxes need the same power of two of pixels; from here on."""


@dataclass(frozen=True, eq=False)
class Raster:
    """The visible surface on a pixel grid.

    Attributes:
        triangle: ``[H, W]`` int32, the triangle that is nearest to the camera, -1 where there is none.
        share: ``[H, W, 3]`` float32, barycentric coordinates in it; 0 where there is none.
        depth: ``[H, W]`` float32, distance from the camera in the units of the vertices; infinite where there is none.
    """

    triangle: NDArray[np.int32]
    share: FloatArray
    depth: FloatArray

    def read(self, values: NDArray, triangles: NDArray[np.integer]) -> FloatArray:
        """Interpolate what is known at the vertices.

        Args:
            values: ``[V, C]``.
            triangles: ``[T, 3]``, those that were drawn.

        Returns:
            ``[H, W, C]``; 0 where there is no surface.
        """
        corners = np.asarray(values, np.float32)[triangles[np.maximum(self.triangle, 0)]]
        return np.einsum("hwk,hwkc->hwc", self.share, corners)


def rasterise(vertices: NDArray, triangles: NDArray[np.integer], height: int, width: int) -> Raster:
    """Draw a mesh into a depth buffer, seen along the z axis.

    Args:
        vertices: ``[V, 3]``: ``x`` and ``y`` in pixels, ``z`` away from the camera.
        triangles: ``[T, 3]`` vertex numbers.
        height, width: of the grid in pixels.

    Returns:
        What is seen at the centre of each pixel. Both sides of a triangle are drawn; of two at one depth, the one
        with the lower number.
    """
    corners = np.asarray(vertices, np.float64)[triangles]
    low = np.ceil(corners[..., :2].min(axis=1)).astype(int)
    high = np.floor(corners[..., :2].max(axis=1)).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, (width - 1, height - 1))
    size = (high - low).max(axis=1) + 1
    drawable = (high >= low).all(axis=1)
    place, found, share, depth = [], [], [], []
    box = SMALLEST_BOX
    while drawable.any():
        now = np.flatnonzero(drawable & (size <= box))
        drawable[now] = False
        if len(now):
            inside = _inside(corners[now], low[now], high[now], box, width)
            place.append(inside[0])
            found.append(now[inside[1]])
            share.append(inside[2])
            depth.append(inside[3])
        box *= 2
    triangle = np.full(height * width, -1, np.int32)
    shares = np.zeros((height * width, 3), np.float32)
    depths = np.full(height * width, np.inf, np.float32)
    if place:
        places, numbers, each = np.concatenate(place), np.concatenate(found), np.concatenate(depth)
        order = np.lexsort((-numbers, -each))  # the nearest comes last, and the last one written stays
        triangle[places[order]] = numbers[order]
        shares[places[order]] = np.concatenate(share)[order]
        depths[places[order]] = each[order]
    return Raster(triangle.reshape(height, width), shares.reshape(height, width, 3), depths.reshape(height, width))


def _inside(
    corners: NDArray, low: NDArray, high: NDArray, box: int, width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray, NDArray]:
    """Flat places of the pixels inside each triangle, the triangle's position, barycentric shares and depths."""
    step = np.arange(box)
    x = low[:, 0, None, None] + step[None, None, :]
    y = low[:, 1, None, None] + step[None, :, None]
    (ax, ay), (bx, by), (cx, cy) = (corners[:, k, :2].T[:, :, None, None] for k in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    flat = np.abs(area) < 1e-9
    area = np.where(flat, 1.0, area)
    second = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
    third = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
    first = 1.0 - second - third
    tolerance = -1e-7
    hit = (first >= tolerance) & (second >= tolerance) & (third >= tolerance) & ~flat
    hit &= (x <= high[:, 0, None, None]) & (y <= high[:, 1, None, None])
    which, row, column = np.nonzero(hit)
    share = np.stack([part[which, row, column] for part in (first, second, third)], axis=-1)
    depth = (share * corners[which, :, 2]).sum(axis=1)
    return (y[which, row, 0] * width + x[which, 0, column]).astype(np.intp), which, share, depth
