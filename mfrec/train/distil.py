"""Teach the recognition network what dlib's knows: knowledge distillation from faces without names.

The student (:mod:`mfrec.nets.recognition`) sees faces, whole and spoilt. Its first head learns the embedding that the
teacher (:mod:`mfrec.nets.dlib_resnet`) gives to exactly the same picture, so the two agree about bad pictures too. The
loss is the squared distance of the embeddings plus the error of the distances within a batch (Park, Kim, Lu and Cho,
"Relational knowledge distillation", CVPR 2019, eq. 4 to 6, with the teacher's scale kept: distances mean the same).
The second head is taught afterwards (:mod:`mfrec.train.stochastic_head`); :mod:`mfrec.train.recognition_job` is the
command around both.

What is random about a batch is drawn first (:func:`draw_batch`), and :func:`make_batch` is pure.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mfrec.camera.protocols import Ellipse, blur_ellipse, draw_ellipse
from mfrec.errors import InputError
from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import detect_landmarks, read_square
from mfrec.image.geometry import resize
from mfrec.nets.dlib_resnet import SIDE as TEACHER_SIDE
from mfrec.nets.dlib_resnet import DlibResNet
from mfrec.nets.recognition import Recognition, upright_faces
from mfrec.train.data.degrade import sensor_noise, through_jpeg
from mfrec.types import Drawn, FloatArray, GeneratorState

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


@dataclass(frozen=True)
class Blend(Drawn):
    """A share of another face, by its number."""

    other: int
    share: float


@dataclass(frozen=True)
class Spoiling(Drawn):
    """How a face is made worse. All but ``power`` and ``gain`` may be nothing.

    Attributes:
        power: exponent of every value.
        gain: factor of each colour.
        blur: standard deviation in pixels; 0 for none.
        patch: an ellipse that is blurred more.
        small: side that the face is shrunk to.
        noise: standard deviation, see :attr:`mfrec.train.data.degrade.Degradation.noise`.
        noise_from: of the generator from which it is drawn.
        quality: of JPEG.
        enlarged: by which interpolation it comes back to its size; None where it kept all its detail.
    """

    power: float
    gain: tuple[float, ...]
    blur: float = 0.0
    patch: Ellipse | None = None
    small: int | None = None
    noise: float = 0.0
    noise_from: GeneratorState | None = None
    quality: int | None = None
    enlarged: Literal["cubic", "linear"] | None = None


@dataclass(frozen=True)
class DrawnFace(Drawn):
    """One face of a batch: which, with whom it is blended, and how it is spoilt."""

    index: int
    blend: Blend | None
    spoiling: Spoiling


@dataclass(frozen=True)
class Jitter(Drawn):
    """How a detector errs on a bad picture: rotation in radians, zoom, shift in pixels."""

    angle: float
    zoom: float
    shift: tuple[float, ...]


@dataclass(frozen=True)
class DrawnBatch(Drawn):
    """A batch: its faces, how each is found, and which are mirrored."""

    faces: tuple[DrawnFace, ...]
    jitters: tuple[Jitter, ...]
    mirrored: tuple[bool, ...]


def draw_blend(count: int, rng: np.random.Generator) -> Blend | None:
    """Half of the time nothing, else a share of one of ``count`` faces: somebody new.

    Mixed samples widen the set on which the student learns the teacher's function (Beyer et al., "Knowledge
    distillation: a good teacher is patient and consistent", CVPR 2022).
    """
    if rng.random() < 0.5:
        return None
    share = float(rng.uniform(0.1, 0.5))
    return Blend(int(rng.integers(count)), share)


def blended(faces: Faces, index: int, blend: Blend | None) -> NDArray[np.uint8]:
    """A face ``[S, S, 3]``: the stored one, or with a share of another."""
    canvas = faces.canvases[index]
    if blend is None:
        return canvas
    other = faces.canvases[blend.other]
    return np.asarray(cv2.addWeighted(canvas, 1 - blend.share, other, blend.share, 0), np.uint8)


def draw_spoiling(side: int, rng: np.random.Generator) -> Spoiling:
    """One of the many ways in which a picture of ``side`` pixels could have been worse.

    Light, blur, patches, size, noise and JPEG quality; a fifth of the faces keep all their detail.
    """
    gain = tuple((math.exp(rng.normal(0, 0.08)) * np.exp(rng.normal(0, 0.04, 3))).tolist())
    power = math.exp(rng.normal(0, 0.2))
    if rng.random() < 0.2:
        return Spoiling(power, gain)
    blur = float(rng.uniform(0.3, 4.0)) if rng.random() < 0.4 else 0.0
    patch = draw_ellipse(rng) if rng.random() < 0.1 else None
    small = round(side * math.exp(rng.uniform(math.log(0.1), 0))) if rng.random() < 0.7 else None
    noise, noise_from = 0.0, None
    if rng.random() < 0.4:
        noise, noise_from = float(rng.uniform(0, 8)) / 255, GeneratorState.of(rng)
        rng.standard_normal((small or side, small or side, 3))  # what sensor_noise draws; the rest is drawn after it
    quality = round(math.exp(rng.uniform(math.log(5), math.log(96)))) if rng.random() < 0.5 else None
    enlarged = "cubic" if rng.choice(2) == 0 else "linear"
    return Spoiling(power, gain, blur, patch, small, noise, noise_from, quality, enlarged)


def spoil(canvas: NDArray[np.uint8], spoiling: Spoiling) -> FloatArray:
    """A face ``[S, S, 3]`` made worse, at the same size.

    Returns:
        ``[S, S, 3]`` float32 in [0, 1].
    """
    side = len(canvas)
    levels = (np.arange(256)[:, None] / 255) ** spoiling.power * np.array(spoiling.gain)
    out = np.asarray(cv2.LUT(canvas, np.clip(levels, 0, 1).astype(np.float32)[None]), np.float32)
    if spoiling.enlarged is None:
        return out
    if spoiling.blur > 0:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), spoiling.blur), np.float32)
    if spoiling.patch is not None:
        out = blur_ellipse(out, spoiling.patch)
    if spoiling.small is not None:
        out = resize(out, spoiling.small, spoiling.small, interpolation="area")
    if spoiling.noise_from is not None:
        out = np.clip(sensor_noise(out, spoiling.noise, spoiling.noise_from.generator()), 0, 1)
    if spoiling.quality is not None:
        out = through_jpeg(out, spoiling.quality).image
    return np.clip(resize(out, side, side, interpolation=spoiling.enlarged), 0, 1)


def draw_jitter(rng: np.random.Generator) -> Jitter:
    """A slight rotation, zoom and shift."""
    angle, zoom = float(rng.normal(0, 0.06)), math.exp(rng.normal(0, 0.04))
    return Jitter(angle, zoom, tuple(rng.normal(0, 1.5, 2).tolist()))


def moved(points: FloatArray, jitter: Jitter) -> FloatArray:
    """Landmarks ``[68, 2]`` where a detector that errs would have found them."""
    centre = points.mean(axis=0)
    cos, sin = math.cos(jitter.angle), math.sin(jitter.angle)
    turn = jitter.zoom * np.array([[cos, sin], [-sin, cos]])
    return ((points - centre) @ turn + centre + np.array(jitter.shift)).astype(np.float32)


def draw_batch(faces: Faces, indices: NDArray[np.int64], rng: np.random.Generator) -> DrawnBatch:
    """The chosen faces, each spoilt in its own way; half of them are mirrored."""
    count, side = faces.canvases.shape[:2]
    drawn = tuple(DrawnFace(i, draw_blend(count, rng), draw_spoiling(side, rng)) for i in indices.tolist())
    jitters = tuple(draw_jitter(rng) for _ in drawn)
    return DrawnBatch(drawn, jitters, tuple((rng.random(len(drawn)) < 0.5).tolist()))


def make_batch(faces: Faces, drawn: DrawnBatch) -> tuple[Tensor, Tensor]:
    """A batch as the student and as the teacher read it.

    Returns:
        ``[B, 3, 96, 96]`` and ``[B, 3, 150, 150]``, float32 in [0, 1], cut at landmarks as a detector might have found
        them.
    """
    images = as_images(np.stack([spoil(blended(faces, one.index, one.blend), one.spoiling) for one in drawn.faces]))
    points = np.stack([moved(faces.points[f.index], j) for f, j in zip(drawn.faces, drawn.jitters, strict=True)])
    mirrored = torch.tensor(drawn.mirrored).view(-1, 1, 1, 1)
    # The template is symmetric, so the upright faces are mirrored and no landmark has to change its number.
    found = torch.from_numpy(points)
    cuts = upright_faces(images, found)[0], upright_faces(images, found, TEACHER_SIDE, finer=1)[0]
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
        small, large = make_batch(faces, draw_batch(faces, chosen, rng))
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
