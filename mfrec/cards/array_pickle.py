"""Pickles of trained networks, read without running what they carry.

A pickle is a program: it names functions and calls them. This reader knows the few names of :func:`makers`, by which
tensors and the persistent modules of NVlabs' ``torch_utils.persistence`` are stored, and answers each with a function
of its own that builds an array or keeps a record. The source code that such a module carries stays text. A name that
is not on the list ends the reading: nothing of a file's choice is ever imported.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import WeightsError

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""What PyTorch writes before a stored tensor."""

STORAGES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ByteStorage": "<u1",
    "BoolStorage": "<?",
}
"""Kinds of numbers that a tensor may hold."""

DEEPEST = 16
"""How deep modules may lie in modules."""


class Persisted(NamedTuple):
    """A module of ``torch_utils.persistence`` as it was stored: its class, by name, and its state."""

    name: str
    state: Mapping[str, Any]


class ForbiddenError(Exception):
    """A pickle asked for something that is not on the list."""


class ArrayUnpickler(pickle.Unpickler):
    """Reads one pickle whose names are answered by a table, and by nothing else.

    Args:
        file: positioned at the pickle.
        table: module and name to what answers.
        stored: from what PyTorch says of a tensor's numbers to the numbers; None where the pickle may not say it.
    """

    def __init__(
        self,
        file: io.BytesIO,
        table: Mapping[tuple[str, str], Any],
        stored: Callable[[Any], NDArray] | None = None,
    ) -> None:
        super().__init__(file)
        self._table, self._stored = table, stored

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._table[module, name]
        except KeyError:
            raise ForbiddenError(f"{module}.{name}"[:120]) from None

    def persistent_load(self, pid: Any) -> Any:
        if self._stored is None:
            raise ForbiddenError("an object outside of the file")
        return self._stored(pid)


def read_arrays(data: bytes, name: str) -> Any:
    """What a pickle holds: dictionaries, lists, numbers, text, arrays and :class:`Persisted` modules.

    Args:
        data: the file.
        name: of the file, for messages.

    Raises:
        WeightsError: it is no pickle, or asks for anything else than that.
    """
    try:
        return ArrayUnpickler(io.BytesIO(data), makers()).load()
    except ForbiddenError as error:
        raise WeightsError(
            f"'{name}' was not read: it asks for {error}, which holds no tensor and could run a program. Nothing of it "
            "was run; get the file from whoever trained the network"
        ) from None
    except Exception as error:  # whatever a stranger's bytes make of the unpickler
        raise WeightsError(
            f"'{name}' cannot be read as a pickle of tensors ({type(error).__name__}: {error})"[:300]
            + "; expected a network of StyleGAN2-ADA in PyTorch as NVlabs stores it"
        ) from None


def makers() -> dict[tuple[str, str], Any]:
    """Module and name to what answers; made afresh for each file, so that no file leaves anything behind."""

    def persisted(meta: Any) -> Persisted:
        return Persisted(str(meta["class_name"]), dict(meta["state"]))

    def parameter(array: NDArray, *_: Any) -> NDArray:
        return array

    def rebuilt(*arguments: Any) -> NDArray:
        return tensor(*arguments[:4])

    def stored(data: bytes) -> NDArray:
        return storage(data)

    return {
        ("collections", "OrderedDict"): OrderedDict,
        ("builtins", "set"): set,
        ("__builtin__", "set"): set,
        ("dnnlib.util", "EasyDict"): type("EasyDict", (dict,), {"__slots__": ()}),
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): persisted,
        ("torch._utils", "_rebuild_parameter"): parameter,
        ("torch._utils", "_rebuild_tensor_v2"): rebuilt,
        ("torch.storage", "_load_from_bytes"): stored,
    }


def tensor(numbers: NDArray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray:
    """A tensor's view of stored numbers, as an array of its own.

    Args:
        numbers: ``[K]``.
        offset: of the first.
        shape: of the tensor.
        strides: from element to element, in numbers.

    Raises:
        ValueError: it reaches beyond them, or would show a number twice.
    """
    if not isinstance(numbers, np.ndarray) or numbers.ndim != 1 or len(shape) != len(strides):
        raise ValueError("a tensor without numbers")
    count = int(np.prod(shape, dtype=object)) if shape else 1
    last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    if min((offset, *shape, *strides), default=0) < 0 or (count and last >= numbers.size) or count > numbers.size:
        raise ValueError(f"a tensor of shape {tuple(shape)} that reaches beyond its {numbers.size} numbers")
    step = [numbers.itemsize * s for s in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, step, writeable=False).copy()


def storage(data: bytes) -> NDArray:
    """The numbers ``[K]`` of one storage in the older of PyTorch's two formats, which a pickle of a tensor holds.

    Raises:
        ValueError: it is none, or says another size than it has.
    """
    table = {("torch", name): kind for name, kind in STORAGES.items()}
    file = io.BytesIO(data)
    if (ArrayUnpickler(file, table).load(), ArrayUnpickler(file, table).load()) != (MAGIC, PROTOCOL):
        raise ValueError("a tensor in an unknown format")
    if ArrayUnpickler(file, table).load()["little_endian"] is not True:
        raise ValueError("a tensor in the byte order of another machine")
    said: list[tuple[str, int]] = []

    def stored(pid: Any) -> NDArray:
        _, kind, _, _, count, view = pid
        if view is not None or said:
            raise ValueError("a tensor of several storages")
        said.append((kind, int(count)))
        return np.empty(0)

    ArrayUnpickler(file, table, stored).load()
    ArrayUnpickler(file, table).load()  # its key, which only several would need
    ((kind, count),) = said
    if int.from_bytes(file.read(8), "little") != count or len(data) - file.tell() != count * np.dtype(kind).itemsize:
        raise ValueError(f"a tensor that says that it has {count} numbers and has others")
    return np.frombuffer(data, kind, count, file.tell())


def module_arrays(module: Persisted, prefix: str = "", depth: int = 0) -> dict[str, NDArray]:
    """The parameters and buffers of a module and of those in it, by their dotted names.

    Raises:
        WeightsError: modules lie too deep in each other, or in a circle.
    """
    if depth > DEEPEST:
        raise WeightsError(f"the modules of the file lie more than {DEEPEST} deep in each other; this is no StyleGAN2")
    found: dict[str, NDArray] = {}
    for kind in ("_parameters", "_buffers"):
        for name, value in _table(module.state.get(kind)).items():
            if isinstance(value, np.ndarray):
                found[f"{prefix}{name}"] = value
    for name, inner in _table(module.state.get("_modules")).items():
        if isinstance(inner, Persisted):
            found |= module_arrays(inner, f"{prefix}{name}.", depth + 1)
    return found


def _table(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
