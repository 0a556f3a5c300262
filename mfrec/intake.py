"""From what was given, files or arrays, to the frames that the first stage takes.

Everything that is decided about frames before a stage sees them: their order, which frames of long footage are read,
and the sampling that enlarged captures are brought back to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.camera.sampling import Enlargement, find_enlargement, reduced
from mfrec.options import DEFAULT, Options, as_most, as_subject
from mfrec.pipeline import Progress, silent
from mfrec.runtime.threads import one_thread
from mfrec.stages.align import MAX_SCALE
from mfrec.types import Dropped, FaceTrack, Observation, Subject

if TYPE_CHECKING:
    from mfrec.imageio import FrameStream, Source


def read_track(frames: Source, options: Options = DEFAULT, *, progress: Progress = silent) -> FaceTrack:
    """The frames as the first stage takes them: one bare observation each, and what could not be read.

    Of a video of more than ``options.most`` frames those that bring most of the person are read, each with the box
    that the person was seen in; the others are dropped with the reason.

    Raises:
        InputError: nothing usable is there.
        UsageError: the choice of frames cannot be.
    """
    from mfrec.face.footage import MOST
    from mfrec.imageio import read, stream

    most = as_most(options.most)
    opened = partial(
        stream, frames, start=options.start, end=options.end, every=options.every, deinterlace=options.deinterlace
    )
    footage = opened(progress=progress)
    if footage.unit == "video" and footage.expected > (most or MOST):
        with one_thread():
            return _chosen_frames(footage, opened, options, most)
    footage.close()
    reading = read(
        frames,
        start=options.start,
        end=options.end,
        every=options.every,
        deinterlace=options.deinterlace,
        progress=progress,
    )
    return FaceTrack(
        tuple(Observation(frame) for frame in reading.frames), tuple(reading.dropped), warnings=tuple(reading.warnings)
    )


def at_own_sampling(track: FaceTrack, options: Options) -> tuple[FaceTrack, Options]:
    """Frames that were enlarged before they were saved, brought back to the pixels that they were made from.

    The picture keeps its size: what the frames lose is made up for by ``scale``. Where no whole number does that the
    frames stay as they are, with a warning. Frames of a clip stay too: its codec worked on the pixels that it has.

    Args:
        track: as it was read.
        options: as they were asked for.

    Returns:
        The track and the options to go on with.
    """
    frames = [observation.frame for observation in track.observations]
    shapes = {frame.image.shape for frame in frames}
    if len(shapes) != 1 or any(frame.key is not None for frame in frames):
        return track, options
    # A few frames are enough; they have to agree.
    found: set[Enlargement | None] = set()
    for frame in (frames[0], frames[len(frames) // 2], frames[-1]):
        found.add(find_enlargement(frame.image))
        if len(found) > 1 or None in found:
            return track, options
    (enlarged,) = found
    assert enlarged is not None
    height, width = frames[0].image.shape[:2]
    small, scale = (enlarged.height, enlarged.width), round(options.scale * enlarged.factor)
    words = f"enlarged {enlarged.factor:.3g} times ({enlarged.kernel}) from {small[1]} x {small[0]} px"
    if scale > MAX_SCALE or (scale * small[1], scale * small[0]) != (options.scale * width, options.scale * height):
        warning = (
            f"the frames were {words} before they were saved, and --scale {options.scale} of them is no whole multiple "
            "of that: they are used as they are, which gains little; export them at their own size"
        )
        return replace(track, warnings=(*track.warnings, warning)), options
    observations = []
    for observation in track.observations:
        frame = observation.frame
        own = replace(
            frame,
            image=reduced(frame.image, small[1], small[0], enlarged.kernel),
            jpeg=None,
            notes=(*frame.notes, f"{words}, as its pixels say: brought back to that"),
        )
        observations.append(replace(observation, frame=own))
    warning = f"the frames were {words} before they were saved; they were brought back to that, and enlarge by {scale}"
    track = replace(track, observations=tuple(observations), warnings=(*track.warnings, warning))
    return track, replace(options, scale=scale)


def _chosen_frames(
    frames: FrameStream, again: Callable[..., FrameStream], options: Options, most: int | None
) -> FaceTrack:
    """Look through footage once, and read the chosen frames of it a second time.

    Args:
        frames: all of them.
        again: opens the same frames once more; takes ``only``.
        options: whom to follow, and how the frames are turned.
        most: how many frames at most; None leaves it to the size of the face.
    """
    from mfrec.face.footage import MOST, choose, enough_frames, find_person, survey, why_not
    from mfrec.face.search import PROBES, upright_turn

    degrees = 0 if options.turn == "auto" else int(options.turn)
    found = survey(frames, degrees=degrees)
    if options.turn == "auto" and not found.people:
        degrees = upright_turn(list(again(only=_spread(found.frames, PROBES))))
        found = survey(again(), degrees=degrees) if degrees else found
    dropped, warnings = list(frames.dropped), frames.warnings
    if not found.people:
        # The stage that tracks says what it looked for in vain.
        taken = _spread(found.frames, most or MOST)
        return FaceTrack(tuple(map(Observation, again(only=taken))), tuple(dropped), warnings=warnings)
    person = find_person(found, as_subject(options.subject))
    chosen = choose(person, most or enough_frames(person), always=options.reference)
    kept = list(again(only=frozenset(chosen)))
    dropped += [
        Dropped(name, why_not(person, index, len(chosen)), index, "choose")
        for index, name in found.frames
        if index not in chosen
    ]
    if degrees:
        # Boxes of turned frames say nothing about the frames as they are.
        return FaceTrack(tuple(map(Observation, kept)), tuple(dropped), warnings=warnings)
    return FaceTrack(
        tuple(Observation(frame, chosen[frame.index].detection.box) for frame in kept),
        tuple(dropped),
        subjects=tuple(
            Subject(
                other.number,
                {g.index: g.detection.box for g in other.glimpses if g.index in chosen},
                other.number == person.number,
            )
            for other in found.people
        ),
        warnings=warnings,
    )


def _spread(frames: Sequence[tuple[int, str]], count: int) -> frozenset[int]:
    """Indices of so many frames, evenly spread."""
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return frozenset(frames[place][0] for place in places)


def in_order(frames: Source) -> Source:
    """Listed files in the natural order of their paths, so that the order of the list is no part of the result."""
    from mfrec.imageio.survey import natural_key

    if isinstance(frames, str | os.PathLike | np.ndarray):
        return frames
    items: list[Any] = list(frames)
    paths = [Path(item) for item in items if isinstance(item, str | os.PathLike)]
    return sorted(paths, key=lambda path: natural_key(str(path))) if len(paths) == len(items) else items


def source_list(frames: Source) -> list[str]:
    """Absolute paths of what was given; empty for arrays."""
    given = [frames] if isinstance(frames, str | os.PathLike) else list(frames)
    return [str(Path(item).absolute()) for item in given if isinstance(item, str | os.PathLike)]
