"""Iris and pupil error: nothing for equal pictures, the known distance for eyes that look elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_face import two_eyes

from mfrec.metrics.iris import centre_errors, iris_error, pupil_error


@pytest.mark.parametrize("seed", [0, 3])
def test_eyes_that_look_elsewhere_have_moved_by_what_was_drawn(seed: int) -> None:
    truth, landmarks, before = two_eyes(seed, (0.0, 0.0))
    assert iris_error(truth, truth.copy(), landmarks) == pupil_error(truth, truth.copy(), landmarks) == 0
    errors = []
    for yaw in (0.15, 0.3, 0.45):
        result, _, after = two_eyes(seed, (yaw, 0.0))
        expected = np.linalg.norm(after.iris - before.iris) / landmarks.interocular
        found = iris_error(result, truth, landmarks)
        assert found == pytest.approx(expected, abs=0.02)
        assert pupil_error(result, truth, landmarks) == pytest.approx(expected, abs=0.03)
        assert found == pytest.approx(iris_error(truth, result, landmarks)), "distance has no direction"
        errors.append(found)
    assert errors == sorted(errors)


def test_the_worse_eye_counts() -> None:
    truth, landmarks, _ = two_eyes(0, (0.0, 0.0))
    other, _, _ = two_eyes(0, (0.3, 0.0))
    half = truth.copy()
    half[:, 80:] = other[:, 80:]
    (left, _), (right, _) = centre_errors(half, truth, landmarks)
    assert left == 0 < right == iris_error(half, truth, landmarks)


def test_closed_eyes_have_no_iris() -> None:
    picture, landmarks, _ = two_eyes(0, (0.0, 0.0), height=0.1)
    with pytest.raises(ValueError, match="both eyes of the truth are closed"):
        iris_error(picture, picture, landmarks)


def test_refusals_name_both_sides() -> None:
    picture, landmarks, _ = two_eyes(0, (0.0, 0.0))
    with pytest.raises(ValueError, match=r"result has shape \(47, 160, 3\) and the truth \(48, 160, 3\)"):
        iris_error(picture[1:], picture, landmarks)
    with pytest.raises(ValueError, match="repeat a grey one three times"):
        pupil_error(picture[..., 0], picture[..., 0], landmarks)
