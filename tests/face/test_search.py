"""Faces are found in bad light and lying, what is used stays as it was, and nothing is found in noise."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.errors import UsageError
from mfrec.face import search
from mfrec.face.detect import Detection, confirm_face, overlap
from mfrec.face.search import Sighting, look, upright_turn
from mfrec.face.stretch import contrast, stretched
from mfrec.face.turn import turned
from mfrec.imageio import to_uint8
from mfrec.options import as_turn
from mfrec.pipeline import Run
from mfrec.stages.track import Track
from mfrec.types import FaceTrack, FloatArray, Frame, Observation


def eight_bits(image: np.ndarray) -> FloatArray:
    return (to_uint8(np.clip(image, 0, 1).astype(np.float32)) / 255).astype(np.float32)


def in_light(image: FloatArray, name: str) -> FloatArray:
    noise = np.random.default_rng(3).normal(0, 1, image.shape).astype(np.float32)
    if name == "x 0.05":
        return eight_bits(0.05 * image)
    if name == "x 0.1":
        return eight_bits(0.1 * image + 0.004 * noise)
    if name == "fog":
        return eight_bits(0.15 * image + 0.7 + 0.004 * noise)
    grey = 0.25 * image.mean(axis=2, keepdims=True) + 0.02 * noise
    return eight_bits(grey * np.array([0.25, 1.0, 0.3], np.float32) + 0.02)


@pytest.mark.parametrize("name", ["x 0.05", "x 0.1", "fog", "night-vision green"])
def test_the_face_is_found_where_it_is_by_day(portrait: FloatArray, name: str) -> None:
    day = look(portrait)
    night = look(in_light(portrait, name))
    assert not day.stretched
    assert night.stretched
    assert len(night.faces) == 1
    assert overlap(night.faces[0].box, day.faces[0].box) > 0.6


def test_the_pixels_in_use_stay_as_they_were(portrait: FloatArray) -> None:
    dark = in_light(portrait, "x 0.05")
    track = Track()(FaceTrack((Observation(Frame(dark, 0, "night.png")),)), Run())
    assert np.array_equal(track.observations[0].frame.image, dark)
    assert any("stretched" in warning for warning in track.warnings)
    landmarks = track.observations[0].landmarks
    by_day = Track()(FaceTrack((Observation(Frame(portrait, 0, "day.png")),)), Run()).observations[0].landmarks
    assert landmarks is not None
    assert by_day is not None
    error = np.linalg.norm(landmarks.points - by_day.points, axis=1).mean() / by_day.interocular
    assert error < 0.06


def test_stretching_has_its_ends_at_the_tails_and_keeps_the_order() -> None:
    ramp = np.repeat(np.linspace(0.4, 0.5, 400, dtype=np.float32)[None, :, None].repeat(50, axis=0), 3, axis=2)
    out = stretched(ramp)
    assert out.min() == 0.0
    assert out.max() == pytest.approx(1.0, abs=1e-5)
    assert np.all(np.diff(out[25, :, 0]) >= -1e-6)
    assert contrast(ramp) == pytest.approx(0.098, abs=0.002)


@pytest.mark.parametrize("seed", range(3))
def test_no_face_is_stretched_out_of_noise(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0.02, 0.01, (200, 300, 3)).astype(np.float32)
    assert look(eight_bits(noise)).faces == ()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_lying_faces_are_found_and_the_turn_is_recorded(portrait: FloatArray, degrees: int) -> None:
    frames = [turned(Frame(np.roll(portrait, i, axis=1), i, f"{i}.png", sha256=f"{i}"), degrees) for i in range(3)]
    back = -degrees % 360
    assert upright_turn(frames) == back
    run = Run()
    track = Track()(FaceTrack(tuple(map(Observation, frames))), run)
    run.finish_step(Track(), 0.0)
    assert run.steps[0].parameters["turn"] == back
    assert [o.frame.image.shape for o in track.observations] == [portrait.shape] * 3
    assert np.array_equal(track.observations[0].frame.image, portrait)
    assert any("turned" in warning for warning in track.warnings) == bool(back)


def test_the_order_of_stills_decides_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven of 21 stills, two thirds of which lie, are looked at: the same seven, however they are listed."""
    upright, lying = (np.zeros((8, 8, 3), np.float32) for _ in range(2))
    upright[0, 0] = lying[0, -1] = 1
    stills = [Frame(lying if i % 3 else upright, i, f"{i}.png", sha256=f"{i * 7919 % 997:03d}") for i in range(21)]
    face = Detection(np.array([0, 0, 8, 8], np.float32), 1.0, np.zeros((5, 2), np.float32))
    monkeypatch.setattr(search, "look", lambda image, _thresholds: Sighting((face,) if image[0, 0, 0] else ()))
    orders = (np.random.default_rng(seed).permutation(21) for seed in range(40))
    assert len({upright_turn([stills[i] for i in order]) for order in orders}) == 1


def test_a_turn_by_hand_is_done_and_no_other(portrait: FloatArray) -> None:
    frames = FaceTrack((Observation(turned(Frame(portrait, 0, "0.png"), 90)),))
    assert np.array_equal(Track(turn=270)(frames, Run()).observations[0].frame.image, portrait)
    with pytest.raises(UsageError, match="45"):
        Track(turn=45)(frames, Run())
    with pytest.raises(UsageError, match="--turn is '45'"):
        as_turn("45")


def test_a_followed_face_is_found_again_where_it_went_and_nowhere_else(portrait: FloatArray) -> None:
    face = look(portrait).faces[0]
    for share in (0.0, 0.15, -0.15):
        moved = np.roll(portrait, (round(share * face.side / 2), round(share * face.side)), axis=(0, 1))
        again = confirm_face(moved, face.box)
        assert again is not None
        expected = look(moved).faces[0]
        assert overlap(again.box, expected.box) > 0.75
    assert confirm_face(portrait, face.box + 1.5 * face.side) is None
