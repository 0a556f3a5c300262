"""A frame as the super-resolution sees it, and the parameters of its estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfrec.camera.noise import NoiseModel
from mfrec.image.colour import luma
from mfrec.image.geometry import warp
from mfrec.registration.dense import without_aliases
from mfrec.types import FloatArray, Registration


@dataclass(frozen=True)
class MapSettings:
    """Parameters of the estimate; grey levels are in [0, 1], lengths in frame pixels.

    Attributes:
        psf_sigma: standard deviation of the point-spread function, pixel aperture included.
        prior_sigma: expected difference between neighbouring canvas pixels away from edges.
        edge: difference above which a step counts as an edge and is spared.
        chroma_prior: expected difference between neighbouring canvas pixels of colour, as a multiple of that of luma.
        registration_sigma: error that a perfect frame has after registration, because registration is not perfect.
        shared: standard deviation of the error of registration that all frames beside the reference have in common, for
            each frame pixel by which the flows forward and backward miss each other; see :func:`registration_variance`.
        agreement: difference to the current estimate at which a frame's weight is halved.
        likeness: difference to the reference, both without their detail, at which a frame's weight is halved: another
            expression, an occlusion. Coarser than ``agreement``: a blurred reference does not reject sharp frames.
        detail_power: how strongly a frame that shows less detail than the others at a place loses weight there.
        outer, inner: reweightings, and conjugate-gradient steps in each.
    """

    psf_sigma: float = 0.35
    prior_sigma: float = 21 / 255
    edge: float = 3 / 255
    chroma_prior: float = 1.2
    registration_sigma: float = 4 / 255
    shared: float = 0.0
    agreement: float = 10 / 255
    likeness: float = 14 / 255
    detail_power: float = 2.0
    outer: int = 3
    inner: int = 10


@dataclass(frozen=True, eq=False)
class Source:
    """One frame as the estimate sees it.

    Attributes:
        image: ``[h, w, 3]`` RGB, the frame's window, already in the light of the reference.
        warped: ``[H, W, 3]`` the same on the canvas, bicubic.
        registration: onto the canvas.
        noise: of its pixels, in that light.
        is_reference: the reference is registered exactly.
        usable: ``[H, W]`` how far it may be used by what is known beforehand (region quality), 0..1.
        shown: ``[H, W]`` 0 where glare hides the picture, else 1, see :mod:`mfrec.fusion.glare`.
        given: ``[H, W]`` how far the pixel is to be taken from this frame alone, 0..1, see :mod:`mfrec.fusion.by_hand`.
    """

    image: FloatArray
    warped: FloatArray
    registration: Registration
    noise: NoiseModel
    is_reference: bool
    usable: FloatArray
    shown: FloatArray
    given: FloatArray


def as_source(
    image: FloatArray,
    registration: Registration,
    noise: NoiseModel,
    is_reference: bool,
    *,
    usable: FloatArray | None = None,
    shown: FloatArray | None = None,
    given: FloatArray | None = None,
) -> Source:
    """Bring a frame into the reference's light and onto the canvas; what brightens it amplifies its noise."""
    lit = image * registration.gain + registration.offset
    x0, y0 = registration.window
    rows, columns = registration.landing.shape[:2]
    warped = warp(without_aliases(lit, 1.0 / registration.spacing), registration.look_up)
    amplified = noise.scaled(float(luma(registration.gain)))
    # Of one number each, which takes no memory: there is one for every frame, in both pictures.
    everywhere, nowhere = (np.broadcast_to(np.float32(value), warped.shape[:2]) for value in (1, 0))
    return Source(
        image=lit[y0 : y0 + rows, x0 : x0 + columns],
        warped=warped,
        registration=registration,
        noise=amplified,
        is_reference=is_reference,
        usable=everywhere if usable is None else usable,
        shown=everywhere if shown is None else shown,
        given=nowhere if given is None else given,
    )
