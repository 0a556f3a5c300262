"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of every random draw.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Start = Annotated[float | None, typer.Option("--start", help="Seconds of a video to start at.", show_default=False)]
End = Annotated[float | None, typer.Option("--end", help="Seconds of a video to end at.", show_default=False)]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="stage.key=value; may be repeated.", show_default=False)
]
