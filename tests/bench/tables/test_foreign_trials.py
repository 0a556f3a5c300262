"""Trials of the identity gate: what is counted, and that a stranger is left out."""

import numpy as np
import pytest
import skimage.data

from mfrec.bench.run import film_sequences
from mfrec.bench.tables.foreign_trials import Outcome, foreign_trials, run_trial
from mfrec.errors import InputError
from mfrec.image.geometry import resize
from mfrec.imageio.sequences import TruthSequence

ASTRONAUT = (skimage.data.astronaut()[:200, 130:330] / 255).astype(np.float32)
CAMERAMAN = np.dstack([skimage.data.camera()[80:234, 150:304] / 255] * 3).astype(np.float32)


def small(image, shift):
    return np.clip(resize(np.roll(image, shift, axis=1), 64, 64, interpolation="area"), 0, 1)


def test_a_stranger_is_left_out_and_nobody_else():
    frames = [small(ASTRONAUT, shift) for shift in (-4, -2, 0, 2, 4)]
    assert run_trial(frames) == ()
    assert run_trial([*frames[:2], small(CAMERAMAN, 0), *frames[3:]]) == (2,)


def test_no_face_at_all_is_nobody_kept():
    assert run_trial([np.zeros((32, 32, 3), np.float32)] * 3) == (0, 1, 2)


def test_found_and_false_alarm_are_counted_apart():
    assert Outcome("a", "b", 2, (2,)).found
    assert not Outcome("a", "b", 2, (2,)).false_alarm
    assert Outcome("a", "b", 2, (1, 2)).false_alarm
    assert not Outcome("a", "b", 2, (1,)).found
    assert Outcome("a", "", None, (3,)).false_alarm
    assert not Outcome("a", "", None, ()).found


def test_one_person_is_too_few(tmp_path):
    film_sequences(tmp_path, count=1)
    with pytest.raises(InputError, match="two people"):
        foreign_trials([TruthSequence("seq_1", tmp_path / "seq_1", "astronaut")], 64, 1, 0)
