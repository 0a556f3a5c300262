"""Head pose and openness from landmarks."""

import numpy as np
import pytest
from schematic_face import POINTS, face
from skimage.data import astronaut

from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import detect_landmarks
from mfrec.face.pose import HEAD, MIRROR, Pose, angles_of, eye_opening, head_pose, mouth_opening, rotation_of
from mfrec.types import Landmarks

ANGLES = [(0, 0, 0), (30, 0, 0), (-30, 0, 0), (0, 20, 0), (0, -20, 0), (0, 0, 25), (25, -15, -30), (-45, 10, 15)]


def seen_from(yaw: float, pitch: float, roll: float, scale: float = 30.0, noise: float = 0.0) -> Landmarks:
    """Landmarks of the generic head in a known pose, with errors of ``noise`` inter-ocular distances."""
    points = Pose(yaw, pitch, roll, scale, np.array([50, 60], np.float32), 0.0).project(HEAD)
    points = points + np.random.default_rng(7).normal(0, noise * scale, points.shape)
    return Landmarks(points.astype(np.float32))


@pytest.mark.parametrize("angles", ANGLES)
def test_a_known_pose_is_found(angles):
    pose = head_pose(seen_from(*angles))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(angles, abs=0.01)
    assert pose.scale == pytest.approx(30, rel=1e-4)
    assert pose.place == pytest.approx([50, 60], abs=1e-2)
    assert pose.residual < 1e-4


@pytest.mark.parametrize("angles", ANGLES)
def test_landmark_noise_of_a_small_face_costs_a_few_degrees(angles):
    pose = head_pose(seen_from(*angles, scale=8, noise=0.03))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(angles, abs=4)
    assert 0.01 < pose.residual < 0.06


def test_perspective_of_a_near_camera_costs_a_few_degrees():
    """At a distance of eight inter-ocular distances, half a metre."""
    turned = HEAD @ rotation_of(20, 10, -15).T
    pose = head_pose(Landmarks((240 * turned[:, :2] / (turned[:, 2:] + 8) + 100).astype(np.float32)))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((20, 10, -15), abs=4)


def test_the_signs_are_those_that_are_written():
    tip, between = HEAD[30], HEAD[27]

    def nose(yaw, pitch, roll):
        pose = Pose(yaw, pitch, roll, 1.0, np.zeros(2, np.float32), 0.0)
        return pose.project(tip) - pose.project(between)

    assert nose(20, 0, 0)[0] > 0.1
    assert nose(-20, 0, 0)[0] < -0.1  # to the right of the picture
    assert nose(0, 20, 0)[1] < nose(0, 0, 0)[1] < nose(0, -20, 0)[1]  # up
    eyes = Pose(0, 0, 20, 1.0, np.zeros(2, np.float32), 0.0).project(HEAD[[36, 45]])
    assert eyes[1, 1] > eyes[0, 1]  # clockwise: the right eye of the picture goes down


def test_a_mirrored_face_looks_the_other_way():
    landmarks = seen_from(22, 8, -6, noise=0.02)
    mirrored = Landmarks(np.ascontiguousarray(landmarks.points[list(MIRROR)] * [-1, 1]).astype(np.float32))
    one, other = head_pose(landmarks), head_pose(mirrored)
    assert (other.yaw, other.pitch, other.roll) == pytest.approx((-one.yaw, one.pitch, -one.roll), abs=0.02)


def test_angles_and_rotations_are_each_others_inverse():
    for angles in ANGLES:
        rotation = rotation_of(*angles)
        assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert angles_of(rotation) == pytest.approx(angles, abs=1e-9)


def test_expression_does_not_turn_the_head():
    """Jaw dropped by a third of an inter-ocular distance, brows raised by a tenth."""
    points = seen_from(15, 5, 0).points.copy()
    points[[6, 7, 8, 9, 10, 55, 56, 57, 58, 59, 65, 66, 67], 1] += 10
    points[17:27, 1] -= 3
    pose = head_pose(Landmarks(points))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((15, 5, 0), abs=3)


def test_a_portrait_that_looks_into_the_camera():
    image = (astronaut()[:260, 90:360] / 255).astype(np.float32)
    found = max(detect_faces(image), key=lambda face: face.side)
    landmarks = detect_landmarks(image, found.box)
    pose = head_pose(landmarks)
    assert abs(pose.yaw) < 15
    assert abs(pose.pitch) < 15
    assert abs(pose.roll) < 15
    assert pose.residual < 0.12
    assert eye_opening(landmarks) > 0.2
    small = head_pose(detect_landmarks(np.ascontiguousarray(image[::4, ::4]), (found.box / 4).astype(np.float32)))
    assert (small.yaw, small.pitch, small.roll) == pytest.approx((pose.yaw, pose.pitch, pose.roll), abs=8)


@pytest.mark.parametrize("points", [np.zeros((68, 2)), np.arange(136).reshape(68, 2), np.full((68, 2), np.nan)])
def test_points_that_are_no_face_are_refused(points):
    with pytest.raises(ValueError, match="show no face"):
        head_pose(Landmarks(points.astype(np.float32)))


def test_eyes_open_and_shut():
    shut = POINTS.copy()
    for start in (36, 42):
        shut[start : start + 6, 1] = shut[start, 1]
    assert eye_opening(face()) > 0.25
    assert eye_opening(Landmarks(shut.astype(np.float32))) < 0.01
    assert eye_opening(Landmarks(np.zeros((68, 2), np.float32))) == 0


def test_mouth_open_and_shut():
    points = HEAD[:, :2].copy()
    assert mouth_opening(Landmarks(points.astype(np.float32))) < 0.1
    points[65:68, 1] += 0.3
    assert mouth_opening(Landmarks(points.astype(np.float32))) > 0.4
    assert mouth_opening(Landmarks(np.zeros((68, 2), np.float32))) == 0
