"""What single frames give by hand: shares that sum to one at most, and each frame's light once."""

from __future__ import annotations

import numpy as np

from mfrec.fusion.by_hand import Given, given_maps, given_region, taken_by_hand
from mfrec.image.geometry import resize


def face_and_eye():
    """A reference, a darker frame of the same scene, and two regions of which one lies in the other."""
    noise = np.random.default_rng(0).random((12, 12, 3), np.float32)
    reference = np.clip(0.3 + 0.4 * resize(noise, 48, 48, interpolation="linear"), 0, 1)
    face, eye = np.zeros((48, 48), bool), np.zeros((48, 48), bool)
    face[8:40, 8:40], eye[16:24, 16:28] = True, True
    return reference, reference - np.float32(0.2), face, eye


def test_a_frame_that_gives_a_region_inside_of_another_is_lit_once():
    reference, dark, face, eye = face_and_eye()
    seen = np.ones(face.shape, np.float32)
    given = [given_region(1, region, seen, dark, reference, scale=2) for region in (face, eye)]
    share, light = given_maps(given, 3, face.shape)
    assert np.allclose(share[1][face], 1)
    assert np.abs((dark + light[1] - reference)[face]).max() < 0.01
    assert share[[0, 2]].max() == light[[0, 2]].max() == 0


def test_the_shares_of_all_frames_still_sum_to_one_and_the_given_region_is_whole():
    reference, dark, face, _ = face_and_eye()
    given = given_region(1, face, np.ones(face.shape, np.float32), dark, reference, scale=2)
    share, _ = given_maps([given], 3, face.shape)
    weight = np.random.default_rng(2).random((3, *face.shape), np.float32)
    taken = taken_by_hand(weight / weight.sum(axis=0), share)
    assert np.allclose(taken.sum(axis=0), 1, atol=1e-6)
    assert np.allclose(taken[:, face], np.array([0, 1, 0])[:, None], atol=1e-6)


def test_a_share_falls_over_half_the_radius_of_its_region_and_two_pixels_of_the_reference_at_least():
    reference, dark, face, _ = face_and_eye()
    small = np.zeros_like(face)
    small[20:23, 20:23] = True
    for region, scale, feather in ((face, 1, 8), (small, 3, 6)):  # half of 16 px, and two pixels of three
        share = given_region(0, region, np.ones(face.shape, np.float32), dark, reference, scale=scale).share
        beside = share[21, region[21].argmax() :: -1]  # from the region's left border outwards
        reach = int((beside > 0).sum()) - 1
        assert feather - 1 <= reach <= feather and (np.diff(beside) <= 0).all()


def test_a_later_region_lies_on_top_of_an_earlier_one():
    rng = np.random.default_rng(1)
    given = [Given(k, rng.random((5, 6), np.float32), rng.random((5, 6, 3), np.float32)) for k in (2, 0, 2)]
    share, light = given_maps(given, 3, (5, 6))
    first, second, third = (one.share for one in given)
    assert np.allclose(share.sum(axis=0), 1 - (1 - first) * (1 - second) * (1 - third), atol=1e-6)
    assert np.allclose(share[0], second * (1 - third), atol=1e-6)
    assert np.array_equal(light[0], given[1].light)
