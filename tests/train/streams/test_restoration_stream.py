"""Poor faces with their regions: upright, mirrored with their labels, and poorer than the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from few_pictures import face

from mfrec.errors import InputError, UsageError
from mfrec.nets.psfrgan import REGIONS
from mfrec.train.data.pictures import Pictures
from mfrec.train.streams.restoration_stream import RestorationStream
from mfrec.types import Region


@pytest.fixture(scope="module")
def stream() -> RestorationStream:
    flat = np.full((64, 64, 3), 120, np.uint8)
    return RestorationStream(Pictures(stills=(face(), flat)), 3, side=64, factor=2.0)


def test_samples_are_poor_pictures_their_regions_and_the_good_ones(stream: RestorationStream) -> None:
    assert stream.notes == ("1 upright faces of 2 pictures",)
    for index in range(4):
        (image, regions), wanted = stream[index]
        assert image.shape == wanted["truth"].shape == (3, 64, 64)
        assert regions.shape == (REGIONS, 64, 64) and torch.equal(regions.sum(dim=0), torch.ones(64, 64))
        assert torch.equal(regions.argmax(dim=0), wanted["labels"])
        assert 0 < float((image - wanted["truth"]).abs().mean()) < 0.1
        assert 26 <= stream.drawn(index).small <= 43


def test_a_mirrored_face_has_its_eyes_mirrored(stream: RestorationStream) -> None:
    found = {}
    for index in range(20):
        _, wanted = stream[index]
        found.setdefault(stream.drawn(index).mirrored, wanted)
    plain, other = found[False], found[True]
    assert torch.allclose(plain["truth"].flip(2), other["truth"])
    eyes = [(wanted["labels"] == Region.L_EYE).nonzero()[:, 1].float().mean() for wanted in (plain, other)]
    assert eyes[0] > 32 and eyes[1] > 32, "the person's own left eye is on the right in both"


def test_what_cannot_be_is_refused() -> None:
    flat = np.full((64, 64, 3), 120, np.uint8)
    with pytest.raises(InputError, match="no face was found in any of 1 pictures"):
        RestorationStream(Pictures(stills=(flat,)), 3)
    with pytest.raises(UsageError, match="factor is 1"):
        RestorationStream(Pictures(stills=(flat,)), 3, factor=1)
