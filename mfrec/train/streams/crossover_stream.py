"""A spoilt region of a face, another frame that shows it, and the face unspoilt: for the network ``crossover_unet``."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from mfrec.camera.protocols import SCALE
from mfrec.image.filters import gaussian
from mfrec.image.geometry import resize, warp
from mfrec.registration.dense import register
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import draw_views
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Canvas, FloatArray


class CrossoverStream(Stream):
    """Samples ``((source, target, mask), {"truth", "bicubic"})``, ``[3, H, W]`` each, the mask ``[1, H, W]``.

    The target is the truth with an ellipse blurred, and the mask says where. The source is another frame of the
    sequence (or the still under another motion), registered as the product does it from frames of a quarter of the
    size, in another light. All are as soft as an enlarged frame is, the truth with them: a cross-over shall mend, not
    sharpen. ``"bicubic"`` is the target, which is what there is without a network.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        length: how many samples; None is without end.
        side: of the pictures in pixels.
        points: give the landmarks of the truth as well, ``"points"`` ``[68, 2]``.
    """

    def __init__(
        self, pictures: Pictures, seed: int, *, length: int | None = None, side: int = 128, points: bool = False
    ) -> None:
        super().__init__(seed, length)
        self.pictures, self.side = pictures, whole_blocks("side", side)
        self.points = PicturePoints(pictures) if points else None

    def sample(self, index: int, rng: np.random.Generator) -> Sample:
        views = draw_views(self.pictures, rng, self.side, float(rng.uniform(1.4, 2.0)))
        middle = FRAMES // 2
        other = int(rng.choice([k for k in range(FRAMES) if k != middle]))
        softness = float(rng.uniform(1.0, 3.5)) if rng.random() < 0.7 else 1.0
        truth, source = (softened(views[k].image, softness) for k in (middle, other))
        source = in_other_light(registered(source, truth), rng)
        mask = ellipse(self.side, rng)
        blurred = gaussian(truth, float(rng.uniform(0.02, 0.06)) * self.side)
        share = gaussian(mask, 0.01 * self.side)[..., None]
        target = np.asarray(share * blurred + (1 - share) * truth, np.float32)
        inputs = as_tensor(source), as_tensor(target), torch.from_numpy(mask[None])
        wanted = {"truth": as_tensor(truth), "bicubic": inputs[1]}
        if self.points is not None:
            view = views[middle]
            wanted["points"] = torch.from_numpy(self.points.of_crop(view.source, view.pose, self.side, view.field))
        return inputs, wanted


def softened(image: FloatArray, factor: float) -> FloatArray:
    """``[S, S, 3]`` in [0, 1] with the detail that is left after shrinking by a factor of 1 and more."""
    side = len(image)
    small = round(side / factor)
    return np.asarray(np.clip(resize(resize(image, small, small, interpolation="area"), side, side), 0, 1), np.float32)


def registered(source: FloatArray, target: FloatArray) -> FloatArray:
    """``source`` brought onto ``target``, both ``[S, S, 3]``, by the product's registration at a quarter of the size.

    Its light stays its own.
    """
    small = len(target) // SCALE
    canvas = Canvas(0, 0, small, small, SCALE)
    frame = resize(source, small, small, interpolation="area")
    found = register(target, frame, canvas.from_reference.inverse(), canvas)
    there = canvas.from_reference.apply(found.look_up).astype(np.float32)
    return np.asarray(np.clip(warp(source, there), 0, 1), np.float32)


def in_other_light(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """``[H, W, 3]`` in [0, 1] brighter or darker, in another colour of light, with another black."""
    gain = np.exp(rng.normal(0, 0.08) + rng.normal(0, 0.03, 3))
    return np.asarray(np.clip(gain * image + rng.normal(0, 0.02), 0, 1), np.float32)


def ellipse(side: int, rng: np.random.Generator) -> FloatArray:
    """``[S, S]``: 1 in an ellipse of the size of an eye to half a face, somewhere in the middle of the picture."""
    centre = rng.uniform(0.3, 0.7, 2) * side
    axes = rng.uniform(0.06, 0.22, 2) * side
    mask = np.zeros((side, side), np.float32)
    cv2.ellipse(mask, (tuple(centre.tolist()), tuple((2 * axes).tolist()), float(rng.uniform(0, 180))), 1.0, -1)
    return mask
