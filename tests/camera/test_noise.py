"""The noise model: what a codec did to each coefficient."""

import io

import numpy as np
import pytest
from PIL import Image

from mfrec.camera.noise import SENSOR_SIGMA, FormerJpeg, block_dct, find_jpeg, from_tables, ijg_tables, noise_of
from mfrec.image.geometry import resize
from mfrec.imageio import jpeg_bytes, read
from mfrec.types import Frame, JpegTables


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32) / 255


@pytest.mark.parametrize("quality", [10, 30, 47, 60, 75, 90])
@pytest.mark.parametrize("size", [32, 96])
def test_the_quality_of_a_former_jpeg_is_read_from_its_pixels(portrait, quality, size):
    small = resize(portrait, size, size, interpolation="area")
    assert find_jpeg(decoded(jpeg_bytes(small, quality))) == FormerJpeg(quality, (0, 0))


def test_a_picture_that_never_was_a_jpeg_is_not_called_one(portrait):
    rng = np.random.default_rng(0)
    small = resize(portrait, 48, 48, interpolation="area")
    assert find_jpeg(small) is None
    assert find_jpeg(np.clip(small + rng.normal(0, 3 / 255, small.shape), 0, 1).astype(np.float32)) is None
    assert find_jpeg(np.full((32, 32, 3), 0.5, np.float32)) is None
    assert find_jpeg(small[:7, :7]) is None  # no whole block


@pytest.mark.parametrize("cut", [(3, 5), (0, 1), (7, 7)])
def test_a_former_jpeg_is_found_on_its_shifted_grid(portrait, cut):
    small = resize(portrait, 96, 96, interpolation="area")
    top, left = cut
    found = find_jpeg(decoded(jpeg_bytes(small, 50))[top:, left:])
    assert found == FormerJpeg(50, (-left % 8, -top % 8))
    assert found is not None
    assert found.tables.phase == found.phase


@pytest.mark.parametrize("quality", [35, 45])
def test_a_former_jpeg_is_found_through_a_finer_one(portrait, quality):
    """Cut off its grid and saved at 85; a picture that was saved at 85 alone was no JPEG before."""
    small = resize(portrait, 96, 96, interpolation="area")
    saved = ijg_tables(85)
    again = decoded(jpeg_bytes(decoded(jpeg_bytes(small, quality))[2:, 6:], 85))
    found = find_jpeg(again, saved)
    assert found is not None
    assert found.phase == (2, 6)
    assert abs(found.quality - quality) <= 1
    assert find_jpeg(decoded(jpeg_bytes(small, 85)), saved) is None


def test_tables_that_promise_too_much_are_not_believed(portrait):
    """A clip, and a JPEG cut off its grid, saved as JPEGs of high quality."""
    from mfrec.camera.exports import Export, exported
    from mfrec.imageio.memory import decoded as read_back

    small = [resize(portrait, 64, 64, interpolation="area")] * 3
    for way in (Export("h264", (34,), saved="jpeg"), Export("jpeg", (40,) * 3, cut=(3, 2), saved="jpeg", quality=90)):
        frame = read_back(*exported(small, way)[0])[0]
        assert frame.jpeg is not None
        told = from_tables(frame.jpeg, "")
        believed = noise_of(frame)
        assert believed.sigma > 1.3 * told.sigma
        assert "quantisation tables of the file" not in believed.source
    honest = read_back("a.jpg", jpeg_bytes(small[0], 70))[0]
    assert noise_of(honest).source == "quantisation tables of the file"


def test_our_tables_are_those_of_the_library(portrait, tmp_path):
    path = tmp_path / "a.jpg"
    for quality in (20, 50, 83):
        path.write_bytes(jpeg_bytes(portrait, quality))
        theirs = read(path).frames[0].jpeg
        assert theirs is not None
        assert np.array_equal(theirs.luma, ijg_tables(quality).luma)
        assert np.array_equal(theirs.chroma, ijg_tables(quality).chroma)


def test_the_model_bounds_the_error_that_a_real_encoder_makes(portrait):
    """q squared over 12 is the error of coefficients that survive; those rounded to nothing lose less."""
    small = resize(portrait, 96, 96, interpolation="area")
    for quality in (40, 80):
        coded = decoded(jpeg_bytes(small, quality))
        from mfrec.image.colour import luma

        truth, got = block_dct(luma(small)), block_dct(luma(coded))
        assert truth is not None
        assert got is not None
        error = ((truth - got) ** 2).mean(axis=(0, 1))
        model = from_tables(ijg_tables(quality), "").luma
        assert (error[:2, :2] < 1.6 * model[:2, :2]).all()
        assert error[0, 0] > 0.3 * (model[0, 0] - SENSOR_SIGMA**2)


def test_a_coarser_file_is_trusted_less_and_high_frequencies_less_than_low():
    fine, coarse = from_tables(ijg_tables(90), ""), from_tables(ijg_tables(30), "")
    assert fine.sigma < coarse.sigma
    assert (fine.luma <= coarse.luma).all()
    assert coarse.luma[7, 7] > coarse.luma[0, 0]


def test_colour_at_half_resolution_says_nothing_about_high_frequencies():
    half = from_tables(ijg_tables(75), "")
    full = from_tables(JpegTables(ijg_tables(75).luma, ijg_tables(75).chroma, subsampling=(1, 1)), "")
    assert half.chroma[0, 4:].min() > 100 * full.chroma[0, 4:].max()
    # One stored number stands for four pixels, and they all err together.
    assert half.chroma[0, 0] - SENSOR_SIGMA**2 == pytest.approx(4 * (full.chroma[0, 0] - SENSOR_SIGMA**2), rel=1e-4)


def test_the_model_of_colour_is_of_the_size_that_a_real_encoder_errs_by(portrait):
    from mfrec.image.colour import rgb_to_ycc

    small = resize(portrait, 96, 96, interpolation="area")
    for quality in (30, 60):
        coded = decoded(jpeg_bytes(small, quality))
        truth, got = (block_dct(rgb_to_ycc(image)[..., 1]) for image in (small, coded))
        assert truth is not None
        assert got is not None
        error = float(((truth - got) ** 2).mean(axis=(0, 1))[0, 0])
        assert 0.3 < error / float(from_tables(ijg_tables(quality), "").chroma[0, 0]) < 2


def test_where_the_model_comes_from_is_said(portrait):
    file = noise_of(Frame(portrait, 0, "a.jpg", jpeg=ijg_tables(60)))
    video = noise_of(Frame(portrait, 0, "a.mp4#0", key=True, quantiser=24.0))
    unknown = noise_of(Frame(portrait, 0, "a.png"))
    former = noise_of(Frame(decoded(jpeg_bytes(portrait, 60)), 0, "b.png"))
    assert "tables of the file" in file.source
    assert "quantiser 24" in video.source
    assert video.sigma < unknown.sigma
    assert "unknown" in unknown.source
    assert "quality 60" in former.source
    assert file.independent == former.independent == 1.0
    assert np.array_equal(file.luma, former.luma)
    assert video.independent < 1


def test_the_error_of_a_real_clip_follows_its_quantiser(portrait, tmp_path):
    """Encoded by libx264 and read back: the quantiser is the one asked for, and predicts the size of the error."""
    from mfrec.imageio import h264_bytes

    rng = np.random.default_rng(0)
    small = resize(portrait, 64, 64, interpolation="area")
    clip = [np.clip(small + rng.normal(0, 2 / 255, small.shape), 0, 1).astype(np.float32) for _ in range(4)]
    errors = []
    for crf in (18, 26, 34):
        path = tmp_path / f"{crf}.mp4"
        path.write_bytes(h264_bytes(clip, crf))
        frame = read(path).frames[0]
        assert frame.quantiser is not None
        assert abs(frame.quantiser - crf) < 5
        error = float(np.sqrt(((frame.image - clip[0]).mean(axis=-1) ** 2).mean()))
        errors.append(error)
        assert 0.3 < error / noise_of(frame).sigma < 2
    assert errors == sorted(errors)
