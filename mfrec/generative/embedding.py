"""Embedding of pictures in a generator's styles and noise, and what can be done with it.

``W+`` alone is the StyleGAN Editor of the thesis: Abdal, Qin and Wonka, "Image2StyleGAN: how to embed images into the
StyleGAN latent space?", ICCV 2019. With the noise maps it is their "Image2StyleGAN++: how to edit the embedded
images?", CVPR 2020: styles first, then noise, both by masked squared differences and masked differences of features.
The features are those that the caller gives; mfrec has those of its recognition network, in the place of VGG16.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mfrec.errors import UsageError
from mfrec.image.filters import gaussian
from mfrec.types import Drawn, FloatArray

STYLE_RATE, NOISE_RATE = 0.01, 0.2
"""Of Adam. The first is the papers'; theirs of the noise is 5, for generators that have learnt to heed it little."""

Features = Callable[[Tensor], Sequence[Tensor]]
"""From pictures ``[B, 3, H, W]`` in [0, 1] to feature maps ``[B, C, h, w]``."""


@dataclass(frozen=True, eq=False)
class Wish:
    """A picture that the embedding should look like, and where.

    Attributes:
        picture: ``[side, side, 3]`` RGB in [0, 1].
        mask: ``[side, side]`` in [0, 1], how much each pixel counts.
        pixels, features: weights of the squared difference, and of that of the features.
    """

    picture: FloatArray
    mask: FloatArray
    pixels: float = 1.0
    features: float = 1.0


@dataclass(frozen=True)
class DrawnStyles(Drawn):
    """Where an embedding begins: at the mean style, or at styles from U(-1, 1) as the thesis says.

    Attributes:
        start: ``"mean"`` or ``"uniform"``.
        seed: of the uniform numbers.
    """

    start: Literal["mean", "uniform"] = "mean"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Embedding:
    """A picture as the generator has it.

    Attributes:
        styles: ``[S, latent]``.
        noise: ``[h, w]`` of each layer.
        portrait: ``[side, side, 3]`` RGB in [0, 1]: what the generator makes of them.
        history: the loss of every step.
    """

    styles: FloatArray
    noise: tuple[FloatArray, ...]
    portrait: FloatArray
    history: tuple[float, ...]


def embed(
    generator: Any,
    wishes: Sequence[Wish],
    features: Features | None = None,
    *,
    drawn: DrawnStyles | Embedding = DrawnStyles(),
    style_steps: int = 500,
    noise_steps: int = 0,
    noise_mask: FloatArray | None = None,
) -> Embedding:
    """Find styles, and after them noise, that give a picture like the ones that are wished for.

    Args:
        generator: a :class:`mfrec.nets.stylegan2.Stylegan2` in eval mode.
        wishes: their losses are added.
        features: None compares pixels alone.
        drawn: where to begin; an embedding goes on from there.
        style_steps, noise_steps: of Adam. None of the noise is the older paper's way.
        noise_mask: ``[side, side]``: where the noise may change; everywhere where there is none.

    Raises:
        UsageError: a picture or a mask of another size, or a mask that covers nothing.
    """
    check_wishes(wishes, generator.side)
    where = generator.centre.device
    styles, noise = _begin(generator, drawn)
    targets = [(_picture(wish.picture, where), _plane(wish.mask, where), wish) for wish in wishes]
    with torch.no_grad():
        wanted = [[] if features is None else [level.detach() for level in features(t)] for t, _, _ in targets]

    def loss() -> Tensor:
        made = generator.picture(styles, noise)
        levels = [] if features is None else features(made)
        total = made.new_zeros(())
        for (target, mask, wish), of_target in zip(targets, wanted, strict=True):
            total = total + wish.pixels * (mask * (made - target)).square().mean()
            for level, known in zip(levels, of_target, strict=True):
                there = functional.interpolate(mask, size=level.shape[-2:], mode="area")
                total = total + wish.features * (there * (level - known)).square().mean()
        return total

    history: list[float] = []
    styles.requires_grad_()
    optimiser = torch.optim.Adam([styles], STYLE_RATE)
    history += _descend(optimiser, loss, style_steps)
    styles.requires_grad_(False)
    if noise_steps:
        gates = [_gate(noise_mask, layer) for layer in noise]
        for layer in noise:
            layer.requires_grad_()
        optimiser = torch.optim.Adam(noise, NOISE_RATE)
        history += _descend(optimiser, loss, noise_steps, gates)
    with torch.no_grad():
        made = generator.picture(styles, noise).clamp(0, 1)
    return Embedding(
        styles[0].cpu().numpy(),
        tuple(layer.detach()[0, 0].cpu().numpy() for layer in noise),
        made[0].permute(1, 2, 0).cpu().numpy(),
        tuple(history),
    )


def check_wishes(wishes: Sequence[Wish], side: int) -> None:
    """Refuse what cannot be embedded.

    Raises:
        UsageError: see :func:`embed`.
    """
    if not wishes:
        raise UsageError("there is nothing to embed; give at least one picture")
    for wish in wishes:
        for array, shape in ((wish.picture, (side, side, 3)), (wish.mask, (side, side))):
            if array.shape != shape:
                raise UsageError(
                    f"the generator draws pictures of {side} x {side} px, and an array of {array.shape} was given "
                    f"where {shape} is expected; bring picture and mask to that size first"
                )
    if not any((wish.mask > 0).any() for wish in wishes):
        raise UsageError("the mask covers nothing, so there is nothing to embed; mark at least one pixel")


def reconstructed(
    generator: Any, picture: FloatArray, features: Features | None = None, *, steps: int = 500, noise_steps: int = 500
) -> Embedding:
    """A whole picture, by styles and noise."""
    whole = Wish(picture, np.ones(picture.shape[:2], np.float32))
    return embed(generator, [whole], features, style_steps=steps, noise_steps=noise_steps)


def crossed(
    generator: Any,
    inside: FloatArray,
    outside: FloatArray,
    mask: FloatArray,
    features: Features | None = None,
    *,
    softness: float = 2.0,
    steps: int = 500,
    noise_steps: int = 500,
) -> Embedding:
    """One picture in a mask and another around it, as one face: the cross-over of both papers.

    Args:
        inside, outside: ``[side, side, 3]``, aligned with each other.
        mask: ``[side, side]``, 1 where the first is taken.
        softness: standard deviation in pixels of the Gaussian that the mask goes through first.
        features, steps, noise_steps: see :func:`embed`; the noise follows only where the soft mask is nearly 0 or 1, so
            that it does not draw the seam.
    """
    check_wishes([Wish(inside, mask)], generator.side)
    soft = gaussian(mask, softness) if softness > 0 else np.asarray(mask, np.float32)
    sure = (np.abs(soft - 0.5) > 0.45).astype(np.float32)
    wishes = [Wish(inside, soft), Wish(outside, 1 - soft)]
    return embed(generator, wishes, features, style_steps=steps, noise_steps=noise_steps, noise_mask=sure)


def inpainted(
    generator: Any,
    picture: FloatArray,
    mask: FloatArray,
    features: Features | None = None,
    *,
    steps: int = 500,
    noise_steps: int = 500,
) -> Embedding:
    """A picture whose masked part the generator makes up; styles and noise see the rest alone.

    Args:
        picture: ``[side, side, 3]``.
        mask: ``[side, side]``, 1 where the picture is unknown.
        features, steps, noise_steps: see :func:`embed`.
    """
    known = 1 - np.asarray(mask, np.float32)
    wish = Wish(picture, known)
    return embed(generator, [wish], features, style_steps=steps, noise_steps=noise_steps, noise_mask=known)


def edited(
    generator: Any,
    picture: FloatArray,
    scribbled: FloatArray,
    features: Features | None = None,
    *,
    steps: int = 500,
    noise_steps: int = 500,
) -> Embedding:
    """A local edit: what was scribbled becomes what the generator takes it for.

    The styles follow the scribbled picture; the noise, which would copy every stroke, follows the unchanged one and
    only where nothing was scribbled.

    Args:
        picture, scribbled: ``[side, side, 3]`` before and after.
        features, steps, noise_steps: see :func:`embed`.
    """
    touched = (np.abs(scribbled - picture).max(axis=-1) > 1 / 255).astype(np.float32)
    whole = Wish(scribbled, np.ones_like(touched))
    begun = embed(generator, [whole], features, style_steps=steps)
    rest = Wish(picture, 1 - touched)
    return embed(
        generator, [rest], features, drawn=begun, style_steps=0, noise_steps=noise_steps, noise_mask=1 - touched
    )


def styled(generator: Any, content: Embedding, style: Embedding, first: int) -> Embedding:
    """Style transfer: the coarse styles of one embedding and, from layer ``first`` on, the fine ones of another.

    Raises:
        UsageError: there is no such layer.
    """
    if not 0 < first < generator.styles:
        raise UsageError(f"the first layer of the style is {first}; expected 1 to {generator.styles - 1}")
    mixed = np.concatenate([content.styles[:first], style.styles[first:]])
    noise = [*content.noise]
    with torch.no_grad():
        made = generator.picture(
            torch.from_numpy(mixed)[None].to(generator.centre),
            [torch.from_numpy(layer)[None, None].to(generator.centre) for layer in noise],
        )
    portrait = made.clamp(0, 1)[0].permute(1, 2, 0).cpu().numpy()
    return replace(content, styles=mixed, portrait=portrait, history=())


def _begin(generator: Any, drawn: DrawnStyles | Embedding) -> tuple[Tensor, list[Tensor]]:
    """Styles ``[1, S, latent]`` and noise ``[1, 1, h, w]`` to begin with."""
    like = generator.centre
    if isinstance(drawn, Embedding):
        styles = torch.from_numpy(drawn.styles)[None].to(like)
        return styles.clone(), [torch.from_numpy(layer)[None, None].to(like) for layer in drawn.noise]
    noise = [layer.clone() for layer in generator.fixed_noise]
    if drawn.start == "mean":
        return like.expand(1, generator.styles, -1).clone(), noise
    rng = np.random.default_rng(drawn.seed)
    uniform = rng.uniform(-1, 1, (1, generator.styles, generator.latent)).astype(np.float32)
    return torch.from_numpy(uniform).to(like), noise


def _descend(
    optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor], steps: int, gates: Sequence[Tensor] = ()
) -> list[float]:
    """Steps of an optimiser; where there are gates, gradients go through them."""
    history = []
    for _ in range(steps):
        optimiser.zero_grad()
        lost = loss()
        lost.backward()
        for parameter, gate in zip(optimiser.param_groups[0]["params"], gates, strict=False):
            parameter.grad.mul_(gate)
        optimiser.step()
        history.append(float(lost.detach()))
    return history


def _gate(mask: FloatArray | None, layer: Tensor) -> Tensor:
    """A mask on the grid of a layer's noise: 1 where all that a value reaches may change, 0 elsewhere."""
    if mask is None:
        return torch.ones_like(layer)
    shrunk = functional.interpolate(_plane(mask, layer.device), size=layer.shape[-2:], mode="area")
    return (shrunk > 0.999).to(layer)


def _picture(picture: FloatArray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)).to(device)


def _plane(mask: FloatArray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(mask[None, None], np.float32)).to(device)
