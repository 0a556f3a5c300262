"""SER-FIQ: its formula, its seed, and that the shipped network is less sure of a worse picture."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from mfrec.bench.tables.ladders import LADDERS, order_kept, rungs
from mfrec.metrics.serfiq import PASSES, quality, serfiq
from mfrec.train.data.points import mirrored
from mfrec.types import FloatArray, Landmarks


@pytest.fixture(scope="module")
def landmarks(portrait: FloatArray) -> Landmarks:
    from mfrec.metrics.names import Truth

    return Truth(portrait, "portrait").face.landmarks


def test_quality_is_equation_1() -> None:
    assert quality(np.tile(np.arange(1.0, 5.0), (10, 1))) == pytest.approx(1.0), "no doubt at all"
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0]])
    # One pair at distance 2, m = 2: 2 sigmoid(-2 / 4 * 2).
    assert quality(opposite) == pytest.approx(2 / (1 + math.exp(1)))
    assert quality(5 * opposite) == pytest.approx(quality(opposite)), "only directions count"
    rng = np.random.default_rng(0)
    centre = rng.normal(0, 1, 128)
    scores = [quality(centre + spread * rng.normal(0, 1, (20, 128))) for spread in (0.1, 0.5, 2.0)]
    assert scores == sorted(scores, reverse=True)


def test_a_seed_repeats_the_score_and_more_passes_steady_it(portrait: FloatArray, landmarks: Landmarks) -> None:
    assert serfiq(portrait, landmarks, passes=10) == serfiq(portrait, landmarks, passes=10)
    few, many = (
        [serfiq(portrait, landmarks, passes=passes, seed=seed) for seed in range(6)] for passes in (10, PASSES)
    )
    assert np.std(many) < np.std(few)
    assert all(0 < score < 1 for score in (*few, *many))


def test_a_mirror_image_has_the_same_score(portrait: FloatArray, landmarks: Landmarks) -> None:
    turned = np.ascontiguousarray(portrait[:, ::-1])
    score = serfiq(portrait, landmarks, passes=20)
    assert serfiq(turned, Landmarks(mirrored(landmarks.points, portrait.shape[1])), passes=20) == pytest.approx(
        score, abs=2e-3
    )


@pytest.mark.parametrize("ladder", LADDERS)
def test_it_falls_with_damage(portrait: FloatArray, landmarks: Landmarks, ladder: str) -> None:
    scores = [serfiq(picture, landmarks) for picture in rungs(portrait, ladder)]
    # At 32 px her face is a dozen pixels wide, and the last qualities leave next to nothing to compare.
    assert order_kept(scores, "more") >= (0.7 if ladder == "jpeg32" else 0.9)
    assert scores[-1] < scores[0] - 0.005


def test_a_hundred_passes_take_less_than_five_seconds(portrait: FloatArray, landmarks: Landmarks) -> None:
    from mfrec.image.geometry import resize

    large = np.clip(resize(portrait, 256, 256), 0, 1)
    places = Landmarks((landmarks.points + 0.5) * (256 / portrait.shape[0]) - 0.5)
    start = time.process_time()
    serfiq(large, places, passes=100)
    assert time.process_time() - start < 5


def test_refusals(portrait: FloatArray, landmarks: Landmarks) -> None:
    with pytest.raises(ValueError, match="compares embeddings of several passes; 1 cannot"):
        serfiq(portrait, landmarks, passes=1)
    with pytest.raises(ValueError, match=r"expected \[H, W, 3\]; repeat a grey one"):
        serfiq(portrait[..., 0], landmarks)
    with pytest.raises(TypeError, match="the picture is uint8"):
        serfiq((255 * portrait).astype(np.uint8), landmarks)
    with pytest.raises(ValueError, match="NaN or infinite"):
        serfiq(np.where(portrait > 2, portrait, np.nan), landmarks)
