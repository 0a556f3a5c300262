"""People compare results without knowing which is which; their answers stay in the case and are counted as given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from desk_service import Opened, opened
from report_case import reconstruction
from survey_case import ASKED, METHODS, filled, given, made, seen

from mfrec.evaluation.survey.answers import collect
from mfrec.imageio import png_bytes
from mfrec.outputs import save


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("surveys") / "cases") as found:
        filled(found.case)
        yield found


def test_answers_are_counted_by_the_desk_as_by_the_command_line(desk: Opened) -> None:
    survey = made(desk)
    assert desk.client.get(f"{survey}/count").json()["key"] == "refused.survey.unanswered"
    tokens = seen(desk, survey)
    for person, best in enumerate((0, 1, 1)):
        body = {**given(tokens, best), "participant": f"{person:016x}", "name": MARKUP if person else ""}
        assert desk.client.post(f"{survey}/answers", json=body).status_code == 201
    found = desk.client.get(f"{survey}/count").json()
    votes = {one["method"]: (one["quality"]["votes"], one["opinion"]["mean"]) for one in found["methods"]}
    assert votes == {METHODS[0]: (1, 3.0), METHODS[1]: (2, 4.0), METHODS[2]: (0, 2.0)}
    assert found["participants"] == 3 and all(one["match"] is None for one in found["methods"])
    answers = desk.case.folder / "surveys" / survey[-2:] / "answers"
    assert collect(answers).to_dict() == {**found, "methods": tuple(found["methods"]), "left_out": ()}
    (line,) = [line for line in desk.client.get(f"{desk.base}/surveys").json() if line["number"] == survey[-2:]]
    assert line["answers"] == 3 and line["methods"] == sorted(METHODS)


MARKUP = "<b>Anna"


def test_what_a_participant_gets_names_no_method(desk: Opened) -> None:
    survey = made(desk)
    page = desk.client.get(survey.replace("/api/cases", "/survey").replace("/surveys", ""))
    assert page.status_code == 200 and "answer.js" in page.text
    question = desk.client.get(f"{survey}/question")
    pictures = [desk.client.get(f"{survey}/pictures/{token}") for token in question.json()["pictures"]]
    for answer in (page, question, *pictures):
        text = answer.content.decode("latin-1") + str(dict(answer.headers))
        for word in ("reconstruction.png", "evidence.png", "reference.png", "0001", "RESTORED", "secret"):
            assert word not in text
        assert not {"etag", "last-modified"} & set(answer.headers) or answer is page, "times tell an order"
    key = json.loads((desk.case.folder / "surveys" / survey[-2:] / "key.json").read_text())
    assert sorted(question.json()["pictures"]) == sorted(key["pictures"])
    orders = {tuple(desk.client.get(f"{survey}/question").json()["pictures"]) for _ in range(40)}
    assert len(orders) > 1, "each participant has an order of his own"
    for name in ("key.json", "../key", "..%2Fkey", "answers", "person", "0" * 16):
        assert desk.client.get(f"{survey}/pictures/{name}").status_code == 404


def test_the_order_of_the_tokens_says_nothing(desk: Opened) -> None:
    orders = set()
    for _ in range(8):
        key = json.loads((desk.case.folder / "surveys" / made(desk)[-2:] / "key.json").read_text())
        orders.add(tuple(key["pictures"][token] for token in sorted(key["pictures"])))
    assert len(orders) > 1


def test_an_answer_is_never_written_again(desk: Opened) -> None:
    survey = made(desk)
    tokens = seen(desk, survey)
    assert desk.client.post(f"{survey}/answers", json=given(tokens, 0)).status_code == 201
    (path,) = (desk.case.folder / "surveys" / survey[-2:] / "answers").iterdir()
    before = path.read_bytes()
    assert desk.client.post(f"{survey}/answers", json=given(tokens, 1)).json()["key"] == "refused.survey.answered"
    assert path.read_bytes() == before and path.stat().st_mode & 0o222 == 0
    assert json.loads(before)["answers"][0]["seconds"] == 12.3


def test_with_a_photograph_people_are_asked_for_the_match(desk: Opened, portrait: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "anna.png").write_bytes(png_bytes(portrait, {"Title": "secret"}))
    number = desk.upload(tmp_path / "anna.png")["number"]
    survey = made(desk, person=number)
    assert b"secret" not in desk.client.get(f"{survey}/pictures/person").content
    tokens = seen(desk, survey)
    assert desk.client.post(f"{survey}/answers", json=given(tokens, 0)).status_code == 400
    assert desk.client.post(f"{survey}/answers", json=given(tokens, 0, match=tokens[METHODS[2]])).status_code == 201
    found = desk.client.get(f"{survey}/count").json()
    assert {one["method"] for one in found["methods"] if one["match"]["votes"]} == {METHODS[2]}


def test_an_answer_that_is_not_whole_is_refused(desk: Opened) -> None:
    survey = made(desk)
    tokens = seen(desk, survey)
    for change in (
        {"quality": None}, {"quality": "0" * 16}, {"opinion": {}}, {"shown": []}, {"match": "0" * 16},
        {"match": tokens[METHODS[0]]}, {"quality": ["x"]}, {"opinion": {"x": 9}}, {"shown": [*tokens.values()] * 2},
    ):  # fmt: skip
        assert desk.client.post(f"{survey}/answers", json=given(tokens, 0, **change)).status_code == 400, change
    for participant in ("", "x" * 16, "../../../../etc/pw", "0" * 17):
        body = {**given(tokens, 0), "participant": participant}
        assert desk.client.post(f"{survey}/answers", json=body).json()["key"] == "refused.request"
    assert list((desk.case.folder / "surveys" / survey[-2:] / "answers").iterdir()) == []


def test_a_survey_that_would_tell_or_cannot_be_is_refused(desk: Opened, clip: Path) -> None:
    before = sorted(entry.name for entry in desk.case.part("surveys").iterdir())
    pictures = ASKED["pictures"]
    folder = desk.case.folder / "runs"
    for run, size in (("0002", (40, 31, 3)), ("0003", (40, 30, 3))):
        save(reconstruction(3), folder / run)
        (folder / run / "evidence.png").write_bytes(png_bytes(np.full(size, 101, np.uint8)))
    number = desk.upload(clip)["number"]
    for body, key, words in (
        ({"pictures": [*pictures, {"run": "0002", "picture": "evidence.png"}]}, "refused.survey", "differ in size"),
        ({"pictures": [*pictures, {"run": "0003", "picture": "evidence.png"}]}, "refused.survey.same", "leave one out"),
        ({"pictures": pictures + pictures[:1]}, "refused.survey.same", "leave one out"),
        ({"pictures": pictures[:1]}, "refused.request", "length >= 2"),
        ({"pictures": [*pictures, {"run": "0009", "picture": "evidence.png"}]}, "refused.missing", "not there"),
        ({"pictures": [*pictures, {"run": "../..", "picture": "evidence.png"}]}, "refused.name", "nothing called"),
        ({"pictures": [*pictures, {"run": "0001", "picture": "run.json"}]}, "refused.request", "enum"),
        ({"person": number}, "refused.survey.person", "photograph"),
        ({"person": "99"}, "refused.input", "no input 99"),
    ):
        answer = desk.client.post(f"{desk.base}/surveys", json={**ASKED, **body}).json()
        assert answer["key"] == key and words in answer["error"], answer
    assert sorted(entry.name for entry in desk.case.part("surveys").iterdir()) == before


def test_a_link_in_a_survey_is_not_followed(desk: Opened, tmp_path: Path) -> None:
    survey = made(desk)
    folder = desk.case.folder / "surveys" / survey[-2:]
    (tmp_path / "theirs.json").write_text("{}")
    (folder / "answers" / "answers-0.json").symlink_to(tmp_path / "theirs.json")
    assert desk.client.get(f"{survey}/count").json()["key"] == "refused.link"
    (line,) = [line for line in desk.client.get(f"{desk.base}/surveys").json() if line["number"] == survey[-2:]]
    assert "link" in line["error"]
    (folder / "answers" / "answers-0.json").unlink()
    (folder / "key.json").write_text("[]")
    assert desk.client.get(f"{desk.base}/surveys").status_code == 200
    body = given(dict.fromkeys(METHODS, "x"), 0)
    assert desk.client.post(f"{survey}/answers", json=body).json()["key"] == "refused.record"
