"""How frames travel from a recorder to an analyst: coded, decoded, cropped, enlarged, and saved once more.

Drawing and applying are two steps. An :class:`Export` is plain numbers and words, goes to JSON and back, and decides
every byte of the files; :func:`draw_export` draws one, :func:`exported` applies it with real encoders. The bench
(:mod:`mfrec.camera.protocols`) and training (:mod:`mfrec.train.streams.clean_stream`) share both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mfrec.image.geometry import resize
from mfrec.imageio.encode import CLIP_SUFFIX, ClipCodec, StillCodec, clip_bytes, still_bytes
from mfrec.imageio.memory import decoded
from mfrec.types import Drawn, FloatArray

Kernel = Literal["cubic", "linear", "nearest"]

CLIPS: tuple[str, ...] = get_args(ClipCodec)
STILLS: tuple[str, ...] = get_args(StillCodec)

Files = tuple[tuple[str, bytes], ...]
"""File names and bytes: of one clip, or of one still for each frame."""


@dataclass(frozen=True)
class Export(Drawn):
    """One way from the recorder to the analyst.

    Attributes:
        codec: of the recorder: one of :data:`CLIPS` (one clip) or :data:`STILLS` (each frame by itself).
        strength: how strongly it codes, in its own unit (:func:`mfrec.imageio.encode.clip_bytes`,
            :func:`~mfrec.imageio.encode.still_bytes`): one number for a clip, one a frame for stills.
        cut: columns and rows that are cut off on the left and on the top after decoding, pixels; off the codec's grid
            where they are no multiple of its block.
        factor: by which the decoded frames are enlarged, 1 is not at all.
        kernel: of that enlargement.
        saved: ``"file"``: the recorder's own files are handed over, so nothing is cut or enlarged; or one of
            :data:`STILLS`: every frame is decoded and saved as that.
        quality: of that last saving, 1 to 100; nothing to PNG.
    """

    codec: str
    strength: tuple[int, ...]
    cut: tuple[int, int] = (0, 0)
    factor: float = 1.0
    kernel: Kernel = "cubic"
    saved: str = "png"
    quality: int = 92

    def __post_init__(self) -> None:
        if self.codec not in (*CLIPS, *STILLS):
            raise ValueError(f"no codec '{self.codec}'; expected one of {', '.join((*CLIPS, *STILLS))}")
        if self.saved not in ("file", *STILLS):
            raise ValueError(f"frames are saved as 'file' or one of {', '.join(STILLS)}, not as '{self.saved}'")
        if self.saved == "file" and (self.cut != (0, 0) or self.factor != 1):
            raise ValueError("the recorder's own files are neither cut nor enlarged; save the frames as png or jpeg")
        if not self.strength or (self.codec in CLIPS and len(self.strength) != 1):
            raise ValueError(
                f"{len(self.strength)} strengths for '{self.codec}'; expected one for a clip, one a frame else"
            )
        if not (1 <= self.factor <= 8 and min(self.cut) >= 0):
            raise ValueError(
                f"factor {self.factor} and cut {self.cut}; expected 1 to 8, and no negative number of pixels"
            )


def exported(frames: Sequence[FloatArray], export: Export) -> Files:
    """The files that reach the analyst.

    Args:
        frames: ``[h, w, 3]`` float32 RGB in [0, 1], as the recorder's encoder gets them, all of one size with even
            sides.
        export: the way.

    Raises:
        ValueError: stills have another number of strengths than there are frames.
    """
    if export.codec in CLIPS:
        codec: ClipCodec = export.codec  # pyright: ignore[reportAssignmentType]
        files: Files = ((f"clip{CLIP_SUFFIX[codec]}", clip_bytes(frames, codec, export.strength[0])),)
    else:
        files = stills(frames, export.codec, export.strength)
    if export.saved == "file":
        return files
    left, top = export.cut
    shown = [frame.image[top:, left:] for name, data in files for frame in decoded(name, data)]
    if export.factor != 1:
        height, width = (round(export.factor * n) for n in shown[0].shape[:2])
        shown = [np.clip(resize(image, height, width, interpolation=export.kernel), 0, 1) for image in shown]
    return stills(shown, export.saved, (export.quality,) * len(shown))


def stills(images: Sequence[FloatArray], codec: str, qualities: Sequence[int]) -> Files:
    """Each picture saved by itself, named by its number."""
    return tuple(
        (f"{i}.{codec}", still_bytes(image, codec, quality))  # pyright: ignore[reportArgumentType]
        for i, (image, quality) in enumerate(zip(images, qualities, strict=True))
    )


RANGES: dict[str, tuple[int, int]] = {
    "h264": (24, 37),
    "hevc": (22, 36),
    "mpeg4": (3, 12),
    "mpeg2": (3, 12),
    "wmv2": (3, 12),
    "mjpeg": (3, 12),
    "vp8": (20, 55),
    "vp9": (25, 55),
    "jpeg": (25, 92),
    "webp": (15, 80),
    "avif": (25, 70),
    "png": (100, 100),
}
"""Strengths, both ends included, from hardly visible to what recorders do to save room."""

SHARES: dict[str, float] = {
    "h264": 0.36,
    "hevc": 0.12,
    "mpeg4": 0.10,
    "mpeg2": 0.06,
    "wmv2": 0.02,
    "mjpeg": 0.03,
    "vp8": 0.02,
    "vp9": 0.02,
    "jpeg": 0.16,
    "webp": 0.06,
    "avif": 0.02,
    "png": 0.03,
}
"""How often each codec is drawn."""


def draw_export(rng: np.random.Generator, frames: int) -> Export:
    """Draw a way: the codec by :data:`SHARES`, its strength evenly in :data:`RANGES`, then how the frames are saved.

    Args:
        rng: everything is drawn from it.
        frames: how many.
    """
    codec = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    low, high = RANGES[codec]
    middle = int(rng.integers(low, high + 1))
    strength = (middle,)
    if codec not in CLIPS:  # a camera that saves stills keeps to about one quality
        strength = tuple(int(q) for q in np.clip(middle + rng.integers(-6, 7, frames), low, high))
    saved = str(rng.choice(["file", "png", "jpeg", "webp"], p=[0.35, 0.40, 0.21, 0.04]))
    cut = (int(rng.integers(8)), int(rng.integers(8))) if saved != "file" and rng.random() < 0.3 else (0, 0)
    return Export(codec, strength, cut=cut, saved=saved, quality=int(rng.integers(80, 97)))
