"""``mfrec people``: everybody who is seen in a video, before anybody is reconstructed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from mfrec.cli.console import Progress, print_json, print_line, say
from mfrec.cli.options import End, Json, Start
from mfrec.errors import NoFaceError, UsageError

if TYPE_CHECKING:
    from mfrec.face.footage import Person
    from mfrec.types import Frame


def people(
    clip: Annotated[Path, typer.Argument(help="A video, or a folder of pictures.", show_default=False)],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Contact sheet to write, a PNG file.", show_default=False)
    ] = None,
    start: Start = None,
    end: End = None,
    as_json: Json = False,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="With --json: what every frame shows and how it is coded, too.")
    ] = False,
) -> None:
    """List everybody who is seen: number, times, size, best frames; ``--subject`` or ``--box`` follows them."""
    from mfrec.face.chosen_frames import FEWEST, choose
    from mfrec.face.footage import contact_sheet, survey
    from mfrec.imageio import png_bytes, stream
    from mfrec.publication.files import write_file
    from mfrec.runtime.threads import one_thread

    if out is not None and out.exists():
        raise UsageError(f"'{out}' exists already; give another name for the contact sheet")
    if every_frame and not as_json:
        raise UsageError("--every-frame is for programs; add --json")
    coding: list[dict[str, Any]] = []
    with Progress() as progress, one_thread():
        frames = stream(clip, start=start, end=end, progress=progress)
        found = survey(_noted(frames, coding))
    warnings = list(frames.warnings)
    for warning in warnings:
        say(f"warning: {warning}")
    if not found.people and not every_frame:
        raise NoFaceError(f"no face was found in any of the {len(found.frames)} frames of '{clip}'")
    rows = [
        {
            "number": person.number,
            "frames": len(person.glimpses),
            "first": person.glimpses[0].time,
            "last": person.glimpses[-1].time,
            "side": round(float(np.median([glimpse.detection.side for glimpse in person.glimpses])), 1),
            "best": list(choose(person, FEWEST)),
            "box": place(person),
        }
        for person in found.people
    ]
    if out is not None and found.people:
        write_file(out, png_bytes(contact_sheet(found)))
    elif out is not None:
        say(f"nobody was seen in any of the {len(found.frames)} frames, so '{out}' was not written")
    if as_json:
        if every_frame:
            rows = [row | {"seen": _seen(person)} for row, person in zip(rows, found.people, strict=True)]
        whole = {"frames": len(found.frames), "warnings": warnings, "people": rows}
        print_json({**whole, **({"coding": coding} if every_frame else {})})
        return
    for row in rows:
        when = "" if row["first"] is None else f", {row['first']:.2f} s to {row['last']:.2f} s"
        best = ", ".join(map(str, row["best"]))
        print_line(
            f"subject {row['number']}: in {row['frames']} of {len(found.frames)} frames{when}, face of {row['side']:g} "
            f"px; best frames (counted from 0) {best}; --subject {row['number']} or --box {row['box']}"
        )


def place(person: Person) -> str:
    """What ``--box`` takes to follow somebody: where the face was seen best."""
    from mfrec.face.wanted import as_text

    best = max(person.glimpses, key=lambda glimpse: glimpse.quality)
    return f"{as_text(best.detection.box)}@{best.index}"


def _noted(frames: Iterable[Frame], coding: list[dict[str, Any]]) -> Iterator[Frame]:
    """The same frames; what their files say of each goes into ``coding``."""
    for frame in frames:
        view = frame.codec
        coding.append(
            {
                "index": frame.index,
                "name": frame.name,
                "time": frame.time,
                "key": frame.key,
                "kind": "" if view is None else view.kind,
                "quantiser": frame.quantiser,
                "damaged": frame.damaged,
            }
        )
        yield frame


def _seen(person: Person) -> list[dict[str, Any]]:
    """Where somebody is in every frame that shows them, ``box`` as ``x, y, width, height`` in pixels."""
    out = []
    for glimpse in person.glimpses:
        x0, y0, x1, y1 = (round(float(edge), 1) for edge in glimpse.detection.box)
        out.append(
            {
                "index": glimpse.index,
                "name": glimpse.name,
                "box": [x0, y0, round(x1 - x0, 1), round(y1 - y0, 1)],
                "quality": round(glimpse.quality, 4),
                "copy": glimpse.copy,
                "damaged": glimpse.damaged,
            }
        )
    return out
