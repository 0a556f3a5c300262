"""Pictures, enlarged one after the other; each one that is done stays done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfrec.cards.single_picture import is_grey
from mfrec.image.stamp import METADATA, burned
from mfrec.imageio import FrameStream, png_bytes, stream, tiff_stack_bytes, to_uint8
from mfrec.pipeline import Progress
from mfrec.provenance.record import input_entry
from mfrec.publication.folder import writing
from mfrec.publication.unfinished import Unfinished
from mfrec.types import FloatArray, Frame
from mfrec.upscale.asked import Asked
from mfrec.upscale.film import around
from mfrec.upscale.made import Enlarge
from mfrec.upscale.methods import Method


@dataclass(frozen=True)
class Stills:
    """Pictures that are enlarged.

    Attributes:
        path: of a file or folder.
        asked: how many neighbours each needs.
        method: for its name and stamp.
        enlarge: what is done with each.
    """

    path: Path
    asked: Asked
    method: Method
    enlarge: Enlarge

    def make(self, work: Unfinished, progress: Progress) -> FrameStream:
        """Make every picture that is not there yet; see :meth:`mfrec.upscale.film.Film.make`."""
        frames = stream(self.path)
        there = len(work.pieces)
        for number, (near, position) in enumerate(around(frames, self.asked.reach)):
            if number >= there:
                frame = near[position]
                image, used, _ = self.enlarge(near, position)
                with writing():
                    suffix, data = self._encoded(frame, image)
                    work.part().write_bytes(data)
                    work.finish(suffix, _facts(frame, image, len(used)))
            progress("upscale", number + 1, max(number + 1, frames.expected))
        return frames

    def _encoded(self, frame: Frame, image: FloatArray) -> tuple[str, bytes]:
        """Suffix and bytes of a file: PNG, or TIFF with 16 bits where the picture has more than eight."""
        image = burned(image, self.method.stamp)
        words = METADATA if self.method.draws else self.method.stamp
        if is_deep(frame):
            return ".tiff", tiff_stack_bytes([(f"{frame.name}: {words}", image)])
        pixels = to_uint8(image)
        text = {"Software": "mfrec", "Title": f"{frame.name}, enlarged {self.method.scale} times", "Comment": words}
        return ".png", png_bytes(pixels[..., 0] if is_grey(pixels) else pixels, text)


def is_deep(frame: Frame) -> bool:
    """Whether a picture was read from more than eight bits a sample."""
    return any("16 bit" in note or "floating point" in note for note in frame.notes)


def _facts(frame: Frame, image: FloatArray, used: int) -> Mapping[str, Any]:
    height, width = image.shape[:2]
    return {"input": input_entry(frame), "size": [width, height], "used": used, "damaged": int(frame.damaged)}


def names_of(facts: Sequence[Mapping[str, Any]], suffixes: Sequence[str]) -> list[str]:
    """File names for the pictures, in their order: ``upscaled.png`` for one alone, else with the index of each."""
    if len(facts) == 1:
        return [f"upscaled{suffixes[0]}"]
    return [f"upscaled-{entry['input']['index']:04d}{suffix}" for entry, suffix in zip(facts, suffixes, strict=True)]
