"""Bringing a face into another pose: nothing happens without a turn, hidden skin is not shown, and doubt refuses."""

import numpy as np
import pytest
import schematic_face

from mfrec.bench.tables.repose_trials import PARTS, ReposeTrial, damage, put_in, run_trial, trials_of, usable
from mfrec.face.region_labels import label_regions
from mfrec.face.regions import FACE
from mfrec.face.surface import fit, pose_gap, surface
from mfrec.image.filters import gaussian
from mfrec.image.geometry import fit_similarity, similarity_map, warp
from mfrec.metrics.psnr import psnr
from mfrec.repose.align_and_blend import align_and_blend
from mfrec.repose.delaunay import delaunay
from mfrec.repose.detail import NEARBY, believed, fitting_blur, with_detail
from mfrec.repose.mesh import agreement, as_blurred, correspondence, frontal, mesh
from mfrec.repose.procrustes import ALIGNED, fitted, procrustes
from mfrec.repose.refusal import refuse, unlikeness
from mfrec.types import Landmarks, Region, Reposed

METHODS = (align_and_blend, delaunay, procrustes, mesh)


@pytest.fixture(scope="module")
def ahead(turned):
    return turned["yaw 0, pitch 0"]


@pytest.fixture(scope="module")
def aside(turned):
    return turned["yaw 22, pitch 0"]


NOWHERE = np.zeros((256, 256, 2), np.float32)
EVERYWHERE = np.ones((256, 256), np.float32)


def masks_of(a, b):
    return label_regions(a.image.shape[:2], a.landmarks), label_regions(b.image.shape[:2], b.landmarks)


@pytest.mark.parametrize("method", METHODS)
def test_no_difference_of_pose_is_the_identity(method, ahead):
    before = ahead.image.copy()
    points, masks = (ahead.landmarks, ahead.landmarks), masks_of(ahead, ahead)
    made = method(ahead.image, ahead.image, points, masks)
    face = masks[1].mask(*FACE) & (made.validity > 0.5)
    assert face.sum() > 0.4 * masks[1].mask(*FACE).sum()
    # align_and_blend reads everything twice, which costs some detail.
    assert psnr(made.image[face][None], ahead.image[face][None]) > (28 if method is align_and_blend else 40)
    assert np.array_equal(ahead.image, before), "the input is untouched"
    assert made.validity.min() >= 0 and made.validity.max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_what_was_not_carried_is_the_target(method, ahead, aside):
    made = method(aside.image, ahead.image, (aside.landmarks, ahead.landmarks), masks_of(aside, ahead))
    nothing = made.validity == 0
    assert nothing.any() and np.array_equal(made.image[nothing], ahead.image[nothing])


def test_the_mesh_follows_a_turned_head_better_than_a_similarity(ahead, aside):
    points, masks = (aside.landmarks, ahead.landmarks), masks_of(aside, ahead)
    made = mesh(aside.image, ahead.image, points, masks)
    look_up = similarity_map(fit_similarity(points[1].points, points[0].points), 256, 256)
    plain = np.clip(warp(aside.image, look_up), 0, 1)
    face = masks[1].mask(*FACE) & (made.validity > 0.25)
    assert face.sum() > 0.5 * masks[1].mask(*FACE).sum()
    gain = psnr(made.image[face][None], ahead.image[face][None]) - psnr(plain[face][None], ahead.image[face][None])
    assert gain > 2


def test_hidden_surface_has_no_validity():
    s = surface()
    angle = np.radians(50)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    points = s.marks @ s.mean

    def face_at(rotation):
        return Landmarks(((points @ rotation.T)[:, :2] * 50 + 110).astype(np.float32))

    turned, ahead = fit([face_at(turn), face_at(np.eye(3))])
    look_up, validity = correspondence(turned, ahead, (220, 220), (220, 220))
    cheeks = (s.marks @ ahead.vertices)[[2, 14], :2]
    middle = (s.marks @ ahead.vertices)[30, :2]
    visible = [validity[tuple(np.rint(0.85 * cheek + 0.15 * middle).astype(int)[::-1])] for cheek in cheeks]
    assert min(visible) == 0, "the cheek that is turned away"
    assert max(visible) > 0.5, "the other"
    assert np.isfinite(look_up).all()


def test_the_frontal_view_of_a_turned_head_is_symmetric_about_its_middle(aside):
    made = frontal(aside.image, aside.landmarks, 128)
    assert made.image.shape == (128, 128, 3)
    assert (made.image[made.validity == 0] == 0).all()
    columns = np.nonzero(made.validity > 0.5)[1]
    assert abs(columns.mean() - 63.5) < 10
    assert (made.validity > 0.5).mean() > 0.2


def refusal(source, target, part="nose", reposed=None):
    points = (source.landmarks, target.landmarks)
    _, where = damage(target.image, target.landmarks, part)
    if reposed is None:
        reposed = mesh(source.image, target.image, points, masks_of(source, target))
    here, there = fit(points)
    return refuse(part, reposed, target.image, where, faces=(here, there), unit=target.landmarks.interocular)


def test_a_face_that_fits_is_taken_and_another_thing_is_refused(ahead, turned):
    near = turned["yaw 6, pitch 3"]
    for part in PARTS:
        assert not refusal(near, ahead, part)
    other = Reposed(np.flipud(ahead.image), EVERYWHERE, NOWHERE)
    refused = refusal(near, ahead, "mouth", other)
    assert refused and not refused.hidden and "another expression" in refused.text
    nowhere = Reposed(ahead.image, 0 * EVERYWHERE, NOWHERE)
    assert refusal(near, ahead, "mouth", nowhere).hidden


def test_too_far_a_turn_is_refused_with_its_angle():
    s = surface()
    angle = np.radians(50)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    points = s.marks @ s.mean
    there, here = fit([Landmarks(((points @ r.T)[:, :2] * 50 + 110).astype(np.float32)) for r in (turn, np.eye(3))])
    assert pose_gap(here, there) > 40
    blank = Reposed(NOWHERE[:8, :8, [0, 0, 0]], EVERYWHERE[:8, :8], NOWHERE[:8, :8])
    refused = refuse("nose", blank, np.zeros((8, 8, 3), np.float32), np.ones((8, 8), bool), faces=(here, there), unit=3)
    assert refused.hidden and "degrees" in refused.text


def test_blur_of_the_target_is_no_unlikeness(ahead):
    where = masks_of(ahead, ahead)[0].mask(*FACE)
    unit = ahead.landmarks.interocular
    same = Reposed(ahead.image, EVERYWHERE, NOWHERE)
    assert unlikeness(same, ahead.image, where, unit) < 0.02
    assert unlikeness(same, gaussian(ahead.image, 0.08 * unit), where, unit) < 0.1
    assert unlikeness(same, np.ascontiguousarray(ahead.image[:, ::-1]), where, unit) > 0.3
    unseen = Reposed(same.image, np.zeros_like(same.validity), same.look_up)
    assert unlikeness(unseen, ahead.image, where, unit) == np.inf


def test_trials_lie_in_their_bins_and_damage_stays_in_its_place(turned, ahead):
    pictures = list(turned.values())
    trials = trials_of(pictures, 4)
    assert {trial.part for trial in trials} == set(PARTS)
    assert all(trial.a != trial.b and trial.gap < 35 for trial in trials)
    spoilt, where = damage(ahead.image, ahead.landmarks, "eyes")
    far = gaussian(where.astype(np.float32), 6) == 0
    assert far.any() and np.allclose(spoilt[far], ahead.image[far], atol=1e-6)
    assert np.abs(spoilt - ahead.image)[where].mean() > 0.01
    truth = Reposed(ahead.image, EVERYWHERE, NOWHERE)
    unit = ahead.landmarks.interocular
    mended = put_in(spoilt, truth, where, unit)
    assert psnr(mended, ahead.image) > psnr(spoilt, ahead.image) + 5
    unlit = Reposed(np.clip(0.8 * ahead.image + 0.1, 0, 1), EVERYWHERE, NOWHERE)
    assert psnr(put_in(spoilt, unlit, where, unit), ahead.image) > psnr(spoilt, ahead.image) + 3


@pytest.mark.usefixtures("hasty_drawing")
def test_a_trial_is_run_again_from_its_record(turned):
    named = {picture.name: picture for picture in turned.values()}
    methods, _ = usable()
    trial = trials_of(list(turned.values()), 1)[0]
    read = ReposeTrial.from_json(trial.to_json())
    assert read == trial
    first, again = (run_trial(one, named[one.a], named[one.b], methods) for one in (trial, read))
    assert first == again and first[0].trial == trial


def test_detail_leaves_what_the_blurred_target_shows(ahead, turned):
    """The same scene, another light, and another scene: blurred again, all are the target; a sharp target stays."""
    unit = ahead.landmarks.interocular
    soft = gaussian(ahead.image, 0.08 * unit)
    where = masks_of(ahead, ahead)[0].mask(*FACE)
    assert fitting_blur(ahead.image, soft, where, unit) == pytest.approx((0.08 * unit, 0), abs=2e-3)
    assert psnr(with_detail(soft, ahead.image, where, unit)[where][None], ahead.image[where][None]) > 45
    dim = with_detail(soft, (0.7 * ahead.image).astype(np.float32), where, unit)
    assert psnr(dim[where][None], ahead.image[where][None]) > psnr(soft[where][None], ahead.image[where][None]) + 2
    other = turned["yaw 22, pitch 0"].image
    changed = gaussian(with_detail(soft, other, where, unit) - soft, 0.16 * unit)
    assert np.abs(changed[where]).mean() < 0.5 * np.abs(gaussian(other - soft, 0.16 * unit)[where]).mean()
    assert with_detail(ahead.image, soft, where, unit) is ahead.image
    assert with_detail(soft, ahead.image, np.zeros_like(where), unit) is soft


def test_detail_is_added_where_the_target_agrees_with_what_lies_below_it(ahead):
    """One half of the face agrees, the other is turned upside down: it is believed less, and gives less."""
    unit = ahead.landmarks.interocular
    where = masks_of(ahead, ahead)[0].mask(*FACE)
    left = np.arange(256) < ahead.landmarks.points[30, 0]
    wrong = np.where(left[None, :, None], ahead.image, np.flipud(ahead.image))
    soft = gaussian(ahead.image, 0.08 * unit)
    share = believed(gaussian(wrong, 0.08 * unit), soft, 0.16 * unit, NEARBY * unit)
    assert share.min() >= 0 and share.max() <= 1
    assert share[where & left].mean() > 0.8
    assert share[where & ~left].mean() < 0.5
    nothing = np.full_like(soft, 0.5)
    assert np.all(believed(nothing, soft, 0.16 * unit, NEARBY * unit) < 0.01), "what has no detail explains none"


def test_versions_are_believed_as_far_as_their_detail_agrees(ahead):
    unit, image = ahead.landmarks.interocular, ahead.image
    where = masks_of(ahead, ahead)[0].mask(*FACE)
    assert agreement([image, image, image], unit)[where].min() > 0.999
    shifted = [np.roll(image, round(shift * unit), axis=1) for shift in (-0.1, 0.0, 0.1)]
    little = [np.roll(image, shift, axis=1) for shift in (-1, 0, 1)]
    features = masks_of(ahead, ahead)[0].mask(Region.L_EYE, Region.R_EYE, Region.MOUTH, Region.NOSE)
    assert agreement(little, unit)[features].mean() > 0.8
    assert agreement(shifted, unit)[features].mean() < 0.3


def test_a_picture_is_blurred_where_the_target_is(ahead):
    unit = ahead.landmarks.interocular
    left = (np.arange(256) < ahead.landmarks.points[30, 0])[None, :, None]
    target = np.where(left, ahead.image, gaussian(ahead.image, 0.12 * unit))
    made = as_blurred(ahead.image, target, unit)
    where = masks_of(ahead, ahead)[0].mask(*FACE)
    before, after = (psnr(one[where][None], target[where][None]) for one in (ahead.image, made))
    assert after > before + 6
    assert np.abs(as_blurred(ahead.image, ahead.image, unit) - ahead.image).max() < 1e-6


def test_views_from_the_same_side_show_what_is_beside_the_face(ahead):
    """Without a turn nothing is hidden, so a feature near the hair is carried over whole."""
    made = mesh(ahead.image, ahead.image, (ahead.landmarks, ahead.landmarks), masks_of(ahead, ahead))
    _, where = damage(ahead.image, ahead.landmarks, "eyes")
    assert made.validity[where].min() > 0.9


def test_procrustes_finds_a_similarity_again_and_a_mirrored_face_is_only_turned(ahead):
    points = ahead.landmarks.points[list(ALIGNED)].astype(np.float64)
    angle = np.radians(30)
    turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = fitted(points, points @ turn.T + [5, -9])
    np.testing.assert_allclose(found.matrix, np.column_stack([turn, [5, -9]]), atol=1e-9)
    mirrored = fitted(points, points * [-1, 1])
    assert np.linalg.det(mirrored.matrix[:, :2]) > 0


def test_procrustes_takes_the_features_and_the_targets_colours(ahead, aside):
    """Darker and redder, the same face ends up as bright as the target; hair and neck stay the target's."""
    dark = np.clip(aside.image * np.array([0.8, 0.5, 0.5]), 0, 1).astype(np.float32)
    masks = masks_of(aside, ahead)
    made = procrustes(dark, ahead.image, (aside.landmarks, ahead.landmarks), masks)
    features = masks[1].mask(Region.L_EYE, Region.R_EYE, Region.NOSE, Region.U_LIP, Region.L_LIP)
    assert made.validity[features].min() > 0.99
    assert made.validity[masks[1].mask(Region.HAIR, Region.NECK)].mean() < 0.05
    wanted, found = ahead.image[features].mean(axis=0), made.image[features].mean(axis=0)
    np.testing.assert_allclose(found, wanted, atol=0.06)
    assert np.abs(made.image - ahead.image)[features].mean() > 0.01, "it is the other picture that is seen"


def test_landmarks_that_are_no_face_are_an_error(ahead):
    line = Landmarks(np.column_stack([np.arange(68.0), np.zeros(68)]).astype(np.float32))
    for method in (delaunay, mesh):
        with pytest.raises(ValueError, match="no face"):
            method(ahead.image, ahead.image, (ahead.landmarks, line), masks_of(ahead, ahead))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("side", "shift"), [(100, 60), (100, 95), (100, 200), (12, 0), (8, 0)])
def test_a_face_partly_or_wholly_outside_or_of_a_few_pixels_is_no_crash(method, side, shift):
    image = np.random.default_rng(0).random((side, side, 3)).astype(np.float32)
    points = schematic_face.face(side)
    moved = Landmarks(points.points + np.float32(shift))
    masks = label_regions((side, side), points), label_regions((side, side), moved)
    made = method(image, image, (points, moved), masks)
    assert np.isfinite(made.image).all() and np.isfinite(made.look_up).all()
    if shift > side:
        assert (made.validity == 0).all()
