"""Surveys of a case: who is asked, the page of a participant, the answers, the count."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mfrec.desk import invitations, surveys
from mfrec.desk.request import CASE, Routes, case_of, desk_of, document, html


async def survey_page(request: Request) -> Response:
    await run_in_threadpool(surveys.folder, case_of(request), request.path_params["survey"])
    return html("answer.html")


async def list_surveys(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(invitations.listed, case_of(request)))


async def add_survey(request: Request) -> Response:
    desk, case, wanted = desk_of(request), case_of(request), await document(request, surveys.SurveyAsked)
    return JSONResponse({"number": await run_in_threadpool(surveys.add, case, desk.results, wanted)}, 201)


async def survey_question(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(invitations.question, case_of(request), request.path_params["survey"]))


async def survey_picture(request: Request) -> Response:
    number, name = request.path_params["survey"], request.path_params["name"]
    return Response(await run_in_threadpool(surveys.picture, case_of(request), number, name), media_type="image/png")


async def survey_answer(request: Request) -> Response:
    case, given = case_of(request), await document(request, surveys.Given)
    await run_in_threadpool(invitations.answer, case, request.path_params["survey"], given)
    return JSONResponse({}, 201)


async def survey_count(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(surveys.count, case_of(request), request.path_params["survey"]))


async def close_survey(request: Request) -> Response:
    await run_in_threadpool(invitations.close, case_of(request), request.path_params["survey"])
    return JSONResponse({})


async def invite(request: Request) -> Response:
    case, wanted = case_of(request), await document(request, invitations.NewInvitation)
    token = await run_in_threadpool(invitations.invite, case, request.path_params["survey"], wanted)
    return JSONResponse({"path": f"/invited/{token}"}, 201)


async def withdraw_invitation(request: Request) -> Response:
    number, invitation = request.path_params["survey"], request.path_params["invitation"]
    await run_in_threadpool(invitations.withdraw, case_of(request), number, invitation)
    return JSONResponse({})


ROUTES: Routes = (
    ("GET", "/survey/{case}/{survey}", survey_page),
    ("GET", f"{CASE}/surveys", list_surveys),
    ("POST", f"{CASE}/surveys", add_survey),
    ("GET", CASE + "/surveys/{survey}/question", survey_question),
    ("GET", CASE + "/surveys/{survey}/pictures/{name}", survey_picture),
    ("POST", CASE + "/surveys/{survey}/answers", survey_answer),
    ("GET", CASE + "/surveys/{survey}/count", survey_count),
    ("POST", CASE + "/surveys/{survey}/close", close_survey),
    ("POST", CASE + "/surveys/{survey}/invitations", invite),
    ("POST", CASE + "/surveys/{survey}/invitations/{invitation}/withdraw", withdraw_invitation),
)
