"""A spoilt region of a face, another frame that shows it, and the face unspoilt: for the network ``crossover_unet``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch

from mfrec.camera.protocols import SCALE
from mfrec.image.filters import gaussian
from mfrec.image.geometry import resize, taken_through, warp
from mfrec.registration.dense import register
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.shots import DrawnView, draw_views, make_view
from mfrec.train.streams.stream import Sample, Stream, as_tensor, whole_blocks
from mfrec.types import Canvas, Drawn, FloatArray


@dataclass(frozen=True)
class Light(Drawn):
    """Another light: a factor for each colour, and another black."""

    gain: tuple[float, float, float]
    offset: float


@dataclass(frozen=True)
class Ellipse(Drawn):
    """Where a region is spoilt.

    Attributes:
        centre: ``(x, y)`` in pixels.
        axes: half axes in pixels.
        angle: of the first axis in degrees.
    """

    centre: tuple[float, float]
    axes: tuple[float, float]
    angle: float


@dataclass(frozen=True)
class DrawnCrossover(Drawn):
    """A frame with a spoilt region, and another that shows it.

    Attributes:
        target, source: the two frames.
        softness: of both, see :func:`softened`.
        light: of the source.
        ellipse: where the target is spoilt.
        blur: standard deviation there, in pixels.
    """

    target: DrawnView
    source: DrawnView
    softness: float
    light: Light
    ellipse: Ellipse
    blur: float


class CrossoverStream(Stream[DrawnCrossover]):
    """Samples ``((source, target, mask), {"truth", "bicubic"})``, ``[3, H, W]`` each, the mask ``[1, H, W]``.

    The target is the truth with an ellipse blurred, and the mask says where. The source is another frame of the
    sequence (or the still under another motion), registered as the product does it from frames of a quarter of the
    size, in another light. All are as soft as an enlarged frame is, the truth with them: a cross-over shall mend, not
    sharpen. ``"bicubic"`` is the target, which is what there is without a network.

    The thesis's critic never sees the unspoilt picture: it asks for the pixels of the source inside of the mask and
    those of the target outside, which is what ``critic = "composite"`` gives as the truth.

    Args:
        pictures: the true pictures.
        seed: of every sample.
        length: how many samples; None is without end.
        side: of the pictures in pixels.
        critic: what is wanted: ``"unspoilt"``, the picture before the region was blurred, or ``"composite"``.
        points: give the landmarks of the truth as well, ``"points"`` ``[68, 2]``.
    """

    def __init__(
        self,
        pictures: Pictures,
        seed: int,
        *,
        length: int | None = None,
        side: int = 128,
        critic: Literal["unspoilt", "composite"] = "unspoilt",
        points: bool = False,
    ) -> None:
        super().__init__(seed, length)
        self.critic = critic
        self.pictures, self.side = pictures, whole_blocks("side", side)
        self.points = PicturePoints(pictures) if points else None

    def draw(self, index: int, rng: np.random.Generator) -> DrawnCrossover:
        views = draw_views(self.pictures, rng, self.side, float(rng.uniform(1.4, 2.0)))
        middle = FRAMES // 2
        other = int(rng.choice([k for k in range(FRAMES) if k != middle]))
        softness = float(rng.uniform(1.0, 3.5)) if rng.random() < 0.7 else 1.0
        light, where = draw_light(rng), draw_ellipse(self.side, rng)
        blur = float(rng.uniform(0.02, 0.06)) * self.side
        return DrawnCrossover(views[middle], views[other], softness, light, where, blur)

    def make(self, drawn: DrawnCrossover) -> Sample:
        view, other = (make_view(self.pictures, one, self.side) for one in (drawn.target, drawn.source))
        truth, source = (softened(one.image, drawn.softness) for one in (view, other))
        source = in_other_light(registered(source, truth), drawn.light)
        mask = filled(drawn.ellipse, self.side)
        blurred = gaussian(truth, drawn.blur)
        share = gaussian(mask, 0.01 * self.side)[..., None]
        target = np.asarray(share * blurred + (1 - share) * truth, np.float32)
        inputs = as_tensor(source), as_tensor(target), torch.from_numpy(mask[None])
        composite = torch.where(inputs[2] > 0, inputs[0], inputs[1])
        wanted = {"truth": as_tensor(truth) if self.critic == "unspoilt" else composite, "bicubic": inputs[1]}
        if self.points is not None:
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
    there = taken_through(canvas.from_reference, found.look_up)
    return np.asarray(np.clip(warp(source, there), 0, 1), np.float32)


def draw_light(rng: np.random.Generator) -> Light:
    """Brighter or darker, of another colour, with another black."""
    red, green, blue = np.exp(rng.normal(0, 0.08) + rng.normal(0, 0.03, 3)).tolist()
    return Light((red, green, blue), float(rng.normal(0, 0.02)))


def in_other_light(image: FloatArray, light: Light) -> FloatArray:
    """``[H, W, 3]`` in [0, 1] as another light shows it."""
    return np.asarray(np.clip(np.array(light.gain) * image + light.offset, 0, 1), np.float32)


def draw_ellipse(side: int, rng: np.random.Generator) -> Ellipse:
    """Of the size of an eye to half a face, somewhere in the middle of a picture of ``side`` pixels."""
    x, y = (rng.uniform(0.3, 0.7, 2) * side).tolist()
    long, short = (rng.uniform(0.06, 0.22, 2) * side).tolist()
    return Ellipse((x, y), (long, short), float(rng.uniform(0, 180)))


def filled(ellipse: Ellipse, side: int) -> FloatArray:
    """``[side, side]``: 1 in the ellipse."""
    mask = np.zeros((side, side), np.float32)
    axes = 2 * ellipse.axes[0], 2 * ellipse.axes[1]
    cv2.ellipse(mask, (ellipse.centre, axes, ellipse.angle), 1.0, -1)
    return mask
