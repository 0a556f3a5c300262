"""``mfrec keys``, ``sign`` and ``verify``: who says that a result is as it was."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mfrec.cli.console import print_json, print_line, say
from mfrec.cli.options import Json
from mfrec.documents import DocumentError, read_text
from mfrec.errors import UsageError

if TYPE_CHECKING:
    from mfrec.custody.verify import Verdict

PASSPHRASE = "MFREC_PASSPHRASE"
"""The environment's variable that is read where no file is named and no terminal can ask."""

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=f"File whose first line is the passphrase; else ${PASSPHRASE}, else it is asked for.",
        show_default=False,
    ),
]

KeysFolder = Annotated[
    Path | None, typer.Option("--keys", help="Folder of keys; else ~/.config/mfrec/keys.", show_default=False)
]

TrustedFolder = Annotated[
    Path | None,
    typer.Option(
        "--trusted", help="Folder of certificates that count; else ~/.config/mfrec/trusted.", show_default=False
    ),
]


def passphrase(file: Path | None, *, confirm: bool = False) -> str:
    """The passphrase of a key: from a file, the environment, or asked for.

    Args:
        file: whose first line it is.
        confirm: ask twice.

    Raises:
        UsageError: the file cannot be read, or nobody can be asked.
    """
    if file is not None:
        try:
            return read_text(file, 1 << 16).splitlines()[0]
        except (DocumentError, IndexError) as error:
            raise UsageError(
                f"no passphrase in '{file}' ({error}); expected it in the first line of a text file"
            ) from None
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    if not sys.stdin.isatty():
        raise UsageError(
            f"the key needs its passphrase, and no terminal can ask for it; name a file with --passphrase-file, or set "
            f"{PASSPHRASE}"
        )
    return str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def keys_new(
    name: Annotated[str, typer.Argument(help="Of the key's files.", show_default=False)],
    *,
    signer: Annotated[str, typer.Option("--signer", help="Name in the certificates; else NAME.")] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="That the certificates are valid.")] = 1096,
    keys: KeysFolder = None,
    trusted: TrustedFolder = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make keys to sign with, and trust them on this machine."""
    from mfrec.custody.keys import fingerprint, new_identity, read_certificates
    from mfrec.custody.trust import trust

    secret, public = new_identity(
        name, passphrase(passphrase_file, confirm=True), signer=signer, folder=keys, days=days
    )
    trust(public, trusted)
    print_line(f"{secret}: keep it, and a copy in a safe; without it or its passphrase nothing can be signed")
    print_line(f"{public}: give it to those who shall trust your signatures")
    print_line(f"fingerprint: {fingerprint(read_certificates(public)[0])}")


def keys_list(keys: KeysFolder = None, as_json: Json = False) -> None:
    """List the keys of this machine."""
    from mfrec.custody.keys import fingerprint, keys_folder, read_certificates, subject

    rows = []
    for path in sorted((keys_folder() if keys is None else keys).glob("*.key")):
        certificate = read_certificates(path.with_suffix(".crt"))[0]
        rows.append(
            {
                "name": path.stem,
                "signer": subject(certificate),
                "until": certificate.not_valid_after_utc.isoformat(timespec="seconds"),
                "fingerprint": fingerprint(certificate),
            }
        )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_line(f"{row['name']}: {row['signer']}, until {row['until'][:10]}\n  {row['fingerprint']}")
    if not rows:
        say("no keys; make some with mfrec keys new NAME")


def keys_trust(
    file: Annotated[Path, typer.Argument(help="Certificates of somebody, a .crt file.", show_default=False)],
    *,
    time: Annotated[bool, typer.Option("--time", help="It is the root of a time-stamping authority.")] = False,
    trusted: TrustedFolder = None,
) -> None:
    """Let the signatures of somebody count on this machine. Compare the fingerprint with its owner first."""
    from mfrec.custody.keys import fingerprint, read_certificates, subject
    from mfrec.custody.trust import trust

    certificate = read_certificates(file)[0]
    copy = trust(file, trusted, time=time)
    print_line(f"{copy}: {subject(certificate)}\nfingerprint: {fingerprint(certificate)}")


def sign(
    out: Annotated[Path, typer.Argument(help="An output folder.", show_default=False)],
    *,
    key: Annotated[
        str | None, typer.Option("--key", help="Name or file of the key; else the only one.", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="What the signature is for, in your words.")] = "",
    request: Annotated[
        Path | None,
        typer.Option("--request", help="Folder for requests to a time-stamping authority.", show_default=False),
    ] = None,
    answer: Annotated[
        list[Path] | None,
        typer.Option("--answer", help="An authority's answer, a .tsr file; several times.", show_default=False),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="The case's ledger, which gets an entry.", show_default=False)
    ] = None,
    keys: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Sign every file of an output folder; nothing in it is changed, signatures are added."""
    from mfrec.custody.keys import find_key, open_identity
    from mfrec.custody.sign import sign_folder, time_stamp_requests
    from mfrec.publication.files import write_file
    from mfrec.publication.folder import writing

    identity = open_identity(find_key(key, keys), passphrase(passphrase_file))
    done = sign_folder(out, identity, reason=reason, answers=answer or (), ledger=ledger)
    requests = []
    if request is not None:
        with writing(request):
            request.mkdir(parents=True, exist_ok=True)
        for name, data in time_stamp_requests(out).items():
            requests.append(request / f"{out.resolve().name}.{name}")
            write_file(requests[-1], data, replace=True)
    if as_json:
        print_json(
            {
                "signature": str(done.signature),
                "new": [str(path) for path in done.new],
                "requests": [str(path) for path in requests],
                "ledger": None if done.entry is None else asdict(done.entry),
                "signer": identity.signer,
                "fingerprint": identity.fingerprint,
            }
        )
        return
    for path in done.new:
        print_line(path)
    if not done.new:
        print_line(f"{done.signature}: signed by this key already, and nothing is new")
    print_line(f"signed by {identity.signer}, key {identity.fingerprint}")
    for path in requests:
        print_line(f"{path}: send it to an authority, and bring its answer back with --answer")
    if done.entry is not None:
        print_line(f"ledger: row {done.entry.number}, hash {done.entry.hash}")


def verify(
    out: Annotated[
        Path, typer.Argument(help="An output folder, a signed PDF or PNG, or a ledger.", show_default=False)
    ],
    *,
    trusted: TrustedFolder = None,
    as_json: Json = False,
) -> None:
    """Say of every file whether it is as it was signed, and by whom.

    Ends with code 0 where all are untouched and signed by a trusted key, 1 where one was changed, added or is missing,
    else 7.
    """
    from mfrec.custody.ledger import is_ledger
    from mfrec.custody.trust import read_trusted
    from mfrec.custody.verify import exit_code, verify_file, verify_folder

    if out.is_file() and is_ledger(out):
        _verify_ledger(out, as_json)
        return
    verdicts = (verify_file if out.is_file() else verify_folder)(out, read_trusted(trusted))
    code = exit_code(verdicts)
    if as_json:
        print_json({"exit_code": code, "files": [asdict(verdict) for verdict in verdicts]})
    else:
        _print(verdicts)
    if code:
        raise typer.Exit(code)


def _print(verdicts: list[Verdict]) -> None:
    width = max(len(verdict.name) for verdict in verdicts)
    status_width = max(len(verdict.status) for verdict in verdicts)
    said: set[str] = set()
    for verdict in verdicts:
        detail = "" if verdict.detail in said else verdict.detail
        said.add(detail)
        print_line(f"{verdict.status:<{status_width}}  {verdict.name:<{width}}  {detail}".rstrip())


def _verify_ledger(path: Path, as_json: bool) -> None:
    from mfrec.custody.ledger import check_ledger, json_lines

    problems = check_ledger(path)
    if as_json:
        for line in json_lines(path):
            print_line(line)
    for problem in problems:
        say(f"{path}: {problem}")
    if not as_json and not problems:
        rows = list(json_lines(path))
        print_line(f"{path}: {len(rows)} rows, each follows the one before")
    if problems:
        raise typer.Exit(1)
