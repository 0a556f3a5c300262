"""Readers of documents (JSON, TOML, CSV) and of the arrays of a result, for :mod:`fuzzed`."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from fuzzed import Reader, Spoil
from hostile import LITERALS, spoilt_bytes, spoilt_json, spoilt_table, spoilt_toml
from report_case import reconstruction

from mfrec.batch.case import Case as Batched
from mfrec.batch.case import Reconstruct, Upscale, from_text, to_text
from mfrec.batch.ledger import Ledger
from mfrec.batch.manifest import read_cases
from mfrec.batch.measured import found_in, measure_into
from mfrec.cards.load import cards_folder, read_card
from mfrec.desk.case import Case, Cases, asked
from mfrec.desk.jobs import Jobs
from mfrec.desk.masks import DrawnMask, add
from mfrec.desk.notes import listed
from mfrec.desk.passwords import hashed, matches, read_password
from mfrec.desk.refusal import RefusalError
from mfrec.documents import DocumentError, parse_json, read_text
from mfrec.errors import InputError, UsageError, WeightsError
from mfrec.evaluation.evaluate import stated_uncertainty
from mfrec.evaluation.survey.answers import collect
from mfrec.imageio.sequences import read_persons
from mfrec.metrics.coverage import FACTORS, read_factors
from mfrec.outputs import save
from mfrec.provenance.about import read_about
from mfrec.provenance.difference import compare
from mfrec.provenance.record import read_record
from mfrec.provenance.schema import Arguments
from mfrec.provenance.summary import summary
from mfrec.publication.claims import foreign
from mfrec.publication.files import MANIFEST, check_files
from mfrec.publication.partial import LOCK, SAYS, remove_leftovers
from mfrec.recipe import from_record, load
from mfrec.upscale.asked import Asked


def readers(folder: Path) -> list[Reader]:
    """Every reader, with a sound document of its kind made in ``folder`` to begin with."""
    output = folder / "output"
    save(reconstruction(count=2, side=24, scale=2), output)
    record = json.loads((output / "run.json").read_text())
    record["recipe"] = load("evidence").record()
    arrays = (output / "provenance.npz").read_bytes()
    card = (cards_folder() / "clean.toml").read_text(encoding="utf-8")
    recipe = 'name = "mine"\nstamp = "ENHANCED"\nstages = ["track", "align", "parse", "assess", "cross", "fuse"]\n'
    recipe += '[align]\npatch = 12\nsmoothness = 40.0\n[cross]\nmethod = "soft"\nregions = ["eyes"]\nsoftness = 0.5\n'
    recipe += 'margin = 0.05\npsf_sigma = "auto"\n[fuse]\nmethod = "map"\npsf_sigma = 0.4\nouter = 3\nedge = "auto"\n'
    tokens = {"t1": "mean", "t2": "evidence"}
    key = {"schema": 1, "survey": "s", "methods": ["mean", "evidence"], "cases": {"c": "case"}, "pictures": tokens}
    answer = {"case": "c", "shown": ["t1", "t2"], "quality": "t1", "match": "t2", "opinion": {"t1": 3, "t2": 5}}
    sheet = {"schema": 1, "survey": "s", "participant": "p", "answers": [answer]}
    manifest = {"schema": 1, "mfrec": "0.1.0", "files": {"a": ["0" * 64]}}
    picture = np.zeros((48, 48, 3), np.float32)
    table = b"seq,person\nseq_1,A\nseq_2,B\n"

    def read_run(path: Path) -> None:
        found = read_record(path)
        summary(found)
        from_record(found["recipe"])
        foreign(path.parent)

    def read_answers(path: Path) -> None:
        answers = path.parent / "answers"
        answers.mkdir(exist_ok=True)
        (answers / "answers-1.json").write_bytes(path.read_bytes())
        (answers / "answers-2.json").write_text(json.dumps({**sheet, "participant": "q"}))
        (path.parent / "key.json").write_text(json.dumps(key))
        collect(answers).table()

    def read_the_key(path: Path) -> None:
        answers = path.parent / "answers"
        answers.mkdir(exist_ok=True)
        (answers / "answers-1.json").write_text(json.dumps(sheet))
        (answers / "answers-2.json").write_text(json.dumps({**sheet, "participant": "q"}))
        collect(answers, path).table()

    def read_npz(path: Path) -> None:
        digest = {"sha256": "0" * 64}
        compare("provenance.npz", digest, path, output / "provenance.npz")
        stated_uncertainty(path, picture)

    def read_setting(path: Path) -> None:
        load("evidence").with_settings([path.read_bytes().decode("utf-8", "replace")])

    def read_lock(path: Path) -> None:
        place = path.parent / f".mfrec-{'0' * 16}.partial"
        (place / "result").mkdir(parents=True, exist_ok=True)
        (place / "result" / "mine").write_text("mine")
        (place / LOCK).write_bytes(path.read_bytes())
        remove_leftovers(path.parent)
        assert (place / "result" / "mine").read_text() == "mine"

    def setting(draw: random.Random) -> bytes:
        stage, name = draw.choice(
            (
                "cross.softness",
                "cross.margin",
                "cross.psf_sigma",
                "fuse.edge",
                "fuse.outer",
                "align.scale",
                "x.y",
                "track.subject",
            )
        ).split(".")
        return f"{stage}.{name}={draw.choice(LITERALS)}".encode("utf-8", "surrogatepass")

    def of_json(value: Any) -> Spoil:
        return lambda draw: spoilt_json(value, draw)

    def of_toml(text: str) -> Spoil:
        return lambda draw: spoilt_toml(text, draw)

    def of_bytes(data: bytes) -> Spoil:
        return lambda draw: spoilt_bytes(data, draw)

    says = SAYS.format("0" * 16, json.dumps("out")).encode()
    case = folder / "case"
    for part in ("jobs", "notes", "inputs", "runs", "masks"):
        (case / part).mkdir(parents=True)

    def read_case(path: Path) -> None:
        opened = Case(path.parent)
        for entry in opened.read().inputs:
            opened.input(entry.number)

    def read_job(path: Path) -> None:
        (case / "jobs" / "0001.json").write_bytes(path.read_bytes())
        for handle in Jobs(Cases(folder)).of(Case(case)):
            json.dumps(handle.shown())

    def read_note(path: Path) -> None:
        (case / "notes" / "0001-01.json").write_bytes(path.read_bytes())
        json.dumps(listed(Case(case)))

    def read_mask(path: Path) -> None:
        shutil.rmtree(case / "masks", ignore_errors=True)
        add(Case(case), asked(parse_json(read_text(path, 1 << 20)), DrawnMask))

    def read_password_file(path: Path) -> None:
        path.chmod(0o600)
        assert not matches("another one", read_password(path))

    def read_table(path: Path) -> None:
        for command in (Reconstruct(Arguments(recipe="restore")), Upscale(Asked())):
            try:
                found = read_cases([str(path)], command, folder)
            except UsageError:
                continue
            for one in found.cases:
                text = to_text(one.command)
                assert to_text(from_text(text)) == text
                assert isinstance(one.command, Reconstruct | Upscale)
                one.command.words(folder)

    def read_figures(path: Path) -> None:
        found = found_in(path, {})
        assert found is None or found == figures["found"]

    def read_asked(path: Path) -> None:
        try:
            found = parse_json(read_text(path, 1 << 20))
            if isinstance(found, dict):  # as the schema of run.json says
                Asked.recorded(found)
        except DocumentError as error:
            raise UsageError(str(error)) from None

    def read_covered(path: Path) -> None:
        try:
            read_factors(path)
        except DocumentError as error:
            raise UsageError(str(error)) from None

    def read_ledger(path: Path) -> None:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with contextlib.closing(Ledger(path)) as book, book.readable():
            book.take_up([Batched("a", Upscale(Asked(), "a"))], [])
            for entry in book.waiting(0, 10):
                from_text(entry.command)
            for ask in (book.counts, book.worst, book.outputs, book.problems):
                ask()

    measure_into(folder / "figures.json", {}, [output / "run.json"], lambda: {"values": {"psnr": 26.5}, "picture": "a"})
    figures = json.loads((folder / "figures.json").read_text())
    file = {"name": "a.png", "path": "inputs/01/a.png", "sha256": "0" * 64, "md5": "0" * 32, "bytes": 3}
    entry = {"number": "01", "kind": "pictures", "name": "a", "source": "inputs/01", "added": "2026", "files": [file]}
    about = {"title": "t", "number": "1", "exhibit": "", "analyst": "", "notes": "n"}
    opened = {"schema": 1, "mfrec": "0.1.0", "created": "2026", "about": about, "inputs": [entry], "revision": 1}
    job = {"schema": 1, "number": "0001", "kind": "people", "input": "01", "words": ["people"], "state": "done"}
    job |= {"created": "2026", "wanted": {"options": {"scale": 2}, "seed": 0}, "pid": 1}
    mark = {"kind": "arrow", "x0": 1.0, "y0": 2.0, "x1": 3.0, "y1": 4.0}
    note = {"picture": "evidence.png", "marks": [mark], "text": ""}
    kept = {"schema": 1, "run": "0001", "created": "2026", "sha256": "0" * 64, "stamp": "ENHANCED", "scale": 2}
    mask = {"region": "eyes", "width": 16, "height": 16, "runs": [100, 20, 136]}
    rows = [
        ["name", "path", "scale", "start", "subject", "settings", "set", "seed"],
        ["a", "a.mp4", "2", "1.5", "auto", "", "fuse.edge=0.1", "3"],
        ["b", "clips/b", "", "", "", "", "", ""],
    ]
    rows = [[cell for cell, name in zip(row, rows[0], strict=True) if name != "settings"] for row in rows]
    with contextlib.closing(Ledger(folder / "ledger.sqlite")) as book:
        book.take_up([Batched(name, Upscale(Asked(), name)) for name in "bcd"], [])
    ledger = (folder / "ledger.sqlite").read_bytes()
    return [
        Reader("run.json", of_json(record), read_run, (UsageError,)),
        Reader("recipe.toml", of_toml(recipe), load, (UsageError,)),
        Reader("card.toml", of_toml(card), read_card, (WeightsError,)),
        Reader("answers.json", of_json(sheet), read_answers, (InputError, UsageError)),
        Reader("some-key.json", of_json(key), read_the_key, (InputError, UsageError)),
        Reader("provenance.npz", of_bytes(arrays), read_npz, (InputError,)),
        Reader("sequences.csv", of_bytes(table), read_persons, (InputError,)),
        Reader(MANIFEST, of_json(manifest), lambda path: check_files(path.parent, ["a"]), (UsageError,)),
        Reader("setting", setting, read_setting, (UsageError,)),
        Reader("lock", of_bytes(says), read_lock, ()),
        Reader("about.json", of_json({"about": about}), read_about, (UsageError,)),
        Reader("case.json", of_json(opened), read_case, (RefusalError,)),
        Reader("job.json", of_json(job), read_job, ()),
        Reader("note.json", of_json({**kept, "note": note}), read_note, ()),
        Reader("mask.json", of_json(mask), read_mask, (RefusalError, DocumentError)),
        Reader("password", of_bytes(hashed("a long password").encode()), read_password_file, (UsageError,)),
        Reader("cases.csv", lambda draw: spoilt_table(rows, draw), read_table, ()),
        Reader("asked.json", of_json(Asked().record()), read_asked, (UsageError,)),
        Reader("coverage.toml", of_toml(FACTORS.read_text(encoding="utf-8")), read_covered, (UsageError,)),
        Reader("figures.json", of_json(figures), read_figures, ()),
        Reader("ledger.sqlite", of_bytes(ledger), read_ledger, (UsageError,)),
    ]
