"""Masks of the parser on frames of any size and turn, and the doubt about them. The parser here knows colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from labelled_portraits import ColourParser, portrait
from schematic_face import face

from mfrec.face.landmarks import read_aligned
from mfrec.face.parsing import UPRIGHT, believable, disagreements, on_frame, parse_faces, upright_crop
from mfrec.face.region_labels import label_regions
from mfrec.types import FloatArray, Landmarks, Region, RegionMasks

LEAST = {Region.SKIN: 0.85, Region.NOSE: 0.85, Region.L_EYE: 0.5, Region.R_EYE: 0.5, Region.U_LIP: 0.5}
"""Overlap to expect: where two colours mix, this parser finds a third, and an eye is mostly border."""


def parsed(image: FloatArray, landmarks: Landmarks, *, side: int = 128, min_area: float = 0.0) -> RegionMasks:
    (masks,) = parse_faces(ColourParser().eval(), [image], [landmarks], side=side, min_area=min_area, source="colours")
    return masks


def picture(size: int) -> FloatArray:
    return portrait(size)[0].astype(np.float32) / np.float32(255)


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize("size", [32, 64, 300])
def test_regions_lie_where_they_are_at_any_size(size: int) -> None:
    masks, truth = parsed(picture(size), face(size)), portrait(size)[1]
    assert masks.source == "colours" and masks.labels.shape == masks.confidence.shape == (size, size)
    assert masks.confidence.min() >= 0 and masks.confidence.max() <= 1
    found = {region: overlap(masks.labels == region, truth == region) for region in LEAST}
    assert all(found[region] > least for region, least in LEAST.items()), found


@pytest.mark.parametrize("angle", [-40, 25, 180])
def test_a_turned_face_is_seen_upright(angle: float) -> None:
    size = 96
    matrix = cv2.getRotationMatrix2D((47.5, 47.5), angle, 1.0)
    image = cv2.warpAffine(picture(size), matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    truth = cv2.warpAffine(portrait(size)[1], matrix, (size, size), flags=cv2.INTER_NEAREST)
    points = face(size).points @ matrix[:, :2].T + matrix[:, 2]
    turned = Landmarks(points.astype(np.float32))
    masks = parsed(np.asarray(image, np.float32), turned)
    found = {region: overlap(masks.labels == region, truth == region) for region in LEAST}
    assert all(found[region] > least - 0.1 for region, least in LEAST.items()), found
    crop = read_aligned(np.asarray(image, np.float32), upright_crop(turned, 96), 96)
    straight = read_aligned(picture(size), upright_crop(face(size), 96), 96)
    assert np.abs(crop - straight)[24:72, 24:72].mean() < 0.03


def test_eyes_and_mouth_lie_where_the_parser_expects_them() -> None:
    to_frame = upright_crop(Landmarks(3 * face(100).points + 7), 128)
    points = to_frame.inverse().apply(3 * face(100).points + 7)
    middles = [points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[48:60].mean(axis=0)]
    assert np.abs((np.array(middles) + 0.5) / 128 - UPRIGHT).max() < 0.06


def test_a_face_in_a_large_frame_is_labelled_like_alone_and_the_rest_is_unknown() -> None:
    frame = np.full((480, 640, 3), 0.5, np.float32)
    frame[200:264, 300:364] = picture(64)
    masks = parsed(frame, Landmarks(face(64).points + np.array((300, 200), np.float32)))
    alone = parsed(picture(64), face(64))
    inner = np.s_[10:54, 10:54]
    assert (masks.labels[200:264, 300:364][inner] == alone.labels[inner]).mean() > 0.99
    assert (masks.confidence[:100] == 0).all() and (masks.labels[:, :200] == Region.BACKGROUND).all()


def test_a_face_outside_of_the_frame_is_unknown() -> None:
    masks = parsed(picture(32), Landmarks(face(32).points + 500))
    assert (masks.confidence == 0).all() and (masks.labels == Region.BACKGROUND).all()


def test_confidence_is_lower_where_a_pixel_shows_two_regions() -> None:
    masks = parsed(picture(48), face(48))
    nose = masks.mask(Region.NOSE).astype(np.uint8)
    inside = cv2.erode(nose, np.ones((3, 3), np.uint8)) > 0
    border = (nose > 0) & ~inside
    assert masks.confidence[inside].mean() > masks.confidence[border].mean() + 0.05


def test_small_regions_count_as_unseen() -> None:
    every, few = parsed(picture(96), face(96)), parsed(picture(96), face(96), min_area=0.02)
    assert Region.L_EYE in every.labels and Region.L_EYE not in few.labels
    assert Region.SKIN in few.labels and Region.NOSE in few.labels


def test_faces_of_a_batch_are_parsed_like_alone() -> None:
    sizes = [40 + i for i in range(18)]
    together = parse_faces(
        ColourParser().eval(),
        [picture(size) for size in sizes],
        [face(size) for size in sizes],
        side=64,
        min_area=0.0,
        source="colours",
    )
    for size, masks in zip(sizes, together, strict=True):
        np.testing.assert_array_equal(masks.labels, parsed(picture(size), face(size), side=64).labels)


# --- doubt -------------------------------------------------------------------------------------------------

DRAWN = label_regions((96, 96), face(96))
DISTANCE = face(96).interocular


def without(*regions: Region, instead: Region = Region.SKIN) -> RegionMasks:
    labels = np.array(DRAWN.labels)
    labels[DRAWN.mask(*regions)] = instead
    return RegionMasks(labels, DRAWN.confidence, "parser")


def test_agreement_is_believed() -> None:
    assert disagreements(DRAWN, DRAWN, DISTANCE) == []
    assert believable([])


def test_one_hidden_feature_is_believed_and_told() -> None:
    found = disagreements(without(Region.MOUTH, Region.U_LIP, Region.L_LIP), DRAWN, DISTANCE)
    assert found == ["it sees no mouth"]
    assert believable(found)


def test_glasses_stand_for_eyes() -> None:
    dark = without(Region.L_EYE, Region.R_EYE, instead=Region.EYEGLASSES)
    assert disagreements(dark, DRAWN, DISTANCE) == []


def test_two_missing_features_are_not_believed() -> None:
    found = disagreements(without(Region.NOSE, Region.L_EYE, Region.R_EYE), DRAWN, DISTANCE)
    assert found == ["it sees no eyes", "it sees no nose"]
    assert not believable(found)


def test_a_face_elsewhere_is_not_believed() -> None:
    away = RegionMasks(np.roll(DRAWN.labels, round(0.6 * DISTANCE), axis=1), DRAWN.confidence, "parser")
    found = disagreements(away, DRAWN, DISTANCE)
    assert "its nose lies 0.59 inter-ocular distances off" in found
    assert not believable(found)


def test_no_face_is_not_believed() -> None:
    nothing = RegionMasks(np.zeros((96, 96), np.uint8), np.ones((96, 96), np.float32), "parser")
    found = disagreements(nothing, DRAWN, DISTANCE)
    assert found[0] == "it calls 0 % of the face a face"
    assert not believable(found)


def test_features_outside_of_the_frame_are_not_missed() -> None:
    drawn = label_regions((40, 96), face(96))
    assert not drawn.mask(Region.U_LIP, Region.L_LIP).any()
    assert disagreements(drawn, drawn, DISTANCE) == []


def test_shares_choose_the_region() -> None:
    import torch

    from mfrec.types import Similarity

    found = torch.zeros(19, 8, 8)
    found[Region.SKIN, :, :5], found[Region.HAIR, :, 5:] = 1, 1
    quarter = Similarity(np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]]))  # 4 x 4 of the crop to a pixel
    masks = on_frame(found, quarter, (2, 2), 0, "parser")
    np.testing.assert_array_equal(masks.labels, [[Region.SKIN, Region.HAIR]] * 2)
    np.testing.assert_allclose(masks.confidence, [[1.0, 0.75]] * 2, atol=0.05)
