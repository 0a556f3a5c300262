"""What the thesis that mfrec builds on printed in its tables 3.1 to 3.6: all 32 rows, to stand beside ours.

The thesis is a master's thesis of 2021 on restoring a face from a sequence of poor frames. Its pictures are others than
ours, and so are some of its units, so its rows are shown in tables of their own. Its MSE and its PSNR do not belong to
one definition (an MSE of 185.69 would be 25.4 dB, printed is 18.12 dB), and its SER-FIQ per cents are of another scale
than ours. They stand here as printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mfrec.report.text_table import aligned, markdown_table


@dataclass(frozen=True)
class PrintedRow:
    """One row as it was printed; None where the table has no such column.

    Attributes:
        label: of the thesis; ``+`` says that the picture was finetuned afterwards.
        psnr, ssim: as usual, dB.
        serfiq: per cent.
        mse: of values from 0 to 255.
        cpbd: sharpness before and after.
        votes: per cent of 38 people who said that it has the best quality, and that it is most like the person.
    """

    label: str
    psnr: float | None = None
    ssim: float | None = None
    serfiq: float | None = None
    mse: float | None = None
    cpbd: tuple[float, float] | None = None
    votes: tuple[float, float] | None = None


@dataclass(frozen=True)
class PrintedTable:
    """One table of the thesis.

    Attributes:
        number: of the thesis.
        what: it compares, and on which pictures.
        rows: in its order.
    """

    number: str
    what: str
    rows: tuple[PrintedRow, ...]

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Header and rows as text, with the columns that the table has."""
        columns = {
            "PSNR": [_number(row.psnr, ".2f") for row in self.rows],
            "MSE (0 to 255)": [_number(row.mse, ".2f") for row in self.rows],
            "SSIM": [_number(row.ssim, ".2f") for row in self.rows],
            "SER-FIQ %": [_number(row.serfiq, ".2f") for row in self.rows],
            "CPBD before": [_number(row.cpbd and row.cpbd[0], "g") for row in self.rows],
            "CPBD after": [_number(row.cpbd and row.cpbd[1], "g") for row in self.rows],
            "best quality %": [_number(row.votes and row.votes[0], ".2f") for row in self.rows],
            "most alike %": [_number(row.votes and row.votes[1], ".2f") for row in self.rows],
        }
        there = {name: values for name, values in columns.items() if any(value != "-" for value in values)}
        lines = [(row.label, *values) for row, values in zip(self.rows, zip(*there.values(), strict=True), strict=True)]
        return ("", *there), lines

    @property
    def said(self) -> str:
        """What a reader has to know, before the rows."""
        return (
            f"In print, table {self.number} of the thesis: {self.what}. Other pictures than ours, and other units of "
            "MSE and SER-FIQ: only the order of these rows among themselves says something."
        )

    def text(self) -> str:
        """For a terminal."""
        return f"{self.said}\n\n{aligned(*self.cells())}"

    def markdown(self) -> str:
        """For a document."""
        return f"{self.said}\n\n{markdown_table(*self.cells())}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


NETWORKS = "multi-frame networks, on CelebA and MLFDB"

BEFORE = 0.0742
"""CPBD of the damaged frames of table 3.6."""

PRINTED: Mapping[str, tuple[PrintedTable, ...]] = {
    "3.1": (
        PrintedTable(
            "3.1",
            NETWORKS,
            (
                PrintedRow("U-Net (MLFDB)", 24.05, 0.73, 38.29, 180.54),
                PrintedRow("U-Net (CelebA)", 26.42, 0.82, 38.21, 80.32),
                PrintedRow("U-Net+ (CelebA)", 26.48, 0.82, 37.63, 76.47),
                PrintedRow("SER-FIQ+ (CelebA)", 25.40, 0.81, 38.64, 90.37),
                PrintedRow("BiO-Net+ (CelebA)", 25.27, 0.78, 38.27, 105.20),
                PrintedRow("Feature-Net+ (CelebA)", 26.46, 0.82, 37.63, 78.93),
            ),
        ),
        PrintedTable(
            "3.2",
            f"sharpness (CPBD) of the {NETWORKS}",
            (
                PrintedRow("U-Net (MLFDB)", cpbd=(0.09, 0.02)),
                PrintedRow("U-Net (CelebA)", cpbd=(0.09, 0.48)),
                PrintedRow("U-Net+ (CelebA)", cpbd=(0.09, 0.55)),
                PrintedRow("SER-FIQ+ (CelebA)", cpbd=(0.09, 0.52)),
                PrintedRow("BiO-Net+ (CelebA)", cpbd=(0.09, 0.38)),
                PrintedRow("Feature-Net+ (CelebA)", cpbd=(0.09, 0.54)),
            ),
        ),
    ),
    "3.3": (
        PrintedTable(
            "3.3",
            "finetuning of a single picture",
            (
                PrintedRow("U-Net", 27.23, 0.88, 37.18),
                PrintedRow("PULSE", 14.97, 0.66, 47.57),
                PrintedRow("PSFR-GAN", 24.83, 0.84, 36.84),
            ),
        ),
    ),
    "3.4": (
        PrintedTable(
            "3.4",
            "ways to cross regions over, on pictures of one person in several poses",
            (
                PrintedRow("U-Net", 21.86, 0.82, 41.82),
                PrintedRow("StyleGAN", 19.07, 0.78, 40.73),
                PrintedRow("Sharp", 21.90, 0.81, 40.87),
                PrintedRow("Soft", 21.98, 0.81, 42.14),
            ),
        ),
    ),
    "3.5": (
        PrintedTable(
            "3.5",
            "ways to bring a face into another pose, on pictures of one person in several poses",
            (
                PrintedRow("Align and Blend", 20.86, 0.78, 40.11),
                PrintedRow("DLIB", 21.16, 0.79, 42.19),
                PrintedRow("Few-Shot", 18.96, 0.77, 43.08),
                PrintedRow("InterFace", 22.49, 0.82, 45.27),
            ),
        ),
    ),
    "3.6": (
        PrintedTable(
            "3.6",
            "everything, on 90 sequences of MLFDB with at least three blurred areas in the middle frame and one in "
            "each other; the last columns are a survey of 38 people",
            (
                PrintedRow("bilinear", 18.12, 0.78, 36.09, 185.69, (BEFORE, 0.0346), (0, 0)),
                PrintedRow("bicubic", 18.27, 0.78, 36.02, 178.38, (BEFORE, 0.0591), (0, 10.52)),
                PrintedRow("U-Net (MLFDB)", 16.05, 0.70, 37.04, 236.84, (BEFORE, 0.0624), (0, 0)),
                PrintedRow("U-Net (CelebA)", 17.15, 0.77, 36.93, 190.63, (BEFORE, 0.2690), (15.79, 0)),
                PrintedRow("U-Net+ (CelebA)", 17.26, 0.77, 36.83, 196.71, (BEFORE, 0.3173), (26.32, 36.84)),
                PrintedRow("SER-FIQ+", 16.88, 0.72, 37.02, 201.67, (BEFORE, 0.2764), (0, 0)),
                PrintedRow("BiO-Net+", 16.53, 0.71, 36.94, 203.43, (BEFORE, 0.2281), (0, 0)),
                PrintedRow("Feature-Net+", 17.28, 0.75, 36.79, 194.28, (BEFORE, 0.3201), (0, 0)),
                PrintedRow(
                    "whole chain (Align and Blend, soft, PSFR-GAN)",
                    17.11,
                    0.77,
                    46.52,
                    221.46,
                    (BEFORE, 0.4908),
                    (57.89, 52.63),
                ),
            ),
        ),
    ),
}
"""Table of the bench to the tables of the thesis that it is after. The bench has no table 3.2 of its own: the sharpness
of the networks of 3.1 stands in that table's columns."""
