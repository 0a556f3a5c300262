"""A spoilt region, who can mend it, and the face unspoilt."""

from __future__ import annotations

import numpy as np
import torch
from few_pictures import face, few_pictures

from mfrec.image.geometry import resize
from mfrec.train.streams.crossover_stream import (
    CrossoverStream,
    draw_ellipse,
    draw_light,
    filled,
    in_other_light,
    registered,
    softened,
)

PORTRAIT = resize(face() / np.float32(255), 128, 128, interpolation="area")


def test_samples_are_source_target_and_mask() -> None:
    stream = CrossoverStream(few_pictures(), 1, side=64)
    for index in range(4):
        (source, target, mask), wanted = stream[index]
        assert source.shape == target.shape == wanted["truth"].shape == (3, 64, 64)
        assert mask.shape == (1, 64, 64)
        assert set(mask.unique().tolist()) == {0.0, 1.0}
        assert wanted["bicubic"] is target
        assert all(0 <= t.min() <= t.max() <= 1 for t in (source, target, wanted["truth"]))


def test_the_target_is_the_truth_outside_of_the_mask_and_blurred_inside() -> None:
    stream = CrossoverStream(few_pictures(), 2, side=128)
    for index in range(4):
        (_, target, mask), wanted = stream[index]
        near = torch.nn.functional.max_pool2d(mask, 13, stride=1, padding=6)[0] > 0
        changed = (target - wanted["truth"]).abs().amax(0)
        assert changed[~near].max() < 1 / 255
        inside = mask[0] > 0
        assert changed[inside].max() > 2 / 255
        left, before = (x.diff(dim=2)[:, inside[:, 1:]].square().mean() for x in (target, wanted["truth"]))
        assert left < before


def test_the_thesis_s_critic_asks_for_source_inside_and_target_outside() -> None:
    (source, target, mask), wanted = CrossoverStream(few_pictures(), 2, side=64, critic="composite")[1]
    torch.testing.assert_close(wanted["truth"], mask * source + (1 - mask) * target)
    assert not torch.equal(wanted["truth"], target) and not torch.equal(wanted["truth"], source)


def test_the_source_can_mend_the_region() -> None:
    """On average it is nearer to the truth there than the blurred target is, once its light is matched."""
    stream = CrossoverStream(few_pictures(), 3, side=128)
    gains = []
    for index in range(8):
        (source, target, mask), wanted = stream[index]
        inside = mask[0] > 0
        truth = wanted["truth"][:, inside]
        lit = source[:, inside]
        lit = lit - lit.mean(1, keepdim=True) + truth.mean(1, keepdim=True)
        gains.append(float((target[:, inside] - truth).square().mean() - (lit - truth).square().mean()))
    assert np.mean(gains) > 0


def test_the_same_index_gives_the_same_sample() -> None:
    first, second = (CrossoverStream(few_pictures(), 5, side=64)[2] for _ in range(2))
    for a, b in zip(first[0], second[0], strict=True):
        assert torch.equal(a, b)


def test_landmarks_come_when_they_are_asked_for() -> None:
    _, wanted = CrossoverStream(few_pictures(), 3, side=64, points=True)[0]
    assert wanted["points"].shape == (68, 2)


def test_softness_of_one_changes_nothing_and_more_leaves_less_detail() -> None:
    assert np.array_equal(softened(PORTRAIT, 1.0), np.clip(PORTRAIT, 0, 1))
    figures = [float((np.diff(softened(PORTRAIT, factor)) ** 2).mean()) for factor in (1.0, 2.0, 3.5)]
    assert figures == sorted(figures, reverse=True)


def test_registration_brings_the_source_onto_the_target() -> None:
    moved = np.roll(PORTRAIT, 3, axis=1)
    inner = np.s_[16:-16, 16:-16]
    before = np.abs(moved - PORTRAIT)[inner].mean()
    assert np.abs(registered(moved, PORTRAIT) - PORTRAIT)[inner].mean() < 0.5 * before
    dark = np.asarray(0.6 * moved, np.float32)
    assert registered(dark, PORTRAIT).mean() < 0.8 * PORTRAIT.mean()


def test_another_light_is_a_straight_line_in_every_colour() -> None:
    grey = np.linspace(0.3, 0.6, 30, dtype=np.float32).reshape(10, 3, 1).repeat(3, axis=2)
    for seed in range(5):
        lit = in_other_light(grey, draw_light(np.random.default_rng(seed)))
        for colour in range(3):
            fit = np.polyfit(grey[..., colour].ravel(), lit[..., colour].ravel(), 1)
            assert np.abs(np.polyval(fit, grey[..., colour]) - lit[..., colour]).max() < 1e-5
            assert 0.6 < fit[0] < 1.6


def test_ellipses_cover_an_eye_to_half_a_face() -> None:
    shares = [filled(draw_ellipse(128, np.random.default_rng(seed)), 128).mean() for seed in range(40)]
    assert min(shares) > np.pi * 0.05**2
    assert max(shares) < np.pi * 0.23**2
    assert max(shares) > 3 * min(shares)
