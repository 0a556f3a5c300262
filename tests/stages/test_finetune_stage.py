"""The stage ``finetune``: a network corrects the fused picture, and the frames take back what they do not allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from moving_portrait import Filmed, film_shifts

from mfrec.errors import UsageError
from mfrec.metrics.psnr import psnr
from mfrec.pipeline import Pipeline, Run
from mfrec.stages.finetune import Finetune, finished
from mfrec.stages.fuse import Fuse
from mfrec.types import FaceTrack, FloatArray

BOX = np.array([8, 6, 32, 36], np.float32)
SHIFTS = ((0.0, 0.0), (0.5, 0.25), (-0.75, 0.5), (0.25, -0.5))


class Add(torch.nn.Module):
    """In the place of the network: adds a picture."""

    def __init__(self, change: FloatArray) -> None:
        super().__init__()
        self.change = torch.nn.Parameter(torch.from_numpy(change.transpose(2, 0, 1).copy()))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + self.change


@pytest.fixture(scope="module")
def filmed_portrait(portrait: FloatArray) -> Filmed:
    return film_shifts(portrait, SHIFTS, quality=(80, 80, 80, 80))


@pytest.fixture(scope="module")
def track(filmed_portrait: Filmed) -> FaceTrack:
    from mfrec.stages.align import Align

    aligned = Align(reference=0)(FaceTrack(filmed_portrait.observations()), Run())
    return Fuse(method="mean")(aligned, Run())


def finish(track: FaceTrack, change: FloatArray) -> FaceTrack:
    return Finetune()(track, Run(load=lambda _: Add(change)))


def test_a_correction_towards_the_truth_helps_and_one_away_from_it_is_held_back(
    track: FaceTrack, filmed_portrait: Filmed
) -> None:
    assert track.fused is not None
    image, truth = track.fused.image, filmed_portrait.truth
    right = finish(track, truth - image).fused
    assert right is not None
    assert psnr(right.image, truth) > psnr(image, truth) + 3

    broad = np.full_like(image, 0.1)  # every frame says that this is not so
    wrong = finish(track, broad).fused
    assert wrong is not None
    assert np.abs(wrong.image - image).mean() < 0.5 * np.abs(np.clip(image + broad, 0, 1) - image).mean()
    assert wrong.consistency.mean() < unbounded_consistency(track, image + broad)


def unbounded_consistency(track: FaceTrack, image: FloatArray) -> float:
    """Of a picture that nothing holds back."""
    from mfrec.stages.fuse import consistency_with

    assert track.canvas is not None
    return float(consistency_with(track.observations, np.clip(image, 0, 1), track.canvas, 0.35).mean())


def test_maps_keep_their_meaning_and_the_input_stays(track: FaceTrack) -> None:
    before = track.fused
    assert before is not None
    image = before.image.copy()
    out = finish(track, np.zeros_like(image))
    after = out.fused
    assert after is not None
    assert track.fused is before and np.array_equal(before.image, image)
    assert np.array_equal(after.weight, before.weight)
    assert np.array_equal(after.uncertainty, before.uncertainty)
    assert (after.observed <= before.observed).all() and after.observed.min() >= 0
    assert after.method == "mean, finetuned"
    assert after.image.min() >= 0 and after.image.max() <= 1


def test_it_needs_a_picture_and_a_network() -> None:
    assert Finetune().learned
    with pytest.raises(UsageError, match="needs fused"):
        Pipeline([Finetune()])
    with pytest.raises(UsageError, match="'fuse' or 'cross' before"):
        Finetune()(FaceTrack(()), Run())


def test_the_parameters_that_were_used_are_recorded(track: FaceTrack) -> None:
    run = Run(load=lambda _: Add(np.zeros((1, 1, 3), np.float32)))
    Pipeline([Finetune()], ("fused", "registration"))(replace(track), run)
    assert run.steps[0].parameters == {"card": "finetune", "psf_sigma": 0.35}


def test_odd_sizes_go_through_the_real_network() -> None:
    from mfrec.nets.finetune import Finetune as Network

    image = np.random.default_rng(0).random((37, 50, 3), np.float32)
    made = finished(Network(channels=(4, 4), blocks=1).eval(), image)
    assert made.shape == image.shape
    assert np.allclose(made, image, atol=1e-6)  # an untrained one changes nothing
