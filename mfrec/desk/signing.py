"""Signatures and the ledger of a case, for the page: what :mod:`mfrec.custody` does where the extra ``sign`` is here.

A passphrase comes with the request, opens the key, and is kept nowhere.
"""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from mfrec.desk.case import Case
from mfrec.desk.places import child
from mfrec.desk.refusal import RefusalError

LEDGER = "ledger.db"

NEEDED = ("cryptography", "asn1crypto", "rfc8785", "rfc3161_client", "pyhanko", "c2pa")


class SignAsked(Struct):
    """Who signs a run, and what for."""

    key: Annotated[str, Meta(max_length=200)]
    passphrase: Annotated[str, Meta(max_length=1000)]
    reason: Annotated[str, Meta(max_length=500)] = ""


def installed() -> bool:
    """Whether the packages of the extra ``sign`` are here."""
    return all(importlib.util.find_spec(name) is not None for name in NEEDED)


def own_keys() -> list[dict[str, str]]:
    """Keys of this computer's user; none where the extra is not installed."""
    if not installed():
        return []
    from mfrec.custody.keys import fingerprint, keys_folder, read_certificates, subject
    from mfrec.errors import UsageError

    out = []
    for path in sorted(keys_folder().glob("*.key")):
        try:
            certificate = read_certificates(path.with_suffix(".crt"))[0]
        except UsageError:
            continue
        until = certificate.not_valid_after_utc.isoformat(timespec="seconds")
        signer, mark = subject(certificate), fingerprint(certificate)
        out.append({"name": path.stem, "signer": signer, "until": until, "fingerprint": mark})
    return out


def sign(case: Case, folder: Path, wanted: SignAsked) -> dict[str, Any]:
    """Sign the output of a run, with an entry in the case's ledger.

    Args:
        case: of the run.
        folder: its output.
        wanted: by the page; the key is one of :func:`own_keys`.

    Raises:
        RefusalError: there is no such key.
        UsageError: see :func:`mfrec.custody.keys.open_identity` and :func:`mfrec.custody.sign.sign_folder`.
    """
    if wanted.key not in {key["name"] for key in own_keys()}:
        raise RefusalError("refused.signing", 400, name=wanted.key)
    from mfrec.custody.keys import find_key, open_identity
    from mfrec.custody.sign import sign_folder

    identity = open_identity(find_key(wanted.key), wanted.passphrase)
    with case.lock:
        done = sign_folder(folder, identity, reason=wanted.reason, ledger=child(case.folder, LEDGER))
    return {"signature": done.signature.name, "new": [path.name for path in done.new], "signer": identity.signer}


def verify(folder: Path) -> dict[str, Any]:
    """What is said of every file of an output; see :func:`mfrec.custody.verify.verify_folder`."""
    from mfrec.custody.trust import read_trusted
    from mfrec.custody.verify import exit_code, verify_folder

    verdicts = verify_folder(folder, read_trusted())
    return {"code": exit_code(verdicts), "files": [asdict(verdict) for verdict in verdicts]}


def enter(case: Case, event: str, details: dict[str, Any]) -> None:
    """Add an entry to the case's ledger; nothing is kept where the extra is not installed.

    Raises:
        UsageError: the ledger cannot be written, or does not hold.
    """
    if not installed():
        return
    from mfrec.custody.ledger import add_entry

    with case.lock:
        add_entry(child(case.folder, LEDGER), event, details)


def ledger(case: Case) -> dict[str, Any]:
    """The entries of the case's ledger, and what does not hold in it."""
    path = child(case.folder, LEDGER)
    if not installed() or not path.is_file():
        return {"entries": [], "problems": []}
    from mfrec.custody.ledger import check_ledger, read_entries

    return {"entries": [asdict(entry) for entry in read_entries(path)], "problems": check_ledger(path)}
