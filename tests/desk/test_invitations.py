"""A link to a survey opens that survey alone, for one answer, until it is withdrawn or the survey is closed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_service import HOST, SAFE, Opened, opened
from starlette.testclient import TestClient
from survey_case import ASKED, METHODS, filled, given, made, seen

from mfrec.desk.app import ROUTES
from mfrec.desk.guard import PAGE_OF_INVITED
from mfrec.desk.request import PAGE
from mfrec.provenance.about import About


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("invitations") / "cases") as found:
        filled(found.case)
        yield found


def anybody(desk: Opened) -> TestClient:
    """A browser that has not shown the desk's key, on the page that a link opens."""
    return TestClient(desk.stranger.app, base_url=f"http://{HOST}", headers=SAFE)


def invited(desk: Opened, survey: str, name: str = "Anna") -> str:
    answer = desk.client.post(f"{survey}/invitations", json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["path"]


def said(desk: Opened, survey: str, best: int = 1) -> dict[str, Any]:
    body = given(seen(desk, survey), best)
    return {"answer": body["answer"], "seconds": body["seconds"]}


def key_of(answer: Any) -> str:
    return answer.json()["key"]


def test_a_link_takes_one_answer_under_its_own_name(desk: Opened) -> None:
    survey = made(desk)
    link, body = invited(desk, survey, " Anna "), said(desk, survey)
    anna: TestClient = anybody(desk)
    assert anna.get(link).status_code == 200 and "answer.js" in anna.get(link).text
    question = anna.get(f"{link}/question").json()
    assert question["name"] == "Anna" and sorted(question["pictures"]) == sorted(body["answer"]["shown"])
    for token in question["pictures"]:
        assert anna.get(f"{link}/pictures/{token}").content == desk.client.get(f"{survey}/pictures/{token}").content
    assert anna.post(f"{link}/answers", json=body).status_code == 201
    for again in (
        anna.post(f"{link}/answers", json=body),
        anna.get(f"{link}/question"),
        anna.get(f"{link}/pictures/x"),
    ):
        assert again.status_code == 409 and key_of(again) == "refused.invitation.answered"
    (path,) = (desk.case.folder / "surveys" / survey[-2:] / "answers").iterdir()
    assert json.loads(path.read_text())["name"] == "Anna"
    assert desk.client.get(f"{survey}/count").json()["participants"] == 1
    assert desk.client.post(f"{survey}/invitations/{path.stem[-16:]}/withdraw").status_code == 200
    assert key_of(desk.client.post(f"{survey}/invitations", json={"name": "ANNA"})) == "refused.invitation.twice"


def test_a_name_has_one_link_that_holds(desk: Opened) -> None:
    survey = made(desk)
    first = invited(desk, survey)
    twice = desk.client.post(f"{survey}/invitations", json={"name": "anna"})
    assert twice.status_code == 409 and key_of(twice) == "refused.invitation.twice"
    for name in ("", "   ", "x" * 201):
        assert desk.client.post(f"{survey}/invitations", json={"name": name}).status_code == 400
    (line,) = [line for line in desk.client.get(f"{desk.base}/surveys").json() if line["number"] == survey[-2:]]
    (one,) = line["invited"]
    assert desk.client.post(f"{survey}/invitations/{one['invitation']}/withdraw").status_code == 200
    for answer in (anybody(desk).get(f"{first}/question"), anybody(desk).post(f"{first}/answers", json={"answer": {}})):
        assert answer.status_code == 404 and key_of(answer) == "refused.invitation"
    second = invited(desk, survey)
    assert second != first and anybody(desk).get(f"{second}/question").status_code == 200


def test_a_survey_that_is_closed_takes_no_answer(desk: Opened) -> None:
    survey = made(desk)
    link, body, tokens = invited(desk, survey), said(desk, survey), seen(desk, survey)
    for _ in range(2):
        assert desk.client.post(f"{survey}/close").status_code == 200
    refused = (
        anybody(desk).get(f"{link}/question"), anybody(desk).post(f"{link}/answers", json=body),
        desk.client.post(f"{survey}/answers", json=given(tokens, 0)), desk.client.get(f"{survey}/question"),
        desk.client.post(f"{survey}/invitations", json={"name": "Ben"}),
    )  # fmt: skip
    assert [(answer.status_code, key_of(answer)) for answer in refused] == [(409, "refused.survey.closed")] * 5
    assert list((desk.case.folder / "surveys" / survey[-2:] / "answers").iterdir()) == []


def test_a_link_reaches_nothing_else(desk: Opened) -> None:
    """Not the case, no other survey, no file beside the pictures; not as a cookie, a key or a parameter either."""
    survey, other = made(desk), made(desk, title="Another")
    link, token = invited(desk, survey), invited(desk, survey, "Ben").rpartition("/")[2]
    anna = anybody(desk)
    values = {"case": desk.case.key, "input": "01", "frame": "0", "run": "0001", "job": "0001", "note": "0001-01"}
    values |= {"survey": survey[-2:], "name": "maps", "invitation": "0" * 16}
    for method, path, _ in ROUTES:
        where = path.format(**values, token=token)
        if where.startswith("/invited/") or where in PAGE_OF_INVITED:
            continue
        for key in ({}, {"token": token}):
            answer = anna.request(method, where, params=key, headers={"Cookie": f"mfrec_desk_8765={token}"})
            assert answer.status_code == 401, f"{method} {where}"
    (theirs, *_) = desk.client.get(f"{other}/question").json()["pictures"]
    for name in (
        theirs, "key.json", "survey.json", "invitations.json", "person", "..%2Fkey", "../key", "..%2F..%2Fcase",
        "%2e%2e%2fkey.json", "answers", "", "%00",
    ):  # fmt: skip
        answer = anna.get(f"{link}/pictures/{name}")
        assert answer.status_code == 404, name
    for path in ("", "/", "/../", "/..%2f", "/question/../../../api/cases", "/count", "/close", "/invitations"):
        answer = anna.get(f"{link}{path}/x/y")
        assert answer.status_code in (401, 404), path
    text = anna.get(f"{link}/question").text + anna.get(link).text
    for word in (desk.case.key, "0001", *METHODS, "till"):
        assert word not in text
    body = said(desk, other)
    assert anna.post(f"{link}/answers", json=body).status_code == 400, "the pictures of another survey"
    more = {"participant": "0" * 16, "name": "Somebody"}
    assert anna.post(f"{link}/answers", json={**said(desk, survey), **more}).status_code == 201
    (path,) = (desk.case.folder / "surveys" / survey[-2:] / "answers").iterdir()
    assert json.loads(path.read_text())["name"] == "Anna", "who it is, the link says"


@pytest.mark.parametrize("token", ["x", "..", "..%2f..%2fetc", "x" * 43, "x" * 5000, "%00", "é" * 43])
def test_a_token_of_nothing_opens_nothing(desk: Opened, token: str) -> None:
    for method, what in (("GET", "question"), ("GET", "pictures/person"), ("POST", "answers")):
        answer = anybody(desk).request(method, f"/invited/{token}/{what}", json={"answer": {}})
        assert answer.status_code in (401, 404), answer.text


def test_another_page_can_follow_the_link_and_no_more(desk: Opened) -> None:
    survey = made(desk)
    link, body = invited(desk, survey), said(desk, survey)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert anybody(desk).get(link, headers=foreign).status_code == 200
    assert anybody(desk).get(f"{link}/question", headers=foreign).status_code == 403
    for headers in (foreign, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        assert anybody(desk).post(f"{link}/answers", json=body, headers=headers).status_code == 403
    assert anybody(desk).get(link, headers={"Host": "evil.example"}).status_code == 421


def test_the_case_keeps_no_token_and_a_link_holds_in_a_desk_that_is_started_again(desk: Opened, tmp_path: Path) -> None:
    survey = made(desk)
    link = invited(desk, survey)
    token = link.rpartition("/")[2]
    for path in desk.case.folder.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), path
    (tmp_path / "cases").mkdir()
    desk.case.folder.rename(tmp_path / "cases" / "renamed")
    try:
        with opened(tmp_path / "cases") as later:
            assert anybody(later).get(f"{link}/question").json()["name"] == "Anna"
    finally:
        (tmp_path / "cases" / "renamed").rename(desk.case.folder)


def test_invitations_that_cannot_be_read_open_nothing(desk: Opened) -> None:
    case = desk.desk.cases.add(About(title="Another"))
    filled(case)
    base = f"/api/cases/{case.key}"
    number = desk.client.post(f"{base}/surveys", json=ASKED).json()["number"]
    link = invited(desk, f"{base}/surveys/{number}")
    path = case.folder / "surveys" / number / "invitations.json"
    path.write_text("[]")
    assert anybody(desk).get(f"{link}/question").status_code == 404
    (line,) = desk.client.get(f"{base}/surveys").json()
    assert "invitations.json" in line["error"]
    assert key_of(desk.client.post(f"{base}/surveys/{number}/invitations", json={"name": "B"})) == "refused.record"


def test_the_page_of_a_link_is_made_of_files_that_are_open() -> None:
    wanted, known = ["answer.html"], set()
    while wanted:
        name = wanted.pop()
        text = (PAGE / name).read_text(encoding="utf-8")
        found = {Path(path).name for path in re.findall(r"""(?:from "\./|/page/)([\w.-]+)""", text)}
        wanted += found - known
        known |= found
    assert {f"/page/{name}" for name in known} | {"/words.json"} == PAGE_OF_INVITED
