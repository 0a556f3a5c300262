"""A StyleGAN2-ADA generator as NVlabs' program stores it, with its own plain arithmetic, for the tests of the reader.

The modules below have the names and shapes of that program's tensors and nothing else of it. They pickle as its
``torch_utils.persistence`` does: a call of ``_reconstruct_persistent_obj`` with class name, source and state.
"""

from __future__ import annotations

import math
import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SOURCE = "raise SystemExit('the source that a pickle carries was run')"


def rebuilt(meta: Any) -> None:
    """In the place of the program's function, which no reader may call."""
    raise AssertionError("called")


class EasyDict(dict):
    """In the place of the program's."""


rebuilt.__module__, rebuilt.__qualname__ = "torch_utils.persistence", "_reconstruct_persistent_obj"
EasyDict.__module__, EasyDict.__qualname__, EasyDict.__name__ = "dnnlib.util", "EasyDict", "EasyDict"


class Persistent(nn.Module):
    """Pickles as a persistent class."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.class_name = name
        self._init_args, self._init_kwargs = (), EasyDict(w_dim=4)

    def __reduce__(self) -> Any:
        state = {**self.__dict__}
        meta = {"type": "class", "version": 6, "module_src": SOURCE, "class_name": self.class_name, "state": state}
        return rebuilt, (meta,), None


class Dense(Persistent):
    def __init__(self, before: int, after: int) -> None:
        super().__init__("FullyConnectedLayer")
        self.weight, self.bias = nn.Parameter(torch.randn(after, before)), nn.Parameter(torch.randn(after))


class Convolution(Persistent):
    """One of the synthesis; ``side`` 0 makes colours."""

    def __init__(self, before: int, after: int, latent: int, side: int) -> None:
        super().__init__("SynthesisLayer" if side else "ToRGBLayer")
        self.affine = Dense(latent, before)
        kernel = 3 if side else 1
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel).to(memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.randn(after))
        if side:
            self.register_buffer("noise_const", torch.randn(side, side))
            self.register_buffer("resample_filter", taps())
            self.noise_strength = nn.Parameter(torch.randn(()))


def taps() -> Tensor:
    row = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(row, row) / 64


def official_generator(side: int = 16, latent: int = 4, mapping: int = 3) -> Persistent:
    """A generator with random weights; 16 px has channels 6, 6, 3."""
    torch.manual_seed(3)
    channels = {4 << k: min(6, 48 // (4 << k)) for k in range(int(math.log2(side)) - 1)}
    whole, network, synthesis = Persistent("Generator"), Persistent("MappingNetwork"), Persistent("SynthesisNetwork")
    for number in range(mapping):
        setattr(network, f"fc{number}", Dense(latent, latent))
    network.register_buffer("w_avg", torch.randn(latent))
    before = 0
    for size, count in channels.items():
        block = Persistent("SynthesisBlock")
        block.register_buffer("resample_filter", taps())
        if not before:
            block.const = nn.Parameter(torch.randn(count, 4, 4))
        else:
            block.conv0 = Convolution(before, count, latent, size)
        block.conv1, block.torgb = Convolution(count, count, latent, size), Convolution(count, 3, latent, 0)
        setattr(synthesis, f"b{size}", block)
        before = count
    whole.synthesis, whole.mapping = synthesis, network
    return whole.eval()


@contextmanager
def the_program_installed() -> Iterator[None]:
    """Its modules by name, so that a pickle can be written; gone again afterwards."""
    fakes = {}
    for name, members in {
        "torch_utils": {},
        "torch_utils.persistence": {"_reconstruct_persistent_obj": rebuilt},
        "dnnlib": {},
        "dnnlib.util": {"EasyDict": EasyDict},
    }.items():
        fakes[name] = types.ModuleType(name)
        vars(fakes[name]).update(members)
    sys.modules.update(fakes)
    try:
        yield
    finally:
        for name in fakes:
            del sys.modules[name]


def pickled(value: Any, protocol: int = 4) -> bytes:
    with the_program_installed():
        return pickle.dumps(value, protocol)


def drawn(generator: Any, z: Tensor, psi: float) -> Tensor:
    """Pictures ``[B, 3, side, side]`` about [-1, 1], by weights of each picture and by zeros between the pixels."""
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    mapping = dict(generator.mapping.named_children())
    for layer in mapping.values():
        weight = layer.weight * (0.01 / math.sqrt(layer.weight.shape[1]))
        x = functional.leaky_relu(x @ weight.T + layer.bias * 0.01, 0.2) * math.sqrt(2)
    w = generator.mapping.w_avg + psi * (x - generator.mapping.w_avg)
    picture, features = torch.zeros(len(z), 3, 2, 2), torch.zeros(0)
    for name, block in generator.synthesis.named_children():
        if name == "b4":
            features = block.const.expand(len(z), -1, -1, -1)
        else:
            features = finished(block.conv0, modulated(block.conv0, features, w, doubled=True))
        features = finished(block.conv1, modulated(block.conv1, features, w))
        colours = modulated(block.torgb, features, w, plain=True) + block.torgb.bias[:, None, None]
        picture = colours if name == "b4" else filtered(spaced(picture), 2, 1) + colours
    return picture


def modulated(layer: Any, x: Tensor, w: Tensor, *, doubled: bool = False, plain: bool = False) -> Tensor:
    style = w @ layer.affine.weight.T / math.sqrt(w.shape[1]) + layer.affine.bias
    out = []
    for one, of_one in zip(x, style, strict=True):
        weight = layer.weight * of_one[None, :, None, None]
        if plain:
            weight = weight / math.sqrt(layer.weight.shape[1])
        else:
            weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if doubled:
            # A convolution, and not a correlation, of pixels with zeros between them.
            wide = functional.pad(spaced(one[None]), (2, 1, 2, 1))
            out.append(filtered(functional.conv2d(wide, weight.flip(2, 3)), 1, 1))
        else:
            out.append(functional.conv2d(one[None], weight, padding=weight.shape[-1] // 2))
    return torch.cat(out)


def finished(layer: Any, x: Tensor) -> Tensor:
    x = x + layer.noise_const * layer.noise_strength + layer.bias[:, None, None]
    return functional.leaky_relu(x, 0.2) * math.sqrt(2)


def spaced(x: Tensor) -> Tensor:
    """Twice as large, with zeros after each row and column."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def filtered(x: Tensor, before: int, after: int) -> Tensor:
    """Through the filter 1 3 3 1, four times, which the zeros take away."""
    padded = functional.pad(x, (before, after, before, after))
    return functional.conv2d(padded, (4 * taps()).expand(x.shape[1], 1, 4, 4), groups=x.shape[1])
