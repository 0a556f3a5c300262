"""The thesis's rows are those that it printed: typed a second time, and held against what they say of each other."""

from __future__ import annotations

import pytest

from mfrec.bench.tables.thesis import PRINTED, PrintedTable

TABLES = {table.number: table for tables in PRINTED.values() for table in tables}

FIDELITY = {
    "3.1": """
        24.05 0.73 38.29 180.54
        26.42 0.82 38.21 80.32
        26.48 0.82 37.63 76.47
        25.40 0.81 38.64 90.37
        25.27 0.78 38.27 105.20
        26.46 0.82 37.63 78.93""",
    "3.3": "27.23 0.88 37.18\n14.97 0.66 47.57\n24.83 0.84 36.84",
    "3.4": "21.86 0.82 41.82\n19.07 0.78 40.73\n21.90 0.81 40.87\n21.98 0.81 42.14",
    "3.5": "20.86 0.78 40.11\n21.16 0.79 42.19\n18.96 0.77 43.08\n22.49 0.82 45.27",
    "3.6": """
        18.12 0.78 36.09 185.69
        18.27 0.78 36.02 178.38
        16.05 0.70 37.04 236.84
        17.15 0.77 36.93 190.63
        17.26 0.77 36.83 196.71
        16.88 0.72 37.02 201.67
        16.53 0.71 36.94 203.43
        17.28 0.75 36.79 194.28
        17.11 0.77 46.52 221.46""",
}
"""Number to lines of PSNR, SSIM, SER-FIQ and, where there is one, MSE."""

SHARPENED = {
    "3.2": (-0.07, 0.39, 0.46, 0.43, 0.29, 0.45),
    "3.6": (-0.0396, -0.0151, -0.0118, 0.1948, 0.2431, 0.2022, 0.1539, 0.2459, 0.4166),
}
"""Number to the differences of CPBD, which the thesis prints beside the two values."""


def test_every_row_of_the_thesis_is_there() -> None:
    assert {number: len(table.rows) for number, table in TABLES.items()} == {
        "3.1": 6, "3.2": 6, "3.3": 3, "3.4": 4, "3.5": 4, "3.6": 9,
    }  # fmt: skip
    assert sum(len(table.rows) for table in TABLES.values()) == 32
    for table in TABLES.values():
        assert len({row.label for row in table.rows}) == len(table.rows)


@pytest.mark.parametrize("number", FIDELITY)
def test_fidelity_is_as_printed(number: str) -> None:
    expected = [tuple(map(float, line.split())) for line in FIDELITY[number].strip().splitlines()]
    found = [(row.psnr, row.ssim, row.serfiq, row.mse) for row in TABLES[number].rows]
    assert [row if row[3] is not None else row[:3] for row in found] == expected


@pytest.mark.parametrize("number", SHARPENED)
def test_sharpness_before_and_after_is_as_far_apart_as_printed(number: str) -> None:
    differences = [row.cpbd[1] - row.cpbd[0] for row in TABLES[number].rows if row.cpbd]
    assert differences == pytest.approx(SHARPENED[number], abs=1e-9)


def test_the_votes_are_those_of_38_people() -> None:
    best, alike = zip(*(row.votes for row in TABLES["3.6"].rows if row.votes), strict=True)
    assert sum(best) == pytest.approx(100, abs=0.1) and sum(alike) == pytest.approx(100, abs=0.1)
    assert all(abs(38 * vote / 100 - round(38 * vote / 100)) < 0.01 for vote in (*best, *alike))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_reader_is_told_that_the_pictures_are_others(table: PrintedTable) -> None:
    for text in (table.text(), table.markdown()):
        assert text.startswith(f"In print, table {table.number} of the thesis") and "Other pictures than ours" in text
        assert all(row.label in text for row in table.rows)
    header, lines = table.cells()
    assert all(len(line) == len(header) for line in lines)
    assert ("MSE (0 to 255)" in header) == (table.number in ("3.1", "3.6"))
