"""What several people think of results of a case: pictures without names, an answer from each person, and the count.

::

    surveys/01/
      survey.json      what the page of a participant gets: tokens, and nothing that says what they stand for
      pictures/        TOKEN.png, encoded anew without metadata; person.png, where a photograph of the person is there
      key.json         which picture is whose; it is read when answers are counted and checked, and never given out
      answers/         one file for each person, never written again
      invitations.json who has a link of their own, see :mod:`mfrec.desk.invitations`

Keys and answers are those of :mod:`mfrec.evaluation.survey`, so ``mfrec survey --collect surveys/01/answers`` counts
the same.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mfrec.desk.case import Case, now
from mfrec.desk.inputs import source_path
from mfrec.desk.places import NUMBER, child, file_in, number_of, write_whole
from mfrec.desk.refusal import RefusalError
from mfrec.desk.results import Results
from mfrec.desk.signing import enter
from mfrec.documents import DocumentError, check_schema, parse_json, read_text, shaped
from mfrec.errors import MfrecError
from mfrec.evaluation.pairs import read_one
from mfrec.evaluation.survey.answers import as_answer, collect, read_key
from mfrec.evaluation.survey.page import KEY, Candidate, SurveyCase, check_sizes, key_of, survey_id
from mfrec.evaluation.survey.schema import KEY_LIMIT, SCHEMA, Key, Token
from mfrec.imageio import png_bytes
from mfrec.imageio.survey import survey as recognised
from mfrec.provenance.plain_json import to_json
from mfrec.publication.claims import sha256

SURVEY, PERSON = "survey.json", "person"

MOST = 26
"""Pictures of a survey, which people call by a letter."""


class Shown(Struct):
    """A picture of a run."""

    run: Annotated[str, Meta(max_length=10)]
    picture: Literal["reconstruction.png", "evidence.png", "reference.png"]


class SurveyAsked(Struct):
    """What people are to be asked about.

    Attributes:
        title: that they read above the pictures.
        pictures: of one size, each another.
        person: number of an input whose first picture is a good photograph of the person; without one, nobody is asked
            for the best match.
    """

    title: Annotated[str, Meta(max_length=200)]
    pictures: Annotated[list[Shown], Meta(min_length=2, max_length=MOST)]
    person: Annotated[str, Meta(max_length=10)] | None = None


class Kept(Struct):
    """``survey.json``: all that the page of a participant gets.

    Attributes:
        survey: its identity, in its key and in each answer.
        case: token of the only question.
        pictures: tokens in their own order, which says nothing.
        person: whether there is a photograph of the person.
    """

    schema: int
    survey: str
    title: str
    created: str
    case: Token
    pictures: list[Token]
    person: bool


class Given(Struct):
    """What a participant answered.

    Attributes:
        participant: drawn by the page, so that an answer that is sent twice counts once.
        name: as the participant gave it; may be empty.
        answer: see :class:`mfrec.evaluation.survey.schema.Answer`; the case is known.
        seconds: that it took.
    """

    participant: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    answer: dict[str, Any]
    name: Annotated[str, Meta(max_length=200)] = ""
    seconds: Annotated[float, Meta(ge=0, le=1e7)] = 0.0


def add(case: Case, results: Results, wanted: SurveyAsked) -> str:
    """Make a survey; its number.

    Args:
        case: whose results are shown.
        results: of all cases.
        wanted: what people are asked about.

    Raises:
        RefusalError: a picture is not there, or is another once more, the pictures differ in size, or the survey cannot
            be written.
    """
    methods = {f"{number_of(shown.run)}/{shown.picture}": shown for shown in wanted.pictures}
    files = {method: results.file(case, shown.run, shown.picture)[0] for method, shown in methods.items()}
    try:
        images = {method: read_one(path) for method, path in files.items()}
        check_sizes(wanted.title, images)
        person = None if wanted.person is None else _photograph(case, wanted.person)
        photograph = b"" if person is None else png_bytes(read_one(person))
    except RefusalError:
        raise
    except MfrecError as error:
        raise RefusalError("refused.survey", 400, why=error) from None
    pictures = {method: png_bytes(image) for method, image in images.items()}
    if len(set(pictures.values())) < len(wanted.pictures):
        raise RefusalError("refused.survey.same", 400)
    candidates = tuple(Candidate(secrets.token_hex(8), method, png) for method, png in pictures.items())
    asked = SurveyCase(wanted.title, secrets.token_hex(8), photograph, candidates)
    identity = survey_id((asked,))
    key = {
        **key_of((asked,), identity),
        "sha256": {method: sha256(path) for method, path in files.items()},
        "person": None if person is None else {"input": wanted.person, "sha256": sha256(person)},
    }
    tokens = sorted(candidate.token for candidate in candidates)
    kept = Kept(SCHEMA, identity, wanted.title, now(), asked.token, tokens, person is not None)
    surveys = case.part("surveys")
    part = child(surveys, f".{secrets.token_hex(8)}.part")
    try:
        with case.lock:
            (part / "pictures").mkdir(parents=True)
            (part / "answers").mkdir()
            # By token: the times of the files do not tell in which order their methods were named.
            for candidate in sorted(candidates, key=lambda candidate: candidate.token):
                write_whole(part / "pictures" / f"{candidate.token}.png", candidate.png)
            if photograph:
                write_whole(part / "pictures" / f"{PERSON}.png", photograph)
            write_whole(part / KEY, to_json(key).encode("ascii"))
            write_whole(part / SURVEY, to_json(msgspec.to_builtins(kept)).encode("ascii"))
            number = f"{max((int(name) for name in _numbers(surveys)), default=0) + 1:02d}"
            part.rename(child(surveys, number))
    except OSError as error:
        raise RefusalError("refused.write", 507, place="surveys", why=error.strerror or error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    enter(case, "survey made", {"survey": number, "identity": identity, "methods": key["methods"]})
    return number


def _photograph(case: Case, number: str) -> Path:
    """The first picture of an input."""
    given = case.input(number)
    if given.kind != "pictures":
        raise RefusalError("refused.survey.person", 400, name=number)
    return recognised([source_path(case, given)]).pictures[0]


def _numbers(surveys: Path) -> list[str]:
    return sorted(entry.name for entry in surveys.iterdir() if NUMBER.fullmatch(entry.name))


def numbers(case: Case) -> list[str]:
    """The numbers of a case's surveys; nothing is made where there are none.

    Raises:
        RefusalError: their folder is a link.
    """
    place = child(case.folder, "surveys")
    return _numbers(place) if place.is_dir() else []


def folder(case: Case, number: str) -> Path:
    """Where a survey is.

    Raises:
        RefusalError: there is none of that number.
    """
    found = child(case.folder, "surveys", number_of(number))
    file_in(found, SURVEY)
    return found


def question(case: Case, number: str) -> dict[str, Any]:
    """What the page of a participant gets: :class:`Kept`, its pictures in an order that is drawn at every call.

    Raises:
        RefusalError: there is no such survey, or it cannot be read.
    """
    asked = msgspec.to_builtins(_kept(folder(case, number)))
    secrets.SystemRandom().shuffle(asked["pictures"])
    return asked


def _kept(place: Path) -> Kept:
    try:
        value = check_schema(parse_json(read_text(file_in(place, SURVEY), KEY_LIMIT)), SCHEMA)
        return shaped(dict(value), Kept)
    except DocumentError as error:
        raise RefusalError("refused.record", 409, why=f"{place.name}/{SURVEY} {error}") from None


def picture(case: Case, number: str, name: str) -> bytes:
    """A picture that is shown to participants, as PNG.

    Args:
        case: of the survey.
        number: of the survey.
        name: a token, or ``"person"``.

    Raises:
        RefusalError: there is none.
    """
    place = folder(case, number)
    kept = _kept(place)
    if name not in (*kept.pictures, *((PERSON,) if kept.person else ())):
        raise RefusalError("refused.name", 404, name=name[:80])
    return file_in(place, "pictures", f"{name}.png").read_bytes()


def answer(case: Case, number: str, given: Given) -> None:
    """Keep a participant's answer, in a file that nothing writes again.

    Raises:
        RefusalError: it is not complete, or this participant has answered before.
    """
    place = folder(case, number)
    kept, key = _kept(place), _key(place)
    said = as_answer({**given.answer, "case": kept.case}, key, set())
    if isinstance(said, str):
        raise RefusalError("refused.request", 400, why=f"it {said}")
    if sorted(said.shown) != kept.pictures:
        raise RefusalError("refused.request", 400, why="it does not show every picture once")
    sheet = {
        "schema": SCHEMA,
        "survey": kept.survey,
        "participant": given.participant,
        "name": given.name,
        "given": now(),
        "answers": [{**msgspec.to_builtins(said), "seconds": round(given.seconds, 1)}],
    }
    path = _answer_of(place, given.participant)
    with case.lock:
        if path.exists():
            raise RefusalError("refused.survey.answered", 409)
        write_whole(path, to_json(sheet).encode("ascii"))
        path.chmod(0o444)
    enter(case, "survey answered", {"survey": number, "participant": given.participant, "sha256": sha256(path)})


def _key(place: Path) -> Key:
    try:
        return read_key(file_in(place, KEY))
    except RefusalError:
        raise
    except MfrecError as error:
        raise RefusalError("refused.record", 409, why=error) from None


def _answer_of(place: Path, participant: str) -> Path:
    return child(place, "answers", f"answers-{participant}.json")


def has_answered(place: Path, participant: str) -> bool:
    """Whether there is an answer of somebody.

    Args:
        place: the survey's folder.
        participant: see :class:`Given`.
    """
    return _answer_of(place, participant).exists()


def _answers(place: Path) -> list[Path]:
    answers = child(place, "answers")
    return [child(answers, path.name) for path in sorted(answers.glob("answers-*.json"))]


def listed(case: Case) -> list[dict[str, Any]]:
    """All surveys of a case: their titles, what is compared, and how many people have answered; no count."""
    out = []
    for number in _numbers(case.part("surveys")):
        try:
            place = folder(case, number)
            kept, key = _kept(place), _key(place)
            answered = len(_answers(place))
        except RefusalError as refusal:
            out.append({"number": number, "error": str(refusal)})
            continue
        out.append(
            {
                "number": number,
                "title": kept.title,
                "created": kept.created,
                "person": kept.person,
                "methods": sorted(set(key.pictures.values())),
                "answers": answered,
            }
        )
    return out


def count(case: Case, number: str) -> dict[str, Any]:
    """What people think, by picture: see :class:`mfrec.evaluation.survey.answers.SurveyResult`.

    Raises:
        RefusalError: there is no such survey, nobody has answered yet, or something of it is a link.
    """
    place = folder(case, number)
    if not _answers(place):
        raise RefusalError("refused.survey.unanswered", 409)
    try:
        found = collect(child(place, "answers"), file_in(place, KEY))
    except RefusalError:
        raise
    except MfrecError as error:
        raise RefusalError("refused.record", 409, why=error) from None
    return found.to_dict()
