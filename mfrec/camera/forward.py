"""The camera as mfrec declares it: how a sharp picture on the canvas becomes the pixels of a frame.

A frame pixel is the mean of the scene under a point-spread function, taken where the registration says that the
pixel lands: ``y = S B x``, with ``x`` the canvas, ``B`` a Gaussian blur and ``S`` bilinear sampling at the
landing points. Both are linear and their adjoints are exact, which conjugate gradients need. This is the
observation model of Elad and Feuer (IEEE TIP 1997) with blur and warp exchanged, which is allowed because the blur
is isotropic and the motion close to a similarity (Elad and Hel-Or, IEEE TIP 2001).
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import sparse

from mfrec.types import Canvas, FloatArray, Registration


def psf_on_canvas(psf_sigma: float, registration: Registration) -> float:
    """The point-spread function of a frame in canvas pixels; ``psf_sigma`` is in pixels of that frame.

    A frame in which the face is twice as large has a point-spread function half as wide on the canvas. Rounded to a
    twentieth of an octave, so that frames of one size share one blur.
    """
    spacing = 2.0 ** (np.round(20 * np.log2(registration.spacing)) / 20)
    return max(0.2, psf_sigma * float(spacing))


def blur(plane: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur ``[H, W]`` with zeros outside, which makes it its own adjoint; ``sigma`` in pixels."""
    radius = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    out = cv2.sepFilter2D(plane, -1, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(out, np.float32)


def sampling_matrix(landing: FloatArray, height: int, width: int) -> sparse.csr_matrix:
    """``S``: bilinear sampling of a canvas at landing points.

    Args:
        landing: ``[h, w, 2]`` ``(x, y)`` on the canvas; points outside get an empty row.
        height, width: of the canvas.

    Returns:
        ``[h * w, height * width]`` float32; every row sums to 1, or to 0 outside.
    """
    x, y = landing[..., 0].ravel().astype(np.float64), landing[..., 1].ravel().astype(np.float64)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    rows = np.flatnonzero(inside)
    x, y = x[inside], y[inside]
    left = np.minimum(np.floor(x), width - 2).astype(np.int64)
    top = np.minimum(np.floor(y), height - 2).astype(np.int64)
    fx, fy = x - left, y - top
    values = np.concatenate([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy]).astype(np.float32)
    corner = top * width + left
    columns = np.concatenate([corner, corner + 1, corner + width, corner + width + 1])
    shape = (landing.shape[0] * landing.shape[1], height * width)
    return sparse.csr_matrix((values, (np.tile(rows, 4), columns)), shape=shape)


def degrade(image: FloatArray, registration: Registration, canvas: Canvas, psf_sigma: float) -> FloatArray:
    """What a frame would have measured if ``image`` were the truth.

    Args:
        image: ``[H, W, 3]`` on the canvas.
        registration: of that frame.
        psf_sigma: standard deviation of the point-spread function, pixel aperture included, in frame pixels.

    Returns:
        ``[h, w, 3]`` on the frame's window, in the light of the reference; NaN where a pixel does not land on the
        canvas.
    """
    height, width = canvas.shape
    sigma = psf_on_canvas(psf_sigma, registration)
    # Mirrored surroundings keep the border from darkening; the solver pads its canvas instead.
    margin = int(np.ceil(3 * sigma))
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    soft = np.dstack([blur(np.ascontiguousarray(padded[..., c]), sigma) for c in range(3)])
    soft = soft[margin:-margin, margin:-margin]
    matrix = sampling_matrix(registration.landing, height, width)
    out = matrix @ soft.reshape(-1, 3)
    out[np.diff(matrix.indptr) == 0] = np.nan
    return out.reshape(*registration.landing.shape[:2], 3).astype(np.float32)


PSF = {"still": 0.35, "unknown": 0.5, "video": 0.65}
"""Declared point-spread function by kind of frame, standard deviation in frame pixels. Pictures coded one by one are
taken to be little softer than a square pixel's own 0.29; video has lens, pixel and the codec's loss of detail."""
