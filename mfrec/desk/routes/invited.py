"""What the link of somebody who is invited to a survey opens: its question, its pictures, one answer, and nothing else.

The token of the link is the only thing of a request that says where to look; case and survey are never named.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mfrec.desk import invitations, surveys
from mfrec.desk.case import Case
from mfrec.desk.refusal import RefusalError
from mfrec.desk.request import Routes, desk_of, document, html

WAIT = 0.2
"""Seconds that an answer to a token takes which opens nothing: looking for it is work."""


async def _opened(request: Request) -> tuple[Case, str, invitations.Invitation]:
    """What the token of a request opens; see :func:`mfrec.desk.invitations.opened`."""
    token = request.path_params["token"]
    try:
        return await run_in_threadpool(invitations.opened, desk_of(request).cases, token)
    except RefusalError:
        if invitations.TOKEN.fullmatch(token):
            await asyncio.sleep(WAIT)
        raise


async def invited_page(request: Request) -> Response:
    # The same whatever a token opens: the page asks, and says what it is told.
    if not invitations.TOKEN.fullmatch(request.path_params["token"]):
        raise RefusalError("refused.invitation", 404)
    return html("answer.html")


async def invited_question(request: Request) -> Response:
    case, number, one = await _opened(request)
    question: dict[str, Any] = await run_in_threadpool(surveys.question, case, number)
    return JSONResponse({**question, "name": one.name})


async def invited_picture(request: Request) -> Response:
    case, number, _ = await _opened(request)
    picture = await run_in_threadpool(surveys.picture, case, number, request.path_params["name"])
    return Response(picture, media_type="image/png")


async def invited_answer(request: Request) -> Response:
    await _opened(request)
    said = await document(request, invitations.Answered)
    token = request.path_params["token"]
    await run_in_threadpool(invitations.answer_by_link, desk_of(request).cases, token, said)
    return JSONResponse({}, 201)


ROUTES: Routes = (
    ("GET", "/invited/{token}", invited_page),
    ("GET", "/invited/{token}/question", invited_question),
    ("GET", "/invited/{token}/pictures/{name}", invited_picture),
    ("POST", "/invited/{token}/answers", invited_answer),
)
