"""The command line: what it prints, where, with which exit code, and every kind of bad input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import mfrec
from mfrec.cli import app
from mfrec.imageio import read
from mfrec.provenance.digests import file_digests
from mfrec.provenance.record import read_record

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "mfrec")
SHORT = ("--recipe", "evidence", "--set", "fuse.method=mean", "--set", "parse.method=polygons")
QUICK = (*SHORT, "--scale", "1")
FEW = (*QUICK, "--every", "3")
"""What makes a run short, and shorter: of seven frames three are left."""


def mfrec_says(*arguments: object) -> Result:
    """Run the command inside this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def process(*arguments: object, command: tuple[str, ...] = COMMAND) -> subprocess.Popen[str]:
    """Run the command as a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def whole(out: Path) -> bool:
    """Whether an output folder holds what its record says, byte for byte, and nothing else."""
    outputs = read_record(out)["outputs"]
    return {p.name for p in out.iterdir()} == {*outputs, "run.json"} and all(
        file_digests(out / name) == digests for name, digests in outputs.items()
    )


@pytest.fixture(scope="module")
def finished(sequence: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.Popen[str], str, str]:
    """The default run as a process: output folder, process, stdout, stderr."""
    out = tmp_path_factory.mktemp("run") / "out"
    child = process("reconstruct", sequence, "-o", out)
    printed, said = child.communicate(timeout=600)
    return out, child, printed, said


@pytest.fixture
def output(finished: tuple[Path, object, str, str], tmp_path: Path) -> Path:
    """A copy of a whole output in a folder of its own."""
    return Path(shutil.copytree(finished[0], tmp_path / "out"))


# --- the main job ------------------------------------------------------------------------------------------


def test_run_writes_everything_and_says_where(finished: tuple[Path, subprocess.Popen[str], str, str]) -> None:
    out, child, printed, said = finished
    assert child.returncode == 0, said
    assert sorted(p.name for p in out.iterdir()) == [
        "consistency.png",
        "evidence.png",
        "provenance.npz",
        "provenance.png",
        "reconstruction.png",
        "reference.png",
        "report.html",
        "run.json",
        "uncertainty.png",
    ]
    assert whole(out)
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    record = read_record(out)
    assert "RESTORED" in printed
    assert str(out / "report.html") in printed
    assert f"frames: {len(record['used'])} used" in printed
    assert "\r" not in said  # nobody watches a terminal here
    assert "Traceback" not in said
    assert record["command"].startswith("mfrec reconstruct ")
    assert record["recipe"]["name"] == "restore"


def test_two_runs_and_any_order_of_files_give_the_same_bytes(
    finished: tuple[Path, object, str, str], sequence: Path, tmp_path: Path
) -> None:
    out = finished[0]
    files = [sequence / f"{i}.png" for i in (5, 0, 3, 6, 1, 4, 2)]
    assert mfrec_says("reconstruct", *files, "-o", tmp_path / "mixed").exit_code == 0
    for name in read_record(out)["outputs"]:
        if name != "report.html":  # it states when it was made
            assert (tmp_path / "mixed" / name).read_bytes() == (out / name).read_bytes(), name


def test_json_is_the_record(sequence: Path, tmp_path: Path) -> None:
    done = mfrec_says("reconstruct", sequence, "-o", tmp_path / "out", *FEW, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == read_record(tmp_path / "out")


def test_options_reach_the_record(sequence: Path, tmp_path: Path) -> None:
    arguments = (
        "--reference",
        "2.png",
        "--crop",
        "face",
        "--scale",
        "3",
        "--every",
        "2",
        "--subject",
        "1",
        "--seed",
        "5",
    )
    done = mfrec_says("reconstruct", sequence, "-o", tmp_path / "out", *QUICK, *arguments)
    assert done.exit_code == 0, done.stderr
    record = read_record(tmp_path / "out")
    assert record["reference"]["name"] == "2.png"
    assert [Path(entry["name"]).stem for entry in record["inputs"]] == ["0", "2", "4", "6"]
    assert record["canvas"]["scale"] == 3
    assert record["seed"] == 5
    assert record["steps"][0]["parameters"]["subject"] == 1
    assert record["steps"][-1]["parameters"]["method"] == "mean"
    with Image.open(tmp_path / "out" / "reconstruction.png") as picture:
        assert picture.size == (3 * record["canvas"]["width"], 3 * record["canvas"]["height"])


def test_video_by_time(clip: Path, tmp_path: Path) -> None:
    done = mfrec_says("reconstruct", clip, "-o", tmp_path / "out", *QUICK, "--start", "0.3", "--end", "0.9")
    assert done.exit_code == 0, done.stderr
    record = read_record(tmp_path / "out")
    assert [entry["time"] for entry in record["inputs"]] == pytest.approx([0.4, 0.6, 0.8])
    assert {entry["sha256"] for entry in record["inputs"]} == {file_digests(clip)["sha256"]}


def test_pdf_is_written_and_recorded(sequence: Path, tmp_path: Path) -> None:
    pytest.importorskip("reportlab")
    done = mfrec_says("reconstruct", sequence, "-o", tmp_path / "out", *FEW, "--pdf")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert whole(tmp_path / "out")


def test_originals_are_untouched(finished: tuple[Path, object, str, str], sequence: Path) -> None:
    assert sorted(p.name for p in sequence.iterdir()) == [f"{i}.png" for i in range(7)]
    for entry in read_record(finished[0])["inputs"]:
        assert file_digests(sequence / entry["name"])["sha256"] == entry["sha256"]


# --- the other commands ------------------------------------------------------------------------------------


def test_inspect(finished: tuple[Path, object, str, str]) -> None:
    out = finished[0]
    record = read_record(out)
    shown = mfrec_says("inspect", out)
    assert shown.exit_code == 0
    assert record["reference"]["why"] in shown.stdout
    assert record["outputs"]["reconstruction.png"]["sha256"] in shown.stdout
    assert mfrec_says("inspect", out / "run.json").stdout == shown.stdout
    assert json.loads(mfrec_says("inspect", out, "--json").stdout) == record


def test_rerun_ends_with_0_where_identical_and_1_where_not(output: Path, sequence: Path, tmp_path: Path) -> None:
    same = mfrec_says("rerun", output / "run.json")
    assert same.exit_code == 0
    assert [line.split()[1] for line in same.stdout.splitlines()] == ["identical"] * 9
    short = tmp_path / "short"
    assert mfrec_says("reconstruct", sequence, "-o", short, *FEW).exit_code == 0
    record = read_record(short)
    record["recipe"]["stages"][-1]["method"] = "map"
    (short / "run.json").write_text(json.dumps(record))
    other = mfrec_says("rerun", short, "--json")
    assert other.exit_code == 1
    found = json.loads(other.stdout)
    assert not found["identical"]
    details = {difference["name"]: difference for difference in found["differences"]}
    assert "grey levels" in details["reconstruction.png"]["detail"]
    assert details["reference.png"]["identical"]


def test_stage_writes_pictures_of_every_frame(sequence: Path, tmp_path: Path) -> None:
    done = mfrec_says("stage", "align", sequence, "-o", tmp_path / "out", "--scale", "2")
    assert done.exit_code == 0, done.stderr
    assert whole(tmp_path / "out")
    names = [Path(line).name for line in done.stdout.splitlines()]
    pictures = [f"{kind}-{i:04d}.png" for kind in ("frame", "registered") for i in range(7)]
    assert sorted(names) == sorted(["aligned.tiff", *pictures])
    stack = read(tmp_path / "out" / "aligned.tiff").frames
    assert [frame.image.shape for frame in stack] == [(96, 96, 3)] * 7
    assert mfrec_says("inspect", tmp_path / "out").exit_code == 0
    again = mfrec_says("stage", "track", sequence, "-o", tmp_path / "out", "--overwrite", "--json")
    assert [step["stage"] for step in json.loads(again.stdout)["steps"]] == ["track"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        *(f"frame-{i:04d}.png" for i in range(7)),
        "run.json",
    ]


def test_weights_list_and_verify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mfrec.cards import load as weights

    cards = json.loads(mfrec_says("weights", "list", "--json").stdout)
    trained = [card for card in cards if card["sha256"]]
    assert "mtcnn" in [card["name"] for card in trained]
    assert all(len(card["sha256"]) == 64 for card in trained)
    assert all(card["licence"] for card in cards)
    listed = mfrec_says("weights", "list").stdout
    assert all(card["sha256"] in listed for card in trained)
    intact = mfrec_says("weights", "verify")
    assert (intact.exit_code, intact.stdout.count(": intact\n")) == (0, len(trained))

    models = Path(shutil.copytree(weights.cards_folder(), tmp_path / "models"))
    text = (models / "mtcnn.toml").read_text()
    untrained = "".join(line for line in text.splitlines(True) if not line.startswith("sha256"))
    (models / "new.toml").write_text(f'{untrained}\n[recipe]\ntask = "clean"\n')
    monkeypatch.setattr(weights, "cards_folder", lambda: models)
    assert "not trained" in mfrec_says("weights", "list").stdout
    unharmed = mfrec_says("weights", "verify")
    assert unharmed.exit_code == 0
    assert "new: not trained\n" in unharmed.stdout
    assert json.loads(mfrec_says("weights", "verify", "--json").stdout)["new"]["intact"] is None

    folder = Path(shutil.copytree(weights.weights_folder(), tmp_path / "weights"))
    damaged = bytearray((folder / "mtcnn.safetensors").read_bytes())
    damaged[-1] ^= 1
    (folder / "mtcnn.safetensors").write_bytes(damaged)
    monkeypatch.setattr(weights, "weights_folder", lambda: folder)
    broken = mfrec_says("weights", "verify")
    assert broken.exit_code == 4
    assert "damaged" in broken.stdout


def test_damaged_weights_end_a_run_with_4(sequence: Path, tmp_path: Path) -> None:
    package = Path(shutil.copytree(ROOT / "mfrec", tmp_path / "mfrec", ignore=shutil.ignore_patterns("__pycache__")))
    shutil.copytree(ROOT / "models", tmp_path / "models")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "mtcnn.safetensors").write_bytes(b"not weights")
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "OMP_NUM_THREADS": "1"}
    command = [*COMMAND, "reconstruct", str(sequence), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "mtcnn.safetensors is damaged" in done.stderr
    assert not (tmp_path / "out").exists()


def test_demo_prints_the_gain_and_the_report(tmp_path: Path) -> None:
    done = mfrec_says("demo", "-o", tmp_path / "demo", "--frames", "3", "--size", "40", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["psnr"] > 15 for row in found["rows"]] == [True, True, True]
    assert Path(found["report"]).is_file()
    assert mfrec_says("demo", "-o", tmp_path / "odd", "--size", "41").exit_code == 2


def test_bench_prints_a_table_or_json(tmp_path: Path) -> None:
    done = mfrec_says("bench", "--protocol", "jpeg32", "--method", "unregistered", "--limit", "1", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["method"] for row in found["summaries"]] == ["bicubic", "unregistered"]
    assert mfrec_says("bench", tmp_path / "none", "--protocol", "jpeg32").exit_code == 3
    wrong = mfrec_says("bench", "--protocol", "jpeg23")
    assert wrong.exit_code == 2
    assert "jpeg32" in wrong.stderr


def test_version_and_help() -> None:
    assert mfrec_says("--version").stdout == f"mfrec {mfrec.__version__}\n"
    shown = mfrec_says("--help")
    assert shown.exit_code == 0
    for command in (
        "reconstruct",
        "demo",
        "inspect",
        "rerun",
        "sign",
        "verify",
        "keys",
        "stage",
        "bench",
        "evaluate",
        "survey",
        "train",
        "weights",
    ):
        assert command in shown.stdout


# --- usage: code 2, and the nearest valid name -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--recipe", "evidense"), "did you mean 'evidence'"),
        (("--recipe", "none.toml"), "No such file"),
        (("--set", "fuse.methud=map"), "did you mean 'method'"),
        (("--set", "fuze.method=map"), "did you mean 'fuse'"),
        (("--set", "fuse.method=mep"), "did you mean 'map'"),
        (("--set", "fuse.passes=x"), "expected a whole number"),
        (("--set", "nonsense"), "stage.key=value"),
        (("--reference", "99"), "0 to 6"),
        (("--reference", "3.pgn"), "did you mean '3.png'"),
        (("--subject", "nobody"), "expected auto"),
        (("--subject", "2"), "subject"),
        (("--crop", "fase"), "expected auto, face or frame"),
        (("--scale", "0"), "scale"),
        (("--scale", "x"), "scale"),
        (("--every", "0"), "every"),
        (("--start", "1"), "video"),
        (("--device", "gpu"), "no device 'gpu'"),
        (("--recip", "x"), "--recip"),
    ],
)
def test_usage_errors(sequence: Path, tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    done = mfrec_says("reconstruct", sequence, "-o", tmp_path / "out", *arguments)
    assert done.exit_code == 2, done.output
    assert expected in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_unknown_key_of_a_recipe_file(sequence: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('name = "mine"\nstamp = "ENHANCED"\nstages = ["track", "align", "fuse"]\n[fuse]\npases = 1\n')
    done = mfrec_says("reconstruct", sequence, "-o", tmp_path / "out", "--recipe", recipe)
    assert done.exit_code == 2
    assert "'pases'; did you mean 'passes'" in done.stderr
    recipe.write_text(recipe.read_text().replace("pases", "passes"))
    few = ("--scale", "1", "--every", "3")
    done = mfrec_says("reconstruct", sequence, "-o", tmp_path / "out", "--recipe", recipe, *few)
    assert done.exit_code == 0, done.stderr
    assert read_record(tmp_path / "out")["recipe"]["name"] == "mine"


@pytest.mark.parametrize("arguments", [(), ("evaluate",), ("train", "x"), ("reconstruct",), ("stage", "track", "x")])
def test_commands_that_do_not_exist_or_lack_something(arguments: tuple[str, ...]) -> None:
    assert mfrec_says(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["inspect", "rerun"])
def test_no_record(command: str, tmp_path: Path) -> None:
    done = mfrec_says(command, tmp_path / "none")
    assert done.exit_code == 2
    assert "no record" in done.stderr


# --- input: code 3 -----------------------------------------------------------------------------------------


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def bomb() -> bytes:
    """A valid PNG of 20,000 x 20,000 pixels in some kilobytes."""
    from io import BytesIO

    buffer = BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    return buffer.getvalue()


def truncated(sequence: Path) -> bytes:
    """The first third of a JPEG."""
    from io import BytesIO

    buffer = BytesIO()
    with Image.open(sequence / "0.png") as picture:
        picture.convert("RGB").resize((400, 400)).save(buffer, "JPEG")
    return buffer.getvalue()[: len(buffer.getvalue()) // 3]


def tiny() -> bytes:
    """One pixel."""
    from io import BytesIO

    buffer = BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    return buffer.getvalue()


BAD: dict[str, Callable[[Path, Path], object]] = {
    "empty.jpg": lambda path, _: path.write_bytes(b""),
    "text.png": lambda path, _: path.write_text("this is no picture"),
    "folder.jpg": lambda path, _: path.mkdir(),
    "truncated.jpg": lambda path, sequence: path.write_bytes(truncated(sequence)),
    "tiny.png": lambda path, _: path.write_bytes(tiny()),
    "claims.png": lambda path, _: path.write_bytes(png_header(20_000, 20_000)),
    "bomb.png": lambda path, _: path.write_bytes(bomb()),
}


def test_missing_path(tmp_path: Path) -> None:
    done = mfrec_says("reconstruct", tmp_path / "no such folder", "-o", tmp_path / "out")
    assert done.exit_code == 3
    assert "no such folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_empty_folder_and_folder_without_pictures(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    done = mfrec_says("reconstruct", frames, "-o", tmp_path / "out")
    assert done.exit_code == 3
    assert str(frames) in done.stderr
    (frames / "notes.docx").write_bytes(b"PK")
    done = mfrec_says("reconstruct", frames, "-o", tmp_path / "out")
    assert done.exit_code == 3
    assert str(frames) in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["frames"]


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_used_alone(name: str, sequence: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    BAD[name](frames / name, sequence)
    done = mfrec_says("reconstruct", frames, "-o", tmp_path / "out")
    assert done.exit_code == 3, done.output
    assert name in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_bad_files_among_good_ones_are_left_out_and_recorded(sequence: Path, tmp_path: Path) -> None:
    frames = Path(shutil.copytree(sequence, tmp_path / "frames"))
    for name, make in BAD.items():
        make(frames / name, sequence)
    done = mfrec_says("reconstruct", frames, "-o", tmp_path / "out", *QUICK)
    assert done.exit_code == 0, done.stderr
    record = read_record(tmp_path / "out")
    dropped = {entry["name"]: entry["reason"] for entry in record["dropped"]}
    assert set(dropped) == set(BAD)
    assert all(dropped.values())
    assert len(record["used"]) == 7
    for name in BAD:
        assert f"left out: {name}" in done.stderr
        assert name in (tmp_path / "out" / "report.html").read_text()
    # What was left out does not change the result of what was used.
    clean = mfrec_says("reconstruct", sequence, "-o", tmp_path / "clean", *QUICK)
    assert clean.exit_code == 0
    for name in ("reconstruction.png", "evidence.png", "reference.png", "uncertainty.png"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "clean" / name).read_bytes()


def test_a_file_beside_the_pictures_is_no_frame_left_out(sequence: Path, tmp_path: Path) -> None:
    frames = Path(shutil.copytree(sequence, tmp_path / "frames"))
    (frames / "meta.json").write_text('{"camera": 3}')
    done = mfrec_says("reconstruct", frames, "-o", tmp_path / "out", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert "frames: 7 used, 0 left out, 1 other file, not a picture\n" in done.stdout
    assert "mfrec: 1 other file, not a picture: meta.json\n" in done.stderr
    assert "left out: meta.json" not in done.stderr
    report = (tmp_path / "out" / "report.html").read_text()
    assert "7 used, 0 left out, 1 other file, not a picture" in report
    assert "meta.json" in report


def test_somebody_else_is_left_out_with_the_reason(portrait: np.ndarray, tmp_path: Path) -> None:
    from skimage.data import camera

    from mfrec.image.geometry import resize
    from mfrec.imageio import png_bytes

    frames = tmp_path / "frames"
    frames.mkdir()
    for i in range(3):
        part = resize(portrait[i : 186 + i, 2 * i : 186 + 2 * i], 128, 128, interpolation="area")
        (frames / f"{i}.png").write_bytes(png_bytes(part))
    other = np.dstack([camera()[80:234, 150:304] / 255] * 3).astype(np.float32)
    (frames / "3.png").write_bytes(png_bytes(resize(other, 128, 128, interpolation="area")))
    done = mfrec_says("reconstruct", frames, "-o", tmp_path / "out", *QUICK)
    assert done.exit_code == 0, done.stderr
    record = read_record(tmp_path / "out")
    assert [entry["name"] for entry in record["used"]] == ["0.png", "1.png", "2.png"]
    assert [entry["name"] for entry in record["dropped"]] == ["3.png"]
    assert "somebody else" in record["dropped"][0]["reason"]
    assert "left out: 3.png" in done.stderr
    followed = mfrec_says("inspect", tmp_path / "out").stdout
    assert "subject 1 (followed): in 3 frames" in followed
    assert "subject 2: in 1 frame\n" in followed


def test_no_face_anywhere(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        noise = rng.integers(0, 255, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(noise).save(frames / f"{i}.png")
    done = mfrec_says("reconstruct", frames, "-o", tmp_path / "out")
    assert done.exit_code == 3
    assert "no face was found" in done.stderr
    assert not (tmp_path / "out").exists()


def test_single_frame(sequence: Path, tmp_path: Path) -> None:
    done = mfrec_says("reconstruct", sequence / "3.png", "-o", tmp_path / "out", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("warning: only one frame is used") == 1
    assert "nothing was gained from other frames" in (tmp_path / "out" / "report.html").read_text()


def test_names_with_spaces_unicode_html_and_bytes(sequence: Path, tmp_path: Path) -> None:
    frames = tmp_path / "Fall 12 \u76e3\u8996 & <b>"
    frames.mkdir()
    names = [
        "a b 1.png",
        "\u00dc\u76e3\u8996\U0001f4f7 2.png",
        "<img src=x onerror=alert(1)> 3.png",
        "\x1b[31mred\n4.png",
    ]
    for i, name in enumerate(names):
        shutil.copy(sequence / f"{i}.png", frames / name)
    out = tmp_path / "<i>out</i> \u76e3"
    done = mfrec_says("reconstruct", frames, "-o", out, *QUICK)
    assert done.exit_code == 0, done.stderr
    assert whole(out)
    # What would steer a terminal is written out.
    assert {entry["name"] for entry in read_record(out)["inputs"]} == {*names[:-1], "\\x1b[31mred\\n4.png"}
    assert "\x1b" not in done.output
    html = (out / "report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in html
    shown = mfrec_says("inspect", out)
    assert shown.exit_code == 0
    assert "\x1b" not in shown.stdout
    assert "\\x1b[31mred" in shown.stdout
    assert mfrec_says("rerun", out).exit_code == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems insist on names that are text")
def test_names_that_are_no_text(sequence: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for i in range(2):
        name = os.fsdecode(b"\xff\xfe" + str(i).encode() + b".png")
        shutil.copy(sequence / f"{i}.png", frames / name)
    child = process("reconstruct", frames, "-o", tmp_path / "out", *QUICK)
    _, said = child.communicate(timeout=600)
    assert child.returncode == 0, said
    assert whole(tmp_path / "out")
    assert mfrec_says("rerun", tmp_path / "out").exit_code == 0


# --- output: the earlier one stays whole -------------------------------------------------------------------


def test_existing_output_needs_overwrite(output: Path, sequence: Path) -> None:
    before = read_record(output)
    done = mfrec_says("reconstruct", sequence, "-o", output, *FEW)
    assert done.exit_code == 2
    assert "--overwrite" in done.stderr
    assert whole(output)
    assert read_record(output) == before
    done = mfrec_says("reconstruct", sequence, "-o", output, *FEW, "--overwrite")
    assert done.exit_code == 0, done.stderr
    assert whole(output)
    assert read_record(output)["recipe"]["name"] == "evidence"
    assert [p.name for p in output.parent.iterdir()] == ["out"]


def test_a_failing_run_leaves_the_earlier_output(output: Path, tmp_path: Path) -> None:
    before = read_record(output)
    assert mfrec_says("reconstruct", tmp_path / "none", "-o", output, "--overwrite").exit_code == 3
    assert whole(output)
    assert read_record(output) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_output_among_the_originals(sequence: Path) -> None:
    done = mfrec_says("reconstruct", sequence, "-o", sequence / "out")
    assert done.exit_code == 2
    assert "among the originals" in done.stderr
    assert not (sequence / "out").exists()


def test_unwritable_output(sequence: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        done = mfrec_says("reconstruct", sequence, "-o", out, "--overwrite")
        assert done.exit_code == 2
        assert str(tmp_path / "file") in done.stderr
    if sys.platform == "linux":
        done = mfrec_says("reconstruct", sequence, "-o", "/proc/mfrec-out")
        assert done.exit_code == 2
        assert "cannot write the output" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_command_in_a_document_shows_no_path_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mfrec.cli.command_line import command_without_paths

    words = [
        "bench",
        str(tmp_path / "faces"),
        "--table",
        "3.1",
        "--people",
        "0/4",
        "--document",
        str(tmp_path / "a b.md"),
    ]
    monkeypatch.setattr(sys, "argv", ["mfrec", *words])
    assert command_without_paths() == "mfrec bench faces --table 3.1 --people 0/4 --document 'a b.md'"


def test_strict_writes_nothing_where_the_result_has_left_its_frames(clip: Path, tmp_path: Path) -> None:
    """A camera declared ten times as blurred as it was makes a face out of ringing that is nobody's."""
    wrong = ("reconstruct", clip, "--recipe", "evidence", "--set", "fuse.psf_sigma=3")
    warned = mfrec_says(*wrong, "-o", tmp_path / "warned")
    assert warned.exit_code == 0, warned.stderr
    warnings = json.loads((tmp_path / "warned" / "run.json").read_text())["warnings"]
    assert any("may have lost the person" in warning for warning in warnings)
    refused = mfrec_says(*wrong, "-o", tmp_path / "refused", "--strict")
    assert refused.exit_code == 5
    assert "FARTHER" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["warned"]
    fine = mfrec_says(*wrong[:4], "-o", tmp_path / "fine", "--strict")
    assert fine.exit_code == 0, fine.stderr


SMALL_FILES_ONLY = """
import resource
from mfrec.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
main()
"""
"""A file that grows beyond 100 kB cannot be written, as on a disk that fills up."""


@pytest.mark.skipif(os.name != "posix", reason="no limit for the size of files")
def test_writing_that_fails_half_way(output: Path, sequence: Path) -> None:
    before = read_record(output)
    # The pictures are small enough; the arrays are not.
    child = process(
        "reconstruct", sequence, "-o", output, *SHORT, "--overwrite", command=(sys.executable, "-c", SMALL_FILES_ONLY)
    )
    _, said = child.communicate(timeout=600)
    assert child.returncode == 2, said
    assert "cannot write the output" in said
    assert "Traceback" not in said
    assert whole(output)
    assert read_record(output) == before
    assert [p.name for p in output.parent.iterdir()] == ["out"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only the superuser may mount a small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="no mount command")
def test_full_disk(sequence: Path, small_disk: Path) -> None:
    done = mfrec_says("reconstruct", sequence, "-o", small_disk / "out", *SHORT)
    assert done.exit_code == 2, done.output
    assert "No space left" in done.stderr
    assert list(small_disk.iterdir()) == []


def interrupt(child: subprocess.Popen[str], parent: Path, file: str, number: int) -> tuple[int, str]:
    """Send a signal once the hidden folder (and a file in it) is there; exit code and stderr."""
    give_up = time.monotonic() + 300
    while time.monotonic() < give_up and child.poll() is None:
        if any((folder / file).exists() for folder in parent.glob(".mfrec-*.partial")):
            break
        time.sleep(0.002)
    child.send_signal(number)
    _, said = child.communicate(timeout=600)
    return child.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("file", [".", "result/reconstruction.png"], ids=["while computing", "while writing"])
def test_interruption(output: Path, sequence: Path, number: int, code: int, file: str) -> None:
    before = read_record(output)
    child = process("reconstruct", sequence, "-o", output, "--overwrite", *QUICK)
    ended, said = interrupt(child, output.parent, file, number)
    assert whole(output)
    assert [p.name for p in output.parent.iterdir()] == ["out"]
    assert "Traceback" not in said
    if file == ".":
        assert ended == code, said
    # A run that was nearly done may be published before the signal arrives; then the new output is whole.
    assert ended in (code, 0)
    if read_record(output) == before:
        assert ended == code


def test_first_run_interrupted_leaves_nothing(sequence: Path, tmp_path: Path) -> None:
    child = process("reconstruct", sequence, "-o", tmp_path / "new" / "out")
    ended, said = interrupt(child, tmp_path / "new", ".", signal.SIGINT)
    assert ended == 130
    assert "interrupted" in said
    assert list(tmp_path.iterdir()) == []


# --- time --------------------------------------------------------------------------------------------------


MEASURED = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
"""Runs a command and prints its exit code, seconds of processor time, and memory. It is a small process of its own,
because a child's high-water mark starts with that of the process that forked it."""


YARDSTICK = """
import cv2, scipy.sparse, torch
from torch.nn.functional import conv2d
torch.set_num_threads(1)
torch.manual_seed(0)
weight, image = torch.randn(64, 64, 3, 3) / 24, torch.randn(1, 64, 64, 64)
with torch.inference_mode():
    for _ in range(150):
        image = conv2d(image, weight, padding=1).tanh()
"""
"""Loads what every run loads and convolves for a second: what a second of processor time is worth on this
machine, with whatever else it is doing."""


def processor_and_peak(*command: object) -> tuple[float, float]:
    """Seconds of processor time and GiB of a command that must succeed."""
    measured = [sys.executable, "-c", MEASURED, *map(str, command)]
    done = subprocess.run(measured, cwd=ROOT, capture_output=True, text=True, check=True)
    code, used, peak = done.stdout.split()
    assert code == "0"
    return float(used), int(peak) * (1 if sys.platform == "darwin" else 1024) / 2**30


@pytest.mark.slow
def test_seven_small_frames_take_seconds_of_processor_and_a_gigabyte(tmp_path: Path) -> None:
    from mfrec.camera.film import astronaut, draw_shoot, film
    from mfrec.image.geometry import resize
    from mfrec.imageio import jpeg_bytes

    frames = tmp_path / "frames"
    frames.mkdir()
    for i, truth in enumerate(film(astronaut(), draw_shoot(frames=7, size=32, seed=1)).truth):
        (frames / f"{i}.jpg").write_bytes(jpeg_bytes(resize(truth, 32, 32, interpolation="area"), 60))
    run = (*COMMAND, "reconstruct", frames, "--recipe")
    evidence, evidence_peak = processor_and_peak(*run, "evidence", "-o", tmp_path / "evidence")
    known, _ = processor_and_peak(sys.executable, "-c", YARDSTICK)
    restore, restore_peak = processor_and_peak(*run, "restore", "-o", tmp_path / "restore")
    # Other tests may hold the cores, and machines differ: processor time, against that of the same known work between.
    assert max(evidence, restore) < 3.5 * known, (evidence, restore, known)
    assert evidence_peak < 1.0 and restore_peak < 1.5


@pytest.mark.parametrize("given", ["sequence", "sequence/", "sequence/0.png sequence/1.png", "film.mp4", "link"])
def test_without_o_the_output_is_named_after_the_input_and_lies_here(
    given: str, sequence: Path, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sequence, "sequence")
    shutil.copy(clip, "film.mp4")
    Path("link").symlink_to("sequence")
    name = {"film.mp4": "film.mfrec", "link": "link.mfrec"}.get(given, "sequence.mfrec")
    done = mfrec_says("reconstruct", *given.split(), *FEW)
    assert done.exit_code == 0, done.output
    assert f"the output goes into {name}; -o names another folder" in done.stderr
    assert (tmp_path / name / "report.html").is_file()
    again = mfrec_says("reconstruct", *given.split(), *FEW)
    assert again.exit_code == 2 and "--overwrite" in again.stderr, "an earlier output is not replaced"


def test_without_o_nothing_is_written_among_the_originals(
    sequence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sequence, tmp_path / "sequence")
    monkeypatch.chdir(tmp_path / "sequence")
    done = mfrec_says("reconstruct", ".", *QUICK)
    assert done.exit_code == 2 and "lies among the originals" in done.stderr and "-o" in done.stderr
    assert not (tmp_path / "sequence" / "sequence.mfrec").exists()
