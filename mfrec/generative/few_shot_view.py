"""A face drawn in another pose by a network that has learnt to draw people from landmarks: few-shot talking heads.

Zakharov et al., ICCV 2019: the network (:mod:`mfrec.nets.few_shot`) is told the person by the picture and the pose by
landmarks; before it draws, it learns from that picture for a few steps (section 3.3).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mfrec.face.landmark_sketch import sketch
from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.generative.directions import portrait_points
from mfrec.generative.drawn_view import View, laid_on
from mfrec.nets.threads import one_thread
from mfrec.types import FloatArray, Landmarks

RATE = 5e-4
"""Learning rate of Adam while the person is learnt."""


def reenacted(
    source: FloatArray,
    target: FloatArray,
    landmarks: tuple[Landmarks, Landmarks],
    *,
    network: Any,
    steps: int,
) -> View:
    """Draw the person of one picture in the pose of another.

    Args:
        source, target: ``[h, w, 3]`` and ``[H, W, 3]`` RGB in [0, 1].
        landmarks: of both, each in its own pixels.
        network: a :class:`mfrec.nets.few_shot.FewShot` in eval mode; it stays as it is.
        steps: in which a copy of it learns the person.

    Raises:
        ValueError: landmarks that are no face.
    """
    here, there = landmarks
    side, device = network.side, next(network.parameters()).device
    to_source, to_target = (portrait_square(each.points, side) for each in landmarks)
    portrait = _tensor(np.clip(read_aligned(source, to_source, side), 0, 1)).to(device)
    shown = _tensor(sketch(to_source.inverse().apply(here.points), side)).to(device)
    wanted = _tensor(sketch(to_target.inverse().apply(there.points), side)).to(device)
    with one_thread():
        with torch.no_grad():
            person = network.embed(portrait[None], shown[None])
        tuned, person = learnt(network, portrait, shown, person, steps)
        with torch.no_grad():
            drawn = tuned.draw(wanted, person)[0].permute(1, 2, 0).cpu().numpy()
    return laid_on(target, drawn, to_target, portrait_points(drawn, "face"), landmarks)


def learnt(network: Any, portrait: Tensor, shown: Tensor, person: Tensor, steps: int) -> tuple[Any, Tensor]:
    """A copy of the network that draws a person's picture better, and its description of the person.

    The difference of pixels teaches it; the paper has that of features and a discriminator besides, which it keeps.

    Args:
        network: stays as it is.
        portrait, shown: ``[1, 3, side, side]``, the picture and its landmarks.
        person: ``[1, style]``.
        steps: 0 changes nothing.
    """
    tuned = copy.deepcopy(network).requires_grad_(True)
    found = person.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([found, *tuned.parameters()], RATE)
    for _ in range(steps):
        optimiser.zero_grad()
        (tuned.draw(shown, found) - portrait).abs().mean().backward()
        optimiser.step()
    return tuned, found.detach()


def _tensor(image: FloatArray) -> Tensor:
    """``[H, W, 3]`` to ``[1, 3, H, W]``."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32))
