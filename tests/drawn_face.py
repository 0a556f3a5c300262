"""A picture of nothing but two drawn eyes, and the landmarks by which they are cut out again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mfrec.face.eyes import CORNERS, HEIGHT, WIDTH
from mfrec.train.data.synthetic_eyes import DrawnEye, Eye, draw_eye, render_eye
from mfrec.types import FloatArray, Landmarks


def good_eye(seed: int, gaze: tuple[float, float]) -> Eye:
    """Somebody's eye, wide open, seen from the front by a good camera."""
    eye = draw_eye(np.random.default_rng(seed))
    still = replace(eye, gaze=gaze, head=(0.0, 0.0), opening=(7.0, 4.5), blink=1.0, place=((0.0, 0.0), (0.0, 0.0)))
    return replace(still, width=50.0, blur=0.0, noise=0.0, quality=0, gain=(0.9, 0.9, 0.9), gamma=1.0, height=0.5)


def two_eyes(seed: int, gaze: tuple[float, float], height: float = 0.35) -> tuple[FloatArray, Landmarks, DrawnEye]:
    """Both eyes of a face that looks at ``gaze``, its landmarks, and the eye on the left.

    Args:
        height: aspect ratio of the eyes that the landmarks tell.
    """
    left = render_eye(good_eye(seed, gaze))
    right = render_eye(good_eye(seed, (-gaze[0], gaze[1])))
    image = np.concatenate([left.image, right.image[:, ::-1]], axis=1)
    points = np.zeros((68, 2), np.float32)
    for first, corners in ((36, CORNERS), (42, np.add(CORNERS, (WIDTH, 0)))):
        across = corners[1] - corners[0]
        half = np.array([0, height * across[0] / 2], np.float32)
        third = across / 3
        low, high = corners[0] + third, corners[0] + 2 * third
        points[first : first + 6] = [corners[0], low - half, high - half, corners[1], high + half, low + half]
    assert image.shape == (HEIGHT, 2 * WIDTH, 3)
    return np.ascontiguousarray(image), Landmarks(points), left
