"""``mfrec batch``, ``upscale-batch``, ``evaluate-batch`` and ``bench-batch``: many cases, here or on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.batch_work import Cases, Out, Work, batch_options, work_off
from mfrec.cli.benchmarks import Limit, Method, People, Protocol
from mfrec.cli.evaluation import Before, Metric, Pictures, TruthOption
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
    from mfrec.batch.manifest import read_cases
    from mfrec.provenance.schema import Arguments

    arguments = msgspec.convert({**options.record(), "device": device, "seed": seed}, Arguments)
    found = read_cases(cases, Reconstruct(arguments, pdf=pdf, strict=strict), out)
    work_off(found, out, work, as_json=as_json)


@with_options("work", batch_options)
@with_options("asked", upscale_options)
def upscale_batch(cases: Cases, *, out: Out, asked: Asked, work: Work, as_json: Json = False) -> None:
    """Enlarge many pictures, folders and videos. The same command goes on after whatever ended it."""
    from mfrec.batch.case import Upscale
    from mfrec.batch.manifest import read_cases
    from mfrec.batch.upscale_case import anywhere

    work_off(read_cases(cases, Upscale(anywhere(asked, Path())), out), out, work, as_json=as_json)


@with_options("work", batch_options)
def evaluate_batch(
    pictures: Pictures,
    *,
    truth: TruthOption,
    out: Out,
    before: Before = None,
    metric: Metric = None,
    work: Work,
    as_json: Json = False,
) -> None:
    """Measure many pictures against the truth, each as a case. The same command goes on after whatever ended it."""
    from mfrec.batch.measuring import evaluate_cases
    from mfrec.metrics.names import DEFAULT

    cases, gather = evaluate_cases(pictures, truth, before, metric or DEFAULT)
    work_off(cases, out, work, as_json=as_json, gather=gather)


@with_options("work", batch_options)
def bench_batch(
    sequences: Annotated[Path, typer.Argument(help="A folder of folders of 256 px frames.", show_default=False)],
    *,
    out: Out,
    protocol: Protocol = None,
    method: Method = None,
    people: People = "all",
    limit: Limit = None,
    seed: Seed = 0,
    work: Work,
    as_json: Json = False,
) -> None:
    """Compare methods as bench does, each sequence as a case. The same command goes on after whatever ended it."""
    from mfrec.batch.measuring import bench_cases
    from mfrec.bench.run import METHODS
    from mfrec.camera.protocols import PROTOCOLS

    cases, gather = bench_cases(
        sequences, protocol or tuple(PROTOCOLS), method or METHODS, people=people, seed=seed, limit=limit
    )
    work_off(cases, out, work, as_json=as_json, gather=gather)
