"""``mfrec batch`` and ``mfrec upscale-batch``: many cases, on this machine or on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.batch_work import Cases, Out, Work, batch_options, work_off
from mfrec.cli.options import Device, Json, Seed
from mfrec.cli.run_options import run_options
from mfrec.cli.shared_options import with_options
from mfrec.cli.upscale_options import upscale_options
from mfrec.options import Options
from mfrec.upscale.asked import Asked


@with_options("work", batch_options)
@with_options("options", run_options)
def batch(
    cases: Cases,
    *,
    out: Out,
    options: Options,
    device: Device = "auto",
    seed: Seed = 0,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write each report as PDF too.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="A case fails whose result is less like the frames than these are alike.")
    ] = False,
    work: Work,
    as_json: Json = False,
) -> None:
    """Reconstruct many cases. The same command goes on after whatever ended it; no case is lost or done twice."""
    import msgspec

    from mfrec.batch.case import Reconstruct
    from mfrec.provenance.schema import Arguments

    arguments = msgspec.convert({**options.record(), "device": device, "seed": seed}, Arguments)
    work_off(cases, out, Reconstruct(arguments, pdf=pdf, strict=strict), work, as_json=as_json)


@with_options("work", batch_options)
@with_options("asked", upscale_options)
def upscale_batch(cases: Cases, *, out: Out, asked: Asked, work: Work, as_json: Json = False) -> None:
    """Enlarge many pictures, folders and videos. The same command goes on after whatever ended it."""
    from mfrec.batch.case import Upscale
    from mfrec.batch.upscale_case import anywhere

    work_off(cases, out, Upscale(anywhere(asked, Path())), work, as_json=as_json)
