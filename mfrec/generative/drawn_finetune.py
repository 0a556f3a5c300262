"""Finish a picture by a generator of faces or by a network that restores faces: PULSE and PSFR-GAN.

Both draw detail that no frame shows, so they are methods of the stage ``finetune`` under the stamp NOT EVIDENCE alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mfrec.errors import UsageError
from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.fusion.bounded import bound
from mfrec.fusion.track_sources import consistency_with, sources_of
from mfrec.generative.answers import pasted, uncertainty_of_drawn
from mfrec.generative.imagine import landmarks_on_canvas
from mfrec.generative.measurements import oval
from mfrec.generative.pulse import draw_starts, search
from mfrec.generative.restored_face import restored
from mfrec.nets.threads import one_thread
from mfrec.pipeline import Run, in_range
from mfrec.stages.finetune import Finetune
from mfrec.stages.fuse import Fuse
from mfrec.types import FaceTrack, FloatArray, Landmarks

SHIPPED = {"pulse": "stylegan", "psfrgan": "psfrgan"}
"""Method to the card that it takes where none is named."""

LOUD = 100.0
"""Weight of the squared difference, as in the paper's code."""


@dataclass(frozen=True)
class DrawnFinetune(Finetune):
    """Correct the fused picture by a single-frame network, or draw the face anew.

    With the method ``"pulse"`` the generator's face is searched whose reduced picture equals the reduced fused one
    (Menon et al., CVPR 2020, which see one picture; the stage ``imagine`` sees all frames). With ``"psfrgan"`` a
    network that sees the picture and its face regions restores it (Chen et al., CVPR 2021). What was drawn is the prior
    of :func:`mfrec.fusion.bounded.bound` with the error :attr:`doubt`; 0 leaves it as it was drawn. With ``"network"``
    it is :class:`mfrec.stages.finetune.Finetune`.

    Attributes:
        method: ``"network"``, ``"pulse"`` or ``"psfrgan"``.
        generator: card of the network of the other two methods; empty is the shipped one of each.
        steps: of the search of PULSE.
        doubt: expected error of what was drawn, in [0, 1] grey levels.
    """

    method: Literal["network", "pulse", "psfrgan"] = "network"
    generator: str = ""
    steps: int = 100
    doubt: float = 20 / 255

    literature: ClassVar[tuple[str, ...]] = (
        *Finetune.literature,
        "S. Menon, A. Damian, S. Hu, N. Ravi, C. Rudin, PULSE: self-supervised photo upsampling via latent space "
        "exploration of generative models, CVPR 2020",
        "C. Chen, X. Li, L. Yang, X. Lin, L. Zhang, K.-Y. K. Wong, Progressive semantic-aware style transformation for "
        "blind face restoration, CVPR 2021",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in ("network", *SHIPPED):
            raise UsageError(
                f"finetune.method '{self.method}' is unknown; expected one of network, {', '.join(SHIPPED)}"
            )
        in_range("finetune.steps", self.steps, 1, 10_000)
        in_range("finetune.doubt", self.doubt, 0, 1)

    @property
    def cards(self) -> tuple[str, ...]:
        """Of the networks that make pixels."""
        return (self.card if self.method == "network" else self.generator or SHIPPED[self.method],)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if self.method == "network":
            return super().__call__(track, run)
        before, canvas = track.fused, track.canvas
        if before is None or canvas is None:
            raise UsageError("stage 'finetune' found no picture to finish; run the stage 'fuse' or 'cross' before it")
        landmarks = landmarks_on_canvas(track)
        settings = Fuse(psf_sigma=self.psf_sigma).settings(track)
        if self.method == "pulse":
            drawn, share = self._pulse(before.image, landmarks, canvas.scale, run)
        else:
            drawn, share = restored(run.network(*self.cards, "psfrgan"), before.image, landmarks)
        run.resolve({"psf_sigma": settings.psf_sigma})
        image, observed = drawn, before.observed * (1 - share)
        if self.doubt > 0:
            bounded = bound(sources_of(track), drawn, np.full(canvas.shape, self.doubt, np.float32), canvas, settings)
            image = np.clip(before.image + share[..., None] * (bounded.image - before.image), 0, 1).astype(np.float32)
            observed = before.observed + share * (np.minimum(before.observed, bounded.observed) - before.observed)
        fused = replace(
            before,
            image=image,
            observed=observed,
            uncertainty=uncertainty_of_drawn(image, before.image, before.uncertainty, canvas.scale),
            consistency=consistency_with(track.observations, image, canvas, settings.psf_sigma),
            method=f"{before.method}, {self.method}",
        )
        return replace(track, fused=fused)

    def _pulse(self, picture: FloatArray, landmarks: Landmarks, scale: int, run: Run) -> tuple[FloatArray, FloatArray]:
        """The picture with the found face in it, and its share of each pixel."""
        generator: Any = run.network(*self.cards, "stylegan2")
        side = generator.side
        to_canvas = portrait_square(landmarks.points, side, generator.framing)
        start = draw_starts(np.random.default_rng(run.seed), 1)
        run.resolve({"starts": [one.seed for one in start]})
        # As small as the frames showed the face, so that nothing finer is asked for than they can tell.
        small = max(4, round(side * min(1.0, to_canvas.scale / scale)))
        seen = torch.from_numpy(read_aligned(picture, to_canvas, side).transpose(2, 0, 1)[None].copy())
        wanted = reduced(seen, small).to(generator.centre)

        def misfit(portraits: Tensor) -> Tensor:
            return LOUD * (reduced(portraits, small) - wanted).square().mean(dim=(1, 2, 3))

        with one_thread():
            found = search(
                generator, misfit, start, steps=self.steps, progress=lambda a, b: run.progress(self.name, a, b)
            )
        share = oval(len(picture), picture.shape[1], to_canvas.inverse(), side)
        portrait = found.portraits[0].permute(1, 2, 0).cpu().numpy()
        return pasted(picture, portrait, to_canvas, share), share


def reduced(pictures: Tensor, side: int) -> Tensor:
    """Pictures ``[B, 3, h, w]`` reduced to ``side`` pixels by bicubic interpolation, as the paper's camera does."""
    return functional.interpolate(pictures, size=(side, side), mode="bicubic", antialias=True, align_corners=False)
