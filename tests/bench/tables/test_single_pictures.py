"""Tables of networks of single pictures: against bicubic on equal terms, and the adversarial ones by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.tables import tables
from mfrec.bench.tables.enlargement import GENERAL, SLIDES, in_8_bits
from mfrec.bench.tables.single_pictures import SIDE, Compared, compared, faces, frames, interpolated, methods
from mfrec.cards.load import card_path, read_card
from mfrec.errors import InputError
from mfrec.image.cubic import resize_cubic
from mfrec.imageio import png_bytes
from mfrec.metrics.psnr import psnr
from mfrec.types import FloatArray


def silent(_stage: str, _done: int, _total: int) -> None:
    """No progress."""


def test_every_network_with_weights_stands_beside_bicubic_of_its_scale() -> None:
    found = [*methods(3), *methods(1), *methods(3, of_eyes=True)]
    assert all(each.enlarge is not None for each in found)
    for each in found:
        if each.cards:
            card = read_card(card_path(each.cards[0]))
            assert card.sha256
            assert each.label.endswith(", adversarial") == (card.objective == "adversarial")
    for channels in (1, 3):
        here = methods(channels)
        assert {each.scale for each in here} == {each.scale for each in here if each.label == "bicubic"}
        assert [each.scale for each in here] == sorted(each.scale for each in here)


def test_a_row_is_what_its_method_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    (truth,), said = faces(None, "all", None)
    assert truth.shape == (SIDE, SIDE, 3)
    assert "portrait" in said
    rows = [Compared("bicubic", 4, (), interpolated(4)), Compared("grey", 4, (), lambda x: 0 * np.kron(x, BLOCK) + 0.5)]
    monkeypatch.setattr("mfrec.bench.tables.single_pictures.methods", lambda _: rows)
    bicubic, grey = compared(3, [truth], silent)
    small = in_8_bits(resize_cubic(truth, 32, 32))
    expected = psnr(in_8_bits(resize_cubic(small, SIDE, SIDE)), truth)
    assert bicubic.values["psnr"] == pytest.approx(expected)
    assert bicubic.values["psnr_gain"] == 0
    assert grey.values["psnr_gain"] == pytest.approx(grey.values["psnr"] - expected)
    assert grey.values["psnr_gain"] < -5
    assert grey.values["perceptual"] > bicubic.values["perceptual"]
    assert (bicubic.label, bicubic.count) == ("x4 bicubic", 1)


BLOCK: FloatArray = np.ones((4, 4, 1), np.float32)


def test_frames_are_those_of_the_chosen_people(filmed_sequences: Path, tmp_path: Path) -> None:
    found, said = frames(filmed_sequences, "all", None)
    assert len(found) == 3
    assert "3 frames of 1 sequences, 1 people" in said
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "1.png").write_bytes(png_bytes(np.full((8, 8, 3), 0.5, np.float32)))
    assert len(frames(tmp_path, "all", None)[0]) == 1
    with pytest.raises(InputError):
        frames(tmp_path / "s1" / "none", "all", None)


@pytest.mark.slow
def test_the_tables_of_the_shipped_networks() -> None:
    """On the portrait, which none of them has seen, each beats bicubic unless a discriminator taught it."""
    single, portraits = tables(["single", "portraits"], None, limit=6)
    for table in (single, portraits):
        assert {"psnr", "psnr_gain", "ssim", "perceptual", "identity"} <= set(table.columns)
        fidelity = [
            row for row in table.rows if row.cards and "adversarial" not in row.label and "_eyes" not in row.label
        ]
        assert all(row.values["psnr_gain"] > 0 for row in fidelity)


def test_the_slides_stand_beside_ours() -> None:
    assert set(GENERAL.values()) == {"esrgan_small_psnr", "esrgan_small"}
    assert len(SLIDES) == 5
    assert SLIDES["the original"] == ((32.73, 0.9011), (28.99, 0.7917))
