"""Footage of known truth: drawn once, filmed the same every time, poor where its spells say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mfrec.camera.footage_film import (
    SCALE,
    FootageShoot,
    draw_footage,
    film_footage,
    footage_truth,
    people_in_footage,
)
from mfrec.cli import app
from mfrec.image.colour import luma
from mfrec.imageio import read


def shoot(seed: int = 7, frames: int = 12) -> FootageShoot:
    return draw_footage(frames=frames, side=40, width=96, height=64, seed=seed)


def test_what_is_drawn_goes_to_json_and_back_and_films_the_same_bytes() -> None:
    people, drawn = people_in_footage(), shoot(frames=3)
    again = FootageShoot.from_json(drawn.to_json())
    assert again == drawn
    assert film_footage(people, again) == film_footage(people, drawn)
    assert shoot(4) != shoot(3)
    with pytest.raises(ValueError, match="cannot film 0 frames"):
        draw_footage(frames=0)


def test_the_film_shows_the_truth_and_its_spells(tmp_path: Path) -> None:
    people, drawn = people_in_footage(), shoot()
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(film_footage(people, drawn))
    frames = read(clip).frames
    assert len(frames) == 12
    dark = [i for i in range(12) if drawn.strength("dark", i, 1.0) < 1]
    light = [float(luma(frame.image)[20:].mean()) for frame in frames]
    usual = [light[i] for i in range(12) if i not in dark]
    assert dark and max(light[i] for i in dark) < 0.7 * min(usual)
    clear = next(i for i in range(12) if all(not s.first <= i <= s.last for s in drawn.spells))
    truth = footage_truth(people, drawn, clear)
    assert truth.shape == (SCALE * 64, SCALE * 96, 3)
    small = truth.reshape(64, SCALE, 96, SCALE, 3).mean(axis=(1, 3))
    assert np.abs(small[20:] - frames[clear].image[20:]).mean() < 0.04


def test_a_command_films_it(tmp_path: Path) -> None:
    out = tmp_path / "film"
    done = CliRunner().invoke(app, ["demo", "--footage", "--frames", "2", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} >= {"footage.json", "footage.mp4", "truth-0000.png"}
    assert FootageShoot.from_json((out / "footage.json").read_text()).frames == 2
