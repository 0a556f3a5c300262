"""Which frames --without means, and that they are left out with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mfrec.asked_frames import left_out_by_hand
from mfrec.cli import app
from mfrec.errors import UsageError
from mfrec.options import Options
from mfrec.reconstruction import run_until
from mfrec.types import FrameId

FRAMES = [FrameId(i, f"{i + 100}.png") for i in range(20)] + [FrameId(20, "3"), FrameId(21, "1-2")]


def test_indices_ranges_and_names() -> None:
    assert left_out_by_hand("", FRAMES) == frozenset()
    assert left_out_by_hand("12, 15-18", FRAMES) == {12, 15, 16, 17, 18}
    assert left_out_by_hand("105.png,7", FRAMES) == {5, 7}
    assert left_out_by_hand("18-40", FRAMES) == {18, 19, 20, 21}
    assert left_out_by_hand("3,1-2", FRAMES) == {20, 21}  # a name is meant before a number


@pytest.mark.parametrize("wrong", ["99", "x.png", "5-2", "40-50", "-3", "1-"])
def test_what_is_no_frame_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=f"'{wrong}' is no frame; there are 22, 0 to 21"):
        left_out_by_hand(wrong, FRAMES)


def test_at_least_one_frame_is_left() -> None:
    with pytest.raises(UsageError, match="leaves none of the 22 frames"):
        left_out_by_hand("0-21", FRAMES)


def test_they_are_recorded_as_left_out(sequence: Path, clip: Path) -> None:
    track, record = run_until("track", sequence, Options(without="1,4-5"))
    assert [o.frame.index for o in track.observations] == [0, 2, 3, 6]
    left = [(d["index"], d["reason"]) for d in record["dropped"]]
    assert left == [(i, "left out by hand") for i in (1, 4, 5)]
    track, record = run_until("track", clip, Options(without="0,2", most=3))
    assert not {0, 2} & {o.frame.index for o in track.observations}
    assert [d["index"] for d in record["dropped"] if d["reason"] == "left out by hand"] == [0, 2]


def test_a_reference_that_is_left_out_by_hand_is_refused(sequence: Path, tmp_path: Path) -> None:
    arguments = ["reconstruct", str(sequence), "-o", str(tmp_path / "out"), "--without", "2", "--reference", "2"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "--reference 2 (2.png) was left out: left out by hand" in done.stderr
