"""The stage ``finetune``: a network corrects the fused picture, and the frames take back what they do not allow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from moving_portrait import Filmed, film_shifts
from PIL import Image
from small_networks import randomised
from tiny_cards import SMALL, card_of

import mfrec
from mfrec.errors import UsageError
from mfrec.image.stamp import WORDS, stamped
from mfrec.metrics.psnr import psnr
from mfrec.nets.srresnet import Srresnet
from mfrec.pipeline import Pipeline, Run
from mfrec.provenance.record import read_record
from mfrec.publication.claims import foreign
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
    from mfrec.fusion.track_sources import consistency_with

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


# --- networks of single pictures ---------------------------------------------------------------------------


def recipe_of(folder: Path, stamp: str, card: str) -> Path:
    path = folder / f"{stamp.replace(' ', '-')}.toml"
    path.write_text(
        f'name = "mine"\nstamp = "{stamp}"\nstages = ["track", "align", "fuse", "finetune"]\n'
        f'[fuse]\nmethod = "mean"\n[finetune]\ncard = "{card}"\n',
        "utf-8",
    )
    return path


class Repeat(torch.nn.Module):
    """A network of single pictures that repeats every pixel, and is as bad as that."""

    channels, scale = 3, 4

    def __init__(self) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.repeat_interleave(4, 2).repeat_interleave(4, 3)


def test_a_network_of_single_pictures_gets_the_picture_made_smaller_and_is_held_to_the_frames(
    track: FaceTrack, filmed_portrait: Filmed
) -> None:
    assert track.fused is not None
    alone = finished(Repeat(), track.fused.image)
    assert alone.shape == track.fused.image.shape
    small = track.fused.image.reshape(alone.shape[0] // 4, 4, alone.shape[1] // 4, 4, 3).mean(axis=(1, 3))
    assert alone == pytest.approx(small.repeat(4, 0).repeat(4, 1), abs=1e-5)
    made = Finetune()(track, Run(load=lambda _: Repeat())).fused
    assert made is not None
    assert psnr(made.image, filmed_portrait.truth) > psnr(alone, filmed_portrait.truth) + 0.5


def test_what_a_discriminator_taught_is_refused_or_stamped(sequence: Path, tmp_path: Path) -> None:
    network = randomised(Srresnet(features=4, blocks=1, scale=2))
    card = card_of(tmp_path / "a", "srresnet", network, SMALL, "adversarial")
    with pytest.raises(UsageError, match="no network made a pixel"):
        mfrec.reconstruct(sequence, recipe=recipe_of(tmp_path, "ENHANCED", card), scale=2)
    with pytest.raises(UsageError, match="learnt from a discriminator: it draws detail that nobody saw"):
        mfrec.reconstruct(sequence, recipe=recipe_of(tmp_path, "RESTORED", card), scale=2)
    made = mfrec.reconstruct(sequence, recipe=recipe_of(tmp_path, WORDS, card), scale=2)
    assert made.track.fused is not None
    assert np.array_equal(made.image, stamped(made.track.fused.image))
    mfrec.save(made, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "reconstruction-NOT-EVIDENCE.png" in names and "reconstruction.png" not in names
    with Image.open(tmp_path / "out" / "reconstruction-NOT-EVIDENCE.png") as picture:
        assert picture.info["Comment"] == WORDS
    assert read_record(tmp_path / "out")["recipe"]["stamp"] == WORDS
    assert foreign(tmp_path / "out") == "", "so that --overwrite may replace it"
