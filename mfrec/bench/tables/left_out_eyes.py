"""Leave one iris texture out, five times: SRResNet for eyes trained without it, and measured on it.

The protocol of the thesis on eyes. The trainings take ten to twenty minutes each: they begin with the shipped network
for faces, which has seen no drawn eye, and take users of the four other textures by the hundred. A folder keeps the
trainings, and the same command goes on after it was stopped; without a folder they are gone at its end. What lies in
the folder is measured as it is, and the head of the table says how long each network was trained.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit

from mfrec.bench.tables.enlarged_eyes import COLUMNS, row, told
from mfrec.bench.tables.judged_eyes import USERS, Judges, measured, pairs_of, rows_of
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.tables.single_pictures import Compared
from mfrec.cards.load import AFTER_TRAINING, ALSO_OPTIONAL, card_path, read_card
from mfrec.cards.single_picture import find_single_picture
from mfrec.errors import UsageError
from mfrec.pipeline import Progress, silent
from mfrec.report.text_table import mean
from mfrec.runtime.extras import not_installed

PAIRS = 60
"""How many pairs of each texture are drawn where no limit is given."""

TEXTURES = (0, 1, 2, 3, 4)
"""Of :data:`mfrec.train.data.eye_users.TEXTURES`, each left out once."""

CARD = "srresnet_eyes"
"""Whose network and recipe are trained, but for :data:`RECIPE` and :data:`DATA`."""

BEFORE = "srresnet_faces"
"""Card that the trainings begin with."""

RECIPE: Mapping[str, Any] = {"steps": 5000, "batch": 4, "bfloat16": True, "initial": "random", "start": BEFORE}

DATA: Mapping[str, Any] = {"users": USERS, "pool": 2400}


def left_out_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Every texture left out once: fidelity, contours found, and minutes of the training.

    Args:
        data: a folder that keeps the trainings, made where it is missing; None keeps none.
        people: not used, the eyes are drawn.
        seed: of the pairs.
        limit: at most so many pairs of each texture.
        progress: see :func:`mfrec.bench.tables.tables`.

    Raises:
        UsageError: a package of training is not installed, or the folder cannot be used.
    """
    del people
    count = limit or PAIRS
    made: list[list[Row]] = []
    reasons: dict[str, None] = {}
    lengths: dict[str, None] = {}
    with kept(data) as folder:
        for texture in TEXTURES:
            card = read_card(path := trained(texture, folder, progress))
            network = find_single_picture(str(path))
            rows = rows_of([Compared(f"x{network.scale} {CARD}", network.scale, (), network)])
            found = measured(
                pairs_of("test", texture, count, seed), rows, Judges(texture), progress, f"tables, eyes {texture}"
            )
            reasons |= dict.fromkeys(found.reasons)
            lengths[f"{card.trained_for} without texture {texture}"] = None
            lines = [row(f"texture {texture}: {each.label}", found, each) for each in rows]
            # Interpolation by the network's scale stands before it.
            plain = lines[-2].values["psnr"]
            made.append(
                [
                    *lines[:-2],
                    *(
                        replace(one, values={**one.values, "psnr_gain": one.values["psnr"] - plain})
                        for one in lines[-2:]
                    ),
                ]
            )
            values = {**made[-1][-1].values, "minutes": float(card.metrics["minutes"])}
            made[-1][-1] = replace(made[-1][-1], values=values)
    averages = [averaged(lines) for lines in zip(*made, strict=True)]
    said = (
        f"{count} pairs of drawn eyes of each texture, 48 x 160 px, seed {seed}, of users of the texture that neither "
        f"the network nor the contours have learnt from; trained from '{BEFORE}': "
        f"{', '.join(lengths)}{told(tuple(reasons))}"
    )
    title = "Enlarged eyes, one iris texture left out of the training at a time"
    columns = (COLUMNS[0], "psnr_gain", *COLUMNS[1:], "minutes")
    lines = [one for of_texture in made for one in of_texture]
    return finished("left-out-eyes", title, said, columns, [*lines, *averages], cards=(BEFORE,))


def averaged(rows: Sequence[Row]) -> Row:
    """The mean of one method over the textures; its minutes are added."""
    values = {}
    for column in rows[0].values:
        average = mean(one.values[column] for one in rows)
        if average is not None:
            values[column] = average * (len(rows) if column == "minutes" else 1)
    return Row(f"all: {rows[0].label.partition(': ')[2]}", values, sum(one.count for one in rows))


@contextlib.contextmanager
def kept(data: Path | None) -> Iterator[Path]:
    """The folder of the trainings; one that is gone afterwards where none was named."""
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="mfrec-eyes-") as folder:
        yield Path(folder)


def trained(texture: int, folder: Path, progress: Progress = silent) -> Path:
    """The card of the network that was trained without a texture, trained now or gone on with where it is not there.

    Args:
        texture: that is left out.
        folder: of all trainings, each in a folder of its own.
        progress: see :func:`mfrec.train.learner.train`.

    Raises:
        UsageError: a package of training is not installed, or the folder cannot be used.
    """
    try:
        from mfrec.train.checkpoint import CHECKPOINT
        from mfrec.train.job import run_job
    except ModuleNotFoundError as error:
        raise UsageError(not_installed("training", error.name, "train")) from None

    place = folder / f"texture_{texture}"
    card = place / CARD / f"{CARD}.toml"
    if not card.exists():
        place.mkdir(parents=True, exist_ok=True)
        source = place / f"{CARD}.toml"
        source.write_text(without(texture), encoding="utf-8")
        begin = "resume" if (place / CARD / CHECKPOINT).exists() else "new"
        run_job(str(source), [], place / CARD, begin=begin, threads=1, progress=progress)
    return card


def without(texture: int) -> str:
    """The card :data:`CARD` with the recipe of a short training without a texture, and without its weights."""
    text = tomlkit.parse(card_path(CARD).read_text(encoding="utf-8"))
    for key in (*AFTER_TRAINING, *ALSO_OPTIONAL, "metrics"):
        text.pop(key, None)
    recipe: Any = text["recipe"]
    recipe |= RECIPE
    recipe["data"] |= {**DATA, "left_out": texture}
    return tomlkit.dumps(text)
