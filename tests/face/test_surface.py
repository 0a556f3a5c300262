"""The light face: it is whole, its fit finds a known pose, and one person has one identity."""

import numpy as np
import pytest
import schematic_face

from mfrec.camera.film import rotation
from mfrec.face.surface import fit, pose_gap, surface
from mfrec.types import Landmarks


def seen(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, size: float = 40.0, noise: float = 0.0) -> Landmarks:
    """Landmarks of the mean face under scaled orthography."""
    s = surface()
    points = (s.marks @ s.mean) @ rotation(yaw, pitch, roll).T * size
    jitter = np.random.default_rng(0).normal(0, noise * size, (68, 2))
    return Landmarks((points[:, :2] + (100, 90) + jitter).astype(np.float32))


def test_the_surface_is_one_closed_skin_of_moderate_size():
    s = surface()
    assert 500 <= len(s.mean) <= 2500
    assert np.allclose(s.marks.sum(axis=1), 1, atol=1e-5)
    marks = s.marks @ s.mean
    assert 0.8 < np.linalg.norm(marks[42:48].mean(axis=0) - marks[36:42].mean(axis=0)) < 1.2
    assert marks[30, 2] == marks[:, 2].min(), "the tip of the nose is nearest to the camera"
    assert np.allclose(marks[36, 1:], marks[45, 1:], atol=0.01), "the mean head is symmetric"
    edges = np.sort(np.concatenate([s.triangles[:, [0, 1]], s.triangles[:, [1, 2]], s.triangles[:, [2, 0]]]), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 5), (-35, -10)])
def test_a_known_turn_is_found(yaw, pitch):
    frontal, turned = fit([seen(noise=0.01), seen(yaw, pitch, 8, noise=0.01)])
    expected = np.degrees(np.arccos(rotation(yaw, pitch, 0)[2, 2]))
    assert pose_gap(frontal, turned) == pytest.approx(expected, abs=3)
    assert turned.residual < 0.03


def test_roll_size_and_place_are_no_gap():
    a, b = fit([seen(), seen(roll=25, size=70)])
    assert pose_gap(a, b) < 0.5
    assert b.scale / a.scale == pytest.approx(70 / 40, rel=0.01)


def test_each_frame_of_a_person_has_its_own_expression_on_one_identity():
    s, rng = surface(), np.random.default_rng(3)
    person, moods = rng.normal(0, 1, len(s.identity)), rng.normal(0, 1, (3, len(s.expression)))
    shapes = [s.mean + np.tensordot(person, s.identity, 1) + np.tensordot(mood, s.expression, 1) for mood in moods]
    turns = (rotation(0, 0, 0), rotation(15, 5, 4), rotation(-12, -3, -6))
    points = [40 * (s.marks @ shape @ turn.T)[:, :2] + 100 for shape, turn in zip(shapes, turns, strict=True)]
    faces = fit([Landmarks(found.astype(np.float32)) for found in points])
    for face, found, turn in zip(faces, points, turns, strict=True):
        assert face.residual < 0.02, "well below what a detector errs by"
        assert np.abs((s.marks @ face.vertices)[17:, :2] - found[17:]).max() < 4
        assert np.allclose(face.rotation @ face.rotation.T, np.eye(3), atol=1e-9)
        assert np.degrees(np.arccos(np.clip((np.trace(face.rotation @ turn.T) - 1) / 2, -1, 1))) < 4
    for one, other in ((0, 1), (1, 2), (2, 0)):
        change = s.marks @ (faces[one].shape - faces[other].shape)
        true = s.marks @ (shapes[one] - shapes[other])
        assert np.corrcoef(change[17:, :2].ravel(), true[17:, :2].ravel())[0, 1] > 0.9


def test_the_fit_follows_landmarks_of_nobody():
    (face,) = fit([schematic_face.face(100)])
    marks = (surface().marks @ face.vertices)[17:, :2]
    assert np.abs(marks - schematic_face.face(100).points[17:]).mean() < 3
    assert not face.vertices.flags.writeable


def test_what_is_no_face_is_refused():
    with pytest.raises(ValueError, match="no landmarks"):
        fit([])
    with pytest.raises(ValueError, match="are no face"):
        fit([Landmarks(np.ones((68, 2), np.float32))])
    with pytest.raises(ValueError, match="are no face"):
        fit([Landmarks(np.full((68, 2), np.nan, np.float32))])
