"""Who is asked in a survey by a link of their own, which opens that survey and nothing else.

``surveys/01/invitations.json`` holds the names, when each was invited or is invited no more, and when the survey was
closed. Of the token in a link it holds the SHA-256 alone: a link is shown once, and whoever reads the case cannot
answer for somebody. One invitation takes one answer, and a name has one invitation that holds or was answered.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mfrec.desk import surveys
from mfrec.desk.case import Case, Cases, now
from mfrec.desk.places import child, write_whole
from mfrec.desk.refusal import RefusalError
from mfrec.desk.signing import enter
from mfrec.documents import DocumentError, check_schema, parse_json, read_text, shaped
from mfrec.provenance.plain_json import to_json

SCHEMA = 1

INVITATIONS = "invitations.json"

MOST = 1000
"""Invitations of a survey."""

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""Of a link: 256 bits."""

Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class NewInvitation(Struct):
    """Who is to be asked."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]


class Invitation(Struct):
    """One link.

    Attributes:
        name: whom it is for, and whose the answer is.
        sha256: of its token; the first 16 digits name the invitation and its answer.
        made: when.
        withdrawn: since when it does not hold any more.
    """

    name: str
    sha256: Digest
    made: str
    withdrawn: str | None = None

    @property
    def participant(self) -> str:
        """How its answer is called."""
        return self.sha256[:16]


class Kept(Struct):
    """``invitations.json``; ``closed``: since when nobody can answer any more, by a link or at the desk."""

    schema: int = SCHEMA
    closed: str | None = None
    invited: Annotated[list[Invitation], Meta(max_length=MOST)] = msgspec.field(default_factory=list)


class Answered(Struct):
    """What somebody who was invited answers; who that is, the link says. See :class:`mfrec.desk.surveys.Given`."""

    answer: dict[str, Any]
    seconds: Annotated[float, Meta(ge=0, le=1e7)] = 0.0


def read(place: Path) -> Kept:
    """The invitations of a survey; none where nobody was invited.

    Args:
        place: the survey's folder.

    Raises:
        RefusalError: the file cannot be read.
    """
    path = child(place, INVITATIONS)
    if not path.exists():
        return Kept()
    try:
        return shaped(dict(check_schema(parse_json(read_text(path, 1 << 20)), SCHEMA)), Kept)
    except DocumentError as error:
        raise RefusalError("refused.record", 409, why=f"{place.name}/{INVITATIONS} {error}") from None


def invite(case: Case, number: str, wanted: NewInvitation) -> str:
    """Invite somebody; the token of the link, which is kept nowhere.

    Raises:
        RefusalError: the survey is closed, the name is invited already, or has no letters.
    """
    place, name, token = surveys.folder(case, number), wanted.name.strip(), secrets.token_urlsafe(32)
    if not name:
        raise RefusalError("refused.invitation.nameless", 400)
    with case.lock:
        kept = read(place)
        if kept.closed:
            raise RefusalError("refused.survey.closed", 409)
        same = [one for one in kept.invited if one.name.casefold() == name.casefold()]
        if any(one.withdrawn is None or surveys.has_answered(place, one.participant) for one in same):
            raise RefusalError("refused.invitation.twice", 409, name=name)
        if len(kept.invited) >= MOST:
            raise RefusalError("refused.invitation.many", 409, most=MOST)
        kept.invited.append(Invitation(name, _digest(token), now()))
        _write(place, kept)
    enter(case, "survey invitation", {"survey": number, "name": name, "sha256": _digest(token)})
    return token


def withdraw(case: Case, number: str, participant: str) -> None:
    """Let an invitation hold no more; an answer that was given stays.

    Raises:
        RefusalError: there is none.
    """
    place = surveys.folder(case, number)
    with case.lock:
        kept = read(place)
        found = next((one for one in kept.invited if one.participant == participant), None)
        if found is None:
            raise RefusalError("refused.name", 404, name=participant[:80])
        if found.withdrawn is None:
            found.withdrawn = now()
            _write(place, kept)
    enter(case, "survey invitation withdrawn", {"survey": number, "name": found.name, "sha256": found.sha256})


def close(case: Case, number: str) -> None:
    """Let nobody answer any more, by a link or at the desk; closed once, a survey stays so.

    Raises:
        RefusalError: there is no such survey.
    """
    place = surveys.folder(case, number)
    with case.lock:
        kept = read(place)
        if kept.closed:
            return
        kept.closed = now()
        _write(place, kept)
    enter(case, "survey closed", {"survey": number})


def question(case: Case, number: str) -> dict[str, Any]:
    """What whoever answers at the desk is asked; see :func:`mfrec.desk.surveys.question`.

    Raises:
        RefusalError: see there, or the survey is closed.
    """
    if read(surveys.folder(case, number)).closed:
        raise RefusalError("refused.survey.closed", 409)
    return surveys.question(case, number)


def answer(case: Case, number: str, given: surveys.Given) -> None:
    """Keep the answer of whoever answers at the desk; see :func:`mfrec.desk.surveys.answer`.

    Raises:
        RefusalError: see there, or the survey is closed.
    """
    with case.lock:
        if read(surveys.folder(case, number)).closed:
            raise RefusalError("refused.survey.closed", 409)
        surveys.answer(case, number, given)


def listed(case: Case) -> list[dict[str, Any]]:
    """All surveys of a case as :func:`mfrec.desk.surveys.listed` says them, and who is invited to each."""
    out = surveys.listed(case)
    for survey in out:
        if "error" in survey:
            continue
        place = surveys.folder(case, survey["number"])
        try:
            kept = read(place)
        except RefusalError as refusal:
            survey["error"] = str(refusal)
            continue
        survey["closed"] = kept.closed
        survey["invited"] = [
            {
                "invitation": one.participant,
                "name": one.name,
                "state": "answered" if surveys.has_answered(place, one.participant)
                else "withdrawn" if one.withdrawn else "open",
            }
            for one in kept.invited
        ]  # fmt: skip
    return out


def opened(cases: Cases, token: str) -> tuple[Case, str, Invitation]:
    """What a link opens: the case, the number of the survey, and who was invited.

    Raises:
        RefusalError: no invitation with this token holds, its survey is closed, or it has been answered.
    """
    digest = _digest(token) if TOKEN.fullmatch(token) else ""
    for key in cases.names() if digest else ():
        try:
            case = cases.case(key)
            numbers = surveys.numbers(case)
        except RefusalError:
            continue
        for number in numbers:
            try:
                place = surveys.folder(case, number)
                kept = read(place)
            except RefusalError:
                continue
            for one in kept.invited:
                if one.sha256 == digest and one.withdrawn is None:
                    if surveys.has_answered(place, one.participant):
                        raise RefusalError("refused.invitation.answered", 409)
                    if kept.closed:
                        raise RefusalError("refused.survey.closed", 409)
                    return case, number, one
    raise RefusalError("refused.invitation", 404)


def answer_by_link(cases: Cases, token: str, said: Answered) -> None:
    """Keep the answer of somebody who was invited, under the name of the invitation.

    Raises:
        RefusalError: see :func:`opened` and :func:`mfrec.desk.surveys.answer`.
    """
    case, number, one = opened(cases, token)
    with case.lock:
        # Once more, where nobody can withdraw or close meanwhile.
        opened(cases, token)
        surveys.answer(case, number, surveys.Given(one.participant, said.answer, one.name, said.seconds))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _write(place: Path, kept: Kept) -> None:
    write_whole(child(place, INVITATIONS), to_json(msgspec.to_builtins(kept)).encode("ascii"))
