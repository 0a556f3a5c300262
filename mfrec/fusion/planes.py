"""What the fusion network reads: every frame on the canvas, cleaned and raw, and how far it is to be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mfrec.image.geometry import taken_through, warp
from mfrec.types import Cleaned, FloatArray, Registration

PLANES = 8
"""Planes of a frame on the canvas: cleaned RGB, raw RGB, logarithm of the cleaned frame's variance, trust."""

WHOLE = slice(None)
"""All rows of the canvas."""


def planes_of(image: FloatArray, cleaned: Cleaned, registration: Registration, rows: slice = WHOLE) -> FloatArray:
    """One frame as the network :mod:`mfrec.nets.fusion` takes it.

    Args:
        image: ``[h, w, 3]`` RGB in [0, 1], the raw frame.
        cleaned: the same frame without its artifacts.
        registration: of the frame onto the canvas, ``[H, W]``.
        rows: of the canvas.

    Returns:
        ``[8, H, W]`` float32, of those rows: cleaned RGB, raw RGB, both in the reference's light; the logarithm of the
        variance of the cleaned; the registration's trust.
    """
    places = registration.look_up[rows]
    finer = taken_through(cleaned.from_frame, places)
    out = np.empty((PLANES, *finer.shape[:2]), np.float32)
    out[:3] = _lit(cleaned.image, finer, registration)
    out[3:6] = _lit(image, places, registration)
    sigma = warp(cleaned.sigma, finer, interpolation="linear")
    out[6] = 2.0 * np.log(np.maximum(sigma, 1e-3))
    out[7] = registration.trust[rows]
    return out


def _lit(picture: FloatArray, places: FloatArray, registration: Registration) -> FloatArray:
    """A picture at some places in the reference's light, ``[3, H, W]``."""
    return (warp(picture, places) * registration.gain + registration.offset).transpose(2, 0, 1)


@dataclass(frozen=True, eq=False)
class LaidFrames:
    """Frames for the fusion network, whose planes are made strip by strip when they are asked for.

    Together, at 32 bytes a pixel and frame, they would be the largest array of a run by far.

    Attributes:
        images: ``[h, w, 3]`` RGB in [0, 1] each, raw.
        cleansed: the same without their artifacts.
        registrations: onto the network's canvas, ``[H, W]``.
        believed: ``[N, H, W]`` factor on the trust of each, 0..1.
        shown: ``[N, H, W]`` what glare leaves of each, 1 where it is not hidden.
        usual: ``[6, H, W]`` what is seen in place of what is hidden, see :func:`usual_colours`; None where nothing is.
        share, light: ``[N, H, W]`` and ``[N, H, W, 3]`` what single frames give by hand, see
            :func:`mfrec.fusion.by_hand.given_maps`; None where nobody asked.
    """

    images: Sequence[FloatArray]
    cleansed: Sequence[Cleaned]
    registrations: Sequence[Registration]
    believed: FloatArray
    shown: FloatArray
    usual: FloatArray | None = None
    share: FloatArray | None = None
    light: FloatArray | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """``N, H, W``."""
        height, width = self.registrations[0].look_up.shape[:2]
        return len(self.registrations), height, width

    def planes(self, frame: int, top: int, bottom: int) -> FloatArray:
        """Rows from ``top`` to ``bottom`` of one frame, ``[8, bottom - top, W]``, see :func:`planes_of`."""
        rows = slice(top, bottom)
        out = planes_of(self.images[frame], self.cleansed[frame], self.registrations[frame], rows)
        self._finish(out[:6], out[7], frame, rows)
        return out

    def cleaned(self, frame: int, top: int, bottom: int) -> FloatArray:
        """Of the same rows the planes that a picture is made of, ``[4, bottom - top, W]``: cleaned RGB and trust."""
        rows, registration, cleaned = slice(top, bottom), self.registrations[frame], self.cleansed[frame]
        finer = taken_through(cleaned.from_frame, registration.look_up[rows])
        out = np.empty((4, *finer.shape[:2]), np.float32)
        out[:3] = _lit(cleaned.image, finer, registration)
        out[3] = registration.trust[rows]
        self._finish(out[:3], out[3], frame, rows)
        return out

    def _finish(self, colours: FloatArray, trust: FloatArray, frame: int, rows: slice) -> None:
        """What is known of all frames together, put into the rows of one of them."""
        if self.usual is not None:
            seen = self.shown[frame, rows]
            colours[:] = seen * colours + (1 - seen) * self.usual[: len(colours), rows]
        trust *= self.believed[frame, rows]
        if self.share is not None and self.light is not None:
            trust[:] = trust * (1 - self.share[:, rows].sum(axis=0)) + self.share[frame, rows]
            light = self.light[frame, rows].transpose(2, 0, 1)
            colours += np.concatenate([light] * (len(colours) // 3))


def usual_colours(frames: LaidFrames) -> FloatArray | None:
    """The median of all frames where glare hides one of them, ``[6, H, W]`` as the first planes; None where none does.

    The network compares every frame with the reference and was not taught to do without, so there has to be a picture;
    :func:`mfrec.fusion.glare.credited` sees to it that the frame with the glare gets no credit for it.
    """
    if frames.shown.min() == 1:
        return None
    count, height, width = frames.shape
    hidden = frames.shown.min(axis=0) < 1
    out = np.zeros((6, height, width), np.float32)
    for top in range(0, height, STRIP):
        where, bottom = hidden[top : top + STRIP], min(top + STRIP, height)
        if where.any():
            seen = np.stack([frames.planes(k, top, bottom)[:6, where] for k in range(count)])
            out[:, top:bottom][:, where] = np.median(seen, axis=0)
    return out


STRIP = 64
"""Rows of the canvas that medians are taken of at a time."""


@dataclass(frozen=True, eq=False)
class LearnedFusion:
    """The network's opinion on its own grid.

    Attributes:
        image: ``[H, W, 3]`` float32 RGB, not clipped.
        weight: ``[N, H, W]`` float32 share of each frame; sums to 1 where a frame sees the pixel.
        sigma: ``[H, W]`` float32 expected standard deviation of a colour value, in [0, 1] grey levels.
        correction: ``[H, W, 3]`` float32: what the network added to the weighted mean of the cleaned frames.
    """

    image: FloatArray
    weight: FloatArray
    sigma: FloatArray
    correction: FloatArray


def fuse_frames(
    network: Any,
    frames: LaidFrames,
    told: FloatArray,
    reference: int,
    progress: Callable[[int], None] = lambda _read: None,
) -> LearnedFusion:
    """Run the network on the frames of one scene.

    Args:
        network: a :class:`mfrec.nets.fusion.Fusion` in evaluation mode.
        frames: on the network's canvas, whose sides are multiples of 4.
        told: ``[N, 8]``, see :func:`mfrec.camera.conditions.conditions`.
        reference: position of the reference.
        progress: told how many frames the network has read.
    """
    import torch

    from mfrec.nets.threads import one_thread

    device = next(network.parameters()).device
    with torch.inference_mode(), one_thread():
        made = network.of_frames(frames, torch.from_numpy(told).to(device), reference, progress)
        return LearnedFusion(
            image=made.image[0].permute(1, 2, 0).cpu().numpy(),
            weight=made.weight[0].cpu().numpy(),
            sigma=torch.exp(0.5 * made.log_variance[0, 0]).cpu().numpy(),
            correction=made.correction[0].permute(1, 2, 0).cpu().numpy(),
        )
