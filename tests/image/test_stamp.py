"""The words NOT EVIDENCE: in every picture, on every ground, in every crop, and after every codec."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mfrec.errors import UsageError
from mfrec.image.geometry import enlarge, resize
from mfrec.image.stamp import (
    MARK,
    READABLE,
    WORDS,
    burned,
    enlarging,
    guaranteed,
    marked,
    small_tiles,
    stamped,
    stamped_large,
)
from mfrec.types import FloatArray

SIZES = [(64, 64), (90, 200), (192, 192), (360, 640), (1440, 1080)]


@pytest.mark.parametrize("size", SIZES)
def test_every_crop_of_the_stated_size_holds_the_words_in_full(size: tuple[int, int]) -> None:
    rows, columns = guaranteed(*size)
    tiles = small_tiles(*size)
    assert all(t.x >= 0 and t.x + t.width <= size[1] and t.y >= 0 and t.y + t.height <= size[0] for t in tiles)
    places = np.random.default_rng(0).random((400, 2))
    for y, x in np.rint(places * [size[0] - rows, size[1] - columns]).astype(int):
        assert any(
            x <= t.x and t.x + t.width <= x + columns and y <= t.y and t.y + t.height <= y + rows for t in tiles
        ), (y, x)


def test_a_cropped_face_of_a_large_frame_holds_them() -> None:
    assert max(guaranteed(1440, 2560)) <= 240  # a face that takes a sixth of the height


@pytest.mark.parametrize("ground", [0.0, 0.5, 1.0])
def test_words_stand_out_on_any_ground_and_survive_strong_compression(ground: float) -> None:
    plain = np.full((192, 256, 3), ground, np.float32)
    image = stamped(plain)
    assert image.dtype == np.float32 and image.min() >= 0 and image.max() <= 1
    change = np.abs(image - plain).max(axis=2)
    assert image.max() - image.min() > 0.4  # between the words and their edge
    buffer = io.BytesIO()
    Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(buffer, "JPEG", quality=30)
    coded = np.abs(np.asarray(Image.open(buffer), np.float32) / 255 - ground).max(axis=2)
    assert np.corrcoef(coded.ravel(), change.ravel())[0, 1] > 0.85
    for tile in small_tiles(192, 256):
        there = change[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
        assert (there > 0.2).mean() > 0.15


def test_a_small_picture_is_enlarged_so_that_the_words_leave_its_face_to_be_seen(portrait: FloatArray) -> None:
    """At 192 px the words reach into half of all pixels, enlarged into a quarter."""
    small = resize(portrait, 192, 192, interpolation="area")
    large = stamped_large(small)
    factor = enlarging(192, 192)
    assert large.shape == (192 * factor, 192 * factor, 3) and min(large.shape[:2]) >= READABLE
    touched = [
        float((np.abs(marked_one - plain).max(axis=2) > 0.05).mean())
        for marked_one, plain in ((stamped(small), small), (large, np.clip(enlarge(small, factor), 0, 1)))
    ]
    assert touched[1] < 0.5 * touched[0]
    assert max(guaranteed(*large.shape[:2])) <= large.shape[0] / 4, "a crop of half a face's width holds them in full"
    assert enlarging(720, 1000) == 1


def test_large_words_are_seen_in_a_thumbnail() -> None:
    plain = np.full((1080, 1920, 3), 0.5, np.float32)
    small = resize(stamped(plain), 90, 160, interpolation="area")
    middle, above = small[36:54].std(), small[5:25].std()
    assert middle > 0.06 and middle > 1.5 * above


def test_the_picture_is_left_as_it_was_and_a_stamp_says_what_happens(portrait: FloatArray) -> None:
    before = portrait.copy()
    assert np.array_equal(burned(portrait, WORDS), stamped(portrait))
    assert np.array_equal(portrait, before)
    assert burned(portrait, "RESTORED") is portrait
    assert marked("upscaled.mp4", WORDS) == f"upscaled{MARK}.mp4"
    assert marked("upscaled.mp4", "ENHANCED") == "upscaled.mp4"


def test_a_picture_without_room_for_them_is_refused() -> None:
    with pytest.raises(UsageError, match=r"32 x 40 pixels is too small for the words NOT EVIDENCE.*enlarge it more"):
        stamped(np.zeros((40, 32, 3), np.float32))
