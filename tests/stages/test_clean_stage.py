"""The stage ``clean``: every frame's window through the network, put back where it lies, the input untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from moving_portrait import SCALE, film_shifts
from small_networks import load, small_clean
from torch import Tensor, nn

from mfrec.camera.noise import noise_of
from mfrec.errors import UsageError
from mfrec.image.geometry import resize
from mfrec.nets.clean import Cleaned as NetworkCleaned
from mfrec.pipeline import Pipeline, Run
from mfrec.registration.dense import identity_registration
from mfrec.stages import clean
from mfrec.stages.align import Align
from mfrec.stages.clean import Clean, clean_frames
from mfrec.stages.fuse import Fuse
from mfrec.types import Canvas, FaceTrack, Frame, Observation

BOX = np.array([8, 6, 32, 36], np.float32)
SHIFTS = ((0.0, 0.0), (0.5, 0.25), (-0.75, 0.5))


class Enlarge(nn.Module):
    """Bicubic enlargement with a standard deviation of 0.1; remembers the sizes of its batches."""

    scale = SCALE

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, frames: Tensor, told: Tensor) -> NetworkCleaned:
        assert told.shape == (len(frames), 8)
        self.seen.append(tuple(frames.shape))
        large = nn.functional.interpolate(frames, scale_factor=SCALE, mode="bicubic", align_corners=False)
        return NetworkCleaned(large, torch.full_like(large[:, :1], 2 * np.log(0.1)))


@pytest.fixture(scope="module")
def track(portrait) -> FaceTrack:
    filmed = film_shifts(portrait, SHIFTS, quality=(60, 50, 70))
    return Align(reference=0)(FaceTrack(tuple(Observation(frame, BOX, 1.0) for frame in filmed.frames)), Run())


def test_every_frame_is_cleaned_and_the_input_stays(track):
    before = [o.frame.image.copy() for o in track.observations]
    out = Clean()(track, Run(load=load))
    assert all(o.cleaned is None for o in track.observations)
    for o, image in zip(track.observations, before, strict=True):
        assert np.array_equal(o.frame.image, image)
    for o in out.observations:
        assert o.cleaned is not None
        assert o.registration is not None
        rows, columns = o.registration.landing.shape[:2]
        assert o.cleaned.image.shape == (SCALE * rows, SCALE * columns, 3)
        assert o.cleaned.sigma.shape == (SCALE * rows, SCALE * columns)
        assert o.cleaned.window == o.registration.window
        assert 0 <= o.cleaned.image.min() <= o.cleaned.image.max() <= 1
        assert o.cleaned.sigma.min() > 0


def test_a_window_lies_where_it_was_cut(portrait):
    """Frames of other sizes, a canvas in the middle: enlarging a part is enlarging the whole and cutting."""
    canvas = Canvas(20, 24, 24, 16, SCALE)
    observations = []
    for k, side in enumerate((96, 80, 96)):
        image = resize(portrait, side, side, interpolation="area")
        registration = identity_registration(canvas, image)
        observations.append(Observation(Frame(image, k, f"{k}.png"), registration=registration))
    track = FaceTrack(tuple(observations), reference=0, canvas=canvas)
    network = Enlarge()
    out = Clean()(track, Run(load=lambda _: network))
    for o in out.observations:
        assert o.cleaned is not None
        x0, y0 = o.cleaned.window
        assert (x0, y0) != (0, 0)
        rows, columns = o.cleaned.image.shape[:2]
        assert np.allclose(o.cleaned.from_frame.apply([x0, y0]), [1.5, 1.5])
        whole = resize(o.frame.image, SCALE * o.frame.image.shape[0], SCALE * o.frame.image.shape[1])
        cut = whole[SCALE * y0 : SCALE * y0 + rows, SCALE * x0 : SCALE * x0 + columns]
        inner = slice(8, -8)  # bicubic enlargement reads two pixels beyond
        # PyTorch's cubic is sharper than OpenCV's, so their pictures differ, but not by a shift.
        assert np.abs(o.cleaned.image - np.clip(cut, 0, 1))[inner, inner].mean() < 1 / 255
        assert np.allclose(o.cleaned.sigma, 0.1)


def test_windows_of_one_size_go_together_in_the_order_of_the_frames(track, monkeypatch):
    """Whatever the batches are, every frame gets its own picture."""
    sized = list(track.observations)
    registration = sized[1].registration
    assert registration is not None
    smaller = replace(registration, landing=registration.landing[8:, :-8], window=(registration.window[0], 8))
    sized[1] = replace(sized[1], registration=smaller)
    mixed = replace(track, observations=(*sized, *sized))
    pictures = []
    for pixels in (clean.BATCH_PIXELS, 1):
        monkeypatch.setattr(clean, "BATCH_PIXELS", pixels)
        network = Enlarge()
        out = Clean()(mixed, Run(load=lambda _, network=network: network))
        pictures.append([o.cleaned.image for o in out.observations if o.cleaned is not None])
        # Each batch is seen twice, the second time mirrored.
        assert sorted(shape[0] for shape in network.seen) == ([2, 2, 4, 4] if pixels > 1 else [1] * 12)
    for k, (together, alone) in enumerate(zip(*pictures, strict=True)):
        assert np.allclose(together, alone, atol=1e-6)
        registration = mixed.observations[k].registration
        assert registration is not None
        x0, y0 = registration.window
        rows, columns = registration.landing.shape[:2]
        shrunk = resize(together, rows, columns, interpolation="area")
        windows = [o.frame.image[y0 : y0 + rows, x0 : x0 + columns] for o in sized]
        assert int(np.argmin([np.abs(shrunk - window).mean() for window in windows])) == k % 3


def test_progress_counts_the_frames(track):
    calls = []
    Clean()(track, Run(load=load, progress=lambda *call: calls.append(call)))
    assert calls[-1] == ("clean", 3, 3)


def test_pictures_are_clipped_and_what_the_codec_did_is_told(track):
    images = [o.frame.image for o in track.observations]
    noises = [noise_of(o.frame) for o in track.observations]
    network = small_clean()
    made = clean_frames(network, images, noises)
    exchanged = clean_frames(network, images, [noises[1], noises[2], noises[0]])
    assert len(made) == 3
    assert all(0 <= image.min() <= image.max() <= 1 for image, _ in made)
    assert np.abs(made[0][0] - exchanged[0][0]).max() > 1e-6


def test_a_learned_fusion_wants_cleaned_frames():
    with pytest.raises(UsageError, match="stage 'fuse' needs cleaned"):
        Pipeline([Align(), Fuse(method="learned")], given=("frames", "boxes"))
    Pipeline([Align(), Clean(), Fuse(method="learned")], given=("frames", "boxes"))
    assert "cleaned" not in Fuse().needs
    assert "cleaned" not in Fuse.needs
