"""The region table and the outlines that landmarks give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schematic_face import SWAP, area, face, mirrored

from mfrec.face.regions import FEATURES, L_EYE_POINTS, OUTER_LIPS, R_EYE_POINTS, outlines
from mfrec.types import Landmarks, Region, Similarity


def test_left_is_the_persons_left() -> None:
    drawn = outlines(face())
    assert drawn[Region.L_EYE][:, 0].mean() > drawn[Region.R_EYE][:, 0].mean()
    assert drawn[Region.L_BROW][:, 0].mean() > drawn[Region.R_BROW][:, 0].mean()
    assert set(L_EYE_POINTS) == set(range(42, 48)) and set(R_EYE_POINTS) == set(range(36, 42))


def test_outlines_have_the_places_of_a_face() -> None:
    drawn = outlines(face())
    middle = {region: polygon.mean(axis=0)[1] for region, polygon in drawn.items()}
    for upper, lower in [
        (Region.HAIR, Region.L_BROW),
        (Region.L_BROW, Region.L_EYE),
        (Region.L_EYE, Region.NOSE),
        (Region.NOSE, Region.U_LIP),
        (Region.U_LIP, Region.L_LIP),
        (Region.L_LIP, Region.NECK),
    ]:
        assert middle[upper] < middle[lower], (upper, lower)
    assert area(drawn[Region.SKIN]) > 10 * area(drawn[Region.NOSE]) > 10 * area(drawn[Region.L_EYE]) / 2


def test_what_landmarks_cannot_tell_is_not_drawn() -> None:
    unknown = {Region.L_EAR, Region.R_EAR, Region.EYEGLASSES, Region.HAT, Region.EARRING, Region.NECKLACE, Region.CLOTH}
    assert not unknown & set(outlines(face()))


def test_the_mouth_is_what_the_lips_enclose() -> None:
    drawn = outlines(face())
    lips = Landmarks(face().points).points[list(OUTER_LIPS)]
    assert area(drawn[Region.MOUTH]) < area(drawn[Region.L_LIP]) == pytest.approx(area(lips.astype(np.float64)))


@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.1, 10),
    shift=st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
)
def test_outlines_move_with_the_face(angle: float, scale: float, shift: tuple[float, float]) -> None:
    c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    move = Similarity(np.array([[c, -s, shift[0]], [s, c, shift[1]]]))
    still, moved = outlines(face()), outlines(Landmarks(move.apply(face().points).astype(np.float32)))
    for region, polygon in still.items():
        np.testing.assert_allclose(moved[region], move.apply(polygon), atol=1e-3 * max(1.0, scale))


def test_mirrored_landmarks_give_mirrored_outlines() -> None:
    here, there = outlines(face()), outlines(mirrored(face(), 100))
    for region, polygon in here.items():
        twin = there[SWAP.get(region, region)]
        reflected = polygon * (-1, 1) + (99, 0)
        assert area(twin) == pytest.approx(area(reflected), rel=1e-4)
        np.testing.assert_allclose(np.sort(twin, axis=0), np.sort(reflected, axis=0), atol=1e-3)


def test_coinciding_eyes_are_refused() -> None:
    with pytest.raises(ValueError, match="both eyes"):
        outlines(Landmarks(np.zeros((68, 2), np.float32)))


def test_features_name_each_region_once() -> None:
    named = [region for regions in FEATURES.values() for region in regions]
    assert len(named) == len(set(named))
    assert set(named) == set(outlines(face()))
