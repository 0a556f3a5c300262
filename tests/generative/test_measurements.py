"""Frames as measurements of a portrait: the declared camera and codec, exactly, with their adjoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mfrec.errors import InputError
from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.fusion.source import MapSettings, Source
from mfrec.fusion.track_sources import consistency_with, sources_of
from mfrec.generative.imagine import landmarks_on_canvas
from mfrec.generative.measurements import Measurements, measure, oval
from mfrec.options import Options
from mfrec.reconstruction import run_until
from mfrec.stages.fuse import Fuse
from mfrec.types import FaceTrack, FloatArray, Similarity


@pytest.fixture(scope="module")
def track(sequence: Path) -> FaceTrack:
    """The film, fused by ``map``."""
    return run_until("fuse", sequence, Options(recipe="evidence"))[0]


@pytest.fixture(scope="module")
def settings(track: FaceTrack) -> MapSettings:
    return Fuse().settings(track)


@pytest.fixture(scope="module")
def sources(track: FaceTrack) -> list[Source]:
    return sources_of(track)


SIDE = 96


@pytest.fixture(scope="module")
def to_canvas(track: FaceTrack) -> Similarity:
    return portrait_square(landmarks_on_canvas(track).points, SIDE)


def everywhere(track: FaceTrack) -> FloatArray:
    assert track.canvas is not None
    return np.ones((len(track.observations), *track.canvas.shape), np.float32)


@pytest.fixture(scope="module")
def measured(track: FaceTrack, sources: list[Source], settings: MapSettings, to_canvas: Similarity) -> Measurements:
    return measure(sources, everywhere(track), to_canvas, SIDE, settings)


def tensor(portrait: FloatArray) -> torch.Tensor:
    return torch.from_numpy(portrait.transpose(2, 0, 1)[None].copy())


def test_the_operator_and_its_adjoint_belong_together(measured: Measurements) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(SIDE**2), rng.standard_normal(len(measured.wanted))
    assert (measured.forward @ x) @ y == pytest.approx(x @ (measured.adjoint @ y), rel=1e-4)


def test_a_flat_portrait_is_seen_flat(measured: Measurements) -> None:
    seen = measured.forward @ np.ones(SIDE**2, np.float32)
    weight = np.sqrt(np.maximum(seen, 0)) ** 2
    assert seen.max() == pytest.approx(1.0, abs=1e-4)
    assert float((weight**2).sum() * 3) == pytest.approx(measured.count, rel=1e-3)


def test_what_explains_the_frames_has_no_misfit_and_what_differs_has(
    track: FaceTrack, measured: Measurements, to_canvas: Similarity
) -> None:
    assert track.fused is not None
    plain = read_aligned(track.fused.image, to_canvas, SIDE)
    good = float(measured.misfit(tensor(plain))[0])
    flat = float(measured.misfit(tensor(np.full_like(plain, plain.mean())))[0])
    other = float(measured.misfit(tensor(np.ascontiguousarray(plain[::-1])))[0])
    assert good < 1, "the evidence picture lies within the frames' own noise"
    assert flat > 5 * good
    assert other > 5 * good


def test_it_is_the_camera_of_the_evidence_picture(
    track: FaceTrack, sources: list[Source], settings: MapSettings, to_canvas: Similarity
) -> None:
    """With white noise of one size the misfit is the consistency of the report, measured inside of the oval."""
    assert track.fused is not None and track.canvas is not None
    one = 0.02
    white = [
        replace(
            source,
            noise=replace(source.noise, luma=np.full((8, 8), one**2, np.float32), chroma=np.full((8, 8), one**2)),
        )
        for source in sources
    ]
    exact = replace(settings, registration_sigma=0.0, shared=0.0)
    found = measure(white, everywhere(track), to_canvas, SIDE, exact)
    portrait = read_aligned(track.fused.image, to_canvas, SIDE)
    luma_only = float(found.misfit(tensor(portrait))[0])
    rms = consistency_with(track.observations, track.fused.image, track.canvas, settings.psf_sigma)
    assert np.sqrt(luma_only) * one == pytest.approx(float(np.sqrt((rms**2).mean())), rel=0.6)


def test_gradients_lead_to_the_frames(measured: Measurements) -> None:
    portrait = torch.full((2, 3, SIDE, SIDE), 0.5, requires_grad=True)
    optimiser = torch.optim.Adam([portrait], 0.02)
    first = None
    for _ in range(40):
        lost = measured.misfit(portrait)
        first = lost.detach() if first is None else first
        optimiser.zero_grad()
        lost.sum().backward()
        optimiser.step()
    assert first is not None
    last = measured.misfit(portrait.detach())
    assert bool((last < first / 5).all())
    assert float(last[0]) == pytest.approx(float(last[1]), rel=1e-5)


def test_the_oval_is_whole_in_the_middle_and_ends_in_the_square() -> None:
    share = oval(64, 64, Similarity.identity(), 64)
    assert share[32, 32] == 1
    assert share[0, 0] == 0
    assert share[32, 63] < 0.05
    assert 0.4 < share.mean() < 0.8


def test_a_square_beside_all_frames_is_refused(track: FaceTrack, sources: list[Source], settings: MapSettings) -> None:
    away = Similarity(np.array([[1.0, 0, 5000], [0, 1.0, 5000]]))
    with pytest.raises(InputError, match="no frame shows the face"):
        measure(sources, everywhere(track), away, 16, settings)
