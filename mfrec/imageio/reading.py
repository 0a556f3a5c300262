"""What reading gives, frame by frame or at once, and the last steps to a :class:`~mfrec.types.Frame`."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.limits import MAX_STRETCH
from mfrec.types import Dropped, FloatArray, Frame


class RefusedError(ValueError):
    """A picture beyond the limits, or one whose content is not understood; the text is the reason for the record."""


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


@dataclass
class Findings:
    """What readers find out besides frames, gathered while they read.

    Attributes:
        dropped: files and frames that could not be used.
        warnings: sentences about the sequence as a whole.
    """

    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _first: dict[bytes, str] = field(default_factory=dict)
    _copies: list[str] = field(default_factory=list)
    _copy_count: int = 0

    def compare(self, name: str, shape: tuple[int, ...], samples: Iterable[NDArray[Any]]) -> None:
        """Remember a frame by a digest of its shape and samples, and whether an earlier one had the same."""
        digest = hashlib.blake2b(repr(shape).encode(), digest_size=16)
        for array in samples:
            digest.update(np.ascontiguousarray(array).data)
        first = self._first.setdefault(digest.digest(), name)
        if first != name:
            self._copy_count += 1
            if len(self._copies) < 5:
                self._copies.append(f"'{name}' of '{first}'")

    def sentences(self) -> tuple[str, ...]:
        """All warnings, that of copies first: they add weight and no information."""
        if not self._copies:
            return tuple(self.warnings)
        more = f" and {self._copy_count - len(self._copies)} more" if self._copy_count > len(self._copies) else ""
        names = ", ".join(self._copies)
        copies = f"exact copies among the frames ({names}{more}): a copy adds weight, but no information"
        return (copies, *self.warnings)


class FrameStream(Iterator[Frame]):
    """Frames one after the other, in the order of the sequence; what is not kept by the caller is not kept at all.

    It is iterated once. Memory holds one frame, the compressed pieces that the decoder still needs, and some bytes a
    frame for time stamps and digests, however long the sequence is. :attr:`dropped` and :attr:`warnings` grow while
    it is iterated and are complete when it has ended; an iteration that is left early is ended by :meth:`close`.

    Iterating raises :class:`~mfrec.errors.NoFramesError` at its end where no frame could be used.

    Attributes:
        unit: what the frames come from: ``"video"``, ``"list of pictures"`` or ``"list"``.
        expected: about how many frames will come in all; 0 where that is not known beforehand.
        size: width and height of the frames in pixels as the header says them; None where every frame has its own.
    """

    def __init__(
        self,
        frames: Iterator[Frame],
        findings: Findings,
        *,
        unit: str,
        expected: int,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._frames = frames
        self._findings = findings
        self.unit = unit
        self.expected = expected
        self.size = size

    def __next__(self) -> Frame:
        return next(self._frames)

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Files and frames that could not be used, so far."""
        return tuple(self._findings.dropped)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about the sequence as a whole, so far."""
        return self._findings.sentences()

    @property
    def warnings_of_files(self) -> tuple[str, ...]:
        """Those of :attr:`warnings` that speak of the files and not of what a copy is worth to a fusion."""
        return tuple(self._findings.warnings)

    def close(self) -> None:
        """Stop reading and let the file go."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()


UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters of Unicode, its separators of lines, and what embeds or overrides a direction of writing."""


def shown(path: Path, *, whole: bool = True) -> str:
    """A path (or with ``whole=False`` its last part) as text that can be printed and stored.

    File names need not be valid UTF-8; bytes that are not appear as ``\\udcXX``. What would end a line, steer a
    terminal or turn the direction of writing appears as ``\\n`` or ``\\u202e`` do.
    """
    text = (str(path) if whole else path.name).encode("utf-8", "backslashreplace").decode("utf-8")
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def listed(dropped: Sequence[Dropped]) -> str:
    """The reasons at the end of an error message."""
    if not dropped:
        return ""
    shown_reasons = "; ".join(f"'{item.name}': {item.reason}" for item in dropped[:10])
    more = f"; and {len(dropped) - 10} more" if len(dropped) > 10 else ""
    return f". Found: {shown_reasons}{more}"


def over_grey(rgba: FloatArray, notes: list[str]) -> FloatArray:
    """Composite ``[H, W, 4]`` with straight alpha over mid-grey.

    Where nothing at all would be seen, the alpha was left empty, as in pictures of a screen on Windows.
    """
    colour, alpha = rgba[..., :3], rgba[..., 3:]
    if np.all(alpha == 1):
        return np.ascontiguousarray(colour)
    if not alpha.any():
        notes.append("all of it is marked as transparent, which is ignored")
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


def digests(chunks: Iterable[bytes | memoryview]) -> tuple[str, str]:
    """SHA-256 and MD5 as hex, in one pass."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        sha256.update(chunk)
        md5.update(chunk)
    return sha256.hexdigest(), md5.hexdigest()
