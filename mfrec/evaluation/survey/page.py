"""The page: every case shows the person and, without names and in an order drawn anew for everybody, all results.

Nothing in the page says which method made a picture: pictures are encoded anew without their metadata and go by drawn
tokens, and the key lies in a file of its own that stays with whoever asks. The page reaches no address; answers leave
it as a file that the participant saves.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mfrec.errors import InputError, NoFramesError
from mfrec.evaluation.pairs import picture_files, read_one
from mfrec.evaluation.survey.schema import SCHEMA
from mfrec.imageio import png_bytes
from mfrec.report.page import standalone_page
from mfrec.types import FloatArray

HERE = Path(__file__).parent

PAGE, KEY = "index.html", "key.json"


@dataclass(frozen=True)
class Candidate:
    """One result in one case: the token by which the page knows it, its method and its PNG."""

    token: str
    method: str
    png: bytes


@dataclass(frozen=True)
class SurveyCase:
    """One question: its name, a good picture of the person as PNG (empty where there is none), and the results."""

    name: str
    token: str
    person: bytes
    candidates: tuple[Candidate, ...]


def write_survey(results: Path, truth: Path, folder: Path, *, seed: int = 0) -> tuple[SurveyCase, ...]:
    """Write ``index.html`` for the participants and ``key.json`` for whoever asks, into an existing folder.

    Args:
        results: a folder that holds a folder for each method; pictures of one case have the same name in each.
        truth: a folder with a good picture of the person for each case, of the same name.
        seed: of the tokens.

    Returns:
        The cases, in natural order of their names.

    Raises:
        InputError: fewer than two methods, a method without a case that another has, a case without a truth, or
            pictures of different sizes in one case.
        UsageError: a file cannot be written.
    """
    from mfrec.publication.folder import writing

    cases = find_cases(results, truth, seed)
    identity = survey_id(cases)
    page = render(cases, identity)
    with writing():
        (folder / PAGE).write_bytes(page)
        (folder / KEY).write_text(json.dumps(key_of(cases, identity), indent=1), encoding="ascii")
    return cases


def key_of(cases: Sequence[SurveyCase], identity: str) -> dict[str, Any]:
    """What says which picture is whose; see :class:`mfrec.evaluation.survey.schema.Key`."""
    return {
        "schema": SCHEMA,
        "survey": identity,
        "methods": sorted({candidate.method for case in cases for candidate in case.candidates}),
        "cases": {case.token: case.name for case in cases},
        "pictures": {candidate.token: candidate.method for case in cases for candidate in case.candidates},
        "match": all(case.person for case in cases),
    }


def find_cases(results: Path, truth: Path, seed: int) -> tuple[SurveyCase, ...]:
    """Read every picture and give each its token; see :func:`write_survey`."""
    for place, what in ((results, "results"), (truth, "truths")):
        if not place.is_dir():
            raise NoFramesError(f"there is no folder of {what} at '{place}'")
    folders = sorted(folder for folder in results.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    methods = {folder.name: {file.stem: file for file in picture_files(folder)} for folder in folders}
    if len(methods) < 2:
        raise InputError(
            f"'{results}' holds {len(methods)} folders of methods ({', '.join(methods) or 'none'}); expected one "
            "folder for each of at least two methods"
        )
    truths = {file.stem: file for file in picture_files(truth)}
    names = list(dict.fromkeys(name for pictures in methods.values() for name in pictures))
    rng = np.random.default_rng(seed)
    # Drawn without replacement, so that no two pictures share one.
    tokens = iter([f"{int(value):08x}" for value in rng.choice(2**32, len(names) * (len(methods) + 1), replace=False)])
    cases = []
    for name in names:
        lacking = [method for method, pictures in methods.items() if name not in pictures]
        if lacking:
            raise InputError(
                f"the case '{name}' has no picture by {', '.join(lacking)} in '{results}'; everybody has to be shown "
                "the same methods, so add it or take the case away"
            )
        if name not in truths:
            raise InputError(f"the case '{name}' has no picture of the person in '{truth}'")
        images = {method: read_one(pictures[name]) for method, pictures in methods.items()}
        check_sizes(name, images)
        candidates = tuple(Candidate(next(tokens), method, png_bytes(image)) for method, image in images.items())
        cases.append(SurveyCase(name, next(tokens), png_bytes(read_one(truths[name])), candidates))
    return tuple(cases)


def check_sizes(name: str, images: Mapping[str, FloatArray]) -> None:
    """Whether the pictures of a case are of one size.

    Args:
        name: of the case.
        images: method to ``[H, W, 3]``.

    Raises:
        InputError: they are not.
    """
    sizes = {method: f"{image.shape[1]} x {image.shape[0]}" for method, image in images.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{method} {size} px" for method, size in sizes.items())
        raise InputError(f"the pictures of the case '{name}' differ in size ({shown}), which would tell them apart")


def survey_id(cases: tuple[SurveyCase, ...]) -> str:
    """Sixteen hex digits of everything that is shown, so that answers find their key."""
    digest = hashlib.sha256()
    for case in cases:
        for part in (case.token.encode(), case.person, *(c.token.encode() + c.png for c in case.candidates)):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def render(cases: tuple[SurveyCase, ...], identity: str) -> bytes:
    """The page as UTF-8, with no address in it and one script that its security policy allows by hash."""
    return standalone_page(HERE, "page", {"data": page_data(cases, identity)})


def page_data(cases: tuple[SurveyCase, ...], identity: str) -> Mapping[str, Any]:
    """What the script needs: tokens and pictures. Candidates are ordered by token, which says nothing."""

    def uri(png: bytes) -> str:
        return "data:image/png;base64," + base64.b64encode(png).decode("ascii")

    return {
        "schema": SCHEMA,
        "survey": identity,
        "cases": [
            {
                "token": case.token,
                "person": uri(case.person),
                "pictures": [
                    {"token": candidate.token, "picture": uri(candidate.png)}
                    for candidate in sorted(case.candidates, key=lambda candidate: candidate.token)
                ],
            }
            for case in cases
        ],
    }
