"""Which frames keep their vote: what is drawn over one of them loses it there, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mfrec.fusion.belief import undisputed as undisputed_frames
from mfrec.fusion.planes import PLANES

SCALE = 4


def planes_with(*pictures: np.ndarray) -> np.ndarray:
    """Trusted planes of cleaned pictures ``[H, W, 3]``; the raw ones are not looked at."""
    out = np.ones((len(pictures), PLANES, *pictures[0].shape[:2]), np.float32)
    for planes, picture in zip(out, pictures, strict=True):
        planes[:3] = picture.transpose(2, 0, 1)
    return out


def undisputed(planes: np.ndarray, reference: int) -> Iterator[np.ndarray]:
    return undisputed_frames(planes.__getitem__, len(planes), reference, SCALE)


def face(seed: int = 0) -> np.ndarray:
    smooth = np.linspace(0.3, 0.6, 96, dtype=np.float32)
    noise = np.random.default_rng(seed).normal(0, 10 / 255, (96, 96, 3)).astype(np.float32)
    return smooth[:, None, None] + noise


def test_a_thin_stroke_over_one_frame_has_no_vote() -> None:
    lettered = face(1)
    lettered[40:46, 20:76] = 1.0  # one and a half pixels of the frame
    _, stroke = undisputed(planes_with(face(), lettered), 0)
    assert stroke[42:44, 30:66].max() < 0.1
    assert stroke[:28].min() == stroke[60:].min() == 1


def test_noise_and_small_changes_are_no_dispute() -> None:
    lighter = face(2) + 15 / 255
    for share in undisputed(planes_with(face(), face(1), lighter), 0):
        assert share.min() == 1


def test_the_reference_keeps_its_own_vote_and_disputes_nothing_that_it_does_not_show() -> None:
    lettered = face(1)
    lettered[40:46, 20:76] = 1.0
    planes = planes_with(lettered, face())
    planes[0, 7, 30:56] = 0.0
    own, other = undisputed(planes, 0)
    assert own.min() == other.min() == 1


def test_frames_that_agree_are_not_blamed_for_what_the_reference_alone_shows() -> None:
    lettered = face()
    lettered[40:46, 20:76] = 1.0
    for share in undisputed(planes_with(lettered, face(1), face(2), face(3)), 0):
        assert share.min() == 1
