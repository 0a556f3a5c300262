"""Files of PyTorch, read with its restricted unpickler, which makes tensors and plain values and runs no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mfrec.documents import DocumentError


def read_torch_file(path: Path) -> Any:
    """What a file of ``torch.save`` holds, on the CPU.

    Raises:
        FileNotFoundError: there is none.
        DocumentError: it is damaged, or holds something else than tensors and plain values.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # whatever the unpickler trips over, the file is not one that it knows
        first = str(error).partition("\n")[0]
        raise DocumentError(first or type(error).__name__) from None
