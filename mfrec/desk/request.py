"""What every request may ask for: the desk, its case, its document, a number."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from mfrec.desk import inputs
from mfrec.desk.case import Case, Cases, asked
from mfrec.desk.frames import Frames
from mfrec.desk.jobs import Jobs
from mfrec.desk.refusal import RefusalError
from mfrec.desk.results import Results
from mfrec.documents import DocumentError, parse_json

PAGE = Path(__file__).with_name("page")

HTML = "text/html; charset=utf-8"

CASE = "/api/cases/{case}"

BODY = 1 << 18
"""Bytes of a request's document."""

Handler = Callable[[Request], Awaitable[Response]]

Routes = tuple[tuple[str, str, Handler], ...]
"""Method, address and what answers."""


@dataclass(eq=False)
class Desk:
    """What all requests share.

    Attributes:
        cases: the folder of all cases.
        jobs: their queue.
        frames, results: what is shown of inputs and of runs.
        upload_limit: bytes that an uploaded file may have.
        here_alone: whether the desk serves this computer alone, so that paths on it may be named.
        password: line of a password file; empty where the address has a token.
    """

    cases: Cases
    jobs: Jobs
    frames: Frames
    results: Results
    upload_limit: int = inputs.UPLOAD_LIMIT
    here_alone: bool = True
    password: str = ""
    stopping: asyncio.Event | None = None


def html(name: str) -> Response:
    """A page of the desk."""
    return FileResponse(PAGE / name, media_type=HTML)


def desk_of(request: Request) -> Desk:
    """What all requests share."""
    return request.app.state.desk


def case_of(request: Request) -> Case:
    """The case that a request names.

    Raises:
        RefusalError: there is none.
    """
    return desk_of(request).cases.case(request.path_params["case"])


async def document(request: Request, kind: type[Any]) -> Any:
    """The body of a request against its schema.

    Raises:
        RefusalError: too large, or not like that.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY:
            raise RefusalError("refused.request", 413, why=f"it has more than {BODY} bytes")
    try:
        return asked(parse_json(body.decode("utf-8")), kind)
    except (DocumentError, UnicodeDecodeError) as error:
        raise RefusalError("refused.request", 400, why=error) from None


def whole(request: Request, name: str, text: str | None = None) -> int:
    """A whole number of a request: of its query, where the text is not given.

    Raises:
        RefusalError: it is none.
    """
    text = request.query_params.get(name, "") if text is None else text
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise RefusalError("refused.request", 400, why=f"{name} is {text[:40]!r}; expected a whole number from 0")
    return int(text)
