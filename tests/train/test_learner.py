"""Training: it learns, it stops and goes on to the same bits, and it refuses to go on with something else."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
import tiny_training
import torch
from forked import Forked
from tiny_network import Tiny
from tiny_training import STEPS, training
from torch import Tensor

from mfrec.cards.load import Card
from mfrec.errors import UsageError
from mfrec.train.callbacks import Round
from mfrec.train.checkpoint import CHECKPOINT, load_checkpoint
from mfrec.train.learner import BOARD, Trained, initial_network, train


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    """Whether two networks hold the same bits."""
    states = a.state_dict(), b.state_dict()
    return states[0].keys() == states[1].keys() and all(torch.equal(states[0][k], states[1][k]) for k in states[0])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, list[Round], list[tuple[str, int, int]], Path]:
    """A training that nobody disturbed: the result, its rounds, its progress, its folder."""
    folder = tmp_path_factory.mktemp("whole")
    rounds: list[Round] = []
    seen: list[tuple[str, int, int]] = []
    done = train(
        training(), folder, report=rounds.append, progress=lambda name, step, total: seen.append((name, step, total))
    )
    return done, rounds, seen, folder


def test_it_learns(whole: tuple[Trained, list[Round], list[Any], Path]) -> None:
    done, rounds, _, _ = whole
    untrained = training().network
    assert not same(done.network, untrained)
    assert rounds[-1].validation_loss < rounds[0].validation_loss
    assert rounds[-1].psnr > rounds[0].psnr
    assert not done.network.training
    assert not any(parameter.requires_grad for parameter in done.network.parameters())


def test_every_step_and_every_round_is_told(whole: tuple[Trained, list[Round], list[Any], Path]) -> None:
    done, rounds, seen, _ = whole
    assert seen == [("train", step, STEPS) for step in range(1, STEPS + 1)]
    assert [r.step for r in rounds] == list(range(3, STEPS + 1, 3))
    assert done.history == [r._asdict() for r in rounds]
    assert f"step 3 of {STEPS}: loss " in rounds[0].text()
    assert " dB, " in rounds[0].text()


def test_tensorboard_gets_scalars_and_pictures(whole: tuple[Trained, list[Round], list[Any], Path]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(whole[3] / BOARD))
    events.Reload()
    tags = events.Tags()
    terms = {"loss", "charbonnier", "mse", "learning_rate", "samples_per_second"}
    assert {f"train/{term}" for term in terms} | {"validation/loss", "validation/psnr"} <= set(tags["scalars"])
    assert len(events.Scalars("validation/psnr")) == 10
    picture = events.Images("input, made, truth/0")[-1]
    assert (picture.height, picture.width) == (34, 3 * 34)


def test_two_trainings_end_with_the_same_bits(
    whole: tuple[Trained, list[Round], list[Any], Path], tmp_path: Path
) -> None:
    assert same(train(training(), tmp_path).network, whole[0].network)


@pytest.mark.parametrize("at", [1, 3, 10, 29])
def test_stopped_and_resumed_it_ends_with_the_same_bits(
    whole: tuple[Trained, list[Round], list[Any], Path], tmp_path: Path, at: int
) -> None:
    count = iter(range(1, STEPS + 1))
    stopped = train(training(), tmp_path, stop=lambda: next(count) == at)
    assert (stopped.step, stopped.total) == (at, STEPS)
    assert load_checkpoint(tmp_path).step == at
    resumed = train(training(), tmp_path, resume=True)
    assert (resumed.step, resumed.total) == (STEPS, STEPS)
    assert same(resumed.network, whole[0].network)
    assert [row["step"] for row in resumed.history] == [row["step"] for row in whole[0].history]
    for figure in ("psnr", "loss"):  # patience goes by the loss
        assert [row[figure] for row in resumed.history] == [row[figure] for row in whole[0].history]
    assert resumed.seconds > stopped.seconds


def test_a_finished_training_is_resumed_to_itself(
    whole: tuple[Trained, list[Round], list[Any], Path], tmp_path: Path
) -> None:
    done = train(training(), tmp_path)
    again = train(training(), tmp_path, resume=True)
    assert again.step == STEPS
    assert same(again.network, done.network)
    assert same(again.network, whole[0].network)


def reached(training: Forked, least: int) -> bool:
    """Whether a training has said that it has done so many steps."""
    lines = training.printed.splitlines()
    return len(lines) > 1 and int(lines[-2].split()[0]) >= least  # the last line may be half written


def test_killed_and_resumed_as_a_process_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL wherever it hits: in the data, in a step, or in the writing of a checkpoint, which follows every step.
    A discriminator learns beside the network, so all that a checkpoint may hold has to come back."""
    whole = Forked(tiny_training.main, [tmp_path / "whole"], tmp_path / "whole says")
    killed = tmp_path / "killed"
    steps = []
    for least in (5, 17):
        resume = ["--resume"] if steps else []
        child = Forked(tiny_training.main, [killed, "--slow", *resume], tmp_path / f"killed after {least}")
        give_up = time.monotonic() + 240
        while child.running() and not reached(child, least) and time.monotonic() < give_up:
            time.sleep(0.002)
        time.sleep(0.003 * least)
        child.send_signal(signal.SIGKILL)
        assert child.wait(60) == -signal.SIGKILL, child.said
        assert not (killed / "weights.safetensors").exists()
        steps.append(load_checkpoint(killed).step)
    assert 0 < steps[0] < steps[1] < STEPS
    last = Forked(tiny_training.main, [killed, "--resume"], tmp_path / "last says")
    assert (whole.wait(300), last.wait(300)) == (0, 0), whole.said + last.said
    assert (killed / "weights.safetensors").read_bytes() == (tmp_path / "whole" / "weights.safetensors").read_bytes()


def test_minutes_become_steps_before_the_first_one(tmp_path: Path) -> None:
    began = time.monotonic()
    done = train(training(seconds=0.01), tmp_path, minutes=0.05, stop=lambda: time.monotonic() - began > 60)
    # A sample takes 10 ms, so 3 s are at most 150 steps of two.
    assert 1 <= done.total <= 150
    assert done.step == done.total
    assert load_checkpoint(tmp_path).total == done.total


def test_another_training_is_not_gone_on_with(tmp_path: Path) -> None:
    from dataclasses import replace

    train(replace(training(), identity="a"), tmp_path, steps=2)
    with pytest.raises(UsageError, match="another recipe, network, data"):
        train(replace(training(), identity="b"), tmp_path, resume=True)
    with pytest.raises(UsageError, match="has 2 steps"):
        train(replace(training(), identity="a"), tmp_path, resume=True, steps=3)
    with pytest.raises(UsageError, match="leave out --resume"):
        train(training(), tmp_path / "none", resume=True)


@pytest.mark.parametrize("length", [{"steps": 0}, {"minutes": 0.0}, {"steps": 5, "minutes": 1.0}])
def test_lengths_that_cannot_be(length: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot train for|choose one"):
        train(training(), tmp_path, **length)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise UsageError("cannot write the checkpoint")

    monkeypatch.setattr("mfrec.train.callbacks.save_checkpoint", full)
    with pytest.raises(UsageError) as raised:
        train(training(), tmp_path, steps=1)
    assert str(raised.value) == "cannot write the checkpoint"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="cannot make the folder"):
        train(training(), tmp_path / "file" / "out", steps=1)


def test_a_loss_that_is_no_number_ends_it_with_the_checkpoint_whole(tmp_path: Path) -> None:
    class Breaks(Tiny):
        calls = 0

        def forward(self, image: Tensor) -> Tensor:
            if self.training:
                Breaks.calls += 1
            return super().forward(image) * (float("nan") if Breaks.calls > 4 else 1.0)

    from dataclasses import replace

    with pytest.raises(UsageError, match=r"no longer a number at step 4.*learning_rate"):
        train(replace(training(), network=Breaks()), tmp_path, checkpoint_every=0.0)
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.step == 4
    assert all(torch.isfinite(value).all() for value in checkpoint.network.values())
    assert [path.name for path in sorted(tmp_path.iterdir())] == [CHECKPOINT, BOARD]


@pytest.mark.parametrize(("bfloat16", "able"), [(True, True), (True, False), (False, True)])
def test_precision_is_the_recipes_choice_where_the_device_has_it(
    bfloat16: bool, able: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfrec.train.learner.computes_bfloat16", lambda device: able)
    kinds = set()

    class Watched(Tiny):
        def forward(self, image: Tensor) -> Tensor:
            kinds.add((self.training, self.hidden(image).dtype))
            return super().forward(image)

    from dataclasses import replace

    train(replace(training(bfloat16=bfloat16), network=Watched()), tmp_path, steps=1)
    # Validation is in float32, as the network is used.
    assert kinds == {(True, torch.bfloat16 if bfloat16 and able else torch.float32), (False, torch.float32)}


def test_initial_weights_belong_to_the_seed() -> None:
    card = Card("x", "finetune", "x.safetensors", "s", "p", "l", "i")
    before = torch.random.get_rng_state()
    first, again, other = (initial_network(card, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert same(first, again)
    assert not same(first, other)
