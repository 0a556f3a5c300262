"""Transfer functions and primaries: from the signals of cameras and screens to sRGB.

Light is linear and relative: 1 is what sRGB shows as white. Codes are those of ITU-T H.273 (tables 2 and 3), which
video streams, AVIF, HEIF and PNG share.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mfrec.types import FloatArray

REFERENCE_WHITE = 203.0
"""cd/m2 of diffuse white in HDR pictures, 75 % of the HLG signal and 58 % of the PQ signal (ITU-R BT.2408, table 1)."""

HLG_PEAK = 1000.0
"""cd/m2 of the screen for which the HLG system gamma is 1.2 (ITU-R BT.2100, table 5)."""

PRIMARIES = {
    1: ("BT.709", ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)), (0.3127, 0.3290)),
    4: ("BT.470 M", ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.310, 0.316)),
    5: ("BT.601 625", ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), (0.3127, 0.3290)),
    6: ("BT.601 525", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), (0.3127, 0.3290)),
    7: ("SMPTE 240M", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), (0.3127, 0.3290)),
    8: ("film", ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), (0.310, 0.316)),
    9: ("BT.2020", ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), (0.3127, 0.3290)),
    11: ("DCI P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), (0.314, 0.351)),
    12: ("Display P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), (0.3127, 0.3290)),
}
"""Code to name, chromaticities of red, green and blue, and of white (H.273, table 2)."""

WIDE = (4, 8, 9, 11, 12)
"""Primaries far enough from those of sRGB to be converted; those of BT.601 differ by less than eyes or codecs."""

PQ, HLG, LINEAR = 16, 18, 8
"""Codes of transfer characteristics (H.273, table 3) that are no ordinary gamma."""


def srgb_from_linear(light: NDArray) -> FloatArray:
    """Encode light, clipped to [0, 1] (IEC 61966-2-1)."""
    light = np.clip(light, 0, 1).astype(np.float32, copy=False)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** np.float32(1 / 2.4) - 0.055).astype(np.float32)


def linear_from_srgb(signal: NDArray) -> FloatArray:
    """The inverse of :func:`srgb_from_linear` on [0, 1]."""
    signal = np.asarray(signal, np.float32)
    high = ((signal + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(signal <= 0.04045, signal / 12.92, high).astype(np.float32)


def linear_from_pq(signal: NDArray) -> FloatArray:
    """Light of a perceptual-quantiser signal ``[...]`` in [0, 1] (SMPTE ST 2084, equation 4.1), 1 at diffuse white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = np.asarray(signal, np.float64) ** (1 / m2)
    nits = 10000.0 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return (nits / REFERENCE_WHITE).astype(np.float32)


def linear_from_hlg(signal: NDArray) -> FloatArray:
    """Light on the screen of a hybrid log-gamma signal ``[..., 3]`` in [0, 1] (ITU-R BT.2100, table 5).

    The inverse OETF gives the light of the scene, the OOTF with a gamma of 1.2 that of the screen.
    """
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    signal = np.asarray(signal, np.float64)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    nits = HLG_PEAK * np.maximum(luminance, 1e-9)[..., None] ** 0.2 * scene
    return (nits / REFERENCE_WHITE).astype(np.float32)


def to_xyz(primaries: Sequence[tuple[float, float]], white: tuple[float, float]) -> NDArray[np.float64]:
    """``[3, 3]``: linear RGB of these chromaticities to CIE XYZ, luminance of white 1 (SMPTE RP 177)."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    x, y = white
    return columns * np.linalg.solve(columns, np.array([x / y, 1.0, (1 - x - y) / y]))


def to_srgb_primaries(primaries: Sequence[tuple[float, float]], white: tuple[float, float]) -> NDArray[np.float64]:
    """``[3, 3]``: linear RGB of these chromaticities to linear sRGB; white stays white (Bradford adaptation)."""
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    _, srgb, d65 = PRIMARIES[1]
    cones = [bradford @ np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in (d65, white)]
    adapted = np.linalg.solve(bradford, np.diag(cones[0] / cones[1]) @ bradford)
    return np.asarray(np.linalg.solve(to_xyz(srgb, d65), adapted @ to_xyz(primaries, white)), np.float64)
