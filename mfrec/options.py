"""What is asked of a run: which recipe, what of the frames is to be seen, and which frames to take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfrec.errors import UsageError

if TYPE_CHECKING:
    from mfrec.recipe import Recipe


@dataclass(frozen=True)
class Options:
    """Those arguments of :func:`mfrec.reconstruct` that say what is wanted; its documentation says what each means.

    In contrast to these, ``device``, ``seed`` and ``progress`` say how it is computed.
    """

    recipe: str | os.PathLike[str] | Recipe = "restore"
    settings: tuple[str, ...] = ()
    reference: str | int = "auto"
    scale: str | int = 4
    crop: str = "auto"
    subject: str | int = "auto"
    turn: str | int = "auto"
    start: float | None = None
    end: float | None = None
    every: int = 1
    deinterlace: bool = False
    most: str | int = "auto"
    box: str | None = None
    like: str | os.PathLike[str] | None = None
    without: str = ""
    levels: bool = False
    source: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()

    def chosen_recipe(self) -> Recipe:
        """The recipe that is meant, with the settings in it.

        Raises:
            UsageError: there is no such recipe, stage or parameter.
        """
        from mfrec.recipe import Recipe, load

        if isinstance(self.recipe, Recipe):
            recipe = self.recipe
        else:
            recipe = load(self.recipe if isinstance(self.recipe, str) else Path(self.recipe))
        return recipe.with_settings(self.settings)

    def applied_to(self, recipe: Recipe, reference: str | int) -> Recipe:
        """A recipe with what belongs to one call.

        Args:
            recipe: the chosen one, or the one of the picture beside it.
            reference: what was asked for or, once the frames are known, the index of the frame that it means.

        Raises:
            UsageError: a value that cannot be.
        """
        return recipe.with_call(
            reference=reference,
            scale=as_scale(self.scale),
            crop=self.crop,
            subject=as_subject(self.subject),
            turn=as_turn(self.turn),
        )

    def record(self) -> dict[str, Any]:
        """The options as ``run.json`` lists them; a recipe that was given as a value by its name, a file by its
        absolute path."""
        recipe = str(self.recipe) if isinstance(self.recipe, str | os.PathLike) else self.recipe.name
        like = str(Path(self.like).absolute()) if self.like else None
        masks = [f"{region}={path.absolute()}" for region, path in self._masks()]
        lists = {"settings": list(self.settings), "source": list(self.source), "mask": masks}
        return {**vars(self), "recipe": recipe, "like": like, **lists}

    def given_files(self) -> tuple[tuple[str, Path], ...]:
        """Files besides the frames that decide about the result, each with the option that names it."""
        photo = (("--like", Path(self.like)),) if self.like else ()
        return (*photo, *((f"--mask {region}", path) for region, path in self._masks()))

    def _masks(self) -> tuple[tuple[str, Path], ...]:
        """Region and file of each mask."""
        pairs = (given.partition("=") for given in self.mask)
        return tuple((region.strip(), Path(path.strip())) for region, _, path in pairs)


def as_subject(subject: str | int) -> int:
    """The number that the stage ``track`` takes: 0 for ``"auto"``, else a person's number from 1.

    Raises:
        UsageError: neither of the two.
    """
    if subject == "auto":
        return 0
    try:
        number = int(subject)
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"--subject is '{subject}'; expected auto, or a person's number from 1 as the report shows it")
    return number


def as_turn(turn: str | int) -> str | int:
    """What the stage ``track`` takes: ``"auto"``, or degrees clockwise.

    Raises:
        UsageError: no quarter turn.
    """
    if turn == "auto":
        return "auto"
    if str(turn) not in ("0", "90", "180", "270"):
        raise UsageError(f"--turn is '{turn}'; expected auto, or degrees clockwise: 0, 90, 180 or 270")
    return int(turn)


def as_scale(scale: str | int) -> str | int:
    """What the stage ``align`` takes: ``"auto"``, or a whole number.

    Raises:
        UsageError: neither of the two.
    """
    if scale == "auto" or (isinstance(scale, int) and not isinstance(scale, bool)):
        return scale
    if not str(scale).isdecimal():
        raise UsageError(f"--scale is '{scale}'; expected auto, or how many output pixels a pixel becomes on each side")
    return int(scale)


def as_most(most: str | int) -> int | None:
    """How many frames to choose; None for ``"auto"``.

    Raises:
        UsageError: no number from 1.
    """
    if most == "auto":
        return None
    if not str(most).isdecimal() or int(most) < 1:
        raise UsageError(f"--frames is '{most}'; expected auto, or how many frames to use, 1 or more")
    return int(most)


DEFAULT = Options()
"""What is asked for where nothing is said."""
