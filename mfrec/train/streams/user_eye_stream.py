"""Single eyes of drawn users with their gaze, one iris texture left out: samples for a gaze network of their protocol.

Those of :mod:`mfrec.train.streams.eye_stream` are of anybody, seen by any camera, and a network that learnt from them
does not mind blur. These are the sharp pictures of :mod:`mfrec.train.data.eye_users`, as a gaze tracker has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mfrec.train.data.eye_users import LOOKS, POSES, TEXTURES, USERS, draw_pair
from mfrec.train.data.synthetic_eyes import Eye, render_eye
from mfrec.train.streams.enlargement_stream import in_8_bits
from mfrec.train.streams.eye_pair_stream import chosen_users
from mfrec.train.streams.pooled_stream import PooledStream
from mfrec.train.streams.stream import Sample, as_tensor
from mfrec.types import Drawn


@dataclass(frozen=True)
class UserEye(Drawn):
    """One eye of a user. ``texture``: number of its iris texture."""

    texture: int
    eye: Eye


class UserEyeStream(PooledStream[UserEye]):
    """Samples ``((eye [3, 48, 80],), {"gaze": [2]})``; both eyes of a user count, the right one mirrored.

    Args:
        seed: of every sample.
        length: how many samples; None is without end.
        left_out: number of the iris texture whose users are not trained on.
        only_left_out: give those users alone, in place of all others: for validation.
        users: how many there are, of all textures. The protocol has 20; more of them make the network know more faces.
        pool: how many samples are different, see :class:`~mfrec.train.streams.pooled_stream.PooledStream`.

    Raises:
        UsageError: no such texture, fewer users than textures, or a negative pool.
    """

    def __init__(
        self,
        seed: int,
        *,
        length: int | None = None,
        left_out: int = 0,
        only_left_out: bool = False,
        users: int = USERS,
        pool: int = 0,
    ) -> None:
        super().__init__(seed, length, pool)
        self.users = chosen_users(left_out, only_left_out, users, 0)

    def draw(self, index: int, rng: np.random.Generator) -> UserEye:
        user = self.users[int(rng.integers(len(self.users)))]
        pair = draw_pair(user, int(rng.integers(POSES)), int(rng.integers(LOOKS)), rng)
        return UserEye(pair.texture, pair.left if rng.random() < 0.5 else pair.right)

    def make(self, drawn: UserEye) -> Sample:
        image = in_8_bits(render_eye(drawn.eye, TEXTURES[drawn.texture].spokes).image)
        return (as_tensor(image),), {"gaze": torch.tensor(drawn.eye.gaze)}
