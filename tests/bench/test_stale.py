"""A document that is older than what it measures says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mfrec.bench.document import PRINTED_BLOCK, Section, with_section
from mfrec.bench.stale import cleared, marked, stale, unsaid
from mfrec.bench.weights import cards_of, hashes, trained_for
from mfrec.cards.load import card_path, read_card
from mfrec.cli import app

MACHINE = {"system": "Linux", "processor": "x86_64", "cores": 2}
FRESH = Section(
    "3.1", "Table", "| a |", "mfrec bench", "2026-01-02T03:04:05+00:00", MACHINE, "ab" * 20, hashes(["clean", "mtcnn"])
)
OLD = replace(FRESH, name="old", cards={"clean": "0" * 64, "gone": "1" * 64})
DIRTY = replace(FRESH, name="plot cost", commit="ab" * 20 + "-dirty")
DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def test_sections_with_other_weights_or_from_a_dirty_state_are_found() -> None:
    text = "\n\n".join(section.markdown() for section in (FRESH, OLD, DIRTY))
    assert set(stale(text)) == {"old", "plot cost"}
    assert "`clean` has other weights today" in stale(text)["old"][0]
    assert "`gone` are not shipped" in stale(text)["old"][1]
    assert "nobody can check out" in stale(text)["plot cost"][0]
    without = FRESH.markdown().replace("Weights:", "With:")
    assert "does not say which weights" in stale(without)["3.1"][0]


def test_a_marked_document_says_it_once_and_nothing_else_is_touched() -> None:
    text = "\n\n".join(["intro", *(section.markdown() for section in (FRESH, OLD, DIRTY)), "end"])
    assert unsaid(text) == ("old", "plot cost")
    once = marked(text)
    assert unsaid(once) == ()
    assert marked(once) == once
    assert [line for line in once.splitlines() if line not in text.splitlines()] == [
        line for line in once.splitlines() if line.startswith("**Out of date**")
    ]
    measured_again = once.replace("`clean` 000000000000, `gone` 111111111111", f"`clean` {FRESH.cards['clean'][:12]}")
    assert unsaid(measured_again) == ("old",), "a mark that is not true any more is found as well"
    assert "`gone`" not in marked(measured_again)


def test_the_shipped_document_says_what_is_out_of_date() -> None:
    text = DOCUMENTS.read_text(encoding="utf-8")
    assert unsaid(text) == (), "measure these sections again, or: mfrec bench --mark docs/benchmarks.md"
    assert "-dirty" not in text


def test_a_cleared_document_has_no_figure_that_is_out_of_date() -> None:
    old = replace(OLD, body="| 12.34 |", name="3.3")
    half = replace(FRESH, name="half", cards={**FRESH.cards, "gone": "1" * 64}, body="| 56.78 |")
    text = "\n\n".join(["intro", FRESH.markdown(), old.markdown(), half.markdown(), "end"])
    once = cleared(text)
    assert "12.34" not in once and FRESH.markdown() in once and once.endswith("end")
    assert "56.78" in once, "what other weights did is still true where only some are gone"
    assert old.command in once and "PSFR-GAN" in once, "the command and what is in print stay"
    assert list(stale(once)) == ["half"] and unsaid(once) == () and cleared(once) == once
    assert with_section(once, replace(FRESH, name="3.3")).count("<!-- measured: 3.3 -->") == 1


def test_what_is_in_print_beside_a_section_is_missed_and_written() -> None:
    section = FRESH.markdown()
    bare = PRINTED_BLOCK.sub("", section)
    assert "<!-- in print -->" in section and "<!-- in print -->" not in bare
    assert unsaid(bare) == ("3.1",)
    assert marked(bare) == section
    assert unsaid(section.replace("26.42", "36.42")) == ("3.1",), "figures of others are not typed by hand either"


def test_the_command_checks_and_marks(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    path.write_text(OLD.markdown(), encoding="utf-8")
    says = CliRunner().invoke(app, ["bench", "--check", str(path)])
    assert says.exit_code != 0
    assert path.read_text(encoding="utf-8") == OLD.markdown()
    assert CliRunner().invoke(app, ["bench", "--mark", str(path)]).exit_code == 0
    assert CliRunner().invoke(app, ["bench", "--check", str(path)]).exit_code == 0


@pytest.mark.parametrize(
    ("method", "cards"),
    [
        ("bicubic", ()),
        ("lanczos", ()),
        ("network:thesis_unet+finetune", ("thesis_unet", "finetune")),
        ("mean", ("mtcnn", "parser")),
        ("evidence", ("mtcnn", "parser")),
        ("restore", ("mtcnn", "parser", "clean", "fusion")),
    ],
)
def test_methods_name_their_cards(method: str, cards: tuple[str, ...]) -> None:
    assert cards_of(method) == cards


def test_trainings_are_told_of_networks_that_make_pixels() -> None:
    assert trained_for(cards_of("evidence")) == ""
    assert trained_for(["thesis_unet"]) == read_card(card_path("thesis_unet")).trained_for != ""
    assert "clean 28,101 steps" in trained_for(cards_of("restore"))
