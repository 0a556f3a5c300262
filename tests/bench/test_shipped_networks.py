"""Every network that is shipped and makes pixels does better than doing nothing, on the filmed portrait."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from test_rooms import MADE_BY_NETWORKS

from mfrec.bench.peers import FINISHING, MULTI_FRAME
from mfrec.bench.run import Case, prepare
from mfrec.bench.tables.repose_trials import Picture, drawing_repose, similarity
from mfrec.bench.tables.single_pictures import OF_EYES
from mfrec.camera.noise import noise_of
from mfrec.cards.load import card_names, card_path, load_network, read_card
from mfrec.cards.single_picture import KINDS, find_single_picture
from mfrec.face.region_labels import label_regions
from mfrec.fusion.crossover import cross_over_learned
from mfrec.image.colour import luma
from mfrec.image.cubic import resize_cubic
from mfrec.image.filters import gaussian
from mfrec.image.geometry import enlarge
from mfrec.imageio import read
from mfrec.imageio.sequences import find_sequences
from mfrec.metrics.psnr import psnr
from mfrec.stages.clean import clean_frames
from mfrec.train.data.eye_users import render_pair
from mfrec.train.streams.eye_pair_stream import EyePairStream
from mfrec.types import FloatArray

SHIPPED = [
    card
    for card in map(read_card, map(card_path, card_names()))
    if card.sha256 and card.net in MADE_BY_NETWORKS and card.net != "stylegan2"
]
"""Cards of networks that make pixels of pictures and have weights. A generator has no picture to make better."""

ALONE = ("clean", "fusion", "crossover_unet", "few_shot")
"""Kinds of networks with a test of their own."""

FRAMES = [card.name for card in SHIPPED if card.net not in (*KINDS, *ALONE)]
SINGLE = [card.name for card in SHIPPED if card.net in KINDS]


@pytest.fixture(scope="module")
def case(filmed_sequences: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Seven small JPEGs of the portrait, with the truth of one."""
    return prepare(find_sequences(filmed_sequences, "all")[0], "jpeg32", 0, tmp_path_factory.mktemp("jpeg32"))


@cache
def bicubic(case: Case) -> float:
    return psnr(case.picture("bicubic")[0], case.spoilt.truth)


def test_each_is_in_one_of_the_tests_below() -> None:
    assert len(SHIPPED) >= 8
    assert {"thesis_unet", "finetune"} <= set(FRAMES) and {"srresnet_faces", "enhance"} <= set(SINGLE)
    kinds = {card.net for card in SHIPPED} - set(KINDS)
    assert kinds <= {*ALONE, *MULTI_FRAME, *FINISHING}


@pytest.mark.parametrize("card", FRAMES)
def test_of_frames_against_bicubic_enlargement(card: str, case: Case) -> None:
    assert psnr(case.picture(f"network:{card}")[0], case.spoilt.truth) > bicubic(case) + 0.05


def test_clean_against_bicubic_enlargement_of_the_same_frame(case: Case) -> None:
    frame = read(case.source).frames[case.spoilt.reference]
    ((made, _),) = clean_frames(load_network("clean"), [frame.image], [noise_of(frame)])
    assert psnr(made, case.spoilt.truth) > bicubic(case) + 0.5


def test_cross_over_against_the_untouched_target(portrait: FloatArray) -> None:
    """The eyes of the target are blurred, the source has them sharp in another light: inside of the mask it is at least
    a decibel nearer to the truth, and outside as near as 8 bits can tell."""
    target, source, mask = portrait.copy(), 0.98 * portrait, np.zeros(portrait.shape[:2], np.float32)
    mask[60:100, 50:140] = 1
    target[mask > 0] = gaussian(portrait, 4.0)[mask > 0]
    image, share = cross_over_learned(load_network("crossover_unet"), target, source, gaussian(mask, 3.0), 3.0)
    inside = mask > 0
    assert psnr(image[inside], portrait[inside]) > psnr(target[inside], portrait[inside]) + 1.0
    far = gaussian(mask, 6.0) < 1e-4
    assert np.abs(image - target)[far].max() < 1 / 255
    assert share[inside].mean() > 0.5 and share[far].max() < 0.01


def test_a_face_that_was_drawn_anew_against_the_turned_one_laid_there(turned: dict[str, Picture]) -> None:
    """The portrait turned by 24 degrees, drawn as she looks at the camera, against moving, turning and scaling it."""
    there, away = turned["yaw 0, pitch 0"], turned["yaw -24, pitch -3"]
    points = away.landmarks, there.landmarks
    masks = label_regions(away.image.shape[:2], points[0]), label_regions(there.image.shape[:2], points[1])
    drawn = drawing_repose("few_shot").between(away.image, there.image, points, masks)
    laid = similarity(away.image, there.image, points, masks)
    inside = drawn.validity > 0.9
    truth = there.image[inside]
    assert psnr(drawn.image[inside], truth) > psnr(laid.image[inside], truth) + 0.5


@pytest.mark.slow
def test_clean_and_fusion_against_bicubic_enlargement(case: Case) -> None:
    assert psnr(case.picture("restore")[0], case.spoilt.truth) > bicubic(case) + 1.5


@pytest.mark.parametrize("card", SINGLE)
def test_of_single_pictures_against_bicubic_enlargement(card: str, portrait: FloatArray) -> None:
    """As they were trained: a picture made small by a filtered bicubic, and no codec. What a discriminator taught was
    paid for in PSNR, and still has to be nearer than doing nothing."""
    network = find_single_picture(card)
    truth = portrait if network.channels == 3 else np.repeat(luma(portrait)[..., None], 3, axis=2)
    if card.endswith(OF_EYES):
        # They are for eyes and say so; these are of an iris texture that they have not learnt from.
        truth = render_pair(EyePairStream(5, only_left_out=True).drawn(0))
    sides = (side // network.scale for side in truth.shape[:2])
    small = (np.rint(255 * np.clip(resize_cubic(truth, *sides), 0, 1)) / 255).astype(np.float32)
    assert psnr(network(small), truth) > psnr(enlarge(small, network.scale), truth)
