"""Faces that a generator drew so that they explain the frames: illustrations, and how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mfrec.types.arrays import FloatArray, freeze


@dataclass(frozen=True, eq=False)
class Imagined:
    """Several answers to the same frames.

    Attributes:
        images: ``[K, f H, f W, 3]`` float32 RGB in [0, 1]: the canvas enlarged by bicubic interpolation, each with the
            words NOT EVIDENCE in it, which on a small canvas would hide what they mark.
        enlarged: that ``f``.
        spread: ``[H, W]`` float32: standard deviation between the answers before the words were written, in [0, 1] grey
            levels. It is what the frames leave open, as far as the generator can draw it.
        region: ``[H, W]`` float32 in [0, 1]: where the generator drew.
        misfit: ``[K]`` float32: mean square of what is left of the frames when each answer is degraded by the declared
            camera, in units of what camera, codec and registration let expect: 1 and less is within the frames' own
            noise.
        plain_misfit: the same of the picture that no generator has touched.
        distances: ``[K, K]`` float32 between the identities of the answers; NaN where no identity was computed.
        from_plain: ``[K]`` float32: distance of each to the identity of the picture that no generator has touched.
        determined: mean share of the frames in the pixels where the generator drew, 0 to 1.
    """

    images: FloatArray
    enlarged: int
    spread: FloatArray
    region: FloatArray
    misfit: FloatArray
    plain_misfit: float
    distances: FloatArray
    from_plain: FloatArray
    determined: float

    def __post_init__(self) -> None:
        for name in ("images", "spread", "region", "misfit", "distances", "from_plain"):
            freeze(self, name)

    @property
    def mean_spread(self) -> float:
        """Mean of :attr:`spread` where the generator drew, in [0, 1] grey levels."""
        return float((self.region * self.spread).sum() / max(float(self.region.sum()), 1e-9))

    def record(self) -> dict[str, Any]:
        """The figures as ``run.json`` has them; a distance that was not computed is null."""
        return {
            "misfit": [round(float(value), 4) for value in self.misfit],
            "plain_misfit": round(self.plain_misfit, 4),
            "distances": [[round(float(value), 4) for value in row] for row in self.distances],
            "from_plain": [round(float(value), 4) for value in self.from_plain],
            "determined": round(self.determined, 4),
            "spread": round(self.mean_spread, 5),
        }
