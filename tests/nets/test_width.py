"""Narrower networks: whole channels, and never none."""

import math

import pytest

from mfrec.nets.width import scaled


@pytest.mark.parametrize(("channels", "width", "wanted"), [(64, 1.0, 64), (64, 0.25, 16), (3, 0.1, 1), (64, 2.0, 128)])
def test_channels_scale_with_the_width(channels: int, width: float, wanted: int) -> None:
    assert scaled(channels, width) == wanted


@pytest.mark.parametrize("width", [0.0, -1.0, math.nan, math.inf])
def test_a_width_that_is_none_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="width"):
        scaled(64, width)
