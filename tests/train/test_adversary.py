"""Two networks that learn from each other: the losses are the papers', and a training stops and goes on to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from tiny_training import ADVERSARIAL, training
from torch import Tensor, nn

from mfrec.errors import UsageError
from mfrec.train.adversary import AdversarialRecipe, Adversary, Judged
from mfrec.train.checkpoint import load_checkpoint
from mfrec.train.learner import BOARD, train
from mfrec.train.recipe import parse_table

ESRGAN = {
    "discriminator": "relativistic_discriminator",
    "arguments": {"features": 2, "hidden": 4},
    "weight": 1e-2,
    "learning_rate": 1e-3,
    "relativistic": True,
    "first": "generator",
}
TOGETHER = {key: ADVERSARIAL[key] for key in ("discriminator", "arguments", "weight", "learning_rate")}
WAYS = {"srgan": ADVERSARIAL, "enhance": TOGETHER, "esrgan": ESRGAN}
STEPS = 4


class Scores(nn.Module):
    """A "discriminator" whose logit is the mean of the picture times one learnt number."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.5))

    def forward(self, image: Tensor) -> Tensor:
        return self.factor * image.mean(dim=(1, 2, 3))


def adversary(**changes: Any) -> Adversary:
    """One with :class:`Scores` in the place of its discriminator."""
    made = Adversary(AdversarialRecipe(**{**TOGETHER, **changes}), 0)
    made.network = Scores()
    made.optimiser = torch.optim.SGD(made.network.parameters(), 0.1)
    return made


def pictures(seed: int, shift: float = 0.0) -> Tensor:
    return torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) + shift


def bits(trained: Any) -> dict[str, Tensor]:
    """Every number of both networks of a training that ended."""
    return dict(trained.network.state_dict())


def test_the_generator_s_loss_is_minus_log_d() -> None:
    made = pictures(1).requires_grad_()
    opponent = adversary()
    loss = opponent.persuasion(pictures(0), made)
    assert loss.item() == pytest.approx(float(-torch.log(torch.sigmoid(1.5 * made.mean((1, 2, 3)))).mean()), rel=1e-5)
    loss.backward()
    assert made.grad is not None
    assert (made.grad != 0).all()
    assert all(parameter.grad is None for parameter in opponent.network.parameters())


def test_the_relativistic_average_is_esrgan_s() -> None:
    real, made = pictures(0, 0.5), pictures(1)
    opponent = adversary(relativistic=True)
    c_real, c_made = (1.5 * x.mean((1, 2, 3)) for x in (real, made))
    d_real, d_made = torch.sigmoid(c_real - c_made.mean()), torch.sigmoid(c_made - c_real.mean())
    expected = -torch.log(1 - d_real).mean() - torch.log(d_made).mean()
    assert opponent.persuasion(real, made).item() == pytest.approx(float(expected), rel=1e-5)
    opponent.teach(real, made, 0.1)
    found = opponent.figures()
    assert found["loss_real"] == pytest.approx(float(-torch.log(d_real).mean()), rel=1e-5)
    assert found["loss_made"] == pytest.approx(float(-torch.log(1 - d_made).mean()), rel=1e-5)


def test_only_the_discriminator_learns_when_it_is_taught() -> None:
    real, made = pictures(0, 1.0).requires_grad_(), pictures(1, -1.0).requires_grad_()
    opponent = adversary()
    before = float(opponent.persuasion(real, made))
    opponent.teach(real, made, 0.1)
    assert real.grad is None
    assert made.grad is None
    assert float(opponent.persuasion(real, made)) > before  # made pictures persuade it less than they did


def test_separate_updates_see_the_first_one() -> None:
    """The made pictures are judged by what the real ones have taught already, and no other way."""
    real, made = pictures(0, 1.0), pictures(1, 1.0)
    together, apart = adversary(), adversary(updates="separate")
    together.teach(real, made, 0.1)
    apart.teach(real, made, 0.1)
    losses = [opponent.figures() for opponent in (together, apart)]
    assert losses[0]["loss_real"] == losses[1]["loss_real"]
    assert losses[0]["loss_made"] < losses[1]["loss_made"]


def test_label_noise_comes_from_torch_s_seed_and_stays_between_its_ends() -> None:
    logits = torch.zeros(200_000)
    noisy = adversary(real_labels=(0.7, 1.0), made_labels=(0.0, 0.3))
    torch.manual_seed(5)
    first = noisy.entropy(logits + 3, (0.7, 1.0))
    torch.manual_seed(5)
    assert torch.equal(first, noisy.entropy(logits + 3, (0.7, 1.0)))
    labels = 0.85 * nn.functional.softplus(-torch.tensor(3.0)) + 0.15 * nn.functional.softplus(torch.tensor(3.0))
    assert float(first) == pytest.approx(float(labels), rel=0.02)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    noisy.entropy(logits, (1.0, 1.0))
    assert torch.equal(torch.get_rng_state(), before), "labels without noise draw nothing"


def test_scores_are_those_of_scikit_learn() -> None:
    truth = [1] * 6 + [0] * 5
    called = [1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    scores = Judged(right_real=4, real=6, right_made=4, made=5).scores()
    assert scores["accuracy"] == pytest.approx(accuracy_score(truth, called))
    assert scores["f1"] == pytest.approx(f1_score(truth, called))
    assert scores["recall"] == pytest.approx(recall_score(truth, called))
    assert scores["precision"] == pytest.approx(precision_score(truth, called))
    assert scores["specificity"] == pytest.approx(recall_score(truth, called, pos_label=0))


@pytest.mark.parametrize("way", WAYS)
def test_stopped_and_resumed_both_networks_end_with_the_same_bits(tmp_path: Path, way: str) -> None:
    whole = train(training(adversarial=WAYS[way], patience=0), tmp_path / "whole", steps=STEPS)
    count = iter(range(1, STEPS + 1))
    stopped = train(training(adversarial=WAYS[way]), tmp_path / "cut", steps=STEPS, stop=lambda: next(count) == 2)
    assert stopped.step == 2
    resumed = train(training(adversarial=WAYS[way]), tmp_path / "cut", resume=True)
    assert all(torch.equal(a, b) for a, b in zip(bits(whole).values(), bits(resumed).values(), strict=True))
    ends = [load_checkpoint(tmp_path / name) for name in ("whole", "cut")]
    states = [end.adversary["network"] for end in ends]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    moments = [end.adversary["optimiser"]["state"][0]["exp_avg"] for end in ends]
    assert torch.equal(*moments)
    steps = {"srgan": 2 * STEPS, "enhance": STEPS, "esrgan": STEPS}
    assert ends[1].adversary["optimiser"]["state"][0]["step"] == steps[way]


@pytest.mark.parametrize("way", ["enhance", "esrgan"])
def test_an_opponent_of_no_weight_changes_nothing(tmp_path: Path, way: str) -> None:
    alone = train(training(average=0.0), tmp_path / "alone", steps=STEPS)
    opposed = training(average=0.0, adversarial={**WAYS[way], "weight": 1e-30})
    both = train(opposed, tmp_path / "both", steps=STEPS)
    assert all(torch.equal(a, b) for a, b in zip(bits(alone).values(), bits(both).values(), strict=True))
    more = train(training(average=0.0, adversarial={**WAYS[way], "weight": 1.0}), tmp_path / "more", steps=STEPS)
    assert any(not torch.equal(a, b) for a, b in zip(bits(alone).values(), bits(more).values(), strict=True))


def test_another_batch_is_another(tmp_path: Path) -> None:
    """A step of SRGAN takes twice the samples; the generator's are the second half."""
    opposed = training(average=0.0, adversarial={**ADVERSARIAL, "weight": 1e-30})
    assert opposed.batch == 2 * opposed.recipe.batch
    seen: list[Tensor] = []
    opposed.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    train(opposed, tmp_path, steps=1)
    expected = [torch.stack([opposed.stream[i][0][0] for i in pair]) for pair in ((0, 1), (2, 3))]
    assert all(torch.equal(a, b) for a, b in zip(seen[:2], expected, strict=True))


def test_tensorboard_gets_both_sides(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(training(adversarial=ADVERSARIAL), tmp_path, steps=20)
    events = EventAccumulator(str(tmp_path / BOARD))
    events.Reload()
    judged = ("accuracy", "f1", "recall", "precision", "specificity", "loss_real", "loss_made", "learning_rate")
    tags = {*(f"discriminator/{name}" for name in judged), "train/adversarial", "train/charbonnier"}
    assert tags <= set(events.Tags()["scalars"])


def test_the_discriminator_has_its_own_learning_rate(tmp_path: Path) -> None:
    opposed = training(
        adversarial={**TOGETHER, "learning_rate": 2e-3, "milestones": [2]}, schedule="multi_step", milestones=[100]
    )
    train(opposed, tmp_path, steps=3)
    assert opposed.adversary is not None
    assert opposed.adversary.figures()["learning_rate"] == pytest.approx(1e-3)


def test_a_taught_discriminator_tells_noise_from_flat_pictures() -> None:
    opponent = Adversary(AdversarialRecipe("enhance_discriminator", 1.0, 5e-3, {"widths": [4, 4, 8, 8]}), 0)
    generator = torch.Generator().manual_seed(0)
    real, made = torch.rand(4, 1, 33, 36, generator=generator), torch.rand(4, 1, 1, 1, generator=generator)
    for _ in range(20):
        opponent.teach(real, made.expand(-1, -1, 33, 36), 5e-3)
    found = opponent.figures()
    assert found["loss_real"] + found["loss_made"] < 0.7
    assert found["accuracy"] > 0.6


def test_patience_ends_a_training_and_it_stays_ended(tmp_path: Path) -> None:
    ended = train(training(patience=2, min_delta=10.0), tmp_path)
    assert ended.step == ended.total == 9  # the first round is the best, two more bring nothing
    again = train(training(patience=2, min_delta=10.0), tmp_path, resume=True)
    assert again.step == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"discriminator": "srgan_discriminato"}, "did you mean 'srgan_discriminator'"),
        ({"wait": 1.0}, "unknown key 'wait'"),
        ({"weight": 0.0}, "'weight' 0.0"),
        ({"real_labels": [1.0, 0.7]}, "'real_labels' is"),
        ({"relativistic": True, "updates": "separate"}, "'updates' is joint"),
        ({"batches": "another", "first": "generator"}, "'batches' is 'another'"),
        ({"first": "both"}, "expected"),
        ({"betas": [0.9, 1.0]}, "'betas'"),
    ],
)
def test_what_is_wrong_is_refused_and_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_table(AdversarialRecipe, {**TOGETHER, **change}, "the table")


def test_what_is_needed_is_asked_for() -> None:
    with pytest.raises(UsageError, match="no 'learning_rate'"):
        parse_table(AdversarialRecipe, {"discriminator": "enhance_discriminator", "weight": 1.0}, "the table")


def test_arguments_that_the_discriminator_does_not_take() -> None:
    with pytest.raises(UsageError, match="arguments of the discriminator"):
        Adversary(AdversarialRecipe("srgan_discriminator", 1.0, 1e-3, {"side": 5}), 0)


R1 = {**TOGETHER, "r1": 0.5, "r1_every": 2, "augment": ["color", "translation", "cutout"]}


def test_r1_is_the_slope_on_real_pictures() -> None:
    """The logit of :class:`Scores` is ``a mean(x)``, so its slope squared is ``a^2`` over the number of values."""
    opponent = adversary(r1=3.0, r1_every=4)
    opponent.teach(pictures(0), pictures(1), 0.0, step=8)
    assert opponent.figures()["loss_r1"] == pytest.approx(4 * 1.5 * 1.5**2 / 75, rel=1e-5)
    opponent.teach(pictures(0), pictures(1), 0.0, step=9)
    assert "loss_r1" not in opponent.figures()


def test_r1_makes_the_discriminator_flatter() -> None:
    flat, steep = adversary(r1=100.0, r1_every=1), adversary()
    for opponent in (flat, steep):
        opponent.teach(pictures(0), pictures(1), 0.1)
    assert abs(float(flat.network.factor)) < abs(float(steep.network.factor))  # pyright: ignore[reportArgumentType]


def test_with_r1_and_changes_a_training_stops_and_goes_on_to_the_bit(tmp_path: Path) -> None:
    whole = train(training(adversarial=R1), tmp_path / "whole", steps=STEPS)
    count = iter(range(1, STEPS + 1))
    train(training(adversarial=R1), tmp_path / "cut", steps=STEPS, stop=lambda: next(count) == 1)
    resumed = train(training(adversarial=R1), tmp_path / "cut", resume=True)
    assert all(torch.equal(a, b) for a, b in zip(bits(whole).values(), bits(resumed).values(), strict=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"r1": -1.0}, "'r1' is -1.0"),
        ({"r1_every": 0}, "'r1_every' 0"),
        ({"r1": 1.0, "updates": "separate"}, "'r1' is for"),
        ({"augment": ["colour"]}, "'augment' has 'colour'; did you mean 'color'"),
    ],
)
def test_a_penalty_or_a_change_that_cannot_be_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_table(AdversarialRecipe, {**TOGETHER, **changes}, "the table")


def test_a_generator_without_a_loss_of_its_own_learns_from_its_discriminator_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'losses' is empty"):
        training(losses={})
    alone = training(losses={}, adversarial=R1)
    before = {name: value.clone() for name, value in alone.network.state_dict().items()}
    trained = train(alone, tmp_path, steps=2)
    assert any(not torch.equal(before[name], value) for name, value in bits(trained).items())
