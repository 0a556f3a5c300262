"""``report.html``: one file without a single outside resource, for any browser.

File names and messages come from strangers' cameras, so there is a third wall beside the two of
:mod:`mfrec.report.page`: data for the script travels as JSON without ``<``.
"""

from __future__ import annotations

import base64
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio import png_bytes
from mfrec.provenance.left_out import count_others
from mfrec.report import pictures
from mfrec.report.content import IDENTITY, ONE_BY_ONE, REGION_NAMES, Content
from mfrec.report.page import standalone_page
from mfrec.report.pictures import GREY_LEVELS
from mfrec.types import Reconstruction

HERE = Path(__file__).parent

PLANE_BYTES = 8_000_000
"""The numbers under the pointer are thinned out by a whole step when they would take more than this."""

THUMBNAIL = 128
"""Side of a thumbnail in screen pixels."""


def render(content: Content, reconstruction: Reconstruction) -> bytes:
    """The page as UTF-8."""
    values = {
        "c": content,
        "identity": IDENTITY,
        "pictures": pictures,
        "data": script_data(content, reconstruction),
        "uri": uri,
        "shown": shown,
        "gradient": gradient,
        "count_others": count_others,
        "one_by_one": ONE_BY_ONE,
    }
    return standalone_page(HERE, "report", values)


def uri(picture: NDArray, label: str = "") -> str:
    """A picture as a lossless PNG in a ``data:`` address; ``label`` goes into its metadata."""
    png = png_bytes(picture, {"Comment": label} if label else {})
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def shown(picture: NDArray) -> tuple[int, int, bool]:
    """Width and height of a thumbnail of ``[h, w, 3]``, and whether its pixels are shown as hard squares.

    A small picture is enlarged by a whole factor, a large one shrunk by the browser.
    """
    height, width = picture.shape[:2]
    if max(height, width) <= THUMBNAIL:
        factor = pictures.fitting(height, width, THUMBNAIL)
        return width * factor, height * factor, True
    shrink = THUMBNAIL / max(height, width)
    return max(1, round(width * shrink)), max(1, round(height * shrink)), False


def gradient(stops: tuple[tuple[int, int, int], ...]) -> str:
    """The colours of a legend as CSS."""
    return f"linear-gradient(to right, {', '.join(f'rgb({r},{g},{b})' for r, g, b in stops)})"


def script_data(content: Content, reconstruction: Reconstruction) -> dict[str, Any]:
    """What the script needs: the frames' names and colours, and the numbers of every pixel.

    ``planes`` is base64 of a zlib stream of, for ``height * width`` pixels each: uncertainty (uint16, little endian,
    hundredths of a grey level), region (uint8), observed (uint8, of 255), then one uint8 plane of shares (of 255)
    a frame.
    """
    weight = reconstruction.weight
    step = max(1, math.ceil(math.sqrt((len(weight) + 4) * weight[0].size / PLANE_BYTES)))
    thin = np.s_[..., ::step, ::step]
    fine = np.clip(np.rint(reconstruction.uncertainty[thin] * GREY_LEVELS * 100), 0, 65535).astype("<u2")
    bytes_ = [fine.tobytes(), content.regions_map[thin].tobytes()]
    for plane in (reconstruction.observed, weight):
        bytes_.append(np.rint(np.clip(plane[thin], 0, 1) * 255).astype(np.uint8).tobytes())
    return {
        "width": weight.shape[2],
        "height": weight.shape[1],
        "step": step,
        "columns": fine.shape[1],
        "rows": fine.shape[0],
        "frames": [{"index": row.index, "name": row.name, "colour": row.colour} for row in content.used],
        "regions": {int(region): name for region, name in REGION_NAMES.items()},
        "planes": base64.b64encode(zlib.compress(b"".join(bytes_), 6)).decode("ascii"),
    }
