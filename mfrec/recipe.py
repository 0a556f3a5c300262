"""A recipe: which stages run, in which order, with which parameters.

As a file it is TOML. ``stages`` lists the chain, and a table of a stage's name holds its parameters; what is not
given keeps the stage's default::

    name = "quick"
    stamp = "ENHANCED"
    stages = ["track", "align", "parse", "assess", "fuse"]

    [fuse]
    method = "median"

Nothing unknown is ignored: a stage, a parameter or a value that does not exist is an error that names the nearest
one that does. Which frame is the reference, which person is followed, and the size of the output belong to a call
and not to a method, so they are arguments of :func:`mfrec.reconstruct` and options of the command line, not
parameters of a recipe.
"""

from __future__ import annotations

import difflib
import importlib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from mfrec.documents import LARGEST, DocumentError, parse_toml, read_text, shortened
from mfrec.errors import UsageError
from mfrec.image.stamp import WORDS
from mfrec.pipeline import Stage, parameters

LIMIT = 1 << 18
"""Bytes that a recipe may have."""

STAMPS = ("ENHANCED", "RESTORED", WORDS)

OF_THE_CALL = {
    "track": {"subject": "--subject", "reference": "--reference", "turn": "--turn"},
    "align": {"reference": "--reference", "scale": "--scale", "crop": "--crop"},
}
"""Stage to the parameters that a call sets, each with its option."""

DRAWING_STAGES = {"imagine": "mfrec.generative.imagine:Imagine"}
"""Stages that draw what no frame shows, as ``module:Class``. They are looked up, and their modules loaded, only for a
recipe that is stamped NOT EVIDENCE."""


DRAWING_METHODS = {
    "repose": (("interfacegan", "few_shot"), "mfrec.generative.drawn_repose:DrawnRepose"),
    "cross": (("stylegan",), "mfrec.generative.drawn_cross:DrawnCross"),
    "finetune": (("pulse", "psfrgan"), "mfrec.generative.drawn_finetune:DrawnFinetune"),
}
"""Stage to the methods of it that draw what no frame shows, and the class that has them beside the others. It takes the
stage's place in a recipe that is stamped NOT EVIDENCE, and is looked up only then."""


def draws(stage: str, method: object) -> bool:
    """Whether a stage with that method draws what no frame shows."""
    return stage in DRAWING_STAGES or method in DRAWING_METHODS.get(stage, ((), ""))[0]


@dataclass(frozen=True)
class Recipe:
    """A chain of stages under a name.

    Attributes:
        name: what ``--recipe`` calls it.
        stamp: one of :data:`STAMPS`, the label of what it makes.
        stages: in the order in which they run.
    """

    name: str
    stamp: str
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        """Refuse a stamp that would say less than was done.

        Raises:
            UsageError: there is none like it, or ``"ENHANCED"`` over pixels that a network made, or another than
                NOT EVIDENCE over what was drawn.
        """
        if self.stamp not in STAMPS:
            raise UsageError(f"recipe '{self.name}': there is no stamp '{self.stamp}'{nearest(self.stamp, STAMPS)}")
        for stage in self.stages:
            if self.stamp != WORDS and draws(stage.name, method := getattr(stage, "method", None)):
                raise UsageError(must_say(self.name, stage.name, method))
        learned = [stage.name for stage in self.stages if stage.learned]
        if self.stamp == STAMPS[0] and learned:
            raise UsageError(
                f"recipe '{self.name}' is stamped {STAMPS[0]}, which says that no network made a pixel, and its stage "
                f"'{learned[0]}' uses one; stamp it {STAMPS[1]}, or choose another method for that stage"
            )

    def record(self) -> dict[str, Any]:
        """The recipe as plain values; :func:`from_record` reads it back."""
        stages = [{"name": stage.name, **parameters(stage)} for stage in self.stages]
        return {"name": self.name, "stamp": self.stamp, "stages": stages}

    def with_settings(self, settings: Iterable[str]) -> Recipe:
        """The recipe with single parameters changed.

        Args:
            settings: each ``"stage.key=value"``; the value is written as in TOML, and text needs no quotes.

        Raises:
            UsageError: malformed, or the stage, the key or the value does not exist.
        """
        changed = {stage.name: stage for stage in self.stages}
        for setting in settings:
            target, equals, text = setting.partition("=")
            name, dot, key = target.strip().partition(".")
            if not (equals and dot and name and key):
                raise UsageError(
                    f"cannot read the setting '{setting}'; expected stage.key=value, such as fuse.method=mean"
                )
            if name not in changed:
                raise UsageError(f"recipe '{self.name}' has no stage '{name}'{nearest(name, changed)}")
            values = {key: _value(text.strip())}
            if self.stamp != WORDS and key == "method" and draws(name, values[key]):
                raise UsageError(must_say(self.name, name, values[key]))
            _check_keys(type(changed[name]), values, f"the setting '{setting}'")
            changed[name] = _with(changed[name], values, f"the setting '{setting}'")
        return replace(self, stages=tuple(changed[stage.name] for stage in self.stages))

    def with_call(
        self, *, reference: str | int, scale: str | int, crop: str, subject: str | int, turn: str | int = "auto"
    ) -> Recipe:
        """The recipe with the parameters that belong to one call; what has no stage in the chain is left out.

        Args:
            reference: ``"auto"``, a frame's index, or its name.
            scale: super-resolution factor, or ``"auto"``.
            crop: ``"auto"``, ``"face"`` or ``"frame"``.
            subject: ``"auto"`` or a number from 1.
            turn: ``"auto"`` or degrees clockwise, a multiple of 90.

        Raises:
            UsageError: a value that cannot be.
        """
        values: dict[str, dict[str, Any]] = {
            "track": {
                "subject": subject,
                "reference": reference,
                "turn": turn,
                # Whoever asks for more than the face needs more than its surroundings.
                **({} if crop in ("auto", "face") else {"keep": "frame"}),
            },
            "align": {"reference": reference, "scale": scale, "crop": crop},
        }
        stages = []
        for stage in self.stages:
            given = values.get(stage.name, {})
            stages.append(_with(stage, given, f"stage '{stage.name}'", options=True))
        return replace(self, stages=tuple(stages))

    def until(self, name: str) -> Recipe:
        """The chain up to and including one stage.

        Raises:
            UsageError: the recipe does not have it.
        """
        names = [stage.name for stage in self.stages]
        if name not in names:
            raise UsageError(f"recipe '{self.name}' has no stage '{name}'{nearest(name, names)}")
        return replace(self, stages=self.stages[: names.index(name) + 1])


def stage_classes(stamp: str = STAMPS[0]) -> dict[str, type[Stage]]:
    """Every stage by its name. A function, because the stages bring OpenCV along and a name does not need it.

    Args:
        stamp: of the recipe; what :data:`DRAWING_STAGES` and :data:`DRAWING_METHODS` name is there under NOT EVIDENCE
            alone.
    """
    from mfrec.stages.align import Align
    from mfrec.stages.assess import Assess
    from mfrec.stages.clean import Clean
    from mfrec.stages.cross import Cross
    from mfrec.stages.finetune import Finetune
    from mfrec.stages.fuse import Fuse
    from mfrec.stages.parse import Parse
    from mfrec.stages.repose import Repose
    from mfrec.stages.track import Track

    drawing = {}
    places = {**DRAWING_STAGES, **{name: place for name, (_, place) in DRAWING_METHODS.items()}}
    for name, place in places.items() if stamp == WORDS else ():
        module, _, attribute = place.partition(":")
        drawing[name] = getattr(importlib.import_module(module), attribute)
    return {
        "track": Track,
        "align": Align,
        "parse": Parse,
        "repose": Repose,
        "assess": Assess,
        "clean": Clean,
        "cross": Cross,
        "fuse": Fuse,
        "finetune": Finetune,
        **drawing,
    }


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with mfrec, in alphabetical order."""
    return tuple(sorted(entry.name[:-5] for entry in _shipped().iterdir() if entry.name.endswith(".toml")))


def _shipped() -> Traversable:
    return resources.files("mfrec") / "recipes"


def load(recipe: str | Path) -> Recipe:
    """A recipe by its name, or from a file.

    Args:
        recipe: one of :func:`recipe_names`, or the path of a file that ends in ``.toml``.

    Raises:
        UsageError: there is no such recipe or file, or its text is not a recipe.
    """
    name = str(recipe)
    if name in recipe_names():
        return parse((_shipped() / f"{name}.toml").read_text(encoding="utf-8"), name)
    if not name.endswith(".toml"):
        raise UsageError(
            f"there is no recipe '{name}'{nearest(name, recipe_names())}, or give a file that ends in .toml"
        )
    try:
        text = read_text(Path(recipe), LIMIT)
    except DocumentError as error:
        raise UsageError(
            f"the recipe '{name}' cannot be read ({error}); give a TOML file or one of {', '.join(recipe_names())}"
        ) from None
    return parse(text, name)


def parse(text: str, origin: str = "recipe") -> Recipe:
    """Read the TOML text of a recipe.

    Args:
        text: see the module.
        origin: where it comes from, for messages.

    Raises:
        UsageError: no TOML, or something in it is unknown, missing or of the wrong kind.
    """
    try:
        values = parse_toml(text)
    except DocumentError as error:
        raise UsageError(f"recipe '{origin}' cannot be read: {error}") from None
    classes = stage_classes(str(values.get("stamp")))
    listed = values.get("stages")
    if not isinstance(listed, list) or not listed or not all(isinstance(name, str) for name in listed):
        raise UsageError(
            f'recipe \'{origin}\' has no list of stages; expected a line such as stages = ["track", "align", "fuse"]'
        )
    for name in listed:
        if name not in classes and name in DRAWING_STAGES:
            raise UsageError(must_say(origin, name))
        if name not in classes:
            raise UsageError(f"recipe '{origin}': there is no stage '{name}'{nearest(name, classes)}")
        if listed.count(name) > 1:
            raise UsageError(f"recipe '{origin}' lists the stage '{name}' more than once; each stage runs once")
    keys = ("name", "stamp", "stages", *listed)
    for key in values:
        if key in classes and key not in listed:
            raise UsageError(
                f"recipe '{origin}' has parameters for '{key}', which is not in its list of stages; add it there"
            )
        if key not in keys:
            raise UsageError(f"recipe '{origin}' has the unknown key '{key}'{nearest(key, keys)}")
    for key in ("name", "stamp"):
        if not isinstance(values.get(key), str) or not values[key]:
            example = "mine" if key == "name" else STAMPS[0]
            raise UsageError(f"recipe '{origin}' has no {key}; expected a line such as {key} = \"{example}\"")
    stages = []
    for name in listed:
        given = values.get(name, {})
        if not isinstance(given, dict):
            raise UsageError(f"recipe '{origin}': '{name}' has to be a table of parameters, not {_kind(given)}")
        if values.get("stamp") != WORDS and draws(name, str(given.get("method"))):
            raise UsageError(must_say(origin, name, given["method"]))
        _check_keys(classes[name], given, f"recipe '{origin}', table [{name}]")
        stages.append(_with(classes[name](), given, f"recipe '{origin}', table [{name}]"))
    return Recipe(values["name"], values["stamp"], tuple(stages))


def from_record(record: Mapping[str, Any]) -> Recipe:
    """The recipe that a run recorded, with every parameter as it was.

    Args:
        record: ``run.json``'s ``recipe``.

    Raises:
        UsageError: this version of mfrec has no such stage or parameter, or the record is damaged.
    """
    classes = stage_classes(str(record.get("stamp")))
    try:
        stages = []
        for values in record["stages"]:
            given = dict(values)
            name = given.pop("name")
            if name not in classes:
                raise UsageError(f"the recorded run used a stage '{name}' that this version of mfrec does not have")
            known = _known(classes[name])
            for key in given:
                if key not in known:
                    raise UsageError(f"the recorded run set '{name}.{key}', which this version of mfrec does not have")
            stages.append(_with(classes[name](), given, f"the recorded stage '{name}'"))
        return Recipe(str(record["name"]), str(record["stamp"]), tuple(stages))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"the record's recipe is damaged ({error!r}); expected name, stamp and stages") from None


def pixel_cards(stage: Stage) -> tuple[str, ...]:
    """The cards of the networks that make pixels in a stage: its ``card``, or what it says itself as ``cards``."""
    if not stage.learned:
        return ()
    found = getattr(stage, "cards", (getattr(stage, "card", ""),))
    return tuple(str(name) for name in found if name)


def check_drawing(recipe: Recipe) -> None:
    """Refuse a network that learnt from a discriminator in a recipe whose stamp does not say so.

    Raises:
        UsageError: there is one.
        WeightsError: a card cannot be read.
    """
    from mfrec.cards.load import card_path, read_card

    for stage in recipe.stages:
        for name in pixel_cards(stage):
            if recipe.stamp != WORDS and read_card(card_path(name)).objective != "fidelity":
                raise UsageError(
                    f"recipe '{recipe.name}' is stamped {recipe.stamp}, and the network '{name}' of its stage "
                    f"'{stage.name}' learnt from a discriminator: it draws detail that nobody saw. Take another card, "
                    f'or a recipe of your own with stamp = "{WORDS}"'
                )


def must_say(recipe: str, stage: str, method: object = None) -> str:
    """What is said of a recipe with a stage or method that :func:`draws` under another stamp."""
    of_it = f" with the method '{method}'" if stage in DRAWING_METHODS else ""
    return f"recipe '{recipe}': the stage '{stage}'{of_it} draws what no frame shows, so write stamp = \"{WORDS}\""


def _known(stage: type[Stage]) -> list[str]:
    return [f.name for f in fields(typing.cast(Any, stage)) if f.init]


def _check_keys(stage: type[Stage], values: Mapping[str, Any], place: str) -> None:
    """Refuse what the stage does not have, and what belongs to the call."""
    of_the_call = OF_THE_CALL.get(stage.name, {})
    known = [name for name in _known(stage) if name not in of_the_call]
    for key in values:
        if key in of_the_call:
            raise UsageError(
                f"{place}: '{key}' belongs to one call and not to a recipe; give it as {of_the_call[key]} "
                f"(in Python: {key}=...)"
            )
        if key not in known:
            raise UsageError(f"{place}: stage '{stage.name}' has no parameter '{key}'{nearest(key, known)}")


def _with(stage: Stage, values: Mapping[str, Any], place: str, *, options: bool = False) -> Stage:
    """The stage with other values, checked against the types of its fields.

    Args:
        options: the values came from the call, so that messages name its options.
    """
    if not values:
        return stage
    hints = typing.get_type_hints(type(stage))
    given = {}
    for key, value in values.items():
        try:
            given[key] = checked(value, hints[key])
        except ValueError as error:
            subject = OF_THE_CALL[stage.name][key] if options else f"{place}: '{stage.name}.{key}'"
            raise UsageError(f"{subject} is {shown(value)}; expected {error}") from None
    try:
        return replace(typing.cast(Any, stage), **given)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{place}: {error}") from None


def checked(value: Any, hint: Any) -> Any:
    """``value`` as the type that a field declares.

    Raises:
        ValueError: it is of another kind; the message says what was expected.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        expected = []
        for choice in sorted(arguments, key=lambda a: a is float):  # an int stays one where both are allowed
            try:
                return checked(value, choice)
            except ValueError as error:
                expected.append(str(error))
        raise ValueError(" or ".join(expected))
    if origin is Literal:
        if value in arguments and type(value) in {type(a) for a in arguments}:
            return value
        raise ValueError(f"one of {', '.join(str(a) for a in arguments)}{nearest(value, arguments, listing=False)}")
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError("a list")
        if arguments and arguments[-1] is not Ellipsis and len(arguments) != len(value):
            raise ValueError(f"a list of {len(arguments)}")
        kinds = [arguments[0]] * len(value) if arguments[-1:] == (Ellipsis,) else arguments
        return tuple(checked(item, kind) for item, kind in zip(value, kinds, strict=True))
    if origin is dict:
        if not isinstance(value, dict):
            raise ValueError("a table")
        return {key: checked(item, arguments[1]) for key, item in value.items()}
    if hint is Any:
        return value
    if hint is type(None):
        if value is None:
            return None
        raise ValueError("nothing")
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ValueError("a number that a float can hold")
        if math.isnan(value):
            raise ValueError("a number, and nan is none")
        return float(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint in (bool, str) and isinstance(value, hint):
        return value
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    raise ValueError(names.get(hint, str(hint)))


def _value(text: str) -> Any:
    """A value written as in TOML; what is no TOML is text."""
    try:
        values = parse_toml(f"value = {text}")
    except DocumentError:
        return text
    return values["value"] if values.keys() == {"value"} else text


def nearest(name: Any, known: Iterable[Any], *, listing: bool = True) -> str:
    """``; did you mean 'x'?`` and what there is."""
    choices = [str(choice) for choice in known]
    near = difflib.get_close_matches(str(name), choices, 1, cutoff=0.0)
    guess = f"; did you mean '{near[0]}'?" if near else ""
    return f"{guess} Known: {', '.join(choices)}" if listing and choices else guess


def _kind(value: Any) -> str:
    return {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}.get(
        type(value), "that"
    )


def shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) and len(value) < 80 else shortened(value)
