"""Faces are found down to a dozen pixels, where they are, and nowhere else."""

import numpy as np
import pytest
import skimage.data

from mfrec.face.detect import detect_faces, overlap
from mfrec.image.geometry import resize
from mfrec.types import FloatArray

FACE = np.array([180.0, 62.0, 266.0, 173.0])
"""Brows to chin of the astronaut at 512 px, read off the picture."""


@pytest.fixture(scope="module")
def portrait() -> FloatArray:
    return (skimage.data.astronaut() / 255).astype(np.float32)


def test_the_face_of_the_portrait_is_found_once(portrait: FloatArray) -> None:
    found = detect_faces(portrait, smallest=40)
    assert len(found) == 1
    assert overlap(found[0].box, FACE) > 0.7
    left_eye, right_eye, nose, left_mouth, right_mouth = found[0].points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert left_mouth[0] < right_mouth[0]


@pytest.mark.parametrize("face_height", [14, 18, 24, 40])
def test_small_faces_are_found_in_place(portrait: FloatArray, face_height: int) -> None:
    side = round(512 * face_height / (FACE[3] - FACE[1]))
    small = resize(portrait, side, side, interpolation="area")
    found = detect_faces(small, smallest=10)
    assert len(found) == 1
    assert overlap(found[0].box, (FACE + 0.5) * side / 512 - 0.5) > 0.6


def test_the_box_moves_with_the_picture(portrait: FloatArray) -> None:
    crop = resize(portrait[0:256, 100:356], 64, 64, interpolation="area")
    shifted = np.pad(crop, ((6, 0), (10, 0), (0, 0)), mode="edge")
    a, b = detect_faces(crop, smallest=12)[0], detect_faces(shifted, smallest=12)[0]
    np.testing.assert_allclose(b.box - a.box, [10, 6, 10, 6], atol=2.0)


def test_faces_below_the_smallest_are_left_out(portrait: FloatArray) -> None:
    assert detect_faces(portrait, smallest=200) == ()


@pytest.mark.parametrize("name", ["coffee", "brick", "coins", "clock", "chelsea"])
def test_no_face_where_there_is_none(name: str) -> None:
    picture = np.asarray(getattr(skimage.data, name)(), np.float32) / 255
    picture = np.dstack([picture] * 3) if picture.ndim == 2 else picture
    for width in (200, 64, 32):
        height = round(picture.shape[0] * width / picture.shape[1])
        assert detect_faces(resize(picture, height, width, interpolation="area"), smallest=10) == ()


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (12, 12)])
def test_tiny_pictures_have_no_face(shape: tuple[int, int]) -> None:
    assert detect_faces(np.zeros((*shape, 3), np.float32), smallest=10) == ()


def test_twice_the_same(portrait: FloatArray) -> None:
    small = resize(portrait, 128, 128, interpolation="area")
    a, b = detect_faces(small, smallest=10), detect_faces(small, smallest=10)
    assert [d.box.tobytes() + d.points.tobytes() for d in a] == [d.box.tobytes() + d.points.tobytes() for d in b]


def test_overlap_of_known_boxes() -> None:
    a, b = np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2])
    assert overlap(a, a) == pytest.approx(1)
    assert overlap(a, b) == pytest.approx(2 / 6)
    assert overlap(a, np.array([0, 0, 1, 1]), of_smaller=True) == pytest.approx(1)
    assert overlap(a, np.array([5, 5, 6, 6])) == 0
