"""Teach the recognition network what dlib's knows: knowledge distillation from faces without names.

The student (:mod:`mfrec.nets.recognition`) sees faces, whole and spoilt. Its first head learns the embedding that the
teacher (:mod:`mfrec.nets.dlib_resnet`) gives to exactly the same picture, so the two agree about bad pictures too. The
loss is the squared distance of the embeddings plus the error of the distances within a batch (Park, Kim, Lu and Cho,
"Relational knowledge distillation", CVPR 2019, eq. 4 to 6, with the teacher's scale kept: distances mean the same).
The second head is taught afterwards (:mod:`mfrec.train.stochastic_head`); :mod:`mfrec.train.recognition_job` is the
command around both.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mfrec.camera.protocols import blur_ellipse
from mfrec.errors import InputError
from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import detect_landmarks, read_square
from mfrec.image.geometry import resize
from mfrec.nets.dlib_resnet import SIDE as TEACHER_SIDE
from mfrec.nets.dlib_resnet import DlibResNet
from mfrec.nets.recognition import Recognition, upright_faces
from mfrec.train.data.degrade import sensor_noise, through_jpeg
from mfrec.types import FloatArray

CANVAS = 224
"""Side in pixels of the stored faces."""

INTEROCULAR = 54.0
"""Distance of the eyes on a canvas in pixels: that of dlib's upright face of 150 px, so nothing is lost."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces of one size, with room around them.

    Attributes:
        canvases: ``[N, 224, 224, 3]`` uint8 RGB.
        points: ``[N, 68, 2]`` float32 landmarks in pixels of the canvases.
    """

    canvases: NDArray[np.uint8]
    points: FloatArray


def find_faces(pictures: Iterable[FloatArray]) -> Faces:
    """Cut the largest face out of every picture; pictures without a face are left out.

    Args:
        pictures: ``[H, W, 3]`` float32 RGB in [0, 1] each.

    Raises:
        InputError: no face in any of them.
    """
    canvases, points = [], []
    for picture in pictures:
        faces = detect_faces(picture, smallest=min(picture.shape[:2]) / 6)
        if not faces:
            continue
        landmarks = detect_landmarks(picture, max(faces, key=lambda face: face.side).box)
        step = max(landmarks.interocular, 1.0) / INTEROCULAR
        first = landmarks.points[27:55].mean(axis=0) - step * (CANVAS - 1) / 2
        canvas, to_picture = read_square(picture, first, step, CANVAS)
        canvases.append(np.rint(canvas * 255).astype(np.uint8))
        points.append(to_picture.inverse().apply(landmarks.points).astype(np.float32))
    if not canvases:
        raise InputError("no face was found in any of the pictures; distillation needs some thousands")
    return Faces(np.stack(canvases), np.stack(points))


def blended(faces: Faces, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A face ``[S, S, 3]``: half of the time the stored one, else with a share of another: somebody new.

    Mixed samples widen the set on which the student learns the teacher's function (Beyer et al., "Knowledge
    distillation: a good teacher is patient and consistent", CVPR 2022).
    """
    canvas = faces.canvases[index]
    if rng.random() < 0.5:
        return canvas
    share = rng.uniform(0.1, 0.5)
    other = faces.canvases[rng.integers(len(faces.canvases))]
    return np.asarray(cv2.addWeighted(canvas, 1 - share, other, share, 0), np.uint8)


def spoil(canvas: NDArray[np.uint8], rng: np.random.Generator) -> FloatArray:
    """One of the many ways in which a picture of this face could have been worse, at the same size.

    Args:
        canvas: ``[S, S, 3]`` RGB.
        rng: draws light, blur, patches, size, noise and JPEG quality; a fifth of the faces keep all their detail.

    Returns:
        ``[S, S, 3]`` float32 in [0, 1].
    """
    side = len(canvas)
    light = math.exp(rng.normal(0, 0.08)) * np.exp(rng.normal(0, 0.04, 3))
    levels = (np.arange(256)[:, None] / 255) ** math.exp(rng.normal(0, 0.2)) * light
    out = np.asarray(cv2.LUT(canvas, np.clip(levels, 0, 1).astype(np.float32)[None]), np.float32)
    if rng.random() < 0.2:
        return out
    if rng.random() < 0.4:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), rng.uniform(0.3, 4.0)), np.float32)
    if rng.random() < 0.1:
        out = blur_ellipse(out, rng)
    if rng.random() < 0.7:
        small = round(side * math.exp(rng.uniform(math.log(0.1), 0)))
        out = resize(out, small, small, interpolation="area")
    if rng.random() < 0.4:
        out = np.clip(sensor_noise(out, rng.uniform(0, 8) / 255, rng), 0, 1)
    if rng.random() < 0.5:
        out = through_jpeg(out, round(math.exp(rng.uniform(math.log(5), math.log(96))))).image
    return np.clip(resize(out, side, side, interpolation=str(rng.choice(["cubic", "linear"]))), 0, 1)


def moved(points: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Landmarks ``[68, 2]`` after a slight rotation, zoom and shift, as a detector errs on a bad picture."""
    centre = points.mean(axis=0)
    angle, zoom = rng.normal(0, 0.06), math.exp(rng.normal(0, 0.04))
    turn = zoom * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return ((points - centre) @ turn + centre + rng.normal(0, 1.5, 2)).astype(np.float32)


def batch_of(faces: Faces, indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The chosen faces, each spoilt in its own way, as the student and as the teacher read them.

    Returns:
        ``[B, 3, 96, 96]`` and ``[B, 3, 150, 150]``, float32 in [0, 1], cut at landmarks as a detector might have found
        them; half of the faces are mirrored.
    """
    images = as_images(np.stack([spoil(blended(faces, int(i), rng), rng) for i in indices]))
    points = torch.from_numpy(np.stack([moved(faces.points[i], rng) for i in indices]))
    mirrored = torch.from_numpy(rng.random(len(indices)) < 0.5).view(-1, 1, 1, 1)
    # The template is symmetric, so the upright faces are mirrored and no landmark has to change its number.
    cuts = upright_faces(images, points)[0], upright_faces(images, points, TEACHER_SIDE, finer=1)[0]
    student, teacher = (torch.where(mirrored, cut.flip(3), cut) for cut in cuts)
    return student, teacher


def as_images(canvases: NDArray[np.float32]) -> Tensor:
    """``[B, S, S, 3]`` to ``[B, 3, S, S]``."""
    return torch.from_numpy(canvases).permute(0, 3, 1, 2).contiguous()


def distillation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared distance of the embeddings ``[B, 128]``, plus the squared error of the distances within the batch."""
    single = (student - teacher).square().sum(dim=1).mean()
    relations = (torch.pdist(student) - torch.pdist(teacher)).square().mean()
    return single + relations


@dataclass(frozen=True)
class Progress:
    """Where a training is.

    Attributes:
        step, steps: done, and to be done.
        loss: running mean.
        seconds: since the start.
    """

    step: int
    steps: int
    loss: float
    seconds: float


def distil(
    faces: Faces,
    teacher: DlibResNet,
    *,
    steps: int = 2000,
    batch: int = 64,
    rate: float = 2e-3,
    seed: int = 0,
    student: Recognition | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Recognition:
    """Train a student; the same for the same arguments on one machine.

    Args:
        faces: some thousands, of many people.
        teacher: frozen.
        steps, batch: how many batches of how many faces.
        rate: highest learning rate of AdamW, reached after a tenth of the steps and lowered to nothing on a cosine.
        seed: of the first weights, the order, the damage and the dropout.
        student: to go on with, changed in place; None begins with a new one.
        report: called after every step.

    Returns:
        The running mean of the student's weights, in eval mode.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    student = (student or Recognition()).train()
    student.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    mean = torch.optim.swa_utils.AveragedModel(
        student, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimiser = torch.optim.AdamW(student.parameters(), lr=rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    order = np.empty(0, np.int64)
    running, start = math.nan, time.perf_counter()
    for step in range(1, steps + 1):
        if len(order) < batch:
            order = np.concatenate([order, rng.permutation(len(faces.canvases))])
        chosen, order = order[:batch], order[batch:]
        small, large = batch_of(faces, chosen, rng)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                wanted = teacher(large.to(memory_format=torch.channels_last)).float()
            made = student(small.to(memory_format=torch.channels_last)).float()
        loss = distillation_loss(made, wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        mean.update_parameters(student)
        value = float(loss.detach())
        running = value if math.isnan(running) else 0.98 * running + 0.02 * value
        if report is not None:
            report(Progress(step, steps, running, time.perf_counter() - start))
    return mean.module.eval()  # pyright: ignore[reportReturnType]
