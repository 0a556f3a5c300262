"""Enlarged film: a surveillance clip of one person, every frame of it enlarged and measured, and how the film flickers.

The way of the report on faces and video, whose networks learnt from single faces and then enlarged a clip of people who
walk past a camera (ChokePoint: Wong, Chen, Mau, Sanderson and Lovell, "Patch-based probabilistic image quality
assessment for face selection and improved video-based face recognition", CVPRW 2011). Our clips are those of the
protocol ``cctv64`` of whole sequences; the truth of every frame is known.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mfrec.bench.run import evenly, spoil, truth_frames
from mfrec.bench.scores import BASELINE
from mfrec.bench.tables.enlargement import in_8_bits
from mfrec.bench.tables.result import Row, TableResult, finished, means, spreads
from mfrec.bench.tables.sequences import chosen_sequences
from mfrec.bench.weights import DETECTOR
from mfrec.pipeline import Progress
from mfrec.types import FloatArray, Frame
from mfrec.upscale.asked import Asked

SCALE = 4

ASKED = {
    BASELINE: Asked(scale=SCALE),
    "srresnet_faces": Asked(method="srresnet_faces"),
    "srgan_faces, adversarial": Asked(method="srgan_faces"),
    "window of 5": Asked(window=5, steady=0, scale=SCALE),
    "window of 5, steadied": Asked(window=5, scale=SCALE),
}
"""Rows of the table, and what ``mfrec upscale`` is asked for."""

LOOKED_AT = 3
"""Frames of a clip, spread evenly, that the slower measures are taken of."""

PAIRS = 8
"""Pairs of successive frames of a clip, spread evenly, whose flicker is measured."""

COLUMNS = ("psnr", "psnr_gain", "ssim", "perceptual", "identity", "flicker", "detail")


def films_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Every frame of surveillance clips, 64 to 256 px, by single pictures and by a sliding window.

    Columns: means over the frames, and ``flicker`` and fine ``detail`` in units of the source's own, see
    :mod:`mfrec.metrics.flicker`.

    Args:
        data: a folder of sequences as :mod:`mfrec.bench.run` describes it; None films the portrait.

    Raises:
        InputError: the sequences cannot be used.
    """
    from mfrec.imageio import stream

    found: dict[str, list[dict[str, float]]] = {label: [] for label in ASKED}
    missing: dict[str, str] = {}
    with chosen_sequences(data, people, limit) as (sequences, said):
        for i, sequence in enumerate(sequences):
            with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
                spoil(sequence, "cctv64", seed).write(Path(folder))
                (clip,) = Path(folder).iterdir()
                frames = list(stream(clip))
            truths = truth_frames(sequence)
            for k, (label, asked) in enumerate(ASKED.items()):
                progress("tables, films", i * len(ASKED) + k, len(sequences) * len(ASKED))
                values, why = measured(frames, enlarged(frames, asked), truths)
                values["psnr_gain"] = values["psnr"] - (found[BASELINE][i] if k else values)["psnr"]
                found[label].append(values)
                missing |= {label: why} if why else {}
        progress("tables, films", len(sequences) * len(ASKED), len(sequences) * len(ASKED))
    rows = [
        Row(
            label,
            means(found[label]),
            len(found[label]),
            f"not of every frame ({missing[label]})" if label in missing else "",
            spreads={key: value for key, value in spreads(found[label]).items() if key == "psnr"},
            cards=() if asked.method == Asked.method else (asked.method,),
        )
        for label, asked in ASKED.items()
    ]
    title = "Film of a surveillance camera, 64 to 256 px, every frame enlarged"
    return finished("films", title, f"{said}, seed {seed}", COLUMNS, rows, cards=(DETECTOR,))


def enlarged(frames: Sequence[Frame], asked: Asked) -> list[FloatArray]:
    """What ``mfrec upscale`` makes of every frame of a film, before its words are burned in and it is coded."""
    from mfrec.upscale.film import around
    from mfrec.upscale.methods import find_method
    from mfrec.upscale.steadying import steadied_as_asked

    method = find_method(asked)
    enlarge = steadied_as_asked(method.enlarge, asked, method.scale)
    return [in_8_bits(enlarge(*context).image) for context in around(frames, asked.reach)]


def measured(
    frames: Sequence[Frame], pictures: Sequence[FloatArray], truths: Sequence[FloatArray]
) -> tuple[dict[str, float], str]:
    """The values of one film, and why one of them is missing of some frame; empty where none is.

    Args:
        frames: of the clip.
        pictures: what was made of each.
        truths: what a perfect camera would have seen of each.
    """
    from mfrec.metrics.flicker import flicker_between, total
    from mfrec.metrics.names import Case, Truth, measure
    from mfrec.metrics.psnr import psnr

    several, why = [], ""
    for k in evenly(range(len(frames)), LOOKED_AT):
        case = Case(pictures[k], Truth(truths[k], frames[k].name), frames[k].image, None)
        values, reasons = measure(case, ("ssim", "perceptual", "identity"))
        several.append(values)
        why = next(iter(reasons.values()), why)
    flicker = total(
        flicker_between((frames[k - 1].image, frames[k].image), (pictures[k - 1], pictures[k]))
        for k in evenly(range(1, len(frames)), PAIRS)
    )
    quality = float(np.mean([psnr(picture, truth) for picture, truth in zip(pictures, truths, strict=True)]))
    steady = {"flicker": flicker.ratio, "detail": flicker.detail}
    return {"psnr": quality, **means(several), **{name: v for name, v in steady.items() if v is not None}}, why
