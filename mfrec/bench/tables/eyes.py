"""Errors of iris, pupil and gaze on drawn eyes, whose truth is known and which nothing was trained on."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from mfrec.bench.tables.result import Row, TableResult, finished, means
from mfrec.bench.weights import MEASURING
from mfrec.errors import UsageError, WeightsError
from mfrec.pipeline import Progress
from mfrec.runtime.extras import not_installed

EYES = 300
"""How many eyes are drawn where no limit is given."""

EYE_WIDTHS = ((8, 16), (16, 30), (30, 60))
"""Pixels from corner to corner that the camera had."""


def eyes_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Errors of iris, pupil and gaze on drawn eyes of which at least half of the iris shows.

    Columns: mean distance of the centres in shares of the eye's width, share of the irises nearer than a tenth of it,
    mean angle of the gaze, and what always looking straight ahead would have.

    Raises:
        UsageError: a package of training is not installed.
    """
    from mfrec.face.eyes import EYE
    from mfrec.face.iris import find_iris
    from mfrec.metrics.gaze import angles, estimate_gaze

    del data, people  # the eyes are drawn
    try:
        from mfrec.train.data.synthetic_eyes import draw_eye, render_eye
    except ModuleNotFoundError as error:
        raise UsageError(not_installed("drawing eyes", error.name, "train")) from None

    count = limit or EYES
    cases = []
    for i in range(count):
        progress("tables, eyes", i, count)
        # Seeds of training and of its validation lie below 2^34.
        eye = draw_eye(np.random.default_rng((2**34 + seed, i)))
        drawn = render_eye(eye)
        if drawn.seen < 0.5:
            continue
        found = find_iris(drawn.image)
        values = {
            "iris": float(np.linalg.norm(found.centre - drawn.iris)) / EYE,
            "pupil": float(np.linalg.norm(found.pupil - drawn.pupil)) / EYE,
            "straight ahead": float(angles(np.zeros(2), np.array(eye.gaze))),
        }
        values["iris < 0.1"] = float(values["iris"] < 0.1)
        cases.append((eye, drawn.image, values))
    progress("tables, eyes", count, count)
    reason = ""
    try:
        for eye, image, values in cases:
            values["gaze"] = float(angles(estimate_gaze([image])[0], np.array(eye.gaze)))
    except WeightsError as error:
        reason = f"gaze is not measured ({error})"
    rows = []
    for low, high in ((0.0, math.inf), *EYE_WIDTHS):
        chosen = [values for eye, _, values in cases if low <= eye.width < high]
        label = f"eyes of {low} to {high} px" if high < math.inf else "all"
        rows.append(Row(label, means(chosen), len(chosen), reason if high == math.inf else ""))
    columns = ("iris", "iris < 0.1", "pupil", "gaze", "straight ahead")
    said = f"{count} eyes, drawn with seed {seed}; those with less than half of the iris are left out"
    return finished(
        "eyes",
        "Iris, pupil and gaze of drawn eyes, in shares of the eye's width and degrees",
        said,
        columns,
        rows,
        cards=(MEASURING["gaze"],),
    )
