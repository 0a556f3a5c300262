"""Trials of the choice of regions: damage is where it is said to be, and the sharp region is chosen."""

import numpy as np
import pytest
import skimage.data

from mfrec.bench.run import film_sequences
from mfrec.bench.tables.region_trials import draw_trial, run_trial, surroundings
from mfrec.face.detect import detect_faces
from mfrec.face.landmarks import detect_landmarks
from mfrec.face.region_labels import label_regions
from mfrec.imageio.sequences import TruthSequence
from mfrec.types import Region

TRUTH = (skimage.data.astronaut()[:256, 96:352] / 255).astype(np.float32)


@pytest.fixture(scope="module")
def landmarks():
    return detect_landmarks(TRUTH, max(detect_faces(TRUTH), key=lambda face: face.side).box)


def test_one_frame_is_spared_and_all_others_are_damaged(landmarks):
    trial = draw_trial([TRUTH] * 5, [landmarks] * 5, 64, np.random.default_rng(4))
    assert [not said for said in trial.damage] == [i == trial.sharp for i in range(5)]
    assert len({*trial.files}) >= 4
    again = draw_trial([TRUTH] * 5, [landmarks] * 5, 64, np.random.default_rng(4))
    assert again.files == trial.files


def test_damage_covers_the_region_and_stays_near_it(landmarks):
    mask = surroundings(TRUTH, landmarks, Region.NOSE)
    region = label_regions((256, 256), landmarks).labels == Region.NOSE
    assert mask[region].min() > 0.6
    eye = np.rint(landmarks.points[36]).astype(int)
    assert mask[eye[1], eye[0]] < 0.1
    assert mask.max() <= 1


def test_a_trial_of_the_filmed_portrait(tmp_path):
    film_sequences(tmp_path, count=1)
    outcome = run_trial(TruthSequence("seq_1", tmp_path / "seq_1", "astronaut"), 64, seed=2)
    assert outcome is not None
    assert outcome.right or outcome.refused
    assert all(0.001 < expected < 0.5 and 0.001 < true < 0.5 for expected, true in outcome.errors)
