"""The recognition network: where an upright face is read, what dropout touches, and what the shipped weights know."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from mfrec.metrics.identity import embed
from mfrec.nets.recognition import ANCHORS, EMBEDDING, FINE_SIDE, SIDE, TEMPLATE, Recognition, dropped, upright_faces
from mfrec.train.data.points import mirrored
from mfrec.types import FloatArray, Landmarks


@pytest.fixture(scope="module")
def small() -> Recognition:
    """Untrained: what is asked of it does not depend on what it knows."""
    torch.manual_seed(0)
    return Recognition(widths=(4, 6, 8, 8), depths=(1, 1, 1, 1), channels=4, hidden=16).eval()


@pytest.fixture(scope="module")
def face(portrait: FloatArray) -> tuple[torch.Tensor, Landmarks]:
    from mfrec.metrics.names import Truth

    image = torch.from_numpy(np.ascontiguousarray(portrait.transpose(2, 0, 1)))[None]
    return image, Truth(portrait, "portrait").face.landmarks


def points_of(side: float, first: tuple[float, float] = (0.0, 0.0)) -> torch.Tensor:
    """Landmarks ``[1, 68, 2]`` of an upright face of that side with its corner at ``first``; jaw and brows unknown."""
    points = torch.full((1, 68, 2), float("nan"))
    points[:, ANCHORS, :] = torch.tensor(TEMPLATE) * side - 0.5 + torch.tensor(first)
    return points


def test_an_upright_face_is_read_where_it_is() -> None:
    image = torch.rand(1, 3, 2 * SIDE, 2 * SIDE, generator=torch.Generator().manual_seed(0))
    image = torch.nn.functional.avg_pool2d(image, 9, stride=1, padding=4, count_include_pad=False)
    faces, seen = upright_faces(image, points_of(SIDE, (40.0, 30.0)))
    assert faces.shape == (1, 3, SIDE, SIDE)
    # Each pixel is the mean of four readings a quarter of a pixel away, so smooth pictures hardly change.
    torch.testing.assert_close(faces, image[..., 30 : 30 + SIDE, 40 : 40 + SIDE], atol=0.03, rtol=0)
    assert float(seen) == 1


def test_half_a_face_is_seen_by_half_and_no_landmarks_by_nothing() -> None:
    image = torch.rand(1, 3, SIDE, SIDE)
    _, half = upright_faces(image, points_of(SIDE, (SIDE / 2, 0.0)))
    assert float(half) == pytest.approx(0.5, abs=0.02)
    _, nothing = upright_faces(image, torch.full((1, 68, 2), float("nan")))
    assert float(nothing) == 0


def test_gradients_reach_the_picture(small: Recognition, face: tuple[torch.Tensor, Landmarks]) -> None:
    image = face[0].clone().requires_grad_(True)
    small(upright_faces(image, torch.tensor(face[1].points)[None])[0]).square().sum().backward()
    assert image.grad is not None and torch.isfinite(image.grad).all() and float(image.grad.abs().sum()) > 0


def test_levels_halve_the_picture_and_have_no_negative_number(small: Recognition) -> None:
    levels = small.levels(torch.rand(1, 3, 64, 48))
    assert [tuple(level.shape[-2:]) for level in levels] == [(32, 24), (32, 24), (16, 12), (8, 6), (4, 3)]
    assert all(float(level.detach().min()) >= 0 for level in levels)


def test_dropout_can_be_seeded_and_keeps_the_mean() -> None:
    ones = torch.ones(200_000)
    first, second = (dropped(ones, 0.3, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)
    assert float((first == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(first.mean()) == pytest.approx(1, abs=0.01)
    assert dropped(ones, 0.0, None) is ones


def test_passes_differ_and_the_embedding_does_not(small: Recognition) -> None:
    faces = torch.rand(2, 3, FINE_SIDE, FINE_SIDE, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        passes = small.stochastic(faces, 5, torch.Generator().manual_seed(0))
        assert passes.shape == (5, 2, EMBEDDING)
        assert not torch.equal(passes[0], passes[1])
        assert torch.equal(passes, small.stochastic(faces, 5, torch.Generator().manual_seed(0)))
        embedded = functional.avg_pool2d(faces, 2)
        assert torch.equal(small(embedded), small(embedded))


def test_the_shipped_network_says_what_its_teacher_says(portrait: FloatArray, face: tuple) -> None:
    from mfrec.cards.load import load_network
    from mfrec.image.filters import gaussian
    from mfrec.metrics.serfiq import upright

    network = load_network("recognition")
    pictures = [portrait, portrait[:, ::-1], np.clip(gaussian(portrait, 3), 0, 1)]
    places = [face[1], Landmarks(mirrored(face[1].points, portrait.shape[1])), face[1]]
    with torch.inference_mode():
        ours = [
            network(functional.avg_pool2d(upright(np.ascontiguousarray(image), place), 2))[0].numpy()
            for image, place in zip(pictures, places, strict=True)
        ]
    theirs = [embed(np.ascontiguousarray(image), place) for image, place in zip(pictures, places, strict=True)]
    # Two people lie 0.8 apart; the teacher's limit for one is 0.6.
    assert np.linalg.norm(ours[0] - theirs[0]) < 0.75
    assert np.linalg.norm(ours[0] - ours[1]) < 0.6, "a mirror image is the same person"
    assert np.linalg.norm(ours[0] - ours[2]) > np.linalg.norm(ours[0] - ours[1]) / 2
