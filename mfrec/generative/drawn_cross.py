"""Cross regions of several frames over by embedding: a drawn face that is one picture in a mask and another around it.

The cross-over by StyleGAN of the thesis, after Abdal, Qin and Wonka, "Image2StyleGAN", ICCV 2019, section 4: one face
is embedded whose inside of a mask is compared with one picture and whose outside with another. Large regions are taken
over, small ones are not: the generator draws what it knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mfrec.errors import InputError, UsageError
from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.fusion.track_sources import consistency_with
from mfrec.generative.answers import pasted, uncertainty_of_drawn
from mfrec.generative.embedding import crossed
from mfrec.generative.imagine import landmarks_on_canvas
from mfrec.generative.measurements import oval
from mfrec.nets.threads import one_thread
from mfrec.pipeline import Run, in_range
from mfrec.stages.cross import Cross
from mfrec.stages.fuse import Fuse
from mfrec.types import FaceTrack


@dataclass(frozen=True)
class DrawnCross(Cross):
    """Bring the best-seen regions of other frames into the reference, or let a generator draw one face of both.

    With the method ``"stylegan"`` the regions are chosen and laid onto the reference as the method ``"soft"`` does it;
    then the face is drawn that looks like the regions where they are and like the reference elsewhere. With other
    methods it is :class:`mfrec.stages.cross.Cross`.

    Attributes:
        method: those of the plain stage, and ``"stylegan"``.
        generator: card of the generator.
        steps: of the embedding's styles, and of its noise after that.
    """

    method: Literal["soft", "sharp", "pyramid", "unet", "stylegan"] = "soft"  # pyright: ignore[reportIncompatibleVariableOverride] (one more than the plain stage has)
    generator: str = "stylegan"
    steps: int = 300

    literature: ClassVar[tuple[str, ...]] = (
        *Cross.literature,
        "R. Abdal, Y. Qin, P. Wonka, Image2StyleGAN: how to embed images into the StyleGAN latent space?, ICCV 2019",
    )

    def __post_init__(self) -> None:
        in_range("cross.steps", self.steps, 1, 10_000)
        # The plain stage knows its own methods; what else it checks holds for this one, too.
        if self.method == "stylegan":
            replace(self, method="soft")
        else:
            super().__post_init__()

    @property
    def learned(self) -> bool:
        """Whether a network makes pixels."""
        return self.method in ("unet", "stylegan")

    @property
    def cards(self) -> tuple[str, ...]:
        """Of the networks that make pixels."""
        return (self.generator,) if self.method == "stylegan" else (self.card,)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        if self.method != "stylegan":
            return super().__call__(track, run)
        laid = replace(self, method="soft")(track, run)
        fused, canvas, chief = laid.fused, laid.canvas, laid.reference
        if fused is None or canvas is None or chief is None:
            raise UsageError("stage 'cross' found no picture; run the stage 'align' before it")
        landmarks = landmarks_on_canvas(laid)
        generator = run.network(self.generator, "stylegan2")
        side = generator.side
        to_canvas = portrait_square(landmarks.points, side, generator.framing)
        outside = self._on_canvas(track)[chief]
        taken = 1 - fused.weight[chief]
        inside, around, mask = (
            read_aligned(np.ascontiguousarray(picture, np.float32), to_canvas, side)
            for picture in (fused.image, outside, np.repeat(taken[..., None], 3, axis=2))
        )
        if not mask.max() > 0:
            raise InputError(
                "no other frame shows a region of the face better than the reference, so there is nothing to cross "
                "over; choose another frame with --reference, or another method"
            )
        with one_thread():
            found = crossed(
                generator, inside, around, np.clip(mask[..., 0], 0, 1), steps=self.steps, noise_steps=self.steps
            )
        share = oval(*canvas.shape, to_canvas.inverse(), side)
        image = pasted(fused.image, found.portrait, to_canvas, share)
        camera = Fuse(psf_sigma=self.psf_sigma).settings(track)
        drawn = replace(
            fused,
            image=image,
            observed=fused.observed * (1 - share),
            uncertainty=uncertainty_of_drawn(image, fused.image, fused.uncertainty, canvas.scale),
            consistency=consistency_with(track.observations, image, canvas, camera.psf_sigma),
            method="cross-over, stylegan",
        )
        return replace(laid, fused=drawn)
