"""Regions of faces by the parser, on each frame's own pixels, and whether its answer can be believed.

The network sees every face upright and at one size, as it did in training, all faces of a track in one batch. Its
probabilities are averaged over the pixels of the frame, so a pixel that shows half an eye says so by its confidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.face.landmarks import read_aligned
from mfrec.face.regions import OUTER_LIPS
from mfrec.image.geometry import fit_similarity
from mfrec.runtime.threads import shared_out, side_by_side
from mfrec.types import FloatArray, Landmarks, Region, RegionMasks, Similarity

UPRIGHT = ((0.3809, 0.4785), (0.6230, 0.4785), (0.5020, 0.7520))
"""Where the eyes (of the picture's left and right) and the mouth lie in the upright crop, in sides of it.

The medians of the labelled faces that the parser was trained on.
"""

FACE = (
    *(Region.SKIN, Region.NOSE, Region.EYEGLASSES, Region.L_EYE, Region.R_EYE, Region.L_BROW, Region.R_BROW),
    *(Region.MOUTH, Region.U_LIP, Region.L_LIP),
)
"""All that lies inside the outline of a face."""

LEAST_OF_FACE = 0.6
"""Share of the face inside the landmarks that the parser has to call a face."""

FARTHEST = 0.35
"""How far, in inter-ocular distances, a feature may lie from where the landmarks have it."""

FEATURES: Mapping[str, tuple[Region, ...]] = {
    "eyes": (Region.L_EYE, Region.R_EYE, Region.EYEGLASSES),
    "nose": (Region.NOSE,),
    "mouth": (Region.MOUTH, Region.U_LIP, Region.L_LIP),
}
"""What every face has; one of them may be hidden. Glasses stand for the eyes behind them."""

BATCH = 16
"""Faces that go through the network at once; more would only take memory."""

FINEST = 8
"""Samples of the network's grid that a pixel of the frame is averaged over, along each side, at most."""


def upright_crop(landmarks: Landmarks, side: int) -> Similarity:
    """Pixels of the upright crop ``[side, side]`` to pixels of the frame.

    Raises:
        ValueError: eyes and mouth lie in one place.
    """
    there = np.array(UPRIGHT) * side - 0.5
    here = np.stack([landmarks.left_eye, landmarks.right_eye, landmarks.points[list(OUTER_LIPS)].mean(axis=0)])
    return fit_similarity(there, here)


def parse_faces(
    network: Any,
    images: Sequence[FloatArray],
    landmarks: Sequence[Landmarks],
    *,
    side: int,
    min_area: float,
    source: str,
) -> list[RegionMasks]:
    """Label the regions of faces.

    Args:
        network: a :class:`mfrec.nets.bisenet.BiSeNet` in evaluation mode.
        images: frames ``[H, W, 3]`` RGB in [0, 1], of any sizes.
        landmarks: of one face in each.
        side: pixels of the square that the network sees.
        min_area: share of the rectangle around the landmarks; a region that fills less of the picture counts as unseen
            and leaves its pixels to the next best.
        source: what the masks name as their origin.

    Returns:
        Masks on the frames' grids. Confidence is the probability of the label; outside of the upright crop nothing is
        known, which is ``BACKGROUND`` with confidence 0.
    """

    def parsed(part: Sequence[tuple[FloatArray, Landmarks]]) -> list[RegionMasks]:
        crops = [upright_crop(points, side) for _, points in part]
        faces = [read_aligned(image, to_frame, side) for (image, _), to_frame in zip(part, crops, strict=True)]
        found = probabilities(network, faces)
        out = []
        for (image, points), crop, probability in zip(part, crops, found, strict=True):
            least = min_area * float(np.prod(np.ptp(points.points, axis=0)))
            out.append(on_frame(probability, crop, image.shape[:2], least, source))
        return out

    parts = shared_out(list(zip(images, landmarks, strict=True)), BATCH)
    return [masks for part in side_by_side(parsed, parts) for masks in part]


def probabilities(network: Any, faces: Sequence[FloatArray]) -> Iterator[Any]:
    """What the network makes of upright faces, a few at a time.

    Args:
        network: see :func:`parse_faces`.
        faces: ``[S, S, 3]`` RGB in [0, 1] each.

    Returns:
        For each a tensor ``[classes, S, S]``.
    """
    import torch

    from mfrec.nets.threads import one_thread

    device = next(network.parameters()).device
    for start in range(0, len(faces), BATCH):
        batch = np.stack([np.moveaxis(face, 2, 0) for face in faces[start : start + BATCH]])
        stacked = torch.from_numpy(batch).to(device).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), one_thread():
            found = network(stacked).scores.softmax(dim=1)
        yield from found


def on_frame(found: Any, to_frame: Similarity, shape: tuple[int, int], least: float, source: str) -> RegionMasks:
    """Bring probabilities from the upright crop onto the frame's grid and choose.

    Args:
        found: tensor ``[classes, S, S]``, see :func:`probabilities`.
        to_frame: pixels of the crop to pixels of the frame.
        shape: ``(H, W)`` of the frame.
        least: pixels that a region fills at least.
        source: see :func:`parse_faces`.
    """
    import torch
    from torch.nn import functional

    side = found.shape[-1]
    labels, confidence = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    edge = side - 0.5
    corners = to_frame.apply([(-0.5, -0.5), (edge, -0.5), (edge, edge), (-0.5, edge)])
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, (shape[1], shape[0])).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + 1, (x0, y0), (shape[1], shape[0])).astype(int)
    if x0 == x1 or y0 == y1:
        return RegionMasks(labels, confidence, source)
    parts = min(max(math.ceil(1 / to_frame.scale), 1), FINEST)
    x, y = (low + (np.arange((high - low) * parts) + 0.5) / parts - 0.5 for low, high in ((x0, x1), (y0, y1)))
    places = to_frame.inverse().apply(np.dstack(np.meshgrid(x, y)))
    grid = torch.from_numpy(((2 * places + 1) / side - 1).astype(np.float32)).to(found.device)
    read = functional.grid_sample(found[None], grid[None], padding_mode="zeros", align_corners=False)
    shares: NDArray[np.float32] = functional.avg_pool2d(read, parts)[0].cpu().numpy()
    for region, count in enumerate(np.bincount(shares.argmax(axis=0).ravel(), minlength=len(shares))):
        if region != Region.BACKGROUND and count < least:
            shares[region] = 0
    best = shares.argmax(axis=0)
    labels[y0:y1, x0:x1] = best
    confidence[y0:y1, x0:x1] = np.clip(np.take_along_axis(shares, best[None], axis=0)[0], 0, 1)
    return RegionMasks(labels, confidence, source)


def disagreements(masks: RegionMasks, drawn: RegionMasks, interocular: float) -> list[str]:
    """Where the parser contradicts the landmarks, in words.

    Only the part of the face that lies in the frame is looked at. See :func:`believable`.

    Args:
        masks: of the parser.
        drawn: from the landmarks, on the same grid.
        interocular: distance between the eyes in pixels.
    """
    out = []
    face = drawn.mask(*FACE)
    share = masks.mask(*FACE)[face].mean() if face.any() else 0.0
    if share < LEAST_OF_FACE:
        out.append(f"it calls {100 * share:.0f} % of the face a face")
    for name, regions in FEATURES.items():
        expected, found = drawn.mask(*regions), masks.mask(*regions)
        if not expected.any():
            continue
        if not found.any():
            out.append(f"it sees no {name}")
            continue
        far = float(np.hypot(*(centre(found) - centre(expected)))) / interocular
        if far > FARTHEST:
            out.append(f"its {name} {'lie' if name == 'eyes' else 'lies'} {far:.2f} inter-ocular distances off")
    return out


def believable(contradictions: Sequence[str]) -> bool:
    """Whether the parser's masks can be used: a single feature may be hidden by a hand or a microphone, and the parser
    is right to leave it out; with two contradictions it has not found the face."""
    return len(contradictions) < 2


def centre(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``(x, y)`` of the middle of a mask ``[H, W]`` that is not empty."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])
