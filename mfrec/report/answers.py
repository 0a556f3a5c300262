"""What the report of a generative run shows beside the evidence picture: several faces that the same frames allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfrec.imageio import to_uint8
from mfrec.report import pictures
from mfrec.report.pictures import GREY_LEVELS, Rgb
from mfrec.types import Imagined

MEANING = (
    "A generator of faces that has learnt from other people's pictures drew each of these so that the frames, seen "
    "through the declared camera and codec, agree with it. None of them is the person. What differs between them is "
    "what the frames do not tell; what they have in common may still be the generator's habit."
)


@dataclass(frozen=True, eq=False)
class Answers:
    """The section.

    Attributes:
        shown: picture and caption of each answer.
        spread: how far they lie apart at each pixel, as a coloured picture.
        spread_limit: end of its legend in grey levels.
        facts: label, value and what it means.
        meaning: what such a picture is.
    """

    shown: tuple[tuple[Rgb, str], ...]
    spread: Rgb
    spread_limit: float
    facts: tuple[tuple[str, str, str], ...]
    meaning: str = MEANING


def answers(imagined: Imagined | None) -> Answers | None:
    """The section of a run; None where no generator drew."""
    if imagined is None:
        return None
    limit = pictures.uncertainty_limit(imagined.spread)
    shown = [
        (
            to_uint8(image),
            f"answer {number + 1}: misfit {imagined.misfit[number]:.2f}, {imagined.from_plain[number]:.2f} from the "
            "evidence picture in identity",
        )
        for number, image in enumerate(imagined.images)
    ]
    return Answers(tuple(shown), pictures.uncertainty_map(imagined.spread, limit), limit, tuple(facts(imagined)))


def facts(imagined: Imagined) -> list[tuple[str, str, str]]:
    """Label, value, and what it means."""
    said = [
        (
            "Misfit",
            f"{imagined.misfit.min():.2f} to {imagined.misfit.max():.2f}, evidence picture {imagined.plain_misfit:.2f}",
            "mean square of what is left of the frames when an answer is degraded as the camera is declared to, in "
            "units of what camera, codec and registration let expect; up to 1 the frames do not contradict it",
        ),
        (
            "Determined by the frames",
            f"{100 * imagined.determined:.0f} %",
            "share of the frames in the pixels where the generator drew; the rest is the generator's",
        ),
        (
            "Spread",
            f"\u00b1{GREY_LEVELS * imagined.mean_spread:.1f} grey levels",
            "between the answers, on average where the generator drew",
        ),
    ]
    if len(imagined.distances) > 1:
        apart = imagined.distances[np.triu_indices(len(imagined.distances), 1)]
        said.append(
            (
                "Identity between answers",
                f"{apart.min():.2f} to {apart.max():.2f}",
                "distances of dlib's recognition network; two portraits of one person mostly lie below 0.6",
            )
        )
    return said
