"""Intersection over union of label maps, class by class.

Everingham, Van Gool, Williams, Winn and Zisserman, "The PASCAL visual object classes (VOC) challenge", IJCV 88, 2010,
where it is the accuracy of segmentation.

Counted over all pixels of all pictures together, so a class that a picture does not have costs nothing there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def confusion(found: NDArray, truth: NDArray, classes: int) -> NDArray[np.int64]:
    """How often each true class was called each class.

    Args:
        found, truth: ``[...]`` ids; pixels whose true id is no class are left out.
        classes: how many; ids are below it.

    Returns:
        ``[classes, classes]``, rows are true classes. The matrices of several pictures may be added.
    """
    known = truth < classes
    pairs = truth[known].astype(np.int64) * classes + found[known]
    return np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)


def iou(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """``[classes]`` from a confusion matrix; NaN for a class that is neither there nor was found."""
    both = np.diag(matrix).astype(np.float64)
    either = matrix.sum(axis=0) + matrix.sum(axis=1) - both
    return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)
