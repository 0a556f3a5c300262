"""``mfrec people``: everybody who is seen in a video, before anybody is reconstructed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from mfrec.cli.console import Progress, print_json, print_line
from mfrec.cli.options import Json
from mfrec.errors import NoFaceError, UsageError
from mfrec.face.wanted import as_text

if TYPE_CHECKING:
    from mfrec.face.footage import Person


def people(
    clip: Annotated[Path, typer.Argument(help="A video, or a folder of pictures.", show_default=False)],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Contact sheet to write, a PNG file.", show_default=False)
    ] = None,
    start: Annotated[
        float | None, typer.Option("--start", help="Seconds of a video to start at.", show_default=False)
    ] = None,
    end: Annotated[
        float | None, typer.Option("--end", help="Seconds of a video to end at.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List everybody who is seen: number, times, size, best frames; ``--subject`` or ``--box`` follows them."""
    from mfrec.face.footage import FEWEST, choose, contact_sheet, survey
    from mfrec.imageio import png_bytes, stream
    from mfrec.runtime.threads import one_thread

    if out is not None and out.exists():
        raise UsageError(f"'{out}' exists already; give another name for the contact sheet")
    with Progress() as progress, one_thread():
        found = survey(stream(clip, start=start, end=end, progress=progress))
    if not found.people:
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
    if out is not None:
        out.write_bytes(png_bytes(contact_sheet(found)))
    if as_json:
        print_json({"frames": len(found.frames), "people": rows})
        return
    for row in rows:
        when = "" if row["first"] is None else f", {row['first']:.2f} s to {row['last']:.2f} s"
        best = ", ".join(map(str, row["best"]))
        print_line(
            f"subject {row['number']}: in {row['frames']} of {len(found.frames)} frames{when}, face of {row['side']:g} "
            f"px; best frames {best}; --subject {row['number']} or --box {row['box']}"
        )


def place(person: Person) -> str:
    """What ``--box`` takes to follow somebody: where the face was seen best."""
    best = max(person.glimpses, key=lambda glimpse: glimpse.quality)
    return f"{as_text(best.detection.box)}@{best.index}"
