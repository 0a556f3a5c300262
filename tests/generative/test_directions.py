"""Directions in the styles: found where they were put, kept apart, and the view that is nearest to a wanted score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_generator import tiny_card, tiny_generator

from mfrec.cards.load import load_network, read_card
from mfrec.errors import UsageError, WeightsError
from mfrec.face.portrait_square import portrait_square
from mfrec.generative import directions
from mfrec.generative.directions import best_angle, boundary, conditioned, edited_styles, portrait_points
from mfrec.generative.learnt_directions import learn
from mfrec.nets.style_directions import COARSE, moved
from mfrec.types import FloatArray, Landmarks


def planted(noise: float, seed: int = 0) -> tuple[FloatArray, np.ndarray, np.ndarray]:
    """Styles, scores that follow one direction of them, and that direction."""
    rng = np.random.default_rng(seed)
    styles, normal = rng.standard_normal((800, 16)).astype(np.float32), rng.standard_normal(16)
    normal /= np.linalg.norm(normal)
    return styles, styles @ normal + noise * rng.standard_normal(800), normal


@pytest.mark.parametrize(("noise", "least"), [(0.0, 0.97), (1.0, 0.85)])
def test_a_direction_that_was_put_there_is_found(noise: float, least: float) -> None:
    styles, scores, normal = planted(noise)
    found = boundary(styles, scores)
    assert float(np.linalg.norm(found)) == pytest.approx(1.0, rel=1e-5)
    assert float(found @ normal) > least
    assert float(boundary(styles, -scores) @ normal) < -least


def test_scores_rise_along_it() -> None:
    styles, scores, normal = planted(0.3)
    found = boundary(styles, scores)
    along = [float((edited_styles(styles[:1], found, by) @ normal)[0]) for by in np.linspace(-3, 3, 7)]
    assert np.all(np.diff(along) > 0)


def test_a_conditional_direction_leaves_the_other_alone() -> None:
    one, other = boundary(*planted(0.2)[:2]), boundary(*planted(0.2, seed=1)[:2])
    kept = conditioned(one, other)
    assert float(kept @ other) == pytest.approx(0.0, abs=1e-6)
    assert float(kept @ one) > 0
    with pytest.raises(UsageError, match="one direction"):
        conditioned(one, one)


def test_too_few_or_equal_scores_are_refused() -> None:
    styles, scores, _ = planted(0.0)
    with pytest.raises(UsageError, match="39 faces were scored; a direction needs at least 40"):
        boundary(styles[:39], scores[:39])
    with pytest.raises(UsageError, match="the highest and the lowest are the same"):
        boundary(styles, np.zeros(800))


def brightness(points: Landmarks) -> float:
    """Of a portrait that stands in the place of its landmarks."""
    return float(np.asarray(points, np.float64).mean())


def test_the_best_angle_is_the_nearest_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the mean brightness in the place of landmarks the choice can be checked by hand."""
    monkeypatch.setattr(directions, "portrait_points", lambda portrait, framing: portrait)
    generator = tiny_generator()
    rng = np.random.default_rng(0)
    styles = generator.mapping(torch.zeros(1, 8).add(0.4))[:, None].expand(-1, generator.styles, -1)[0].numpy()
    direction = rng.standard_normal(8).astype(np.float32)
    steps = [-2.0, -1.0, 0.0, 1.0, 2.0]
    views = [best_angle(generator, styles, direction, 0.0, steps=[by], score=brightness) for by in steps]
    for by, portrait, score in views:
        chosen = best_angle(generator, styles, direction, score, steps=steps, score=brightness)
        assert chosen[0] == by
        assert np.allclose(chosen[1], portrait, atol=1e-6)
    with pytest.raises(UsageError, match="no views to choose from"):
        best_angle(generator, styles, direction, 0.0, steps=[])


@pytest.mark.parametrize("framing", ["face", "ffhq"])
def test_landmarks_of_a_portrait_lie_where_the_square_was_laid(framing: str, portrait: FloatArray) -> None:
    """The astronaut's, in the square that her own landmarks gave, against those found in the picture."""
    from mfrec.face.detect import detect_faces
    from mfrec.face.landmarks import detect_landmarks, read_aligned

    box = detect_faces(portrait)[0].box
    known = detect_landmarks(portrait, box)
    to_picture = portrait_square(known.points, 96, framing)
    square = read_aligned(portrait, to_picture, 96)
    found = portrait_points(square, framing)
    expected = to_picture.inverse().apply(known.points)
    assert isinstance(found, Landmarks)
    assert np.linalg.norm(found.points - expected, axis=1).mean() < 2.5
    assert directions.yaw(found) == pytest.approx(directions.yaw(known), abs=8)
    assert directions.smile(found) == pytest.approx(directions.smile(known), rel=0.15)


def test_directions_become_a_card_that_knows_its_generator(tmp_path: Path) -> None:
    generator = tiny_card(tmp_path / "generator")
    assert learn(generator, tmp_path / "turns.toml", faces=60) == ("yaw", "smile", "mouth")
    card, network = read_card(tmp_path / "turns.toml"), load_network(tmp_path / "turns.toml")
    assert card.objective == "adversarial"
    assert card.metrics["turn_faces"] == 16
    assert network.generator == read_card(Path(generator)).sha256
    assert network.normals.norm(dim=1).tolist() == pytest.approx([1, 1, 1], rel=1e-5)
    styles = torch.zeros(1, 8, 8)
    made = network(styles, torch.tensor([[2.0, 0.0, 0.0]]))
    assert torch.allclose(made[0, :COARSE], 2 * network.normal("yaw")[None])
    assert not made[0, COARSE:].any(), "colour and light stay"
    with pytest.raises(KeyError):
        network.normal("age")
    with pytest.raises(UsageError, match="39 faces were scored"):
        learn(generator, tmp_path / "few.toml", faces=39)
    with pytest.raises(WeightsError, match="needs one of 'stylegan2'"):
        learn(str(tmp_path / "turns.toml"), tmp_path / "again.toml")


def test_a_step_back_is_where_it_began() -> None:
    styles, by = torch.randn(2, 10, 8), torch.randn(2, 8)
    assert torch.allclose(moved(moved(styles, by), -by), styles, atol=1e-6)
