"""Landmarks lie on the face, whatever its size, and follow it when it moves."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from mfrec.errors import UsageError, WeightsError
from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import _fan_network, detect_landmarks, dlib_model, fan_weights, read_square, resolve_source
from mfrec.image.geometry import resize
from mfrec.types import FloatArray, Landmarks


@pytest.fixture(scope="module")
def portrait() -> FloatArray:
    return (skimage.data.astronaut()[:300, 80:380] / 255).astype(np.float32)


def found(image: FloatArray) -> Landmarks:
    return detect_landmarks(image, detect_faces(image, smallest=10)[0].box)


def error(points: NDArray, truth: NDArray) -> float:
    """Mean distance in units of the interocular distance."""
    eyes = np.linalg.norm(truth[36:42].mean(axis=0) - truth[42:48].mean(axis=0))
    return float(np.linalg.norm(points - truth, axis=1).mean() / eyes)


def test_they_lie_where_a_person_would_put_them(portrait: FloatArray) -> None:
    points = found(portrait)
    # Read off the picture: pupils and chin.
    assert np.linalg.norm(points.left_eye - [122, 101]) < 4
    assert np.linalg.norm(points.right_eye - [168, 103]) < 4
    assert points.points[8, 1] == pytest.approx(177, abs=6)
    assert points.source == "dlib"


@pytest.mark.parametrize("side", [200, 100, 60, 45])
def test_they_scale_with_the_picture(portrait: FloatArray, side: int) -> None:
    truth = (found(portrait).points + 0.5) * side / 300 - 0.5
    small = resize(portrait, side, side, interpolation="area")
    assert error(found(small).points, truth) < 0.07


def test_a_shift_by_whole_pixels_shifts_them(portrait: FloatArray) -> None:
    small = resize(portrait, 64, 64, interpolation="area")
    box = detect_faces(small, smallest=10)[0].box
    moved = np.pad(small, ((7, 0), (4, 0), (0, 0)), mode="edge")
    a = detect_landmarks(small, box).points
    b = detect_landmarks(moved, box + np.array([4, 7, 4, 7], np.float32)).points
    np.testing.assert_allclose(b - a, np.tile([4.0, 7.0], (68, 1)), atol=0.1)


def test_a_face_at_the_border_still_gets_all_points(portrait: FloatArray) -> None:
    cut = portrait[:, 110:]
    points = detect_landmarks(cut, detect_faces(portrait)[0].box - np.array([110, 0, 110, 0], np.float32)).points
    assert np.isfinite(points).all()
    assert points[:, 0].min() < 0


def test_read_square_at_its_own_scale_is_a_crop(portrait: FloatArray) -> None:
    square, to_image = read_square(portrait, np.array([20.0, 30.0]), 1.0, 50)
    np.testing.assert_array_equal(square, portrait[30:80, 20:70])
    np.testing.assert_allclose(to_image.apply([[0, 0], [49, 49]]), [[20, 30], [69, 79]])


def test_read_square_keeps_the_mean_when_it_shrinks() -> None:
    noise = np.random.default_rng(0).random((400, 400, 3)).astype(np.float32)
    square, _ = read_square(noise, np.array([4.0, 4.0]), 8.0, 49)
    assert square.std() < 0.05
    assert square.mean() == pytest.approx(0.5, abs=0.01)


def test_bad_arguments(portrait: FloatArray, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    box = np.array([100, 60, 180, 170], np.float32)
    with pytest.raises(UsageError, match="unknown landmark source 'dlip'; known are auto, dlib, fan"):
        detect_landmarks(portrait, box, "dlip")
    with pytest.raises(ValueError, match="x0 < x1"):
        detect_landmarks(portrait, box[[2, 1, 0, 3]])
    with pytest.raises(WeightsError, match=r"has no file 'nothing\.dat'"):
        dlib_model("nothing.dat")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert fan_weights().parent == tmp_path / "hub" / "checkpoints"
    with pytest.raises(WeightsError, match="landmarks='dlib'"):
        detect_landmarks(portrait, box, "fan")
    assert resolve_source("auto") == "dlib"


@pytest.fixture
def fan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """FAN-4 with random weights, made on the spot, where the package looks for them."""
    numba = pytest.importorskip("numba", reason="the package numba is not installed")
    # Compiling what reads the maxima off 68 heat maps takes five times as long as the rest; as Python it is the same.
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    pytest.importorskip("face_alignment", reason="the package face-alignment is not installed")
    import torch
    from face_alignment.models import FAN  # pyright: ignore[reportMissingImports]

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    fan_weights().parent.mkdir(parents=True)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(3)
        torch.save(FAN(4).state_dict(), fan_weights())
    _fan_network.cache_clear()
    yield fan_weights()
    _fan_network.cache_clear()


@pytest.mark.slow
def test_fan_runs_where_its_package_and_weights_are(fan: Path, portrait: FloatArray) -> None:
    """Random weights put the points anywhere, but 68 of them, in the picture's pixels, and the same ones again."""
    assert resolve_source("auto") == "fan"
    box = detect_faces(portrait, smallest=10)[0].box
    one, again = (detect_landmarks(portrait, box, "fan") for _ in range(2))
    assert one.source == "fan"
    assert one.points.shape == (68, 2) and np.isfinite(one.points).all()
    np.testing.assert_array_equal(one.points, again.points)
    # Every point is a maximum of a heat map over the surroundings of the box.
    reach = 1.5 * (box[2:] - box[:2]).max()
    assert (np.abs(one.points - (box[:2] + box[2:]) / 2) < reach).all()
    shifted = detect_landmarks(portrait[20:, 10:], box - np.array([10, 20, 10, 20], np.float32), "fan")
    np.testing.assert_allclose(shifted.points, one.points - [10, 20], atol=0.02 * (box[2] - box[0]))
