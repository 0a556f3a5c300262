"""Glare: found by what the other frames show, filled from them, credited to them, and told."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from moving_portrait import SCALE, film_shifts

from mfrec.fusion.glare import credited, unhidden
from mfrec.metrics.psnr import psnr
from mfrec.pipeline import Run
from mfrec.registration.dense import identity_registration
from mfrec.stages.align import Align
from mfrec.stages.clean import Clean
from mfrec.stages.fuse import Fuse
from mfrec.types import Canvas, FaceTrack, FloatArray, Frame, Observation, Similarity

SHIFTS = ((0.0, 0.0), (0.5, 0.25), (-0.75, 0.5), (0.25, -0.5), (1.3, 0.8))
BOX = np.array([8, 6, 32, 36], np.float32)
PATCH = slice(18, 26), slice(20, 28)
WITHIN = slice(19 * SCALE, 25 * SCALE), slice(21 * SCALE, 27 * SCALE)
"""The patch on the canvas, without its border."""


@pytest.fixture(scope="module")
def filmed(portrait: FloatArray):
    return film_shifts(portrait, SHIFTS, quality=(60, 50, 70, 45, 80))


def aligned(filmed, painted: dict[int, tuple[slice, slice]], value: float = 1.0) -> FaceTrack:
    """The film with a rectangle of some frames in one light, registered."""
    frames = []
    for k, frame in enumerate(filmed.frames):
        image = frame.image.copy()
        if k in painted:
            image[painted[k]] = value
        frames.append(replace(frame, image=image))
    return Align(reference=0)(FaceTrack(tuple(Observation(frame, BOX, 1.0) for frame in frames)), Run())


@pytest.fixture(scope="module")
def struck(filmed) -> FaceTrack:
    return aligned(filmed, {0: PATCH})


def test_white_that_the_others_do_not_show_is_glare(struck: FaceTrack) -> None:
    shown = unhidden(struck)
    assert struck.canvas is not None
    assert shown.shape == (len(SHIFTS), *struck.canvas.shape)
    assert shown[0][WITHIN].max() == 0
    assert shown[1:].min() == 1
    far = shown[0].copy()
    far[16 * SCALE : 28 * SCALE, 18 * SCALE : 30 * SCALE] = 1
    assert far.min() == 1


@pytest.mark.parametrize("scale", [1, 2, 3, 5, 8])
def test_glare_hides_as_much_of_a_frame_at_every_scale(scale: int) -> None:
    images = [np.full((24, 24, 3), 0.4, np.float32) for _ in range(3)]
    images[1][8:16, 8:16] = 1
    canvas = Canvas(0, 0, 24, 24, scale)
    observations = tuple(
        Observation(
            Frame(image, k, str(k)),
            similarity=Similarity.identity(),
            registration=identity_registration(canvas, image),
        )
        for k, image in enumerate(images)
    )
    hidden = 1 - unhidden(FaceTrack(observations, reference=0, canvas=canvas)).mean(axis=(1, 2))
    assert (8 / 24) ** 2 <= hidden[1] <= (11 / 24) ** 2
    assert hidden[0] == hidden[2] == 0


def test_glare_goes_on_over_a_bright_thing(filmed) -> None:
    bright = slice(18, 22), slice(20, 28)
    images = [frame.image.copy() for frame in filmed.frames]
    for image in images:
        image[bright] = 0.93
    frames = tuple(replace(frame, image=image) for frame, image in zip(filmed.frames, images, strict=True))
    film = replace(filmed, frames=frames)
    assert unhidden(aligned(film, {0: PATCH}))[0][WITHIN].max() == 0
    assert unhidden(aligned(film, {0: bright}))[0].min() == 1, "white on the bright thing alone is no glare"


@pytest.mark.parametrize(
    ("painted", "value"),
    [
        (dict.fromkeys(range(len(SHIFTS)), PATCH), 1.0),  # white in all frames: a white thing
        ({0: (slice(20, 22), slice(20, 22))}, 1.0),  # the light in an eye
        ({0: PATCH}, 0.9),  # bright and still a picture
    ],
)
def test_other_white_is_left_alone(filmed, painted: dict[int, tuple[slice, slice]], value: float) -> None:
    assert unhidden(aligned(filmed, painted, value)).min() == 1


@pytest.mark.parametrize("method", ["map", "learned"])
def test_the_others_fill_it_and_have_the_credit(filmed, struck: FaceTrack, method: Literal["map", "learned"]) -> None:
    run = Run()
    track = Fuse(method=method)(Clean()(struck, run), run)
    fused = track.fused
    assert fused is not None
    truth = filmed.truth[WITHIN]
    # White itself would have about 8 dB.
    assert psnr(fused.image[WITHIN], truth) > 20
    assert fused.weight[0][WITHIN].max() < 0.05
    assert fused.weight.sum(axis=0)[WITHIN] == pytest.approx(1, abs=1e-4)
    assert any("glare hides" in warning and "another moment" in warning for warning in track.warnings)


def test_without_glare_nothing_changes(filmed) -> None:
    track = aligned(filmed, {})
    shown = unhidden(track)
    assert shown.min() == 1
    assert track.canvas is not None
    weight = np.random.default_rng(0).random((len(SHIFTS), *track.canvas.shape), np.float32)
    assert credited(weight, shown) is weight


def test_credit_is_kept_in_sum_and_shared_in_proportion() -> None:
    shown = np.ones((3, 1, 2), np.float32)
    shown[0, 0, 0] = 0
    weight = np.array([[[0.6, 0.6]], [[0.3, 0.3]], [[0.1, 0.1]]], np.float32)
    moved = credited(weight, shown)
    assert moved.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert moved[:, 0, 0] == pytest.approx([0, 0.75, 0.25], abs=2e-3)
    assert moved[:, 0, 1] == pytest.approx([0.6, 0.3, 0.1], abs=2e-3)
