"""The Fréchet distance between two sets of pictures, by the features of a network.

Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, "GANs trained by a two time-scale update rule converge to a local
Nash equilibrium", NeurIPS 2017, equation 6: both sets of features are taken for normal, and the distance between the
two normal distributions (Dowson and Landau, J. Multivariate Analysis 12(3), 1982) is 0 where their means and
covariances are one. Theirs, the FID, is by the last pooling layer of an Inception network. With other features, and of
another number of pictures, the numbers are other ones: they compare generators among each other and nothing else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def frechet_distance(a: NDArray, b: NDArray) -> float:
    """``|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))``.

    Args:
        a, b: features ``[N, D]`` and ``[M, D]``, at least two of each.

    Raises:
        ValueError: fewer, or of different lengths.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features of shapes {a.shape} and {b.shape}; expected two sets of vectors of one length")
    first, second = (np.asarray(values, np.float64) for values in (a, b))
    apart = first.mean(axis=0) - second.mean(axis=0)
    one, other = (np.atleast_2d(np.cov(values, rowvar=False)) for values in (first, second))
    # The eigenvalues of C_a C_b are those of the symmetric R C_b R with R the root of C_a.
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()
    return float(max(0.0, apart @ apart + np.trace(one) + np.trace(other) - 2 * shared))
