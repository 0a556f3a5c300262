"""Drawn pairs of eyes and the same made small: samples for networks that enlarge eyes, one iris texture left out."""

from __future__ import annotations

import numpy as np

from mfrec.errors import UsageError
from mfrec.image.cubic import resize_cubic
from mfrec.train.data.eye_users import LOOKS, POSES, TEXTURES, USERS, EyePair, draw_pair, render_pair
from mfrec.train.streams.enlargement_stream import in_8_bits, tensor
from mfrec.train.streams.stream import Sample, Stream


class EyePairStream(Stream[EyePair]):
    """Samples ``((small [3, 12, 40],), {"truth": [3, 48, 160], "bicubic": [3, 48, 160]})`` for a scale of 4.

    Args:
        seed: of every sample.
        length: how many samples; None is without end.
        scale: 2 or 4.
        left_out: number of the iris texture whose users are not trained on.
        only_left_out: give those users alone, in place of all others: for validation.

    Raises:
        UsageError: no such scale or texture.
    """

    def __init__(
        self,
        seed: int,
        *,
        length: int | None = None,
        scale: int = 4,
        left_out: int = 0,
        only_left_out: bool = False,
    ) -> None:
        super().__init__(seed, length)
        if scale not in (2, 4):
            raise UsageError(f"the scale is {scale}; expected 2 or 4")
        if not 0 <= left_out < len(TEXTURES):
            raise UsageError(f"left_out is {left_out}; there are the iris textures 0 to {len(TEXTURES) - 1}")
        self.scale = scale
        self.users = [u for u in range(USERS) if (u % len(TEXTURES) == left_out) == only_left_out]

    def draw(self, index: int, rng: np.random.Generator) -> EyePair:
        user = self.users[int(rng.integers(len(self.users)))]
        return draw_pair(user, int(rng.integers(POSES)), int(rng.integers(LOOKS)), rng)

    def make(self, drawn: EyePair) -> Sample:
        truth = in_8_bits(render_pair(drawn))
        height, width = truth.shape[:2]
        small = in_8_bits(resize_cubic(truth, height // self.scale, width // self.scale))
        large = np.clip(resize_cubic(small, height, width), 0, 1)
        return (tensor(small),), {"truth": tensor(truth), "bicubic": tensor(large)}
