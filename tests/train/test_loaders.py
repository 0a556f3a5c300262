"""Batches: which samples come when, to whom, and in which form."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_training import Shapes

from mfrec.train.loaders import Held, Place, Shares, collate, data_loaders


def numbers(place: Place, batch: int) -> list[int]:
    """Every sample's number until the training ends, round by round."""
    out: list[int] = []
    while place.step < place.total:
        shares = Shares(place, batch)
        got = list(shares)
        assert len(got) == len(shares)
        out += got
        place.step = place.round_end
    return out


def test_every_sample_comes_once_and_in_order() -> None:
    assert numbers(Place(0, 7, 3), 4) == list(range(28))


@pytest.mark.parametrize("step", range(8))
def test_from_any_step_on_the_rest_comes(step: int) -> None:
    place = Place(step, 7, 3)
    assert place.rounds_left == len({s // 3 for s in range(step, 7)})
    assert numbers(place, 4) == list(range(4 * step, 28))


def test_processes_share_the_samples_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    found = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        found.append(numbers(Place(0, 4, 4), 2))
    steps = [[n for each in found for n in each[2 * s : 2 * s + 2]] for s in range(4)]
    assert steps == [list(range(6 * s, 6 * s + 6)) for s in range(4)]


def test_a_batch_is_flat() -> None:
    samples = [Shapes(1)[i] for i in range(2)]
    image, wanted = collate(samples)
    assert image.shape == (2, 3, 8, 8)
    assert wanted["truth"].shape == (2, 3, 32, 32)
    assert torch.equal(image[1], samples[1][0][0])


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_deliver_the_same_samples(workers: int) -> None:
    loaders = data_loaders(Shapes(1), Held(Shapes(2, 5), 3), Place(2, 4, 4), batch=2, workers=workers)
    images = torch.cat([image for image, _ in loaders.train])
    assert torch.equal(images, torch.stack([Shapes(1)[i][0][0] for i in range(4, 8)]))
    assert len(loaders.valid) == 3


def test_held_samples_are_made_once() -> None:
    held = Held(Shapes(2, 5), 8)
    assert len(held) == 5
    assert held[1][0][0] is held[1][0][0]
    assert len(Held(Shapes(2), 3)) == 3


def test_a_batch_can_be_looked_at(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    loaders = data_loaders(Shapes(1), Held(Shapes(2, 5), 3), Place(0, 4, 4), batch=2)
    loaders.show_batch()
    shown = plt.gcf().axes[0].images[0].get_array()
    assert shown is not None
    assert shown.shape == (2 * 34, 2 * 34, 3)
    plt.close("all")
