"""In which precision a device trains best, and how it lays out pictures for that.

bfloat16 halves the work where a processor computes it and multiplies it by ten where it is emulated. In float32,
PyTorch 2.13 corrupts the heap of the CPU in the backward pass of convolutions that are laid out channels last and have
a number of channels that is no multiple of eight; there, pictures stay as they are.
"""

from __future__ import annotations

import torch


def computes_bfloat16(device: str) -> bool:
    """Whether a device has instructions for bfloat16 of its own.

    Args:
        device: ``"cpu"`` or ``"cuda"``, with or without a number.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = torch.cpu.get_capabilities()
    # By these names on x86-64, and by the last on Arm.
    return any(bool(has.get(name, False)) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def layout(device: str, bfloat16: bool) -> torch.memory_format:
    """How four-dimensional tensors lie in memory in training on a device."""
    float32_on_cpu = torch.device(device).type == "cpu" and not bfloat16
    return torch.contiguous_format if float32_on_cpu else torch.channels_last
