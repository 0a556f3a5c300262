"""Train a network from a recipe: fastai's ``Learner`` with the callbacks of :mod:`mfrec.train.callbacks`.

Adam with decoupled weight decay, one cycle of the learning rate, clipped gradients, a moving average of the weights,
bfloat16 where it is allowed and the device computes it. A discriminator may learn beside it
(:mod:`mfrec.train.adversary`); it is in the checkpoint with its optimiser, and it is not exported. A training that was
killed goes on from its checkpoint and ends, on the same machine with the same number of threads, with the same weights
to the last bit.

Several GPUs: ``accelerate launch --multi_gpu -m mfrec train NAME ... --steps N`` starts a process for each. They share
the samples of a step, average their gradients, and the first of them writes.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from mfrec.cards.load import Card, new_network
from mfrec.errors import MfrecError, UsageError
from mfrec.pipeline import Progress, silent
from mfrec.runtime.extras import not_installed
from mfrec.train.adversary import Adversary
from mfrec.train.callbacks import (
    Average,
    Board,
    Keeper,
    Opposed,
    Processes,
    Round,
    Rounds,
    Shown,
    Steps,
    no_longer_falls,
)
from mfrec.train.checkpoint import Checkpoint, load_checkpoint, restoring
from mfrec.train.fastai_import import (
    AvgMetric,
    Callback,
    CancelFitException,
    GradientClip,
    Learner,
    OptimWrapper,
    Recorder,
    TrainEvalCallback,
    num_distrib,
    rank_distrib,
)
from mfrec.train.loaders import Held, Place, data_loaders
from mfrec.train.losses import WeightedSum
from mfrec.train.precision import computes_bfloat16, layout
from mfrec.train.recipe import TrainingRecipe
from mfrec.train.streams.stream import Sample
from mfrec.train.validation import as_mapping, decibels
from mfrec.train.working_folder import make_folder

ROUNDS = 10
"""How often a training looks at the validation samples; less often where that would take long."""

BOARD = "tensorboard"
"""Folder of TensorBoard's files in the folder of a training."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training has come to.

    Attributes:
        network: with the averaged weights, in eval mode, on the CPU; the weights that count.
        step, total: updates done, and updates that there should be; fewer where it was asked to stop.
        seconds: that it has run for, earlier runs included.
        samples: those of validation.
        history: the fields of :class:`~mfrec.train.callbacks.Round` of every round.
        learner: fastai's, of this run: ``learner.recorder.plot_loss()`` draws the loss.
    """

    network: nn.Module
    step: int
    total: int
    seconds: float
    samples: list[Sample]
    history: list[dict[str, float]]
    learner: Learner


@dataclass(frozen=True, eq=False)
class Training:
    """What is trained, from what, and how.

    Attributes:
        network: with its initial weights; it is trained in place.
        stream: endless samples, see :mod:`mfrec.train.loaders`.
        valid: samples of other people; the first of them are looked at, as many as the recipe says.
        recipe: how to train.
        losses: what is minimised.
        device: ``"cpu"`` or ``"cuda"``.
        workers: processes that make samples; 0 makes them between the steps.
        identity: see :func:`identity_of`; a checkpoint goes on only with the one that it began with.
        adversary: a discriminator that learns beside the network; None where none does.
    """

    network: nn.Module
    stream: Dataset
    valid: Dataset
    recipe: TrainingRecipe
    losses: WeightedSum
    device: str = "cpu"
    workers: int = 0
    identity: str = ""
    adversary: Adversary | None = None

    @property
    def batch(self) -> int:
        """Samples of one step: the recipe's, or twice as many where the discriminator has its own."""
        doubled = self.adversary is not None and self.adversary.recipe.batches == "another"
        return self.recipe.batch * (2 if doubled else 1)

    @property
    def mixed(self) -> bool:
        """Whether convolutions are computed in bfloat16."""
        return self.recipe.bfloat16 and computes_bfloat16(self.device)

    @property
    def layout(self) -> torch.memory_format:
        """Of four-dimensional tensors, weights included."""
        return layout(self.device, self.mixed)

    def learner(self, network: nn.Module, place: Place, callbacks: list[Callback]) -> Learner:
        """fastai's learner around a network (this one or a copy), with a new optimiser."""
        recipe = self.recipe
        loaders = data_loaders(
            self.stream, self.valid, place, batch=self.batch, device=self.device, workers=self.workers
        )
        optimiser: Any = functools.partial(
            OptimWrapper, opt=torch.optim.AdamW, betas=recipe.betas, weight_decay=recipe.weight_decay
        )
        metric: Any = AvgMetric(decibels)
        always = [TrainEvalCallback(), Recorder(add_time=False), Steps(place, recipe), GradientClip(recipe.clip)]
        if self.adversary is not None:
            always.append(Opposed(self.adversary, place, recipe))
        learner: Any = Learner(
            loaders,
            Computed(network, self.mixed, self.layout),
            loss_func=Objective(self.losses, self.mixed),
            opt_func=optimiser,
            lr=recipe.learning_rate,
            metrics=metric,
            cbs=[*always, *callbacks],
            default_cbs=False,
        )
        learner.logger = silence
        learner.create_opt()
        return learner


class Computed(nn.Module):
    """A network whose output has names, in bfloat16 where training allows it.

    Args:
        network: takes the inputs of a sample.
        bfloat16: use it in training mode; validation is always in float32, as the network is used.
        layout: of the pictures that go in.
    """

    def __init__(self, network: nn.Module, bfloat16: bool, layout: torch.memory_format) -> None:
        super().__init__()
        self.network, self.mixed, self.layout = network, bfloat16, layout

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        laid = (x.to(memory_format=self.layout) if x.ndim == 4 else x for x in inputs)
        with torch.autocast(inputs[0].device.type, torch.bfloat16, enabled=self.mixed and self.training):
            return as_mapping(self.network(*laid))


class Objective:
    """The losses of a recipe as fastai calls them.

    Attributes:
        latest: the terms of the last batch by name, before their weights, without gradient.
    """

    def __init__(self, losses: WeightedSum, bfloat16: bool) -> None:
        self.losses, self.bfloat16 = losses, bfloat16
        self.latest: dict[str, Tensor] = {}

    def __call__(self, made: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Tensor:
        kind = next(iter(made.values())).device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self.bfloat16 and torch.is_grad_enabled()):
            terms = self.losses.terms(made, wanted)
            self.latest = {name: value.detach() for name, value in terms.items()}
            return self.losses.total(terms)


def initial_network(card: Card, seed: int, initial: str = "random") -> nn.Module:
    """The network of a card with the initial weights that belong to a seed. torch's generator is left as it was.

    Args:
        initial: see :attr:`mfrec.train.recipe.TrainingRecipe.initial`.

    Raises:
        UsageError: the network cannot begin as interpolation.
        WeightsError: see :func:`mfrec.cards.load.new_network`.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        network: Any = new_network(card)
    if initial == "interpolation":
        if not hasattr(network, "begin_as_interpolation"):
            raise UsageError(f"the network '{card.net}' of '{card.name}' cannot begin as interpolation; leave it out")
        try:
            network.begin_as_interpolation()
        except ValueError as error:
            raise UsageError(f"the network of '{card.name}': {error}") from None
    return network


def identity_of(card: Card, recipe: TrainingRecipe, folders: Sequence[Path], network: nn.Module) -> str:
    """A digest of all that must be the same for a training to go on: network, recipe, processes, files it learns from.

    Files count by name and size, so that the folders may be moved.

    Args:
        card, recipe: of the training.
        folders: of the pictures.
        network: with the weights that it begins with.
    """
    files = [
        sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
        for folder in folders
    ]
    values: dict[str, Any] = {
        "net": card.net,
        "arguments": dict(card.arguments),
        "recipe": recipe.record(),
        "files": files,
    }
    begin = hashlib.sha256()
    for value in network.state_dict().values():
        begin.update(value.cpu().numpy().tobytes())
    values["begin"] = begin.hexdigest()
    values["processes"] = max(num_distrib(), 1)
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def train(
    training: Training,
    folder: Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    resume: bool = False,
    checkpoint_every: float = 60.0,
    progress: Progress = silent,
    report: Callable[[Round], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train a network, or go on with it.

    Args:
        training: what, from what, and how.
        folder: gets ``checkpoint.pt`` and ``tensorboard/``; made where it is missing.
        steps: how many; None takes the recipe's.
        minutes: how long instead, everything included. The speed is measured before the first step and the number of
            steps is fixed then, so that the learning rate of every step is known.
        resume: go on from the checkpoint in ``folder``, to the number of steps that was fixed at its beginning.
        checkpoint_every: seconds between two checkpoints.
        progress: called as ``progress("train", step, total)``.
        report: called after every round.
        stop: asked after every step; once it is true, a checkpoint is written and the training ends early. One of
            several processes cannot stop alone, so they do not ask.

    Raises:
        UsageError: no such checkpoint, or one of another training; steps and minutes both given; a folder that cannot
            be written; a loss that is no longer a number.
    """
    begun = time.monotonic()
    check_length(steps, minutes)
    checkpoint = load_checkpoint(folder) if resume else None
    if checkpoint is not None:
        check_same(checkpoint, training, steps, folder)
    processes = accelerator(training.device) if num_distrib() > 1 else None
    if processes is not None:
        if minutes is not None:
            raise UsageError("several processes cannot agree on --minutes; give --steps")
        if training.adversary is not None or training.recipe.patience:
            raise UsageError("a discriminator, or patience, is for one process; start this training without accelerate")
        training = replace(training, device=str(processes.device))
    samples = Held(training.valid, training.recipe.validation)
    training = replace(training, valid=samples)
    network: Any = training.network
    network.to(training.device, memory_format=training.layout)
    training.losses.to(training.device)
    if training.adversary is not None:
        training.adversary.to(training.device, training.layout)

    if checkpoint is not None:
        place = Place(checkpoint.step, checkpoint.total, checkpoint.round)
        with restoring(folder):
            network.load_state_dict(checkpoint.network)
            if training.adversary is not None:
                training.adversary.load(checkpoint.adversary)
    elif minutes is not None:
        place = affordable(training, 60 * minutes - (time.monotonic() - begun))
    else:
        place = Place(0, total := steps or training.recipe.steps, -(-total // ROUNDS))
    average = Average(network, training.recipe.average, place)
    if checkpoint is not None:
        with restoring(folder):
            average.load(checkpoint.average)
    history = list(checkpoint.history) if checkpoint is not None else []
    keeper = Keeper(
        folder,
        training.identity,
        place,
        average,
        history,
        seconds=checkpoint.seconds if checkpoint is not None else 0.0,
        every=checkpoint_every,
        stop=stop if processes is None else lambda: False,
        enough=lambda rounds: no_longer_falls(rounds, training.recipe.patience, training.recipe.min_delta),
        adversary=training.adversary,
        smoothed=checkpoint.smoothed if checkpoint is not None else (0.0, 0),
    )
    callbacks: list[Callback] = [average, Rounds(place, history, report), Shown(place, progress)]
    if rank_distrib() == 0:
        make_folder(folder)
        callbacks += [keeper, Board(folder / BOARD, place, training.adversary)]
    if processes is not None:
        callbacks.append(Processes(processes))
    learner: Any = training.learner(network, place, callbacks)
    if checkpoint is not None:
        with restoring(folder):
            learner.opt.load_state_dict(checkpoint.optimiser)
    with own_words():
        learner.fit(place.rounds_left)
    if keeper.broken is not None:
        raise UsageError(
            f"the loss was no longer a number at step {keeper.broken}; the checkpoint in '{folder}' is from before. "
            "Lower the recipe's learning_rate or clip and begin again with --fresh"
        )
    result = copy.deepcopy(network).to("cpu").eval().requires_grad_(False)
    result.load_state_dict(average.values)
    return Trained(result, place.step, place.total, keeper.seconds, samples.samples, history, learner)


def check_length(steps: int | None, minutes: float | None) -> None:
    """Refuse a length of training that cannot be.

    Raises:
        UsageError: steps and minutes both given, or not more than none.
    """
    if steps is not None and minutes is not None:
        raise UsageError("--steps and --minutes were both given; choose one")
    if (steps is not None and steps < 1) or (minutes is not None and not minutes > 0):
        given = f"{minutes:g} minutes" if steps is None else f"{steps} steps"
        raise UsageError(f"cannot train for {given}; expected more than none")


def check_same(checkpoint: Checkpoint, training: Training, steps: int | None, folder: Path) -> None:
    """Refuse to go on from a checkpoint with something else than it began with.

    Raises:
        UsageError: another recipe, network, data, number of processes, or number of steps.
    """
    if checkpoint.identity != training.identity:
        raise UsageError(
            f"the training in '{folder}' had another recipe, network, data or number of processes; give it what it "
            "had, or begin again with --fresh"
        )
    if steps is not None and steps != checkpoint.total:
        raise UsageError(
            f"the training in '{folder}' has {checkpoint.total} steps, which its learning rate was planned for, and "
            f"not {steps}; leave out --steps, or begin again with --fresh"
        )


@contextlib.contextmanager
def own_words() -> Iterator[None]:
    """Within it, an error of mfrec says what it said: fastai writes the name of the callback before it."""
    try:
        yield
    except MfrecError as error:
        before, _, said = str(error).partition(":\n\t")
        if before.startswith("Exception occured in"):
            raise type(error)(said) from None
        raise


def silence(_row: Any) -> None:
    """Takes the table that fastai would print; :class:`~mfrec.train.callbacks.Rounds` reports instead."""


class Stopwatch(Callback):
    """Times steps and ends the fit. Early ones prepare much that later ones find ready, so only the later half counts.

    Args:
        seconds: how long to look.
        least: steps at least.
    """

    run_valid = False

    def __init__(self, seconds: float, least: int = 8) -> None:
        self.limit, self.least = seconds, least
        self.times: list[float] = []

    def after_batch(self) -> None:
        self.times.append(time.monotonic())
        if len(self.times) >= self.least and self.times[-1] - self.times[0] > self.limit:
            raise CancelFitException

    @property
    def seconds(self) -> float:
        """Of one step, on average."""
        later = self.times[len(self.times) // 2 - 1 :]
        return (later[-1] - later[0]) / (len(later) - 1)


def affordable(training: Training, seconds: float) -> Place:
    """How many steps and rounds fit into a time, measured on a copy of the network that is thrown away.

    The looks at the validation samples get a tenth of the time at most, but one happens.

    Args:
        training: its ``valid`` is what each round looks at.
        seconds: for the measurement, the steps, and the looks at the validation samples.

    Returns:
        The beginning of such a training.
    """
    begun = time.monotonic()
    measured = Place(0, 2**31, 2**31)
    watch = Stopwatch(0.05 * seconds)
    network = copy.deepcopy(training.network)
    average = Average(network, training.recipe.average, measured)
    measured_on = replace(training, adversary=copy.deepcopy(training.adversary))
    learner = measured_on.learner(network, measured, [watch, average])
    learner.fit(1)
    looked = time.monotonic()
    learner.validate()
    now = time.monotonic()
    rounds = min(ROUNDS, max(1, int(0.1 * seconds / (now - looked))))
    # One look more, because the export measures the rounded weights.
    total = max(1, int((seconds - (now - begun) - (rounds + 1) * (now - looked)) / watch.seconds))
    return Place(0, total, -(-total // rounds))


def accelerator(device: str) -> Any:
    """The ``Accelerator`` of this process, one of several."""
    try:
        from accelerate import Accelerator
    except ModuleNotFoundError:
        raise UsageError(not_installed("training in several processes", "accelerate", "train")) from None
    return Accelerator(cpu=device == "cpu")
