"""Drawn eyes: what is drawn lies where it is said to, follows the gaze, and is the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mfrec.face.eyes import CORNERS, EYE, HEIGHT, WIDTH
from mfrec.train.data.synthetic_eyes import IRIS_POINTS, Eye, contours, direction, draw_eye, render_eye, rotation


def plain(seed: int = 0, **changes) -> Eye:
    """An open eye under even light that looks into a good camera."""
    eye = draw_eye(np.random.default_rng(seed))
    still = replace(
        eye,
        gaze=(0.0, 0.0),
        head=(0.0, 0.0),
        off_centre=(0.0, 0.0),
        opening=(6.5, 4.0),
        blink=1.0,
        colour=(0.1, 0.06, 0.04),
        sclera=(0.85, 0.83, 0.8),
        ambient=0.9,
        reflections=(),
        place=((0.0, 0.0), (0.0, 0.0)),
        width=60.0,
        blur=0.0,
        noise=0.0,
        quality=0,
        gain=(1.0, 1.0, 1.0),
        gamma=1.0,
    )
    return replace(still, **changes)


def test_a_rotation_turns_the_axis_to_the_gaze_and_keeps_the_horizon() -> None:
    for yaw, pitch in ((0.0, 0.0), (0.4, -0.3), (-0.7, 0.2)):
        matrix = rotation(yaw, pitch)
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(matrix) == pytest.approx(1)
        np.testing.assert_allclose(matrix[:, 2], direction(yaw, pitch))
        assert matrix[1, 0] == 0
    assert direction(0.3, 0)[0] > 0 and direction(0, 0.3)[1] < 0, "positive is to the right and up"


def test_an_eye_is_drawn_the_same_again() -> None:
    for seed in range(3):
        first, second = (render_eye(draw_eye(np.random.default_rng(seed))) for _ in range(2))
        assert np.array_equal(first.image, second.image)
        assert first.image.shape == (HEIGHT, WIDTH, 3) and first.image.dtype == np.float32
        assert first.image.min() >= 0 and first.image.max() <= 1


@pytest.mark.parametrize("gaze", [(0.0, 0.0), (0.35, 0.0), (-0.35, 0.0), (0.0, 0.2), (0.2, -0.15)])
def test_the_iris_is_dark_where_it_is_said_to_be(gaze: tuple[float, float]) -> None:
    drawn = render_eye(plain(gaze=gaze))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    grey = drawn.image.mean(axis=2)
    distance = np.hypot(x - drawn.iris[0], y - drawn.iris[1])
    level = np.abs(y - drawn.iris[1]) < 3
    inside = grey[(distance < 0.8 * drawn.radius) & level]
    outside = grey[(distance > 1.25 * drawn.radius) & (distance < 1.5 * drawn.radius) & level]
    assert inside.max() < outside.min()


def test_the_iris_follows_the_gaze() -> None:
    centre = render_eye(plain()).iris
    right, left, up, down = (
        render_eye(plain(gaze=gaze)).iris - centre for gaze in ((0.3, 0.0), (-0.3, 0.0), (0.0, 0.2), (0.0, -0.2))
    )
    # 10.6 mm before the centre of the ball, in an eye of 28 mm.
    assert right[0] == pytest.approx(10.6 * np.sin(0.3) * EYE / 28.1, rel=0.02)
    assert left[0] == pytest.approx(-right[0])
    assert up[1] < -2 < 2 < down[1]
    assert abs(right[1]) < 1 and abs(up[0]) < 1


def test_the_pupil_lies_in_the_iris() -> None:
    for seed in range(20):
        eye = draw_eye(np.random.default_rng(seed))
        drawn = render_eye(eye)
        assert np.linalg.norm(drawn.pupil - drawn.iris) < 0.1 * drawn.radius
    shifted = render_eye(plain(off_centre=(0.3, 0.0)))
    assert shifted.pupil[0] - shifted.iris[0] == pytest.approx(0.3 * EYE / 28.1, rel=0.02)


def test_lids_close_over_the_iris() -> None:
    shares = [render_eye(plain(blink=blink)).seen for blink in (1.1, 0.7, 0.4, 0.1)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9 and shares[-1] < 0.4


def test_wrong_corners_move_the_eye_in_the_cut() -> None:
    there = render_eye(plain()).iris
    moved = render_eye(plain(place=((2.0, 1.0), (2.0, 1.0)))).iris
    np.testing.assert_allclose(moved - there, (2, 1), atol=1e-9)
    assert abs(there[0] - CORNERS[:, 0].mean()) < 2


def test_a_worse_camera_shows_less() -> None:
    def detail(**camera) -> float:
        return float(np.abs(np.diff(render_eye(plain(**camera)).image.mean(axis=2), axis=1)).max())

    assert detail() > detail(width=20.0) > detail(width=9.0)
    assert detail() > detail(blur=1.5)


def test_people_and_directions_are_many() -> None:
    eyes = [draw_eye(np.random.default_rng(seed)) for seed in range(300)]
    gazes = np.degrees([eye.gaze for eye in eyes])
    assert gazes[:, 0].std() > 15 and gazes[:, 1].std() > 10
    assert abs(gazes[:, 0].mean()) < 4
    assert np.std([eye.skin for eye in eyes]) > 0.15
    widths = [eye.width for eye in eyes]
    assert min(widths) < 10 and max(widths) > 50


def test_contours_lie_where_iris_and_pupil_end() -> None:
    eye = plain(gaze=(0.3, -0.1), off_centre=(0.2, 0.0), pupil=2.4, colour=(0.4, 0.4, 0.4), fibres=0.0, limbus=0.1)
    drawn, points = render_eye(eye), contours(eye)
    np.testing.assert_allclose(points[:2], [drawn.iris, drawn.pupil])
    grey = drawn.image.mean(axis=2)

    def read(from_centre: float, contour: np.ndarray, centre: np.ndarray) -> np.ndarray:
        x, y = (centre + from_centre * (contour - centre)).T.round().astype(int)
        return grey[y, x]

    # To both sides, where no lid is.
    iris = points[2 : 2 + IRIS_POINTS][[0, 1, 7, 8]]
    assert (read(1.25, iris, points[0]) > read(0.8, iris, points[0]) + 0.2).all()
    pupil = points[2 + IRIS_POINTS :]
    assert (read(1.5, pupil, points[1]) > read(0.5, pupil, points[1]) + 0.2).all()
    assert np.ptp(iris[:, 0]) < 2 * drawn.radius, "an iris that is turned away is narrower"
