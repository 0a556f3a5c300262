"""Triage before any work: who is seen, how large, how coded, and a verdict that follows its limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from two_people import scene
from typer.testing import CliRunner

from mfrec.cli import app
from mfrec.face.detect import Detection
from mfrec.face.footage import Glimpse, Person
from mfrec.face.turn import turned, turned_box
from mfrec.imageio import h264_bytes, read
from mfrec.triage import COMPARISON, LEADS, LIMITS, NOTHING, as_record, as_words, triage, verdict


def glimpse(index: int, eyes: float, **more: object) -> Glimpse:
    points = np.array([[0, 0], [eyes, 0], [eyes / 2, 5], [2, 9], [eyes - 2, 9]], np.float32)
    face = Detection(np.array([-5, -8, eyes + 5, 20], np.float32), 0.99, points)
    values = {"sharp": 0.1, "pose": (0.5, 0.5), "light": 0.4, "copy": False, "damaged": False, **more}
    return Glimpse(index, f"{index}", index / 25, face, **values)


def person(count: int, eyes: float, **more: object) -> Person:
    return Person(1, tuple(glimpse(i, eyes, **more) for i in range(count)), np.zeros((8, 8, 3), np.float32))


def test_the_verdict_follows_its_limits() -> None:
    best, least = LIMITS[0], LIMITS[-1]
    assert verdict(person(best.frames, best.eyes))[0] == COMPARISON
    assert verdict(person(best.frames - 1, best.eyes))[0] == LEADS
    assert verdict(person(best.frames, best.eyes - 1))[0] == LEADS
    assert verdict(person(least.frames - 1, 100.0))[0] == NOTHING
    words, why = verdict(person(40, least.eyes - 1))
    assert words == NOTHING
    assert f"{least.frames} frames with eyes {least.eyes:.0f} px apart would be the least" in why
    assert all(limit.why for limit in LIMITS)


@pytest.mark.parametrize(
    "fault",
    [
        {"damaged": True},
        {"copy": True},
        {"pose": (0.05, 0.5)},
        {"quantiser": 45.0, "unit": "H.264 QP"},
        {"copied": 0.9},
    ],
)
def test_poor_frames_do_not_count(fault: dict[str, object]) -> None:
    words, why = verdict(person(40, 60.0, **fault))
    assert words == NOTHING
    assert why.startswith("0 of 40 frames count, eyes 60 px apart")


def test_inspect_prints_the_triage_of_a_clip(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(h264_bytes([scene(i) for i in range(8)], crf=24, fps=10))
    found = triage(clip)
    (person,) = [p for p in as_record(found)["people"] if p["number"] == 1]
    height, width = read(clip).frames[0].image.shape[:2]
    assert as_words(found).startswith(f"8 frames of {width} x {height} in 0.7 s, 2 people\n")
    assert sum(person["kinds"].values()) == person["frames"] == 8
    assert person["unit"] == "H.264 QP" and 15 < person["quantiser"][1] < 35
    said = CliRunner().invoke(app, ["inspect", str(clip)])
    assert said.exit_code == 0, said.output
    assert "subject 1: " in said.stdout and "--subject 2 or --box " in said.stdout
    assert "H.264 QP" in said.stdout and "limits: supports comparison" in said.stdout
    found = json.loads(CliRunner().invoke(app, ["inspect", str(clip), "--json"]).stdout)
    assert [entry["number"] for entry in found["people"]] == [1, 2]
    assert any("limited colour range" in note["note"] for note in found["notes"])
    gone = CliRunner().invoke(app, ["inspect", str(tmp_path / "gone.mp4")])
    assert gone.exit_code == 3 and "there is no file or folder" in gone.stderr


def test_a_turned_frame_has_its_blocks_turned_with_it(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(h264_bytes([scene(i)[:-10] for i in range(2)], crf=24))
    frame = read(clip).frames[1]
    height, width = frame.image.shape[:2]
    box = np.array([40, 70, 100, 150], np.float32)
    assert frame.codec is not None
    for degrees in (90, 180, 270):
        view = turned(frame, degrees).codec
        assert view is not None
        assert view.over(turned_box(box, degrees, height, width).tolist()) == pytest.approx(
            frame.codec.over(box.tolist())
        )
