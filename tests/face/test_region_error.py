"""Sharpness inside of blocks, block edges, and the error that is expected of them."""

import numpy as np
import pytest
from scipy.fft import dctn

from mfrec.face.region_error import (
    HALF,
    block_steps,
    blockiness,
    content_in_blocks,
    detail_in_blocks,
    detail_of,
    error_of,
    expected_error,
    score_of,
)
from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.train.data.degrade import through_jpeg

EVERYWHERE = np.ones((192, 192), np.float32)


def detail(plane, phase=(0, 0)) -> float:
    return detail_of(*detail_in_blocks(plane, phase), np.ones(plane.shape, np.float32))


def test_blur_and_coarse_coding_both_take_detail_out_of_blocks(portrait):
    sharp = detail(luma(portrait))
    blurs = [detail(gaussian(luma(portrait), sigma)) for sigma in (0.7, 1.5, 3)]
    codes = [detail(luma(through_jpeg(portrait, q).image)) for q in (60, 20, 5)]
    assert sharp > blurs[0] > blurs[1] > blurs[2]
    assert sharp > codes[0] > codes[1] > codes[2]
    assert codes[2] < 0.25 * sharp


def test_few_strong_differences_are_less_detail_than_many_small_ones_of_the_same_energy():
    rng = np.random.default_rng(0)
    many = rng.normal(0, 0.02, (64, 64)).astype(np.float32)
    few = np.zeros((64, 64), np.float32)
    few.flat[::49] = 0.02 * 7
    assert many.std() == pytest.approx(few.std(), rel=0.1)
    assert detail(few) < 0.5 * detail(many)
    total, count = detail_in_blocks(many)
    # The differences have six times the variance of the numbers, the mixed one four times: half of them each.
    expected = 0.02**2 * ((np.sqrt(6) + 2) / 2) ** 2
    assert detail_of(total, count, np.ones(many.shape)) == pytest.approx(expected, rel=0.05)


def test_content_falls_with_blur_and_with_coarse_coding(portrait):
    sharp = content_in_blocks(luma(portrait)).mean()
    blurs = [content_in_blocks(gaussian(luma(portrait), sigma)).mean() for sigma in (0.7, 1.5, 3)]
    codes = [content_in_blocks(luma(through_jpeg(portrait, q).image)).mean() for q in (60, 20, 5)]
    assert sharp > blurs[0] > blurs[1] > blurs[2]
    assert sharp > codes[0] > codes[1] > codes[2]


def test_one_ripple_is_much_detail_and_little_content():
    u, x = 7, np.arange(8)
    ripple = np.cos(np.pi * u * (2 * x + 1) / 16).astype(np.float32)
    one = np.tile(0.05 * ripple, (32, 4))
    many = np.random.default_rng(0).normal(0, one.std() / 2, (32, 32)).astype(np.float32)
    assert detail(one) > 1.5 * detail(many)
    assert content_in_blocks(one).mean() < 0.2 * content_in_blocks(many).mean()


def test_content_is_that_of_the_whole_block_wherever_the_grid_begins():
    plane = np.random.default_rng(0).random((40, 48)).astype(np.float32)
    content = content_in_blocks(plane)
    blocks = content.reshape(5, 8, 6, 8)
    assert (blocks == blocks[:, :1, :, :1]).all()
    # Cut at (3, 5) the same blocks begin there at (5, 3).
    np.testing.assert_allclose(content_in_blocks(plane[5:, 3:], (5, 3))[3:, 5:], content[8:, 8:], rtol=1e-5)
    coefficients = np.log2(1 + np.abs(np.asarray(dctn(plane[:8, :8], norm="ortho"))) * 255 / 3)
    assert content[0, 0] == pytest.approx((coefficients.sum() - coefficients[0, 0]) / 63, rel=1e-5)
    assert content_in_blocks(np.full((5, 9), 0.5, np.float32)).max() < 1e-6  # bits: what rounding to float32 leaves


def test_edges_between_blocks_are_no_detail():
    blocks = np.random.default_rng(0).random((6, 6)).astype(np.float32).repeat(8, axis=0).repeat(8, axis=1)
    assert detail(blocks) == 0
    assert detail(blocks, (3, 5)) > 0.003
    shifted = np.roll(blocks, (5, 3), axis=(0, 1))[8:-8, 8:-8]
    assert detail(np.ascontiguousarray(shifted), (3, 5)) == 0


def test_a_plane_has_no_second_differences_and_no_block_edges():
    y, x = np.mgrid[0:24, 0:32].astype(np.float32)
    assert detail(0.01 * x + 0.02 * y) == pytest.approx(0, abs=1e-10)
    assert blockiness(block_steps(0.01 * x + 0.02 * y), np.ones((24, 32))) == pytest.approx(0, abs=1e-3)


def test_second_differences_of_a_parabola_are_its_curvature():
    x = np.arange(32, dtype=np.float32)[None].repeat(16, axis=0)
    total, count = detail_in_blocks(0.001 * x**2)
    assert count.sum() == pytest.approx(16 * 6 * 4 + 14 * 32 - 32 * 2 + 2 * (15 - 1) * (31 - 3))
    assert total.sum() == pytest.approx(16 * 6 * 4 * 0.002, rel=1e-2)


def test_blockiness_grows_as_quality_falls(portrait):
    values = [blockiness(block_steps(luma(through_jpeg(portrait, q).image)), EVERYWHERE) for q in (90, 50, 20, 8)]
    assert values == sorted(values)
    assert values[-1] > values[0] + 0.2
    coarse = luma(through_jpeg(portrait, 8).image)
    assert blockiness(block_steps(coarse, (4, 4)), EVERYWHERE) < 0.3 * values[-1]
    assert blockiness(block_steps(np.zeros((4, 4), np.float32)), np.ones((4, 4))) == 0


def test_blockiness_is_that_of_the_region(portrait):
    mixed = luma(portrait).copy()
    mixed[:, :96] = luma(through_jpeg(portrait, 8).image)[:, :96]
    left = np.zeros((192, 192), np.float32)
    left[:, :90] = 1
    steps = block_steps(mixed)
    assert blockiness(steps, left) > blockiness(steps, left[:, ::-1]) + 0.2


def test_every_damage_raises_the_expected_error():
    good = {"detail": 4e-3, "best_detail": 4e-3, "content": 1.0, "best_content": 1.0, "blocks": 0.0, "noise": 2 / 255}
    base = expected_error(**good)
    for worse in ({"detail": 1e-3}, {"content": 0.5}, {"blocks": 1.0}, {"noise": 8 / 255}):
        assert expected_error(**{**good, **worse}) > 1.05 * base
    poor = {**good, "detail": 1e-3}
    assert expected_error(**{**poor, "best_detail": 1e-2}) > expected_error(**{**poor, "best_detail": 2e-3})


def test_a_score_is_another_way_to_write_an_error():
    assert score_of(HALF) == 0.5
    assert score_of(0) == 1
    errors = [0.004, 0.02, 0.05, 0.2]
    assert [error_of(score_of(error)) for error in errors] == pytest.approx(errors)
    assert [score_of(error) for error in errors] == sorted((score_of(error) for error in errors), reverse=True)
