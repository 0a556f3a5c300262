"""The processor or graphics card that networks run on."""

from __future__ import annotations

from mfrec.errors import UsageError


def resolve_device(device: str) -> str:
    """``"cpu"`` or ``"cuda"``; ``"auto"`` is the graphics card where PyTorch finds one.

    Raises:
        UsageError: an unknown device, or CUDA where there is none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"there is no device '{device}'; expected auto, cpu or cuda")
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise UsageError("PyTorch finds no CUDA device on this machine; use --device cpu")
    return "cpu"
