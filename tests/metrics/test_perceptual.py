"""The perceptual distance: the authors' own values, its limits, and what happens without the weights."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mfrec.errors import WeightsError
from mfrec.metrics import perceptual
from mfrec.metrics.perceptual import SMALLEST, perceptual_distance

installed = pytest.mark.skipif(importlib.util.find_spec(perceptual.PACKAGE) is None, reason="no stlpips-pytorch here")


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    from skimage.data import astronaut

    return (astronaut()[60:188, 160:288] / 255.0).astype(np.float32)


@installed
def test_agrees_with_the_code_of_the_authors(face: np.ndarray) -> None:
    """The values come from ``stlpips.LPIPS(net="alex", variant="shift_tolerant")`` of stlpips-pytorch 0.0.2."""
    blocks = face.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    cases = {
        0.17500093579292297: np.dstack([face.mean(axis=2)] * 3),
        0.16025488078594208: blocks.repeat(4, axis=0).repeat(4, axis=1),
        0.24730715155601501: face * np.float32(0.5),
        0.4026376008987427: face[::-1],
    }
    for expected, picture in cases.items():
        assert perceptual_distance(picture, face) == pytest.approx(expected, abs=2e-6)


@installed
def test_it_is_a_distance_that_hardly_notices_a_shift(face: np.ndarray) -> None:
    assert perceptual_distance(face, face.copy()) == 0
    blurred = (face[1:, 1:] + face[:-1, 1:] + face[1:, :-1] + face[:-1, :-1]) / 4
    here, there = face[1:, 1:], face[:-1, :-1]
    assert perceptual_distance(here, there) < perceptual_distance(blurred, here)
    assert perceptual_distance(blurred, here) == pytest.approx(perceptual_distance(here, blurred), abs=1e-6)


@installed
def test_grey_is_colour_with_equal_channels(face: np.ndarray) -> None:
    a, b = face[..., 0], face[..., 1]
    assert perceptual_distance(a, b) == perceptual_distance(np.dstack([a] * 3), np.dstack([b] * 3))


@installed
def test_a_damaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(perceptual.weights_path().read_bytes())
    damaged[1000] ^= 1
    file = tmp_path / perceptual.PACKAGE / perceptual.FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(damaged)
    (tmp_path / perceptual.PACKAGE / "__init__.py").touch()
    perceptual.load_shift_tolerant.cache_clear()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsError, match=r"is not the file that mfrec knows: SHA-256 .* expected b356b382f96010f7"):
        perceptual.load_shift_tolerant()
    perceptual.load_shift_tolerant.cache_clear()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perceptual, "PACKAGE", "no_such_package_here")
    with pytest.raises(WeightsError, match=r"'stlpips-pytorch', .* run: pip install 'mfrec\[peers\]'"):
        perceptual.weights_path()


def test_refusals(face: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"result has shape \(128, 128\) and the truth \(128, 128, 3\)"):
        perceptual_distance(face[..., 0], face)
    with pytest.raises(ValueError, match=f"39 x 39 px, expected at least {SMALLEST} x {SMALLEST}"):
        perceptual_distance(face[:39, :39], face[:39, :39])
