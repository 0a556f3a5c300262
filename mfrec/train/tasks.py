"""Training samples by the name of a task: what ``task`` and the table ``[recipe.data]`` of a card mean.

A task gives an endless stream of samples of the people one trains on, and a list of samples of other people, always the
same, to validate with. The arguments are the keyword-only ones of its stream. How pictures are read is in
:mod:`mfrec.train.data.pictures` and :mod:`mfrec.train.data.labelled_faces`, and what is done to them in
:mod:`mfrec.train.data.degrade`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mfrec.errors import InputError, UsageError
from mfrec.train.data.labelled_faces import read_faces
from mfrec.train.data.picture_files import read_sets
from mfrec.train.data.pictures import Split, read_pictures
from mfrec.train.streams.clean_stream import CleanStream
from mfrec.train.streams.crossover_stream import CrossoverStream
from mfrec.train.streams.enlargement_stream import EnlargementStream
from mfrec.train.streams.eye_pair_stream import EyePairStream
from mfrec.train.streams.eye_stream import EyeStream
from mfrec.train.streams.finetune_stream import FinetuneStream
from mfrec.train.streams.frame_stream import FrameStream
from mfrec.train.streams.parser_stream import ParserStream
from mfrec.train.streams.portrait_stream import PortraitStream
from mfrec.train.streams.reenactment_stream import ReenactmentStream
from mfrec.train.streams.restoration_stream import RestorationStream
from mfrec.train.streams.scene_stream import SceneStream
from mfrec.train.streams.stream import Stream, checked_arguments
from mfrec.train.streams.user_eye_stream import UserEyeStream

Task = Callable[[Sequence[Path], int, Split, Mapping[str, Any]], Stream]
"""``task(folders, seed, split, arguments)`` gives the samples of one split."""

VALIDATION_SAMPLES = 256
"""How many samples a validation list has where ``length`` does not say it. Training has no end and ignores it."""

TAKES_LABELLED = ("frames", "fusion")
"""The tasks that can use frames that are bad already; the others spoil good pictures."""


def task_of(name: str, stream: Callable[..., Stream]) -> Task:
    """The task that reads pictures and makes a stream of them.

    Args:
        name: of the task.
        stream: the class, called with the pictures, the seed and the arguments.

    Returns:
        A function that raises InputError where a folder is missing or holds nothing for the task, and UsageError where
        there is no folder at all, or an argument is unknown or cannot be.
    """

    def task(folders: Sequence[Path], seed: int, split: Split, arguments: Mapping[str, Any]) -> Stream:
        if not folders:
            raise UsageError(f"the task '{name}' reads pictures; name their folders with --data")
        given = checked_arguments(stream, arguments, f"the task '{name}'")
        given["length"] = given.get("length", VALIDATION_SAMPLES) if split == "valid" else None
        pictures = read_pictures(folders, split)
        if name not in TAKES_LABELLED and not pictures.every:
            raise InputError(
                f"the task '{name}' spoils good pictures, and the folders hold frames that are bad already; give "
                f"folders of stills or sequences, or train one of the tasks {', '.join(TAKES_LABELLED)}"
            )
        return stream(pictures, seed, **given)

    return task


def parser_task(folders: Sequence[Path], seed: int, split: Split, arguments: Mapping[str, Any]) -> Stream:
    """The task that reads faces with labels; the errors are those of :func:`task_of`."""
    if not folders:
        raise UsageError("the task 'parser' reads faces with labels; name their folder with --data")
    given = checked_arguments(ParserStream, arguments, "the task 'parser'")
    given["length"] = given.get("length", VALIDATION_SAMPLES) if split == "valid" else None
    return ParserStream(read_faces(folders, split), seed, **given)


STREAMS: dict[str, Callable[..., Stream]] = {
    "clean": CleanStream,
    "frames": FrameStream,
    "fusion": SceneStream,
    "finetune": FinetuneStream,
    "crossover": CrossoverStream,
}
"""The tasks that read pictures."""


def gaze_task(folders: Sequence[Path], seed: int, split: Split, arguments: Mapping[str, Any]) -> Stream:
    """The task that draws eyes and reads no pictures.

    Raises:
        UsageError: folders were given, or an argument is unknown.
    """
    if folders:
        raise UsageError("the task 'gaze' draws its own eyes and reads no pictures; leave out --data")
    given = checked_arguments(EyeStream, arguments, "the task 'gaze'")
    if split == "train":
        return EyeStream(seed)
    # No sample of one split is in the other: seeds of recipes end below this one.
    return EyeStream(2**32 + 1 + seed, length=given.get("length", VALIDATION_SAMPLES))


def enlarge_task(folders: Sequence[Path], seed: int, split: Split, arguments: Mapping[str, Any]) -> Stream:
    """The task that makes pictures small, from any layout of :mod:`mfrec.train.data.layouts`. Each folder counts alike.

    The errors are those of :func:`task_of` and of :func:`mfrec.train.data.picture_files.read_sets`, whose arguments may
    stand beside those of the stream.
    """
    if not folders:
        raise UsageError("the task 'enlarge' reads pictures; name their folders with --data")
    place = "the task 'enlarge'"
    known = inspect.signature(read_sets).parameters
    reading = checked_arguments(read_sets, {k: v for k, v in arguments.items() if k in known}, place)
    given = checked_arguments(EnlargementStream, {k: v for k, v in arguments.items() if k not in known}, place)
    given["length"] = given.get("length", VALIDATION_SAMPLES) if split == "valid" else None
    # What the arguments ask for is known before any picture is read.
    needed = EnlargementStream([], seed, **given).needed
    sources, notes = read_sets(folders, split, needed, **reading)
    stream = EnlargementStream(sources, seed, **{**given, "centre": split == "valid"})
    stream.notes = tuple(notes)
    return stream


def users_task(name: str, stream: Callable[..., Stream]) -> Task:
    """The task that draws eyes of users and reads no pictures; it validates on those of the iris texture left out.

    Args:
        name: of the task.
        stream: the class, called with the seed and the arguments.

    Returns:
        A function that raises UsageError where folders were given, or an argument is unknown or cannot be.
    """

    def task(folders: Sequence[Path], seed: int, split: Split, arguments: Mapping[str, Any]) -> Stream:
        if folders:
            raise UsageError(f"the task '{name}' draws its own eyes and reads no pictures; leave out --data")
        given = checked_arguments(stream, arguments, f"the task '{name}'")
        if split == "train":
            return stream(seed, **{**given, "length": None, "only_left_out": False})
        # Each is looked at as it was made.
        given["length"] = given.get("length", VALIDATION_SAMPLES)
        return stream(seed, **{**given, "only_left_out": True, "pool": 0})

    return task


TASKS: dict[str, Task] = {
    **{name: task_of(name, stream) for name, stream in STREAMS.items()},
    "enlarge": enlarge_task,
    "parser": parser_task,
    "portraits": task_of("portraits", PortraitStream),
    "restoration": task_of("restoration", RestorationStream),
    "reenactment": task_of("reenactment", ReenactmentStream),
    "gaze": gaze_task,
    "eye_pairs": users_task("eye_pairs", EyePairStream),
    "user_gaze": users_task("user_gaze", UserEyeStream),
}
"""What a recipe's ``task`` names."""
