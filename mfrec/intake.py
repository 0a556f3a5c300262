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
from numpy.typing import NDArray

from mfrec.asked_frames import BY_HAND, left_out_by_hand
from mfrec.asked_person import asked_person, check_asked
from mfrec.asked_regions import asked_regions, sources_asked
from mfrec.camera.recoded import copies_among
from mfrec.camera.sampling import Enlargement, find_enlargement, reduced
from mfrec.face.search import look
from mfrec.face.surroundings import cut, overview, surroundings
from mfrec.face.turn import turned, turned_box
from mfrec.image.geometry import resize
from mfrec.options import DEFAULT, Options, as_most, as_scale, as_subject
from mfrec.pipeline import Progress, silent
from mfrec.runtime.threads import ahead, one_thread
from mfrec.stages.align import reduced_crop
from mfrec.types import Dropped, FaceTrack, FloatArray, Frame, FrameId, Observation, Subject
from mfrec.types.geometry import MAX_SCALE

if TYPE_CHECKING:
    from mfrec.imageio import FrameStream, Source


def read_track(frames: Source, options: Options = DEFAULT, *, progress: Progress = silent) -> FaceTrack:
    """The frames as the first stage takes them: one bare observation each, and what could not be read.

    Of a video, or of a list of pictures, with more than ``options.most`` frames those that bring most of the person are
    read, each with the box that the person was seen in; the others are dropped with the reason.

    Raises:
        InputError: nothing usable is there, or the photograph of the person is none.
        UsageError: the choice of frames, or of the person, cannot be.
    """
    from mfrec.face.chosen_frames import MOST
    from mfrec.imageio import read, stream
    from mfrec.imageio.limits import Room

    most = as_most(options.most)
    check_asked(options)
    opened = partial(
        stream, frames, start=options.start, end=options.end, every=options.every, deinterlace=options.deinterlace
    )
    footage = opened(progress=progress)
    if footage.unit != "list" and footage.expected > (most or MOST):
        if most is not None:
            Room(options.every, most, f"choice of {most} frames (--frames)").expect(footage.size)
        with one_thread():
            return _chosen_frames(footage, opened, options, most)
    footage.close()
    with one_thread():
        reading = read(
            frames,
            start=options.start,
            end=options.end,
            every=options.every,
            deinterlace=options.deinterlace,
            keep=_Keeper(options),
            progress=progress,
        )
    there = [FrameId(frame.index, frame.name, frame.time) for frame in reading.frames]
    without = left_out_by_hand(options.without, there)
    dropped = [*reading.dropped, *(by_hand(frame) for frame in reading.frames if frame.index in without)]
    asked = (options.reference, *sources_asked(options))
    kept, again = without_copies([frame for frame in reading.frames if frame.index not in without], asked)
    dropped += again
    in_use = [frame for frame in there if frame.index in {kept_frame.index for kept_frame in kept}]
    return FaceTrack(
        tuple(map(Observation, kept)),
        tuple(dropped),
        warnings=tuple(reading.warnings),
        wanted=asked_person(options, in_use),
        by_hand=asked_regions(options, in_use, dropped),
    )


PARTS = ("auto", "face")
"""Crops for which the surroundings of the face do in place of all of a frame."""

LARGE = 2_500_000
"""Pixels of a frame from which on only the surroundings of its faces are kept while the next ones are read: 30 MB."""


class _Keeper:
    """What is kept of each frame of a sequence that is read at once; called with them in their order."""

    def __init__(self, options: Options) -> None:
        self._degrees = 0 if options.turn == "auto" else int(options.turn)
        self._all = options.crop not in PARTS
        self._first = True

    def __call__(self, frame: Frame) -> Frame:
        if self._first:
            self._first = False
            # What was enlarged is recognised and brought back as a whole.
            self._all = self._all or find_enlargement(frame.image) is not None
        height, width = frame.image.shape[:2]
        if self._all or height * width < LARGE:
            return frame
        upright = turned(frame, self._degrees)
        return part_of(frame, [face.box for face in look(upright.image).faces], self._degrees)


def part_of(frame: Frame, boxes: Sequence[FloatArray], degrees: int) -> Frame:
    """The part of a frame that some faces need, see :func:`mfrec.face.surroundings.surroundings`.

    Args:
        frame: as it was read.
        boxes: of the faces in the frame turned by ``degrees``.
        degrees: clockwise.
    """
    upright = turned(frame, degrees)
    height, width = upright.image.shape[:2]
    part = surroundings(boxes, width, height)
    if part is None:
        return frame
    return replace(turned(cut(upright, part), -degrees % 360), notes=frame.notes)


def without_copies(frames: Sequence[Frame], asked: Sequence[str | int]) -> tuple[list[Frame], list[Dropped]]:
    """Stills without those that are others of them compressed again, and what the record says of these.

    Args:
        frames: as they were read; those of a video stay.
        asked: indices or names of frames that the caller chose, which stay.
    """
    if any(frame.time is not None for frame in frames):
        return list(frames), []
    copies, meant = copies_among(frames), {str(frame) for frame in asked}
    dropped = [
        Dropped(frame.name, f"is '{frames[copies[i]].name}' compressed again", frame.index, "read", frame)
        for i, frame in enumerate(frames)
        if i in copies and not meant & {frame.name, str(frame.index)}
    ]
    gone = {item.index for item in dropped}
    return [frame for frame in frames if frame.index not in gone], dropped


def smaller(box: FloatArray, factor: float) -> FloatArray:
    """A rectangle ``(x0, y0, x1, y1)`` of a picture where it lies in one with ``factor`` times the pixels a side."""
    return (np.asarray(box) + np.float32(0.5)) * np.float32(factor) - np.float32(0.5)


def less(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask on a coarser grid ``(height, width)``: where at least half of a pixel lies in it."""
    return resize(mask.astype(np.float32), *size, interpolation="area") >= 0.5


def by_hand(frame: Frame) -> Dropped:
    """What the record says of a frame that the caller left out."""
    return Dropped(frame.name, BY_HAND, frame.index, "read", frame)


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
    if len(shapes) != 1 or any(frame.key is not None or frame.whole is not None for frame in frames):
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
    small = enlarged.height, enlarged.width
    asked = as_scale(options.scale)
    # By the face's size in its own pixels, where nobody asked for a size of the picture.
    scale = round(asked * enlarged.factor) if isinstance(asked, int) else asked
    words = f"enlarged {enlarged.factor:.3g} times ({enlarged.kernel}) from {small[1]} x {small[0]} px"
    if isinstance(scale, int) and isinstance(asked, int) and not _same_size(scale, small, asked, (height, width)):
        warning = (
            f"the frames were {words} before they were saved, and --scale {asked} of them is no whole multiple "
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
        box = None if observation.box is None else smaller(observation.box, 1 / enlarged.factor)
        observations.append(replace(observation, frame=own, box=box))
    enlarge = f"enlarge by {scale}" if scale != "auto" else "enlarge by the size of the face there"
    warning = f"the frames were {words} before they were saved; they were brought back to that, and {enlarge}"
    wanted = track.wanted
    if wanted is not None and wanted.box is not None:
        wanted = replace(wanted, box=smaller(wanted.box, 1 / enlarged.factor))
    track = replace(
        track,
        observations=tuple(observations),
        subjects=tuple(
            replace(subject, boxes={i: smaller(box, 1 / enlarged.factor) for i, box in subject.boxes.items()})
            for subject in track.subjects
        ),
        warnings=(*track.warnings, warning),
        wanted=wanted,
        by_hand=tuple(
            hand
            if hand.mask is None or hand.mask.shape != (height, width)
            else replace(hand, mask=less(hand.mask, small))
            for hand in track.by_hand
        ),
    )
    return track, replace(options, scale=scale, crop=reduced_crop(options.crop, enlarged.factor))


def _same_size(scale: int, small: tuple[int, int], asked: int, size: tuple[int, int]) -> bool:
    """Whether ``scale`` of frames of the size ``small`` gives as large a picture as ``asked`` of frames of ``size``."""
    return scale <= MAX_SCALE and all(scale * a == asked * b for a, b in zip(small, size, strict=True))


def _chosen_frames(
    frames: FrameStream, again: Callable[..., FrameStream], options: Options, most: int | None
) -> FaceTrack:
    """Look through footage once, and read the chosen frames of it a second time.

    Args:
        frames: all of them.
        again: opens the same frames once more; takes ``only``.
        options: whom to follow, which frames to leave out, and how the frames are turned.
        most: how many frames at most; None leaves it to the size of the face.
    """
    from mfrec.face.chosen_frames import MOST, choose, enough_frames, find_person, why_not
    from mfrec.face.footage import survey
    from mfrec.face.search import PROBES, upright_turn

    degrees = 0 if options.turn == "auto" else int(options.turn)
    found = survey(ahead(frames), degrees=degrees)
    seen = max((len(person.glimpses) for person in found.people), default=0)
    if options.turn == "auto" and 2 * seen < len(found.frames):
        degrees = upright_turn(list(again(only=_spread(found.frames, PROBES))))
        found = survey(ahead(again()), degrees=degrees) if degrees else found
    without = left_out_by_hand(options.without, found.frames)
    dropped = [
        *frames.dropped,
        *(Dropped(f.name, BY_HAND, f.index, "read") for f in found.frames if f.index in without),
    ]
    in_use = [frame for frame in found.frames if frame.index not in without]
    wanted, regions = asked_person(options, in_use), asked_regions(options, in_use, dropped)
    if not found.people:
        # The stage that tracks says what it looked for in vain.
        taken = _spread(in_use, most or MOST)
        some = again(only=taken)
        bare = tuple(map(Observation, some))
        return FaceTrack(bare, tuple(dropped), warnings=some.warnings, wanted=wanted, by_hand=regions)
    person, doubt = find_person(found, as_subject(options.subject), wanted)
    always = (options.reference, *sources_asked(options))
    chosen = choose(person, most or enough_frames(person), always=always, without=without)
    people = [
        Subject(
            other.number,
            {g.index: g.detection.box for g in other.glimpses if g.index in chosen},
            other.number == person.number,
        )
        for other in found.people
    ]
    shows_most = max(sorted(chosen), key=lambda index: sum(index in other.boxes for other in people))
    seen_in, kept = None, []
    # The second reading speaks of the chosen frames alone: damage or copies among the others concern nobody.
    second = again(only=frozenset(chosen))
    for frame in second:
        if frame.index == shows_most:
            seen_in = overview([turned(frame, degrees)], people)
        box = chosen[frame.index].detection.box
        kept.append(part_of(frame, [box], degrees) if options.crop in PARTS else frame)
    kept, again_saved = without_copies(kept, always)
    dropped += again_saved
    dropped += [
        Dropped(frame.name, why_not(person, frame.index, len(chosen)), frame.index, "choose")
        for frame in in_use
        if frame.index not in chosen
    ]
    sizes = {frame.index: frame.size for frame in kept}

    def as_read(index: int, box: FloatArray) -> FloatArray:
        """Where a face lies in the frame as it is, not as it was turned to look for it."""
        width, height = sizes[index][:: -1 if degrees % 180 else 1]
        return turned_box(box, -degrees % 360, height, width)

    return FaceTrack(
        tuple(
            Observation(frame, as_read(frame.index, chosen[frame.index].detection.box) - np.tile(frame.origin, 2))
            for frame in kept
        ),
        tuple(dropped),
        subjects=tuple(
            replace(other, boxes={i: as_read(i, box) for i, box in other.boxes.items() if i in sizes})
            for other in people
        ),
        overview=seen_in,
        warnings=(*second.warnings, *filter(None, [doubt])),
        by_hand=regions,
    )


def _spread(frames: Sequence[FrameId], count: int) -> frozenset[int]:
    """Indices of so many frames, evenly spread."""
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return frozenset(frames[place].index for place in places)


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
