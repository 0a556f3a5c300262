"""Glare: white that hides the picture in one frame, where most frames show that nothing there is white.

A lamp's reflection, a flash or a burnt-in box is no measurement of the face. It cannot be told from a white shirt or a
bright window by one frame; the others tell.
"""

from __future__ import annotations

import cv2
import numpy as np

from mfrec.image.colour import luma
from mfrec.image.geometry import similarity_map, warp
from mfrec.image.median import median_of
from mfrec.types import FaceTrack, FloatArray

WHITE = 0.98
"""Luma from which on a pixel may be clipped."""

DIFFERS, DIFFERS_BESIDE = 0.1, 0.02
"""How much darker the median of the frames must be for white to be glare. A bright background differs by less; so does
a bright forehead, and beside glare, in one piece with it, less is enough."""

LEAST, SPILLS = 3.0, 1.0
"""Side of the smallest glare, and how far it spills over, in pixels of the reference. The light in an eye is smaller,
and so are the seams along the edge of a white thing that is not registered well."""

TOLD = 0.005
"""Share of the picture from which on the reader is told of glare in the reference."""


def unhidden(track: FaceTrack) -> FloatArray:
    """What glare leaves of each registered frame: ``[N, H, W]`` on the canvas, 1, or 0 where it hides the picture."""
    assert track.canvas is not None
    plain = [luma(o.frame.image) for o in track.observations]
    # Of one number, which takes no memory: most frames hide nothing.
    everywhere = np.broadcast_to(np.float32(1), (len(plain), *track.canvas.shape))
    if max(float(light.max()) for light in plain) < WHITE:
        return everywhere
    canvas, lights, unbent = track.canvas, [], []
    for o, light in zip(track.observations, plain, strict=True):
        assert o.registration is not None and o.similarity is not None
        lights.append(warp(light, o.registration.look_up, interpolation="linear"))
        plainly = similarity_map(canvas.into_frame(o.similarity), *canvas.shape)
        unbent.append(warp(light, plainly, interpolation="linear"))
    anywhere = np.max(lights, axis=0) >= WHITE
    if not anywhere.any():
        return everywhere
    # The dense registration may draw something bright over the glare of the reference; the similarity cannot. What is
    # usual is asked only where a frame is white.
    usual = np.zeros(canvas.shape, np.float32)
    usual[anywhere] = np.minimum(
        *(np.median([light[anywhere] for light in seen], axis=0, overwrite_input=True) for seen in (lights, unbent))
    )
    shown = np.ones(everywhere.shape, np.float32)
    least, spill = (np.ones((side, side), np.uint8) for side in _sides(track.canvas.scale))
    for left, light in zip(shown, lights, strict=True):
        white = light >= WHITE
        # Where a square of the least size fits in. Not an opening: of an even side it comes out a pixel beside.
        core = cv2.erode((white & (usual < WHITE - DIFFERS)).astype(np.uint8), least)
        _, pieces = cv2.connectedComponents((white & (usual < WHITE - DIFFERS_BESIDE)).astype(np.uint8))
        glare = np.isin(pieces, np.unique(pieces[core > 0]))
        left[:] = 1 - cv2.dilate(glare.astype(np.uint8), spill)
    return shown


def _sides(scale: int) -> tuple[int, int]:
    """Of the smallest glare and of what glare is dilated by, in canvas pixels; the second is odd, so nothing shifts."""
    return max(1, round(LEAST * scale) - 1), 2 * round(SPILLS * scale) + 1


def credited(weight: FloatArray, shown: FloatArray) -> FloatArray:
    """The weights ``[N, H, W]`` of frames without those of glare; the other frames share what it had.

    In proportion to their own, and equally where they have nearly none.
    """
    if shown.min() == 1:
        return weight
    total = weight.sum(axis=0)
    left = (weight + 1e-3) * shown
    return np.asarray(left * total / np.maximum(left.sum(axis=0), 1e-12), np.float32)


def filled_reference(track: FaceTrack, shown: FloatArray) -> FloatArray:
    """The enlarged reference ``[H, W, 3]``, where glare hides it the median of all frames: something to register onto.

    Args:
        track: registered onto a reference.
        shown: of its frames, from :func:`unhidden`.
    """
    assert track.reference is not None
    frames = []
    for o in track.observations:
        registration = o.registration
        assert registration is not None
        frames.append(warp(o.frame.image, registration.look_up) * registration.gain + registration.offset)
    seen = shown[track.reference][..., None]
    return seen * frames[track.reference] + (1 - seen) * median_of(frames)


def told_of_glare(track: FaceTrack, shown: FloatArray) -> tuple[str, ...]:
    """A warning where a part of the reference is glare, so that the picture is that of the other frames there.

    Args:
        track: with a reference.
        shown: of its frames, from :func:`unhidden`.
    """
    assert track.reference is not None
    share = float(1 - shown[track.reference].mean())
    if share < TOLD:
        return ()
    name = track.observations[track.reference].frame.name
    return (
        f"glare hides {100 * share:.0f} % of the reference ('{name}'): the picture is that of the other frames there, "
        "which show it at another moment",
    )
