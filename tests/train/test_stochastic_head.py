"""The second head of the recognition network: a proper score, and doubt that grows with what is missing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from patchwork_faces import patchwork_faces
from torch.nn import functional

from mfrec.metrics.serfiq import quality
from mfrec.nets.recognition import EMBEDDING, SIDE, Recognition
from mfrec.train.distil import Faces, Progress
from mfrec.train.stochastic_head import energy_score, feature_pairs, teach_doubt


@pytest.fixture(scope="module")
def faces() -> Faces:
    return patchwork_faces(24)


def student() -> Recognition:
    torch.manual_seed(3)
    return Recognition(widths=(8, 16, 16, 16), depths=(1, 1, 1, 1), channels=8, hidden=32).eval()


def test_the_score_is_the_formula() -> None:
    guesses, truth = torch.randn(3, 5, 7), torch.randn(5, 7)
    error = sum((g - truth).norm(dim=1).mean() for g in guesses) / 3
    apart = sum((guesses[i] - guesses[j]).norm(dim=1).mean() for i in range(3) for j in range(3) if i != j) / 6
    assert float(energy_score(guesses, truth)) == pytest.approx(float(error - apart / 2), abs=1e-5)


def test_the_score_is_least_for_guesses_spread_as_the_truth_is() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(20_000, 3, generator=generator)
    noise = torch.randn(2, 20_000, 3, generator=generator)
    scores = {spread: float(energy_score(spread * noise, truth)) for spread in (0.25, 0.6, 1.0, 1.6, 4.0)}
    assert min(scores, key=scores.__getitem__) == 1.0


def test_a_pair_differs_by_the_damage_alone(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    network = student()
    damaged, unspoilt = feature_pairs(network, faces, np.random.default_rng(0), batches=2, batch=8)
    features = 8 * (SIDE // 16) ** 2
    assert damaged.shape == (16, features + network.energy_norm.num_features)
    assert unspoilt.shape == (16, EMBEDDING)
    monkeypatch.setattr("mfrec.train.stochastic_head.spoil", lambda canvas, _: canvas.astype(np.float32) / 255)
    monkeypatch.setattr(network, "head", lambda features, _: features)
    same, whole = feature_pairs(network, faces, np.random.default_rng(0), batches=2, batch=8)
    assert torch.allclose(same[:, :features].float(), whole, rtol=0.02, atol=0.02)


def test_only_the_second_head_learns_and_a_training_is_repeatable(faces: Faces) -> None:
    seen: list[Progress] = []
    before = student().state_dict()
    runs = [
        teach_doubt(student(), faces, batches=2, steps=50, batch=4, seed=5, report=seen.append).state_dict()
        for _ in range(2)
    ]
    assert seen[-1].step == seen[-1].steps == 52
    assert all(torch.equal(runs[0][key], runs[1][key]) for key in before)
    changed = {key for key in before if not torch.equal(before[key], runs[0][key])}
    assert changed == {
        *("unspoilt_hidden.weight", "unspoilt_hidden.bias", "unspoilt.weight", "unspoilt.bias"),
        *("energy_norm.running_mean", "energy_norm.running_var"),
        *("mean_embedding", "damage.weight", "damage.bias"),
    }


def test_doubt_grows_with_what_is_missing() -> None:
    """On features of which less and less is left, and energies that say so, the head learns to be less sure."""
    torch.manual_seed(0)
    network = Recognition(widths=(4, 4, 4, 4), depths=(1, 1, 1, 1), channels=4, hidden=64).eval()
    energies = network.energy_norm.num_features

    def spoilt(whole: torch.Tensor, lost: torch.Tensor) -> torch.Tensor:
        mixed = (1 - lost) * whole + lost * torch.randn(whole.shape)
        return torch.cat([mixed, (2 * lost - 1).expand(-1, energies)], 1)

    whole = torch.randn(4096, network.shown)
    with torch.no_grad():
        target = functional.normalize(network.head(whole, 0.0), dim=1)
    read = spoilt(whole, torch.rand(4096, 1))
    parameters = [
        p for layer in (network.damage, network.unspoilt_hidden, network.unspoilt) for p in layer.parameters()
    ]
    optimiser = torch.optim.Adam(parameters, lr=2e-3)
    for _ in range(400):
        chosen = torch.randint(4096, (64,))
        guesses = network.guess(read[chosen].repeat(4, 1), network.dropout, None)
        loss = energy_score(functional.normalize(guesses, dim=1).unflatten(0, (4, 64)), target[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    scores = []
    for share in (0.0, 0.02, 0.3, 0.8):
        with torch.inference_mode():
            some = spoilt(whole[:32], torch.full((32, 1), share))
            guesses = network.guess(some.repeat(50, 1), network.dropout, torch.Generator().manual_seed(1))
        scores.append(np.mean([quality(one.numpy()) for one in guesses.unflatten(0, (50, 32)).unbind(1)]))
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[2] + 0.05 > scores[3] + 0.1
