"""The desk, its cases, and what happens in each."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from mfrec.desk import masks, notes
from mfrec.desk.case import Case
from mfrec.desk.choices import choices, recipes
from mfrec.desk.refusal import RefusalError
from mfrec.desk.request import CASE, Desk, Routes, case_of, desk_of, document
from mfrec.provenance.about import About
from mfrec.version import __version__

STEP = 0.25
"""Seconds between two looks at the jobs for a page that watches them."""


class Changed(Struct):
    """A case's description, and the revision that it was changed from."""

    about: About
    revision: int


async def about_desk(request: Request) -> Response:
    desk = desk_of(request)
    return JSONResponse(
        {
            "version": __version__,
            "folder": str(desk.cases.folder),
            "here_alone": desk.here_alone,
            "upload_limit": desk.upload_limit,
            "choices": [asdict(choice) for choice in choices()],
            "regions": masks.region_names(),
        }
    )


async def offered_recipes(_request: Request) -> Response:
    # By itself: it imports every stage, for which the page of all cases does not wait.
    return JSONResponse(await run_in_threadpool(recipes))


def _case_line(desk: Desk, key: str) -> dict[str, Any]:
    """What the list of cases says of one."""
    try:
        case = desk.cases.case(key)
        content = case.read()
        states = [handle.job.state for handle in desk.jobs.of(case) if handle.job.kind == "reconstruct"]
    except RefusalError as refusal:
        return {"key": key, "error": str(refusal)}
    return {
        "key": key,
        "about": msgspec.to_builtins(content.about),
        "created": content.created,
        "inputs": len(content.inputs),
        "runs": states.count("done"),
        "live": sum(state in ("waiting", "running") for state in states),
    }


async def list_cases(request: Request) -> Response:
    desk = desk_of(request)
    return JSONResponse(await run_in_threadpool(lambda: [_case_line(desk, key) for key in desk.cases.names()]))


async def add_case(request: Request) -> Response:
    about = await document(request, About)
    if not (about.title.strip() or about.number.strip()):
        raise RefusalError("refused.untitled", 400)
    case = await run_in_threadpool(desk_of(request).cases.add, about)
    return JSONResponse({"key": case.key}, 201)


def _case_content(desk: Desk, case: Case) -> dict[str, Any]:
    return {
        "key": case.key,
        **msgspec.to_builtins(case.read()),
        "jobs": [handle.shown() for handle in desk.jobs.of(case)],
        "drawn": notes.listed(case),
    }


async def one_case(request: Request) -> Response:
    case = case_of(request)
    return JSONResponse(await run_in_threadpool(_case_content, desk_of(request), case))


async def change_case(request: Request) -> Response:
    case, changed = case_of(request), await document(request, Changed)

    def write() -> int:
        with case.change(changed.revision) as content:
            content.about = changed.about
        return content.revision

    return JSONResponse({"revision": await run_in_threadpool(write)})


async def watch(request: Request) -> Response:
    """Server-sent events: the jobs of a case, whenever one of them has changed."""
    desk, case = desk_of(request), case_of(request)

    async def events() -> AsyncIterator[str]:
        last = ""
        while desk.stopping is None or not desk.stopping.is_set():
            handles = await run_in_threadpool(desk.jobs.of, case)
            said = json.dumps([handle.shown() for handle in handles])
            if said != last:
                last = said
                yield f"data: {said}\n\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(desk.stopping.wait() if desk.stopping else asyncio.sleep(STEP), STEP)
            if await request.is_disconnected():
                return

    return StreamingResponse(events(), media_type="text/event-stream")


ROUTES: Routes = (
    ("GET", "/api/desk", about_desk),
    ("GET", "/api/recipes", offered_recipes),
    ("GET", "/api/cases", list_cases),
    ("POST", "/api/cases", add_case),
    ("GET", CASE, one_case),
    ("PUT", CASE, change_case),
    ("GET", f"{CASE}/events", watch),
)
