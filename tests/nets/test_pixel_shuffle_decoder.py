"""The decoder climbs back to the picture's grid and starts without a checkerboard."""

import pytest
import torch
from torch.nn import functional

from mfrec.nets.pixel_shuffle_decoder import PixelShuffleDecoder, ShuffleEnlarge


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


def test_an_untrained_enlargement_repeats_its_pixels() -> None:
    enlarge = ShuffleEnlarge(6, 5)
    with torch.inference_mode():
        large = enlarge(torch.randn(2, 6, 7, 4))
    assert large.shape == (2, 5, 14, 8)
    assert large.amax() > 0
    torch.testing.assert_close(large, functional.interpolate(large[..., ::2, ::2], scale_factor=2, mode="nearest"))


def test_every_level_and_the_picture_itself_are_used() -> None:
    channels = (4, 4, 6, 8, 10)
    decoder = PixelShuffleDecoder(inputs=2, features=channels, width=0.125).eval()
    image = torch.rand(1, 2, 32, 64)
    features = [torch.rand(1, c, 16 // 2**i, 32 // 2**i) for i, c in enumerate(channels)]
    with torch.inference_mode():
        made = decoder(image, features)
        assert made.shape == (1, 3, 32, 64)
        assert not torch.equal(decoder(image + 0.1, features), made)
        for level in range(5):
            changed = [f + 0.1 if i == level else f for i, f in enumerate(features)]
            assert not torch.equal(decoder(image, changed), made)
