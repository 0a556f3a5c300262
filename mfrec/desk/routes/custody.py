"""Signatures of runs, keys of this computer, and the ledger of a case."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mfrec.desk import signing
from mfrec.desk.request import CASE, Routes, case_of, desk_of, document


async def sign_run(request: Request) -> Response:
    desk, case, wanted = desk_of(request), case_of(request), await document(request, signing.SignAsked)
    folder = desk.results.folder(case, request.path_params["run"])
    return JSONResponse(await run_in_threadpool(signing.sign, case, folder, wanted), 201)


async def verify_run(request: Request) -> Response:
    folder = desk_of(request).results.folder(case_of(request), request.path_params["run"])
    return JSONResponse(await run_in_threadpool(signing.verify, folder))


async def own_keys(_request: Request) -> Response:
    return JSONResponse({"installed": signing.installed(), "keys": await run_in_threadpool(signing.own_keys)})


async def case_ledger(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(signing.ledger, case_of(request)))


ROUTES: Routes = (
    ("POST", CASE + "/runs/{run}/sign", sign_run),
    ("GET", CASE + "/runs/{run}/verify", verify_run),
    ("GET", "/api/keys", own_keys),
    ("GET", f"{CASE}/ledger", case_ledger),
)
