"""Finding iris and pupil: on drawn eyes, whose centres are known."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.face.eyes import CORNERS, EYE
from mfrec.face.iris import find_iris, vertex
from mfrec.train.data.synthetic_eyes import draw_eye, render_eye


def test_the_vertex_of_a_parabola() -> None:
    for peak in (-0.4, 0.0, 0.3):
        assert vertex(-((np.array([-1.0, 0.0, 1.0]) - peak) ** 2)) == pytest.approx(peak)
    assert vertex(np.ones(3)) == 0, "a plain has none"


@pytest.mark.parametrize("radius", [8.5, 10.0, 12.0])
def test_a_disc_is_found_between_pixels(radius: float) -> None:
    y, x = np.mgrid[:48, :80]
    for centre in ((40.0, 24.0), (35.3, 22.6), (47.5, 26.5)):
        grey = 0.2 + 0.6 / (1 + np.exp(2 * (radius - np.hypot(x - centre[0], y - centre[1]))))
        hole = 0.15 / (1 + np.exp(2 * (np.hypot(x - centre[0], y - centre[1]) - 4)))
        found = find_iris(np.dstack([grey - hole] * 3).astype(np.float32))
        np.testing.assert_allclose(found.centre, centre, atol=0.25)
        np.testing.assert_allclose(found.pupil, centre, atol=0.5)
        assert found.radius == pytest.approx(radius, abs=0.6)


def test_a_dark_disc_is_chosen_and_not_a_bright_one_with_a_sharper_edge() -> None:
    """An iris is darker than a spot of light skin between bright reflections, however strong their edges are."""
    y, x = np.mgrid[:48, :80]

    def disc(centre: float, radius: float) -> np.ndarray:
        return 1 / (1 + np.exp(2 * (np.hypot(x - centre, y - 24.0) - radius)))

    grey = 0.5 - 0.35 * disc(25, 10) + 0.45 * (disc(55, 16) - disc(55, 10))
    edges = [grey[24, centre + 12] - grey[24, centre + 8] for centre in (25, 55)]
    assert edges[1] > 1.2 * edges[0]
    np.testing.assert_allclose(find_iris(np.dstack([grey] * 3).astype(np.float32)).centre, (25, 24), atol=0.5)


def test_drawn_eyes() -> None:
    iris, pupil, middle = [], [], []
    for seed in range(60):
        drawn = render_eye(draw_eye(np.random.default_rng(1000 + seed)))
        if drawn.seen < 0.5:
            continue
        found = find_iris(drawn.image)
        iris.append(np.linalg.norm(found.centre - drawn.iris))
        pupil.append(np.linalg.norm(found.pupil - drawn.pupil))
        middle.append(np.linalg.norm(CORNERS.mean(axis=0) - drawn.iris))
    assert np.median(iris) < 0.05 * EYE
    assert np.median(pupil) < 0.05 * EYE
    assert np.mean(iris) < 0.4 * np.mean(middle), "the middle of the eye is no answer"
    assert np.mean(np.array(iris) < 0.1 * EYE) > 0.85


def test_light_and_contrast_do_not_matter_nor_does_a_flat_picture_fail() -> None:
    eye = render_eye(draw_eye(np.random.default_rng(4))).image
    np.testing.assert_allclose(find_iris(0.3 + 0.5 * eye).centre, find_iris(eye).centre, atol=0.02)
    assert np.isfinite(find_iris(np.full((48, 80, 3), 0.5, np.float32)).centre).all()


def test_the_mirror_image_has_the_mirrored_centre() -> None:
    for seed in range(5):
        eye = render_eye(draw_eye(np.random.default_rng(seed))).image
        here, there = find_iris(eye), find_iris(np.ascontiguousarray(eye[:, ::-1]))
        assert there.centre[0] == pytest.approx(79 - here.centre[0], abs=1e-3)
