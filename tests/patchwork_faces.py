"""Stored faces of coloured patches with the landmarks of the schematic face: many of them, nobody's."""

import numpy as np
from schematic_face import POINTS

from mfrec.train.distil import CANVAS, INTEROCULAR, Faces


def patchwork_faces(count: int) -> Faces:
    """So many faces, each of other patches of 8 px."""
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (count, CANVAS // 8, CANVAS // 8, 3), dtype=np.uint8)
    points = ((POINTS - 50) * INTEROCULAR / 39.5 + CANVAS / 2).astype(np.float32)
    return Faces(patches.repeat(8, 1).repeat(8, 2), np.repeat(points[None], count, 0))
