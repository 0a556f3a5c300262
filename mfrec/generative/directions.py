"""Directions in a generator's styles along which one attribute of its faces changes: turn, smile, open mouth.

Shen, Gu, Tang and Zhou, "Interpreting the latent space of GANs for semantic face editing", CVPR 2020 (InterFaceGAN):
many faces are drawn and scored, a linear support vector machine parts those with the highest from those with the lowest
scores, and its unit normal is the direction; of two that are entangled one is made orthogonal to the other. Their
scores come from a classifier; ours from landmarks and head pose, which mfrec has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from mfrec.errors import UsageError
from mfrec.face.landmarks import detect_landmarks
from mfrec.face.pose import head_pose, mouth_opening
from mfrec.image.geometry import enlarge
from mfrec.nets.style_directions import moved
from mfrec.types import FloatArray, Landmarks

FACE = {"face": (0.14, 0.12, 0.86, 0.98), "ffhq": (0.27, 0.32, 0.73, 0.87)}
"""Where the face lies in a portrait's square, as shares of its side: the square was laid around the landmarks."""

EXTREME = 0.1
"""Share of the scored faces that counts as highest, and as lowest."""

LEAST = 40
"""Scored faces without which there is no direction."""


def portrait_points(portrait: FloatArray, framing: str = "face") -> Landmarks:
    """The landmarks of a portrait in a square of its own, ``[side, side, 3]``, in its pixels."""
    side, larger = len(portrait), max(1, -(-256 // len(portrait)))
    box = np.array(FACE[framing], np.float32) * side * larger
    found = detect_landmarks(enlarge(portrait, larger), box)
    return Landmarks(((found.points + 0.5) / larger - 0.5).astype(np.float32), found.source)


def yaw(points: Landmarks) -> float:
    """Degrees by which the head is turned; its own left is positive in :mod:`mfrec.face.pose`."""
    return head_pose(points).yaw


def smile(points: Landmarks) -> float:
    """Width of the mouth in distances of the eyes."""
    return float(np.linalg.norm(points.points[54] - points.points[48])) / max(points.interocular, 1e-6)


SCORES: dict[str, Callable[[Landmarks], float]] = {"yaw": yaw, "smile": smile, "mouth": mouth_opening}
"""Attributes that landmarks tell."""


def scored_styles(
    generator: Any, scores: Sequence[Callable[[Landmarks], float]], count: int, *, seed: int = 0, psi: float = 0.8
) -> tuple[FloatArray, NDArray[np.float64]]:
    """Draw faces and score them.

    Args:
        generator: a :class:`mfrec.nets.stylegan2.Stylegan2` in eval mode.
        scores: of landmarks.
        count: how many faces.
        seed: of the latent vectors.
        psi: of the truncation; faces that are far from the mean are often none.

    Returns:
        Styles ``[N, latent]`` (one for all layers) and scores ``[N, len(scores)]``.
    """
    z = torch.randn(count, generator.latent, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        styles = generator.truncated(z.to(generator.centre), psi)
        portraits = torch.cat([generator.picture(part) for part in styles.split(32)]).clamp(0, 1)
    found = []
    for portrait in portraits.permute(0, 2, 3, 1).cpu().numpy():
        points = portrait_points(portrait, generator.framing)
        found.append([score(points) for score in scores])
    return styles[:, 0].cpu().numpy(), np.array(found)


def boundary(styles: FloatArray, scores: NDArray[np.float64], *, extreme: float = EXTREME) -> FloatArray:
    """The unit normal ``[latent]`` that parts the styles of high scores from those of low ones.

    A linear support vector machine with squared hinge, solved by L-BFGS.

    Args:
        styles: ``[N, latent]``.
        scores: ``[N]``.
        extreme: share at each end that is taken.

    Raises:
        UsageError: too few faces, or all of one score.
    """
    if len(styles) < LEAST:
        raise UsageError(f"{len(styles)} faces were scored; a direction needs at least {LEAST}, so draw more")
    order = np.argsort(scores, kind="stable")
    taken = max(LEAST // 4, round(extreme * len(order)))
    low, high = order[:taken], order[-taken:]
    if not scores[high].min() > scores[low].max():
        raise UsageError("the scores do not part the faces: the highest and the lowest are the same; draw others")
    inputs = np.concatenate([styles[low], styles[high]]).astype(np.float64)
    centre, spread = inputs.mean(axis=0), inputs.std()
    inputs = (inputs - centre) / max(float(spread), 1e-12)
    labels = np.repeat([-1.0, 1.0], taken)

    def lost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        normal, shift = weights[:-1], weights[-1]
        missed = np.maximum(0, 1 - labels * (inputs @ normal + shift))
        slope = -2 * missed * labels
        return (
            float(0.5 * normal @ normal + (missed**2).sum()),
            np.append(normal + slope @ inputs, slope.sum()),
        )

    found = minimize(lost, np.zeros(inputs.shape[1] + 1), jac=True, method="L-BFGS-B").x[:-1]
    return (found / np.linalg.norm(found)).astype(np.float32)


def conditioned(direction: FloatArray, other: FloatArray) -> FloatArray:
    """A direction along which another attribute does not change: ``n1 - (n1 . n2) n2``, of unit length.

    Raises:
        UsageError: the two are one direction.
    """
    left = direction - (direction @ other) * other
    length = float(np.linalg.norm(left))
    if length < 1e-4:
        raise UsageError("the two attributes have one direction, so one cannot change without the other")
    return (left / length).astype(np.float32)


def edited_styles(styles: FloatArray, direction: FloatArray, by: float) -> FloatArray:
    """Styles ``[S, latent]`` after a step along a direction, see :func:`mfrec.nets.style_directions.moved`."""
    return moved(torch.from_numpy(styles)[None], by * torch.from_numpy(direction)[None])[0].numpy()


def best_angle(
    generator: Any,
    styles: FloatArray,
    direction: FloatArray,
    wanted: float,
    *,
    steps: Sequence[float],
    noise: Sequence[FloatArray] | None = None,
    score: Callable[[Landmarks], float] = yaw,
) -> tuple[float, FloatArray, float]:
    """The best angle selector: the view along a direction whose measured score is nearest to the wanted one.

    Args:
        generator: see :func:`scored_styles`.
        styles: ``[S, latent]`` of the face.
        direction: ``[latent]``.
        wanted: the score.
        steps: how far along the direction to look.
        noise: ``[h, w]`` of each layer; None is the generator's own.
        score: of landmarks.

    Returns:
        The step, the portrait ``[side, side, 3]`` and its score.

    Raises:
        UsageError: no steps.
    """
    if not steps:
        raise UsageError("there are no views to choose from; give at least one step")
    views = torch.from_numpy(np.stack([edited_styles(styles, direction, by) for by in steps]))
    layers = None if noise is None else [torch.from_numpy(layer)[None, None].to(generator.centre) for layer in noise]
    with torch.no_grad():
        made = generator.picture(views.to(generator.centre), layers).clamp(0, 1)
    portraits = made.permute(0, 2, 3, 1).cpu().numpy()
    scores = [score(portrait_points(portrait, generator.framing)) for portrait in portraits]
    nearest = int(np.argmin(np.abs(np.array(scores) - wanted)))
    return float(steps[nearest]), portraits[nearest], float(scores[nearest])
