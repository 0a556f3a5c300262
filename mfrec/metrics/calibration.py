"""Whether a stated uncertainty is worth something: does the error lie where it was expected, and is it as large?

Three questions, after Ilg et al., "Uncertainty estimates and multi-hypotheses networks for optical flow" (ECCV 2018,
section 5, sparsification) and Kendall and Gal, "What uncertainties do we need in Bayesian deep learning for computer
vision?" (NeurIPS 2017, section 5.3). The error of a pixel is the root of the mean squared difference of its channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.metrics.pair import checked_pair


def tenth_ratio(uncertainty: Any, result: Any, truth: Any) -> float:
    """Mean error of the tenth of the pixels that were said to be best, over that of the tenth said to be worst.

    Args:
        uncertainty: ``[H, W]`` expected standard deviation, above or equal to 0.
        result, truth: ``[H, W]`` or ``[H, W, 3]``, floating point in [0, 1].

    Returns:
        0 is perfect order, about 1 is none. 1 where both tenths are free of error.

    Raises:
        ValueError: see :func:`errors_by_uncertainty`.
        TypeError: not floating point.
    """
    _, error = errors_by_uncertainty(uncertainty, result, truth)
    count = max(1, len(error) // 10)
    best, worst = float(error[:count].mean()), float(error[-count:].mean())
    if worst == 0.0:
        return 1.0 if best == 0.0 else float("inf")
    return best / worst


def rank_correlation(uncertainty: Any, result: Any, truth: Any) -> float:
    """Spearman's correlation between stated uncertainty and error over all pixels; arguments as :func:`tenth_ratio`.

    Returns:
        In [-1, 1]; 1 is perfect order. 0 where every error is the same.
    """
    from scipy.stats import spearmanr

    said, error = errors_by_uncertainty(uncertainty, result, truth)
    if np.ptp(error) == 0.0:
        return 0.0
    found: Any = spearmanr(said, error)
    return float(found.statistic)


def normalised_error(uncertainty: Any, result: Any, truth: Any) -> float:
    """Root-mean-square of error over stated uncertainty; arguments as :func:`tenth_ratio`.

    Returns:
        1 where the uncertainty is as large as the error, above 1 where it was too confident.

    Raises:
        ValueError: as :func:`tenth_ratio`, or an uncertainty of 0, which allows no error at all.
    """
    said, error = errors_by_uncertainty(uncertainty, result, truth)
    if said[0] == 0.0:
        raise ValueError("an uncertainty of 0 allows no error at all; give a standard deviation above 0 to every pixel")
    return float(np.sqrt(np.mean((error / said) ** 2)))


def errors_by_uncertainty(uncertainty: Any, result: Any, truth: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Stated uncertainty, rising, and the error of the same pixels, both ``[H * W]``.

    Raises:
        ValueError: shapes differ, an uncertainty is negative, not finite or the same everywhere, or see
            :func:`~mfrec.metrics.pair.checked_pair`.
        TypeError: not floating point.
    """
    result, truth = checked_pair(result, truth)
    said = np.asarray(uncertainty, np.float64)
    if said.shape != truth.shape[:2]:
        raise ValueError(f"the uncertainty has shape {said.shape}, expected {truth.shape[:2]}, one value a pixel")
    if not np.isfinite(said).all() or said.min() < 0:
        raise ValueError(
            "the uncertainty holds values that are negative, NaN or infinite; expected standard deviations"
        )
    if np.ptp(said) == 0:
        raise ValueError("the uncertainty is the same everywhere, so it puts the pixels into no order")
    squared = (result - truth) ** 2
    error = np.sqrt(squared if squared.ndim == 2 else squared.mean(axis=2)).ravel()
    order = np.argsort(said, axis=None, kind="stable")
    return said.ravel()[order], error[order]
