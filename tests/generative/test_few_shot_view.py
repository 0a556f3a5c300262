"""A person learnt from one picture and drawn in another pose: what is learnt, where it lies, and what stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mfrec.bench.tables.repose_trials import Picture
from mfrec.generative import few_shot_view
from mfrec.generative.few_shot_view import learnt, reenacted
from mfrec.nets.few_shot import FewShot


@pytest.fixture(scope="module")
def network() -> FewShot:
    torch.manual_seed(3)
    return FewShot(side=16, channels=4, most=8, style=8, blocks=1).eval()


def test_a_copy_learns_the_person_and_the_network_stays(network: FewShot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_shot_view, "RATE", 1e-2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    portrait, shown = torch.full((1, 3, 16, 16), 0.8), torch.rand(1, 3, 16, 16)
    person = network.embed(portrait[None], shown[None]).detach()
    errors = []
    for steps in (0, 20):
        tuned, found = learnt(network, portrait, shown, person, steps)
        errors.append(float((tuned.draw(shown, found) - portrait).detach().abs().mean()))
    assert errors[1] < 0.5 * errors[0]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_only_the_face_of_the_target_is_drawn_anew_and_always_the_same(
    network: FewShot, turned: dict[str, Picture]
) -> None:
    source, target = list(turned.values())[:2]
    made = [
        reenacted(source.image, target.image, (source.landmarks, target.landmarks), network=network, steps=2)
        for _ in range(2)
    ]
    assert np.array_equal(made[0].reposed.image, made[1].reposed.image)
    share, image = made[0].reposed.validity, made[0].reposed.image
    assert np.array_equal(image[share == 0], target.image[share == 0])
    x, y = np.rint(target.landmarks.points[[30, 33, 48, 54]]).astype(int).T
    assert (share[y, x] > 0.9).all(), "nose and mouth are drawn"
    assert np.abs(image - target.image)[share > 0.9].mean() > 0.02
