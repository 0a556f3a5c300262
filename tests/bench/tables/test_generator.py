"""The Fréchet distance of generators: of real faces against each other, of none, of the shipped one, of the user's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from few_pictures import face
from PIL import Image
from tiny_generator import tiny_card

from mfrec.bench.tables import generator, tables
from mfrec.errors import InputError, UsageError, WeightsError


def test_what_was_trained_is_nearer_than_what_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "stills"
    folder.mkdir()
    for number in range(24):
        Image.fromarray(face(number % 6, number // 6)).save(folder / f"{number}.png")
    monkeypatch.setattr(generator, "LEAST", 8)
    (table,) = tables(["generator"], folder, methods=[tiny_card(tmp_path / "tiny")], limit=12)
    rows = {row.label: row for row in table.rows}
    assert list(rows)[:3] == ["half of the portraits against the others", "untrained", "net"]
    (shipped,) = [row for row in table.rows if row.label.startswith("stylegan as shipped, ")]
    assert re.search(r", [\d,]+ steps × \d+, \d+ min$", shipped.label)  # how long it learnt
    assert shipped.values["frechet"] < 0.8 * rows["untrained"].values["frechet"]
    assert shipped.cards == ("stylegan",)
    assert rows["net"].reason == "draws 16 px of 8 numbers; not compared"
    assert "not of Inception" in table.text()
    monkeypatch.setattr(generator, "LEAST", 100)
    with pytest.raises(InputError, match=r"pictures in '.*' show a face; at least 100 are needed"):
        tables(["generator"], folder, limit=2)


def test_what_is_no_generator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="table 'generator' needs the folder of the stills"):
        tables(["generator"], None)
    with pytest.raises(WeightsError, match="needs one of 'stylegan2'"):
        tables(["generator"], tmp_path, methods=["clean"])
