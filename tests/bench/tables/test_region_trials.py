"""Trials of the choice of regions: damage is where it is said to be, and the sharp region is chosen."""

from dataclasses import replace

import numpy as np
import pytest
import skimage.data

from mfrec.bench.run import truth_frames
from mfrec.bench.tables.region_trials import RegionTrial, damaged, draw_trial, faces_of, run_trial, surroundings
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
    trial = draw_trial("seq_1", 5, 64, np.random.default_rng(4))
    assert [damage is None for damage in trial.damage] == [i == trial.sharp for i in range(5)]
    files = damaged(trial, [TRUTH] * 5, [landmarks] * 5)
    assert len({*files}) >= 4
    assert files[trial.sharp] == damaged(replace(trial, damage=(None,) * 5), [TRUTH] * 5, [landmarks] * 5)[0]


def test_a_trial_can_be_made_again_from_its_record(landmarks):
    for seed in range(3):
        trial = draw_trial("seq_1", 5, 32, np.random.default_rng(seed))
        read = RegionTrial.from_json(trial.to_json())
        assert read == trial
        assert damaged(read, [TRUTH] * 5, [landmarks] * 5) == damaged(trial, [TRUTH] * 5, [landmarks] * 5)


def test_the_draws_are_those_of_earlier_tables():
    """Measured before drawing and damaging were parted, at commit 3f52e08."""
    rng = np.random.default_rng(7)
    trial = draw_trial("seq_1", 7, 64, rng)
    assert (trial.region, trial.sharp) == (Region.L_LIP, 4)
    assert rng.random() == 0.9889601476818849


def test_damage_covers_the_region_and_stays_near_it(landmarks):
    mask = surroundings(TRUTH, landmarks, Region.NOSE)
    region = label_regions((256, 256), landmarks).labels == Region.NOSE
    assert mask[region].min() > 0.6
    eye = np.rint(landmarks.points[36]).astype(int)
    assert mask[eye[1], eye[0]] < 0.1
    assert mask.max() <= 1


def test_a_trial_of_the_filmed_portrait(filmed_sequences):
    truths = truth_frames(TruthSequence("seq_1", filmed_sequences / "seq_1", "astronaut"))
    faces = faces_of(truths)
    assert faces is not None
    outcome = run_trial(draw_trial("seq_1", len(truths), 64, np.random.default_rng(2)), truths, faces)
    assert outcome is not None
    assert outcome.right or outcome.refused
    assert all(0.001 < expected < 0.5 and 0.001 < true < 0.5 for expected, true in outcome.errors)
