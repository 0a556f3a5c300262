"""What a run has left: its files, its maps, what is under the pointer, and copies with marks on them."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from mfrec.desk import notes, signing
from mfrec.desk.guard import PAGE_POLICY, REPORT_POLICY
from mfrec.desk.places import child, file_in, number_of
from mfrec.desk.refusal import RefusalError
from mfrec.desk.request import CASE, Routes, case_of, desk_of, document, whole
from mfrec.provenance.figures import figures_csv


async def run_summary(request: Request) -> Response:
    desk, case = desk_of(request), case_of(request)
    return JSONResponse(await run_in_threadpool(desk.results.summary, case, request.path_params["run"]))


async def run_file(request: Request) -> Response:
    path, kind = desk_of(request).results.file(
        case_of(request), request.path_params["run"], request.path_params["name"]
    )
    headers = {"Content-Security-Policy": REPORT_POLICY if path.suffix == ".html" else PAGE_POLICY}
    if path.suffix in (".npz", ".pdf", ".tiff") or "download" in request.query_params:
        headers["Content-Disposition"] = f'attachment; filename="{path.parent.name}-{path.name}"'
    return FileResponse(path, media_type=kind, headers=headers)


async def run_figures(request: Request) -> Response:
    desk, case, number = desk_of(request), case_of(request), number_of(request.path_params["run"])
    text = await run_in_threadpool(lambda: figures_csv(desk.results.record(case, number)))
    saved = {"Content-Disposition": f'attachment; filename="{number}-frames.csv"'}
    return Response(text, media_type="text/csv", headers=saved)


async def run_map(request: Request) -> Response:
    desk, case, number = desk_of(request), case_of(request), request.path_params["run"]
    name, at = request.path_params["name"], request.query_params.get("frame")
    position = None if at is None else whole(request, "frame")
    return Response(await run_in_threadpool(desk.results.map, case, number, name, position), media_type="image/png")


async def run_pixel(request: Request) -> Response:
    desk, case, number = desk_of(request), case_of(request), request.path_params["run"]
    x, y = whole(request, "x"), whole(request, "y")
    return JSONResponse(await run_in_threadpool(desk.results.pixel, case, number, x, y))


async def add_note(request: Request) -> Response:
    desk, case, number = desk_of(request), case_of(request), request.path_params["run"]
    note = await document(request, notes.Note)

    def draw() -> dict[str, Any]:
        folder = desk.results.folder(case, number)
        added = notes.add(case, number, folder, desk.results.summary(case, number), note)
        signing.enter(case, "marked copy", {"run": number, "file": f"notes/{added['name']}.png"})
        return added

    return JSONResponse(await run_in_threadpool(draw), 201)


async def note_picture(request: Request) -> Response:
    name = request.path_params["note"]
    if not notes.NOTE.fullmatch(name):
        raise RefusalError("refused.name", 404, name=name[:80])
    return FileResponse(file_in(child(case_of(request).folder, "notes"), f"{name}.png"), media_type="image/png")


ROUTES: Routes = (
    ("GET", CASE + "/runs/{run}", run_summary),
    ("GET", CASE + "/runs/{run}/files/{name}", run_file),
    ("GET", CASE + "/runs/{run}/figures", run_figures),
    ("GET", CASE + "/runs/{run}/maps/{name}", run_map),
    ("GET", CASE + "/runs/{run}/pixel", run_pixel),
    ("POST", CASE + "/runs/{run}/notes", add_note),
    ("GET", CASE + "/notes/{note}", note_picture),
)
