"""The figures of the bench: pairing, worst cases, and what is left when something failed."""

from __future__ import annotations

import json
import math

import pytest

from mfrec.bench.scores import BASELINE, BenchResult, Score, SequenceResult, summarise
from mfrec.report.text_table import aligned, mean


def result(sequence: str, *, person: str = "", errors: dict[str, str] | None = None, **scores: Score) -> SequenceResult:
    return SequenceResult(
        "jpeg32", sequence, person or sequence, {"quality": [30]}, (128, 128), scores, errors if errors else {}
    )


@pytest.fixture
def results() -> tuple[SequenceResult, ...]:
    return (
        result("seq_1", bicubic=Score(20.0, 0.70, 0.60, 0.1), evidence=Score(22.0, 0.75, 0.50, 2.0)),
        result("seq_2", bicubic=Score(30.0, 0.90, 0.40, 0.1), evidence=Score(29.5, 0.91, 0.45, 4.0)),
        result("seq_3", bicubic=Score(25.0, 0.80, None, 0.1), errors={"evidence": "NoFaceError: none"}),
    )


def made(results: tuple[SequenceResult, ...], methods: tuple[str, ...] = (BASELINE, "evidence")) -> BenchResult:
    return BenchResult(
        created="2026-01-01T00:00:00+00:00",
        machine={"cores": 2},
        versions={"mfrec": "0"},
        commit=None,
        source="faces",
        people="all",
        seed=0,
        protocols=("jpeg32",),
        methods=methods,
        results=results,
    )


def test_gains_are_paired_with_the_same_sequence(results) -> None:
    row = summarise("jpeg32", "evidence", results)
    assert (row.sequences, row.failed) == (3, 1)
    assert row.psnr == pytest.approx(25.75)
    # The mean of the baseline over all three sequences is 25, over the two that were reconstructed as well: but
    # a gain must not depend on that, so it is taken sequence by sequence.
    assert row.psnr_gain == pytest.approx((2.0 - 0.5) / 2)
    assert row.ssim_gain == pytest.approx((0.05 + 0.01) / 2)
    assert row.identity_gain == pytest.approx((-0.10 + 0.05) / 2)
    assert row.seconds == pytest.approx(3.0)


def test_a_gain_has_the_spread_of_the_sequences(results) -> None:
    row = summarise("jpeg32", "evidence", results)
    assert row.psnr_gain_spread == pytest.approx((2.0 + 0.5) / math.sqrt(2))
    assert "+0.75 ± 1.77" in made(results).table()
    assert summarise("jpeg32", "evidence", results[:1]).psnr_gain_spread is None


def test_the_worst_case_is_lowest_for_fidelity_and_highest_for_distance(results) -> None:
    row = summarise("jpeg32", "evidence", results)
    assert (row.psnr_worst_gain, row.psnr_worst_sequence) == (pytest.approx(-0.5), "seq_2")
    assert (row.ssim_worst_gain, row.ssim_worst_sequence) == (pytest.approx(0.01), "seq_2")
    assert (row.identity_worst_gain, row.identity_worst_sequence) == (pytest.approx(0.05), "seq_2")


def test_order_of_sequences_does_not_matter(results) -> None:
    assert summarise("jpeg32", "evidence", results) == summarise("jpeg32", "evidence", results[::-1])


def test_the_baseline_gains_nothing_over_itself(results) -> None:
    row = summarise("jpeg32", BASELINE, results)
    assert (row.psnr_gain, row.ssim_gain, row.identity_gain, row.psnr_worst_gain) == (0, 0, 0, 0)
    assert row.identity == pytest.approx(0.5)


def test_nothing_measured_gives_no_figures() -> None:
    row = summarise("jpeg32", "evidence", [result("seq_1", errors={"sequence": "InputError: empty"})])
    assert (row.sequences, row.failed, row.psnr, row.psnr_gain, row.psnr_worst_sequence) == (1, 1, None, None, None)
    assert mean([]) is None


def test_table_shows_figures_worst_sequence_and_failures(results) -> None:
    text = made(results).table()
    lines = text.splitlines()
    evidence = next(line for line in lines if line.startswith("evidence"))
    assert " ".join(evidence.split()) == (
        "evidence 25.75 +0.75 ± 1.77 -0.50 seq_2 0.830 +0.030 ± 0.028 0.475 -0.025 ± 0.106 3.00 2/3"
    )
    second = next(line for line in lines if line.startswith("seq_2"))
    assert " ".join(second.split()) == "seq_2 30.00 0.900 0.400 29.50 0.910 0.450"
    assert next(line for line in lines if line.startswith("seq_3")).split()[-1] == "failed"
    assert "failed: evidence on seq_3: NoFaceError: none" in lines
    assert "3 sequences of 3 people, truth 128 x 128 px" in text
    assert "seq_1" not in made(results).table(per_sequence=False)


def test_the_same_failure_of_many_sequences_is_one_line() -> None:
    results = tuple(
        result(f"seq_{i}", errors={"mean": "InputError: none", "evidence": f"E: {i % 2}"}) for i in range(4)
    )
    lines = [line for line in made(results).table().splitlines() if line.startswith("failed")]
    assert lines == [
        "failed: mean on seq_0, seq_1, seq_2, seq_3: InputError: none",
        "failed: evidence on seq_0, seq_2: E: 0",
        "failed: evidence on seq_1, seq_3: E: 1",
    ]


def test_json_holds_everything_and_is_strict(results) -> None:
    perfect = result("seq_4", bicubic=Score(math.inf, 1.0, 0.0, 0.1), evidence=Score(40.0, 0.99, 0.1, 1.0))

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    value = json.loads(made((*results, perfect)).to_json(), parse_constant=refuse)
    assert value["schema"] == 1
    assert value["results"][0]["scores"]["evidence"]["psnr"] == 22.0
    assert value["results"][2]["errors"] == {"evidence": "NoFaceError: none"}
    assert value["results"][3]["scores"]["bicubic"]["psnr"] is None
    assert [row["method"] for row in value["summaries"]] == ["bicubic", "evidence"]
    assert value["summaries"][1]["psnr_worst_sequence"] == "seq_2"
    assert {"created", "machine", "versions", "commit", "seed", "people"} <= value.keys()


def test_columns_line_up() -> None:
    text = aligned(("name", "value"), [("a", "1"), ("longer", "-10.5")])
    assert text.splitlines() == ["name    value", "a           1", "longer  -10.5"]
