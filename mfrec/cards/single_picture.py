"""Networks from one picture to a larger one, whoever they are from, run on pictures of any size and colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError
from mfrec.image.colour import rgb_to_ycc, ycc_to_rgb
from mfrec.image.geometry import resize
from mfrec.provenance.digests import file_digests
from mfrec.types import FloatArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor

KINDS = ("enhance", "rrdb", "srresnet")
"""Networks of :data:`mfrec.nets.NETS` that enlarge one picture; each has ``channels`` and ``scale``."""

REALESRGAN = "realesrgan"

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt")
"""Of files of networks that spandrel reads."""

TILE, MARGIN = 384, 32
"""Side of the square of pixels that goes through a network at once, so that memory is bounded, and what is added to it
on every side so that the seams do not show."""


@dataclass(frozen=True, eq=False)
class SinglePicture:
    """A network that makes a larger picture of one.

    Attributes:
        name: as it was asked for.
        network: ``[1, channels, h, w]`` in [0, 1] to ``scale`` times the sides.
        scale: along each side.
        channels: 3 for RGB, 1 for grey.
        objective: as on a :class:`~mfrec.cards.load.Card`; ``"unknown"`` of a stranger's.
        sha256: of its weights.
        device: that it is on.
    """

    name: str
    network: Callable[[Tensor], Tensor]
    scale: int
    channels: int
    objective: Literal["fidelity", "adversarial", "unknown"] = "unknown"
    sha256: str = ""
    device: str | torch.device = "cpu"

    @property
    def draws(self) -> bool:
        """Whether it may draw what nobody saw: it learnt from a discriminator, or nobody knows that it did not."""
        return self.objective != "fidelity"

    def __call__(self, image: FloatArray) -> FloatArray:
        """Enlarge a picture.

        A grey picture comes out grey. A colour picture is enlarged by a grey network in its luma alone, and in its
        colour differences by bicubic interpolation.

        Args:
            image: ``[h, w, 3]`` RGB in [0, 1].

        Returns:
            ``[scale h, scale w, 3]`` float32 in [0, 1].
        """
        height, width = image.shape[0] * self.scale, image.shape[1] * self.scale
        grey = is_grey(image)
        if self.channels == 1:
            ycc = rgb_to_ycc(image)
            luma = self._made(image[..., :1] if grey else ycc[..., :1])
            if not grey:
                differences = resize(ycc[..., 1:], height, width)
                return np.clip(ycc_to_rgb(np.concatenate([luma, differences], axis=2)), 0, 1)
            return np.repeat(luma, 3, axis=2)
        made = self._made(image)
        return np.repeat(rgb_to_ycc(made)[..., :1], 3, axis=2) if grey else made

    def _made(self, image: NDArray[np.float32]) -> FloatArray:
        """``[h, w, channels]`` through the network, in tiles where it is large."""
        height, width = image.shape[:2]
        scale = self.scale
        out = np.empty((height * scale, width * scale, self.channels), np.float32)
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                bottom, right = min(top + TILE, height), min(left + TILE, width)
                y, x = max(0, top - MARGIN), max(0, left - MARGIN)
                tile = self._run(image[y : bottom + MARGIN, x : right + MARGIN])
                inner = tile[(top - y) * scale : (bottom - y) * scale, (left - x) * scale : (right - x) * scale]
                out[top * scale : bottom * scale, left * scale : right * scale] = inner
        return out

    def _run(self, image: NDArray[np.float32]) -> FloatArray:
        import torch

        from mfrec.nets.threads import one_thread

        stacked = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])).to(self.device)
        with torch.inference_mode(), one_thread():
            made = self.network(stacked)
            if made.shape[1:] != (self.channels, self.scale * image.shape[0], self.scale * image.shape[1]):
                raise UsageError(
                    f"the network '{self.name}' made {list(made.shape[1:])} of {list(stacked.shape[1:])}, and is said "
                    f"to enlarge {self.scale} times; it cannot be used"
                )
            return made[0].float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()


def enlarged_again(network: SinglePicture, image: FloatArray) -> FloatArray:
    """A picture finished by a network: made smaller by as much as that enlarges, by area, and enlarged by it.

    What is finer than the smaller picture shows is the network's alone; whoever wants it bounded sees to that.

    Args:
        network: of any scale.
        image: ``[H, W, 3]`` RGB in [0, 1].

    Returns:
        ``[H, W, 3]`` in [0, 1].
    """
    height, width = image.shape[:2]
    # At least one pixel, and whole ones: what is left over at the border is squeezed, and stretched again.
    small = [max(1, round(side / network.scale)) for side in (height, width)]
    made = network(image if network.scale == 1 else resize(image, *small, interpolation="area"))
    return made if made.shape[:2] == (height, width) else np.clip(resize(made, height, width), 0, 1)


def is_grey(image: NDArray[Any]) -> bool:
    """Whether the three channels of ``[H, W, 3]`` are the same."""
    return bool(np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(image[..., 0], image[..., 2]))


def find_single_picture(name: str, device: str = "cpu") -> SinglePicture:
    """The network of that name, with its weights loaded.

    Args:
        name: of a card of one of :data:`KINDS`, the path of such a card (``.toml``), ``"realesrgan"``, or the path of
            a file of weights that spandrel reads.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        UsageError: the file is no network that can be used.
        WeightsError: no such card, one of another kind of network, or weights or packages are missing or damaged.
    """
    from mfrec.cards.foreign import SHA256, load_realesrgan, load_spandrel, need_torch
    from mfrec.cards.load import card_path, check_kind, read_card, shared_network

    if name == REALESRGAN:
        network = load_realesrgan().to(device)
        return SinglePicture(name, network, network.scale, network.channels, "adversarial", SHA256, device)
    if name.lower().endswith(SUFFIXES):
        found = load_spandrel(Path(name)).to(device)
        digest = file_digests(Path(name))["sha256"]
        return SinglePicture(Path(name).name, found, found.scale, found.input_channels, "unknown", digest, device)
    need_torch(f"the network '{name}'")
    check_kind(name, *KINDS)
    card = read_card(card_path(name))
    network = shared_network(name, device)
    return SinglePicture(card.name, network, network.scale, network.channels, card.objective, card.sha256, device)
