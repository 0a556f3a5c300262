"""What reading gives, and the last steps to a :class:`~mfrec.types.Frame` that all sources share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.limits import MAX_STRETCH
from mfrec.types import Dropped, FloatArray, Frame


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read, what was not and why, and what the reader of the report should know.

    Attributes:
        frames: the pictures, in the order given. ``index`` counts what was selected, including what could not be read.
        dropped: files and frames that could not be used.
        warnings: sentences about the sequence as a whole.
    """

    frames: tuple[Frame, ...]
    dropped: tuple[Dropped, ...] = ()
    warnings: tuple[str, ...] = ()


def shown(path: Path, *, whole: bool = True) -> str:
    """A path (or with ``whole=False`` its last part) as text that can be printed and stored.

    File names need not be valid UTF-8; bytes that are not appear as ``\\udcXX``.
    """
    return (str(path) if whole else path.name).encode("utf-8", "backslashreplace").decode("utf-8")


def listed(dropped: Sequence[Dropped]) -> str:
    """The reasons at the end of an error message."""
    if not dropped:
        return ""
    shown_reasons = "; ".join(f"'{item.name}': {item.reason}" for item in dropped[:10])
    more = f"; and {len(dropped) - 10} more" if len(dropped) > 10 else ""
    return f". Found: {shown_reasons}{more}"


def over_grey(rgba: FloatArray, notes: list[str]) -> FloatArray:
    """Composite ``[H, W, 4]`` with straight alpha over mid-grey."""
    colour, alpha = rgba[..., :3], rgba[..., 3:]
    if np.all(alpha == 1):
        return np.ascontiguousarray(colour)
    notes.append("transparent parts composited over mid-grey")
    return (colour * alpha + np.float32(0.5) * (np.float32(1) - alpha)).astype(np.float32, copy=False)


def square_pixels(image: FloatArray, aspect: float, notes: list[str]) -> FloatArray:
    """Make pixels of ``aspect`` (width / height) square by stretching, never by shrinking.

    The array itself comes back where nothing had to be done.
    """
    # Resolutions are stored as whole numbers per metre: less than half a percent is rounding.
    if abs(math.log(aspect)) < 0.005:
        return image
    if not 1 / MAX_STRETCH <= aspect <= MAX_STRETCH:
        notes.append(f"implausible pixel aspect ratio {aspect:.4g} ignored")
        return image
    from mfrec.image.geometry import resize

    height, width = image.shape[:2]
    new_height, new_width = (height, round(width * aspect)) if aspect > 1 else (round(height / aspect), width)
    notes.append(f"pixel aspect ratio {aspect:.4g} applied: {width}x{height} stretched to {new_width}x{new_height}")
    return np.clip(resize(image, new_height, new_width), 0, 1)


def finished(image: NDArray[Any]) -> FloatArray:
    """The form that a Frame takes over without another copy."""
    out = np.ascontiguousarray(image, np.float32)
    if not out.flags.owndata:
        out = out.copy()
    out.setflags(write=False)
    return out


def digests(chunks: Iterable[bytes]) -> tuple[str, str]:
    """SHA-256 and MD5 as hex, in one pass."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        sha256.update(chunk)
        md5.update(chunk)
    return sha256.hexdigest(), md5.hexdigest()


def warnings_about(frames: Sequence[Frame]) -> tuple[str, ...]:
    """What is odd about the frames taken together: copies, which add weight and no information."""
    first: dict[bytes, str] = {}
    copies = []
    for frame in frames:
        key = hashlib.sha256(repr(frame.image.shape).encode() + frame.image.tobytes()).digest()
        if key in first:
            copies.append(f"'{frame.name}' of '{first[key]}'")
        else:
            first[key] = frame.name
    if not copies:
        return ()
    more = f" and {len(copies) - 5} more" if len(copies) > 5 else ""
    return (f"exact copies among the frames ({', '.join(copies[:5])}{more}): a copy adds weight, but no information",)
