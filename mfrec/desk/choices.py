"""What can be chosen for a run, and the command that does the same: both from the declarations of the command line.

A field that :class:`~mfrec.options.Options` gets later is offered by the page without a change here.
"""

from __future__ import annotations

import functools
import inspect
import re
import shlex
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from msgspec import Struct

from mfrec.cli.run_options import run_options
from mfrec.desk.places import file_in
from mfrec.desk.refusal import RefusalError
from mfrec.errors import MfrecError, UsageError
from mfrec.pipeline import Stage
from mfrec.recipe import OF_THE_CALL, load, recipe_names

MOST_VALUES = 200
"""Values of an option that may be repeated."""

TEXT = 1000
"""Characters of a value."""


@dataclass(frozen=True)
class Choice:
    """One option of ``mfrec reconstruct`` that says what is wanted.

    Attributes:
        name: of the field of :class:`~mfrec.options.Options`.
        flag: ``"--reference"``.
        kind: ``"text"``, ``"whole"``, ``"number"``, ``"switch"``, ``"list"`` (of text); ``"file"`` or ``"files"`` for
            paths in the case's folder.
        default: its value where nothing is chosen; None where there is none.
        help: the sentence of ``--help``.
    """

    name: str
    flag: str
    kind: str
    default: Any
    help: str


class Wanted(Struct):
    """What the page asks for: values of options by name; what is left out keeps its default."""

    options: dict[str, Any] = {}
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 0
    pdf: bool = True
    strict: bool = False


@functools.cache
def choices() -> tuple[Choice, ...]:
    """Every option, in the order of the command line's help."""
    out = []
    for name, parameter in inspect.signature(run_options, eval_str=True).parameters.items():
        kind, declared = get_args(parameter.annotation)[:2]
        default = None if parameter.default is inspect.Parameter.empty else parameter.default
        # Inside Annotated, Typer keeps the first name of an option as if it were its default.
        out.append(Choice(name, str(declared.default), _kind(kind), default, declared.help or ""))
    return tuple(out)


def _kind(hint: Any) -> str:
    """How a value of this type is asked for."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(argument for argument in get_args(hint) if argument is not type(None))
    if get_origin(hint) in (list, tuple):
        return "files" if get_args(hint)[0] is Path else "list"
    return {bool: "switch", int: "whole", float: "number", Path: "file"}.get(hint, "text")


def checked_options(wanted: Wanted, folder: Path) -> dict[str, Any]:
    """The values that differ from their defaults, in the order of the command line.

    Args:
        wanted: by the page.
        folder: of the case; a value that names a file names one in it.

    Raises:
        RefusalError: an option that does not exist, a value of another kind, or one that mfrec refuses.
    """
    known = {choice.name: choice for choice in choices()}
    for name in wanted.options:
        if name not in known:
            raise RefusalError("refused.option", 400, name=name[:80])
    values = {}
    for name, choice in known.items():
        value = wanted.options.get(name, choice.default)
        if value is None or value in ("", []) or value == choice.default:
            continue
        value = _of_kind(choice, value)
        if value != choice.default:
            values[name] = value
    recipe = values.get("recipe", known["recipe"].default)
    if recipe not in recipe_names():
        raise RefusalError("refused.recipe", 400, name=str(recipe)[:80], known=", ".join(recipe_names()))
    for name, value in values.items():
        for text in value if isinstance(value, list) else [value]:
            _within(known[name], text, folder)
    try:
        options = run_options(**values)
        options.applied_to(options.chosen_recipe(), options.reference)
    except (UsageError, ValueError) as error:
        raise RefusalError("refused.value", 400, why=error) from None
    return values


def _within(choice: Choice, value: Any, folder: Path) -> None:
    """Refuse a value that names a file outside the case; one in it is given as ``inputs/02/photo.jpg``."""
    if not isinstance(value, str) or choice.name in ("settings", "reference"):
        return
    # An option may take REGION=FILE.
    parts = value.rsplit("=", 1)[-1].replace("\\", "/").split("/")
    if len(parts) > 1 or choice.kind in ("file", "files"):
        if parts[0] not in ("inputs", "masks"):
            raise RefusalError("refused.value", 400, why=f"'{value[:80]}' names a file that is not in this case")
        file_in(folder, *parts)


def _of_kind(choice: Choice, value: Any) -> Any:
    """A value from the page as the kind that its option has."""
    plain = not isinstance(value, bool)
    if choice.kind == "switch" and isinstance(value, bool):
        return value
    if choice.kind == "whole" and isinstance(value, int) and plain and abs(value) < 2**31:
        return value
    if choice.kind == "number" and isinstance(value, int | float) and plain and abs(value) < 2**31:
        return float(value)
    if choice.kind in ("text", "file") and isinstance(value, str | int) and plain and len(str(value)) <= TEXT:
        return str(value)
    if choice.kind in ("list", "files") and isinstance(value, list) and len(value) <= MOST_VALUES:
        texts = [item for item in value if isinstance(item, str) and len(item) <= TEXT]
        if len(texts) == len(value):
            return texts
    raise RefusalError("refused.kind", 400, flag=choice.flag, kind=choice.kind)


def reconstruct_arguments(source: str, out: str, wanted: Wanted, values: Mapping[str, Any]) -> list[str]:
    """The words after ``mfrec`` of a run.

    Args:
        source: what is reconstructed.
        out: folder of the output.
        wanted: how it is computed.
        values: of :func:`checked_options`.
    """
    words = ["reconstruct", source, "-o", out, *_option_words(values), *_seed_words(wanted)]
    if wanted.device != "auto":
        words += ["--device", wanted.device]
    words += ["--strict"] if wanted.strict else []
    words += ["--pdf"] if wanted.pdf else []
    return [*words, "--case", "case.json"]


def registered_arguments(source: str, out: str, wanted: Wanted, values: Mapping[str, Any]) -> list[str]:
    """The words after ``mfrec`` that write the registered frames of a run, ``aligned.tiff`` among them.

    Args:
        source, out, wanted, values: of the run, as in :func:`reconstruct_arguments`.
    """
    return ["stage", "align", source, "-o", out, *_option_words(values), *_seed_words(wanted)]


def _seed_words(wanted: Wanted) -> list[str]:
    return ["--seed", str(wanted.seed)] if wanted.seed else []


def _option_words(values: Mapping[str, Any]) -> list[str]:
    """The options that say what is wanted, as they are typed."""
    words: list[str] = []
    for choice in choices():
        if choice.name not in values:
            continue
        value = values[choice.name]
        if choice.kind == "switch":
            words.append(choice.flag)
            continue
        for item in value if isinstance(value, list) else [value]:
            text = f"{item:g}" if isinstance(item, float) and float(f"{item:g}") == item else str(item)
            # A value that begins like an option is tied to its own.
            words += [f"{choice.flag}={text}"] if text.startswith("-") else [choice.flag, text]
    return words


def command_text(words: list[str]) -> str:
    """A command as it is typed."""
    return shlex.join(["mfrec", *words])


@functools.cache
def recipes() -> list[dict[str, Any]]:
    """Every recipe with its stages, and for each parameter its value there, its kind, its meaning and its range."""
    out = []
    for name in recipe_names():
        recipe = load(name)
        stages = [
            {
                "name": stage.name,
                "summary": (type(stage).__doc__ or "").strip().split("\n")[0],
                "learned": bool(stage.learned),
                "literature": list(stage.literature),
                "parameters": _parameters(stage),
            }
            for stage in recipe.stages
        ]
        out.append({"name": name, "stamp": recipe.stamp, "stages": stages})
    return out


def _parameters(stage: Stage) -> list[dict[str, Any]]:
    cls = type(stage)
    hints, meanings = typing.get_type_hints(cls), attribute_meanings(cls.__doc__ or "")
    out = []
    for field in fields(typing.cast(Any, stage)):
        if not field.init or field.name in OF_THE_CALL.get(stage.name, {}):
            continue
        value = getattr(stage, field.name)
        if not isinstance(value, str | int | float | bool):
            continue
        options, numeric = _alternatives(hints[field.name])
        low_high = _range(stage, field.name, numeric) if numeric else ""
        out.append(
            {
                "name": f"{stage.name}.{field.name}",
                "value": value,
                "options": options,
                "number": numeric is not None,
                "range": low_high,
                "meaning": meanings.get(field.name, ""),
            }
        )
    return out


def _alternatives(hint: Any) -> tuple[list[str], type | None]:
    """The words that a parameter may be, and the type of number that it may be instead."""
    if get_origin(hint) is Literal:
        return [str(value) for value in get_args(hint)], None
    if get_origin(hint) in (Union, types.UnionType):
        parts = [_alternatives(part) for part in get_args(hint)]
        return [word for words, _ in parts for word in words], next((n for _, n in parts if n), None)
    if hint is bool:
        return ["true", "false"], None
    return [], hint if hint in (int, float) else None


def _range(stage: Stage, name: str, kind: type) -> str:
    """What the stage itself says of a number that is far too small or too large; empty where it says nothing."""
    for extreme in (-1_000_000_000, 1_000_000_000):
        try:
            replace(typing.cast(Any, stage), **{name: kind(extreme)})
        except MfrecError as error:
            found = re.search(r"expected (.*)$", str(error))
            if found:
                return found[1]
        except (ValueError, TypeError):
            pass
    return ""


def attribute_meanings(doc: str) -> dict[str, str]:
    """What a docstring's section ``Attributes`` says of each name."""
    section = re.search(r"\n\s*Attributes:\n(.*?)(\n\s*\n|\n\s*Raises:|\Z)", doc, re.DOTALL)
    out: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].split("\n") if section else ():
        started = re.match(r"\s{8}(\w+(?:, \w+)*): (.*)", line)
        if started:
            names = started[1].split(", ")
            out.update(dict.fromkeys(names, started[2].strip()))
        else:
            out.update({name: f"{out[name]} {line.strip()}".strip() for name in names})
    return {name: _plain(text) for name, text in out.items()}


def _plain(text: str) -> str:
    """Text of a docstring without its markup."""
    return re.sub(r":\w+:`~?([^`]*)`", lambda found: found[1].split(".")[-1], text).replace("``", "")
