"""Pickles of trained networks, read without running what they carry.

A pickle is a program: it names functions and calls them. This reader knows the few names of :func:`makers`, by which
tensors and the persistent modules of NVlabs' ``torch_utils.persistence`` are stored, and answers each with a function
of its own that builds an array or keeps a record. The source code that such a module carries stays text. A name that
is not on the list ends the reading: nothing of a file's choice is ever imported. So does an instruction that is not
in :data:`INSTRUCTIONS`.

It is Python's own reader in Python: that in C fills a table as long as a single number in the file says, and takes
gigabytes for a file of ten bytes.
"""

from __future__ import annotations

import io
import itertools
import math
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

DIMENSIONS = 8
"""How many a tensor may have."""

DEEPEST, MODULES = 16, 10_000
"""How deep modules may lie in modules, and how many there may be, one that lies in several places counted in each."""

INSTRUCTIONS = (
    *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.BINFLOAT, pickle.SHORT_BINUNICODE, pickle.BINUNICODE, pickle.BINUNICODE8),
    *(pickle.SHORT_BINBYTES, pickle.BINBYTES, pickle.BINBYTES8),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_DICT, pickle.EMPTY_SET),
    *(pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET),
    *(pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE, pickle.NEWOBJ, pickle.BINPERSID),
)
"""What a pickle of tensors is made of, besides :func:`_set_item` and what follows it."""


class Persisted(NamedTuple):
    """A module of ``torch_utils.persistence`` as it was stored: its class, by name, and its state."""

    name: str
    state: Mapping[str, Any]


class ForbiddenError(Exception):
    """A pickle asked for something that is not on the list."""


class EasyDict(dict):
    """In the place of the class of that name in NVlabs' program: it begins empty."""

    def __init__(self) -> None:
        super().__init__()


class Instructions(dict):
    """Instruction to what carries it out; refuses every other."""

    def __missing__(self, code: int) -> Any:
        raise pickle.UnpicklingError(f"the instruction {code:#04x}, which no tensor needs")


def _set_item(reader: Any) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    reader.stack[-1][_hashable(key)] = value


def _set_items(reader: Any) -> None:
    items = reader.pop_mark()
    for key, value in zip(items[::2], items[1::2], strict=True):
        reader.stack[-1][_hashable(key)] = value


def _add_items(reader: Any) -> None:
    items = reader.pop_mark()
    reader.stack[-1].update(map(_hashable, items))


def _hashable(key: Any) -> str | int:
    """A key whose hash does not take longer than the file: that of a tuple of tuples of the same tuple does.

    Raises:
        ForbiddenError: it is another.
    """
    if not isinstance(key, str | int):
        raise ForbiddenError(f"a name that is a {type(key).__name__}")
    return key


class ArrayUnpickler(pickle._Unpickler):
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

    dispatch = Instructions(
        {code[0]: pickle._Unpickler.dispatch[code[0]] for code in INSTRUCTIONS}
        | {pickle.SETITEM[0]: _set_item, pickle.SETITEMS[0]: _set_items, pickle.ADDITEMS[0]: _add_items}
    )

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
        name, state = meta["class_name"], meta["state"]
        if not isinstance(name, str) or not isinstance(state, dict):
            raise ValueError("a module without a name or a state")
        return Persisted(name, dict(state))

    def ordered() -> dict[Any, Any]:
        return OrderedDict()

    def names(*items: list[Any]) -> set[Any]:
        return {_hashable(item) for item in itertools.chain(*items)}

    def parameter(array: NDArray, *_: Any) -> NDArray:
        return array

    def rebuilt(*arguments: Any) -> NDArray:
        return tensor(*arguments[:4])

    def stored(data: bytes) -> NDArray:
        return storage(data)

    return {
        ("collections", "OrderedDict"): ordered,
        ("builtins", "set"): names,
        ("__builtin__", "set"): names,
        ("dnnlib.util", "EasyDict"): EasyDict,
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
    if len(shape) > DIMENSIONS or not all(type(number) is int for number in (offset, *shape, *strides)):
        raise ValueError("a tensor whose shape is none")
    count = math.prod(shape)
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
        if kind not in STORAGES.values():
            raise ValueError("a tensor of what are no numbers")
        said.append((kind, int(count)))
        return np.empty(0)

    ArrayUnpickler(file, table, stored).load()
    ArrayUnpickler(file, table).load()  # its key, which only several would need
    ((kind, count),) = said
    if int.from_bytes(file.read(8), "little") != count or len(data) - file.tell() != count * np.dtype(kind).itemsize:
        raise ValueError(f"a tensor that says that it has {count} numbers and has others")
    return np.frombuffer(data, kind, count, file.tell())


def module_arrays(module: Persisted) -> dict[str, NDArray]:
    """The parameters and buffers of a module and of those in it, by their dotted names.

    Raises:
        WeightsError: modules lie too deep in each other, or in a circle, or are too many.
    """
    found: dict[str, NDArray] = {}
    waiting, looked_at = [(module, "", 0)], 0
    while waiting:
        inner, prefix, depth = waiting.pop()
        looked_at += 1
        if depth > DEEPEST or looked_at > MODULES:
            raise WeightsError(
                f"the modules of the file lie more than {DEEPEST} deep in each other, or are more than {MODULES}; this "
                "is no StyleGAN2"
            )
        for kind in ("_parameters", "_buffers"):
            for name, value in _table(inner.state.get(kind)).items():
                if isinstance(value, np.ndarray):
                    found[f"{prefix}{name}"] = value
        modules = _table(inner.state.get("_modules")).items()
        waiting += [(value, f"{prefix}{name}.", depth + 1) for name, value in modules if isinstance(value, Persisted)]
    return found


def _table(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}
