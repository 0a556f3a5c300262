"""The originals of a case: how they come into it, their frames, and who is seen in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mfrec.desk import inputs
from mfrec.desk.case import Case
from mfrec.desk.places import number_of
from mfrec.desk.refusal import RefusalError
from mfrec.desk.request import CASE, Desk, Routes, case_of, desk_of, document, whole
from mfrec.documents import DocumentError, parse_json, read_text


class InPlace(Struct):
    """A path on this computer."""

    path: str


async def upload(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    name, into = request.query_params.get("name", ""), request.query_params.get("into")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > desk.upload_limit:
        raise RefusalError("refused.large", 413, name=name[:80], limit=inputs.in_words(desk.upload_limit))
    given = await inputs.receive(case, request.stream(), name, into=into, limit=desk.upload_limit)
    return JSONResponse(msgspec.to_builtins(given), 201)


async def open_in_place(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    wanted = await document(request, InPlace)
    if not desk.here_alone:
        raise RefusalError("refused.elsewhere", 403)
    given = await run_in_threadpool(inputs.open_in_place, case, Path(wanted.path.strip()))
    return JSONResponse(msgspec.to_builtins(given), 201)


async def check_input(request: Request) -> Response:
    case = case_of(request)
    given = case.input(request.path_params["input"])
    return JSONResponse({"changed": await run_in_threadpool(inputs.changed_files, case, given)})


async def clip(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    return JSONResponse(await run_in_threadpool(desk.frames.sheet, case, request.path_params["input"]))


async def frame(request: Request) -> Response:
    desk, case, number = desk_of(request), case_of(request), request.path_params["input"]
    at = whole(request, "frame", request.path_params["frame"])
    kept = {"Cache-Control": "private, max-age=3600"}
    if "width" in request.query_params:
        near, width = "near" in request.query_params, whole(request, "width")
        shown, small = await run_in_threadpool(desk.frames.small, case, number, at, width, near=near)
        return Response(small, media_type="image/jpeg", headers={"X-Frame": str(shown)} if near else kept)
    return Response(await run_in_threadpool(desk.frames.exact, case, number, at), media_type="image/png", headers=kept)


async def frame_facts(request: Request) -> Response:
    at = whole(request, "frame", request.path_params["frame"])
    facts = await run_in_threadpool(desk_of(request).frames.facts, case_of(request), request.path_params["input"], at)
    return JSONResponse(facts)


def _seen(desk: Desk, case: Case, number: str) -> dict[str, Any]:
    """What the last look at an input found, and the state of that look."""
    for handle in desk.jobs.of(case):
        if handle.job.kind == "people" and handle.job.input == number:
            out: dict[str, Any] = {"job": handle.shown()}
            if handle.job.state == "done":
                try:
                    out["found"] = parse_json(read_text(handle.file(".out"), 1 << 28))
                except DocumentError as error:
                    raise RefusalError("refused.record", 409, why=error) from None
            return out
    return {}


async def people(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    number = number_of(request.path_params["input"])
    return JSONResponse(await run_in_threadpool(_seen, desk, case, number))


async def look_for_people(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    handle = await run_in_threadpool(desk.jobs.people, case, request.path_params["input"])
    return JSONResponse(handle.shown(), 201)


ROUTES: Routes = (
    ("POST", f"{CASE}/inputs", upload),
    ("POST", f"{CASE}/inputs-in-place", open_in_place),
    ("GET", CASE + "/inputs/{input}/clip", clip),
    ("GET", CASE + "/inputs/{input}/check", check_input),
    ("GET", CASE + "/inputs/{input}/frames/{frame}", frame),
    ("GET", CASE + "/inputs/{input}/frames/{frame}/facts", frame_facts),
    ("GET", CASE + "/inputs/{input}/people", people),
    ("POST", CASE + "/inputs/{input}/people", look_for_people),
)
