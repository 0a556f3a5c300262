"""A face brought into another pose by a generator of faces: what the thesis calls InterFace.

The face is embedded in the generator's styles, views are drawn along its direction of yaw
(:mod:`mfrec.generative.directions`), and the one whose measured yaw is nearest to the wanted one is taken, where the
thesis chose by eye. It turns heads sideways only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.generative.directions import best_angle, portrait_points, yaw
from mfrec.generative.drawn_view import View, laid_on
from mfrec.generative.embedding import Wish, embed
from mfrec.image.geometry import fit_similarity
from mfrec.nets.threads import one_thread
from mfrec.types import FloatArray, Landmarks

VIEWS = tuple(float(step) for step in np.linspace(-12, 12, 25))
"""Steps along the direction of yaw at which a face is looked at; the shipped generator's faces fall apart beyond."""

INNER = (*range(17, 68),)
"""Landmarks by which a drawn face is laid onto the target: all but the outline, which a turned head has elsewhere."""


def turned(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    *,
    generator: Any,
    direction: FloatArray,
    steps: int,
) -> View:
    """Draw the person of one picture in the pose of another.

    Args:
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` RGB in [0, 1].
        landmarks: of both, each in its own pixels.
        generator: a :class:`mfrec.nets.stylegan2.Stylegan2` in eval mode.
        direction: ``[latent]`` of yaw.
        steps: of the embedding.

    Raises:
        ValueError: landmarks that are no face.
    """
    here, there = landmarks
    side, framing = generator.side, generator.framing
    portrait = read_aligned(source, portrait_square(here.points, side, framing), side)
    with one_thread():
        found = embed(generator, [Wish(portrait, np.ones((side, side), np.float32))], style_steps=steps)
        _, drawn, _ = best_angle(generator, found.styles, direction, yaw(there), steps=VIEWS, noise=found.noise)
    points = portrait_points(drawn, framing)
    to_target = fit_similarity(points.points[list(INNER)], there.points[list(INNER)])
    return laid_on(target, drawn, to_target, points, landmarks)
