"""Pairs for networks that enlarge: the small picture is the literature's, on the grid of its truth, and never black."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from few_pictures import face, few_pictures
from torch.nn import functional

from mfrec.errors import UsageError
from mfrec.image.colour import luma
from mfrec.image.cubic import resize_cubic
from mfrec.train.streams.enlargement_stream import EnlargementStream, padded

PICTURES = few_pictures().every


def stream(**changes: Any) -> EnlargementStream:
    return EnlargementStream([PICTURES], 1, **{"height": 64, "width": 64, **changes})


@pytest.mark.parametrize("view", ["crop", "whole", "pad"])
@pytest.mark.parametrize(("scale", "grey"), [(4, False), (2, True)])
def test_samples_are_a_small_picture_and_its_truth(view: str, scale: int, grey: bool) -> None:
    for index in range(4):
        (small,), wanted = stream(view=view, scale=scale, grey=grey)[index]
        truth = wanted["truth"]
        channels = 1 if grey else 3
        assert truth.shape == (channels, 64, 64)
        assert small.shape == (channels, 64 // scale, 64 // scale)
        assert small.dtype == truth.dtype == torch.float32
        assert torch.equal((255 * truth).round() / 255, truth)
        assert "bicubic" not in wanted
        # The means over the small pixels are nearly the small picture: nothing has moved.
        error = (functional.avg_pool2d(truth, scale) - small).abs().mean()
        assert error < 0.02
        assert all(error < (functional.avg_pool2d(truth.roll(scale, d), scale) - small).abs().mean() for d in (1, 2))


def test_the_small_picture_is_that_of_the_literature() -> None:
    (small,), wanted = stream(augmentation="none")[0]
    truth = wanted["truth"].permute(1, 2, 0).numpy()
    expected = np.rint(np.clip(resize_cubic(truth, 16, 16), 0, 1) * 255) / 255
    np.testing.assert_allclose(small.permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_validation_is_the_middle_and_knows_bicubic() -> None:
    held = stream(centre=True, length=4, augmentation="hard", view="crop")
    (small,), wanted = held[0]
    picture = PICTURES[0]
    top, left = ((side - 64) // 2 for side in picture.shape[:2])
    middle = picture[top : top + 64, left : left + 64].astype(np.float32) / np.float32(255)
    np.testing.assert_allclose(wanted["truth"].permute(1, 2, 0).numpy(), middle, atol=1e-6)
    assert wanted["bicubic"].shape == wanted["truth"].shape
    assert 0.0001 < float((wanted["bicubic"] - wanted["truth"]).square().mean()) < 0.02
    assert held.drawn(1).picture == 1
    assert small.shape == (3, 16, 16)


def test_grey_is_luma() -> None:
    colour = stream(augmentation="none", view="crop")[2][1]["truth"]
    grey = stream(augmentation="none", view="crop", grey=True)[2][1]["truth"]
    expected = luma(colour.permute(1, 2, 0).numpy())
    assert np.abs(grey[0].numpy() - expected).max() <= 0.5 / 255 + 1e-6


def test_sets_are_drawn_from_equally_often() -> None:
    many = EnlargementStream([PICTURES[:1], PICTURES[1:]], 1, height=64, width=64)
    first = np.mean([many.drawn(index).source == 0 for index in range(300)])
    assert 0.4 < first < 0.6


def test_a_border_is_repeated_and_never_black() -> None:
    eye = np.full((20, 30, 3), 0.4, np.float32)
    eye[:, -1] = 0.9
    strip = padded(eye, 28, 50)
    assert strip.shape == (28, 50, 3)
    assert strip.min() == np.float32(0.4)
    assert (strip[:, -10:] == np.float32(0.9)).all()
    assert np.array_equal(strip[4:24, 10:40], eye)
    assert np.array_equal(padded(strip, 20, 30), eye)


def test_esrgan_s_augmentations_are_as_often_as_the_slides_say() -> None:
    def shares(kind: str) -> tuple[float, ...]:
        drawn = [stream(augmentation=kind).drawn(index) for index in range(600)]
        turned = [(d.mirrored or d.flipped, d.transposed, d.quality is not None, bool(d.holes)) for d in drawn]
        assert not any(d.transposed and (d.mirrored or d.flipped) for d in drawn)
        return tuple(np.mean(turned, axis=0).tolist())

    assert shares("none") == (0, 0, 0, 0)
    assert shares("mirror") == pytest.approx((0.5, 0, 0, 0), abs=0.07)
    assert shares("spatial") == pytest.approx((0.375, 0.375, 0, 0), abs=0.07)
    assert shares("hard") == pytest.approx((0.375, 0.375, 0.25, 0.25), abs=0.07)


def test_damage_is_in_the_small_picture_alone() -> None:
    hard, clean = stream(augmentation="hard"), stream(augmentation="none")
    index = next(i for i in range(100) if hard.drawn(i).holes)
    drawn = hard.drawn(index)
    (small,), wanted = hard.make(drawn)
    (x, y, _, _) = drawn.holes[0]
    assert small[:, y, x].max() == 0
    assert wanted["truth"].min() > 0 or (wanted["truth"] == 0).float().mean() < 0.1
    assert small.shape == clean[0][0][0].shape


def test_jitter_takes_smaller_parts() -> None:
    sizes = [stream(view="whole", jitter=0.4).drawn(index).size[0] for index in range(60)]
    assert min(sizes) < 0.75 * max(sizes)
    assert max(sizes) <= max(face().shape)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": 3}, "the scale is 3"),
        ({"height": 62}, "multiples of the scale 4"),
        ({"height": 16, "width": 16}, "from 32 to 1024"),
        ({"augmentation": "hard", "width": 96}, "needs squares"),
    ],
)
def test_what_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stream(**change)
