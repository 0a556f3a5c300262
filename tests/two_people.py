"""A scene with two people who walk, the astronaut nearer than the cameraman: somebody has to be chosen."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data

from mfrec.image.geometry import resize
from mfrec.types import FloatArray

BLURRED = range(10, 20)
"""Frames that are blurred; frame 5 repeats frame 4."""

PEOPLE = {
    "astronaut": (np.asarray(skimage.data.astronaut()), (222, 118), 111),
    "cameraman": (np.dstack([skimage.data.camera()] * 3), (227, 157), 85),
}


def head(who: str, size: int) -> FloatArray:
    """A square crop, the face 55 % of its height."""
    picture, (x, y), height = PEOPLE[who]
    half = round(height / 0.55 / 2)
    y = max(y, half)
    cut = picture[y - half : y + half, x - half : x + half].astype(np.float32) / 255
    return resize(cut, size, size, interpolation="area")


def scene(number: int) -> FloatArray:
    """Two people who walk, she nearer; blurred in some frames; frame 5 repeats frame 4."""
    moment = 4 if number == 5 else number
    canvas = resize(skimage.data.coffee().astype(np.float32) / 255, 240, 360, interpolation="area")
    canvas[60:170, 10 + moment : 120 + moment] = head("astronaut", 110)
    canvas[90:170, 260 - moment : 340 - moment] = head("cameraman", 80)
    if number in BLURRED:
        canvas = cv2.GaussianBlur(canvas, (0, 0), 2.0)
    noise = np.random.default_rng(moment).normal(0, 0.01, canvas.shape)
    return np.clip(canvas + noise, 0, 1).astype(np.float32)
