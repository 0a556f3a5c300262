"""Trials of the identity gate: what is counted, and that a stranger is left out."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from mfrec.bench.run import film_sequences
from mfrec.bench.tables.foreign_trials import ForeignTrial, Outcome, draw_trial, foreign_trials, left_out_of, run_trial
from mfrec.errors import InputError
from mfrec.image.geometry import resize
from mfrec.imageio.sequences import TruthSequence

ASTRONAUT = (skimage.data.astronaut()[:200, 130:330] / 255).astype(np.float32)
CAMERAMAN = np.dstack([skimage.data.camera()[80:234, 150:304] / 255] * 3).astype(np.float32)


def small(image, shift):
    return np.clip(resize(np.roll(image, shift, axis=1), 64, 64, interpolation="area"), 0, 1)


def test_a_stranger_is_left_out_and_nobody_else():
    frames = [small(ASTRONAUT, shift) for shift in (-4, -2, 0, 2, 4)]
    assert left_out_of(frames) == ()
    assert left_out_of([*frames[:2], small(CAMERAMAN, 0), *frames[3:]]) == (2,)


def test_no_face_at_all_is_nobody_kept():
    assert left_out_of([np.zeros((32, 32, 3), np.float32)] * 3) == (0, 1, 2)


def test_found_and_false_alarm_are_counted_apart():
    mixed = ForeignTrial("a", "b", 64, 2, 0, (50, 60, 70))
    clean = replace(mixed, other="", foreign=None, theirs=None)
    assert Outcome(mixed, (2,)).found
    assert not Outcome(mixed, (2,)).false_alarm
    assert Outcome(mixed, (1, 2)).false_alarm
    assert not Outcome(mixed, (1,)).found
    assert Outcome(clean, (3,)).false_alarm
    assert not Outcome(clean, ()).found


def test_a_trial_can_be_run_again_from_its_record(tmp_path):
    film_sequences(tmp_path, count=2)
    both = [TruthSequence(name, tmp_path / name, name) for name in ("seq_1", "seq_2")]
    rng = np.random.default_rng(7)
    trial = draw_trial(both[0], both[1:], 32, rng)
    assert (trial.foreign, trial.theirs, trial.quality) == (
        6,
        4,
        (71, 84, 65, 77, 80, 43, 33),
    )  # at 3f52e08, as what follows
    assert rng.random() == 0.8735534453962619
    read = ForeignTrial.from_json(trial.to_json())
    assert read == trial
    by_name = {sequence.name: sequence for sequence in both}
    assert run_trial(read, by_name) == run_trial(trial, by_name)


def test_one_person_is_too_few(filmed_sequences):
    with pytest.raises(InputError, match="two people"):
        foreign_trials([TruthSequence("seq_1", filmed_sequences / "seq_1", "astronaut")], 64, 1, 0)
