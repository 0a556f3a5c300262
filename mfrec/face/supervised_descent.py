"""Contours of iris and pupil by supervised descent: from a first guess, linear steps that were learnt.

Xiong and De la Torre, "Supervised descent method and its applications to face alignment" (CVPR 2013, equations 7 to 9):
what a picture looks like around the points of a shape says in which direction the shape is wrong, and by how much; a
ridge regression learns that for the errors of the first guess, another one for those that the first leaves, and so on.
For eyes: Larumbe-Bergera, Porta, Cabeza and Villanueva, "SeTA: semiautomatic tool for annotation of eye tracking
images" (ETRA 2019), by which the thesis on eyes judges enlarged pictures. It gives neither how many regressions nor
which descriptor; here it is five, and histograms of oriented gradients on a grid around each point, as SIFT has them
(Lowe, International Journal of Computer Vision 60(2), 2004), finer from step to step.

Nothing is shipped: who wants contours learns them from eyes whose contours are known, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.image.colour import TO_YCC
from mfrec.types import FloatArray

SPACINGS = (5.0, 4.0, 3.0, 2.0, 1.5)
"""Pixels between the places of the grid around each point, one number a regression."""

GRID = 3
"""Places of the grid along each side."""

ORIENTATIONS = 8

STARTS = 3
"""First guesses from which each eye is learnt."""

AT_ONCE = 100
"""Pictures whose gradients are in memory at one time."""


@dataclass(frozen=True, eq=False)
class SupervisedDescent:
    """Regressions that were learnt.

    Attributes:
        mean: the first guess ``[K, 2]``, ``(x, y)`` in pixels.
        steps: of each regression what is added to the shape, ``[1 + K F, 2 K]`` for ``F`` numbers around each point;
            the first row is the constant.
    """

    mean: NDArray[np.float64]
    steps: tuple[NDArray[np.float32], ...]

    def find(self, eyes: Sequence[FloatArray]) -> NDArray[np.float64]:
        """The shapes in pictures.

        Args:
            eyes: ``[H, W, 3]`` RGB in [0, 1] each, cut as those that were learnt from.

        Returns:
            ``[N, K, 2]``, ``(x, y)`` in pixels.
        """
        found = np.tile(self.mean, (len(eyes), 1, 1))
        for part, maps in gradients(eyes):
            for spacing, step in zip(SPACINGS, self.steps, strict=True):
                blurred = smoothed(maps, spacing)
                change = described(blurred, found[part], spacing) @ step
                found[part] += change.reshape(found[part].shape)
        return found


def learn(
    eyes: Sequence[FloatArray], shapes: NDArray[np.float64], *, seed: int = 0, ridge: float = 3e-3
) -> SupervisedDescent:
    """Learn to find shapes.

    Args:
        eyes: ``[H, W, 3]`` RGB in [0, 1] each.
        shapes: ``[N, K, 2]``, where the points of each are, ``(x, y)`` in pixels.
        seed: of the first guesses: the mean shape, moved and stretched as those that are learnt from differ.
        ridge: penalty of each number's square, as a share of the mean square of what is around the points.

    Raises:
        ValueError: there are not as many eyes as shapes, or fewer than two.
    """
    if len(eyes) != len(shapes) or len(eyes) < 2:
        raise ValueError(f"there are {len(eyes)} eyes and {len(shapes)} shapes; expected as many, two at least")
    rng = np.random.default_rng(seed)
    mean = shapes.mean(axis=0)
    middles = shapes.mean(axis=1)
    guesses = np.tile(mean, (STARTS, len(eyes), 1, 1))
    # The first guess of each eye is the one that finding begins with; the others are what such guesses may be.
    guesses[1:] += 0.3 * middles.std(axis=0) * rng.normal(size=(STARTS - 1, len(eyes), 1, 2))
    steps = []
    for spacing in SPACINGS:
        gram, right = 0.0, 0.0
        inputs = []
        for part, maps in gradients(eyes):
            blurred = smoothed(maps, spacing)
            for guess in guesses:
                seen = described(blurred, guess[part], spacing)
                left = (shapes[part] - guess[part]).reshape(len(seen), -1).astype(np.float32)
                gram, right = gram + seen.T @ seen, right + seen.T @ left
            inputs.append((part, blurred))
        diagonal = np.asarray(gram).diagonal()
        penalty = np.full(len(diagonal), ridge * float(diagonal[1:].mean()))
        penalty[0] = 0
        steps.append(np.linalg.solve(gram + np.diag(penalty), right))
        for part, blurred in inputs:
            for guess in guesses:
                guess[part] += (described(blurred, guess[part], spacing) @ steps[-1]).reshape(guess[part].shape)
    return SupervisedDescent(mean, tuple(step.astype(np.float32) for step in steps))


def gradients(eyes: Sequence[FloatArray]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Strength of the gradient of each orientation, ``[n, H, W, ORIENTATIONS]``, for some pictures after the other."""
    for first in range(0, len(eyes), AT_ONCE):
        part = slice(first, min(first + AT_ONCE, len(eyes)))
        yield part, np.stack([orientations(eye) for eye in eyes[part]])


def orientations(eye: FloatArray) -> NDArray[np.float32]:
    """Strength of a picture's gradient in each of :data:`ORIENTATIONS` directions, ``[H, W, ORIENTATIONS]``.

    A direction between two of them is shared. Neither brightness nor contrast of the whole picture changes it.
    """
    grey = np.asarray(eye @ TO_YCC[0].astype(np.float32), np.float32)
    grey = grey / max(float(grey.std()), 1e-3)
    x, y = (cv2.Sobel(grey, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=1 / 8) for dx in (1, 0))
    strength = np.hypot(x, y)
    place = np.arctan2(y, x) * (ORIENTATIONS / (2 * np.pi)) % ORIENTATIONS
    off = np.abs(place[..., None] - np.arange(ORIENTATIONS))
    return (strength[..., None] * np.clip(1 - np.minimum(off, ORIENTATIONS - off), 0, 1)).astype(np.float32)


def smoothed(maps: NDArray[np.float32], spacing: float) -> NDArray[np.float32]:
    """The same ``[n, H, W, C]``, each place the sum of what lies about it within half of the spacing."""
    blurred = [cv2.GaussianBlur(one, (0, 0), 0.6 * spacing, borderType=cv2.BORDER_REPLICATE) for one in maps]
    return np.stack(blurred).astype(np.float32)


def described(maps: NDArray[np.float32], points: NDArray[np.float64], spacing: float) -> NDArray[np.float32]:
    """What is around points: a one, then for each point the histograms at its grid, scaled to length 1 together.

    Args:
        maps: ``[n, H, W, C]``, of :func:`smoothed`.
        points: ``[n, K, 2]``, ``(x, y)`` in pixels; outside of the picture its border counts.
        spacing: of the grid.

    Returns:
        ``[n, 1 + K GRID^2 C]``.
    """
    height, width = maps.shape[1:3]
    offsets = spacing * (np.arange(GRID) - (GRID - 1) / 2)
    x = np.clip(points[:, :, None, None, 0] + offsets, 0, width - 1.001)
    y = np.clip(points[:, :, None, None, 1] + offsets[:, None], 0, height - 1.001)
    x, y = np.broadcast_arrays(x, y)
    left, top = x.astype(np.int64), y.astype(np.int64)
    across, down = (x - left).astype(np.float32)[..., None], (y - top).astype(np.float32)[..., None]
    which = np.arange(len(maps))[:, None, None, None]
    upper = maps[which, top, left] * (1 - across) + maps[which, top, left + 1] * across
    lower = maps[which, top + 1, left] * (1 - across) + maps[which, top + 1, left + 1] * across
    seen = (upper * (1 - down) + lower * down).reshape(*points.shape[:2], -1)
    seen /= np.linalg.norm(seen, axis=2, keepdims=True) + 1e-3
    return np.concatenate([np.ones((len(maps), 1), np.float32), seen.reshape(len(maps), -1)], axis=1)
