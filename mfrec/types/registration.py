"""How a frame lies on the reference frame."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from mfrec.types.arrays import FloatArray, freeze


@dataclass(frozen=True)
class FlowSettings:
    """Parameters of the dense flow; lengths in samples of the flow grid (half reference pixels).

    Attributes:
        patch, stride: side of the patches that are matched, and how far apart they lie.
        iterations: of the search in each patch.
        refinement, smoothness: iterations of the variational refinement, and the weight of its smoothness term.
        presmooth: standard deviation of the blur that both pictures get first.
    """

    patch: int = 12
    stride: int = 4
    iterations: int = 25
    refinement: int = 5
    smoothness: float = 40.0
    presmooth: float = 0.75


@dataclass(frozen=True, eq=False)
class Registration:
    """Where every pixel of the canvas lies in a frame, and the other way round.

    Attributes:
        look_up: ``[H, W, 2]`` float32: for each canvas pixel, its ``(x, y)`` in the frame
            (backward map: ``geometry.warp(frame.image, look_up)`` brings the frame onto the canvas).
        landing: ``[h, w, 2]`` float32: for each pixel of the frame's window, its ``(x, y)`` on the canvas.
        trust: ``[H, W]`` float32 in [0, 1]: 0 outside the frame, low where the flows forward and backward do not
            undo each other. Whether a frame shows the same thing as the others there is for the fusion to judge.
        gain, offset: ``[3]`` float32 each: ``gain * frame + offset`` has the reference's light.
        residual: root-mean-square difference, in [0, 1] grey levels, to the picture that the frame was registered onto
            (the reference, later the estimate), over all canvas pixels that the frame can see.
        displacement: mean length of the dense correction beyond the similarity, in frame pixels.
        closure: median forward-backward error in frame pixels.
        window: ``(x0, y0)``, the frame pixel that ``landing[0, 0]`` speaks of; the window is the part of the
            frame that the canvas can see, so a small face in a large frame costs little.
    """

    look_up: FloatArray
    landing: FloatArray
    trust: FloatArray
    gain: FloatArray
    offset: FloatArray
    residual: float
    displacement: float
    closure: float
    window: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        for name in ("look_up", "landing", "trust", "gain", "offset"):
            freeze(self, name)

    @functools.cached_property
    def spacing(self) -> float:
        """How many canvas pixels lie between neighbouring pixels of the frame: the median over its window."""
        if min(self.landing.shape[:2]) < 2:
            return 1.0
        right = np.linalg.norm(np.diff(self.landing, axis=1), axis=-1)
        down = np.linalg.norm(np.diff(self.landing, axis=0), axis=-1)
        return max(float(np.sqrt(np.median(right) * np.median(down))), 1e-3)
