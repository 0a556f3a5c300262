"""Labels drawn from landmarks, on small grids and through a registration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from labelled_portraits import ColourParser, portrait
from schematic_face import SWAP, area, face, mirrored
from small_networks import small_parser

from mfrec.errors import UsageError
from mfrec.face.region_labels import carry_regions, label_regions
from mfrec.face.regions import outlines
from mfrec.image.geometry import identity_map
from mfrec.pipeline import Run
from mfrec.stages.parse import Parse
from mfrec.types import Canvas, FaceTrack, Frame, Landmarks, Observation, Region, RegionMasks, Registration

POLYGONS = Parse(method="polygons")


def frame(index: int, size: int = 32) -> Frame:
    return Frame(np.full((size, size, 3), 0.5, np.float32), index, f"array {index}")


def registered(canvas: Canvas, size: int, shift: float = 0.0, trust: float = 1.0) -> Registration:
    """A frame whose pixel ``x`` shows what the reference shows at ``x - shift``."""
    height, width = canvas.shape
    step = np.array((shift, 0))
    look_up = (canvas.from_reference.inverse().apply(identity_map(height, width)) + step).astype(np.float32)
    landing = canvas.from_reference.apply(identity_map(size, size) - step).astype(np.float32)
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    return Registration(look_up, landing, np.full((height, width), trust, np.float32), one, zero, 0.0, 0.0, 0.0)


def test_labels_and_confidence_have_the_pictures_shape_and_range() -> None:
    masks = label_regions((40, 32), face(32))
    assert masks.labels.shape == masks.confidence.shape == (40, 32)
    assert masks.confidence.min() >= 0 and masks.confidence.max() <= 1
    assert {Region.SKIN, Region.NOSE, Region.L_EYE, Region.R_EYE, Region.U_LIP, Region.L_LIP} <= set(
        masks.labels.ravel()
    )


@pytest.mark.parametrize("size", [32, 64])
def test_a_small_picture_gets_what_a_large_one_says_in_the_majority(size: int) -> None:
    large = label_regions((512, 512), face(512)).labels
    small = label_regions((size, size), face(size)).labels
    parts = 512 // size
    blocks = large.reshape(size, parts, size, parts)
    shares = np.stack([(blocks == label).mean(axis=(1, 3)) for label in range(19)])
    clear = shares.max(axis=0) > 0.6
    assert np.mean(shares.argmax(axis=0)[clear] == small[clear]) > 0.99


def test_confidence_is_the_share_of_the_pixel() -> None:
    masks = label_regions((32, 32), face(32))
    inside = np.zeros((32, 32), bool)
    inside[28, 13:19] = True  # the chin: nothing but skin
    assert (masks.labels[inside] == Region.SKIN).all() and (masks.confidence[inside] == 1).all()
    border = (masks.labels[:, 1:] != masks.labels[:, :-1]).any()
    assert border and masks.confidence[masks.mask(Region.L_EYE)].min() < 1


def test_hair_and_neck_are_less_sure_than_what_landmarks_outline() -> None:
    masks = label_regions((200, 160), Landmarks(face(100).points + 40))
    assert (
        0
        < masks.confidence[masks.mask(Region.HAIR, Region.NECK)].max()
        < masks.confidence[masks.mask(Region.NOSE)].max()
    )


def test_the_sum_of_the_eyes_pixels_is_the_area_of_their_outline() -> None:
    expected = area(outlines(face(256))[Region.L_EYE])
    for size in (64, 256):
        found = label_regions((size, size), face(size)).mask(Region.L_EYE).sum() * (256 / size) ** 2
        assert found == pytest.approx(expected, rel=0.12)


def test_mirrored_input_gives_mirrored_labels() -> None:
    here = label_regions((64, 64), face(64)).labels
    there = label_regions((64, 64), mirrored(face(64), 64)).labels[:, ::-1]
    swapped = here.copy()
    for region, twin in SWAP.items():
        swapped[here == region] = twin
    assert np.mean(swapped == there) > 0.98
    for region in SWAP:
        assert (swapped == region).sum() == pytest.approx((there == region).sum(), abs=4)


def test_a_region_below_the_least_area_counts_as_unseen() -> None:
    assert Region.L_EYE in label_regions((64, 64), face(64), min_area=0.001).labels
    coarse = label_regions((64, 64), face(64), min_area=0.02)
    assert not {Region.L_EYE, Region.R_EYE} & {Region(v) for v in np.unique(coarse.labels)}
    x, y = np.rint(face(64).right_eye).astype(int)
    assert coarse.labels[y, x] == Region.SKIN


def test_closed_lips_leave_no_gap() -> None:
    points = face(64).points.copy()
    points[[65, 66, 67]] = points[[63, 62, 61]]
    masks = label_regions((64, 64), Landmarks(points))
    assert not masks.mask(Region.MOUTH).any()
    columns = masks.labels[:, 26:38]
    for column in columns.T:
        lips = np.flatnonzero(np.isin(column, [Region.U_LIP, Region.L_LIP]))
        assert len(lips) == lips[-1] - lips[0] + 1


def test_a_face_outside_of_the_picture_leaves_background() -> None:
    masks = label_regions((32, 32), Landmarks(face(32).points + 500))
    assert (masks.labels == Region.BACKGROUND).all() and (masks.confidence == 1).all()


def test_carrying_without_motion_changes_nothing() -> None:
    masks = label_regions((64, 64), face(64))
    carried = carry_regions(masks, identity_map(64, 64))
    np.testing.assert_array_equal(carried.labels, masks.labels)
    np.testing.assert_allclose(carried.confidence, masks.confidence, atol=1e-6)


def test_carried_masks_know_nothing_beyond_their_border() -> None:
    masks = RegionMasks(np.full((8, 8), Region.SKIN), np.ones((8, 8), np.float32))
    carried = carry_regions(masks, identity_map(8, 8) + np.float32(20))
    assert (carried.labels == Region.BACKGROUND).all() and (carried.confidence == 0).all()


def test_a_frame_without_landmarks_gets_the_references_masks_where_it_shows_them() -> None:
    canvas = Canvas(0, 0, 32, 32, 4)
    reference = Observation(frame(0), landmarks=face(32), registration=registered(canvas, 32))
    shifted = Observation(frame(1), registration=registered(canvas, 32, shift=3.0, trust=0.5))
    track = FaceTrack((reference, shifted), reference=0, canvas=canvas)
    out = POLYGONS(track, Run())
    a, b = (o.regions for o in out.observations)
    assert a is not None and b is not None
    np.testing.assert_array_equal(b.labels[:, 4:], a.labels[:, 1:-3])
    assert b.confidence.max() <= 0.5 < a.confidence.max()


def test_a_carried_mask_lies_at_its_window() -> None:
    canvas = Canvas(0, 0, 32, 32, 4)
    reference = Observation(frame(0), landmarks=face(32), registration=registered(canvas, 32))
    cut = registered(canvas, 32)
    cut = replace(cut, landing=cut.landing[8:24, 8:32], window=(8, 8))
    out = POLYGONS(FaceTrack((reference, Observation(frame(1), registration=cut)), reference=0, canvas=canvas), Run())
    a, b = (o.regions for o in out.observations)
    assert a is not None and b is not None
    np.testing.assert_array_equal(b.labels[8:24, 8:32], a.labels[8:24, 8:32])
    assert (b.confidence[:8] == 0).all() and (b.labels[:, :8] == Region.BACKGROUND).all()


def test_a_small_face_in_a_large_frame_is_labelled_like_the_same_face_in_a_crop() -> None:
    crop = label_regions((64, 64), face(32))
    large = label_regions((720, 1280), Landmarks(face(32).points + np.array((600, 300), np.float32)))
    np.testing.assert_array_equal(large.labels[300:364, 600:664], crop.labels)
    assert (large.labels[:250] == Region.BACKGROUND).all()


def test_without_landmarks_or_registration_nothing_is_known() -> None:
    out = POLYGONS(FaceTrack((Observation(frame(0), landmarks=face(32)), Observation(frame(1)))), Run())
    unknown = out.observations[1].regions
    assert unknown is not None
    assert (unknown.labels == Region.BACKGROUND).all() and (unknown.confidence == 0).all()


def test_the_input_is_unchanged() -> None:
    track = FaceTrack((Observation(frame(0), landmarks=face(32)),), reference=0)
    before = replace(track)
    out = POLYGONS(track, Run())
    assert track.observations is before.observations and track.observations[0].regions is None
    assert out is not track and out.observations[0].regions is not None


# --- by the network ----------------------------------------------------------------------------------------


def looked_at(size: int = 64) -> FaceTrack:
    """The schematic portrait, and a frame of it without landmarks."""
    picture = portrait(size)[0].astype(np.float32) / np.float32(255)
    canvas = Canvas(0, 0, size, size, 4)
    there = registered(canvas, size)
    one = Observation(Frame(picture, 0, "a"), landmarks=face(size), registration=there)
    other = Observation(Frame(picture, 1, "b"), registration=there)
    return FaceTrack((one, other), reference=0, canvas=canvas)


def test_the_network_labels_what_has_landmarks_and_its_masks_are_carried() -> None:
    out = Parse(side=128)(looked_at(), Run(load=lambda _: ColourParser().eval()))
    a, b = (o.regions for o in out.observations)
    assert a is not None and b is not None
    assert (a.source, a.why) == ("parser", "")
    assert b.source == "parser" and "carried from the reference" in b.why
    truth = portrait(64)[1]
    for region in (Region.SKIN, Region.NOSE, Region.HAIR, Region.L_EYE, Region.R_EYE, Region.U_LIP):
        both, either = (a.labels == region) & (truth == region), (a.labels == region) | (truth == region)
        assert both.sum() / either.sum() > 0.7, region


def test_a_network_that_finds_no_face_is_not_believed_and_the_masks_say_so() -> None:
    out = Parse()(looked_at(), Run(load=lambda _: small_parser()))
    found = out.observations[0].regions
    expected = label_regions((64, 64), face(64))
    assert found is not None
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.source == "landmarks"
    assert "the network 'parser' contradicts the landmarks" in found.why and "used instead" in found.why


def test_polygons_load_no_network() -> None:
    def refuse(card: str) -> None:
        raise AssertionError(card)

    out = POLYGONS(looked_at(), Run(load=refuse))
    found = out.observations[0].regions
    assert found is not None and (found.source, found.why) == ("landmarks", "")


def test_naming_regions_makes_no_pixel() -> None:
    assert not Parse.learned


def test_parameters_are_checked() -> None:
    with pytest.raises(UsageError, match="side"):
        Parse(side=16)
