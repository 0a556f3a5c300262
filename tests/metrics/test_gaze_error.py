"""Gaze error: angles, and what the shipped network says of drawn eyes that it has not seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_face import two_eyes

from mfrec.metrics.gaze import angles, directions, estimate_gaze, face_gaze, gaze_error
from mfrec.train.data.synthetic_eyes import direction, draw_eye, render_eye


def test_angles_between_directions() -> None:
    gaze = np.array([[0.3, 0.0], [0.0, -0.2], [1.0, 0.5]])
    np.testing.assert_allclose(angles(gaze, gaze), 0, atol=1e-12)
    np.testing.assert_allclose(angles(gaze[:2], np.zeros((2, 2))), np.degrees([0.3, 0.2]))
    assert angles(np.zeros(2), np.array([math.pi, 0.0])) == pytest.approx(180)
    assert angles(np.zeros(2), np.array([1e-9, 0.0])) == pytest.approx(math.degrees(1e-9), rel=1e-6)
    np.testing.assert_allclose(directions(np.array([0.4, 0.3])), direction(0.4, 0.3))
    np.testing.assert_allclose(np.linalg.norm(directions(gaze), axis=1), 1)


def test_eyes_that_it_has_not_seen() -> None:
    eyes = [draw_eye(np.random.default_rng((2**35, i))) for i in range(80)]
    drawn = [render_eye(eye) for eye in eyes]
    chosen = [i for i, one in enumerate(drawn) if one.seen > 0.5]
    truth = np.array([eyes[i].gaze for i in chosen])
    errors = angles(estimate_gaze([drawn[i].image for i in chosen]), truth)
    ahead = angles(np.zeros_like(truth), truth)
    assert errors.mean() < 0.4 * ahead.mean()
    assert errors.mean() < 10


def test_it_follows_eyes_that_turn_and_equal_pictures_differ_by_nothing() -> None:
    truth, landmarks, _ = two_eyes(1, (0.0, 0.0))
    assert gaze_error(truth, truth.copy(), landmarks) == 0
    errors = []
    for yaw in (0.15, 0.35):
        result, _, _ = two_eyes(1, (yaw, 0.0))
        errors.append(gaze_error(result, truth, landmarks))
    assert errors[0] < errors[1]
    assert errors[1] == pytest.approx(math.degrees(0.35), abs=10)


def test_both_eyes_of_a_face_look_into_one_direction() -> None:
    for gaze in ((0.3, 0.0), (-0.3, 0.1)):
        picture, landmarks, _ = two_eyes(2, gaze)
        found = face_gaze(picture, landmarks)
        assert found.shape == (2, 2)
        # The right eye is the mirror image of an eye that looks the other way; the network errs by about 5 degrees.
        np.testing.assert_allclose(found[0], found[1], atol=math.radians(10))
        assert np.sign(found[0, 0]) == np.sign(gaze[0])


def test_light_does_not_matter() -> None:
    picture, landmarks, _ = two_eyes(0, (0.2, 0.0))
    assert gaze_error(0.2 + 0.6 * picture, picture, landmarks) < 2


def test_refusals_name_both_sides() -> None:
    picture, landmarks, _ = two_eyes(0, (0.0, 0.0))
    with pytest.raises(ValueError, match=r"result has shape \(47, 160, 3\) and the truth \(48, 160, 3\)"):
        gaze_error(picture[1:], picture, landmarks)
    closed = two_eyes(0, (0.0, 0.0), height=0.1)[1]
    with pytest.raises(ValueError, match="both eyes of the truth are closed"):
        gaze_error(picture, picture, closed)
    with pytest.raises(ValueError, match="repeat a grey one three times"):
        gaze_error(picture[..., 0], picture[..., 0], landmarks)
