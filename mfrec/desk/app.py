"""The desk's application: every address, who may ask, and what is said where mfrec refuses: one sentence as JSON."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mfrec.desk.guard import Guard, Keys
from mfrec.desk.refusal import RefusalError
from mfrec.desk.request import Desk, Handler, Routes
from mfrec.desk.routes import cases, custody, inputs, invited, page, results, runs, surveys
from mfrec.desk.words import word
from mfrec.errors import MfrecError

ROOMS = (page, cases, inputs, runs, results, custody, surveys, invited)

ROUTES: Routes = tuple(route for room in ROOMS for route in room.ROUTES)


def desk_app(desk: Desk, keys: Keys) -> Starlette:
    """The application that a server runs."""
    open_paths = frozenset({"/login"}) if desk.password else frozenset()
    app = Starlette(
        routes=[Route(path, _answering(handler), methods=[method]) for method, path, handler in ROUTES],
        middleware=[Middleware(Guard, keys=keys, open_paths=open_paths)],
        exception_handlers={HTTPException: _no_such_page},
        lifespan=_lifespan,
    )
    app.state.desk, app.state.keys = desk, keys
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    desk.stopping = asyncio.Event()
    await run_in_threadpool(desk.jobs.start)
    yield
    desk.stopping.set()
    await run_in_threadpool(desk.jobs.stop)
    await run_in_threadpool(desk.frames.close)


def _answering(handler: Handler) -> Handler:
    """The handler, with what mfrec refuses as a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except RefusalError as refusal:
            return JSONResponse({"error": str(refusal), "key": refusal.key}, refusal.status)
        except MfrecError as error:
            return JSONResponse({"error": str(error), "key": ""}, 400)
        except ClientDisconnect:
            return Response(status_code=499)

    return answer


async def _no_such_page(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": word("refused.page"), "key": "refused.page"}, status)
