"""Find faces: the cascade around the three networks of MTCNN.

Zhang, Zhang, Li, Qiao: "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks", IEEE Signal Processing Letters 23(10), 2016. P-Net slides over a pyramid of the picture and
proposes windows, R-Net and O-Net look at each proposal again, each moving the box and rejecting most.

A box is ``(x0, y0, x1, y1)``, its edges in pixels of the picture where pixel centres lie at integers, from
above the brows to the chin.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mfrec.cards.load import load_network
from mfrec.image.geometry import resize, similarity_map, warp
from mfrec.runtime.memory import one_arena
from mfrec.types import FloatArray, Similarity, frozen_array

if TYPE_CHECKING:
    from torch import Tensor

    from mfrec.nets.mtcnn import Mtcnn

CELL, STRIDE = 12, 2
"""Window and step of P-Net, in pixels of the pyramid level."""

STEP = 0.6
"""From one pyramid level to the next. The paper has 0.709; P-Net answers to faces between 0.7 and 1.6 times its window,
so that nothing is missed between two levels here either."""

BAND = 1 << 17
"""Pixels of a pyramid level that P-Net reads at a time: they stay in the processor's cache."""

TRIFLE = 8
"""Bands up to which a second thread is not worth its start."""

WORKERS = 2
"""Bands that are looked at side by side. The bands do not depend on it, so neither does the result."""


@dataclass(frozen=True, eq=False)
class Detection:
    """One face.

    Attributes:
        box: ``[4]`` float32, see the module.
        score: O-Net's probability of a face, 0..1.
        points: ``[5, 2]`` float32: left eye, right eye (as seen), tip of the nose, left and right corner of the mouth.
    """

    box: FloatArray
    score: float
    points: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "box", frozen_array(self.box))
        object.__setattr__(self, "points", frozen_array(self.points))

    @property
    def side(self) -> float:
        """Geometric mean of width and height in pixels."""
        return math.sqrt(float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1])))

    @property
    def centre(self) -> FloatArray:
        """``(x, y)`` of the middle of the box."""
        return frozen_array((self.box[:2] + self.box[2:]) / 2)


AROUND = ((0.0, 0.0), (-0.2, 0.0), (0.2, 0.0), (0.0, -0.2), (0.0, 0.2))
"""How far from where it was a followed face is looked for, in units of its box; the networks move their windows too."""


@functools.cache
def face_networks() -> Mtcnn:
    """The verified networks of ``models/mtcnn.toml``, read once a process."""
    return load_network("mtcnn")


def detect_faces(
    image: FloatArray,
    *,
    smallest: float = 14.0,
    largest: float = math.inf,
    thresholds: tuple[float, float, float] = (0.8, 0.7, 0.7),
) -> tuple[Detection, ...]:
    """All faces of a picture, the most certain first.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        smallest, largest: sides of the faces to look for, in pixels; time grows with ``1 / smallest ** 2``.
            Where ``smallest`` is below 12 the picture is enlarged for P-Net.
        thresholds: probability that P-, R- and O-Net have to see in a window.

    Raises:
        WeightsError: the shipped networks are missing or damaged.
    """
    import torch

    from mfrec.nets.threads import one_thread

    networks = face_networks()
    with torch.inference_mode(), one_thread():
        boxes, _ = _propose(networks, image, smallest, largest, thresholds[0])
        return _confirmed(networks, image, boxes, thresholds)


def confirm_face(
    image: FloatArray, before: NDArray, *, thresholds: tuple[float, float, float] = (0.8, 0.7, 0.7)
) -> Detection | None:
    """The face that was in a box of the frame before, which R- and O-Net look for around it; None where they see none.

    A third of the time of a search, because P-Net has not to say where to look.

    Args:
        image: ``[H, W, 3]`` float32 RGB in [0, 1].
        before: ``(x0, y0, x1, y1)``.
        thresholds: see :func:`detect_faces`.
    """
    import torch

    from mfrec.nets.threads import one_thread

    x0, y0, x1, y1 = np.asarray(before, np.float64)
    size = np.tile([x1 - x0, y1 - y0], 2)
    windows = [
        before + size * np.tile(shift, 2) + size * (grown - 1) * np.array([-0.5, -0.5, 0.5, 0.5])
        for grown in (0.9, 1.15)
        for shift in AROUND
    ]
    networks = face_networks()
    with torch.inference_mode(), one_thread():
        found = _confirmed(networks, image, np.array(windows), thresholds)
        best = max(found, key=lambda face: float(overlap(face.box, before)), default=None)
        # Once more from there, so that the box depends less on where the windows were.
        again = () if best is None else _confirmed(networks, image, best.box[None].astype(np.float64), thresholds)
    return again[0] if again else best


def _confirmed(
    networks: Mtcnn, image: FloatArray, boxes: NDArray, thresholds: tuple[float, float, float]
) -> tuple[Detection, ...]:
    """What R- and O-Net say of windows ``[K, 4]``: the faces among them, the most certain first."""
    if not len(boxes):
        return ()
    scores, shifts = _answers(networks.rnet(_patches(image, _squared(boxes), 24)))
    boxes = _moved(_squared(boxes), shifts)
    keep = _suppress(boxes, scores, 0.7, np.flatnonzero(scores > thresholds[1]))
    if not len(keep):
        return ()
    squares = _squared(boxes[keep])
    scores, shifts, points = _answers(networks.onet(_patches(image, squares, 48)))
    boxes = _moved(squares, shifts)
    # Nested boxes are one face here (an eye and a nose inside it pass for a small one), hence the smaller's share.
    keep = _suppress(boxes, scores, 0.6, np.flatnonzero(scores > thresholds[2]), of_smaller=True)
    corner, side = squares[:, None, :2], (squares[:, 2:] - squares[:, :2])[:, None]
    points = corner + side * points
    return tuple(Detection(boxes[i], float(scores[i]), points[i]) for i in keep)


def overlap(a: NDArray, b: NDArray, *, of_smaller: bool = False) -> NDArray:
    """Intersection over union (or over the smaller box) of boxes ``[..., 4]``, broadcast against each other."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.prod(np.maximum(sides, 0), axis=-1)
    area_a, area_b = np.prod(a[..., 2:] - a[..., :2], axis=-1), np.prod(b[..., 2:] - b[..., :2], axis=-1)
    whole = np.minimum(area_a, area_b) if of_smaller else area_a + area_b - common
    return common / np.maximum(whole, 1e-12)


def _propose(
    networks: Mtcnn, image: FloatArray, smallest: float, largest: float, threshold: float
) -> tuple[NDArray, NDArray]:
    """Windows of P-Net over the pyramid, suppressed within and between levels: boxes ``[K, 4]``, scores ``[K]``."""
    height, width = image.shape[:2]
    levels: list[FloatArray] = []
    scale = CELL / smallest
    level = image
    while min(height, width) * scale >= CELL and CELL / scale <= largest:
        size = (math.ceil(height * scale), math.ceil(width * scale))
        # Each level is made from the one before, which is smaller than the picture and filtered already.
        shrinks = size[0] <= level.shape[0]
        level = resize(level, *size, interpolation="area" if shrinks else "cubic")
        levels.append(level)
        scale *= STEP
    boxes: list[NDArray] = [np.zeros((0, 4))]
    scores: list[NDArray] = [np.zeros(0)]
    for level, (probability, shifts) in zip(levels, _windows(networks, levels), strict=True):
        y, x = np.nonzero(probability > threshold)
        stretch = np.array([width / level.shape[1], height / level.shape[0]] * 2)
        corner = np.column_stack([x, y]) * STRIDE
        windows = np.column_stack([corner, corner + CELL]) * stretch - 0.5
        keep = _suppress(windows, probability[y, x], 0.5, np.arange(len(x)))
        boxes.append(_moved(windows, shifts[:, y, x].T)[keep])
        scores.append(probability[y, x][keep])
    every, score = np.concatenate(boxes), np.concatenate(scores)
    keep = _suppress(every, score, 0.7, np.arange(len(every)))
    return every[keep], score[keep]


def _windows(networks: Mtcnn, levels: list[FloatArray]) -> list[tuple[FloatArray, FloatArray]]:
    """P-Net's probability ``[h, w]`` and corrections ``[4, h, w]`` for every window of every level."""
    import torch

    def look(band: FloatArray) -> tuple[FloatArray, ...]:
        with torch.inference_mode():  # it holds for one thread
            return tuple(answer[0] for answer in _answers(networks.pnet(_tensor(band[None]))))

    bands: list[FloatArray] = []
    counts: list[int] = []
    for level in levels:
        # n rows of windows look at 2 n + 10 rows of the picture.
        cells, rows = (level.shape[0] - CELL) // STRIDE + 1, max(1, BAND // (STRIDE * level.shape[1]))
        tops = range(0, cells, rows)
        bands += [level[STRIDE * top : STRIDE * min(top + rows, cells) + CELL - STRIDE] for top in tops]
        counts.append(len(tops))
    one_arena()
    with ThreadPoolExecutor(min(WORKERS, os.cpu_count() or 1)) as pool:
        # A second thread is not worth its start where there is little to do.
        answers = iter(list((pool.map if len(bands) > TRIFLE else map)(look, bands)))
    joined = []
    for count in counts:
        probabilities, shifts = zip(*(next(answers) for _ in range(count)), strict=True)
        joined.append((np.concatenate(probabilities), np.concatenate(shifts, axis=1)))
    return joined


def _answers(tensors: Iterable[Tensor]) -> tuple[NDArray, ...]:
    return tuple(tensor.numpy() for tensor in tensors)


def _tensor(pictures: NDArray) -> Tensor:
    """``[N, H, W, 3]`` as the networks take it, ``[N, 3, H, W]``; its numbers stay where they are (channels last)."""
    import torch

    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def _moved(boxes: NDArray, shifts: NDArray) -> NDArray:
    """Boxes corrected by a network's answer, which is in units of their width and height."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + shifts * sides


def _squared(boxes: NDArray) -> NDArray:
    """The squares around the same centres with the longer side."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _patches(image: FloatArray, squares: NDArray, size: int) -> Tensor:
    """Square pieces of a picture at ``size``, ``[K, 3, size, size]``; beyond the picture its border is repeated.

    A piece that has to shrink is averaged; one that has to grow is read between the pixels, where the
    rounding of its corners would move a small face by a tenth of its size.
    """
    height, width = image.shape[:2]
    out = np.empty((len(squares), size, size, 3), np.float32)
    for k, (x0, y0, x1, y1) in enumerate(squares):
        step = (x1 - x0) / size
        if step > 1:
            left, top, right, bottom = round(x0 + 0.5), round(y0 + 0.5), round(x1 + 0.5), round(y1 + 0.5)
            if left >= 0 and top >= 0 and right <= width and bottom <= height:
                piece = image[top:bottom, left:right]
            else:
                rows = np.clip(np.arange(top, bottom), 0, height - 1)
                columns = np.clip(np.arange(left, right), 0, width - 1)
                piece = image[rows[:, None], columns]
            out[k] = resize(piece, size, size, interpolation="area")
        else:
            first = 0.5 * step
            to_image = Similarity(np.array([[step, 0.0, x0 + first], [0.0, step, y0 + first]]))
            out[k] = warp(image, similarity_map(to_image, size, size))
    return _tensor(np.clip(out, 0.0, 1.0, out=out))


def _suppress(boxes: NDArray, scores: NDArray, limit: float, among: NDArray, of_smaller: bool = False) -> NDArray:
    """Greedy non-maximum suppression: indices that stay, best first.

    Two boxes are rivals when their intersection exceeds ``limit`` of their union, or of the smaller box.

    Ties fall to the box further up and left, so that the result does not depend on the order of the boxes.
    """
    order = among[np.lexsort((boxes[among, 0], boxes[among, 1], -scores[among]))]
    x0, y0, x1, y1 = boxes[order].T.astype(np.float64)
    area = (x1 - x0) * (y1 - y0)
    stays = np.ones(len(order), bool)
    for i in range(len(order) - 1):
        if stays[i]:
            rest = slice(i + 1, None)
            across = np.minimum(x1[i], x1[rest]) - np.maximum(x0[i], x0[rest])
            down = np.minimum(y1[i], y1[rest]) - np.maximum(y0[i], y0[rest])
            common = np.maximum(across, 0) * np.maximum(down, 0)
            whole = np.minimum(area[i], area[rest]) if of_smaller else area[i] + area[rest] - common
            stays[rest] &= common <= limit * whole
    return order[stays]
