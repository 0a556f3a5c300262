"""Pictures on a canvas that they were not made on."""

from __future__ import annotations

import numpy as np
import pytest
from report_case import portrait

from mfrec.fusion.on_canvas import bicubic
from mfrec.image.geometry import enlarge
from mfrec.types import Canvas


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("x0", "y0", "width", "height"), [(0, 0, 24, 20), (5, 3, 12, 9), (18, 15, 6, 5)])
def test_bicubic_of_a_part_is_the_part_of_the_bicubic(x0: int, y0: int, width: int, height: int, scale: int) -> None:
    image = portrait(24)[:20]
    canvas = Canvas(x0, y0, width, height, scale)
    whole = enlarge(image, scale)
    expected = whole[y0 * scale : (y0 + height) * scale, x0 * scale : (x0 + width) * scale]
    np.testing.assert_allclose(bicubic(image, canvas), expected, atol=2e-6)
