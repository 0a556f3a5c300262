"""What happens around every step of a training, one concern a class.

fastai's ``Learner`` calls their methods by the names of its events, in the order of their attribute ``order``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mfrec.pipeline import Progress
from mfrec.train.adversary import Adversary
from mfrec.train.checkpoint import Checkpoint, save_checkpoint
from mfrec.train.fastai_import import Callback, CancelFitException
from mfrec.train.loaders import Place
from mfrec.train.recipe import TrainingRecipe
from mfrec.train.sheet import sheet
from mfrec.types import FloatArray

SHOWN = 4
"""Validation samples of which TensorBoard gets pictures."""


LOWEST = 1 / 25
"""Share of the largest learning rate at which a schedule begins."""


def learning_rate(recipe: TrainingRecipe, step: int, total: int) -> float:
    """The learning rate of a step by the recipe's schedule; the first step is 0, and ``total`` comes after the last."""
    position = step / total
    match recipe.schedule:
        case "one_cycle":
            share = one_cycle(recipe.warmup, position)
        case "cyclic":
            share = cyclic(recipe.cycles, position)
        case "triangular":
            share = triangular(recipe.cycles, position)
        case "multi_step":
            share = recipe.gamma ** sum(step >= milestone for milestone in recipe.milestones)
        case "constant":
            share = 1.0
    return recipe.learning_rate * share


def one_cycle(warmup: float, position: float) -> float:
    """Two cosines: up from :data:`LOWEST` to 1, down to a 100,000th.

    Smith and Topin, "Super-convergence", 2018, in fastai's form.
    """
    if position < warmup:
        return 1 - (1 - LOWEST) * (1 + math.cos(math.pi * position / warmup)) / 2
    fall = (position - warmup) / (1 - warmup)
    return 1e-5 + (1 - 1e-5) * (1 + math.cos(math.pi * fall)) / 2


def cyclic(cycles: int, position: float) -> float:
    """Triangles on :data:`LOWEST`, the first up to 1 and each half as high as the one before.

    Smith, "Cyclical learning rates for training neural networks", WACV 2017, policy "triangular2".
    """
    cycle = min(int(position * cycles), cycles - 1)
    within = position * cycles - cycle
    return LOWEST + (1 - LOWEST) * (1 - abs(2 * within - 1)) / 2**cycle


TRIANGLES, BASE = 5 / 6, 0.1
"""Of :func:`triangular`: the share of the steps in which it rises and falls, and the share at which it begins."""


def triangular(cycles: int, position: float) -> float:
    """Triangles from :data:`BASE` to 1 of equal height, then a line from :data:`BASE` to a tenth of that.

    Smith, WACV 2017, policy "triangular", with the end that the thesis on gaze gives it (80 and 16 epochs).
    """
    if position >= TRIANGLES:
        left = (1 - position) / (1 - TRIANGLES)
        return BASE * (0.1 + 0.9 * left)
    within = position / TRIANGLES * cycles % 1
    return BASE + (1 - BASE) * (1 - abs(2 * within - 1))


class Steps(Callback):
    """Counts the steps, and makes each a function of its number alone: its learning rate and its random draws.

    Because nothing random is carried from one step to the next, a training may stop and go on anywhere.
    """

    order = -5
    run_valid = False

    def __init__(self, place: Place, recipe: TrainingRecipe) -> None:
        self.place, self.recipe = place, recipe

    def before_batch(self) -> None:
        torch.manual_seed(self.recipe.seed << 31 | self.place.step)
        self.opt.set_hypers(lr=learning_rate(self.recipe, self.place.step, self.place.total))

    def after_batch(self) -> None:
        self.place.step += 1


class Opposed(Callback):
    """Lets a discriminator learn beside the network, and adds its judgement to the network's loss.

    On a step's own samples the discriminator is updated before or after the network, as its recipe says. With
    ``batches = "another"`` it takes the first half of the batch, enlarged by the network as it is used, and the network
    the second half.
    """

    order = 10  # within a step after Steps has seeded it
    run_valid = False

    def __init__(self, adversary: Adversary, place: Place, recipe: TrainingRecipe) -> None:
        self.adversary, self.place = adversary, place
        opponent = adversary.recipe
        self.rates = replace(
            recipe, learning_rate=opponent.learning_rate, milestones=opponent.milestones or recipe.milestones
        )
        self.first, self.halves = opponent.first, opponent.batches == "another"

    def before_batch(self) -> None:
        if not self.halves:
            return
        learner: Any = self.learn
        half = len(self.xb[0]) // 2
        inputs, wanted = [x[:half] for x in self.xb], self.yb[0]["truth"][:half]
        learner.xb = tuple(x[half:] for x in self.xb)
        learner.yb = ({name: value[half:] for name, value in self.yb[0].items()},)
        self.model.eval()
        with torch.no_grad():
            made = self.model(*inputs)["image"]
        self.model.train()
        self.teach(wanted, made)

    def after_pred(self) -> None:
        if self.first == "discriminator" and not self.halves:
            self.teach(self.yb[0]["truth"], self.pred["image"])

    def after_loss(self) -> None:
        learner: Any = self.learn
        term = self.adversary.persuasion(self.yb[0]["truth"], self.pred["image"])
        self.loss_func.latest["adversarial"] = term.detach()
        learner.loss_grad = self.loss_grad + self.adversary.recipe.weight * term
        learner.loss = learner.loss_grad.clone()

    def after_step(self) -> None:
        if self.first == "generator":
            self.teach(self.yb[0]["truth"], self.pred["image"])

    def teach(self, real: Tensor, made: Tensor) -> None:
        rate = learning_rate(self.rates, self.place.step, self.place.total)
        self.adversary.teach(real, made, rate, self.place.step)


class Average(Callback):
    """Keeps a moving average of the weights, and lends it to the network while that is validated.

    Attributes:
        values: the average by name; while it is lent, the weights themselves.
    """

    run_valid = True

    def __init__(self, network: nn.Module, decay: float, place: Place) -> None:
        self.network, self.decay, self.place = network, decay, place
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Take over the average of a checkpoint."""
        for name, value in self.values.items():
            value.copy_(values[name])

    def after_step(self) -> None:
        # A short memory at first, else the average would remember the initial weights for long.
        decay = min(self.decay, (1 + self.place.step) / (10 + self.place.step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)

    def before_validate(self) -> None:
        self._swap()

    def after_validate(self) -> None:
        self._swap()

    def _swap(self) -> None:
        for name, value in self.network.state_dict(keep_vars=True).items():
            value.data, self.values[name] = self.values[name], value.data


class Round(NamedTuple):
    """What one round of a training found.

    Attributes:
        step, total: updates done, and updates that there will be.
        loss: of the training, a moving mean.
        validation_loss: mean over the validation samples, of the averaged weights.
        psnr: likewise, in dB; NaN where the network makes no pictures.
        speed: training samples a second, of this process.
        seconds_left: until the last step at that speed.
    """

    step: int
    total: int
    loss: float
    validation_loss: float
    psnr: float
    speed: float
    seconds_left: float

    def text(self) -> str:
        """One line for people."""
        quality = f"validation {self.validation_loss:.4g}" + ("" if math.isnan(self.psnr) else f", {self.psnr:.2f} dB")
        left = f"{self.seconds_left / 60:.0f} min" if self.seconds_left >= 90 else f"{self.seconds_left:.0f} s"
        pace = f"{self.speed:.1f} samples/s, {left} left"
        return f"step {self.step} of {self.total}: loss {self.loss:.4g}, {quality}, {pace}"


class Rounds(Callback):
    """Gathers what each round found, and says so."""

    order = 60  # after fastai's Recorder

    def __init__(self, place: Place, history: list[dict[str, float]], report: Callable[[Round], None]) -> None:
        self.place, self.history, self.report = place, history, report

    def before_train(self) -> None:
        self.begun, self.first = time.monotonic(), self.place.step

    def after_train(self) -> None:
        self.pace = (self.place.step - self.first) / max(time.monotonic() - self.begun, 1e-9)

    def after_epoch(self) -> None:
        train_loss, validation_loss, psnr = (float(value) for value in self.recorder.final_record)
        left = (self.place.total - self.place.step) / max(self.pace, 1e-9)
        speed = self.pace * self.dls.train.batch_size
        found = Round(self.place.step, self.place.total, train_loss, validation_loss, psnr, speed, left)
        self.history.append(found._asdict())
        self.report(found)


def no_longer_falls(history: Sequence[Mapping[str, float]], patience: int, min_delta: float) -> bool:
    """Whether the loss of training has not fallen by ``min_delta`` below its best for ``patience`` rounds.

    Prechelt, "Early stopping - but when?", 1998, in Keras's form. A patience of 0 is endless.
    """
    best, waited = math.inf, 0
    for row in history:
        if row["loss"] < best - min_delta:
            best, waited = row["loss"], 0
        else:
            waited += 1
    return 0 < patience <= waited


class Keeper(Callback):
    """Writes checkpoints: at the start, every so often, at the end of each round, and when it is asked to stop.

    It ends the training early where ``enough`` says of the history that it may.

    Attributes:
        broken: the step at which the loss was no longer a number; None while all is well.
    """

    order = 70  # after the round is in the history
    run_valid = False

    def __init__(
        self,
        folder: Path,
        identity: str,
        place: Place,
        average: Average,
        history: list[dict[str, float]],
        *,
        seconds: float,
        every: float,
        stop: Callable[[], bool],
        enough: Callable[[list[dict[str, float]]], bool],
        adversary: Adversary | None,
        smoothed: tuple[float, int],
    ) -> None:
        self.folder, self.identity, self.place, self.average, self.history = folder, identity, place, average, history
        self.earlier, self.every, self.stop, self.enough = seconds, every, stop, enough
        self.adversary, self.smoothed = adversary, smoothed
        self.broken: int | None = None
        self.begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """That the training has run for, earlier runs included."""
        return self.earlier + time.monotonic() - self.begun

    def before_fit(self) -> None:
        # fastai's Recorder has begun it anew, and a training that goes on would judge by other numbers.
        mean = self.recorder.smooth_loss
        mean.val, mean.count = torch.tensor(self.smoothed[0]), self.smoothed[1]
        self.save()

    def before_backward(self) -> None:
        if not bool(torch.isfinite(self.loss)):
            self.broken = self.place.step
            raise CancelFitException

    def after_batch(self) -> None:
        if self.place.round_done:
            return  # the round belongs to the checkpoint, and is not in the history yet
        stopped = self.stop()
        if stopped or time.monotonic() - self.saved > self.every:
            self.save()
        if stopped:
            raise CancelFitException

    def after_epoch(self) -> None:
        enough = self.enough(self.history)
        if enough:
            self.place.total = self.place.step  # this is the end that was planned for
        self.save()
        if enough or self.stop():
            raise CancelFitException

    def save(self) -> None:
        network, mean = self.average.network, self.recorder.smooth_loss
        values = Checkpoint(
            identity=self.identity,
            step=self.place.step,
            total=self.place.total,
            round=self.place.round,
            seconds=self.seconds,
            network=network.state_dict(),
            average=self.average.values,
            optimiser=self.opt.state_dict(),
            history=self.history,
            adversary={} if self.adversary is None else self.adversary.state(),
            smoothed=(float(mean.val), mean.count),
        )
        save_checkpoint(values, self.folder)
        self.saved = time.monotonic()


class Shown(Callback):
    """Tells how far the training is."""

    run_valid = False

    def __init__(self, place: Place, progress: Progress) -> None:
        self.place, self.progress = place, progress

    def after_batch(self) -> None:
        self.progress("train", self.place.step, self.place.total)


class Board(Callback):
    """Writes for TensorBoard: scalars every few steps, pictures of validation samples after every round."""

    order = 65

    def __init__(self, folder: Path, place: Place, adversary: Adversary | None = None, every: int = 20) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self.place, self.adversary, self.every = place, adversary, every
        # What a killed run wrote after its last checkpoint is written again.
        self.writer = SummaryWriter(str(folder), purge_step=place.step + 1)
        self.sheets: list[FloatArray] = []

    def before_train(self) -> None:
        self.begun, self.first = time.monotonic(), self.place.step

    def after_batch(self) -> None:
        if not self.training:
            self._keep()
        elif self.place.step % self.every == 0:
            step = self.place.step
            pace = (step - self.first) / max(time.monotonic() - self.begun, 1e-9)
            self.writer.add_scalar("train/loss", float(self.loss.detach()), step)
            for name, value in self.loss_func.latest.items():
                self.writer.add_scalar(f"train/{name}", float(value), step)
            self.writer.add_scalar("train/learning_rate", self.opt.hypers[-1]["lr"], step)
            self.writer.add_scalar("train/samples_per_second", pace * self.dls.train.batch_size, step)
            for name, value in ({} if self.adversary is None else self.adversary.figures()).items():
                self.writer.add_scalar(f"discriminator/{name}", value, step)

    def _keep(self) -> None:
        wanted = self.yb[0]
        if len(self.sheets) < SHOWN and "truth" in wanted and wanted["truth"].ndim == 4:
            self.sheets.append(sheet(self.xb, wanted, self.pred.get("image")))

    def after_epoch(self) -> None:
        _, validation_loss, psnr = self.recorder.final_record
        self.writer.add_scalar("validation/loss", float(validation_loss), self.place.step)
        if not math.isnan(psnr):
            self.writer.add_scalar("validation/psnr", float(psnr), self.place.step)
        for number, drawn in enumerate(self.sheets):
            self.writer.add_image(f"input, made, truth/{number}", drawn, self.place.step, dataformats="HWC")
        self.sheets = []

    def after_fit(self) -> None:
        self.writer.close()


class Processes(Callback):
    """Averages the gradients over the processes that ``accelerate launch`` has started, each with its own GPU."""

    order = 5  # after fastai has put the network on its device

    def __init__(self, accelerator: Any) -> None:
        self.accelerator = accelerator

    def before_fit(self) -> None:
        learner: Any = self.learn
        learner.model = self.accelerator.prepare(self.model)

    def after_fit(self) -> None:
        learner: Any = self.learn
        learner.model = self.accelerator.unwrap_model(self.model)
