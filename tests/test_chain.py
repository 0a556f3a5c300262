"""The order of frames is no part of a result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from report_case import reconstruction as case

from mfrec.chain import arranged
from mfrec.types import Fused


def test_arranging_there_and_back_is_the_identity() -> None:
    made = case(count=5)
    fused = Fused(made.image, made.weight, made.observed, made.uncertainty, made.consistency, "mean")
    track = replace(made.track, fused=fused)
    turned = arranged(track, lambda frame: -frame.index)
    assert [o.frame.index for o in turned.observations] == [4, 3, 2, 1, 0]
    assert turned.reference is not None
    assert track.reference is not None
    assert turned.observations[turned.reference] is track.observations[track.reference]
    assert turned.fused is not None
    np.testing.assert_array_equal(turned.fused.weight, made.weight[::-1])
    back = arranged(turned, lambda frame: frame.index)
    assert back.observations == track.observations
    assert (back.reference, back.sources) == (track.reference, track.sources)
    assert back.fused is not None
    np.testing.assert_array_equal(back.fused.weight, made.weight)
