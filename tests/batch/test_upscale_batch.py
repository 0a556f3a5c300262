"""Enlargements through the batch engine: two clips and a broken one, by two workers; again, nothing is done again."""

from __future__ import annotations

import shutil
from pathlib import Path

from portrait_clips import CODINGS, moving, write
from typer.testing import CliRunner

from mfrec.batch.case import Upscale
from mfrec.cli import app
from mfrec.provenance.record import read_record
from mfrec.types import FloatArray
from mfrec.upscale.asked import Asked
from mfrec.upscale.job import upscale_into


def test_every_clip_gets_an_output_of_its_own(portrait: FloatArray, tmp_path: Path) -> None:
    night = tmp_path / "night"
    night.mkdir()
    for name, seed in (("a", 0), ("b", 1)):
        write(night / f"{name}.mp4", moving(portrait, 3, 48, seed), CODINGS["h264"])
    (night / "c.mp4").write_bytes(b"no clip")
    command = ["upscale-batch", str(night), "-o", str(tmp_path / "out"), "--scale", "2", "--workers", "2"]
    said = CliRunner().invoke(app, command)
    assert said.exit_code == 3 and "2 done, 1 failed" in said.output, said.output
    page = (tmp_path / "out" / "summary.html").read_text()
    assert 'href="a.mp4/"' in page and 'href="b.mp4/"' in page
    outputs = [tmp_path / "out" / f"{name}.mp4" for name in "ab"]
    single = upscale_into(tmp_path / "single", night / "b.mp4", Asked(scale=2))
    record = read_record(outputs[1])
    assert record["outputs"]["upscaled.mp4"] == read_record(tmp_path / "single")["outputs"]["upscaled.mp4"]
    assert record["upscaled"]["frames"] == single["upscaled"]["frames"] == 3

    case = Upscale(Asked(scale=2), str(night / "b.mp4"))
    assert case.is_done(outputs[1])
    assert not Upscale(Asked(scale=3), case.source).is_done(outputs[1])
    assert not Upscale(Asked(scale=2), str(night / "a.mp4")).is_done(outputs[1])
    shutil.copytree(outputs[1], tmp_path / "changed")
    (tmp_path / "changed" / "upscaled.mp4").write_bytes(b"")
    assert not case.is_done(tmp_path / "changed") and not case.is_done(tmp_path / "nowhere")

    seals = [read_record(out)["seal"] for out in outputs]
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 3 and [read_record(out)["seal"] for out in outputs] == seals
