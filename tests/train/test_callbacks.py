"""What surrounds a step: its learning rate, its random draws, the average of the weights."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from tiny_network import Tiny

from mfrec.train.callbacks import Average, Round, learning_rate, no_longer_falls
from mfrec.train.loaders import Place
from mfrec.train.recipe import parse_recipe

LEAST = {"task": "clean", "steps": 100, "batch": 1, "learning_rate": 1e-3, "losses": {"l1": 1.0}}


@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.3])
def test_the_learning_rate_rises_and_falls_once(warmup: float) -> None:
    recipe = parse_recipe({**LEAST, "warmup": warmup})
    rates = np.array([learning_rate(recipe, step, 1000) for step in range(1001)])
    peak = round(1000 * warmup)
    assert rates.max() == pytest.approx(1e-3)
    assert rates[peak] == pytest.approx(1e-3)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    if warmup:
        assert rates[0] == pytest.approx(1e-3 / 25)
    assert rates[-1] == pytest.approx(1e-8)
    # Half way down it is half.
    assert learning_rate(recipe, 500 + peak // 2, 1000) == pytest.approx(5e-4, rel=1e-3)


@pytest.mark.parametrize("cycles", [1, 3, 4])
def test_the_cyclic_learning_rate_has_peaks_of_half_the_height(cycles: int) -> None:
    recipe = parse_recipe({**LEAST, "schedule": "cyclic", "cycles": cycles})
    low = 1e-3 / 25
    for cycle in range(cycles):
        assert learning_rate(recipe, 100 * cycle, 100 * cycles) == pytest.approx(low)
        assert learning_rate(recipe, 100 * cycle + 50, 100 * cycles) == pytest.approx(low + (1e-3 - low) / 2**cycle)
        assert learning_rate(recipe, 100 * cycle + 25, 100 * cycles) == pytest.approx(
            low + (1e-3 - low) / 2 ** (cycle + 1)
        )
    assert learning_rate(recipe, 100, 100) == pytest.approx(low)


def test_the_other_schedules() -> None:
    constant = parse_recipe({**LEAST, "schedule": "constant"})
    assert {learning_rate(constant, step, 100) for step in range(100)} == {1e-3}
    steps = parse_recipe({**LEAST, "schedule": "multi_step", "milestones": [10, 60], "gamma": 0.5})
    rates = [learning_rate(steps, step, 100) for step in (0, 9, 10, 59, 60, 99)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 2.5e-4])
    gaze = parse_recipe({**LEAST, "schedule": "triangular", "cycles": 2, "learning_rate": 3e-2})
    rates = [learning_rate(gaze, epoch, 96) for epoch in (0, 20, 40, 60, 80, 88, 96)]
    assert rates == pytest.approx([3e-3, 3e-2, 3e-3, 3e-2, 3e-3, 1.65e-3, 3e-4])


def test_patience_counts_rounds_without_a_fall() -> None:
    rows = [{"loss": loss} for loss in (1.0, 0.5, 0.4995, 0.4992)]
    assert not no_longer_falls(rows[:3], 2, 1e-3)
    assert no_longer_falls(rows, 2, 1e-3)
    assert not no_longer_falls(rows, 2, 1e-4)
    assert not no_longer_falls(rows * 9, 0, 1e-3)
    assert not no_longer_falls([], 1, 0.0)


def test_the_average_follows_its_formula() -> None:
    network, place = Tiny(), Place(0, 100, 100)
    average = Average(network, 0.5, place)
    expected = {name: value.clone() for name, value in network.state_dict().items()}
    for step in range(20):
        place.step = step
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        network.norm.num_batches_tracked += 1  # pyright: ignore[reportOperatorIssue]
        average.after_step()
        decay = min(0.5, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            blend = decay * expected[name] + (1 - decay) * value
            expected[name] = blend if value.is_floating_point() else value.clone()
    for name, value in expected.items():
        assert torch.allclose(average.values[name], value, atol=1e-5), name
    assert average.values["norm.num_batches_tracked"] == 20


def test_lending_the_average_changes_nothing_in_the_end() -> None:
    network = Tiny()
    average = Average(network, 0.9, Place(0, 10, 10))
    with torch.no_grad():
        network.hidden.weight.add_(1.0)
    before = copy.deepcopy(network.state_dict())
    lent = {name: value.clone() for name, value in average.values.items()}
    average.before_validate()
    assert all(torch.equal(value, lent[name]) for name, value in network.state_dict().items())
    average.after_validate()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(torch.equal(value, lent[name]) for name, value in average.values.items())


def test_a_round_in_words() -> None:
    text = Round(10, 40, 0.01234, 0.02, 27.345, 12.34, 3600.0).text()
    assert text == "step 10 of 40: loss 0.01234, validation 0.02, 27.34 dB, 12.3 samples/s, 60 min left"
    assert "dB" not in Round(10, 40, 0.1, 0.2, math.nan, 1.0, 5.0).text()
