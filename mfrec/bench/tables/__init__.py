"""The tables that the field argues with, each as a command, ours beside what was published.

* ``3.1`` and ``3.3`` to ``3.6`` are after the tables of the thesis that mfrec builds on (which networks are as it drew
  them and which are not, their cards say), and its own rows stand beside them (:mod:`mfrec.bench.tables.thesis`); its
  table 3.2 is columns of ``3.1``. Our rows are measured on sequences of the user or on the filmed portrait, by the
  protocols of :mod:`mfrec.camera.protocols`. A row whose network has no weights says that.
* ``surveillance`` is 3.1 for surveillance film, which the thesis has not.
* ``set5`` and ``set14`` are x4 enlargement measured on the luma, where bicubic has 28.43 and 26.00 dB; a bench that
  cannot reproduce those has another bicubic, another luma or another border than the literature.
* ``faces`` is bicubic enlargement at the published settings for single faces, 16 -> 128 and 32 -> 128 px.
* ``single`` and ``portraits`` are every network of single pictures on faces of held-out people, x4 and x2, and on grey
  portraits (:mod:`mfrec.bench.tables.single_pictures`); ``enlarged-eyes`` is eyes judged by gaze and by the contours
  of iris and pupil (:mod:`mfrec.bench.tables.enlarged_eyes`), ``left-out-eyes`` trains networks for them five times,
  without one iris texture each (:mod:`mfrec.bench.tables.left_out_eyes`).
* ``parser`` is the intersection over union of every face region, on labelled faces that the parser has not learnt from.
* ``regions`` and ``foreign`` are trials: whether the one sharp region is chosen
  (:mod:`mfrec.bench.tables.region_trials`), and whether a frame of somebody else is found
  (:mod:`mfrec.bench.tables.foreign_trials`).
* ``peers`` adds time and memory, every method in a process of its own.
* ``long`` is what more frames bring: 1 to 31 of them, of sequences that are so long; ``exports`` is every way in which
  frames reach an analyst.
* ``films`` is enlarged film, every frame measured, and how it flickers (:mod:`mfrec.bench.tables.films`).
* ``likeness`` and ``alike`` ask what small faces still tell of a person (:mod:`mfrec.bench.tables.likeness`).
* ``ambiguity`` is how unlike faces are that all explain the same frames (:mod:`mfrec.bench.tables.ambiguity`).
* ``generator`` is how far drawn faces are from the portraits that a generator learnt from
  (:mod:`mfrec.bench.tables.generator`).
* ``metrics``, ``identity``, ``calibration``, ``coverage`` and ``eyes`` measure the measures: do they say what they are
  read as?
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mfrec.bench.run import check_method
from mfrec.bench.tables.ambiguity import ambiguity_table
from mfrec.bench.tables.calibration import calibration_table
from mfrec.bench.tables.coverage import coverage_table
from mfrec.bench.tables.definitions import DEFINITIONS, with_methods
from mfrec.bench.tables.enlarged_eyes import enlarged_eyes_table
from mfrec.bench.tables.enlargement import PICTURES, on_faces, on_pictures
from mfrec.bench.tables.eyes import eyes_table
from mfrec.bench.tables.films import films_table
from mfrec.bench.tables.generator import generator_table
from mfrec.bench.tables.identity import identity_table
from mfrec.bench.tables.ladders import metrics_table
from mfrec.bench.tables.left_out_eyes import left_out_table
from mfrec.bench.tables.likeness import alike_table, likeness_table
from mfrec.bench.tables.memory import with_memory
from mfrec.bench.tables.methods import COLUMNS, on_sequences
from mfrec.bench.tables.pairs import on_pairs
from mfrec.bench.tables.parser import on_labelled_faces
from mfrec.bench.tables.protocol_groups import exports_table, long_table
from mfrec.bench.tables.result import TableResult, finished
from mfrec.bench.tables.single_pictures import faces_table, portraits_table
from mfrec.bench.tables.trials import TRIALS, on_trials
from mfrec.bench.weights import DETECTOR, MEASURING
from mfrec.errors import UsageError
from mfrec.pipeline import Progress, silent

MEASURES = (DETECTOR, MEASURING["serfiq"])
"""Cards of the networks that the columns of the tables on sequences ask."""

WHOLE_TABLES: dict[str, Callable[[Path | None, str, int, int | None, Progress], TableResult]] = {
    "metrics": metrics_table,
    "identity": identity_table,
    "calibration": calibration_table,
    "coverage": coverage_table,
    "eyes": eyes_table,
    "long": long_table,
    "exports": exports_table,
    "films": films_table,
    "likeness": likeness_table,
    "alike": alike_table,
    "ambiguity": ambiguity_table,
    "single": faces_table,
    "portraits": portraits_table,
    "enlarged-eyes": enlarged_eyes_table,
    "left-out-eyes": left_out_table,
}
"""Name to ``table(data, people, seed, limit, progress)``."""

NAMES = (*DEFINITIONS, "3.5", *PICTURES, "faces", "parser", "generator", *WHOLE_TABLES, *TRIALS)
"""Every table there is, but ``ablation``, which is :mod:`mfrec.bench.ablation`."""


def tables(
    names: Sequence[str],
    data: Path | None,
    *,
    methods: Sequence[str] = (),
    people: str = "all",
    seed: int = 0,
    limit: int | None = None,
    progress: Progress = silent,
) -> list[TableResult]:
    """Measure tables; a method that several of them have under one protocol runs once.

    Args:
        names: of :data:`NAMES`.
        data: for ``set5``, ``set14`` and ``faces`` a folder of pictures, for ``parser`` one of pictures and labels as
            :mod:`mfrec.train.data.labelled_faces` describes it, for ``left-out-eyes`` one that keeps its trainings,
            else a folder of sequences as :mod:`mfrec.bench.run` describes it; None films the portrait.
        methods: added to the rows of every table on sequences; of ``generator`` alone, cards of generators.
        people, seed: as in :func:`mfrec.bench.run.bench`.
        limit: at most so many sequences; of ``regions`` and ``foreign`` trials, of ``3.5`` pairs of each turn, of
            ``parser`` and ``faces`` faces, of ``set5`` and ``set14`` pictures, of ``eyes`` eyes, of ``enlarged-eyes``
            and ``left-out-eyes`` pairs. The head of the table says how many there were.
        progress: called as ``progress("tables", done, total)``.

    Raises:
        UsageError: an unknown table or method, or one that needs pictures and has none.
        InputError: the pictures or sequences cannot be used.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves nothing to measure; give 1 or more")
    for name in names:
        if name not in NAMES:
            raise UsageError(f"unknown table '{name}'; known are {', '.join(NAMES)} and ablation")
        if name in ("foreign", "likeness", "alike") and data is None:
            raise UsageError(
                f"table '{name}' needs a folder of sequences of several people; the portrait is one person"
            )
        if name in (*PICTURES, "parser") and data is None:
            raise UsageError(f"table '{name}' needs the folder with the pictures of that set, which is not shipped")
    for method in methods if list(names) != ["generator"] else ():
        check_method(method)
    out: dict[str, TableResult] = {}
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
        asked = [DEFINITIONS[name] for name in names if name in DEFINITIONS]
        lines = {
            protocol: list(
                dict.fromkeys(
                    line for table in asked if table.protocol == protocol for line in with_methods(table, methods)
                )
            )
            for protocol in dict.fromkeys(table.protocol for table in asked)
        }
        found = {
            protocol: on_sequences(
                data, protocol, those, Path(folder), people=people, seed=seed, limit=limit, progress=progress
            )
            for protocol, those in lines.items()
        }
        for name in names:
            if name in DEFINITIONS:
                table = DEFINITIONS[name]
                rows, said = found[table.protocol]
                chosen = [rows[line] for line in with_methods(table, methods)]
                columns: tuple[str, ...] = ("psnr", "psnr_gain", *COLUMNS[1:], "seconds")
                if name == "peers":
                    chosen = with_memory(chosen, with_methods(table, methods), data, seed)
                    columns = (*columns, "MiB")
                out[name] = finished(name, table.title, said, columns, chosen, cards=MEASURES)
            elif name == "3.5":
                out[name] = on_pairs(data, people, limit, progress)
            elif name == "generator":
                # Methods of other tables are no generators.
                cards = methods if list(names) == ["generator"] else ()
                out[name] = generator_table(data, cards, seed, limit, progress)
            elif name in WHOLE_TABLES:
                out[name] = WHOLE_TABLES[name](data, people, seed, limit, progress)
            elif name in TRIALS:
                out[name] = on_trials(
                    name, data, Path(folder), people=people, seed=seed, limit=limit, progress=progress
                )
            elif name in PICTURES and data is not None:
                out[name] = on_pictures(name, data, limit, progress)
            elif name == "parser" and data is not None:
                out[name] = on_labelled_faces(data, limit, progress)
            else:
                out[name] = on_faces(data, limit, progress)
    return [out[name] for name in names]
