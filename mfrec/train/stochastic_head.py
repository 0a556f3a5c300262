"""Teach the recognition network's second head to doubt as much as it errs.

SER-FIQ reads the quality of a face from how much stochastic embeddings of it differ. Plain dropout differs little more
for a bad picture than for a good one: a network that was taught to see through damage is sure of everything. So the
stochastic head is trained on what its differences are to mean. It guesses the direction in which the first head, of the
same network, puts the *unspoilt* face, and the energy score judges several guesses at once (Gneiting and Raftery,
"Strictly proper scoring rules, prediction, and estimation", JASA 102, 2007, eq. 22 with beta = 1)::

    L = mean_i || g_i - y ||  -  1/2 mean_{i != j} || g_i - g_j ||

Its expectation is least where the guesses are distributed as the truth is, given what can be seen: guesses that agree
more or less than they are right lose. Of an unspoilt face the first head's own answer is right, and there is nothing
to correct; the more is missing, the more faces it could have been.

The trunk and the first head stay as they are, so their features are computed once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mfrec.nets.recognition import FINE_SIDE, Recognition, upright_faces
from mfrec.train.distil import (
    Faces,
    Progress,
    as_images,
    blended,
    draw_blend,
    draw_jitter,
    draw_spoiling,
    moved,
    spoil,
)

PASSES = 4
"""Guesses that are compared."""

DAMAGE_DECAY = 0.1
"""Weight decay of the layer that says how large corrections are; it has one number an energy and needs little."""

DECAY = 10.0
"""Weight decay. So much of it makes the doubt a smooth function of the damage; with 0.05 it went up and down between
slight degrees of blur."""


def energy_score(guesses: Tensor, truth: Tensor) -> Tensor:
    """Energy score of guesses ``[M, B, D]`` at ``truth`` ``[B, D]``, mean over the batch; ``M`` is at least 2."""
    error = (guesses - truth).norm(dim=2).mean()
    apart = torch.stack([torch.pdist(each) for each in guesses.unbind(1)]).mean()
    return error - 0.5 * apart


@torch.no_grad()
def feature_pairs(
    student: Recognition,
    faces: Faces,
    rng: np.random.Generator,
    *,
    batches: int,
    batch: int,
    report: Callable[[int], None] = lambda _: None,
) -> tuple[Tensor, Tensor]:
    """What the second head reads of spoilt faces ``[N, K]`` and the first says of the same unspoilt ``[N, 128]``."""
    spoilt, unspoilt = [], []
    for number in range(1, batches + 1):
        indices = rng.integers(len(faces.canvases), size=batch)
        whole = np.stack([blended(faces, int(i), draw_blend(len(faces.canvases), rng)) for i in indices])
        bad = np.stack([spoil(canvas, draw_spoiling(len(canvas), rng)) for canvas in whole])
        points = torch.from_numpy(np.stack([moved(faces.points[i], draw_jitter(rng)) for i in indices]))
        # Cut at the same place, so that what differs is the damage alone.
        cuts = upright_faces(as_images(bad), points, FINE_SIDE, finer=1)[0].to(memory_format=torch.channels_last)
        whole_cuts = upright_faces(as_images(whole.astype(np.float32) / np.float32(255)), points)[0]
        with torch.autocast("cpu", torch.bfloat16):
            spoilt.append(student.read(cuts).half())
            whole_features = student.features(whole_cuts.to(memory_format=torch.channels_last)).float()
        unspoilt.append(student.head(whole_features, 0.0))
        report(number)
    return torch.cat(spoilt), torch.cat(unspoilt)


def teach_doubt(
    student: Recognition,
    faces: Faces,
    *,
    batches: int = 260,
    steps: int = 2000,
    batch: int = 64,
    rate: float = 1.5e-3,
    seed: int = 0,
    report: Callable[[Progress], None] | None = None,
) -> Recognition:
    """Train the second head, from new weights, and nothing else; the same for the same arguments on one machine.

    Args:
        student: with a finished trunk and first head; changed in place.
        faces: as for :func:`mfrec.train.distil.distil`.
        batches, batch: how many batches of how many spoilt faces it learns from.
        steps: batches drawn among them.
        rate: highest learning rate of AdamW, lowered to nothing on a cosine.
        seed: of the first weights, the damage, the order and the dropout.
        report: called while features are made, and every 50 steps; it counts both.

    Returns:
        The student, in eval mode.
    """
    start = time.perf_counter()
    running = math.nan

    def tell(done: int) -> None:
        if report is not None:
            report(Progress(done, batches + steps, running, time.perf_counter() - start))

    torch.manual_seed(seed)
    student.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    student.energy_norm.reset_running_stats()
    read, embeddings = feature_pairs(
        student, faces, np.random.default_rng(seed), batches=batches, batch=batch, report=tell
    )
    energies = read[:, -student.energy_norm.num_features :].float()
    variance, mean = torch.var_mean(energies, dim=0)
    student.energy_norm.running_mean = mean
    student.energy_norm.running_var = variance
    read[:, -student.energy_norm.num_features :] = student.energy_norm(energies).half()
    student.mean_embedding.copy_(embeddings.mean(dim=0))
    truth = functional.normalize(embeddings - student.mean_embedding, dim=1)
    layers = student.unspoilt_hidden, student.unspoilt
    for layer in (*layers, student.damage):
        layer.reset_parameters()
    with torch.no_grad():  # small corrections of all faces, to begin with
        student.damage.weight.mul_(0.1)
        student.damage.bias.fill_(-1.0)
    parameters = [p for layer in layers for p in layer.parameters()]
    groups = [
        {"params": parameters, "weight_decay": DECAY},
        {"params": list(student.damage.parameters()), "weight_decay": DAMAGE_DECAY},
    ]
    optimiser = torch.optim.AdamW(groups, lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    for step in range(1, steps + 1):
        chosen = torch.randint(len(read), (batch,))
        guesses = student.guess(read[chosen].float().repeat(PASSES, 1), student.dropout, None)
        guesses = functional.normalize(guesses, dim=1).unflatten(0, (PASSES, batch))
        loss = energy_score(guesses, truth[chosen])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        running = float(loss.detach()) if math.isnan(running) else 0.98 * running + 0.02 * float(loss.detach())
        if step % 50 == 0 or step == steps:
            tell(batches + step)
    return student
