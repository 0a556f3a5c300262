"""What is wanted of a run, and its process."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from mfrec.desk import masks
from mfrec.desk.choices import Wanted, checked_options, command_text, reconstruct_arguments
from mfrec.desk.places import file_in
from mfrec.desk.refusal import RefusalError
from mfrec.desk.request import CASE, Routes, case_of, desk_of, document


class RunAsked(Struct):
    """A run of one input."""

    input: str
    wanted: Wanted = msgspec.field(default_factory=Wanted)


async def command(request: Request) -> Response:
    case, run = case_of(request), await document(request, RunAsked)

    def text() -> dict[str, str]:
        source = case.input(run.input).source
        try:
            values = checked_options(run.wanted, case.folder)
        except RefusalError as refusal:
            # An answer like the other: somebody is choosing, and asks whether it can be.
            return {"refused": str(refusal)}
        return {"command": command_text(reconstruct_arguments(source, "runs/NEW", run.wanted, values))}

    return JSONResponse(await run_in_threadpool(text))


async def add_mask(request: Request) -> Response:
    case, mask = case_of(request), await document(request, masks.DrawnMask)
    return JSONResponse({"path": await run_in_threadpool(masks.add, case, mask)}, 201)


async def start_run(request: Request) -> Response:
    desk, case, run = desk_of(request), case_of(request), await document(request, RunAsked)
    handle = await run_in_threadpool(desk.jobs.reconstruct, case, run.input, run.wanted)
    return JSONResponse(handle.shown(), 201)


async def cancel_job(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    handle = await run_in_threadpool(desk.jobs.cancel, case, request.path_params["job"])
    return JSONResponse(handle.shown())


async def job_log(request: Request) -> Response:
    handle = desk_of(request).jobs.job(case_of(request), request.path_params["job"])
    path = file_in(handle.case.folder, "jobs", f"{handle.job.number}.log")
    return FileResponse(path, media_type="text/plain; charset=utf-8")


async def register_run(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    handle = await run_in_threadpool(desk.jobs.registered, case, request.path_params["run"])
    return JSONResponse(handle.shown(), 201)


ROUTES: Routes = (
    ("POST", f"{CASE}/command", command),
    ("POST", f"{CASE}/masks", add_mask),
    ("POST", f"{CASE}/runs", start_run),
    ("POST", CASE + "/jobs/{job}/cancel", cancel_job),
    ("GET", CASE + "/jobs/{job}/log", job_log),
    ("POST", CASE + "/runs/{run}/registered", register_run),
)
