"""Which frame gives a region, and where that lies, by hand: ``--source eyes=3`` and ``--mask eyes=eyes.png``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.face.regions import regions_named
from mfrec.types import ByHand, Dropped, FaceTrack, FrameId, Region

if TYPE_CHECKING:
    from mfrec.options import Options

TRANSFER, KEEP = 0, 255
"""Values of a mask of two values: taken from the source, and left as it is."""


def named_pairs(values: Sequence[str], option: str) -> list[tuple[str, str]]:
    """Region and value of each ``region=value``.

    Args:
        values: as they were given.
        option: ``"--source"`` or ``"--mask"``.

    Raises:
        UsageError: malformed, no such region, or two values for one region.
    """
    pairs, taken = [], dict[Region, str]()
    for given in values:
        name, equals, value = given.partition("=")
        name, value = name.strip(), value.strip()
        if not (name and equals and value):
            example = "eyes=3" if option == "--source" else "eyes=eyes.png"
            raise UsageError(f"{option} is '{given}'; expected a region and what it gets, such as {example}")
        try:
            members = regions_named(name)
        except UsageError as error:
            raise UsageError(f"{option} {given}: {error}") from None
        for region in members:
            if region in taken:
                raise UsageError(
                    f"{option} {given} and {option} {taken[region]} both say what {region.name.lower()} gets; give one"
                )
            taken[region] = given
        pairs.append((name, value))
    return pairs


def asked_regions(options: Options, frames: Sequence[FrameId], dropped: Sequence[Dropped] = ()) -> tuple[ByHand, ...]:
    """What is decided by hand about single regions.

    Args:
        options: as they were given.
        frames: those that can be used.
        dropped: those that cannot, and why.

    Raises:
        UsageError: a region or frame that is not there, a mask that names nothing, or two values for one region.
        InputError: there is no such file of a mask.
    """
    sources = dict(named_pairs(options.source, "--source"))
    masks = dict(named_pairs(options.mask, "--mask"))
    out = []
    for name in dict.fromkeys((*sources, *masks)):
        told = []
        index = mask = None
        if name in sources:
            told.append(f"--source {name}={sources[name]}")
            index = _frame_meant(sources[name], told[-1], frames, dropped)
        if name in masks:
            told.append(f"--mask {name}={masks[name]}")
            mask = drawn_mask(Path(masks[name]), regions_named(name), told[-1])
        out.append(ByHand(name, regions_named(name), index, mask, " ".join(told)))
    return tuple(out)


def check_regions(options: Options) -> None:
    """Refuse what cannot be before a frame is opened.

    Raises:
        UsageError: see :func:`named_pairs`.
    """
    named_pairs(options.source, "--source")
    named_pairs(options.mask, "--mask")


def sources_asked(options: Options) -> tuple[str, ...]:
    """The frames that are named as sources, as they were given."""
    return tuple(value for _, value in named_pairs(options.source, "--source"))


def _frame_meant(wanted: str, told: str, frames: Sequence[FrameId], dropped: Sequence[Dropped]) -> int:
    """Index of the frame with that name, or else with that index."""
    named = [frame.index for frame in frames if frame.name == wanted]
    if len(named) > 1:
        raise UsageError(f"{told} names {len(named)} frames; give an index, one of {', '.join(map(str, named))}")
    if named:
        return named[0]
    for frame in frames:
        if str(frame.index) == wanted:
            return frame.index
    for item in dropped:
        if wanted in (item.name, str(item.index)):
            raise UsageError(_left_out(told, item, frames))
    first, last = min(frame.index for frame in frames), max(frame.index for frame in frames)
    raise UsageError(
        f"{told}: there is no such frame; give an index, {first} to {last}, or a name ('{frames[0].name}')"
    )


def check_sources(track: FaceTrack) -> None:
    """Say why a frame that is to give a region is not in use, before a stage looks for it in vain.

    Raises:
        UsageError: it was left out.
    """
    here = [FrameId(o.frame.index, o.frame.name, o.frame.time) for o in track.observations]
    for hand in track.by_hand:
        if hand.index is None or hand.index in {frame.index for frame in here}:
            continue
        for item in track.dropped:
            if item.index == hand.index:
                raise UsageError(_left_out(hand.told, item, here))


def _left_out(told: str, item: Dropped, frames: Sequence[FrameId]) -> str:
    shown = ", ".join(f"{frame.index} ({frame.name})" for frame in sorted(frames, key=lambda one: one.index)[:8])
    more = f" and {len(frames) - 8} more" if len(frames) > 8 else ""
    return (
        f"{told}: that frame ({item.name}) was left out: {item.reason} (stage {item.stage}); take one of the frames in "
        f"use: {shown}{more}"
    )


def drawn_mask(path: Path, regions: Sequence[Region], told: str) -> NDArray[np.bool_]:
    """Where somebody drew a region, ``[H, W]``.

    Args:
        path: a picture of the numbers of regions (CelebAMask-HQ's, 0 to 18), or of 0 (transfer) and 255 (keep).
        regions: which of the numbers are meant.
        told: the option, for messages.

    Raises:
        UsageError: no picture, other values, or nothing is named.
        InputError: there is no such file.
    """
    from mfrec.imageio.labels import read_labels

    labels = read_labels(path, told)
    values = {int(value) for value in np.unique(labels)}
    names = ", ".join(f"{region.value} ({region.name.lower()})" for region in regions)
    if values == {TRANSFER}:
        raise UsageError(
            f"{told}: '{path}' holds nothing but 0, which as a label map names no region and as a mask takes the whole "
            f"picture; draw {names}, or leave {KEEP} where the picture is to stay"
        )
    if values == {KEEP}:
        raise UsageError(
            f"{told}: '{path}' holds nothing but {KEEP}, so nothing would be taken; draw {TRANSFER} where it is to be"
        )
    if values == {TRANSFER, KEEP}:
        return labels == TRANSFER
    unknown = sorted(values - {KEEP} - {region.value for region in Region}) or sorted(values & {KEEP})
    if unknown:
        raise UsageError(
            f"{told}: '{path}' holds {', '.join(map(str, unknown[:5]))}, which is no region; expected 0 to "
            f"{max(Region).value} as numbers of regions, or {TRANSFER} and {KEEP} alone, without smoothed edges"
        )
    mask = np.isin(labels, regions)
    if not mask.any():
        raise UsageError(f"{told}: '{path}' is a label map without {names}; draw that, or give another region")
    return mask
