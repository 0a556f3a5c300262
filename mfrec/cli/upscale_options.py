"""The options that ``mfrec upscale`` and ``mfrec upscale-batch`` share, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from mfrec.cli.options import Device, End, Seed, Settings, Start
from mfrec.upscale.asked import Asked


def upscale_options(
    *,
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
) -> Asked:
    """What was asked for."""
    return Asked(
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
