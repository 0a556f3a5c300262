"""Enlarged eyes judged by what gaze tracking needs: PSNR, gaze and iris, beside the thesis on eyes.

Pairs of drawn eyes of the iris texture that nothing was trained on (:mod:`mfrec.train.data.eye_users`), made four times
smaller and enlarged again. Gaze and iris are estimated in the enlarged picture and compared with the truth that was
drawn; the row of the originals is the best that the estimators do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mfrec.bench.scores import BASELINE
from mfrec.bench.tables.result import Published, Row, TableResult, finished, means, spreads
from mfrec.bench.tables.single_pictures import Compared, interpolated, methods
from mfrec.bench.weights import MEASURING
from mfrec.errors import UsageError, WeightsError
from mfrec.pipeline import Progress
from mfrec.runtime.extras import not_installed

PAIRS = 100
"""How many pairs are drawn where no limit is given."""

SCALE = 4

TEXTURE = 0
"""Of the iris that the shipped networks have not learnt from."""

SEED = 2**37
"""Draws of this table; those of trainings lie below."""

THESIS = "table 7.1 of the thesis on eyes, U2Eyes 97 x 21 to 388 x 84 px; other eyes than ours"

IN_PRINT = {
    "srresnet_eyes": Published(32.93, 0.86, f"SRResNet-MSE, ± 2.52 dB and ± 0.05, {THESIS}"),
    "srgan_eyes": Published(27.67, 0.83, f"SRGAN, ± 1.75 dB and ± 0.05, {THESIS}"),
}
"""Card of ours to what the thesis has of the same kind."""


@dataclass(frozen=True)
class Eyes:
    """What was measured of enlarged eyes.

    Attributes:
        rows: originals, interpolation, networks.
        found: label of a row to the values of each pair: ``psnr``, ``ssim``, ``gaze`` in degrees, ``iris`` in eye
            widths.
        reason: why the gaze is missing; empty where it is not.
    """

    rows: tuple[Compared, ...]
    found: Mapping[str, Sequence[Mapping[str, float]]]
    reason: str


def measured_eyes(count: int, seed: int, progress: Progress, *, left_out: bool = True) -> Eyes:
    """Draw pairs of eyes and measure every method on them.

    Args:
        count: of pairs.
        seed: of the drawing.
        progress: see :func:`mfrec.bench.tables.tables`.
        left_out: those of the iris texture that nothing was trained on; else other people of the textures that was.

    Raises:
        UsageError: a package of training is not installed.
    """
    from mfrec.face.eyes import EYE
    from mfrec.face.iris import find_iris
    from mfrec.metrics.gaze import angles, estimate_gaze
    from mfrec.metrics.psnr import psnr
    from mfrec.metrics.ssim import ssim

    try:
        from mfrec.train.data.eye_users import TEXTURES, cut_pair
        from mfrec.train.data.synthetic_eyes import render_eye
        from mfrec.train.streams.eye_pair_stream import EyePairStream
    except ModuleNotFoundError as error:
        raise UsageError(not_installed("drawing eyes", error.name, "train")) from None

    stream = EyePairStream(SEED + seed, length=count, scale=SCALE, left_out=TEXTURE, only_left_out=left_out)
    ours = [each for each in methods(3, of_eyes=True) if each.cards and each.scale == SCALE]
    rows = (Compared("originals", SCALE), Compared(BASELINE, SCALE, (), interpolated(SCALE)), *ours)
    found: dict[str, list[dict[str, float]]] = {each.label: [] for each in rows}
    reason = ""
    for i in range(count):
        progress("tables, enlarged eyes", i, count)
        pair = stream.drawn(i)
        (small,), wanted = stream.make(pair)
        truth, little = (x.permute(1, 2, 0).numpy() for x in (wanted["truth"], small))
        drawn = [render_eye(eye, TEXTURES[pair.texture].spokes) for eye in (pair.left, pair.right)]
        gazes = np.array([pair.left.gaze, pair.right.gaze])
        for each in rows:
            image = truth if each.enlarge is None else each.enlarge(little)
            cuts = cut_pair(image)
            values = {} if each.enlarge is None else {"psnr": psnr(image, truth), "ssim": ssim(image, truth)}
            try:
                values["gaze"] = float(angles(estimate_gaze(cuts), gazes).mean())
            except WeightsError as error:
                reason = f"gaze is not measured ({error})"
            seen = [(cut, eye) for cut, eye in zip(cuts, drawn, strict=True) if eye.seen >= 0.5]
            misses = [float(np.linalg.norm(find_iris(cut).centre - eye.iris)) / EYE for cut, eye in seen]
            if misses:
                values["iris"] = float(np.mean(misses))
            found[each.label].append(values)
    progress("tables, enlarged eyes", count, count)
    return Eyes(rows, found, reason)


def enlarged_eyes_table(
    data: Path | None, people: str, seed: int, limit: int | None, progress: Progress
) -> TableResult:
    """PSNR and SSIM, the error of the gaze in degrees, and of the iris in eye widths, with their standard deviations.

    Raises:
        UsageError: a package of training is not installed.
    """
    del data, people  # the eyes are drawn
    count = limit or PAIRS
    eyes = measured_eyes(count, seed, progress)
    rows, found, reason = eyes.rows, eyes.found, eyes.reason
    made = [
        Row(
            each.label,
            means(found[each.label]),
            count,
            reason if each is rows[0] else "",
            IN_PRINT.get(each.cards[0]) if each.cards else None,
            spreads(found[each.label]),
            each.cards,
        )
        for each in rows
    ]
    said = f"{count} pairs of drawn eyes of the iris texture {TEXTURE}, seed {seed}; 12 x 40 to 48 x 160 px"
    title = "Enlarged eyes: fidelity, and errors of gaze and iris against what was drawn"
    return finished("enlarged-eyes", title, said, ("psnr", "ssim", "gaze", "iris"), made, cards=(MEASURING["gaze"],))
