"""Dense sub-pixel registration of a frame onto the canvas, made for small compressed faces.

The frame is brought onto the canvas by a similarity, its light is matched to the target's, and what remains
(turning of the head, expression, errors of the landmarks) is found by DIS optical flow (Kroeger, Timofte, Dai and
Van Gool, "Fast optical flow using dense inverse search", ECCV 2016). Compression is the difficulty: every 8 x 8 block
carries false edges, and flow with small patches follows them. Three things counter that: the flow is
found on a grid of only two samples per reference pixel, after a slight blur, with patches six reference pixels wide
and a strong smoothness term. On development faces at 32 px this is worth half a decibel of the fused
picture against the flow's default settings.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import identity_map, inside, resize, similarity_map, taken_through, warp
from mfrec.types import Canvas, Cleaned, FloatArray, FlowSettings, Registration, Similarity

GRID = 2
"""Samples per reference pixel of the grid on which the flow is found."""

COARSE = 192
"""Samples along the longer side up to which patches lie as close, and are searched as long, as the settings say. On a
larger grid they overlap by half, and half as many iterations do: within 0.04 dB of the fused picture on six development
people at 128 px, JPEGs and clips, for half of the time."""

BLOCK = 8

FAINT = 0.01
"""Spread of a channel, in [0, 1] grey levels, below which it says little about a gain. With 0.02 a reference at 0.3 of
the others' exposure loses 4 dB of the evidence picture (two faces of 64 px); at equal exposures nothing changes."""

GAINS = (0.2, 5.0)
"""Limits of a gain: a lamp, a flash, an exposure that follows who walks by."""


def match_light(source: FloatArray, target: FloatArray, valid: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Gain and offset per channel that give ``source`` the light of ``target``.

    A straight line through the low-passed values, fitted twice, the second time without the worst fifth, so that a
    moving mouth or an occlusion does not pull it. Its slope is the ratio of the spreads (reduced major axis): both
    pictures are noisy and not yet registered, and a regression of one on the other would flatten every frame by that.
    The gain is drawn towards 1 where a channel has little contrast, and stays within :data:`GAINS`.

    Args:
        source, target: ``[H, W, 3]`` on one grid.
        valid: ``[H, W]`` bool, where both show the scene.

    Returns:
        ``gain [3]``, ``offset [3]``; 1 and 0 where fewer than 16 pixels are valid.
    """
    gain, offset = np.ones(3, np.float32), np.zeros(3, np.float32)
    if valid.sum() < 16:
        return gain, offset
    sigma = max(1.0, 0.03 * min(valid.shape))
    a = gaussian(source, sigma)[valid].astype(np.float64)
    b = gaussian(target, sigma)[valid].astype(np.float64)
    for channel in range(3):
        keep = np.ones(len(a), bool)
        slope, shift = 1.0, 0.0
        for _ in range(2):
            x, y = a[keep, channel], b[keep, channel]
            # Variances are added, not deviations: these would pull the gain of every dim frame towards 1.
            slope = float(np.clip(np.sqrt((y.var() + FAINT**2) / (x.var() + FAINT**2)), *GAINS))
            shift = float(y.mean() - slope * x.mean())
            off = np.abs(slope * a[:, channel] + shift - b[:, channel])
            keep = off <= np.quantile(off, 0.8)
        gain[channel], offset[channel] = slope, shift
    return gain, offset


def without_aliases(image: FloatArray, step: float) -> FloatArray:
    """Blur a picture that is about to be read at places ``step`` of its pixels apart, if that would skip detail.

    A Gaussian of 0.5 * sqrt(step^2 - 1) px takes a picture from a sampling of 1 to one of ``step`` (Lowe, "Distinctive
    image features from scale-invariant keypoints", IJCV 2004, section 3).
    """
    return gaussian(image, 0.5 * float(np.sqrt(step * step - 1.0))) if step > 1.05 else image


def register(
    target: FloatArray,
    image: FloatArray,
    to_frame: Similarity,
    canvas: Canvas,
    *,
    phase: tuple[int, int] = (0, 0),
    settings: FlowSettings | None = None,
    cleaned: Cleaned | None = None,
) -> Registration:
    """Register a frame onto what is already on the canvas.

    Args:
        target: ``[H, W, 3]`` on the canvas: the enlarged reference, or the estimate so far.
        image: ``[h, w, 3]`` the frame.
        to_frame: canvas pixels to frame pixels, the starting point.
        canvas: the output grid.
        phase: corner of a codec block of the frame; its window is cut along whole blocks.
        settings: of the flow.
        cleaned: the same frame without its artifacts: the flow then looks at that, and the light is matched to it.

    Returns:
        The registration of the frame; ``residual`` is taken over the pixels that the frame can see.
    """
    settings = settings or FlowSettings()
    rows, columns = canvas.height * GRID, canvas.width * GRID
    per_sample = canvas.scale / GRID  # canvas pixels per flow sample
    grid_to_canvas = Similarity(
        np.array([[per_sample, 0, 0.5 * per_sample - 0.5], [0, per_sample, 0.5 * per_sample - 0.5]])
    )
    look_up = similarity_map(to_frame.after(grid_to_canvas), rows, columns)
    height, width = image.shape[:2]
    seen = inside(look_up, height, width)
    if cleaned is None:
        moved = warp(without_aliases(image, to_frame.scale * per_sample), look_up)
    else:
        finer = cleaned.from_frame
        moved = warp(
            without_aliases(cleaned.image, finer.scale * to_frame.scale * per_sample),
            taken_through(finer, look_up),
        )
    shrink = "area" if per_sample > 1 else "cubic"
    still = resize(target, rows, columns, interpolation=shrink)
    gain, offset = match_light(moved, still, seen)
    moved = moved * gain + offset

    a, b = _contrast(luma(still), luma(moved), settings.presmooth)
    flow = _dis(settings, max(rows, columns))
    none = np.zeros((rows, columns, 2), np.float32)
    forward = np.asarray(flow.calc(a, b, none.copy()), np.float32)
    backward = np.asarray(flow.calc(b, a, none), np.float32)

    closure = np.linalg.norm(forward + _read(backward, identity_map(rows, columns) + forward), axis=-1)
    look_up_grid = identity_map(rows, columns) + forward
    arrived = warp(moved, look_up_grid)
    difference = ((arrived - still) ** 2).mean(axis=-1)
    dense_look_up = taken_through(to_frame.after(grid_to_canvas), look_up_grid)
    visible = inside(dense_look_up, height, width)
    # One reference pixel is GRID samples; a closure error of half a pixel halves the trust.
    trust = visible / (1.0 + (closure / (0.5 * GRID)) ** 2)

    full_rows, full_columns = canvas.shape
    full_flow = resize(forward, full_rows, full_columns, interpolation="linear") * per_sample
    canvas_look_up = taken_through(to_frame, identity_map(full_rows, full_columns) + full_flow)

    x0, y0, x1, y1 = _window(dense_look_up, width, height, phase)
    from_frame = grid_to_canvas.inverse().after(to_frame.inverse())
    frame_pixels = identity_map(y1 - y0, x1 - x0) + np.array([x0, y0], np.float32)
    on_grid = taken_through(from_frame, frame_pixels)
    landing = taken_through(grid_to_canvas, on_grid + _read(backward, on_grid))

    sees = bool(visible.any())
    sample_to_pixel = to_frame.scale * per_sample
    return Registration(
        look_up=canvas_look_up,
        landing=landing,
        trust=np.clip(resize(trust.astype(np.float32), full_rows, full_columns, interpolation="linear"), 0, 1),
        gain=gain,
        offset=offset,
        residual=float(np.sqrt(difference[visible].mean())) if sees else float("inf"),
        displacement=float(np.linalg.norm(forward, axis=-1)[visible].mean() * sample_to_pixel) if sees else 0.0,
        closure=float(np.median(closure[visible]) * sample_to_pixel) if sees else float("inf"),
        window=(x0, y0),
    )


def identity_registration(canvas: Canvas, image: FloatArray, phase: tuple[int, int] = (0, 0)) -> Registration:
    """The registration of the reference frame itself: exact."""
    rows, columns = canvas.shape
    look_up = similarity_map(canvas.from_reference.inverse(), rows, columns)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = _window(look_up, width, height, phase)
    pixels = identity_map(y1 - y0, x1 - x0) + np.array([x0, y0], np.float32)
    return Registration(
        look_up=look_up,
        landing=taken_through(canvas.from_reference, pixels),
        trust=inside(look_up, height, width).astype(np.float32),
        gain=np.ones(3, np.float32),
        offset=np.zeros(3, np.float32),
        residual=0.0,
        displacement=0.0,
        closure=0.0,
        window=(x0, y0),
    )


def _dis(settings: FlowSettings, samples: int) -> cv2.DISOpticalFlow:
    """The flow for a grid of so many samples along its longer side."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(0)
    flow.setPatchSize(settings.patch)
    large = samples > COARSE
    flow.setPatchStride(max(settings.stride, settings.patch // 2) if large else settings.stride)
    flow.setGradientDescentIterations(settings.iterations // 2 if large else settings.iterations)
    flow.setVariationalRefinementIterations(settings.refinement)
    flow.setVariationalRefinementAlpha(settings.smoothness)
    return flow


def _read(field: FloatArray, at: FloatArray) -> FloatArray:
    return warp(field, at, interpolation="linear")


def _contrast(a: FloatArray, b: FloatArray, sigma: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both pictures blurred and on one 8-bit scale (DIS takes nothing finer), so that a dark frame is not flat."""
    a, b = (gaussian(x, sigma) for x in (a, b))
    low, high = float(np.quantile(a, 0.005)), float(np.quantile(a, 0.995))
    gain = 255.0 / max(high - low, 0.1)
    first, second = (np.clip(np.rint((x - low) * gain), 0, 255).astype(np.uint8) for x in (a, b))
    return first, second


def _window(look_up: FloatArray, width: int, height: int, phase: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of a frame that the canvas can see, one block more on each side, cut along whole blocks."""
    limits = []
    for axis, size in ((0, width), (1, height)):
        values = look_up[..., axis]
        low, high = float(values.min()) - BLOCK, float(values.max()) + BLOCK
        start = int(np.floor((low - phase[axis]) / BLOCK)) * BLOCK + phase[axis]
        stop = int(np.ceil((high - phase[axis]) / BLOCK)) * BLOCK + phase[axis]
        start, stop = max(0, min(start, size - 1)), min(size, max(stop, 1))
        limits.append((start, max(stop, start + 1)))
    (x0, x1), (y0, y1) = limits
    return x0, y0, x1, y1
