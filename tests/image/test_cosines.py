"""The cosine transform of blocks is SciPy's."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct, dctn

from mfrec.image.cosines import cosine_transform, cosines


def test_matrix_is_the_transform_of_single_samples() -> None:
    for size in (4, 8, 16):
        np.testing.assert_allclose(cosines(size), np.asarray(dct(np.eye(size), axis=0, norm="ortho")), atol=1e-14)
        np.testing.assert_allclose(cosines(size) @ cosines(size).T, np.eye(size), atol=1e-14)


def test_blocks_keep_their_type_and_energy() -> None:
    blocks = np.random.default_rng(0).normal(size=(3, 5, 8, 8))
    for kind, error in ((np.float64, 1e-13), (np.float32, 1e-5)):
        found = cosine_transform(blocks.astype(kind))
        assert found.dtype == kind
        np.testing.assert_allclose(found, np.asarray(dctn(blocks, axes=(2, 3), norm="ortho")), atol=error)
        np.testing.assert_allclose((found**2).sum(), (blocks**2).sum(), rtol=1e-5)
