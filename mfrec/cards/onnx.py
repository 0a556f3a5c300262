"""A network as an ONNX file, for programs without PyTorch, checked against PyTorch before it is kept.

The table ``[inputs]`` of the card says which sizes may vary::

    [inputs]
    frames = ["batch", 7, 3, "height", "width"]             # numbers are fixed, names are free
    stack = ["batch", "frames", 8, "4*height", "4*width"]   # only multiples of four
    reference = { shape = ["batch"], kind = "int64" }       # the others are float32
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfrec.cards.load import Card, cards_folder, load_network, read_card
from mfrec.errors import UsageError, WeightsError
from mfrec.publication.files import check_free, write_file
from mfrec.runtime.extras import not_installed

TOLERANCE = 1e-4
"""Largest difference from PyTorch in any output: a fortieth of a grey level of 255."""

SIZES = ({"batch": 2, "frames": 3}, {"batch": 1, "frames": 5}, {"batch": 3, "frames": 2})
"""What the free sizes are set to: first while the network is traced, then for the comparison."""

SIDES = ((24, 20), (13, 16), (32, 17))
"""Likewise of every free size of another name, in the order in which the names come; about these with a factor."""

OPSET = 18
"""The version of ONNX's operators that is written."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        inputs: name to shape.
        outputs: names.
        difference: the largest from PyTorch, over all outputs and tried sizes.
    """

    inputs: Mapping[str, tuple[int | str, ...]]
    outputs: tuple[str, ...]
    difference: float


@dataclass(frozen=True)
class Input:
    """One input of a network.

    Attributes:
        shape: a number, or the factor and the name of a free size.
        kind: ``"float32"`` or ``"int64"``.
    """

    shape: tuple[int | tuple[int, str], ...]
    kind: str

    def sized(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape once the free sizes are known."""
        return tuple(n if isinstance(n, int) else n[0] * sizes[n[1]] for n in self.shape)


def export_onnx(name: str | Path, file: Path) -> Exported:
    """Write the network of a card as ONNX.

    Args:
        name: see :func:`mfrec.cards.load.load_network`.
        file: to write; it must not exist.

    Raises:
        UsageError: a package is missing, the card does not state its inputs, or the file exists or cannot be written.
        WeightsError: the weights do not load, or the file would compute something else than PyTorch does.
    """
    card = read_card(Path(name) if str(name).endswith(".toml") else cards_folder() / f"{name}.toml")
    inputs = declared_inputs(card)
    check_free(file)
    network = load_network(name)
    if not hasattr(network, "state_dict"):
        raise UsageError(f"'{card.name}' is no network of PyTorch, and only these can be exported")
    try:
        import onnx  # noqa: F401  # PyTorch's exporter needs it, and says so less clearly
        import onnxruntime
    except ModuleNotFoundError as error:
        raise UsageError(not_installed("ONNX", error.name, "onnx")) from None

    data, outputs = traced(card, network, inputs)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    difference = max(largest_difference(card, network, session, inputs, sizes) for sizes in free_sizes(inputs))
    if not difference <= TOLERANCE:
        raise WeightsError(
            f"'{card.name}' as ONNX differs from PyTorch by {difference:.1e}, more than {TOLERANCE:.0e}, so nothing "
            "was written; another version of PyTorch may do better"
        )
    write_file(file, data)
    shapes = {found.name: tuple(found.shape) for found in session.get_inputs()}
    return Exported(shapes, outputs, difference)


def declared_inputs(card: Card) -> dict[str, Input]:
    """The table ``[inputs]`` of a card.

    Raises:
        UsageError: there is none, or a shape in it cannot be read.
    """
    if not card.inputs:
        raise UsageError(
            f"the card '{card.name}' does not state its inputs; add a table [inputs] with a line such as "
            'image = ["batch", 3, "height", "width"] for each'
        )
    out = {}
    for name, value in card.inputs.items():
        table = value if isinstance(value, dict) else {"shape": value}
        shape, kind = table.get("shape"), table.get("kind", "float32")
        sizes = [size(part) for part in shape] if isinstance(shape, list) else [None]
        if None in sizes or kind not in ("float32", "int64") or table.keys() - {"shape", "kind"}:
            raise UsageError(
                f"the input '{name}' of the card '{card.name}' is {value!r}; expected a list of numbers and names such "
                'as ["batch", 3, "height", "4*width"], or a table of shape and kind ("float32" or "int64")'
            )
        out[name] = Input(tuple(part for part in sizes if part is not None), kind)
    return out


def size(part: Any) -> int | tuple[int, str] | None:
    """One entry of a shape: a number, a factor and a name, or None where it is neither."""
    if isinstance(part, int) and not isinstance(part, bool) and part > 0:
        return part
    found = re.fullmatch(r"(?:([1-9]\d*)\*)?([a-z]\w*)", part) if isinstance(part, str) else None
    return (int(found[1] or 1), found[2]) if found else None


def free_sizes(inputs: Mapping[str, Input]) -> list[dict[str, int]]:
    """Values for the free sizes: those for tracing first."""
    factors: dict[str, int] = {}
    for factor, name in (n for each in inputs.values() for n in each.shape if not isinstance(n, int)):
        factors[name] = max(factor, factors.get(name, 1))
    others = [name for name in factors if name not in SIZES[0]]
    return [
        {
            name: known[name] if name in known else -(-sides[others.index(name) % len(sides)] // factor)
            for name, factor in factors.items()
        }
        for known, sides in zip(SIZES, SIDES, strict=True)
    ]


def samples(inputs: Mapping[str, Input], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Tensors of these shapes: float32 drawn from [0, 1), int64 zeros."""
    import torch

    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(each.sized(sizes), generator=generator)
        if each.kind == "float32"
        else torch.zeros(each.sized(sizes), dtype=torch.int64)
        for name, each in inputs.items()
    }


def traced(card: Card, network: Any, inputs: Mapping[str, Input]) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of an ONNX file, and the names of its outputs.

    By the exporter that records what a call does. PyTorch's newer one, which reads the program, fixes the number of
    frames of some of our networks and refuses free sides of others.

    Raises:
        WeightsError: PyTorch cannot write the network.
    """
    import torch

    given = samples(inputs, free_sizes(inputs)[0])
    axes = {
        name: {i: n[1] if n[0] == 1 else f"{n[0]}*{n[1]}" for i, n in enumerate(each.shape) if not isinstance(n, int)}
        for name, each in inputs.items()
    }
    output = network(**given)
    fields = ("image",) if isinstance(output, torch.Tensor) else tuple(output._asdict())
    names = tuple(f"made_{name}" if name in given else name for name in fields)  # ONNX has one space for all names
    file: Any = io.BytesIO()  # PyTorch takes one, whatever its types say
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is the older exporter, and that sizes were taken from shapes
            torch.onnx.export(
                network,
                tuple(given.values()),
                file,
                input_names=list(given),
                output_names=list(names),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        raise WeightsError(f"PyTorch cannot write '{card.name}' as ONNX: {str(error).partition(chr(10))[0]}") from None
    return file.getvalue(), names


def largest_difference(
    card: Card, network: Any, session: Any, inputs: Mapping[str, Input], sizes: Mapping[str, int]
) -> float:
    """Between PyTorch and onnxruntime on the same tensors, over all outputs.

    Raises:
        WeightsError: the file cannot do these sizes.
    """
    import numpy as np
    import torch
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

    given = samples(inputs, sizes)
    with torch.inference_mode():
        output = network(**given)
    wanted = (output,) if isinstance(output, torch.Tensor) else tuple(output)
    try:
        made = session.run(None, {name: value.numpy() for name, value in given.items()})
    except (Fail, InvalidArgument, RuntimeException):
        raise WeightsError(
            f"'{card.name}' as ONNX works for the sizes that it was made with, but not for {dict(sizes)}; make the "
            'sizes that may not be free numbers, or multiples such as "8*height", in the table [inputs] of the card'
        ) from None
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(made, wanted, strict=True))
