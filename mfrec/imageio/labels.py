"""A picture whose values are no light but names: a label map, or a mask that somebody drew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import InputError, UsageError
from mfrec.imageio.formats import DECODER_ERRORS, open_picture
from mfrec.imageio.limits import size_reason
from mfrec.imageio.reading import RefusedError


def read_labels(path: Path, told: str) -> NDArray[np.uint8]:
    """The values of a grey or palette picture as they are stored, ``[H, W]`` uint8.

    A colour picture is taken where its channels are equal. One bit a pixel becomes 0 and 255.

    Args:
        path: of a picture file, PNG as a rule.
        told: the option that names it, for messages.

    Raises:
        InputError: there is no such file.
        UsageError: it is no picture, or one of several colours or of more than 8 bits.
    """
    try:
        with path.open("rb") as file, open_picture(file) as image:
            reason = size_reason(*image.size)
            if reason:
                raise UsageError(f"{told}: '{path}' is not read: {reason}")
            if image.mode == "1":
                image = image.convert("L")  # noqa: PLW2901
            values = np.asarray(image)
    except FileNotFoundError:
        raise InputError(f"{told}: there is no file '{path}'; check the spelling, or give a full path") from None
    except (RefusedError, *DECODER_ERRORS) as error:
        raise UsageError(f"{told}: '{path}' is no picture that can be read ({error}); give a PNG of 8 bits") from None
    if values.ndim == 3 and (values[..., :3] == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim != 2 or values.dtype != np.uint8:
        raise UsageError(
            f"{told}: '{path}' holds colours or more than 8 bits; expected a grey or palette PNG whose values are the "
            "numbers of regions, or 0 (transfer) and 255 (keep)"
        )
    return np.array(values)
