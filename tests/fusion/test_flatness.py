"""Where the evidence is flat nothing is drawn; where it is not, a picture stays as it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import mfrec
from mfrec.camera.forward import PSF
from mfrec.fusion.flatness import PATCH, fine_detail, kept_flat, patch_energy
from mfrec.fusion.track_sources import consistency_with
from mfrec.image.geometry import resize
from mfrec.imageio import h264_bytes
from mfrec.types import FloatArray

SCALE = 4


def wall(grey: float = 0.5, size: int = 120) -> FloatArray:
    noise = np.random.default_rng(0).normal(0, 0.1 / 255, (size, size, 3))
    return (grey + noise).astype(np.float32)


def grid(size: int = 120, grey_levels: float = 2.0) -> FloatArray:
    """What a sub-pixel convolution leaves: a pattern of period 4."""
    row = np.cos(2 * np.pi * np.arange(size) / SCALE)
    return np.repeat(grey_levels / 255 * np.outer(row, row)[..., None], 3, axis=2).astype(np.float32)


@pytest.mark.parametrize("grey", [0.1, 0.5, 0.9])
def test_a_grid_on_a_flat_wall_goes(grey: float) -> None:
    evidence, drawn = wall(grey), wall(grey) + grid()
    kept, share = kept_flat(drawn, evidence, SCALE)
    limit = 2 * patch_energy(fine_detail(evidence, SCALE), PATCH) + 0.2 / 255
    assert (patch_energy(fine_detail(drawn, SCALE), PATCH) > limit).all()
    assert (patch_energy(fine_detail(kept, SCALE), PATCH) < limit).all()
    assert share.min() > 0.95
    # What is coarse stays the picture's own.
    assert abs(float(kept.mean() - drawn.mean())) < 0.05 / 255


def test_a_face_stays_bit_for_bit(portrait: FloatArray) -> None:
    face = portrait[40:140, 50:150]
    sharper = np.clip(face + 0.5 * fine_detail(face, 1), 0, 1).astype(np.float32)
    kept, share = kept_flat(sharper, face, SCALE)
    textured = patch_energy(fine_detail(face, SCALE), 9) > 1.3 / 255
    assert textured.mean() > 0.5
    eroded = share == 0
    np.testing.assert_array_equal(kept[eroded], sharper[eroded])
    assert share[textured].mean() < 0.05


def test_a_picture_that_is_flat_too_is_given_back_itself() -> None:
    evidence = wall()
    kept, share = kept_flat(evidence, evidence, SCALE)
    assert kept is evidence
    assert not share.any()


def test_an_edge_beside_a_wall_keeps_its_sharpness() -> None:
    soft, sharp = wall(), wall()
    step = np.clip((np.arange(120) - 60) / 8 + 0.5, 0, 1)[None, :, None]
    hard = (np.arange(120) >= 60)[None, :, None]
    soft = (soft + 0.3 * step).astype(np.float32)
    sharp = (sharp + 0.3 * hard).astype(np.float32)
    kept, _ = kept_flat(sharp, soft, SCALE)
    slope = np.abs(np.diff(kept[60, :, 0]))[55:65].max()
    assert slope > 0.95 * np.abs(np.diff(sharp[60, :, 0])).max()


@pytest.mark.slow
def test_nothing_is_drawn_on_the_wall_behind_a_moving_head(portrait: FloatArray, tmp_path: Path) -> None:
    """A head walks from one flat wall to the next: the frames contradict each other behind it, and agree on flat."""
    side, frames = 46, []
    y, x = np.mgrid[:192, :192]
    oval = (((x - 96) / 66) ** 2 + ((y - 100) / 84) ** 2 < 1).astype(np.float32)
    for i in range(40):
        scene = np.full((4 * 96, 4 * 160, 3), (0.2, 0.7, 0.75), np.float32)
        scene[:, 4 * 80 :] = (0.6, 0.6, 0.45)
        left, top = round(4 * (10 + 1.3 * i)), 4 * 22
        mask = resize(oval, 4 * side, 4 * side, interpolation="area")[..., None]
        part = scene[top : top + 4 * side, left : left + 4 * side]
        part[:] = mask * resize(portrait, 4 * side, 4 * side, interpolation="area") + (1 - mask) * part
        frames.append(resize(scene, 96, 160, interpolation="area"))
    (tmp_path / "clip.mp4").write_bytes(h264_bytes(frames, 33))
    result = mfrec.reconstruct(tmp_path / "clip.mp4")
    own, measured = (patch_energy(fine_detail(p, 4), PATCH) for p in (result.image, result.evidence))
    flat = measured < 0.5 / 255
    assert flat.mean() > 0.2
    assert (own <= 2 * measured + 0.2 / 255)[flat].all()
    tone = cv2.blur(np.abs(np.asarray(result.image - result.evidence)).mean(axis=2), (PATCH, PATCH))
    assert tone[flat].max() < 4 / 255, "the wall is that of another moment"
    canvas = result.track.canvas
    assert canvas is not None and result.record["evidence"]["flattened"] > 0
    again = consistency_with(result.track.observations, result.image, canvas, PSF["video"])
    np.testing.assert_array_equal(result.consistency, again, "what is said of the frames is said of this picture")
