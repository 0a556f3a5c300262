"""Drawn eyes with their gaze: samples that need no picture of anybody."""

from __future__ import annotations

import numpy as np
import torch

from mfrec.train.data.synthetic_eyes import Eye, draw_eye, render_eye
from mfrec.train.streams.stream import Sample, Stream, as_tensor


class EyeStream(Stream[Eye]):
    """Samples ``((eye [3, 48, 80],), {"gaze": [2]})``, see :mod:`mfrec.train.data.synthetic_eyes`.

    Args:
        seed: of every sample.
        length: how many samples; None is without end.
    """

    def __init__(self, seed: int, *, length: int | None = None) -> None:
        super().__init__(seed, length)

    def draw(self, index: int, rng: np.random.Generator) -> Eye:
        return draw_eye(rng)

    def make(self, drawn: Eye) -> Sample:
        return (as_tensor(render_eye(drawn).image),), {"gaze": torch.tensor(drawn.gaze)}
