"""How well a frame is predicted by the others: the picture is made without it, and put through the declared camera.

Leave-one-out cross-validation (Stone 1974, "Cross-validatory choice and assessment of statistical predictions"), which
needs no truth. What a frame differs from its prediction is held against the error that its own codec has left, DCT
coefficient by DCT coefficient: the normalised innovation of a filter (Bar-Shalom, Li and Kirubarajan, "Estimation with
Applications to Tracking and Navigation", 2001, section 5.4), taken per coefficient. 1 says that the other frames
predict it as well as the noise of its codec allows, 2 that they miss it by twice that: the face moved in a way that was
not registered, its light changed, or the frame shows something else. Below 1 is usual for coarse codecs: coefficients
that were rounded to nothing err by less than their step allows.

The frame has had a say in how the others were registered and believed, a small one: neither is done again without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.forward import degrade
from mfrec.camera.noise import BLOCK
from mfrec.fusion.belief import believed, judge
from mfrec.fusion.robust import estimate_luma
from mfrec.fusion.source import MapSettings, Source
from mfrec.image.colour import luma as to_luma
from mfrec.image.cosines import cosine_transform
from mfrec.image.geometry import warp
from mfrec.runtime.threads import side_by_side
from mfrec.types import Canvas, FloatArray

MOST = 3
"""How many frames are left out in turn at most, spread evenly; each costs 3 to 4 % of an evidence run."""

STEPS = (2, 8)
"""Reweightings, and steps in each: for a comparison fewer do than for a picture."""

SIDE_BY_SIDE = 4_000_000
"""Canvas pixels times frames up to which two predictions are made at a time; each takes some 30 bytes of memory for one
of them, beside everything that two pictures are made from, and larger ones would be the most memory of a run."""

COVERED = 0.5
"""Share of a block that must lie on the face; what is missing of it counts as if it were like the rest."""


@dataclass(frozen=True)
class LeftOut:
    """A frame and how well the others predict it.

    Attributes:
        position: among the sources.
        ratio: root-mean-square over DCT coefficients of difference over expected error; 1 is as well as the codec's
            noise allows.
    """

    position: int
    ratio: float


def predict_left_out(
    sources: Sequence[Source], picture: FloatArray, face: FloatArray, canvas: Canvas, settings: MapSettings
) -> tuple[LeftOut, ...]:
    """Leave out frames in turn, the reference never, and predict each by the others.

    Args:
        sources: as they were fused.
        picture: ``[H, W, 3]`` that they gave; it says how far each is believed.
        face: ``[H, W]`` 1 where the face is, else 0: what is behind it may move on its own.
        canvas: the output grid.
        settings: of the estimate.

    Returns:
        At most :data:`MOST`, in the order of the sources; a frame of which no block shows the face is passed over.
    """
    others = [k for k, source in enumerate(sources) if not source.is_reference]
    chosen = [others[i] for i in np.unique(np.linspace(0, len(others) - 1, min(MOST, len(others))).round().astype(int))]
    quick = replace(settings, outer=min(settings.outer, STEPS[0]), inner=min(settings.inner, STEPS[1]))
    if not chosen:
        return ()
    judged = judge(sources, picture, canvas.scale, quick)

    def missed(k: int) -> float | None:
        left = [i for i in range(len(sources)) if i != k]
        rest = [sources[i] for i in left]
        predicted = estimate_luma(rest, believed(rest, judged.of(left), quick), canvas, quick)
        return misfit(sources[k], predicted, face, canvas, settings.psf_sigma)

    large = picture.shape[0] * picture.shape[1] * len(sources) > SIDE_BY_SIDE
    ratios = map(missed, chosen) if large else side_by_side(missed, chosen)
    return tuple(LeftOut(k, ratio) for k, ratio in zip(chosen, ratios, strict=True) if ratio is not None)


def misfit(source: Source, luma: FloatArray, face: FloatArray, canvas: Canvas, psf_sigma: float) -> float | None:
    """A frame's luma against what the declared camera would have seen of ``luma``, in units of its codec's error.

    Args:
        source: the frame.
        luma: ``[H, W]`` on the canvas, in the light of the reference, which the source's pixels have too.
        face: ``[H, W]`` where to compare.
        canvas: the output grid.
        psf_sigma: of the declared camera, in frame pixels.

    Returns:
        Root-mean-square over the coefficients of all blocks that show the face; None where there is no such block.
    """
    expected = degrade(np.dstack([luma] * 3), source.registration, canvas, psf_sigma)[..., 0]
    place = source.registration.landing
    looked_at = np.isfinite(expected) & (warp(face * source.shown, place, interpolation="linear", fill=0.0) > 0.5)
    difference = np.where(looked_at, expected - to_luma(source.image), 0.0)
    x0, y0 = source.registration.window
    left, top = ((phase - start) % BLOCK for phase, start in zip(source.noise.phase, (x0, y0), strict=True))
    blocks, shares = _blocks(difference[top:, left:]), _blocks(looked_at[top:, left:]).mean(axis=(1, 2))
    kept = shares >= COVERED
    if not kept.any():
        return None
    energy = cosine_transform(blocks[kept]) ** 2 / shares[kept, None, None]
    return float(np.sqrt((energy / source.noise.luma).mean()))


def _blocks(plane: NDArray) -> NDArray:
    """Whole blocks of a plane, ``[n, 8, 8]``."""
    rows, columns = (side // BLOCK for side in plane.shape)
    cut = plane[: rows * BLOCK, : columns * BLOCK]
    return cut.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def in_words(left_out: Sequence[LeftOut]) -> str:
    """What the numbers say, in a sentence for the reader."""
    if not left_out:
        return "no frame could be left out and predicted by the others"
    number = overall(left_out)
    each = "one frame was left out" if len(left_out) == 1 else f"{len(left_out)} frames were left out in turn"
    verdict = next(words for limit, words in VERDICTS if number <= limit)
    return f"{each} and predicted by the others: {number:.1f} times what the noise of their codec explains, {verdict}"


EXPLAINED, DOUBTED = 1.5, 3.0
"""The number up to which nothing but the codec is seen to part the frames, and from which on the picture is in doubt.

Of 30 single frames of development people (fold 4/8, five sequences as 32 px JPEGs and five as 64 px clips) those that
belong together have 0.4 to 2.8, in the median 0.9 and 0.75; misplaced by one pixel they have 1.8 to 8.0, by two 3.3 to
13, and frames of somebody else 5.2 to 25.
"""

VERDICTS = (
    (EXPLAINED, "so nothing but that noise is seen to part these frames"),
    (DOUBTED, "so something besides the codec differs between the frames: motion that was not registered, or light"),
    (
        float("inf"),
        "so the frames do not predict each other: a frame shows something else or is not registered, and the picture "
        "is not to be relied upon until that is found",
    ),
)
"""Upper limits of the number, and what it means."""


def overall(left_out: Sequence[LeftOut]) -> float:
    """The number over all frames that were left out: the root of the mean square."""
    return float(np.sqrt(np.mean([one.ratio**2 for one in left_out])))
