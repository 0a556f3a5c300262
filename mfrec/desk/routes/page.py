"""The page itself, what it is made of, the pages of the documentation, and the password."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from mfrec.desk.manual import manual_page
from mfrec.desk.passwords import matches
from mfrec.desk.places import NAME, file_in
from mfrec.desk.refusal import RefusalError
from mfrec.desk.request import HTML, PAGE, Routes, desk_of, html
from mfrec.desk.words import WORDS

TYPES = {
    ".html": HTML,
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


async def page(request: Request) -> Response:
    return html("index.html")


async def page_file(request: Request) -> Response:
    name = request.path_params["name"]
    if not NAME.fullmatch(name) or Path(name).suffix not in TYPES:
        raise RefusalError("refused.name", 404, name=name[:80])
    return FileResponse(file_in(PAGE, name), media_type=TYPES[Path(name).suffix], headers={"Cache-Control": "no-cache"})


async def all_words(_request: Request) -> Response:
    return FileResponse(WORDS, media_type="application/json")


async def manual(request: Request) -> Response:
    return HTMLResponse(manual_page(request.path_params["name"]))


async def login_page(_request: Request) -> Response:
    return html("login.html")


async def login(request: Request) -> Response:
    desk, body = desk_of(request), bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > 4096:
            raise RefusalError("refused.request", 413, why="it has more than 4096 bytes")
    given = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0]
    if not desk.password or not await run_in_threadpool(matches, given, desk.password):
        await asyncio.sleep(1)
        raise RefusalError("refused.password", 401)
    return request.app.state.keys.admit(RedirectResponse("/", 303))


ROUTES: Routes = (
    ("GET", "/", page),
    ("GET", "/page/{name}", page_file),
    ("GET", "/words.json", all_words),
    ("GET", "/manual/{name}", manual),
    ("GET", "/login", login_page),
    ("POST", "/login", login),
)
