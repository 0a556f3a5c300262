"""Masks that somebody drew over a frame, kept in the case for ``--mask eyes=masks/eyes-01.png``."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from mfrec.asked_regions import KEEP, TRANSFER
from mfrec.desk.case import Case
from mfrec.desk.places import child, write_whole
from mfrec.desk.refusal import RefusalError
from mfrec.face.regions import FEATURES
from mfrec.imageio import png_bytes
from mfrec.imageio.limits import MAX_PIXELS
from mfrec.types import Region

Count = Annotated[int, Meta(ge=0, le=MAX_PIXELS)]


class DrawnMask(Struct):
    """A mask on the grid of a frame.

    Attributes:
        region: feature or region whose place it is.
        width, height: of the frame in pixels.
        runs: where pixels are drawn, row after row: how many are not, how many are, how many are not ...
    """

    region: Annotated[str, Meta(max_length=40)]
    width: Annotated[int, Meta(ge=1, le=100_000)]
    height: Annotated[int, Meta(ge=1, le=100_000)]
    runs: list[Count]


def region_names() -> list[str]:
    """What a source or a mask can be given for: features first."""
    regions = [region.name.lower() for region in Region if region != Region.BACKGROUND]
    return [*FEATURES, *(name for name in regions if name not in FEATURES)]


def pixels(mask: DrawnMask) -> NDArray[np.uint8]:
    """The mask as a picture ``[H, W]``: 0 where it is drawn, else 255.

    Raises:
        RefusalError: its runs do not fill the frame, or nothing is drawn.
    """
    total = mask.width * mask.height
    if total > MAX_PIXELS or sum(mask.runs) != total:
        raise RefusalError("refused.mask.size", 400, width=mask.width, height=mask.height)
    drawn = np.arange(len(mask.runs)) % 2 == 1
    values = np.repeat(np.where(drawn, TRANSFER, KEEP).astype(np.uint8), mask.runs)
    if (values == KEEP).all() or (values == TRANSFER).all():
        raise RefusalError("refused.mask.empty", 400)
    return values.reshape(mask.height, mask.width)


def add(case: Case, mask: DrawnMask) -> str:
    """Keep a mask; its path in the case's folder.

    Raises:
        RefusalError: no such region, see :func:`pixels`, or it cannot be written.
    """
    if mask.region not in region_names():
        raise RefusalError("refused.name", 400, name=mask.region)
    data = png_bytes(pixels(mask), {"Software": "mfrec"})
    folder = case.part("masks")
    with case.lock:
        taken = [int(path.stem.rsplit("-", 1)[-1]) for path in folder.glob(f"{mask.region}-[0-9]*.png")]
        name = f"{mask.region}-{max(taken, default=0) + 1:02d}.png"
        write_whole(child(folder, name), data)
    return f"masks/{name}"
