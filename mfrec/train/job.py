"""From a card with a recipe and folders of pictures to weights: what ``mfrec train`` does, callable from Python."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from mfrec.cards.load import Card, card_path, load_network, read_card
from mfrec.errors import UsageError, WeightsError
from mfrec.nets.bisenet import BiSeNet
from mfrec.nets.feature_merge import FeatureMerge
from mfrec.pipeline import Progress, silent
from mfrec.publication.files import check_files
from mfrec.recipe import nearest
from mfrec.runtime.device import resolve_device
from mfrec.train.adversary import AdversarialRecipe, Adversary
from mfrec.train.callbacks import Round
from mfrec.train.checkpoint import CHECKPOINT
from mfrec.train.export import export, install
from mfrec.train.fastai_import import rank_distrib
from mfrec.train.learner import BOARD, Training, check_length, identity_of, initial_network, train
from mfrec.train.losses import weighted_sum
from mfrec.train.recipe import TrainingRecipe, parse_table, training_recipe
from mfrec.train.streams.scene_stream import SceneStream
from mfrec.train.streams.stream import Stream
from mfrec.train.tasks import TASKS
from mfrec.train.trunks import read_tensors
from mfrec.train.working_folder import alone

ENCODER_SUFFIX = ".pth"
"""What the name of a file with PyTorch's weights of an encoder ends in; a card ends in ``.toml``."""


@dataclass(frozen=True)
class Outcome:
    """What a job has come to.

    Attributes:
        step, total: updates done, and updates that there should be; fewer where it was asked to stop.
        card: what was written, its weights beside it; None where the training did not end.
    """

    step: int
    total: int
    card: Card | None


def run_job(
    name: str,
    data: Sequence[Path],
    folder: Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    begin: Literal["new", "resume", "fresh"] = "new",
    start: str = "",
    device: str = "auto",
    threads: int | None = None,
    workers: int = 0,
    terms: str = "",
    installed: bool = False,
    progress: Progress = silent,
    report: Callable[[Round], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Train the network of a card and export it.

    Args:
        name: a card of :func:`mfrec.cards.load.card_names`, or the path of one that ends in ``.toml``.
        data: folders of pictures, see :mod:`mfrec.train.tasks`.
        folder: gets the checkpoint, TensorBoard's files, and in the end ``NAME.toml`` and ``NAME.safetensors``.
        steps, minutes: how long, see :func:`mfrec.train.learner.train`; without both, the recipe's steps.
        begin: ``"new"`` refuses a folder with a training, ``"resume"`` goes on with it, ``"fresh"`` replaces it.
        start: name or path of a card whose weights the network begins with, see :func:`mfrec.cards.load.load_network`;
            or a PyTorch file that ends in ``.pth`` with weights for the network's encoder; empty begins with those of
            the card that the recipe names, or with new ones.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        threads: of PyTorch; None leaves its choice. Weights are the same to the last bit for the same number only.
        workers: processes that make samples.
        terms: under which terms the pictures may be used, for the card.
        installed: copy card and weights to where mfrec looks for them.
        progress, report, stop: see :func:`mfrec.train.learner.train`.
        say: told what is to be known of the pictures, before the first step.

    Raises:
        UsageError: no such card, recipe, loss or device; a folder that cannot be used.
        InputError: the folders hold no pictures.
        WeightsError: the card is wrong, a loss needs weights that are not there, or ``start`` is another network.
    """
    begun = time.monotonic()
    check_length(steps, minutes)
    source = card_path(name)
    card = read_card(source)
    recipe = training_recipe(card)
    if recipe.task not in TASKS:
        raise UsageError(f"the recipe of '{card.name}' has no known task '{recipe.task}'{nearest(recipe.task, TASKS)}")
    losses = weighted_sum(recipe.losses)
    adversary = adversary_of(card, recipe)
    start = start or recipe.start
    device = resolve_device(device)
    # Of several processes the first writes.
    with alone(folder) if rank_distrib() == 0 else contextlib.nullcontext():
        prepare_folder(folder, card, begin)
        if threads is not None:
            torch.set_num_threads(threads)
        network = initial_network(card, recipe.seed, recipe.initial)
        if start.endswith(ENCODER_SUFFIX):
            start_encoder(network, card, Path(start))
        elif start:
            network = started(card, start)
        freeze(network, recipe.frozen)
        stream = TASKS[recipe.task](data, recipe.seed, "train", recipe.data)
        check_together(stream, recipe.batch)
        for note in stream.notes:
            say(note)
        training = Training(
            network=network,
            stream=stream,
            valid=TASKS[recipe.task](data, recipe.seed, "valid", recipe.data),
            recipe=recipe,
            losses=losses,
            device=device,
            workers=workers,
            identity=identity_of(card, recipe, data, network),
            adversary=adversary,
        )
        if minutes is not None:
            minutes = max(minutes - (time.monotonic() - begun) / 60, 0.1)
        trained = train(
            training,
            folder,
            steps=steps,
            minutes=minutes,
            resume=begin == "resume",
            progress=progress,
            report=report,
            stop=stop,
        )
        if trained.step < trained.total or rank_distrib() != 0:
            return Outcome(trained.step, trained.total, None)
        path = export(trained, recipe, source, folder, data=data, start=start, terms=terms)
        if installed:
            install(path)
        return Outcome(trained.step, trained.total, read_card(path))


def adversary_of(card: Card, recipe: TrainingRecipe) -> Adversary | None:
    """The discriminator of a recipe, with the initial weights of its seed; None where it has none.

    Raises:
        UsageError: it cannot be, or the card does not say that its network is adversarial, or says so without one.
    """
    if bool(recipe.adversarial) != (card.objective == "adversarial"):
        raise UsageError(
            f"the objective of the card '{card.name}' is '{card.objective}', and its recipe has "
            f"{'a' if recipe.adversarial else 'no'} table [recipe.adversarial]; the two belong together"
        )
    if not recipe.adversarial:
        return None
    place = f"the table [recipe.adversarial] of '{card.name}'"
    return Adversary(parse_table(AdversarialRecipe, recipe.adversarial, place), recipe.seed)


def check_together(stream: Stream, batch: int) -> None:
    """Make sure that the samples of a batch have one number of frames.

    Raises:
        UsageError: they do not.
    """
    if isinstance(stream, SceneStream) and stream.together % batch:
        raise UsageError(
            f"the recipe's batch is {batch}, and only {stream.together} consecutive scenes have the same number of "
            f"frames; set together = {batch} in [recipe.data]"
        )


def start_encoder(network: nn.Module, card: Card, file: Path) -> None:
    """Put ImageNet weights into the encoder of a new network.

    Raises:
        WeightsError: the network has no such encoder, or the file is missing or holds other tensors.
    """
    if not isinstance(network, BiSeNet):
        raise WeightsError(
            f"the network '{card.net}' of '{card.name}' has no encoder that '{file.name}' could be for; only 'bisenet' "
            "has, others begin with the card of a training"
        )
    try:
        network.start_encoder(read_tensors(file))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"'{file.name}' does not hold the weights of torchvision's mobilenet_v2: {reason}") from None


def freeze(network: nn.Module, beginnings: Sequence[str]) -> None:
    """Leave parameters out of the training: those whose names begin so. Batch statistics still follow the data.

    Raises:
        UsageError: a beginning that no parameter has.
    """
    for beginning in beginnings:
        found = [parameter for name, parameter in network.named_parameters() if name.startswith(beginning)]
        if not found:
            raise UsageError(f"the recipe freezes '{beginning}', and no parameter of the network has a name like that")
        for parameter in found:
            parameter.requires_grad_(False)


def started(card: Card, start: str) -> nn.Module:
    """The network of a card with the weights of another training, to go on from there.

    A feature merge begins with a single-frame network's, whose encoder it freezes.

    Raises:
        WeightsError: no such weights, or those of a network of another kind or size.
    """
    other = read_card(card_path(start))
    if card.net == "feature_merge" and other.net == "multi_frame_unet" and other.arguments.get("frames") == 1:
        network = FeatureMerge(**card.arguments)
        try:
            network.take_over(load_network(start))
        except RuntimeError:
            raise WeightsError(
                f"'{card.name}' cannot begin with the weights of '{other.name}', which has the width "
                f"{other.arguments.get('width', 1.0)}, expected {card.arguments.get('width', 1.0)}"
            ) from None
        return network
    if (other.net, dict(other.arguments)) != (card.net, dict(card.arguments)):
        raise WeightsError(
            f"'{card.name}' cannot begin with the weights of '{other.name}': network '{other.net}' with arguments "
            f"{dict(other.arguments)}, expected '{card.net}' with {dict(card.arguments)}"
        )
    return load_network(start).requires_grad_(True)


def prepare_folder(folder: Path, card: Card, begin: Literal["new", "resume", "fresh"]) -> None:
    """Look at what lies in the folder of a training before anything is read.

    Raises:
        UsageError: a training lies there and nobody said what to do with it, none lies there to go on with, or card
            and weights would take the place of files that mfrec did not write.
    """
    check_files(folder, (card.file, f"{card.name}.toml"))
    there = (folder / CHECKPOINT).is_file()
    if begin == "new" and there:
        raise UsageError(
            f"'{folder}' holds a training; add --resume to go on with it, --fresh to replace it, or choose another "
            "folder with -o"
        )
    if begin == "resume" and not there:
        raise UsageError(f"'{folder}' holds no training to go on with; leave out --resume")
    if begin == "fresh" and there and rank_distrib() == 0:
        (folder / CHECKPOINT).unlink()
        for file in (folder / BOARD).glob("events.out.tfevents.*"):
            file.unlink()
