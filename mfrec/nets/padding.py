"""Any size for networks that halve their grid several times: pad to a multiple by reflection, crop back."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def pad(image: Tensor, multiple: int) -> Tensor:
    """Reflect the borders outwards, alike on opposite sides, until both sides are multiples.

    Reflection goes on with the textures of the picture, where zeros would draw a dark frame that a network answers to.

    Args:
        image: ``[B, C, H, W]``.
        multiple: of which height and width shall be.

    Returns:
        ``[B, C, H', W']`` with ``H <= H' < H + multiple``, likewise ``W'``; the very same tensor if nothing is missing.

    Raises:
        ValueError: a side is too short to be reflected that far.
    """
    height, width = image.shape[-2:]
    rows, columns = -height % multiple, -width % multiple
    if rows == columns == 0:
        return image
    # At most half of what is missing lies on one side, and a reflection does not repeat the border itself.
    if (rows + 1) // 2 >= height or (columns + 1) // 2 >= width:
        raise ValueError(
            f"a picture of {width} x {height} px is too small for a network with a grid of {multiple} px; "
            f"expected at least {(multiple + 4) // 3} px on either side"
        )
    return functional.pad(image, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2), mode="reflect")


def crop(image: Tensor, height: int, width: int) -> Tensor:
    """Take back what :func:`pad` added: the middle ``[B, C, height, width]`` of ``[B, C, H', W']``."""
    top, left = (image.shape[-2] - height) // 2, (image.shape[-1] - width) // 2
    return image[..., top : top + height, left : left + width]
