"""The only file that imports fastai: what the training uses of it, made importable beside any build of PyTorch.

fastai needs torchvision. A registry's usual torchvision is compiled for the CUDA build of PyTorch; beside a build for
the CPU its compiled half cannot be loaded, and its Python half then stops at the first operator that it does not find
("operator torchvision::nms does not exist"). Nothing here detects objects, so an operator of that name without a body
is enough. Where the real ones load, nothing is defined.
"""

from __future__ import annotations

import importlib
import sys

import torch

OPERATORS = ("nms", "qnms")


def import_torchvision() -> torch.library.Library | None:
    """Import torchvision, with stand-ins for the operators of its compiled half where that does not load.

    Returns:
        What keeps the stand-ins defined; None where none were needed.
    """
    try:
        importlib.import_module("torchvision")
        return None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    # What the failed import has left behind would make the next one skip the same lines.
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for name in OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    importlib.import_module("torchvision")
    return library


STAND_INS = import_torchvision()

from fastai.callback import core  # noqa: E402
from fastai.callback.core import Callback, TrainEvalCallback  # noqa: E402
from fastai.callback.training import GradientClip  # noqa: E402
from fastai.data.core import DataLoaders  # noqa: E402
from fastai.learner import AvgMetric, Learner, Recorder  # noqa: E402
from fastai.optimizer import OptimWrapper  # noqa: E402
from fastai.torch_core import num_distrib, rank_distrib  # noqa: E402

CancelFitException: type[Exception] = core.CancelFitException
"""Raised by a callback to end a fit early; fastai makes the class when it is imported."""

__all__ = [
    "STAND_INS",
    "AvgMetric",
    "Callback",
    "CancelFitException",
    "DataLoaders",
    "GradientClip",
    "Learner",
    "OptimWrapper",
    "Recorder",
    "TrainEvalCallback",
    "num_distrib",
    "rank_distrib",
]
