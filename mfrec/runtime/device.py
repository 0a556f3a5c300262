"""The processor or graphics card that networks run on."""

from __future__ import annotations

from mfrec.errors import UsageError
from mfrec.runtime.memory import check_limit


def resolve_device(device: str) -> str:
    """``"cpu"`` or ``"cuda"``; ``"auto"`` is the graphics card where PyTorch finds one.

    Raises:
        UsageError: an unknown device, CUDA where there is none, or a limit of memory below what PyTorch needs.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"there is no device '{device}'; expected auto, cpu or cuda")
    check_limit()
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise UsageError("PyTorch finds no CUDA device on this machine; use --device cpu")
    return "cpu"
