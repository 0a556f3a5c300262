"""Readers of what proves whose a result is (signatures, keys, time stamps, ledgers), for :mod:`fuzzed`."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from fuzzed import Reader, Spoil
from hostile import spoilt_bytes, spoilt_file, spoilt_json, spoilt_png
from signed_folder import PASSPHRASE, TimeAuthority, copy_of_result, person

from mfrec.custody.keys import open_identity, read_certificates
from mfrec.custody.ledger import add_entry, check_ledger, json_lines
from mfrec.custody.sign import sign_folder
from mfrec.custody.time_stamp import is_for, read_answer, request
from mfrec.custody.trust import Trusted, read_trusted
from mfrec.custody.verify import verify_file, verify_folder
from mfrec.documents import parse_json
from mfrec.errors import UsageError


def readers(folder: Path) -> list[Reader]:
    """Every reader, with a signed and stamped result made in ``folder`` to begin with."""
    anna = person(folder / "home")
    out = copy_of_result(folder / "out")
    sign_folder(out, anna.identity, ledger=folder / "ledger.sqlite")
    add_entry(folder / "ledger.sqlite", "looked", {"a": 1})
    authority = TimeAuthority(folder / "authority")
    (out / "signature-1.tsr").write_bytes(
        authority.answer(request((out / "signature-1.json").read_bytes())).read_bytes()
    )
    trusted = Trusted(anna.trusted.people, tuple(read_certificates(authority.root)))
    small = folder / "small"
    small.mkdir()
    for name in ("signature-1.json", "signature-1.tsr", "run.json"):
        shutil.copy(out / name, small / name)

    def in_folder(name: str) -> Reader:
        """A file of a signed folder, spoilt: the whole folder is looked at."""

        def read(path: Path) -> None:
            data = (small / name).read_bytes()
            (small / name).write_bytes(path.read_bytes())
            try:
                verify_folder(small, trusted)
            finally:
                (small / name).write_bytes(data)

        return Reader(name, of((small / name).read_bytes()), read, (UsageError,))

    def read_stamp(path: Path) -> None:
        is_for(read_answer(path), b"data")

    def read_key(path: Path) -> None:
        path.chmod(0o600)
        shutil.copy(anna.key.with_suffix(".crt"), path.with_suffix(".crt"))
        open_identity(path, PASSPHRASE)

    def read_case_ledger(path: Path) -> None:
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        check_ledger(path)
        list(json_lines(path))
        add_entry(path, "looked", {})

    def read_trust(path: Path) -> None:
        read_certificates(path)
        place = path.parent / "trusted"
        place.mkdir(exist_ok=True)
        shutil.copy(path, place / "one.crt")
        read_trusted(place)

    signature = parse_json((out / "signature-1.json").read_text())
    certificate = anna.key.with_suffix(".crt").read_bytes()
    png, pdf = ((out / name).read_bytes() for name in ("evidence.signed.png", "report.signed.pdf"))
    return [
        in_folder("signature-1.json"),
        in_folder("signature-1.tsr"),
        Reader("signature-2.json", lambda draw: spoilt_json(signature, draw), read_beside(small, trusted)),
        Reader("answer.tsr", of((out / "signature-1.tsr").read_bytes()), read_stamp, (UsageError,)),
        Reader("anna.key", of(anna.key.read_bytes()), read_key, (UsageError,)),
        Reader("bert.crt", of(certificate), read_trust, (UsageError,)),
        Reader("signed.png", of(png), lambda path: verify_file(path, trusted), (UsageError,)),
        Reader("chunks.png", lambda draw: spoilt_png(png, draw), lambda path: verify_file(path, trusted)),
        Reader("signed.pdf", of_file(pdf), lambda path: verify_file(path, trusted), (UsageError,)),
        Reader("case-ledger.sqlite", of_file((folder / "ledger.sqlite").read_bytes()), read_case_ledger, (UsageError,)),
    ]


def read_beside(small: Path, trusted: Trusted):
    """A second signature beside a good one."""

    def read(path: Path) -> None:
        second = small / "signature-2.json"
        shutil.copy(path, second)
        try:
            verify_folder(small, trusted)
        finally:
            second.unlink()

    return read


def of(data: bytes) -> Spoil:
    return lambda draw: spoilt_bytes(data, draw)


def of_file(data: bytes) -> Spoil:
    def spoil(draw: random.Random) -> bytes:
        return spoilt_file(data, draw)

    return spoil
