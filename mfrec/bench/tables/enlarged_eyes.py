"""The shipped networks for eyes, beside the thesis on eyes: fidelity, gaze and contours on three sets of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mfrec.bench.tables.judged_eyes import SCALES, SETS, Found, Judges, measured, pairs_of, rows_of
from mfrec.bench.tables.result import Published, Row, TableResult, finished, means, spreads
from mfrec.bench.tables.single_pictures import Compared, methods
from mfrec.pipeline import Progress

PAIRS = 100
"""How many pairs of each set are drawn where no limit is given."""

TEXTURE = 0
"""Of the iris that the shipped networks have not learnt from."""

GAZE = "gaze_users"
"""Card of the network that estimates gaze."""

THESIS = "table 7.1 of the thesis on eyes, U2Eyes 97 x 21 to 388 x 84 px; other eyes than ours"

IN_PRINT = {
    "srresnet_eyes": Published(32.93, 0.86, f"SRResNet-MSE, ± 2.52 dB and ± 0.05, {THESIS}"),
    "srgan_eyes": Published(27.67, 0.83, f"SRGAN, ± 1.75 dB and ± 0.05, {THESIS}"),
}
"""Card of ours to what the thesis has of the same kind."""

NAMES = {
    "gaze": "gaze °",
    "more": "more ° (95 %)",
    "moved": "moved °",
    "iris": "iris centre",
    "contour": "contours",
}
"""Value of :class:`~mfrec.bench.tables.judged_eyes.Found` to its column, where that is called otherwise. Behind ``±``
stands a standard deviation, but in ``more`` half of the 95 % confidence interval."""

WITHIN = "iris ≤ 0.01"
"""Column of the share of pairs whose iris is found that near, the bound that the thesis reads its curves at."""

COLUMNS = ("psnr", "ssim", "perceptual", *list(NAMES.values())[:3], "mm", "iris centre", WITHIN, "contours")


def shipped() -> tuple[Compared, ...]:
    """The networks for pairs of eyes that have weights."""
    return tuple(each for each in methods(3, of_eyes=True) if each.cards)


def row(label: str, found: Found, each: Compared, *, published: Published | None = None) -> Row:
    """The row of a method, with the standard deviations of its figures."""
    values = found.values[each.label]
    mean, spread = ({NAMES.get(name, name): value for name, value in of(values).items()} for of in (means, spreads))
    irises = [one["iris"] for one in values if "iris" in one]
    if irises:
        mean[WITHIN] = sum(iris <= 0.01 for iris in irises) / len(irises)
    kept = {column: spread[column] for column in ("psnr", "ssim", NAMES["gaze"]) if column in spread}
    half = found.interval(each.label, "more")
    if half is not None:
        kept[NAMES["more"]] = half
    return Row(label, mean, len(values), published=published, spreads=kept, cards=each.cards)


def enlarged_eyes_table(
    data: Path | None, people: str, seed: int, limit: int | None, progress: Progress
) -> TableResult:
    """PSNR, SSIM and perceptual distance, errors of the gaze in degrees and millimetres, and of iris and pupil.

    Raises:
        UsageError: a package of training is not installed.
    """
    del data, people  # the eyes are drawn
    count = limit or PAIRS
    rows = rows_of(shipped())
    made: list[Row] = []
    reasons: dict[str, None] = {}
    for name in SETS:
        found = measured(pairs_of(name, TEXTURE, count, seed), rows, Judges(TEXTURE, GAZE), progress, "tables, eyes")
        reasons |= dict.fromkeys(found.reasons)
        made += [row(f"{name}: {each.label}", found, each, published=in_print(each, name)) for each in rows]
    said = (
        f"{count} pairs of drawn eyes a set, 48 x 160 px, seed {seed}, made {' and '.join(map(str, SCALES))} times "
        f"smaller; test: of the iris texture {TEXTURE}, which nothing has learnt from{told(tuple(reasons))}"
    )
    title = "Enlarged eyes: fidelity, and errors of gaze, iris and pupil against what was drawn"
    return finished("enlarged-eyes", title, said, COLUMNS, made, cards=(GAZE,))


def in_print(each: Compared, name: str) -> Published | None:
    """What the thesis has of the same kind, for the set that it is of."""
    return IN_PRINT.get(each.cards[0]) if each.cards and name == "test" else None


def told(reasons: Sequence[str]) -> str:
    """Why something is missing, after what else is said."""
    return "".join(f"; {reason}" for reason in reasons)
