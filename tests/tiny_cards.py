"""Cards with weights beside them, as ``mfrec train`` writes them, of networks with a few hundred numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import save_file

SMALL = "features = 4\nblocks = 1\nscale = 2\n"
"""Arguments of the smallest SRResNet."""


def card_of(folder: Path, net: str, network: torch.nn.Module, arguments: str, objective: str = "fidelity") -> str:
    """The path of the card of a network, in a folder that is made for it."""
    folder.mkdir(exist_ok=True)
    save_file(network.state_dict(), folder / "net.safetensors")
    digest = hashlib.sha256((folder / "net.safetensors").read_bytes()).hexdigest()
    texts = "".join(f'{key} = "x"\n' for key in ("summary", "paper", "licence", "origin", "training", "input"))
    (folder / "net.toml").write_text(
        f'net = "{net}"\nfile = "net.safetensors"\nsha256 = "{digest}"\nobjective = "{objective}"\n{texts}'
        f"[arguments]\n{arguments}",
        "utf-8",
    )
    return str(folder / "net.toml")
