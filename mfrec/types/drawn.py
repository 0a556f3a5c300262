"""What was drawn at random, as a plain value that goes to JSON and back.

Randomness is drawn first, by one function, into a frozen value; another one applies it and is pure. So a picture, a
film or a trial can be made again from its record, on any day and without the draws that came before it.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True)
class Drawn:
    """The base of such values.

    Fields are numbers, text, truth values, None, enumerations of numbers, tuples and mappings by name of these, or
    other such dataclasses. Of several dataclasses that a field may be, each has to have names of its own.
    """

    def to_json(self) -> str:
        """Every number to its last bit."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What :meth:`to_json` wrote.

        Raises:
            ValueError: the text is no JSON, or not that of this class.
        """
        return _read(cls, json.loads(text))


@dataclass(frozen=True)
class GeneratorState(Drawn):
    """Where NumPy's default generator (PCG64) stands. What is too large to be recorded is drawn from it again.

    Attributes:
        state, inc: 128 bits each.
        has_uint32, uinteger: half of a number that is left over from a draw of 32 bits.
    """

    state: int
    inc: int
    has_uint32: int
    uinteger: int

    @classmethod
    def of(cls, rng: np.random.Generator) -> GeneratorState:
        """The state of a generator, which stays as it is.

        Raises:
            ValueError: it is no PCG64.
        """
        found: Mapping[str, Any] = rng.bit_generator.state
        if found["bit_generator"] != "PCG64":
            raise ValueError(f"a generator of the kind {found['bit_generator']}; expected PCG64, NumPy's default")
        return cls(**found["state"], has_uint32=int(found["has_uint32"]), uinteger=int(found["uinteger"]))

    def generator(self) -> np.random.Generator:
        """A new generator that goes on from here."""
        bits = np.random.PCG64()
        bits.state = {
            "bit_generator": "PCG64",
            "state": {"state": self.state, "inc": self.inc},
            "has_uint32": self.has_uint32,
            "uinteger": self.uinteger,
        }
        return np.random.Generator(bits)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(hint: Any, value: Any) -> Any:
    """A value as its type hint has it: tuples for lists, dataclasses for mappings."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _read(_one_of(arguments, value), value)
    if origin is tuple:
        kinds = [arguments[0]] * len(value) if arguments[1:] == (Ellipsis,) else arguments
        return tuple(_read(kind, item) for kind, item in zip(kinds, value, strict=True))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {name: _read(arguments[1], item) for name, item in value.items()}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(value)
    if not dataclasses.is_dataclass(hint):
        return value
    assert isinstance(hint, type)
    names = [field.name for field in dataclasses.fields(hint)]
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        found = sorted(value) if isinstance(value, dict) else value
        raise ValueError(f"no {hint.__name__}: found {found}, expected {sorted(names)}")
    return hint(**{name: _read(_hints(hint)[name], value[name]) for name in names})


def _one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    """Which of several types a value from JSON is."""
    if value is None:
        return type(None)
    others = [kind for kind in kinds if kind is not type(None)]
    if isinstance(value, dict):
        named = [k for k in others if dataclasses.is_dataclass(k)]
        fitting = [k for k in named if {field.name for field in dataclasses.fields(k)} == set(value)]
        return fitting[0] if fitting else others[0]
    return others[0]
