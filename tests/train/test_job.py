"""``mfrec train``: from a card and folders of pictures to weights that load, and every way to ask for it wrongly."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from few_pictures import few_pictures
from forked import Forked
from labelled_portraits import write_portraits
from launched import launch_two
from numpy.typing import NDArray
from small_networks import small_clean
from typer.testing import CliRunner, Result

from mfrec.cards.load import card_names, load_network, read_card, read_state
from mfrec.cli import app, main
from mfrec.errors import UsageError
from mfrec.train.checkpoint import CHECKPOINT, load_checkpoint
from mfrec.train.job import check_together
from mfrec.train.learner import BOARD
from mfrec.train.streams.scene_stream import SceneStream
from mfrec.train.working_folder import alone
from mfrec.types import FloatArray

ROOT = Path(__file__).resolve().parents[2]

CARD = """net = "clean"
file = "small.safetensors"
summary = "s"
paper = "p"
licence = "l"
input = "i"

[arguments]
channels = [4, 4, 4, 4]
encoder = [1, 1, 1, 1]
decoder = [1, 1, 1]

[recipe]
task = "clean"
steps = 4
batch = 2
learning_rate = 1e-3
validation = 2

[recipe.losses]
charbonnier = 1.0
variance = { weight = 0.01, beta = 0.5 }

[recipe.data]
side = 48
"""


@pytest.fixture(scope="module")
def stills(portrait: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small pictures cut out of the portrait, enough that some are held out."""
    from mfrec.imageio import png_bytes

    folder = tmp_path_factory.mktemp("data") / "stills"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(40):
        y, x = rng.integers(0, 128, 2)
        (folder / f"{number:02d}.png").write_bytes(png_bytes(portrait[y : y + 64, x : x + 64]))
    return folder


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(CARD)
    return path


ENLARGE = """net = "{net}"
file = "{name}.safetensors"
summary = "s"
paper = "p"
licence = "l"
input = "i"
objective = "{objective}"

[arguments]
{arguments}

[recipe]
task = "enlarge"
steps = 3
batch = 2
learning_rate = 1e-3
validation = 2
bfloat16 = false
start = "{start}"

[recipe.losses]
mse = 1.0

[recipe.data]
height = 32
width = 32
scale = 2
view = "whole"
grey = {grey}
"""

OPPONENT = """
[recipe.adversarial]
discriminator = "srgan_discriminator"
weight = 1e-3
learning_rate = 1e-4
arguments = { height = 32, width = 32, features = 2, hidden = 4 }
"""


def enlarging(folder: Path, name: str, opponent: str = "", **changes: str) -> Path:
    """A card of a small SRResNet, or of another network."""
    values = {
        "net": "srresnet",
        "arguments": 'features = 8\nblocks = 1\nscale = 2\nupsampling = "shuffle"\noutput = "linear"',
        "objective": "adversarial" if opponent else "fidelity",
        "start": "",
        "grey": "false",
        **changes,
    }
    path = folder / f"{name}.toml"
    path.write_text(ENLARGE.format(name=name, **values) + opponent)
    return path


def mfrec_says(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_from_a_card_to_weights_that_load(card: Path, stills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = mfrec_says("train", card, "--data", stills, "-o", out, "--device", "cpu", "--terms", "public domain")
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        CHECKPOINT,
        "mfrec-files.json",
        "small.safetensors",
        "small.toml",
        BOARD,
    ]
    found = read_card(out / "small.toml")
    assert found.training == "4 steps of 2 samples, seed 0, on 'stills' (40 pictures); public domain"
    assert f"psnr_bicubic   {found.metrics['psnr_bicubic']}" in done.stdout
    assert done.stdout.splitlines()[-1] == str(out / "small.toml")
    assert "step 4 of 4: loss " in done.stderr
    assert type(load_network(out / "small.toml")).__name__ == "Clean"
    assert "small" not in card_names()

    again = mfrec_says("train", card, "--data", stills, "-o", out)
    assert again.exit_code == 2
    assert "add --resume to go on with it, --fresh to replace it" in again.stderr
    finished = mfrec_says("train", card, "--data", stills, "-o", out, "--resume", "--json")
    assert finished.exit_code == 0, finished.stderr
    assert json.loads(finished.stdout)["sha256"] == found.sha256
    fresh = mfrec_says("train", card, "--data", stills, "-o", out, "--fresh", "--steps", 2, "--json")
    assert fresh.exit_code == 0, fresh.stderr
    assert json.loads(fresh.stdout)["sha256"] != found.sha256


def test_a_training_begins_with_the_weights_of_another(card: Path, stills: Path, tmp_path: Path) -> None:
    first, slow = tmp_path / "first", tmp_path / "slow.toml"
    assert mfrec_says("train", card, "--data", stills, "-o", first, "--steps", 2).exit_code == 0
    slow.write_text(CARD.replace("1e-3", "1e-12"))
    done = mfrec_says("train", slow, "--data", stills, "-o", tmp_path / "next", "--start", first / "small.toml")
    assert done.exit_code == 0, done.stderr
    before, after = (
        read_state(read_card(path), path.parent) for path in (first / "small.toml", tmp_path / "next" / "slow.toml")
    )
    assert all(np.allclose(value, after[name], atol=1e-6) for name, value in before.items())
    told = read_card(tmp_path / "next" / "slow.toml").training
    assert "begun with the weights 'small'" in told
    assert "which were: 2 steps of 2 samples" in told

    other = tmp_path / "other.toml"
    other.write_text(CARD.replace("channels = [4, 4, 4, 4]", "channels = [4, 4, 4, 8]"))
    refused = mfrec_says("train", other, "--data", stills, "-o", tmp_path / "no", "--start", first / "small.toml")
    assert refused.exit_code == 4
    assert "cannot begin with the weights of 'small'" in refused.stderr
    assert not (tmp_path / "no").exists()


EYES = """net = "gaze"
file = "eyes.safetensors"
summary = "s"
paper = "p"
licence = "l"
input = "i"

[arguments]
width = 0.05

[recipe]
task = "gaze"
steps = 3
batch = 2
learning_rate = 1e-3
schedule = "cyclic"
cycles = 1
validation = 3

[recipe.losses]
euclidean = 1.0

[recipe.data]
length = 3
"""


def test_a_task_that_draws_its_samples_needs_no_data(stills: Path, tmp_path: Path) -> None:
    card = tmp_path / "eyes.toml"
    card.write_text(EYES)
    out = tmp_path / "out"
    refused = mfrec_says("train", card, "--data", stills, "-o", out)
    assert refused.exit_code == 2 and "leave out --data" in refused.stderr
    done = mfrec_says("train", card, "-o", out, "--device", "cpu")
    assert done.exit_code == 0, done.output
    written = read_card(out / "eyes.toml")
    assert 0 < float(written.metrics["gaze_degrees"]) < 90 and written.metrics["samples"] == 3
    assert "on samples that were drawn; no pictures of anybody" in written.training
    assert load_network(out / "eyes.toml").fc3.out_features == 2


PARSER = """net = "bisenet"
file = "small.safetensors"
summary = "s"
paper = "p"
licence = "l"
input = "i"

[arguments]
width = 8

[recipe]
task = "parser"
steps = 2
batch = 2
learning_rate = 1e-3
validation = 2
average = 0.0
frozen = ["encoder.features.0."]

[recipe.losses]
parsing = 1.0

[recipe.data]
side = 48
"""


def test_a_parser_begins_with_an_encoder_and_leaves_alone_what_is_frozen(tmp_path: Path) -> None:
    from mfrec.train.fastai_import import import_torchvision

    import_torchvision()
    from torchvision.models import mobilenet_v2

    torch.manual_seed(0)
    encoder, card = tmp_path / "encoder.pth", tmp_path / "small.toml"
    begin = mobilenet_v2().state_dict()
    torch.save(begin, encoder)
    card.write_text(PARSER)
    faces = write_portraits(tmp_path / "faces", 12)
    done = mfrec_says("train", card, "--data", faces, "-o", tmp_path / "out", "--start", encoder)
    assert done.exit_code == 0, done.stderr
    trained = read_card(tmp_path / "out" / "small.toml")
    assert "of its encoder 'encoder.pth'" in trained.training
    assert 0 <= float(trained.metrics["iou"]) <= 1
    state = read_state(trained, tmp_path / "out")

    def moved(name: str) -> float:
        return float(np.abs(state[f"encoder.{name}"].astype(np.float32) - begin[name].numpy()).max())

    assert moved("features.0.0.weight") < 1e-3 < 2 * moved("features.5.conv.0.0.weight")

    other = tmp_path / "other.toml"
    other.write_text(PARSER.replace("features.0.", "features.99."))
    refused = mfrec_says("train", other, "--data", faces, "-o", tmp_path / "no", "--start", encoder)
    assert refused.exit_code == 2
    assert "freezes 'encoder.features.99.'" in refused.stderr


def test_an_encoder_for_a_network_without_one_is_refused(card: Path, stills: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "encoder.pth")
    refused = mfrec_says("train", card, "--data", stills, "-o", tmp_path / "o", "--start", tmp_path / "encoder.pth")
    assert refused.exit_code == 4
    assert "has no encoder that 'encoder.pth' could be for" in refused.stderr
    parser = tmp_path / "parser.toml"
    parser.write_text(PARSER)
    faces = write_portraits(tmp_path / "faces", 12)
    refused = mfrec_says("train", parser, "--data", faces, "-o", tmp_path / "o", "--start", tmp_path / "encoder.pth")
    assert refused.exit_code == 4
    assert "does not hold the weights of torchvision's mobilenet_v2" in refused.stderr


def test_data_of_another_training_are_noticed(card: Path, stills: Path, portrait: FloatArray, tmp_path: Path) -> None:
    import shutil

    from mfrec.imageio import png_bytes

    moved = Path(shutil.copytree(stills, tmp_path / "moved"))
    assert mfrec_says("train", card, "--data", stills, "-o", tmp_path / "out", "--steps", 1).exit_code == 0
    assert mfrec_says("train", card, "--data", moved, "-o", tmp_path / "out", "--resume").exit_code == 0
    (moved / "00.png").write_bytes(png_bytes(portrait[:65, :65]))
    other = mfrec_says("train", card, "--data", moved, "-o", tmp_path / "out", "--resume")
    assert other.exit_code == 2
    assert "another recipe, network, data" in other.stderr


def test_two_phases_the_second_beginning_with_the_first(stills: Path, tmp_path: Path) -> None:
    first = enlarging(tmp_path, "first")
    done = mfrec_says("train", first, "--data", stills, "-o", tmp_path / "one", "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    begun = tmp_path / "one" / "first.toml"
    second = enlarging(tmp_path, "second", OPPONENT, start=str(begun))
    done = mfrec_says("train", second, "--data", stills, "-o", tmp_path / "two", "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    card = read_card(tmp_path / "two" / "second.toml")
    assert card.objective == "adversarial"
    assert "begun with the weights 'first'" in card.training
    assert set(load_checkpoint(tmp_path / "two").adversary) == {"network", "optimiser"}
    states = [read_state(read_card(path), path.parent) for path in (begun, tmp_path / "two" / "second.toml")]
    drift = np.abs(states[0]["last.weight"].astype(float) - states[1]["last.weight"].astype(float)).max()
    assert 0 < drift < 0.05  # it went on from there, and learnt


def test_a_grey_network_is_trained_and_measured(stills: Path, tmp_path: Path) -> None:
    card = enlarging(tmp_path, "grey", net="enhance", arguments="features = 4\nblocks = 1", grey="true")
    done = mfrec_says("train", card, "--data", stills, "-o", tmp_path / "out", "--device", "cpu")
    assert done.exit_code == 0, done.stderr
    metrics = read_card(tmp_path / "out" / "grey.toml").metrics
    assert {"psnr", "ssim", "psnr_bicubic", "ssim_bicubic"} <= set(metrics)


@pytest.mark.parametrize(("opponent", "objective"), [(OPPONENT, "fidelity"), ("", "adversarial")])
def test_a_card_that_hides_its_discriminator_is_refused(
    stills: Path, tmp_path: Path, opponent: str, objective: str
) -> None:
    card = enlarging(tmp_path, "hidden", opponent, objective=objective)
    said = mfrec_says("train", card, "--data", stills, "-o", tmp_path / "out")
    assert said.exit_code == 2
    assert "the two belong together" in said.stderr
    assert not (tmp_path / "out").exists()


def test_only_a_network_that_can_begins_as_interpolation(card: Path, stills: Path, tmp_path: Path) -> None:
    card.write_text(CARD.replace("steps = 4", 'steps = 4\ninitial = "interpolation"'))
    said = mfrec_says("train", card, "--data", stills, "-o", tmp_path / "out")
    assert said.exit_code == 2
    assert "cannot begin as interpolation" in said.stderr


@pytest.mark.parametrize(
    ("old", "new", "arguments", "code", "message"),
    [
        ("task = ", "task_ = ", (), 2, "unknown key 'task_'; did you mean 'task'"),
        ('task = "clean"', 'task = "cleen"', (), 2, "no known task 'cleen'; did you mean 'clean'"),
        ("charbonnier", "charbonier", (), 2, "no loss 'charbonier'; did you mean 'charbonnier'"),
        ("side = 48", "side = 49", (), 2, "multiple of 8"),
        ("side = 48", "size = 48", (), 2, "no argument 'size'; did you mean 'side'"),
        ("channels", "chanels", (), 4, "do not fit its network"),
        ("[recipe]", "[recipy]", (), 4, "unknown key 'recipy'; did you mean 'recipe'"),
        ("x", "x", ("--device", "gpu"), 2, "no device 'gpu'"),
        ("x", "x", ("--resume",), 2, "no training to go on with"),
        ("x", "x", ("--steps", "0"), 2, "cannot train for 0 steps"),
        ("x", "x", ("--minutes", "0"), 2, "minutes; expected more than none"),
        ("x", "x", ("--minutes", "1", "--steps", "1"), 2, "choose one"),
        ("x", "x", ("--threads", "0"), 2, "threads"),
        ("x", "x", ("--workers", "-1"), 2, "workers"),
    ],
)
def test_what_cannot_be_is_refused(
    card: Path, stills: Path, tmp_path: Path, *, old: str, new: str, arguments: tuple[str, ...], code: int, message: str
) -> None:
    card.write_text(CARD.replace(old, new))
    done = mfrec_says("train", card, "--data", stills, "-o", tmp_path / "out", *arguments)
    assert done.exit_code == code, done.output
    assert message in done.stderr
    assert not (tmp_path / "out" / CHECKPOINT).exists()


def test_names_and_folders_that_do_not_exist(card: Path, stills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    unknown = mfrec_says("train", "nothing", "--data", stills, "-o", out)
    assert (unknown.exit_code, "known cards are" in unknown.stderr) == (4, True)
    missing = mfrec_says("train", card, "--data", tmp_path / "none", "-o", out)
    assert missing.exit_code == 3
    (tmp_path / "empty").mkdir()
    assert mfrec_says("train", card, "--data", tmp_path / "empty", "-o", out).exit_code == 3
    assert mfrec_says("train", card, "-o", out).exit_code == 2
    assert mfrec_says("train", "mtcnn", "--data", stills, "-o", out).exit_code == 2
    assert not out.exists()


def test_two_trainings_into_one_folder(card: Path, stills: Path, tmp_path: Path) -> None:
    words = ("train", card, "--data", stills, "-o", tmp_path / "out", "--device", "cpu", "--fresh")
    with alone(tmp_path / "out"):
        (tmp_path / "out" / CHECKPOINT).write_bytes(b"theirs")
        second = mfrec_says(*words)
        assert second.exit_code == 2 and "another training works in" in second.stderr
        assert (tmp_path / "out" / CHECKPOINT).read_bytes() == b"theirs"
    with alone(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_asked_to_stop_it_leaves_a_checkpoint_and_says_how_to_go_on(
    card: Path, stills: Path, tmp_path: Path, number: int, code: int
) -> None:
    out = tmp_path / "out"
    words = ("train", card, "--data", stills, "-o", out, "--threads", "1", "--steps", "100000")
    child = Forked(main, words, tmp_path / "says")
    give_up = time.monotonic() + 240
    while not (out / CHECKPOINT).exists() and child.running() and time.monotonic() < give_up:
        time.sleep(0.02)
    time.sleep(1.0)
    child.send_signal(number)
    assert child.wait(120) == code, child.said
    assert "the same command with --resume goes on" in child.said
    assert "Traceback" not in child.said
    assert 0 < load_checkpoint(out).step < 100000
    assert not (out / "small.toml").exists()


@pytest.mark.slow
def test_two_processes_share_the_work_and_one_writes(card: Path, stills: Path, tmp_path: Path) -> None:
    """As ``accelerate launch --multi_gpu`` starts them (it calls the same launcher), but on the processor."""
    out = tmp_path / "out"
    common = ["train", str(card), "--data", str(stills), "--device", "cpu", "--steps", "6"]
    card.write_text(CARD.replace("batch = 2", "batch = 1\nbfloat16 = false"))
    child = Forked(launch_two, [*common, "-o", out], tmp_path / "says")
    assert child.wait(400) == 0, child.said[-3000:]
    assert child.printed.count(str(out / "small.toml")) == 1
    assert mfrec_says(*common, "-o", tmp_path / "half").exit_code == 0
    card.write_text(CARD.replace("batch = 2", "batch = 2\nbfloat16 = false"))
    assert mfrec_says(*common, "-o", tmp_path / "one").exit_code == 0

    two, one, half = (read_state(read_card(o / "small.toml"), o) for o in (out, tmp_path / "one", tmp_path / "half"))

    def apart(other: Mapping[str, NDArray]) -> float:
        return float(np.mean([np.abs(two[k].astype(float) - other[k].astype(float)).mean() for k in two]))

    # One process with all the samples does the same but for rounding; with half of them it does not.
    assert apart(one) < 0.1 * apart(half)


def test_a_batch_whose_scenes_have_other_numbers_of_frames_is_refused() -> None:
    stream = SceneStream(few_pictures(), 0, small_clean(), side=48)
    for batch in (1, 4, 8):
        check_together(stream, batch)
    with pytest.raises(UsageError, match=r"batch is 3, and only 8 .* set together = 3"):
        check_together(stream, 3)


def test_a_folder_whose_name_is_no_text_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    place = tmp_path / os.fsdecode(b"out\xff")
    with pytest.raises(UsageError, match="is no UTF-8"), alone(place):
        pass
    assert not place.exists()
