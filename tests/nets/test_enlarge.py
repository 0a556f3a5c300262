"""The enlargement before the thesis's networks is the bicubic one that they are compared with."""

import numpy as np
import pytest
import torch

from mfrec.image.geometry import resize
from mfrec.nets.enlarge import enlarge
from mfrec.types import FloatArray


def test_every_frame_is_enlarged_as_the_bicubic_baseline_does_it(portrait: FloatArray) -> None:
    frames = np.stack([portrait[:24, :40], portrait[50:74, 60:100]])
    large = enlarge(torch.from_numpy(frames.copy()).permute(0, 3, 1, 2)[None])
    assert large.shape == (1, 2, 3, 96, 160)
    for frame, made in zip(frames, large[0].permute(0, 2, 3, 1).numpy(), strict=True):
        np.testing.assert_allclose(made, resize(frame, 96, 160, interpolation="cubic"), atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 3, 8, 8), (1, 7, 1, 8, 8)])
def test_what_is_no_stack_of_frames_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[batch, frames, 3, height, width\]"):
        enlarge(torch.rand(shape))
