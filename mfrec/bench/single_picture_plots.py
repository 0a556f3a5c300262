"""Curves of networks of single pictures: eyes they enlarge, what lies between two of them, and how one was trained."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

from mfrec.bench.curves import Panel, Plot, Series, cumulative
from mfrec.errors import UsageError
from mfrec.pipeline import Progress

EYE_ERRORS = {
    "contour": ("Contours of iris and pupil", "error in distances of the pupils", 0.03),
    "gaze": ("Gaze", "error in degrees", 15.0),
}
"""Metric to the title of its cumulative curve, its unit, and the largest bound."""

ENDS = ("srresnet_faces", "srgan_faces")
"""Cards of one network, trained for PSNR and with a discriminator after that."""

ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def eyes_plot(limit: int | None, seed: int, progress: Progress) -> Plot:
    """Share of pairs of drawn eyes whose error is below a bound: originals and every enlargement.

    The curves of the thesis on eyes, over its training, validation and test pictures: of the contours that supervised
    descent finds (its figure 7.3), and of the gaze.

    Raises:
        UsageError: a package of training is not installed.
    """
    from mfrec.bench.tables.enlarged_eyes import GAZE, PAIRS, TEXTURE, shipped
    from mfrec.bench.tables.judged_eyes import SETS, Judges, measured, pairs_of, rows_of

    count = limit or PAIRS
    rows, judges = rows_of(shipped()), Judges(TEXTURE, GAZE)
    found = {
        name: measured(pairs_of(name, TEXTURE, count, seed), rows, judges, progress, "plot, eyes") for name in SETS
    }
    panels = []
    for metric, (title, unit, top) in EYE_ERRORS.items():
        for name, eyes in found.items():
            # A pair of which no judge finds anything, closed eyes say, counts for none.
            errors = {
                label: [values[metric] for values in pairs if metric in values] for label, pairs in eyes.values.items()
            }
            of = max(map(len, errors.values()))
            series = {
                f"{label}, mean {np.mean(values):.3g}": cumulative(values, of, top)
                for label, values in errors.items()
                if values
            }
            if series:
                panels.append(Panel(f"{title}, {name}, {of} pairs", unit, "share of pairs", series))
    data = (
        f"Pairs of drawn eyes, 48 x 160 px, made two and four times smaller, seed {seed}; test: of the iris texture "
        f"{TEXTURE}, which nothing has learnt from"
    )
    heading = "Cumulative errors of contours and gaze in enlarged eyes"
    notes = tuple(dict.fromkeys(why for eyes in found.values() for why in eyes.reasons))
    cards = {GAZE, *(card for each in rows for card in each.cards)}
    return Plot("eyes", heading, data, tuple(panels), notes, cards=tuple(sorted(cards)))


def interpolation_plot(data: Path | None, people: str, limit: int | None, progress: Progress) -> Plot:
    """PSNR and perceptual distance of the networks between two trainings of one, over the share of the second.

    Raises:
        InputError: the sequences cannot be used.
        WeightsError: weights are missing.
    """
    from mfrec.bench.tables.enlargement import in_8_bits
    from mfrec.bench.tables.single_pictures import faces, interpolated
    from mfrec.cards.mix import mix
    from mfrec.cards.single_picture import find_single_picture
    from mfrec.image.cubic import resize_cubic
    from mfrec.metrics.names import Case, Truth, measure

    truths, said = faces(data, people, limit)
    metrics = {"psnr": ("Fidelity", "PSNR in dB"), "perceptual": ("Likeness to the eye", "perceptual distance")}
    found: dict[str, dict[str, list[tuple[float, float]]]] = {metric: {} for metric in metrics}
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mfrec-plots-") as folder:
        between = []
        for number, alpha in enumerate(ALPHAS):
            card = mix(*ENDS, alpha, Path(folder) / f"mixed{number}.toml").card
            between.append((alpha, find_single_picture(str(card))))
        scale = between[0][1].scale
        smalls = [in_8_bits(resize_cubic(truth, *(side // scale for side in truth.shape[:2]))) for truth in truths]
        ways = [("bicubic", alpha, interpolated(scale)) for alpha in (ALPHAS[0], ALPHAS[-1])]
        ways += [(f"{ENDS[0]} to {ENDS[1]}", alpha, network) for alpha, network in between]
        for i, (label, alpha, enlarge) in enumerate(ways):
            progress("plot", i, len(ways))
            values: dict[str, list[float]] = {metric: [] for metric in metrics}
            for number, (truth, small) in enumerate(zip(truths, smalls, strict=True)):
                case = Case(in_8_bits(enlarge(small)), Truth(truth, f"face {number + 1}"), small, None)
                measured, missing = measure(case, tuple(metrics))
                notes += [why for why in missing.values() if why not in notes]
                for metric, value in measured.items():
                    values[metric].append(value)
            for metric, numbers in values.items():
                if numbers:
                    found[metric].setdefault(label, []).append((alpha, float(np.mean(numbers))))
        progress("plot", len(ways), len(ways))
    panels = tuple(
        Panel(
            title, "share of the adversarial weights", unit, {label: tuple(points) for label, points in series.items()}
        )
        for (title, unit), series in zip(metrics.values(), found.values(), strict=True)
        if series
    )
    heading = "Between two trainings of one network: fidelity and likeness to the eye"
    return Plot("interpolation", heading, f"{said}; x{scale}", panels, tuple(notes), cards=ENDS)


def training_plot(folder: Path | None) -> Plot:
    """What each round of a training found: the losses and, of a network that makes pictures, the PSNR.

    Once it is through, that of bicubic enlargement of the same validation samples stands beside it, as the card says.

    Args:
        folder: of the training, as ``mfrec train -o`` wrote it; it may still be at work.

    Raises:
        UsageError: no folder, none with a training, or one that has not finished a round.
    """
    if folder is None:
        raise UsageError("the plot 'training' is of a training: name its folder, mfrec bench FOLDER --plot training")
    try:
        from mfrec.train.checkpoint import load_checkpoint
    except ModuleNotFoundError as error:
        from mfrec.runtime.extras import not_installed

        raise UsageError(not_installed("reading a training", error.name, "train")) from None
    done = load_checkpoint(folder)
    if not done.history:
        raise UsageError(f"the training in '{folder}' has not finished a round yet; look again later")

    def series(**names: str) -> Series:
        rows = {label: [(float(row["step"]), float(row[key])) for row in done.history] for key, label in names.items()}
        return {label: tuple(points) for label, points in rows.items() if not all(math.isnan(y) for _, y in points)}

    panels = [Panel("Loss", "step", "loss", series(loss="training", validation_loss="validation"))]
    if quality := series(psnr="validation"):
        plain = bicubic_of(folder)
        if plain is not None:
            quality = {**quality, "bicubic": tuple((float(done.history[k]["step"]), plain) for k in (0, -1))}
        panels.append(Panel("Fidelity", "step", "PSNR in dB", quality))
    data = (
        f"The training in the folder '{folder.resolve().name}', {done.step} of {done.total} steps, {done.seconds:.0f} s"
    )
    return Plot("training", "Losses and quality of every round of a training", data, tuple(panels))


def bicubic_of(folder: Path) -> float | None:
    """PSNR in dB of bicubic enlargement on the validation samples of a training that is through; None where no card
    says it."""
    from mfrec.cards.load import read_card

    said = [read_card(path).metrics.get("psnr_bicubic") for path in sorted(folder.glob("*.toml"))]
    return next((float(value) for value in said if value is not None), None)
