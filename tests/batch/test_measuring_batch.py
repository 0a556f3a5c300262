"""``evaluate`` and ``bench`` as batches: the figures of a single process, to the bit, and nothing twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mfrec.batch.attempt import Child
from mfrec.batch.bench_case import Bench
from mfrec.batch.case import from_text, to_text
from mfrec.batch.child import worked
from mfrec.batch.evaluate_case import Evaluate
from mfrec.batch.ledger import Entry
from mfrec.batch.measured import measure_into
from mfrec.batch.measuring import bench_cases, evaluate_cases
from mfrec.bench.run import bench, film_sequences
from mfrec.bench.scores import BenchResult
from mfrec.cli import app
from mfrec.errors import InputError, UsageError
from mfrec.evaluation.evaluate import evaluate
from mfrec.image.geometry import enlarge, resize
from mfrec.imageio import png_bytes
from mfrec.types import FloatArray

QUICK = ("psnr", "ssim", "cpbd", "consistency")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases are worked on in this process; ``test_tls`` measures one in a process of its own."""
    monkeypatch.setattr(Child, "ask", lambda _self, request, _limits: worked(request))


@pytest.fixture
def night(portrait: FloatArray, tmp_path: Path) -> Path:
    """Two truths, two methods with a picture of each (one is its truth), and inputs."""
    for name in ("truth", "mine", "yours", "input"):
        (tmp_path / name).mkdir()
    for name, image in (("a", portrait), ("b", np.ascontiguousarray(portrait[:, ::-1]))):
        small = resize(image, 48, 48, interpolation="area")
        (tmp_path / "truth" / f"{name}.png").write_bytes(png_bytes(image))
        (tmp_path / "input" / f"{name}.png").write_bytes(png_bytes(small))
        (tmp_path / "mine" / f"{name}.png").write_bytes(png_bytes(enlarge(small, 4)))
        (tmp_path / "yours" / f"{name}.png").write_bytes(png_bytes(image))
    return tmp_path


def test_evaluate_batch_is_evaluate_to_the_bit(night: Path) -> None:
    """With a picture of another size, which costs its own row alone, and equal pictures, whose PSNR is infinite."""
    pictures, truth, before = [night / "mine", night / "yours"], night / "truth", night / "input"
    alone = evaluate(pictures, truth, before=before, metrics=QUICK)
    (night / "truth" / "c.png").write_bytes(png_bytes(np.zeros((64, 64, 3), np.uint8)))
    (night / "input" / "c.png").write_bytes(png_bytes(np.zeros((16, 16, 3), np.uint8)))
    (night / "mine" / "c.png").write_bytes(png_bytes(np.zeros((32, 32, 3), np.uint8)))
    out = night / "out"
    command = ["evaluate-batch", *map(str, pictures), "--truth", str(truth), "--before", str(before), "-o", str(out)]
    command += [word for name in QUICK for word in ("--metric", name)] + ["--workers", "1"]
    said = CliRunner().invoke(app, command)
    assert said.exit_code == InputError.exit_code, said.output
    assert "4 done, 1 failed" in said.output and "1 of 5 pictures have no figures" in said.output
    assert (out / "evaluation.csv").read_text() == alone.to_csv()
    assert json.loads((out / "evaluation.json").read_text())["rows"] == json.loads(alone.to_json())["rows"]
    assert (out / "evaluation.txt").read_text() == f"{alone.table()}\n"
    assert 'href="mine__a.png.json"' in (out / "summary.html").read_text()

    # A figure that somebody changed is none, nor is one of another picture than today's.
    changed = out / "mine__a.png.json"
    changed.write_text(changed.read_text().replace('"psnr": ', '"psnr": 1'))
    (night / "yours" / "b.png").write_bytes(png_bytes(np.zeros((192, 192, 3), np.uint8)))
    _, gather = evaluate_cases(pictures, truth, before, QUICK)
    names = ("mine__a", "yours__a", "mine__b", "yours__b", "mine__c")
    table = gather([(None, out / f"{name}.png.json") for name in names])
    assert table.lacking == 3 and "3 of 5 pictures have no figures" in table.text
    rows = [line.split(",")[:2] for line in table.files["evaluation.csv"].decode().splitlines()[1:]]
    assert rows == [["yours", "a.png"], ["mine", "b.png"]]


def timeless(result: BenchResult) -> list[object]:
    out = []
    for one in json.loads(result.to_json())["results"]:
        for score in one["scores"].values():
            del score["seconds"]
        out.append(one)
    return out


def test_a_sequence_as_a_case_has_the_figures_of_the_bench(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    film_sequences(tmp_path / "films", count=1)
    shutil.copytree(tmp_path / "films" / "seq_1", tmp_path / "films" / "seq_2")
    methods = ("unregistered",)
    cases, gather = bench_cases(tmp_path / "films", ["jpeg32"], methods)
    assert [case.name for case in cases.cases] == ["jpeg32__seq_1.json", "jpeg32__seq_2.json"]
    (tmp_path / "lock").touch()
    out = tmp_path / "out" / cases.cases[0].name
    request = {"number": 1, "command": to_text(cases.cases[0].command), "out": str(out), "lock": str(tmp_path / "lock")}
    assert worked(request)["code"] == 0
    assert worked(request)["reason"] == "its output was there already"

    failed = Entry(2, "jpeg32__seq_2.json", "jpeg32__seq_2.json", "", "failed", 6, "it took longer than 1 s")
    table = gather([(None, out), (failed, tmp_path / "out" / failed.out)])
    assert table.lacking == 1 and "failed: sequence on seq_2: it took longer than 1 s" in table.text
    (ours, _) = json.loads(table.files["bench.json"])["results"]
    for score in ours["scores"].values():
        del score["seconds"]
    assert ours == timeless(bench(tmp_path / "films", ["jpeg32"], methods, limit=1))[0]

    case = from_text(request["command"])
    assert isinstance(case, Bench) and case.is_done(out)
    (tmp_path / "films" / "seq_1" / "6.png").unlink()
    assert not case.is_done(out)


def test_bench_batch_from_the_command_line(tmp_path: Path) -> None:
    """Frames of another size: every method's finding, and no failure of the case."""
    (tmp_path / "films" / "seq_1").mkdir(parents=True)
    (tmp_path / "films" / "seq_1" / "0.png").write_bytes(png_bytes(np.zeros((64, 64, 3), np.uint8)))
    out = tmp_path / "out"
    command = ["bench-batch", str(tmp_path / "films"), "-o", str(out), "--protocol", "jpeg32", "--method", "bicubic"]
    said = CliRunner().invoke(app, [*command, "--workers", "1"])
    assert said.exit_code == 0, said.output
    assert "1 done" in said.output and "has 64 x 64 px, expected 256 x 256" in said.output
    assert {"bench.txt", "bench.json", "summary.html", "jpeg32__seq_1.json"} <= {path.name for path in out.iterdir()}


def test_what_cannot_be_measured_is_refused_before_anything_is(night: Path) -> None:
    with pytest.raises(UsageError, match="unknown metric 'beauty'"):
        evaluate_cases([night / "mine"], night / "truth", None, ["beauty"])
    with pytest.raises(UsageError, match="limit of 0"):
        bench_cases(night, ["jpeg32"], ["bicubic"], limit=0)
    again = night / "again" / "mine"
    shutil.copytree(night / "mine", again)
    cases, _ = evaluate_cases([night / "mine", again], night / "truth")
    assert len(cases.cases) == 2 and all("already; give it another name" in one.reason for one in cases.problems)


def test_a_file_that_is_changed_while_it_is_measured_has_no_figures(night: Path) -> None:
    picture, out = night / "mine" / "a.png", night / "out.json"

    def work() -> dict[str, float]:
        picture.write_bytes(b"another")
        return {"psnr": 1.0}

    with pytest.raises(InputError, match="was changed while it was read"):
        measure_into(out, {}, [picture], work)
    assert not out.exists()


def test_a_number_that_is_not_finite_comes_back(night: Path) -> None:
    pair = Evaluate("m", "a", str(night / "mine" / "a.png"), str(night / "mine" / "a.png"), "", "", ["psnr", "ssim"])
    pair.run(night / "out.json")
    row = pair.found(night / "out.json")
    assert row is not None and row.values["psnr"] == float("inf") and row.values["ssim"] == 1.0
