"""How the bench spoils truth frames: the named protocols of the development tables.

A protocol takes the frames of one sequence (truth, 256 px) and returns what a bad camera would have
delivered, plus the truth of the middle frame at the output size. All of it is drawn from a seed, so a
sequence is spoilt the same way every time.

* ``jpeg32``: area-resampled to 32 px, each frame a JPEG of its own quality 30 to 90; truth 128 px.
* ``cctv64``: Gaussian point-spread function of sigma 1.2 to 2.4 px at 256 px, 64 px, noise of sigma 3/255,
  one H.264 clip at CRF 26 to 36; truth 256 px.
* ``patch32``: three blurred ellipses on the face in the middle frame, one in every other frame, 32 px,
  JPEG quality 90; truth 128 px.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mfrec.geometry import resize
from mfrec.types import FloatArray

SCALE = 4


@dataclass(frozen=True, eq=False)
class Spoilt:
    """One degraded sequence.

    Attributes:
        files: file name and bytes of each frame (JPEG), or of one clip (MP4).
        truth: ``[H, W, 3]`` of the middle frame at ``SCALE`` times the frames' size.
        reference: index of the middle frame.
        drawn: the drawn parameters.
    """

    files: tuple[tuple[str, bytes], ...]
    truth: FloatArray
    reference: int
    drawn: dict[str, object]

    def write(self, folder: Path) -> None:
        """Write the files into an existing folder."""
        for name, data in self.files:
            (folder / name).write_bytes(data)


def to_uint8(image: FloatArray) -> np.ndarray:
    """``[H, W, 3]`` float in [0, 1] to uint8, rounded."""
    return np.clip(np.rint(np.asarray(image) * 255.0), 0, 255).astype(np.uint8)


def jpeg_bytes(image: FloatArray, quality: int) -> bytes:
    """Encode with Pillow (4:2:0 below quality 95, as cameras do)."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def h264_bytes(images: Sequence[FloatArray], crf: int, fps: int = 25) -> bytes:
    """One H.264 clip in MP4, encoded by libx264 through PyAV with one thread, so that it is repeatable."""
    import av

    height, width = images[0].shape[:2]
    # PyAV cannot mux MP4 into memory without seeking; a temporary file is simplest and exact.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=fps)
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuv420p"
            # Macroblock-tree rate control reads memory that it never wrote on frames this small: the same clip came
            # out in two versions, up to 28 grey levels apart.
            stream.options = {"crf": str(crf), "preset": "medium", "threads": "1", "mbtree": "0"}
            for image in images:
                frame = av.VideoFrame.from_ndarray(to_uint8(image), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()


def jpeg32(truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
    """Small JPEGs, each of its own quality."""
    qualities = rng.integers(30, 91, len(truths))
    files = tuple(
        (f"{i}.jpg", jpeg_bytes(resize(image, 32, 32, interpolation="area"), int(quality)))
        for i, (image, quality) in enumerate(zip(truths, qualities, strict=True))
    )
    middle = len(truths) // 2
    return Spoilt(files, resize(truths[middle], 128, 128, interpolation="area"), middle, {"quality": qualities.tolist()})


def cctv64(truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
    """A blurred, noisy surveillance clip."""
    sigma = float(rng.uniform(1.2, 2.4))
    crf = int(rng.integers(26, 37))
    small = []
    for image in truths:
        blurred = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        noisy = resize(blurred, 64, 64, interpolation="area") + rng.normal(0, 3 / 255, (64, 64, 3))
        small.append(np.clip(noisy, 0, 1).astype(np.float32))
    middle = len(truths) // 2
    return Spoilt((("clip.mp4", h264_bytes(small, crf)),), np.asarray(truths[middle]), middle, {"sigma": sigma, "crf": crf})


def blur_ellipse(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Blur one ellipse on the face: centre in the middle half of the crop, half axes 8 to 18 % of it."""
    height, width = image.shape[:2]
    centre = rng.uniform(0.3, 0.7, 2) * (width, height)
    axes = rng.uniform(0.08, 0.18, 2) * (width, height)
    angle = float(rng.uniform(0, 180))
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (tuple(centre.tolist()), tuple((2 * axes).tolist()), angle), 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.01 * width)[..., None]
    blurred = cv2.GaussianBlur(np.asarray(image, np.float32), (0, 0), float(rng.uniform(0.03, 0.06)) * width)
    return mask * blurred + (1 - mask) * image


def patch32(truths: Sequence[FloatArray], rng: np.random.Generator) -> Spoilt:
    """Patches of the face are blurred: three in the middle frame, one in each other."""
    middle = len(truths) // 2
    files = []
    for i, image in enumerate(truths):
        for _ in range(3 if i == middle else 1):
            image = blur_ellipse(image, rng)
        files.append((f"{i}.jpg", jpeg_bytes(resize(image, 32, 32, interpolation="area"), 90)))
    return Spoilt(tuple(files), resize(truths[middle], 128, 128, interpolation="area"), middle, {})


PROTOCOLS: dict[str, Callable[[Sequence[FloatArray], np.random.Generator], Spoilt]] = {
    "jpeg32": jpeg32,
    "cctv64": cctv64,
    "patch32": patch32,
}
