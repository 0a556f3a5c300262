"""Embeddings tell people apart and hardly notice size, light and place."""

import numpy as np
import pytest
import skimage.data

from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import detect_landmarks
from mfrec.image.geometry import resize
from mfrec.metrics import identity
from mfrec.metrics.identity import embed, embed_all, face_chip, identity_distance, identity_distances
from mfrec.types import FloatArray


def embedding(image: FloatArray) -> FloatArray:
    return embed(image, detect_landmarks(image, detect_faces(image, smallest=10)[0].box))


def test_distances_of_all_are_those_of_every_two() -> None:
    vectors = np.random.default_rng(0).normal(0, 0.06, (7, 128)).astype(np.float32)
    vectors[5] = vectors[2]
    found = identity_distances(vectors)
    assert (found == found.T).all() and (np.diag(found) == 0).all()
    expected = [[identity_distance(one, other) for other in vectors] for one in vectors]
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.fixture(scope="module")
def astronaut() -> FloatArray:
    return (skimage.data.astronaut()[:300, 80:380] / 255).astype(np.float32)


@pytest.fixture(scope="module")
def cameraman() -> FloatArray:
    return np.dstack([skimage.data.camera()[60:310, 110:360] / 255] * 3).astype(np.float32)


def test_it_is_a_distance(astronaut: FloatArray, cameraman: FloatArray) -> None:
    a, b = embedding(astronaut), embedding(cameraman)
    assert a.shape == (128,)
    assert a.dtype == np.float32
    assert identity_distance(a, a) == 0
    assert identity_distance(a, b) == identity_distance(b, a) > 0.6


def test_the_same_person_stays_close(astronaut: FloatArray) -> None:
    a = embedding(astronaut)
    assert identity_distance(a, embedding(resize(astronaut, 96, 96, interpolation="area"))) < 0.35
    assert identity_distance(a, embedding(np.clip(astronaut * 0.7 + 0.05, 0, 1))) < 0.25
    assert identity_distance(a, embedding(np.pad(astronaut, ((9, 0), (5, 0), (0, 0)), mode="edge"))) < 0.2


def test_it_is_repeatable_to_the_bit(astronaut: FloatArray) -> None:
    assert embedding(astronaut).tobytes() == embedding(astronaut).tobytes()


def test_the_chip_is_upright_and_centred(astronaut: FloatArray) -> None:
    import cv2

    turn = cv2.getRotationMatrix2D((140, 120), 20, 1.0)
    turned = cv2.warpAffine(astronaut, turn, (300, 300), borderMode=cv2.BORDER_REPLICATE)
    tilted = np.clip(turned, 0, 1).astype(np.float32)
    chips = [face_chip(image, detect_landmarks(image, detect_faces(image)[0].box)) for image in (astronaut, tilted)]
    assert chips[0].shape == (150, 150, 3)
    difference = np.abs(chips[0].astype(float) - chips[1].astype(float))[40:110, 40:110]
    assert difference.mean() < 12


def test_many_faces_are_embedded_as_in_one_batch(astronaut: FloatArray, monkeypatch: pytest.MonkeyPatch) -> None:
    landmarks = detect_landmarks(astronaut, detect_faces(astronaut, smallest=10)[0].box)
    faces = [(np.clip(astronaut * (0.6 + 0.02 * k), 0, 1), landmarks) for k in range(19)]
    in_parts = embed_all(faces)
    monkeypatch.setattr(identity, "BATCH", len(faces))
    np.testing.assert_array_equal(in_parts, embed_all(faces))
    np.testing.assert_allclose(in_parts[3], embed(*faces[3]), atol=1e-5)
    assert embed_all([]) == []
