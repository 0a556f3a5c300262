"""Portraits for a generator: upright, mirrored half of the time, and latent vectors that belong to their number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from few_pictures import face

from mfrec.errors import InputError, UsageError
from mfrec.train.data.pictures import Pictures
from mfrec.train.data.portraits import upright
from mfrec.train.streams.portrait_stream import PortraitStream


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    flat = np.full((64, 64, 3), 120, np.uint8)
    return Pictures(stills=(face(), flat, face(8, 4)))


@pytest.fixture(scope="module")
def stream(pictures: Pictures) -> PortraitStream:
    return PortraitStream(pictures, 3, side=32, latent=5)


def test_pictures_without_a_face_are_left_out_and_said(stream: PortraitStream) -> None:
    assert stream.notes == ("2 upright faces of 3 pictures",)
    assert stream.portraits.shape == (2, 32, 32, 3)


def test_the_same_face_elsewhere_gives_the_same_portrait(stream: PortraitStream) -> None:
    first, second = stream.portraits.astype(np.float32)
    assert np.abs(first - second).mean() < 6


def test_samples_are_portraits_or_their_mirror_images(stream: PortraitStream) -> None:
    mirrored = set()
    for index in range(12):
        drawn = stream.drawn(index)
        (z,), wanted = stream[index]
        shown = stream.portraits[drawn.source]
        shown = shown[:, ::-1] if drawn.mirrored else shown
        assert torch.equal((wanted["truth"] * 255).round().byte(), torch.from_numpy(shown.transpose(2, 0, 1).copy()))
        assert z.shape == (5,)
        mirrored.add(drawn.mirrored)
    assert mirrored == {False, True}
    assert abs(float(torch.stack([stream[i][0][0] for i in range(400)]).std()) - 1) < 0.05


def test_validation_is_latent_vectors_alone(pictures: Pictures) -> None:
    valid = PortraitStream(pictures, 3, length=4, side=32, latent=5)
    (z,), wanted = valid[0]
    assert wanted.keys() == {"latent"}
    assert torch.equal(wanted["latent"], z)


def test_what_cannot_be_is_refused(pictures: Pictures) -> None:
    with pytest.raises(InputError, match=r"no face was found in any of 1 pictures"):
        PortraitStream(Pictures(stills=pictures.stills[1:2]), 3, side=32)
    with pytest.raises(UsageError, match="side is 4"):
        PortraitStream(pictures, 3, side=4)
    assert upright(Pictures(stills=pictures.stills[1:2]), 32)[0].shape == (0, 32, 32, 3)
