"""Warps and their one convention: pixel centres at integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfrec.image.geometry import (
    enlarge,
    fit_similarity,
    identity_map,
    inside,
    resize,
    resize_map,
    similarity_map,
    taken_through,
    warp,
)
from mfrec.types import Canvas, Similarity


def ramp(height: int, width: int) -> np.ndarray:
    """A picture whose value is 0.01 times its x coordinate."""
    return np.tile(np.arange(width, dtype=np.float32) * 0.01, (height, 1))


def test_the_identity_map_changes_nothing(portrait):
    assert np.array_equal(warp(portrait, identity_map(*portrait.shape[:2])), portrait)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_enlarging_follows_the_half_pixel_convention(scale):
    big = enlarge(ramp(12, 12), scale)
    x = np.arange(12 * scale)
    expected = ((x + 0.5) / scale - 0.5) * 0.01
    inner = slice(3 * scale, -3 * scale)  # the border repeats its last pixel
    # The cubic kernel (a = -0.75) does not reproduce a ramp exactly, but half a pixel of offset would be 0.005.
    assert np.abs(big[:, inner] - expected[inner]).max() < 0.0008
    assert abs((big[:, inner] - expected[inner]).mean()) < 1e-5


@pytest.mark.parametrize("scale", [2, 4])
def test_resize_and_similarity_map_agree(portrait, scale):
    small = resize(portrait, 48, 48, interpolation="area")
    canvas = Canvas(0, 0, 48, 48, scale)
    by_map = warp(small, similarity_map(canvas.from_reference.inverse(), *canvas.shape))
    inner = slice(4 * scale, -4 * scale)
    by_resize = enlarge(small, scale)
    assert np.sqrt(((by_map - by_resize)[inner, inner] ** 2).mean()) < 0.003


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("shape", [(1, 5), (7, 6)])
def test_a_map_on_another_grid_points_to_the_same_places_up_to_the_border(scale, shape):
    canvas, other = (Canvas(2, 3, shape[1], shape[0], s) for s in (scale, 4))
    look_up, expected = (similarity_map(c.from_reference.inverse(), *c.shape) for c in (canvas, other))
    found = resize_map(look_up, *other.shape)
    assert found.dtype == np.float32
    # From one row nobody knows where the next would point.
    axes = [axis for axis, size in ((0, canvas.width), (1, canvas.height)) if size * scale > 1]
    assert np.abs(found - expected)[..., axes].max() < 1e-5


def test_shift_by_whole_pixels_is_exact(portrait):
    look_up = identity_map(*portrait.shape[:2]) + np.array([3, -2], np.float32)
    moved = warp(portrait, look_up)
    assert np.array_equal(moved[2:, :-3], portrait[:-2, 3:])


def test_there_and_back_by_a_fraction_of_a_pixel(portrait):
    smooth = resize(resize(portrait, 48, 48, interpolation="area"), 192, 192)
    there = warp(smooth, identity_map(192, 192) + np.float32(0.37))
    back = warp(there, identity_map(192, 192) - np.float32(0.37))
    assert np.abs(back - smooth)[8:-8, 8:-8].max() < 0.02


@settings(deadline=None)  # the first call imports scikit-image
@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.2, 5),
    x=st.floats(-50, 50),
    y=st.floats(-50, 50),
)
def test_similarity_inverts_composes_and_is_found_again(angle, scale, x, y):
    a = np.radians(angle)
    linear = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    s = Similarity(np.column_stack([linear, [x, y]]))
    points = np.array([[0.0, 0.0], [10.0, 1.0], [3.0, 8.0], [-4.0, 5.0]])
    assert np.allclose(s.inverse().apply(s.apply(points)), points, atol=1e-6)
    assert np.allclose(s.after(s).apply(points), s.apply(s.apply(points)), atol=1e-6)
    assert s.scale == pytest.approx(scale)
    found = fit_similarity(points, s.apply(points))
    assert np.allclose(found.matrix, s.matrix, atol=1e-6 * max(1.0, abs(x), abs(y)))


def test_a_similarity_through_one_spot_is_refused():
    with pytest.raises(ValueError, match="coincide"):
        fit_similarity(np.zeros((5, 2)), np.zeros((5, 2)))


def test_inside_counts_whole_pixels():
    look_up = np.array([[[-0.5, 0], [-0.6, 0], [3.5, 2.5], [3.6, 0]]], np.float32)
    assert inside(look_up, 3, 4).tolist() == [[True, False, True, False]]


def test_canvas_covers_the_pixels_it_names():
    canvas = Canvas(10, 20, 8, 6, 4)
    assert canvas.shape == (24, 32)
    # The left edge of reference pixel 10 is the left edge of canvas pixel 0.
    assert np.allclose(canvas.from_reference.apply([9.5, 19.5]), [-0.5, -0.5])
    assert np.allclose(canvas.from_reference.apply([17.5, 25.5]), [31.5, 23.5])


def test_a_map_goes_through_a_similarity_as_its_points_do() -> None:
    turn = Similarity(np.array([[0.24, -0.03, 812.25], [0.03, 0.24, -37.5]]))
    places = np.random.default_rng(0).uniform(-50, 4000, (9, 11, 2)).astype(np.float32)
    found = taken_through(turn, places)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, turn.apply(places), atol=2e-4)
