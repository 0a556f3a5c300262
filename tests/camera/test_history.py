"""What the pixels say of their codec, on frames of a portrait that the estimator has never seen."""

from __future__ import annotations

import numpy as np
import pytest

from mfrec.camera.exports import CLIPS, Export, exported
from mfrec.camera.history import SMALLEST, History, features_of, grid_shares, history_of, middle, sliding_dct
from mfrec.camera.noise import block_dct
from mfrec.image.colour import luma
from mfrec.image.geometry import resize
from mfrec.imageio import jpeg_bytes
from mfrec.imageio.memory import decoded


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Three soft, noisy frames of 64 px of the portrait, a pixel of it apart."""
    from skimage.data import astronaut

    portrait = (astronaut() / 255.0).astype(np.float32)
    rng = np.random.default_rng(0)
    small = [resize(portrait[0:256, 90 + i : 346 + i], 64, 64, interpolation="area") for i in range(3)]
    return [np.clip(frame + rng.normal(0, 2 / 255, frame.shape), 0, 1).astype(np.float32) for frame in small]


def frame_of(frames, codec: str, strength: int, **others) -> tuple:
    way = Export(codec, (strength,) if codec in CLIPS else (strength,) * 3, **others)
    files = exported(frames, way)
    left, top = way.cut
    return decoded(*files[1])[0], frames[1][top:, left:]


def known(image, saved=None) -> History:
    found = history_of(image, saved)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("codec", "strength", "others"),
    [
        ("h264", 32, {}),
        ("h264", 32, {"saved": "jpeg", "quality": 92}),
        ("hevc", 32, {}),
        ("mpeg4", 8, {}),
        ("mpeg2", 8, {"saved": "jpeg", "quality": 90}),
        ("wmv2", 8, {"cut": (3, 1)}),
        ("webp", 35, {}),
        ("jpeg", 45, {"cut": (5, 3), "saved": "jpeg", "quality": 85}),
    ],
)
def test_the_error_is_known_within_an_octave(codec, strength, others, frames):
    """The rms over people held out is 0.4 octaves (scripts/make_codec_history.py prints it)."""
    frame, before = frame_of(frames, codec, strength, **others)
    error = float(np.sqrt(((luma(frame.image) - luma(before)) ** 2).mean()))
    history = known(frame.image, frame.jpeg)
    assert 0.5 < history.error / error < 2
    assert 0.05 < history.octaves < 1
    assert history.none < 0.5


def test_probabilities_sum_to_one_and_an_untouched_frame_is_called_so(frames):
    for image in (frames[0], resize(frames[0], 48, 56)):
        history = known(np.clip(image, 0, 1))
        assert history.none + history.jpeg + history.video == pytest.approx(1, abs=1e-5)
    assert known(frames[0]).none > 0.5
    saved = decoded("a.jpg", jpeg_bytes(frames[0], 60))[0]
    assert known(saved.image, saved.jpeg).none > 0.5  # never coded but for the JPEG that it is


def test_a_coarser_clip_is_estimated_coarser(frames):
    errors = []
    for crf in (14, 26, 38):
        errors.append(known(frame_of(frames, "h264", crf)[0].image).error)
    assert errors == sorted(errors)


def test_too_small_a_frame_says_nothing(frames):
    assert history_of(frames[0][: SMALLEST - 1]) is None
    assert history_of(frames[0][:SMALLEST, :SMALLEST]) is not None
    assert np.isfinite(features_of(np.full((SMALLEST, 200, 3), 0.5, np.float32))).all()
    assert history_of(np.zeros((64, 64, 3), np.float32)) is not None


def test_the_same_pixels_give_the_same_bits(frames):
    assert history_of(frames[0]) == history_of(frames[0].copy())


def test_the_sliding_transform_holds_that_of_the_blocks(frames):
    plane = np.ascontiguousarray(luma(frames[0]))
    blocks = block_dct(plane)
    assert blocks is not None
    assert np.allclose(sliding_dct(plane)[::8, ::8], blocks, atol=1e-5)


@pytest.mark.parametrize("cut", [(0, 0), (3, 5)])
def test_the_grid_of_blocks_shows_where_high_frequencies_vanish(cut, frames):
    left, top = cut
    frame, _ = frame_of(frames, "jpeg", 40, cut=cut)
    shares = grid_shares(sliding_dct(np.ascontiguousarray(luma(frame.image)) * 255))
    assert np.unravel_index(shares.argmax(), shares.shape) == (-top % 8, -left % 8)


def test_the_middle_begins_at_a_block_and_is_bounded():
    rows, columns = np.mgrid[0:300, 0:200].astype(np.float32)
    cut = middle(np.dstack([rows, columns, rows]))
    assert cut.shape == (128, 128, 3)
    assert cut[0, 0, 0] % 8 == cut[0, 0, 1] % 8 == 0
