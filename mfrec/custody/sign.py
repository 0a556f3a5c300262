"""Signing a result folder.

The files of the run stay as they are. Beside them come copies that carry a signature of their own
(``report.signed.pdf``, ``reconstruction.signed.png``, ``evidence.signed.png``) and last ``signature-N.json``, which
covers every file that lies there then, earlier signatures among them. What is signed is never changed afterwards: an
answer of a time-stamping authority is a new file (``signature-N.tsr``, ``report.stamped.pdf``), which the next
signature covers, and so does the signature of a second person.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfrec.custody.keys import Identity, check_valid
from mfrec.custody.ledger import Entry, add_entry
from mfrec.custody.statement import FoundFile, digest_of, files_in, make_statement, open_signature, signed_text
from mfrec.custody.time_stamp import is_for, read_answer, request
from mfrec.custody.trust import Trusted
from mfrec.custody.verify import Status, verify_folder
from mfrec.documents import KEY, DocumentError
from mfrec.errors import UsageError
from mfrec.provenance.record import read_record
from mfrec.publication.files import write_file
from mfrec.publication.signatures import signature_names

SIGNED_PDF, STAMPED_PDF = "report.signed.pdf", "report.stamped.pdf"


@dataclass(frozen=True)
class Signed:
    """What :func:`sign_folder` did.

    Attributes:
        signature: the signature file that covers the folder now.
        new: files that were written, the signature last; none where this key had signed everything already.
        entry: of the ledger, if one was named.
    """

    signature: Path
    new: tuple[Path, ...]
    entry: Entry | None = None


def sign_folder(
    out: Path,
    identity: Identity,
    *,
    reason: str = "",
    answers: Sequence[Path] = (),
    ledger: Path | None = None,
    now: datetime.datetime | None = None,
) -> Signed:
    """Sign every file of a result folder.

    Args:
        out: the output of a run; it may be signed already, by whom ever.
        identity: whose keys sign.
        reason: what the signature is for, in the signer's words.
        answers: of time-stamping authorities, to requests of :func:`time_stamp_requests`.
        ledger: of the case; gets an entry.
        now: the signer's time; the clock's where nobody says.

    Returns:
        What was done.

    Raises:
        UsageError: the folder is no output or was changed, the certificate or the clock will not do, an answer fits
            nothing here, or a file cannot be written. Nothing that was there is changed.
    """
    now = (now or datetime.datetime.now(datetime.UTC)).replace(microsecond=0)
    record = read_record(out)
    check_valid(identity.record_certificate, now)
    check_valid(identity.root, now)
    _check_whole(out, now)
    _check_clock(out, record, now)
    files = files_in(out)
    for name, file in files.items():
        if file.problem or len(name) > KEY:
            why = file.problem or f"its name has {len(name)} characters, and {KEY} are the limit"
            raise UsageError(f"'{name}' cannot be signed: {why}; move it out of '{out}'")
    new = _signed_copies(out, record, files, identity, reason)
    new |= _answered(out, files, [read_answer(path) for path in answers])
    signatures = signature_names(list(files))
    if not new and signatures and _covers_all(out / signatures[-1], identity, files):
        return Signed(out / signatures[-1], ())
    for name, data in new.items():
        write_file(out / name, data)
    covered = dict(sorted({**files, **{name: digest_of(data) for name, data in new.items()}}.items()))
    text = signed_text(make_statement(covered, identity, reason, now), identity)
    number = 1 + (int(signatures[-1].removeprefix("signature-").removesuffix(".json")) if signatures else 0)
    signature = out / f"signature-{number}.json"
    write_file(signature, text.encode("ascii"))
    entry = None
    if ledger is not None:
        details = {
            "folder": out.resolve().name,
            "file": signature.name,
            "sha256": digest_of(text.encode("ascii")).sha256,
            "signer": identity.signer,
            "key": identity.fingerprint,
            "reason": reason,
        }
        entry = add_entry(ledger, "signed", details, now=now)
    return Signed(signature, (*(out / name for name in new), signature), entry)


def time_stamp_requests(out: Path) -> dict[str, bytes]:
    """Requests to a time-stamping authority for what was signed: the last signature, and the report's if there is one.

    Returns:
        File name to DER (RFC 3161).

    Raises:
        UsageError: nothing is signed there, or it cannot be read.
    """
    signatures = signature_names([path.name for path in out.iterdir()])
    if not signatures:
        raise UsageError(f"'{out}' is not signed; sign it first: mfrec sign '{out}'")
    try:
        requests = {f"{Path(signatures[-1]).stem}.tsq": request((out / signatures[-1]).read_bytes())}
        if (out / SIGNED_PDF).is_file() and not (out / STAMPED_PDF).exists():
            from mfrec.custody.pdf import signature_value

            requests["report.signed.tsq"] = request(signature_value((out / SIGNED_PDF).read_bytes()))
    except (OSError, DocumentError) as error:
        raise UsageError(f"no request can be made for '{out}': {error}; run mfrec verify '{out}'") from None
    return requests


def _check_whole(out: Path, now: datetime.datetime) -> None:
    """Refuse a folder that is not what the run wrote or what others signed; new files are signed along."""
    for verdict in verify_folder(out, Trusted(), now=now):
        if verdict.status in (Status.CHANGED, Status.MISSING):
            raise UsageError(
                f"'{out}' is not signed: '{verdict.name}' is {verdict.status} ({verdict.detail}); put it back, or "
                "make the result again in another folder"
            )


def _check_clock(out: Path, record: dict[str, Any], now: datetime.datetime) -> None:
    times = [("the record", datetime.datetime.fromisoformat(record["created"]))]
    for name in signature_names([path.name for path in out.iterdir()]):
        times.append((name, open_signature(out / name).time))
    for what, time in times:
        if time > now:
            raise UsageError(
                f"this computer's clock says {now:%Y-%m-%d %H:%M:%S} UTC, and {what} is of {time:%Y-%m-%d %H:%M:%S} "
                "UTC; set the clock and sign again"
            )


def _signed_copies(
    out: Path, record: dict[str, Any], files: dict[str, FoundFile], identity: Identity, reason: str
) -> dict[str, bytes]:
    """Copies of the report and the pictures with their own signature, as far as there are none yet."""
    new: dict[str, bytes] = {}
    try:
        if "report.pdf" in files and SIGNED_PDF not in files:
            from mfrec.custody.pdf import sign_pdf

            new[SIGNED_PDF] = sign_pdf((out / "report.pdf").read_bytes(), identity, reason)
        evidence = record.get("evidence")
        for name, made in (("reconstruction", record), ("evidence", evidence)):
            if made and f"{name}.png" in files and f"{name}.signed.png" not in files:
                from mfrec.custody.credentials import add_credentials

                new[f"{name}.signed.png"] = add_credentials(
                    (out / f"{name}.png").read_bytes(), f"{name}.png", made, record, identity
                )
    except (OSError, DocumentError) as error:
        raise UsageError(f"no signed copy can be made in '{out}': {error}; run mfrec verify '{out}'") from None
    return new


def _answered(out: Path, files: dict[str, FoundFile], answers: Sequence[bytes]) -> dict[str, bytes]:
    """The files that answers become."""
    new: dict[str, bytes] = {}
    for answer in answers:
        for name in signature_names(list(files)):
            if is_for(answer, (out / name).read_bytes()):
                new[f"{Path(name).stem}.tsr"] = answer
                break
        else:
            new[STAMPED_PDF] = _stamped(out, files, answer)
    for name in new:
        if name in files:
            raise UsageError(f"'{out / name}' is there already; an answer is never replaced")
    return new


def _stamped(out: Path, files: dict[str, FoundFile], answer: bytes) -> bytes:
    if SIGNED_PDF in files:
        from mfrec.custody.pdf import add_time_stamp, signature_value

        try:
            signed = (out / SIGNED_PDF).read_bytes()
            if is_for(answer, signature_value(signed)):
                return add_time_stamp(signed, answer)
        except DocumentError as error:
            raise UsageError(
                f"the answer cannot be put into '{out / SIGNED_PDF}': {error}; keep it beside it"
            ) from None
    raise UsageError(
        f"an answer is about nothing that was signed in '{out}'; make requests with mfrec sign --request FOLDER and "
        "send those"
    )


def _covers_all(path: Path, identity: Identity, files: dict[str, FoundFile]) -> bool:
    """Whether a signature of this key covers every file but itself."""
    signature = open_signature(path)
    return signature.certificate == identity.record_certificate and signature.file.document.statement.files.keys() == (
        files.keys() - {path.name}
    )
