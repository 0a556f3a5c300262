"""Every reader of documents against spoilt ones: it ends well, or in mfrec's own errors, and soon.

``python tests/fuzzed_documents.py 10000 [SEED]`` (``make fuzz``) is the long form of ``tests/fuzz/test_documents.py``.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hostile import LITERALS, spoilt_bytes, spoilt_json, spoilt_toml
from report_case import reconstruction

from mfrec.cards.load import cards_folder, read_card
from mfrec.errors import InputError, MfrecError, UsageError, WeightsError
from mfrec.evaluation.evaluate import stated_uncertainty
from mfrec.evaluation.survey.answers import collect
from mfrec.imageio.sequences import read_persons
from mfrec.outputs import save
from mfrec.provenance.difference import compare
from mfrec.provenance.record import read_record
from mfrec.provenance.summary import summary
from mfrec.publication.claims import foreign
from mfrec.publication.files import MANIFEST, check_files
from mfrec.publication.partial import LOCK, SAYS, remove_leftovers
from mfrec.recipe import from_record, load

SLOW = 20.0
"""Seconds that no document may take; after three times as many the stack of what hangs is printed."""

MEMORY = "/dev/shm"
"""Where the long form writes its documents, if it is there. ext4 puts a file that is written anew onto the disk each
time, and on a busy disk a hundred thousand documents wait for it for an hour: that looked like a hang."""

Spoil = Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Reader:
    """One kind of document.

    Attributes:
        name: of it.
        spoil: makes one.
        read: reads a file that holds it, with all that is done with what it says.
        errors: what it may raise.
    """

    name: str
    spoil: Spoil
    read: Callable[[Path], object]
    errors: tuple[type[MfrecError], ...]


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
    ]


def attack(
    folder: Path, count: int, seed: int, say: Callable[[str], None] = lambda _: None
) -> tuple[Counter[str], list[str]]:
    """Read many spoilt documents of every kind.

    Args:
        folder: empty.
        count: of documents in all.
        seed: with it and its number each can be made again.
        say: told every ten thousand how far it is.

    Returns:
        How often each kind was read or refused; and what should not have happened, with the document's number.
    """
    kinds = readers(folder)
    found: Counter[str] = Counter()
    wrong: list[str] = []
    start = time.monotonic()
    for number in range(count):
        kind = kinds[number % len(kinds)]
        place = folder / kind.name.replace(".", "-")
        place.mkdir(exist_ok=True)
        path = place / kind.name
        path.write_bytes(kind.spoil(random.Random(f"{seed} {number}")))
        begun = time.monotonic()
        faulthandler.dump_traceback_later(3 * SLOW)
        try:
            kind.read(path)
            found[f"{kind.name} read"] += 1
        except kind.errors:
            found[f"{kind.name} refused"] += 1
        except Exception:
            wrong.append(f"document {number}, {kind.name}: {traceback.format_exc(limit=-3)}")
        if time.monotonic() - begun > SLOW:
            wrong.append(f"document {number}, {kind.name}: took {time.monotonic() - begun:.0f} s")
        if number % 10_000 == 9_999:
            say(f"{number + 1} documents, {len(wrong)} wrong, {time.monotonic() - start:.0f} s")
    faulthandler.cancel_dump_traceback_later()
    return found, wrong


if __name__ == "__main__":
    fast = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mfrec-fuzz-", dir=fast) as scratch:
        chosen = int(sys.argv[2]) if len(sys.argv) > 2 else 0
        seen, failures = attack(Path(scratch), int(sys.argv[1]), chosen, partial(print, file=sys.stderr, flush=True))
    for what, times in sorted(seen.items()):
        print(f"{times:7}  {what}")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most")
    print("\n".join(failures[:20]) or "nothing but mfrec's own errors")
    sys.exit(1 if failures else 0)
