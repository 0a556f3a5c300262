"""Sharpness without a reference: the share of edges whose blur a person would not notice (CPBD).

Narvekar and Karam, "A no-reference image blur metric based on the cumulative probability of blur detection
(CPBD)", IEEE Transactions on Image Processing 20(9), 2011. An edge of width ``w`` in a block of contrast ``C`` looks
blurred with probability ``1 - exp(-(w / w_jnb(C))^3.6)`` (equation 1), where the just noticeable width ``w_jnb`` is
5 px up to a contrast of 50 grey levels and 3 px above (equation 2). The metric is the share of edges for which that
probability is at most 63 %, the value at ``w = w_jnb`` (equation 5). Widths are measured along rows, as by Marziliano
et al. (ICIP 2002). Details that the paper leaves open (thresholds, thinning, how angles are rounded) follow the
authors' release 1.0, so that values can be compared with published ones.

The metric rewards whatever makes edges steep, halos and invented edges included. It says nothing about truth. Near
0 it rests on a handful of edges: twice the blur never raised it on 421 faces, but a step of a quarter pixel can, by a
few thousandths, because the weakest edges drop out of the count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.image.colour import TO_YCC
from mfrec.metrics.pair import checked_picture

BLOCK = 64
"""Side in pixels of the blocks whose contrast is taken; what is left over at the right and below is not looked at."""

EDGE_SHARE = 0.002
"""A block counts where more than this share of its pixels are Canny edges."""

BETA = 3.6
LONGEST = 101
"""One side of an edge is followed no farther than this, in pixels."""


def cpbd(image: Any) -> float:
    """Cumulative probability of blur detection.

    Args:
        image: ``[H, W, 3]`` RGB (its luma is looked at) or ``[H, W]``, floating point in [0, 1].

    Returns:
        In [0, 1], more is sharper; 0 for a picture without edges, a constant one included.

    Raises:
        ValueError: a side is shorter than a block, or a value is not finite or outside [0, 1].
        TypeError: not floating point.
    """
    from skimage.feature import canny

    image = checked_picture(image)
    height, width = image.shape[:2]
    if min(height, width) < BLOCK:
        raise ValueError(f"the picture has {width} x {height} px, expected at least {BLOCK} x {BLOCK}, a block of CPBD")
    grey = 255.0 * (image @ TO_YCC[0].astype(np.float64) if image.ndim == 3 else image)
    widths = edge_widths(grey)
    strong = canny(grey)
    unnoticed = edges = 0
    for top in range(0, height - BLOCK + 1, BLOCK):
        for left in range(0, width - BLOCK + 1, BLOCK):
            block = np.s_[top : top + BLOCK, left : left + BLOCK]
            if np.count_nonzero(strong[block]) <= EDGE_SHARE * BLOCK**2:
                continue
            found = widths[block][widths[block] > 0]
            just_noticeable = 5.0 if int(np.ptp(grey[block])) <= 50 else 3.0
            seen = 1.0 - np.exp(-((found / just_noticeable) ** BETA))
            unnoticed += int(np.count_nonzero(np.rint(100 * seen) <= 63))
            edges += len(found)
    return unnoticed / edges if edges else 0.0


def edge_widths(grey: NDArray[np.float64]) -> NDArray[np.int64]:
    """Width of every upright edge, measured along its row.

    An edge pixel's width is the length of the monotone run of grey levels through it: from the local extremum
    on its left to the one on its right.

    Args:
        grey: ``[H, W]`` grey levels from 0 to 255.

    Returns:
        ``[H, W]`` pixels; 0 where there is no edge, or one whose gradient points up or down.
    """
    down, across = np.gradient(grey)
    # Where the horizontal gradient is exactly zero the release takes the angle as 0 whatever the vertical one is.
    angle = np.where(across != 0, np.degrees(np.arctan2(down, across)), 0.0)
    quarter = np.rint(angle / 45)
    edges = upright_edges(grey)
    edges[[0, -1]] = False
    edges[:, [0, -1]] = False
    widths = np.zeros(grey.shape, np.int64)
    for profile, pointing in ((grey, quarter == 0), (-grey, np.abs(quarter) == 4)):
        rises = np.diff(profile, axis=1) > 0
        # before[:, c]: how many steps in a row rise up to column c; after[:, c]: from it.
        before = np.zeros(grey.shape, np.int64)
        after = np.zeros(grey.shape, np.int64)
        for column in range(1, grey.shape[1]):
            before[:, column] = np.where(rises[:, column - 1], before[:, column - 1] + 1, 0)
            after[:, -1 - column] = np.where(rises[:, -column], after[:, -column] + 1, 0)
        span = np.zeros(grey.shape, np.int64)
        span[:, 1:-1] = np.minimum(before[:, :-2] + 1, LONGEST) + np.minimum(after[:, 2:] + 1, LONGEST)
        here = edges & pointing
        widths[here] = span[here]
    return widths


def upright_edges(grey: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the squared horizontal Sobel response is above its threshold and a maximum along its row or column.

    ``[H, W]`` bool. The threshold is twice the root of the mean squared response, and it is compared with the *squared*
    response: that is what the release does, and why grey levels have to run to 255.
    """
    from scipy.ndimage import convolve

    kernel = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]) / 8.0
    strength = convolve(grey, kernel) ** 2
    strength[strength <= 2.0 * np.sqrt(strength.mean())] = 0.0
    padded = np.pad(strength, 1)
    along_row = (strength > padded[1:-1, :-2]) & (strength > padded[1:-1, 2:])
    along_column = (strength > padded[:-2, 1:-1]) & (strength > padded[2:, 1:-1])
    return along_row | along_column
