"""Tasks by name: a recipe's arguments reach the stream, and nothing that is wrong is ignored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from few_pictures import face, moving, write_labelled
from labelled_portraits import write_portraits
from safetensors.torch import save_file
from small_networks import small_clean
from torch.utils.data import default_collate

from mfrec.errors import InputError, UsageError, WeightsError
from mfrec.imageio import png_bytes
from mfrec.imageio.sequences import chosen_person
from mfrec.train.data.pictures import VALIDATION
from mfrec.train.streams.stream import ENDLESS, Stream
from mfrec.train.tasks import STREAMS, TASKS, VALIDATION_SAMPLES

CARD = """net = "clean"
file = "small.safetensors"
summary = "s"
paper = "p"
licence = "l"
input = "i"
origin = "o"
training = "t"
sha256 = "{}"

[arguments]
channels = [8, 8, 8, 8]
encoder = [1, 1, 1, 1]
decoder = [1, 1, 1]
"""


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sequence of somebody to train on, and one of somebody to validate with."""
    root = tmp_path_factory.mktemp("sequences")
    people = [f"person {n}" for n in range(20)]
    both = [next(p for p in people if chosen_person(p, VALIDATION) == held_out) for held_out in (False, True)]
    for number, start in enumerate((0, 3)):
        folder = root / f"seq_{number}"
        folder.mkdir()
        for k, picture in enumerate(moving(7)):
            (folder / f"{k}.png").write_bytes(png_bytes(picture if start == 0 else picture[:, ::-1]))
    rows = "".join(f"seq_{number},{person}\n" for number, person in enumerate(both))
    (root / "sequences.csv").write_text(f"seq,person\n{rows}", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small cleaning network with random weights, as ``mfrec train`` would leave it."""
    folder = tmp_path_factory.mktemp("card")
    save_file(small_clean().state_dict(), folder / "small.safetensors")
    digest = hashlib.sha256((folder / "small.safetensors").read_bytes()).hexdigest()
    (folder / "small.toml").write_text(CARD.format(digest), encoding="utf-8")
    return folder / "small.toml"


def made(task: str, folder: Path, split: Any, card: Path, **arguments: Any) -> Stream:
    """The stream of a task with small samples."""
    own = {"clean": str(card), "pool": 4} if task == "fusion" else {}
    return TASKS[task]([folder], 3, split, {"side": 48, **own, **arguments})


@pytest.mark.parametrize("task", STREAMS)
def test_training_has_no_end_and_validation_has_one(task: str, sequences: Path, card: Path) -> None:
    assert len(made(task, sequences, "train", card)) == ENDLESS
    assert len(made(task, sequences, "train", card, length=5)) == ENDLESS
    assert len(made(task, sequences, "valid", card, length=5)) == 5
    assert len(made(task, sequences, "valid", card)) == VALIDATION_SAMPLES


@pytest.mark.parametrize("task", STREAMS)
def test_samples_are_repeatable_and_make_batches(task: str, sequences: Path, card: Path) -> None:
    first, second = (made(task, sequences, "train", card) for _ in range(2))
    samples = [first[index] for index in (2, 0)]
    for index, (inputs, wanted) in zip((2, 0), samples, strict=True):
        again, wanted_again = second[index]
        assert isinstance(inputs, tuple)
        assert all(torch.equal(a, b) for a, b in zip(inputs, again, strict=True))
        assert torch.equal(wanted["truth"], wanted_again["truth"])
        assert wanted["truth"].dtype == torch.float32
    _, wanted = default_collate(samples)
    assert wanted["truth"].shape == (2, 3, 48, 48)


def test_the_splits_show_different_people(sequences: Path, card: Path) -> None:
    """The one who validates looks the other way."""
    for task in ("clean", "frames"):
        train, valid = (made(task, sequences, split, card) for split in ("train", "valid"))
        assert not torch.equal(train[0][1]["truth"], valid[0][1]["truth"])


@pytest.mark.parametrize("task", STREAMS)
def test_what_is_wrong_with_an_argument_is_said(task: str, sequences: Path, card: Path) -> None:
    with pytest.raises(UsageError, match=f"the task '{task}' has no argument 'sides'; did you mean 'side'"):
        made(task, sequences, "train", card, sides=64)
    with pytest.raises(UsageError, match=f"the task '{task}': 'points' is 'no'; expected true or false"):
        made(task, sequences, "train", card, points="no")
    with pytest.raises(UsageError, match="side is 30"):
        made(task, sequences, "train", card, side=30)


def test_the_fusion_cleans_with_the_network_that_it_is_told(sequences: Path, card: Path) -> None:
    stream = made("fusion", sequences, "valid", card, length=2)
    assert [stream[k][0][0].shape for k in range(2)] == [(31, 8, 48, 48), (7, 8, 48, 48)]
    with pytest.raises(WeightsError, match="no card 'nobody'"):
        TASKS["fusion"]([sequences], 0, "train", {"clean": "nobody"})


def test_labelled_frames_serve_two_tasks_and_the_others_say_so(tmp_path: Path, card: Path) -> None:
    for number in range(8):
        write_labelled(tmp_path / f"{number}")
    for task in ("frames", "fusion"):
        (first, *_), wanted = made(task, tmp_path, "train", card, side=128)[0]
        assert first.shape[0] == 7
        assert wanted["truth"].shape == (3, 128, 128)
    for task in ("clean", "finetune", "crossover"):
        with pytest.raises(InputError, match=f"the task '{task}' spoils good pictures.*frames, fusion"):
            made(task, tmp_path, "train", card)


def test_stills_serve_every_task_that_spoils_pictures(tmp_path: Path, card: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.png").write_bytes(png_bytes(face(number, number, 128)))
    for task in STREAMS:
        assert made(task, tmp_path, "train", card)[0][1]["truth"].shape == (3, 48, 48)


def test_eyes_are_drawn_and_need_no_pictures(tmp_path: Path) -> None:
    train, valid = (TASKS["gaze"]([], 3, split, {"length": 2}) for split in ("train", "valid"))
    assert (len(train), len(valid)) == (ENDLESS, 2)
    (eye,), wanted = train[0]
    assert (eye.shape, wanted["gaze"].shape) == ((3, 48, 80), (2,))
    assert torch.equal(eye, TASKS["gaze"]([], 3, "train", {})[0][0][0])
    assert not torch.equal(eye, valid[0][0][0]), "nothing is validated on that was learnt from"
    with pytest.raises(UsageError, match="draws its own eyes and reads no pictures; leave out --data"):
        TASKS["gaze"]([tmp_path], 3, "train", {})
    with pytest.raises(UsageError, match="the task 'gaze' has no argument 'side'"):
        TASKS["gaze"]([], 3, "train", {"side": 48})


def test_the_parser_learns_from_faces_with_labels(tmp_path: Path) -> None:
    folder = write_portraits(tmp_path / "faces", 12)
    train, valid = (TASKS["parser"]([folder], 0, split, {"side": 48}) for split in ("train", "valid"))
    assert len(train) == ENDLESS and 0 < len(valid) <= 24
    (image,), wanted = train[3]
    assert image.shape == (3, 48, 48) and wanted["labels"].shape == (48, 48)
    with pytest.raises(UsageError, match="the task 'parser' has no argument 'sides'"):
        TASKS["parser"]([folder], 0, "train", {"sides": 48})


def test_portraits_are_cut_out_of_the_pictures_of_those_who_train(sequences: Path) -> None:
    train = TASKS["portraits"]([sequences], 3, "train", {"side": 16, "latent": 4})
    valid = TASKS["portraits"]([sequences], 3, "valid", {"side": 16, "latent": 4})
    assert train[0][1]["truth"].shape == (3, 16, 16)
    assert len(valid) == VALIDATION_SAMPLES
    with pytest.raises(UsageError, match="the task 'portraits' has no argument 'sides'; did you mean 'side'"):
        TASKS["portraits"]([sequences], 3, "train", {"sides": 16})
