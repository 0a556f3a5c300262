"""Whether a folder is as it was signed, file by file, and whether who signed it counts here.

Needs neither networks nor frames: bytes, hashes and certificates.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mfrec.custody.embedded import EmbeddedCheck
from mfrec.custody.keys import fingerprint, subject
from mfrec.custody.statement import FoundFile, Signature, files_in, open_signature
from mfrec.custody.time_stamp import Stamp, check_answer
from mfrec.custody.trust import Trusted, read_trusted, valid_at
from mfrec.documents import DocumentError, read_bytes
from mfrec.errors import UsageError
from mfrec.provenance.record import RECORD, read_record, seal_holds
from mfrec.publication.signatures import signature_names

LIMIT = 1 << 30
"""Bytes that a signed report or picture may have."""


class Status(StrEnum):
    """What may be said of a file."""

    UNTOUCHED = "untouched"
    CHANGED = "changed"
    ADDED = "added"
    MISSING = "missing"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "signed by an unknown key"
    EXPIRED = "certificate expired"
    NOT_YET_VALID = "certificate not yet valid"


ALTERED = frozenset({Status.CHANGED, Status.ADDED, Status.MISSING})
"""The folder is not what it was."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one file.

    Attributes:
        name: in the folder, with slashes.
        status: see :class:`Status`.
        detail: who signed it when, or what does not fit, in words.
    """

    name: str
    status: Status
    detail: str


@dataclass(frozen=True)
class _Standing:
    """What a signature file is worth: :attr:`signature` is None where it does not hold."""

    name: str
    signature: Signature | None
    status: Status
    detail: str


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """0 where every file is untouched, 1 where one was changed, added or is missing, else 7: signed by nobody known."""
    found = {verdict.status for verdict in verdicts}
    if found & ALTERED:
        return 1
    return 0 if found == {Status.UNTOUCHED} else 7


def verify_folder(out: Path, trusted: Trusted | None = None, *, now: datetime.datetime | None = None) -> list[Verdict]:
    """Say of every file of a result folder whether it is as it was signed.

    A certificate is judged at the time that a trusted authority's stamp says, and now where there is none. Where
    signatures disagree, those that count are heard first. A folder without a signature is held against its own record,
    which anybody can make anew.

    Args:
        out: the folder.
        trusted: whose signatures count; those of :func:`~mfrec.custody.trust.read_trusted` where nobody says.
        now: for the certificates; the clock's time where nobody says.

    Returns:
        One a file that is there or should be, by name.

    Raises:
        UsageError: there is neither a record nor a signature, or the folder cannot be read.
    """
    trusted = read_trusted() if trusted is None else trusted
    now = now or datetime.datetime.now(datetime.UTC)
    if not out.is_dir():
        raise UsageError(f"'{out}' is no folder; expected the output of a run, or a signed PDF or PNG of one")
    files = files_in(out)
    standings = [_standing(out, name, files, trusted, now) for name in signature_names(list(files))]
    recorded, record_problem = _recorded(out)
    if not standings and RECORD not in files:
        raise UsageError(f"'{out}' holds neither a '{RECORD}' nor a signature; expected the output of a run")
    names = {*files, *recorded}
    for standing in standings:
        if standing.signature is not None:
            names.update(standing.signature.file.document.statement.files)
    verdicts = []
    for name in sorted(names):
        verdict = _verdict(name, files.get(name), standings, recorded, record_problem)
        if verdict.status is Status.UNTOUCHED and name.endswith((".signed.png", ".signed.pdf", ".stamped.pdf")):
            verdict = _with_embedded(out / name, verdict, trusted, now)
        verdicts.append(verdict)
    return verdicts


def verify_file(path: Path, trusted: Trusted | None = None, *, now: datetime.datetime | None = None) -> list[Verdict]:
    """Say of a signed PDF or PNG, which travels alone, whether it is as it was signed.

    Raises:
        UsageError: the file is neither, or cannot be read.
    """
    trusted = read_trusted() if trusted is None else trusted
    now = now or datetime.datetime.now(datetime.UTC)
    if path.suffix.lower() not in (".pdf", ".png"):
        raise UsageError(f"'{path}' carries no signature of its own; give the folder, or a signed PDF or PNG of it")
    try:
        data = read_bytes(path, LIMIT)
    except DocumentError as error:
        raise UsageError(f"'{path}' cannot be read: {error}; give a signed PDF or PNG") from None
    try:
        check = _embedded(path.name, data, trusted, now)
    except DocumentError as error:
        return [Verdict(path.name, Status.UNSIGNED, str(error))]
    if not check.intact:
        return [Verdict(path.name, Status.CHANGED, f"{check.detail}, which does not hold")]
    status = Status.EXPIRED if check.expired else Status.UNTOUCHED
    return [Verdict(path.name, status if check.known else Status.UNKNOWN_KEY, check.detail)]


def _standing(out: Path, name: str, files: dict[str, FoundFile], trusted: Trusted, now: datetime.datetime) -> _Standing:
    try:
        signature = open_signature(out / name)
    except DocumentError as error:
        return _Standing(name, None, Status.CHANGED, str(error))
    certificate = signature.certificate
    words = f"signed by {subject(certificate)}, key {fingerprint(certificate)[:19]} ..., {_utc(signature.time)}"
    moment, stamp = now, _stamp(out, name, files, trusted)
    if stamp is not None:
        words += f"; time stamp of {stamp.detail}"
        if stamp.trusted:
            moment = stamp.time
    if signature.time > now + datetime.timedelta(minutes=5):
        words += "; that is in the future: this computer's clock is off, or the signer's was"
    chain = (certificate, *(one for one in trusted.people if one in signature.chain))
    if not trusted.knows(certificate):
        status = Status.UNKNOWN_KEY
        words += "; if this is the key of somebody you know, run: mfrec keys trust FILE.crt"
    elif all(valid_at(one, moment) for one in chain):
        status = Status.UNTOUCHED
    elif any(moment < one.not_valid_before_utc for one in chain):
        status = Status.NOT_YET_VALID
        words += f"; its certificate begins on {certificate.not_valid_before_utc:%Y-%m-%d}, set the clock"
    else:
        status = Status.EXPIRED
        expired = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        words += f"; its certificate expired on {expired}, and no trusted time stamp says that it is older"
    return _Standing(name, signature, status, words)


def _stamp(out: Path, name: str, files: dict[str, FoundFile], trusted: Trusted) -> Stamp | None:
    answer = f"{Path(name).stem}.tsr"
    if answer not in files:
        return None
    try:
        return check_answer(read_bytes(out / answer, LIMIT), read_bytes(out / name, LIMIT), trusted.time)
    except DocumentError:
        return None  # what is wrong with the file itself is said of it


def _recorded(out: Path) -> tuple[dict[str, str], str]:
    """SHA-256 of the outputs by the record, if its seal holds, and else why not."""
    try:
        record = read_record(out)
    except UsageError as error:
        return {}, str(error)
    if not seal_holds(out / RECORD, record):
        return {}, "its seal does not hold: it was changed since the run wrote it"
    return {name: digests["sha256"] for name, digests in record.get("outputs", {}).items()}, ""


def _verdict(
    name: str,
    file: FoundFile | None,
    standings: Sequence[_Standing],
    recorded: dict[str, str],
    record_problem: str,
) -> Verdict:
    covering = [one for one in standings if one.signature is not None and name in _files(one)]
    own = next((one for one in standings if one.name == name), None)
    if own is not None and own.signature is None and file is not None:
        return Verdict(name, Status.CHANGED, own.detail)
    # A signature file answers for itself too.
    heard = [*([own] if own is not None and own.signature is not None else []), *covering]
    heard = [one for one in heard if one.status is Status.UNTOUCHED] or heard
    if file is None:
        return Verdict(name, Status.MISSING, f"named by {', '.join(one.name for one in heard) or RECORD}")
    if heard:
        if file.problem:
            return Verdict(name, Status.CHANGED, file.problem)
        for one in heard:
            if one is not own and _files(one)[name] != file.sha256:
                return Verdict(name, Status.CHANGED, f"its SHA-256 is not the one that {one.name} states")
        return Verdict(name, heard[0].status, heard[0].detail)
    if file.problem:
        return Verdict(name, Status.ADDED, f"{file.problem}; nobody signed it")
    if name == RECORD:
        return Verdict(name, Status.CHANGED, record_problem) if record_problem else _as_run(name)
    if name not in recorded:
        since = "the signature" if standings else "the run"
        return Verdict(name, Status.ADDED, f"it came after {since}")
    if recorded[name] != file.sha256:
        return Verdict(name, Status.CHANGED, f"its SHA-256 is not the one that {RECORD} states")
    return _as_run(name)


def _as_run(name: str) -> Verdict:
    return Verdict(name, Status.UNSIGNED, f"as {RECORD} states, which anybody can write anew; run: mfrec sign")


def _files(standing: _Standing) -> dict[str, str]:
    if standing.signature is None:
        return {}
    return {name: file.sha256 for name, file in standing.signature.file.document.statement.files.items()}


def _embedded(name: str, data: bytes, trusted: Trusted, now: datetime.datetime) -> EmbeddedCheck:
    """What the signature inside of a PDF or PNG says."""
    if name.lower().endswith(".pdf"):
        from mfrec.custody.pdf import check_pdf

        return check_pdf(data, trusted, now)
    from mfrec.custody.credentials import check_credentials

    return check_credentials(data, trusted)


def _with_embedded(path: Path, verdict: Verdict, trusted: Trusted, now: datetime.datetime) -> Verdict:
    """The verdict on a signed copy, which says something of itself too."""
    try:
        check = _embedded(path.name, read_bytes(path, LIMIT), trusted, now)
    except DocumentError as error:
        return Verdict(verdict.name, Status.CHANGED, f"{error}, though {verdict.detail}")
    if not check.intact:
        return Verdict(verdict.name, Status.CHANGED, f"{check.detail}, which does not hold, though {verdict.detail}")
    return Verdict(verdict.name, verdict.status, f"{verdict.detail}; {check.detail}")


def _utc(time: datetime.datetime) -> str:
    return f"{time.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC by the signer's clock"
