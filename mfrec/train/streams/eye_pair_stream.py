"""Drawn pairs of eyes and the same made small: samples for networks that enlarge eyes, one iris texture left out."""

from __future__ import annotations

import numpy as np

from mfrec.errors import UsageError
from mfrec.image.cubic import resize_cubic
from mfrec.train.data.eye_users import LOOKS, POSES, TEXTURES, USERS, EyePair, draw_pair, render_pair
from mfrec.train.streams.enlargement_stream import in_8_bits, tensor
from mfrec.train.streams.pooled_stream import PooledStream
from mfrec.train.streams.stream import Sample


class EyePairStream(PooledStream[EyePair]):
    """Samples ``((small [3, 12, 40],), {"truth": [3, 48, 160]})`` for a scale of 4.

    Those of the texture that is left out have ``"bicubic"`` besides, the small picture enlarged as the literature does.

    Args:
        seed: of every sample.
        length: how many samples; None is without end.
        scale: 2 or 4.
        left_out: number of the iris texture whose users are not trained on.
        only_left_out: give those users alone, in place of all others: for validation.
        users: how many there are, of all textures.
        first: number of the first of them.
        pool: how many samples are different, see :class:`~mfrec.train.streams.pooled_stream.PooledStream`.

    Raises:
        UsageError: no such scale, texture or user.
    """

    def __init__(
        self,
        seed: int,
        *,
        length: int | None = None,
        scale: int = 4,
        left_out: int = 0,
        only_left_out: bool = False,
        users: int = USERS,
        first: int = 0,
        pool: int = 0,
    ) -> None:
        super().__init__(seed, length, pool)
        if scale not in (2, 4):
            raise UsageError(f"the scale is {scale}; expected 2 or 4")
        self.scale, self.compared = scale, only_left_out
        self.users = chosen_users(left_out, only_left_out, users, first)

    def draw(self, index: int, rng: np.random.Generator) -> EyePair:
        user = self.users[int(rng.integers(len(self.users)))]
        return draw_pair(user, int(rng.integers(POSES)), int(rng.integers(LOOKS)), rng)

    def make(self, drawn: EyePair) -> Sample:
        truth = in_8_bits(render_pair(drawn))
        height, width = truth.shape[:2]
        small = in_8_bits(resize_cubic(truth, height // self.scale, width // self.scale))
        if not self.compared:
            return (tensor(small),), {"truth": tensor(truth)}
        large = np.clip(resize_cubic(small, height, width), 0, 1)
        return (tensor(small),), {"truth": tensor(truth), "bicubic": tensor(large)}


def chosen_users(left_out: int, only_left_out: bool, users: int, first: int) -> list[int]:
    """Numbers of users with or without one iris texture; arguments as :class:`EyePairStream` has them.

    Raises:
        UsageError: there is no such texture, or there are fewer users than textures.
    """
    if not 0 <= left_out < len(TEXTURES):
        raise UsageError(f"left_out is {left_out}; there are the iris textures 0 to {len(TEXTURES) - 1}")
    if users < len(TEXTURES) or first < 0:
        raise UsageError(
            f"there are {users} users from number {first} on; expected at least {len(TEXTURES)}, one of each texture, "
            "from 0 on"
        )
    return [u for u in range(first, first + users) if (u % len(TEXTURES) == left_out) == only_left_out]
