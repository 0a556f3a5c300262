"""Perceptual distance: how different two pictures look to a network that was fitted to what people say.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric" (LPIPS, CVPR 2018, equation 1)
with the shift-tolerant AlexNet of Ghildyal and Liu (ECCV 2022), whose BSD-2 weights ship in the package
``stlpips-pytorch``. The network is :mod:`mfrec.nets.shift_tolerant`. It asks whether a result *looks* like the
truth: an invented eye of the right kind costs little. Read it beside the identity distance, never instead of it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.errors import WeightsError
from mfrec.metrics.pair import checked_pair
from mfrec.runtime.extras import not_installed

if TYPE_CHECKING:
    from mfrec.nets.shift_tolerant import ShiftTolerant

PACKAGE = "stlpips_pytorch"
FILE = "weights/vST0.0/alex_shift_tolerant.pth"
SHA256 = "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee"

SMALLEST = 40
"""Sides below this leave no pixel in the deepest layer."""


def perceptual_distance(result: Any, truth: Any) -> float:
    """Shift-tolerant LPIPS of two pictures.

    Args:
        result, truth: ``[H, W, 3]`` RGB or ``[H, W]``, floating point in [0, 1], at least 40 px a side.

    Returns:
        0 for identical pictures; less is more alike, about 0.5 is nothing in common.

    Raises:
        ValueError: shapes differ, a side is too short, or a value is not finite or outside [0, 1].
        TypeError: not floating point.
        WeightsError: PyTorch or the weights are not installed, or the weights are damaged.
    """
    result, truth = checked_pair(result, truth)
    height, width = truth.shape[:2]
    if min(height, width) < SMALLEST:
        raise ValueError(f"the pictures have {width} x {height} px, expected at least {SMALLEST} x {SMALLEST}")
    network = load_shift_tolerant()
    import torch

    pair = [np.dstack([image] * 3) if image.ndim == 2 else image for image in (result, truth)]
    # A view of [H, W, 3] as [3, H, W] has its channels last, as convolutions on a processor like it best.
    a, b = (torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None] for image in pair)
    with torch.inference_mode():
        return float(network(a, b))


@functools.cache
def load_shift_tolerant() -> ShiftTolerant:
    """The network with its verified weights.

    Raises:
        WeightsError: PyTorch or the weights are not installed, or the file is not the one that is expected.
    """
    if importlib.util.find_spec("torch") is None:
        raise WeightsError("the perceptual distance needs PyTorch; install it with mfrec's extra 'peers'")
    import torch

    from mfrec.nets.shift_tolerant import ShiftTolerant

    path = weights_path()
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise WeightsError(
            f"'{path.name}' is not the file that mfrec knows: SHA-256 {found[:16]}..., expected {SHA256[:16]}...; "
            "install the package again (pip install --force-reinstall --no-deps stlpips-pytorch==0.0.2)"
        )
    # Tensors only: nothing else in the file is unpickled.
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = ShiftTolerant().eval()
    # The authors number the layers of five slices; the convolutions come in the order in which they are applied.
    network.load_state_dict(renamed(state), strict=True)
    return network.requires_grad_(False).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def weights_path() -> Path:
    """Where the package keeps its weights; the package itself is never imported, it wants much that mfrec does not.

    Raises:
        WeightsError: it is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    path = Path(spec.submodule_search_locations[0]) / FILE if spec and spec.submodule_search_locations else None
    if path is None or not path.is_file():
        raise WeightsError(
            not_installed(f"the perceptual distance, which reads '{Path(FILE).name}',", "stlpips-pytorch", "peers")
        )
    return path


def renamed(state: dict[str, Any]) -> dict[str, Any]:
    """The tensors of the authors' file under the names of :class:`~mfrec.nets.shift_tolerant.ShiftTolerant`."""
    layers = sorted({key.rsplit(".", 1)[0] for key in state if key.startswith("net.slice") and key.endswith(".bias")})
    out = {
        f"convolutions.{i}.{part}": state[f"{layer}.{part}"]
        for i, layer in enumerate(layers)
        for part in ("weight", "bias")
    }
    return out | {f"importance.{i}.weight": state[f"lin{i}.model.1.weight"] for i in range(len(layers))}
