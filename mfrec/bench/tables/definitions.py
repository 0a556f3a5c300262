"""The tables of methods on sequences: which methods, under which protocol.

What the thesis printed in its own tables stands in :mod:`mfrec.bench.tables.thesis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mfrec.bench.scores import BASELINE
from mfrec.image.stamp import WORDS
from mfrec.recipe import draws


@dataclass(frozen=True)
class Line:
    """One row before it is measured.

    Attributes:
        label: in words.
        method: a method of the bench, see :func:`mfrec.bench.run.check_method`.
        recipe: TOML of the recipe that is the method, where no name does; ``method`` is then empty.
    """

    label: str
    method: str = ""
    recipe: str = ""


@dataclass(frozen=True)
class Definition:
    """A table of methods on sequences: what it shows, under which protocol, and its rows."""

    title: str
    protocol: str
    lines: tuple[Line, ...]


BICUBIC = Line("bicubic", BASELINE)

MULTI_FRAME = (
    Line("U-Net", "network:thesis_unet"),
    Line("U-Net, SER-FIQ loss", "network:thesis_serfiq"),
    Line("BiO-Net", "network:bionet"),
    Line("feature merge", "network:feature_merge"),
)

OURS = (Line("registered mean", "mean"), Line("evidence", "evidence"), Line("restore", "restore"))

PLUS = tuple(
    Line(f"{name}+", f"network:{card}+thesis_finetune")
    for name, card in (
        ("U-Net", "thesis_unet"),
        ("U-Net, SER-FIQ loss", "thesis_serfiq"),
        ("BiO-Net", "bionet"),
        ("feature merge", "feature_merge"),
    )
)
"""The thesis's networks with its finetuning after them, which it prints with a plus."""

CHAIN = Line("the thesis's whole chain", "thesis")

FINISHED = (
    Line("U-Net, then finetune", "network:thesis_unet+finetune"),
    Line("bicubic, then finetune", "network:finetune"),
    Line("bicubic, then the thesis's finetuning", "network:thesis_finetune"),
)


def chain(stage: str, method: str) -> str:
    """TOML of a recipe that ends in one stage with one method."""
    names = ["track", "align", "parse", *([] if stage == "cross" else [stage]), "assess", "cross"]
    listed = ", ".join(f'"{name}"' for name in names)
    stamp = WORDS if draws(stage, method) else "RESTORED" if method == "unet" else "ENHANCED"
    return f'name = "{stage} {method}"\nstamp = "{stamp}"\nstages = [{listed}]\n\n[{stage}]\nmethod = "{method}"\n'


def drawn_finish(method: str, doubt: float) -> str:
    """TOML of a recipe that finishes the registered mean by a method that draws."""
    return (
        f'name = "mean, {method}"\nstamp = "{WORDS}"\nstages = ["track", "align", "fuse", "finetune"]\n\n'
        f'[fuse]\nmethod = "mean"\n\n[finetune]\nmethod = "{method}"\ndoubt = {doubt}\n'
    )


DRAWN = (
    Line("registered mean, then PULSE", recipe=drawn_finish("pulse", 0.0)),
    Line("registered mean, then PULSE, bounded by the frames", recipe=drawn_finish("pulse", 20 / 255)),
    Line("registered mean, then PSFR-GAN", recipe=drawn_finish("psfrgan", 0.0)),
)
"""Finishing that draws what no frame shows. It is measured before it is marked NOT EVIDENCE."""


CROSSED = tuple(
    Line(f"cross-over, {name}", recipe=chain("cross", name))
    for name in ("soft", "sharp", "pyramid", "unet", "stylegan")
)

REPOSED = tuple(
    Line(f"repose, {name}", recipe=chain("repose", name))
    for name in ("align_and_blend", "procrustes", "delaunay", "mesh", "interfacegan", "few_shot")
)

DEFINITIONS: dict[str, Definition] = {
    "3.1": Definition("Multi-frame networks, small JPEGs", "jpeg32", (BICUBIC, *MULTI_FRAME, *PLUS, *OURS)),
    "surveillance": Definition("Multi-frame networks, surveillance film", "cctv64", (BICUBIC, *MULTI_FRAME, *OURS)),
    "3.3": Definition("Finetuning of a single picture", "jpeg32", (BICUBIC, *FINISHED, *DRAWN, *OURS)),
    "3.4": Definition("Ways to cross regions over", "patch32", (BICUBIC, *CROSSED, *OURS)),
    "3.6": Definition(
        "Everything, frames with blurred patches",
        "patch32",
        (
            Line("bilinear", "bilinear"),
            BICUBIC,
            *MULTI_FRAME,
            *PLUS,
            *FINISHED,
            *DRAWN,
            *CROSSED,
            *REPOSED,
            CHAIN,
            *OURS,
        ),
    ),
    "peers": Definition(
        "Peers: quality, time and memory of a whole process",
        "jpeg32",
        (
            Line("nearest", "nearest"),
            Line("bilinear", "bilinear"),
            BICUBIC,
            Line("Lanczos", "lanczos"),
            Line("registered median", "median"),
            Line("Real-ESRGAN x4", "realesrgan"),
            *OURS,
        ),
    ),
}
"""Tables of methods on sequences."""


def with_methods(table: Definition, methods: Sequence[str]) -> tuple[Line, ...]:
    """The rows of a table and one for each method of the user that it does not have yet."""
    there = {line.method for line in table.lines}
    return (*table.lines, *(Line(method, method) for method in dict.fromkeys(methods) if method not in there))
