"""The multi-frame chain in a sliding window: each frame is the reference once, and its neighbours are fused onto it.

Of a recipe those stages run that need no region of a face: alignment, cleaning, fusion, and the single-picture finish.
So it works on whole frames of anything, and on the surroundings of a face that was found before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mfrec.chain import run_chain
from mfrec.errors import UsageError
from mfrec.pipeline import Pipeline, Run, Stage
from mfrec.recipe import Recipe, check_drawing
from mfrec.types import Canvas, FaceTrack, FloatArray, Frame, Observation
from mfrec.upscale.made import Made

STAGES = ("align", "clean", "fuse", "finetune")

NOTHING = 0.01
"""Share in the picture, in units of an even one, below which a frame gave nothing to it. Frames from beyond a cut have
up to 0.0004, the worst of fifteen that show the scene 0.4."""


@dataclass(frozen=True)
class Window:
    """A chain that makes one frame from several; :meth:`of` makes it.

    Attributes:
        recipe: with the stages of :data:`STAGES` alone.
        scale: along each side.
        device: that networks run on.
        seed: of every random draw.
    """

    recipe: Recipe
    scale: int
    device: str
    seed: int

    @staticmethod
    def of(recipe: Recipe, scale: int, device: str, seed: int) -> Window:
        """The chain of a recipe.

        Raises:
            UsageError: too little of it is left to make a picture, or a stage draws what nobody saw and the recipe is
                not stamped so.
        """
        check_drawing(recipe)
        stages = tuple(stage for stage in recipe.stages if stage.name in STAGES)
        Pipeline(stages, given=("frames", "boxes"))
        if not any("fused" in stage.gives for stage in stages):
            raise UsageError(
                f"recipe '{recipe.name}' makes no picture by its stages {', '.join(STAGES)} alone, and a window runs "
                "no others; take one that has 'align' and 'fuse'"
            )
        return Window(replace(recipe, stages=stages), scale, device, seed)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In their order."""
        return self.recipe.stages

    def __call__(self, frames: Sequence[Frame], position: int) -> Made:
        """All of a frame from its neighbours.

        Args:
            frames: successive ones.
            position: of the one that is enlarged.
        """
        image, _, used = self.fused([Observation(frame) for frame in frames], frames[position], "frame")
        return Made(image, used)

    def fused(
        self, observations: Sequence[Observation], reference: Frame, crop: str
    ) -> tuple[FloatArray, Canvas, frozenset[int]]:
        """A part of a frame from its neighbours.

        Args:
            observations: bare, with boxes where a face is known.
            reference: one of their frames.
            crop: see :func:`mfrec.reconstruct`.

        Returns:
            The picture of the canvas, the canvas in pixels of the reference, and the indices of the frames that gave
            something to the picture.
        """
        recipe = self.recipe.with_call(reference=reference.index, scale=self.scale, crop=crop, subject=0)
        run = Run(device=self.device, seed=self.seed)
        track = run_chain(recipe.stages, FaceTrack(tuple(observations)), run)
        assert track.fused is not None and track.canvas is not None
        share = track.fused.weight.mean(axis=(1, 2), dtype=np.float64)
        gave = share >= NOTHING * share.mean()
        used = frozenset(o.frame.index for o, some in zip(track.observations, gave, strict=True) if some)
        return np.clip(track.fused.image, 0, 1), track.canvas, used
