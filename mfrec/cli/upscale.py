"""``mfrec upscale``: a larger picture of a picture, of every picture in a folder, or of every frame of a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.command_line import command
from mfrec.cli.console import Progress, print_json, print_line, say
from mfrec.cli.options import Json
from mfrec.cli.shared_options import with_options
from mfrec.cli.upscale_options import upscale_options
from mfrec.upscale.asked import Asked


@with_options("asked", upscale_options)
def upscale(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A picture, a folder of pictures, or a video.", show_default=False)
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.", show_default=False)],
    asked: Asked,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier output.")] = False,
    as_json: Json = False,
) -> None:
    """Enlarge a picture, a folder of pictures, or a video. A stopped run is gone on with by the same command."""
    from mfrec.upscale.job import upscale_into

    with Progress() as progress:
        record = upscale_into(
            out, source, asked, command=command(), overwrite=overwrite, progress=progress, say=progress.say
        )
    for warning in record["warnings"]:
        say(f"warning: {warning}")
    if as_json:
        print_json(record)
        return
    made, stamp = record["upscaled"], record["recipe"]["stamp"]
    if made["kind"] == "video":
        width, height = made["size"]
        print_line(f"{out / made['file']}: {width} x {height} px, {stamp}, {made['method']}")
        print_line(f"frames: {made['frames']}, {made['seconds']:.2f} s; {made['sound']}")
        print_line(f"flicker: {made['flicker']['text']}")
    else:
        for picture in made["pictures"]:
            width, height = picture["size"]
            print_line(f"{out / picture['file']}: {width} x {height} px, {stamp}, {made['method']}")
    if made["face"]:
        print_line(f"face: {made['face']}")
