"""A batch as one picture: every sample a row, everything at the size of the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mfrec.train.sheet import GAP, pictures_in, sheet

TRUTH = torch.linspace(0, 1, 3 * 3 * 16 * 12).view(3, 3, 16, 12)
CELL = 16 + GAP, 12 + GAP


def cell(image: np.ndarray, row: int, column: int) -> np.ndarray:
    """One picture of the sheet, without its gap."""
    return image[row * CELL[0] : row * CELL[0] + 16, column * CELL[1] : column * CELL[1] + 12]


def test_inputs_come_first_and_the_truth_last() -> None:
    small = torch.rand(3, 3, 4, 3)
    image = sheet([small], {"truth": TRUTH}, made=TRUTH.flip(-1))
    assert image.shape == (3 * CELL[0], 3 * CELL[1], 3)
    assert image.dtype == np.float32
    for row in range(3):
        assert np.array_equal(cell(image, row, 0)[::4, ::4], small[row].permute(1, 2, 0).numpy())
        assert np.array_equal(cell(image, row, 1), TRUTH[row].flip(-1).permute(1, 2, 0).numpy())
        assert np.array_equal(cell(image, row, 2), TRUTH[row].permute(1, 2, 0).numpy())


def test_gaps_are_white_and_values_are_clipped() -> None:
    image = sheet([3 * TRUTH - 1], {"truth": TRUTH})
    assert image.min() == 0
    assert image.max() == 1
    assert np.all(image[16:18] == 1)
    assert np.all(image[:, 12:14] == 1)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((3, 8, 8), 1), ((1, 8, 8), 1), ((7, 3, 8, 8), 7), ((7, 8, 8, 8), 7), ((8,), 0), ((), 0), ((7, 8), 0)],
)
def test_what_is_shown_of_an_input(shape: tuple[int, ...], count: int) -> None:
    shown = pictures_in(torch.zeros(shape))
    assert len(shown) == count
    assert all(picture.shape == (3, 8, 8) for picture in shown)


def test_grey_is_shown_as_grey() -> None:
    image = sheet([TRUTH[:, :1, ::2, ::2]], {"truth": TRUTH[:, :1]}, made=TRUTH[:, 1:2])
    assert image.shape == (3 * CELL[0], 3 * CELL[1], 3)
    assert np.array_equal(cell(image, 1, 2), np.dstack([TRUTH[1, 0].numpy()] * 3))


def test_no_more_rows_than_asked_for() -> None:
    assert sheet([], {"truth": TRUTH}, rows=2).shape[0] == 2 * CELL[0]
    assert sheet([], {"truth": TRUTH}, rows=9).shape[0] == 3 * CELL[0]


def test_what_still_learns_can_be_shown() -> None:
    made = TRUTH.to(torch.bfloat16).requires_grad_()
    assert np.abs(cell(sheet([], {"truth": TRUTH}, made), 0, 0) - TRUTH[0].permute(1, 2, 0).numpy()).max() < 0.01
