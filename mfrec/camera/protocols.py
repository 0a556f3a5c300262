"""How the bench spoils truth frames: the named protocols of the development tables.

A protocol takes the frames of one sequence (truth, 256 px) and returns what a bad camera would have
delivered, plus the truth of the middle frame at the output size. What is random is drawn first, into a value that goes
to JSON and back, and then applied: a :class:`Protocol` has a function for each, so a sequence is spoilt the same way
every time, from its seed or from its record.

* ``jpeg32``: area-resampled to 32 px, each frame a JPEG of its own quality 30 to 90; truth 128 px.
* ``cctv64``: Gaussian point-spread function of sigma 1.2 to 2.4 px at 256 px, 64 px, noise of sigma 3/255,
  one H.264 clip at CRF 26 to 36; truth 256 px.
* ``patch32``: three blurred ellipses on the face in the middle frame, one in every other frame, 32 px,
  JPEG quality 90; truth 128 px.
* ``exports``: the camera of ``cctv64``, and between it and the analyst one of :data:`EXPORTS`, which are protocols of
  their own (``export-hevc-png``): another codec, frames decoded, cut, enlarged, saved once more.
* ``long``: the middle 1, 3, 7, 15 and 31 frames of ``jpeg32`` and of ``export-h264-png``, each a protocol of its own
  (``long-jpeg32-15``). The frames are the same whatever their number, so that it alone makes the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mfrec.camera.exports import CLIPS, Export, exported
from mfrec.errors import InputError, UsageError
from mfrec.image.geometry import resize
from mfrec.imageio import h264_bytes, jpeg_bytes
from mfrec.types import Drawn, FloatArray, GeneratorState

SCALE = 4


@dataclass(frozen=True, eq=False)
class Spoilt:
    """One degraded sequence.

    Attributes:
        files: file name and bytes of each frame (JPEG), or of one clip (MP4).
        truth: ``[H, W, 3]`` of the middle frame at ``scale`` times the frames' size.
        reference: index of the middle frame.
        drawn: what was drawn; the protocol makes the same files of it again.
        scale: how many times larger the truth is than the frames.
    """

    files: tuple[tuple[str, bytes], ...]
    truth: FloatArray
    reference: int
    drawn: Drawn
    scale: int = SCALE

    def write(self, folder: Path) -> None:
        """Write the files into an existing folder."""
        for name, data in self.files:
            (folder / name).write_bytes(data)


@dataclass(frozen=True)
class DrawnJpegs(Drawn):
    """``jpeg32``: the quality of each frame."""

    quality: tuple[int, ...]


def draw_jpegs(frames: int, rng: np.random.Generator) -> DrawnJpegs:
    """A quality of 30 to 90 for each frame."""
    return DrawnJpegs(tuple(rng.integers(30, 91, frames).tolist()))


def small_jpegs(truths: Sequence[FloatArray], drawn: DrawnJpegs) -> Spoilt:
    """Small JPEGs, each of its own quality."""
    files = tuple(
        (f"{i}.jpg", jpeg_bytes(resize(image, 32, 32, interpolation="area"), quality))
        for i, (image, quality) in enumerate(zip(truths, drawn.quality, strict=True))
    )
    middle = len(truths) // 2
    return Spoilt(files, resize(truths[middle], 128, 128, interpolation="area"), middle, drawn)


@dataclass(frozen=True)
class DrawnWatch(Drawn):
    """``cctv64``: the surveillance camera and its encoder.

    Attributes:
        sigma: of the point-spread function, in pixels of the truth.
        crf: constant rate factor of H.264.
        noise: of the generator from which the sensor's noise is drawn.
    """

    sigma: float
    crf: int
    noise: GeneratorState


def draw_watch(frames: int, rng: np.random.Generator) -> DrawnWatch:
    """A blur, a rate factor, and noise for as many frames as there will be."""
    del frames
    sigma = float(rng.uniform(1.2, 2.4))
    crf = int(rng.integers(26, 37))
    return DrawnWatch(sigma, crf, GeneratorState.of(rng))


def surveillance_clip(truths: Sequence[FloatArray], drawn: DrawnWatch) -> Spoilt:
    """A blurred, noisy surveillance clip."""
    clip = h264_bytes(watched(truths, drawn.sigma, drawn.noise), drawn.crf)
    middle = len(truths) // 2
    return Spoilt((("clip.mp4", clip),), np.asarray(truths[middle]), middle, drawn)


def watched(truths: Sequence[FloatArray], sigma: float, noise: GeneratorState) -> list[FloatArray]:
    """What the surveillance camera of ``cctv64`` hands to its encoder, ``[64, 64, 3]`` each.

    Args:
        truths: ``[256, 256, 3]`` each.
        sigma: of its Gaussian point-spread function, in pixels of the truth.
        noise: of the generator from which its noise of sigma 3/255 is drawn.
    """
    rng = noise.generator()
    small = []
    for image in truths:
        blurred = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        noisy = resize(blurred, 64, 64, interpolation="area") + rng.normal(0, 3 / 255, (64, 64, 3))
        small.append(np.clip(noisy, 0, 1).astype(np.float32))
    return small


@dataclass(frozen=True)
class Ellipse(Drawn):
    """A blurred ellipse on a face, in shares of the picture.

    Attributes:
        centre, axes: ``(x, y)`` of its centre and its half axes, of the width and of the height.
        angle: of its first axis, degrees.
        blur: standard deviation, of the width.
    """

    centre: tuple[float, ...]
    axes: tuple[float, ...]
    angle: float
    blur: float


def draw_ellipse(rng: np.random.Generator) -> Ellipse:
    """Centre in the middle half of the picture, half axes 8 to 18 % of it."""
    centre, axes = tuple(rng.uniform(0.3, 0.7, 2).tolist()), tuple(rng.uniform(0.08, 0.18, 2).tolist())
    return Ellipse(centre, axes, float(rng.uniform(0, 180)), float(rng.uniform(0.03, 0.06)))


def blur_ellipse(image: FloatArray, ellipse: Ellipse) -> FloatArray:
    """The picture ``[H, W, 3]`` with one ellipse blurred; its edge is soft."""
    height, width = image.shape[:2]
    centre, axes = (np.array(share) * (width, height) for share in (ellipse.centre, ellipse.axes))
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (tuple(centre.tolist()), tuple((2 * axes).tolist()), ellipse.angle), 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.01 * width)[..., None]
    blurred = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), ellipse.blur * width)
    return np.asarray(mask * blurred + (1 - mask) * image, np.float32)


@dataclass(frozen=True)
class DrawnPatches(Drawn):
    """``patch32``: the ellipses of each frame."""

    ellipses: tuple[tuple[Ellipse, ...], ...]


def draw_patches(frames: int, rng: np.random.Generator) -> DrawnPatches:
    """Three ellipses for the middle frame, one for each other."""
    middle = frames // 2
    return DrawnPatches(tuple(tuple(draw_ellipse(rng) for _ in range(3 if i == middle else 1)) for i in range(frames)))


def patched_jpegs(truths: Sequence[FloatArray], drawn: DrawnPatches) -> Spoilt:
    """Patches of the face are blurred in every frame, most of all in the middle one."""
    files = []
    for i, (image, ellipses) in enumerate(zip(truths, drawn.ellipses, strict=True)):
        damaged = image
        for ellipse in ellipses:
            damaged = blur_ellipse(damaged, ellipse)
        files.append((f"{i}.jpg", jpeg_bytes(resize(damaged, 32, 32, interpolation="area"), 90)))
    middle = len(truths) // 2
    return Spoilt(tuple(files), resize(truths[middle], 128, 128, interpolation="area"), middle, drawn)


@dataclass(frozen=True)
class Way:
    """A family of exports: what is fixed, and the range that the recorder's strength is drawn from.

    Attributes:
        codec, saved, quality, factor: see :class:`mfrec.camera.exports.Export`.
        weakest, strongest: of the recorder's strength, both included; one is drawn for all frames.
        cut: whether 1 to 7 columns and rows are cut off.
    """

    codec: str
    weakest: int
    strongest: int
    saved: str = "png"
    quality: int = 92
    factor: int = 1
    cut: bool = False

    def draw(self, rng: np.random.Generator, frames: int) -> Export:
        """One of the family, for so many frames."""
        strength = int(rng.integers(self.weakest, self.strongest + 1))
        left, top = (int(n) for n in rng.integers(1, 8, 2))
        return Export(
            self.codec,
            (strength,) if self.codec in CLIPS else (strength,) * frames,
            cut=(left, top) if self.cut else (0, 0),
            factor=float(self.factor),
            saved=self.saved,
            quality=self.quality,
        )


@dataclass(frozen=True)
class DrawnExport(Drawn):
    """A protocol of ``exports``: the surveillance camera, and the way to the analyst.

    Attributes:
        sigma, noise: see :class:`DrawnWatch`.
        export: the way.
    """

    sigma: float
    export: Export
    noise: GeneratorState


def draw_way(way: Way, frames: int, rng: np.random.Generator) -> DrawnExport:
    """A blur, one export of a family, and noise for as many frames as there will be."""
    sigma = float(rng.uniform(1.2, 2.4))
    export = way.draw(rng, frames)
    return DrawnExport(sigma, export, GeneratorState.of(rng))


def handed_over(truths: Sequence[FloatArray], drawn: DrawnExport) -> Spoilt:
    """A surveillance camera, and a way to the analyst. Where rows are cut off the frames, so are they off the truth."""
    files = exported(watched(truths, drawn.sigma, drawn.noise), drawn.export)
    middle = len(truths) // 2
    left, top = (SCALE * n for n in drawn.export.cut)
    truth = np.ascontiguousarray(np.asarray(truths[middle], np.float32)[top:, left:])
    return Spoilt(files, truth, middle, drawn, SCALE // round(drawn.export.factor))


WAYS: dict[str, Way] = {
    "h264-png": Way("h264", 26, 36),
    "h264-jpeg": Way("h264", 26, 36, saved="jpeg", quality=92),
    "h264-twice-png": Way("h264", 26, 36, factor=2),
    "hevc-png": Way("hevc", 24, 34),
    "hevc-file": Way("hevc", 24, 34, saved="file"),
    "mpeg4-png": Way("mpeg4", 4, 10),
    "mpeg2-jpeg": Way("mpeg2", 4, 10, saved="jpeg", quality=90),
    "mjpeg-file": Way("mjpeg", 4, 10, saved="file"),
    "vp9-png": Way("vp9", 30, 50),
    "jpeg-png": Way("jpeg", 30, 70),
    "jpeg-cut-jpeg": Way("jpeg", 40, 50, saved="jpeg", quality=85, cut=True),
    "webp-file": Way("webp", 30, 40, saved="file"),
    "avif-png": Way("avif", 30, 50),
}
"""The ways of ``exports``, by the end of their protocol's name."""


@dataclass(frozen=True)
class Protocol:
    """One way of spoiling a sequence.

    Attributes:
        kind: of what is drawn; its ``from_json`` reads a record of the bench.
        draw: draws for so many frames.
        apply: makes the files; pure.
    """

    kind: type[Drawn]
    draw: Callable[[int, np.random.Generator], Drawn]
    apply: Callable[[Sequence[FloatArray], Any], Spoilt]

    def __call__(self, truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
        """Draw and apply; ``truths`` are ``[256, 256, 3]`` float32 in [0, 1] each."""
        return self.apply(truths, self.draw(len(truths), rng))


PROTOCOLS: dict[str, Protocol] = {
    "jpeg32": Protocol(DrawnJpegs, draw_jpegs, small_jpegs),
    "cctv64": Protocol(DrawnWatch, draw_watch, surveillance_clip),
    "patch32": Protocol(DrawnPatches, draw_patches, patched_jpegs),
}
"""What the bench measures where no protocol is named."""

EXPORTS: dict[str, Protocol] = {
    f"export-{name}": Protocol(DrawnExport, partial(draw_way, way), handed_over) for name, way in WAYS.items()
}

LONG_COUNTS = (1, 3, 7, 15, 31)
LONG_DAMAGES = ("jpeg32", "export-h264-png")


def middle_frames(damage: Protocol, count: int, truths: Sequence[FloatArray], drawn: Any) -> Spoilt:
    """The middle ``count`` frames of what a protocol makes of a whole sequence, one file each.

    Raises:
        InputError: the sequence is too short.
    """
    whole = damage.apply(truths, drawn)
    first = whole.reference - count // 2
    if first < 0 or first + count > len(whole.files):
        raise InputError(
            f"the sequence has {len(whole.files)} frames, expected {count} around the middle one; give longer ones"
        )
    return replace(whole, files=whole.files[first : first + count], reference=count // 2)


LONG: dict[str, str] = {
    f"long-{damage.removeprefix('export-')}-{count}": damage for damage in LONG_DAMAGES for count in LONG_COUNTS
}
"""The protocols of ``long``, and whose damage each of them has."""


def long_protocol(name: str) -> Protocol:
    """One of :data:`LONG`: what its damage draws, and the middle of what that makes."""
    damage = {**PROTOCOLS, **EXPORTS}[LONG[name]]
    return replace(damage, apply=partial(middle_frames, damage, int(name.rpartition("-")[2])))


EVERY: dict[str, Protocol] = {**PROTOCOLS, **EXPORTS, **{name: long_protocol(name) for name in LONG}}
"""All protocols by name."""

GROUPS: dict[str, tuple[str, ...]] = {"exports": tuple(EXPORTS), "long": tuple(LONG)}
"""Names that stand for several protocols."""


def named(names: Sequence[str]) -> tuple[str, ...]:
    """Names of protocols, each once, with every group of :data:`GROUPS` replaced by its members.

    Raises:
        UsageError: there is no such protocol or group.
    """
    found: list[str] = []
    for name in names:
        if name not in EVERY and name not in GROUPS:
            raise UsageError(
                f"unknown protocol '{name}'; known are {', '.join((*PROTOCOLS, *GROUPS, *EXPORTS, *LONG))}"
            )
        found += GROUPS.get(name, (name,))
    return tuple(dict.fromkeys(found))
