"""The desk's addresses: what each request asks of the rooms below, and nothing more.

Whatever comes from a request is a key, a number or a document against a schema before it reaches a file. What is
refused, is refused by one sentence as JSON. What takes long runs in threads or in child processes, never in the loop
that answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from mfrec.desk import inputs, masks, notes, signing, surveys
from mfrec.desk.case import Case, Cases, asked
from mfrec.desk.choices import Wanted, checked_options, choices, command_text, recipes, reconstruct_arguments
from mfrec.desk.frames import Frames
from mfrec.desk.guard import PAGE_POLICY, REPORT_POLICY, Guard, Keys
from mfrec.desk.jobs import Jobs
from mfrec.desk.manual import manual_page
from mfrec.desk.passwords import matches
from mfrec.desk.places import NAME, child, file_in, number_of
from mfrec.desk.refusal import RefusalError
from mfrec.desk.results import Results
from mfrec.desk.words import WORDS, word
from mfrec.documents import DocumentError, parse_json, read_text
from mfrec.errors import MfrecError
from mfrec.provenance.about import About
from mfrec.provenance.figures import figures_csv
from mfrec.version import __version__

PAGE = Path(__file__).with_name("page")

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

BODY = 1 << 18
"""Bytes of a request's document."""

STEP = 0.25
"""Seconds between two looks at the jobs for a page that watches them."""

Handler = Callable[[Request], Awaitable[Response]]


class Changed(Struct):
    """A case's description, and the revision that it was changed from."""

    about: About
    revision: int


class InPlace(Struct):
    """A path on this computer."""

    path: str


class RunAsked(Struct):
    """A run of one input."""

    input: str
    wanted: Wanted = msgspec.field(default_factory=Wanted)


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


def desk_app(desk: Desk, keys: Keys) -> Starlette:
    """The application that a server runs."""
    open_paths = frozenset({"/login", "/page/desk.css"}) if desk.password else frozenset()
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


def _desk(request: Request) -> Desk:
    return request.app.state.desk


def _case(request: Request) -> Case:
    return _desk(request).cases.case(request.path_params["case"])


async def _document(request: Request, kind: type[Any]) -> Any:
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


def _whole(request: Request, name: str, text: str | None = None) -> int:
    """A whole number of a request."""
    text = request.query_params.get(name, "") if text is None else text
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise RefusalError("refused.request", 400, why=f"{name} is {text[:40]!r}; expected a whole number from 0")
    return int(text)


# The page itself.


async def page(request: Request) -> Response:
    return FileResponse(PAGE / "index.html", media_type=TYPES[".html"])


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
    return FileResponse(PAGE / "login.html", media_type=TYPES[".html"])


async def login(request: Request) -> Response:
    desk, body = _desk(request), bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > 4096:
            raise RefusalError("refused.request", 413, why="it has more than 4096 bytes")
    given = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0]
    if not desk.password or not await run_in_threadpool(matches, given, desk.password):
        await asyncio.sleep(1)
        raise RefusalError("refused.password", 401)
    return request.app.state.keys.admit(RedirectResponse("/", 303))


# What is known.


async def about_desk(request: Request) -> Response:
    desk = _desk(request)
    return JSONResponse(
        {
            "version": __version__,
            "folder": str(desk.cases.folder),
            "here_alone": desk.here_alone,
            "upload_limit": desk.upload_limit,
            "choices": [asdict(choice) for choice in choices()],
            "recipes": await run_in_threadpool(recipes),
            "regions": masks.region_names(),
        }
    )


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
    desk = _desk(request)
    return JSONResponse(await run_in_threadpool(lambda: [_case_line(desk, key) for key in desk.cases.names()]))


async def add_case(request: Request) -> Response:
    about = await _document(request, About)
    if not (about.title.strip() or about.number.strip()):
        raise RefusalError("refused.untitled", 400)
    case = await run_in_threadpool(_desk(request).cases.add, about)
    return JSONResponse({"key": case.key}, 201)


def _case_content(desk: Desk, case: Case) -> dict[str, Any]:
    return {
        "key": case.key,
        **msgspec.to_builtins(case.read()),
        "jobs": [handle.shown() for handle in desk.jobs.of(case)],
        "drawn": notes.listed(case),
    }


async def one_case(request: Request) -> Response:
    case = _case(request)
    return JSONResponse(await run_in_threadpool(_case_content, _desk(request), case))


async def change_case(request: Request) -> Response:
    case, changed = _case(request), await _document(request, Changed)

    def write() -> int:
        with case.change(changed.revision) as content:
            content.about = changed.about
        return content.revision

    return JSONResponse({"revision": await run_in_threadpool(write)})


# Inputs.


async def upload(request: Request) -> Response:
    desk, case = _desk(request), _case(request)
    name, into = request.query_params.get("name", ""), request.query_params.get("into")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > desk.upload_limit:
        raise RefusalError("refused.large", 413, name=name[:80], limit=inputs.in_words(desk.upload_limit))
    given = await inputs.receive(case, request.stream(), name, into=into, limit=desk.upload_limit)
    return JSONResponse(msgspec.to_builtins(given), 201)


async def open_in_place(request: Request) -> Response:
    desk, case = _desk(request), _case(request)
    wanted = await _document(request, InPlace)
    if not desk.here_alone:
        raise RefusalError("refused.elsewhere", 403)
    given = await run_in_threadpool(inputs.open_in_place, case, Path(wanted.path.strip()))
    return JSONResponse(msgspec.to_builtins(given), 201)


async def check_input(request: Request) -> Response:
    case = _case(request)
    given = case.input(request.path_params["input"])
    return JSONResponse({"changed": await run_in_threadpool(inputs.changed_files, case, given)})


async def clip(request: Request) -> Response:
    desk, case = _desk(request), _case(request)
    return JSONResponse(await run_in_threadpool(desk.frames.sheet, case, request.path_params["input"]))


async def frame(request: Request) -> Response:
    desk, case, number = _desk(request), _case(request), request.path_params["input"]
    at = _whole(request, "frame", request.path_params["frame"])
    kept = {"Cache-Control": "private, max-age=3600"}
    if "width" in request.query_params:
        near, width = "near" in request.query_params, _whole(request, "width")
        shown, small = await run_in_threadpool(desk.frames.small, case, number, at, width, near=near)
        return Response(small, media_type="image/jpeg", headers={"X-Frame": str(shown)} if near else kept)
    return Response(await run_in_threadpool(desk.frames.exact, case, number, at), media_type="image/png", headers=kept)


async def frame_facts(request: Request) -> Response:
    at = _whole(request, "frame", request.path_params["frame"])
    facts = await run_in_threadpool(_desk(request).frames.facts, _case(request), request.path_params["input"], at)
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
    desk, case = _desk(request), _case(request)
    number = number_of(request.path_params["input"])
    return JSONResponse(await run_in_threadpool(_seen, desk, case, number))


async def look_for_people(request: Request) -> Response:
    desk, case = _desk(request), _case(request)
    handle = await run_in_threadpool(desk.jobs.people, case, request.path_params["input"])
    return JSONResponse(handle.shown(), 201)


# Runs.


async def command(request: Request) -> Response:
    case, run = _case(request), await _document(request, RunAsked)

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
    case, mask = _case(request), await _document(request, masks.DrawnMask)
    return JSONResponse({"path": await run_in_threadpool(masks.add, case, mask)}, 201)


async def start_run(request: Request) -> Response:
    desk, case, run = _desk(request), _case(request), await _document(request, RunAsked)
    handle = await run_in_threadpool(desk.jobs.reconstruct, case, run.input, run.wanted)
    return JSONResponse(handle.shown(), 201)


async def cancel_job(request: Request) -> Response:
    desk, case = _desk(request), _case(request)
    handle = await run_in_threadpool(desk.jobs.cancel, case, request.path_params["job"])
    return JSONResponse(handle.shown())


async def job_log(request: Request) -> Response:
    handle = _desk(request).jobs.job(_case(request), request.path_params["job"])
    path = file_in(handle.case.folder, "jobs", f"{handle.job.number}.log")
    return FileResponse(path, media_type="text/plain; charset=utf-8")


async def watch(request: Request) -> Response:
    """Server-sent events: the jobs of a case, whenever one of them has changed."""
    desk, case = _desk(request), _case(request)

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


async def run_summary(request: Request) -> Response:
    desk, case = _desk(request), _case(request)
    return JSONResponse(await run_in_threadpool(desk.results.summary, case, request.path_params["run"]))


async def run_file(request: Request) -> Response:
    path, kind = _desk(request).results.file(_case(request), request.path_params["run"], request.path_params["name"])
    headers = {"Content-Security-Policy": REPORT_POLICY if path.suffix == ".html" else PAGE_POLICY}
    if path.suffix in (".npz", ".pdf", ".tiff") or "download" in request.query_params:
        headers["Content-Disposition"] = f'attachment; filename="{path.parent.name}-{path.name}"'
    return FileResponse(path, media_type=kind, headers=headers)


async def run_figures(request: Request) -> Response:
    desk, case, number = _desk(request), _case(request), number_of(request.path_params["run"])
    text = await run_in_threadpool(lambda: figures_csv(desk.results.record(case, number)))
    saved = {"Content-Disposition": f'attachment; filename="{number}-frames.csv"'}
    return Response(text, media_type="text/csv", headers=saved)


async def register_run(request: Request) -> Response:
    desk, case = _desk(request), _case(request)
    handle = await run_in_threadpool(desk.jobs.registered, case, request.path_params["run"])
    return JSONResponse(handle.shown(), 201)


async def run_map(request: Request) -> Response:
    desk, case, number = _desk(request), _case(request), request.path_params["run"]
    name, at = request.path_params["name"], request.query_params.get("frame")
    position = None if at is None else _whole(request, "frame")
    return Response(await run_in_threadpool(desk.results.map, case, number, name, position), media_type="image/png")


async def run_pixel(request: Request) -> Response:
    desk, case, number = _desk(request), _case(request), request.path_params["run"]
    x, y = _whole(request, "x"), _whole(request, "y")
    return JSONResponse(await run_in_threadpool(desk.results.pixel, case, number, x, y))


async def sign_run(request: Request) -> Response:
    desk, case, wanted = _desk(request), _case(request), await _document(request, signing.SignAsked)
    folder = desk.results.folder(case, request.path_params["run"])
    return JSONResponse(await run_in_threadpool(signing.sign, case, folder, wanted), 201)


async def verify_run(request: Request) -> Response:
    folder = _desk(request).results.folder(_case(request), request.path_params["run"])
    return JSONResponse(await run_in_threadpool(signing.verify, folder))


async def own_keys(_request: Request) -> Response:
    return JSONResponse({"installed": signing.installed(), "keys": await run_in_threadpool(signing.own_keys)})


async def case_ledger(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(signing.ledger, _case(request)))


# Notes.


async def add_note(request: Request) -> Response:
    desk, case, number = _desk(request), _case(request), request.path_params["run"]
    note = await _document(request, notes.Note)

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
    return FileResponse(file_in(child(_case(request).folder, "notes"), f"{name}.png"), media_type="image/png")


# Surveys.


async def survey_page(request: Request) -> Response:
    await run_in_threadpool(surveys.folder, _case(request), request.path_params["survey"])
    return FileResponse(PAGE / "answer.html", media_type=TYPES[".html"])


async def list_surveys(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(surveys.listed, _case(request)))


async def add_survey(request: Request) -> Response:
    desk, case, wanted = _desk(request), _case(request), await _document(request, surveys.SurveyAsked)
    return JSONResponse({"number": await run_in_threadpool(surveys.add, case, desk.results, wanted)}, 201)


async def survey_question(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(surveys.question, _case(request), request.path_params["survey"]))


async def survey_picture(request: Request) -> Response:
    number, name = request.path_params["survey"], request.path_params["name"]
    return Response(await run_in_threadpool(surveys.picture, _case(request), number, name), media_type="image/png")


async def survey_answer(request: Request) -> Response:
    case, given = _case(request), await _document(request, surveys.Given)
    await run_in_threadpool(surveys.answer, case, request.path_params["survey"], given)
    return JSONResponse({}, 201)


async def survey_count(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(surveys.count, _case(request), request.path_params["survey"]))


CASE = "/api/cases/{case}"

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", page),
    ("GET", "/page/{name}", page_file),
    ("GET", "/words.json", all_words),
    ("GET", "/manual/{name}", manual),
    ("GET", "/login", login_page),
    ("POST", "/login", login),
    ("GET", "/api/desk", about_desk),
    ("GET", "/api/cases", list_cases),
    ("POST", "/api/cases", add_case),
    ("GET", CASE, one_case),
    ("PUT", CASE, change_case),
    ("GET", f"{CASE}/events", watch),
    ("POST", f"{CASE}/inputs", upload),
    ("POST", f"{CASE}/inputs-in-place", open_in_place),
    ("GET", CASE + "/inputs/{input}/clip", clip),
    ("GET", CASE + "/inputs/{input}/check", check_input),
    ("GET", CASE + "/inputs/{input}/frames/{frame}", frame),
    ("GET", CASE + "/inputs/{input}/frames/{frame}/facts", frame_facts),
    ("GET", CASE + "/inputs/{input}/people", people),
    ("POST", CASE + "/inputs/{input}/people", look_for_people),
    ("POST", f"{CASE}/command", command),
    ("POST", f"{CASE}/masks", add_mask),
    ("POST", f"{CASE}/runs", start_run),
    ("POST", CASE + "/jobs/{job}/cancel", cancel_job),
    ("GET", CASE + "/jobs/{job}/log", job_log),
    ("GET", CASE + "/runs/{run}", run_summary),
    ("GET", CASE + "/runs/{run}/files/{name}", run_file),
    ("GET", CASE + "/runs/{run}/figures", run_figures),
    ("POST", CASE + "/runs/{run}/registered", register_run),
    ("GET", CASE + "/runs/{run}/maps/{name}", run_map),
    ("GET", CASE + "/runs/{run}/pixel", run_pixel),
    ("POST", CASE + "/runs/{run}/sign", sign_run),
    ("GET", CASE + "/runs/{run}/verify", verify_run),
    ("GET", "/api/keys", own_keys),
    ("GET", f"{CASE}/ledger", case_ledger),
    ("POST", CASE + "/runs/{run}/notes", add_note),
    ("GET", CASE + "/notes/{note}", note_picture),
    ("GET", "/survey/{case}/{survey}", survey_page),
    ("GET", f"{CASE}/surveys", list_surveys),
    ("POST", f"{CASE}/surveys", add_survey),
    ("GET", CASE + "/surveys/{survey}/question", survey_question),
    ("GET", CASE + "/surveys/{survey}/pictures/{name}", survey_picture),
    ("POST", CASE + "/surveys/{survey}/answers", survey_answer),
    ("GET", CASE + "/surveys/{survey}/count", survey_count),
)
"""Method, address and what answers."""
