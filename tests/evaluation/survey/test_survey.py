"""The survey: nothing in the page names a method, and the table counts what was answered and nothing else."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest, ttest_1samp
from typer.testing import CliRunner

from mfrec.cli import app
from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.evaluation.survey.answers import collect, opinion_score, wilson
from mfrec.evaluation.survey.page import KEY, PAGE, find_cases, write_survey
from mfrec.imageio import png_bytes

METHODS = ("bicubic", "evidence", "restore-secret")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three methods with four cases, and the truth beside them; returns the folder that holds both."""
    rng = np.random.default_rng(0)
    for folder in (*(f"results/{method}" for method in METHODS), "truth"):
        (tmp_path / folder).mkdir(parents=True)
        for case in range(4):
            picture = rng.integers(0, 256, (16, 16, 3), np.uint8)
            (tmp_path / folder / f"case-{case}.png").write_bytes(png_bytes(picture, {"Comment": folder}))
    return tmp_path


@pytest.fixture
def key(results: Path) -> dict[str, Any]:
    (results / "page").mkdir()
    write_survey(results / "results", results / "truth", results / "page", seed=1)
    return json.loads((results / "page" / KEY).read_text())


def sheet(
    key: dict[str, Any], name: str, choose: Callable[[str, str], tuple[str, str, dict[str, int]]]
) -> dict[str, Any]:
    """What the page saves; ``choose(participant, case)`` gives the methods chosen and the scores."""
    of_case = {case: [] for case in key["cases"]}
    tokens = list(key["pictures"])
    # Tokens come case by case: each case has one of every method, in the order of the methods.
    for i, case in enumerate(key["cases"]):
        of_case[case] = tokens[i * len(METHODS) : (i + 1) * len(METHODS)]
    answers = []
    for case, shown in of_case.items():
        by_method = {key["pictures"][token]: token for token in shown}
        quality, match, scores = choose(name, key["cases"][case])
        answers.append(
            {
                "case": case,
                "shown": shown,
                "quality": by_method[quality],
                "match": by_method[match],
                "opinion": {by_method[method]: score for method, score in scores.items()},
                "seconds": 3.5,
            }
        )
    return {"schema": 1, "survey": key["survey"], "participant": name, "answers": answers}


def steady(name: str, case: str) -> tuple[str, str, dict[str, int]]:
    """Everybody finds restore-secret the sharpest; it matches for person a and in case-0."""
    match = "restore-secret" if name == "a" or case == "case-0" else "evidence"
    scores = {"bicubic": 1, "evidence": 3 if name == "a" else 4, "restore-secret": 5}
    return "restore-secret", match, scores


def saved(folder: Path, *sheets: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for i, one in enumerate(sheets):
        (folder / f"answers-{i}.json").write_text(json.dumps(one))
    return folder


# --- the page ----------------------------------------------------------------------------------------------


def test_nothing_in_the_page_names_a_method(results: Path, key: dict[str, Any]) -> None:
    page = (results / "page" / PAGE).read_text(encoding="utf-8")
    assert "secret" not in page and "case-" not in page and "evidence" not in page
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page.replace("\\u002b", "+").replace("\\u003d", "="))
    assert len(found) == 4 * (len(METHODS) + 1)
    shown = set()
    for text in found:
        with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
            assert not getattr(picture, "text", {}), "metadata would name the method"
            shown.add(np.asarray(picture).tobytes())
    for file in results.glob("*/**/case-*.png"):
        assert np.asarray(Image.open(file)).tobytes() in shown
    assert "http" not in page.replace("http-equiv", "")


def test_tokens_are_drawn_and_repeatable(results: Path) -> None:
    first, second, other = (find_cases(results / "results", results / "truth", seed) for seed in (1, 1, 2))
    assert first == second
    tokens = [[c.token for case in cases for c in case.candidates] for cases in (first, other)]
    assert len({*tokens[0], *tokens[1]}) == 2 * 4 * len(METHODS)
    orders = {tuple(np.argsort([candidate.token for candidate in case.candidates])) for case in (*first, *other)}
    assert len(orders) > 1, "the order of tokens says nothing about the method"


def test_cases_that_would_not_be_blind_or_fair_are_refused(results: Path) -> None:
    place, truth = results / "results", results / "truth"
    (place / "bicubic" / "case-2.png").rename(results / "moved.png")
    with pytest.raises(InputError, match="the case 'case-2' has no picture by bicubic"):
        find_cases(place, truth, 0)
    (place / "bicubic" / "case-2.png").write_bytes(png_bytes(np.zeros((16, 20, 3), np.uint8)))
    with pytest.raises(InputError, match=r"'case-2' differ in size \(bicubic 20 x 16 px, evidence 16 x 16 px"):
        find_cases(place, truth, 0)
    (results / "moved.png").rename(place / "bicubic" / "case-2.png")
    (truth / "case-3.png").unlink()
    with pytest.raises(InputError, match="'case-3' has no picture of the person"):
        find_cases(place, truth, 0)
    with pytest.raises(InputError, match="holds 0 folders of methods"):
        find_cases(place / "bicubic", truth, 0)
    with pytest.raises(NoFramesError, match="no folder of truths"):
        find_cases(place, results / "none", 0)


# --- the table ---------------------------------------------------------------------------------------------


def test_votes_and_scores_are_counted(results: Path, key: dict[str, Any]) -> None:
    answers = saved(results / "answers", *(sheet(key, name, steady) for name in ("a", "b", "c")))
    found = collect(answers)
    assert (found.participants, found.cases, found.answers, found.left_out) == (3, 4, 12, ())
    by_name = {result.method: result for result in found.methods}
    assert [by_name[m].quality.votes for m in METHODS] == [0, 0, 12]
    assert [match and match.votes for match in (by_name[m].match for m in METHODS)] == [0, 6, 6]
    assert found.methods[0].method == "restore-secret"
    opinion = by_name["evidence"].opinion
    assert opinion is not None and opinion.mean == pytest.approx(11 / 3) and opinion.scores == 12
    expected = ttest_1samp([3.0, 4.0, 4.0], 0).confidence_interval(0.95)
    assert opinion.low == pytest.approx(expected.low) and opinion.high == pytest.approx(min(5, expected.high))
    assert "6/12  50 %" in found.table() and "33 %" in found.table()


def test_intervals_agree_with_scipy() -> None:
    for votes, of in ((0, 10), (3, 10), (10, 10), (47, 200)):
        share, other = wilson(votes, of), binomtest(votes, of).proportion_ci(0.95, method="wilson")
        assert (share.low, share.high) == pytest.approx((other.low, other.high), abs=1e-9)
    alone = opinion_score({"a": [2, 4]})
    assert alone is not None and (alone.mean, alone.low, alone.high) == (3, None, None)
    assert opinion_score({}) is None


def test_what_does_not_count_is_said(results: Path, key: dict[str, Any]) -> None:
    good, partial, foreign = (sheet(key, name, steady) for name in ("a", "b", "c"))
    partial["answers"][0]["quality"] = None
    partial["answers"][1]["opinion"].popitem()
    partial["answers"][2]["case"] = "nothing"
    partial["answers"].append(partial["answers"][3])
    foreign["survey"] = "0" * 16
    answers = saved(results / "answers", good, partial, foreign, good)
    (answers / "broken.json").write_text("{")
    (answers / "other.json").write_text('{"schema": 1}')
    found = collect(answers, results / "page" / KEY)
    assert (found.participants, found.answers) == (2, 5)
    said = "\n".join(found.left_out)
    for reason in (
        "incomplete",
        "lacks an opinion",
        "belongs to no case",
        "repeats the case 'case-3'",
        "another survey",
        "same participant",
        "'broken.json': is not what the page saves (it is not JSON",
        "'other.json': is not what the page saves",
    ):
        assert reason in said, reason
    assert "left out" in found.table()


def test_refusals(results: Path, key: dict[str, Any]) -> None:
    with pytest.raises(NoFramesError, match="no folder of answers"):
        collect(results / "none")
    with pytest.raises(NoFramesError, match="holds no answers"):
        collect(results / "truth")
    (results / "elsewhere").mkdir()
    answers = saved(results / "elsewhere" / "answers", sheet(key, "a", steady))
    with pytest.raises(UsageError, match="with --key"):
        collect(answers)
    with pytest.raises(InputError, match="is no key of a survey"):
        collect(answers, answers / "answers-0.json")
    assert collect(answers, results / "page" / KEY).participants == 1
    wrong = sheet(key, "a", steady)
    wrong["answers"] = []
    with pytest.raises(InputError, match="no answer counts"):
        collect(saved(results / "empty", wrong))


def test_command(results: Path) -> None:
    runner = CliRunner()
    arguments = ["survey", str(results / "results"), "--truth", str(results / "truth"), "-o", str(results / "page")]
    made = runner.invoke(app, arguments)
    assert made.exit_code == 0, made.output
    assert sorted(file.name for file in (results / "page").iterdir()) == [PAGE, KEY]
    key = json.loads((results / "page" / KEY).read_text())
    answers = saved(results / "answers", sheet(key, "a", steady))
    counted = runner.invoke(app, ["survey", "--collect", str(answers)])
    assert counted.exit_code == 0 and "4/4  100 %" in counted.stdout
    as_json = runner.invoke(app, ["survey", "--collect", str(answers), "--json"])
    assert json.loads(as_json.stdout)["methods"][0]["method"] == "restore-secret"
    assert runner.invoke(app, ["survey"]).exit_code == 2
    assert runner.invoke(app, arguments[:2]).exit_code == 2
    assert runner.invoke(app, ["survey", "--collect", str(results / "none")]).exit_code == 3
