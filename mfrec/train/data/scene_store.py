"""Scenes that are kept, because one takes longer to make than a step of training: in memory, or in files that several
processes share."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.train.data.scenes import Scene


class SceneStore:
    """The scenes that were asked for last, by number. A scene depends on its number alone, so it never matters which
    ones are still there, or who made them.

    Args:
        make: from a number to its scene.
        size: how many are kept; number ``n`` takes the place of ``n - size``.
        folder: where the files lie, made where it is missing; None keeps the scenes in memory. A scene of 128 px
            takes 2 MB.

    Raises:
        UsageError: the folder cannot be made.
    """

    def __init__(self, make: Callable[[int], Scene], size: int, folder: Path | None = None) -> None:
        self.make, self.size, self.folder = make, size, folder
        self._kept: dict[int, tuple[int, Scene]] = {}
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"cannot make the cache '{folder}': {error.strerror}; choose another") from None

    def __getitem__(self, number: int) -> Scene:
        found = self._read(number) if self.folder is not None else self._kept.get(number % self.size)
        if found is not None and found[0] == number:
            return found[1]
        scene = self.make(number)
        if found is None or found[0] < number:  # a process that lags behind does not undo what the others have made
            self._keep(number, scene)
        return scene

    def _keep(self, number: int, scene: Scene) -> None:
        if self.folder is None:
            self._kept[number % self.size] = number, scene
            return
        values = {name: value for name, value in asdict(scene).items() if value is not None}
        # Under another name first, so that nobody reads half a file.
        path = self._path(number)
        unfinished = path.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as file:
            np.savez(file, number=number, **values)
        unfinished.replace(path)

    def _read(self, number: int) -> tuple[int, Scene] | None:
        try:
            with np.load(self._path(number), allow_pickle=False) as file:
                values = dict(file)
        except FileNotFoundError:
            return None
        own = int(values.pop("number"))
        return own, Scene(**{**values, "reference": int(values["reference"])})

    def _path(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{number % self.size:06d}.npz"


def digest(texts: Iterable[str], arrays: Iterable[NDArray]) -> str:
    """16 hex digits that stand for all that scenes depend on."""
    out = hashlib.sha256()
    for text in texts:
        out.update(text.encode() + b"\0")
    for array in arrays:
        out.update(str(array.shape).encode())
        out.update(np.ascontiguousarray(array).data)
    return out.hexdigest()[:16]
