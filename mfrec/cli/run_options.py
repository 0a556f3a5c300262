"""The options that ``mfrec reconstruct``, ``mfrec stage`` and ``mfrec batch`` share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.options import End, Settings, Start
from mfrec.options import Options, as_scale


def run_options(
    *,
    recipe: Annotated[str, typer.Option("--recipe", help="restore, evidence, or a TOML file.")] = "restore",
    reference: Annotated[str, typer.Option("--reference", help="auto, a frame's index from 0, or its name.")] = "auto",
    subject: Annotated[
        str, typer.Option("--subject", help="Whom to follow: auto, or a number from the report.")
    ] = "auto",
    box: Annotated[
        str | None,
        typer.Option(
            "--box",
            help="Follow the face in this rectangle: x,y,w,h@t; t is a frame from 0, or a time: 12.5 or 1:02.5.",
            show_default=False,
        ),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", help="Follow whom this photograph shows, by recognition.", show_default=False),
    ] = None,
    turn: Annotated[
        str, typer.Option("--turn", help="Turn the frames clockwise first: auto, 0, 90, 180 or 270 degrees.")
    ] = "auto",
    scale: Annotated[
        str,
        typer.Option("--scale", help="Output pixels per reference pixel along each side, or auto, by the face's size."),
    ] = "4",
    crop: Annotated[
        str,
        typer.Option("--crop", help="auto, face, frame for the whole reference frame, or a rectangle x,y,w,h of it."),
    ] = "auto",
    settings: Settings = None,
    start: Start = None,
    end: End = None,
    every: Annotated[int, typer.Option("--every", help="Take each n-th frame.")] = 1,
    deinterlace: Annotated[
        bool, typer.Option("--deinterlace", help="The video is interlaced: separate its fields.")
    ] = False,
    most: Annotated[
        str, typer.Option("--frames", help="Of a longer video, choose so many frames that bring most: auto, or N.")
    ] = "auto",
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="A frame that gives a region: eyes=3, mouth=NAME; repeat.", show_default=False),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            "--mask", help="Where a region lies: eyes=eyes.png, labels or 0 for it and 255; repeat.", show_default=False
        ),
    ] = None,
    without: Annotated[
        str, typer.Option("--without", help="Leave out frames: 12,15-18, counted from 0, or names.", show_default=False)
    ] = "",
    levels: Annotated[
        bool, typer.Option("--levels", help="Write a copy of the picture with its contrast stretched, for looking.")
    ] = False,
) -> Options:
    """What was asked for."""
    return Options(
        recipe=recipe,
        settings=tuple(settings or ()),
        reference=reference,
        scale=as_scale(scale),
        crop=crop,
        subject=subject,
        turn=turn,
        start=start,
        end=end,
        every=every,
        deinterlace=deinterlace,
        most=most,
        box=box,
        like=like,
        without=without,
        levels=levels,
        source=tuple(source or ()),
        mask=tuple(mask or ()),
    )
