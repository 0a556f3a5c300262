"""Enlarged pictures: as blurred as their factor says, cleaner where several frames were averaged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from few_pictures import face, few_pictures

from mfrec.errors import UsageError
from mfrec.train.streams.finetune_stream import FinetuneStream, Sampling, enlarged_again
from mfrec.types import GeneratorState

TRUTH = np.asarray(face()[24:168, 24:168] / np.float32(255), np.float32)


def test_samples_are_an_enlarged_picture_and_its_truth() -> None:
    stream = FinetuneStream(few_pictures(), 1)
    for index in range(6):
        (image,), wanted = stream[index]
        assert image.shape == wanted["truth"].shape == (3, 144, 144)
        assert image.dtype == torch.float32
        assert 0 <= image.min() <= image.max() <= 1
        error = (image - wanted["truth"]).abs().mean()
        assert 0.001 < error < 0.1
        # Nothing has moved.
        for shifted in (wanted["truth"].roll(2, dims=1), wanted["truth"].roll(2, dims=2)):
            assert error < (image - shifted).abs().mean()


def test_the_same_index_gives_the_same_sample() -> None:
    first, second = (FinetuneStream(few_pictures(), 5, side=64) for _ in range(2))
    for index in (3, 0):
        assert torch.equal(first[index][0][0], second[index][0][0])


def test_a_larger_factor_leaves_less_detail() -> None:
    def detail(factor: float) -> float:
        stream = FinetuneStream(few_pictures(), 2, factor=factor, single=1.0)
        left = []
        for index in range(6):
            (image,), wanted = stream[index]
            left.append(float(image.diff().square().mean() / wanted["truth"].diff().square().mean()))
        return float(np.mean(left))

    figures = [detail(factor) for factor in (1.5, 2.4, 5.0)]
    assert figures == sorted(figures, reverse=True)


def test_sixty_pixels_become_a_hundred_and_forty_four_where_they_were() -> None:
    made = enlarged_again(TRUTH, 60, Sampling((0.0, 0.0), 0.0, None, None))
    assert made.shape == TRUTH.shape
    blurred = np.abs(made - TRUTH).mean()
    assert blurred < 0.03
    moved = enlarged_again(TRUTH, 60, Sampling((0.9, -1.1), 0.0, None, None))
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(moved - TRUTH)[inner].mean() < 1.1 * np.abs(made - TRUTH)[inner].mean() + 1 / 255
    assert np.abs(moved - made)[inner].max() > 2 / 255  # sampled elsewhere


def test_noise_and_compression_cost_something() -> None:
    figures = []
    for noise, quality in ((0.0, None), (0.0, 40), (4 / 255, 40)):
        generator = GeneratorState.of(np.random.default_rng(0)) if noise else None
        made = enlarged_again(TRUTH, 60, Sampling((0.0, 0.0), noise, generator, quality))
        figures.append(np.abs(made - TRUTH).mean())
    assert figures == sorted(figures)
    assert figures[0] < figures[1]


def test_landmarks_come_when_they_are_asked_for() -> None:
    _, wanted = FinetuneStream(few_pictures(), 3, points=True)[0]
    assert wanted["points"].shape == (68, 2)


def test_a_factor_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match=r"factor is 1; expected 1\.5 to 8"):
        FinetuneStream(few_pictures(), 0, factor=1)
