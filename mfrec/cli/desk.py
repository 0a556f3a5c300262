"""``mfrec desk``: the browser desk on this computer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.console import print_line, say
from mfrec.errors import UsageError
from mfrec.runtime.extras import not_installed


def desk(
    cases: Annotated[Path, typer.Argument(help="Folder of the cases; made where it is lacking.")] = Path("cases"),
    *,
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = 8765,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Runs that may work at once.")] = 1,
    limit: Annotated[float, typer.Option("--upload-limit", help="GiB that an uploaded file may have.")] = 8.0,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; beyond this computer with TLS and a password alone.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option("--name", help="What others call this computer; repeatable.", show_default=False)
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="PEM file, for TLS.", show_default=False)
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="PEM file of its key.", show_default=False)] = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="Made by --new-password.", show_default=False)
    ] = None,
    new_password: Annotated[
        Path | None,
        typer.Option("--new-password", help="Ask for a password, write its hash here, end.", show_default=False),
    ] = None,
) -> None:
    """Work on cases in a browser, on this computer: look, choose, run, compare, annotate."""
    for package in ("starlette", "uvicorn", "markdown_it"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(not_installed("the desk", package, "desk"))
    if new_password is not None:
        from mfrec.desk.passwords import write_password

        write_password(new_password, typer.prompt("Password", hide_input=True, confirmation_prompt=True))
        print_line(new_password)
        return
    if not 0 < limit < 1e6:
        raise UsageError(f"--upload-limit is {limit:g}; expected a number of GiB above 0")
    from mfrec.desk.serve import Service, serve

    service = Service(
        host, port, certificate, key, password_file, tuple(name or ()), jobs, max(1, round(limit * (1 << 30)))
    )
    serve(cases, service, say)
