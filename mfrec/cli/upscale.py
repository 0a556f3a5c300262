"""``mfrec upscale``: a larger picture of a picture, of every picture in a folder, or of every frame of a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.command_line import command
from mfrec.cli.console import Progress, print_json, print_line, say
from mfrec.cli.options import Device, End, Json, Seed, Settings, Start


def upscale(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A picture, a folder of pictures, or a video.", show_default=False)
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.", show_default=False)],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="bicubic; a card of a single-picture network, its name or path; realesrgan; or a file of weights.",
        ),
    ] = "bicubic",
    scale: Annotated[
        int | None,
        typer.Option("--scale", help="Output pixels per pixel of a side: 4, or the network's.", show_default=False),
    ] = None,
    window: Annotated[
        int, typer.Option("--window", help="Fuse each frame from so many successive ones, an odd number; 0: none.")
    ] = 0,
    steady: Annotated[
        int | None,
        typer.Option(
            "--steady",
            help="Average each picture with so many before and after it; 2 with a window of several, else 0.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="By whose stages a window is fused.")] = "evidence",
    settings: Settings = None,
    face: Annotated[
        bool, typer.Option("--face", help="Only the face that is followed; the rest of the frame by bicubic.")
    ] = False,
    subject: Annotated[str, typer.Option("--subject", help="With --face, whom to follow: auto, or a number.")] = "auto",
    box: Annotated[
        str | None, typer.Option("--box", help="With --face, the face in x,y,w,h@t.", show_default=False)
    ] = None,
    start: Start = None,
    end: End = None,
    deinterlace: Annotated[
        bool, typer.Option("--deinterlace", help="The video is interlaced: each field becomes a frame.")
    ] = False,
    crf: Annotated[int, typer.Option("--crf", help="How strongly a video is coded: 0 (best) to 51.")] = 12,
    lossless: Annotated[
        bool, typer.Option("--lossless", help="Code a video without loss; not every player opens it.")
    ] = False,
    device: Device = "auto",
    seed: Seed = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier output.")] = False,
    as_json: Json = False,
) -> None:
    """Enlarge a picture, a folder of pictures, or a video. A stopped run is gone on with by the same command."""
    from mfrec.upscale.asked import Asked
    from mfrec.upscale.job import upscale_into

    asked = Asked(
        method=method,
        scale=scale,
        window=window,
        steady=steady,
        recipe=recipe,
        settings=tuple(settings or ()),
        face=face,
        subject=subject,
        box=box,
        start=start,
        end=end,
        deinterlace=deinterlace,
        crf=crf,
        lossless=lossless,
        device=device,
        seed=seed,
    )
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
