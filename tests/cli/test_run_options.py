"""The handles of a run together: crop by hand, frames left out, somebody by a photograph, levels; and their rerun."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mfrec.cli import app
from mfrec.imageio import png_bytes
from mfrec.provenance.record import read_record
from mfrec.types import FloatArray


def said(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_every_handle_is_recorded_and_repeated(sequence: Path, portrait: FloatArray, tmp_path: Path) -> None:
    photo, out = tmp_path / "photo.png", tmp_path / "out"
    photo.write_bytes(png_bytes(portrait))
    handles = ("--crop", "8,6,32,36", "--without", "1,5-6", "--like", photo, "--levels")
    done = said("reconstruct", sequence, "-o", out, "--recipe", "evidence", "--scale", "2", *handles)
    assert done.exit_code == 0, done.output
    record = read_record(out)
    assert [entry["index"] for entry in record["used"]] == [0, 2, 3, 4]
    assert (record["canvas"]["x0"], record["canvas"]["y0"]) == (8, 6)
    assert [entry["option"] for entry in record["given"]] == ["--like"]
    with Image.open(out / "levels.png") as levels, Image.open(out / "reconstruction.png") as picture:
        assert levels.size == picture.size == (64, 72)
        assert "levels stretched" in levels.text["Comment"]
        seen, plain = np.asarray(levels, float), np.asarray(picture, float)
    low, high = (255 * record["levels"][end] for end in ("low", "high"))
    assert np.abs(seen - np.clip(255 * (plain - low) / (high - low), 0, 255)).max() <= 1.5
    assert "for looking only" in said("inspect", out).stdout
    again = said("rerun", out)
    assert again.exit_code == 0, again.output
    # The part is laid onto the truth of the whole frame.
    truth = np.zeros((96, 96, 3), np.float32)
    truth[12:84, 16:80] = plain / 255
    (tmp_path / "truth.png").write_bytes(png_bytes(truth))
    measured = said("evaluate", out, "--truth", tmp_path / "truth.png", "--metric", "mse", "--json")
    assert measured.exit_code == 0, measured.output
    assert json.loads(measured.stdout)["rows"][0]["values"]["mse"] == 0
    photo.write_bytes(png_bytes(portrait[:, ::-1]))
    changed = said("rerun", out)
    assert changed.exit_code == 3
    assert "is not the recorded file" in changed.stderr
    photo.unlink()
    assert "cannot be read" in said("rerun", out).stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--box", "1,2,3"), "expected x,y,w,h@t"),
        (("--box", "1,2,30,40", "--subject", "1"), "--subject and --box each say whom to follow"),
        (("--without", "99"), "'99' is no frame"),
        (("--crop", "1,2,3,4,5"), "auto, face or frame, or a rectangle"),
        (("--crop", "30,30,40,40"), "reaches beyond the reference frame"),
    ],
)
def test_what_cannot_be_ends_with_2(sequence: Path, tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    done = said("reconstruct", sequence, "-o", tmp_path / "out", *arguments)
    assert done.exit_code == 2, done.output
    assert expected in done.stderr
    assert list(tmp_path.iterdir()) == []
