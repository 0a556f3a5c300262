"""The ways from a recorder to an analyst: plain values, repeatable, and made by real encoders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mfrec.camera.exports import CLIPS, RANGES, SHARES, STILLS, Export, draw_export, exported
from mfrec.camera.protocols import EVERY, EXPORTS, GROUPS, LONG, PROTOCOLS, SCALE, WAYS, DrawnExport, named
from mfrec.errors import InputError, UsageError
from mfrec.image.geometry import resize
from mfrec.imageio.memory import decoded
from mfrec.metrics.psnr import psnr


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Three frames of 64 px of the portrait, a pixel of it apart."""
    from skimage.data import astronaut

    portrait = (astronaut() / 255.0).astype(np.float32)
    return [resize(portrait[0:256, 90 + i : 346 + i], 64, 64, interpolation="area") for i in range(3)]


def way(codec: str, strength: int, **others) -> Export:
    return Export(codec, (strength,) if codec in CLIPS else (strength,) * 3, **others)


def seen(files) -> list[np.ndarray]:
    return [frame.image for name, data in files for frame in decoded(name, data)]


def test_what_was_drawn_goes_to_json_and_back():
    rng = np.random.default_rng(3)
    for _ in range(50):
        drawn = draw_export(rng, 3)
        again = Export.from_json(drawn.to_json())
        assert again == drawn
        assert hash(again) == hash(drawn)


@pytest.mark.parametrize("codec", [*CLIPS, *STILLS])
def test_the_same_export_gives_the_same_bytes_and_every_frame(codec, frames):
    low, high = RANGES[codec]
    for saved in ("file", "png"):
        drawn = way(codec, (low + high) // 2, saved=saved)
        files = exported(frames, drawn)
        moved = np.ones(7919)  # so that an encoder that reads what it never wrote finds something else there
        assert exported(frames, drawn) == files
        assert moved.size
        pictures = seen(files)
        assert [picture.shape for picture in pictures] == [(64, 64, 3)] * 3
        assert min(psnr(picture, frame) for picture, frame in zip(pictures, frames, strict=True)) > 22


@pytest.mark.parametrize("codec", [*CLIPS, "jpeg", "webp", "avif"])
def test_stronger_coding_is_worse(codec, frames):
    errors = []
    for strength in RANGES[codec]:
        picture = seen(exported(frames, way(codec, strength)))[1]
        errors.append(psnr(picture, frames[1]))
    assert abs(errors[0] - errors[1]) > 2
    assert (errors[0] > errors[1]) == (codec in CLIPS)  # quality counts the other way round


def test_what_is_saved_as_png_are_the_decoded_pixels(frames):
    """The reader converts a clip in floating point, a PNG has 8 bits: half a grey level between them."""
    for codec in ("h264", "jpeg"):
        drawn = way(codec, 30)
        of_file, of_png = (seen(exported(frames, replace(drawn, saved=saved))) for saved in ("file", "png"))
        for one, other in zip(of_file, of_png, strict=True):
            assert np.abs(one - other).max() <= 0.5 / 255 + 1e-6


def test_a_cut_takes_columns_on_the_left_and_rows_on_the_top(frames):
    whole = seen(exported(frames, way("mpeg4", 5)))[0]
    cut = seen(exported(frames, way("mpeg4", 5, cut=(3, 5))))[0]
    assert np.array_equal(cut, whole[5:, 3:])


@pytest.mark.parametrize("kernel", ["cubic", "linear", "nearest"])
def test_enlarging_keeps_what_is_seen(kernel, frames):
    whole = seen(exported(frames, way("png", 100)))[0]
    large = seen(exported(frames, way("png", 100, factor=1.5, kernel=kernel)))[0]
    assert large.shape == (96, 96, 3)
    assert psnr(resize(large, 64, 64, interpolation="area"), whole) > 26


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"codec": "h266"}, "no codec 'h266'"),
        ({"saved": "gif"}, "not as 'gif'"),
        ({"saved": "file", "cut": (1, 0)}, "neither cut nor enlarged"),
        ({"saved": "file", "factor": 2.0}, "neither cut nor enlarged"),
        ({"strength": (30, 30)}, "2 strengths for 'h264'"),
        ({"strength": ()}, "0 strengths"),
        ({"factor": 0.5}, "factor 0.5"),
        ({"cut": (-1, 0)}, "no negative"),
    ],
)
def test_what_cannot_be_is_refused(fields, says):
    with pytest.raises(ValueError, match=says):
        replace(Export("h264", (30,)), **fields)


def test_every_codec_is_drawn_within_its_range():
    rng = np.random.default_rng(0)
    drawn = [draw_export(rng, 3) for _ in range(800)]
    assert {one.codec for one in drawn} == set(SHARES) == {*CLIPS, *STILLS}
    assert sum(SHARES.values()) == pytest.approx(1)
    for one in drawn:
        low, high = RANGES[one.codec]
        assert all(low <= strength <= high for strength in one.strength)
    assert {one.saved for one in drawn} == {"file", "png", "jpeg", "webp"}


# --- as protocols of the bench -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def truths() -> list[np.ndarray]:
    from skimage.data import astronaut

    portrait = (astronaut() / 255.0).astype(np.float32)
    return [np.ascontiguousarray(portrait[0:256, 90 + i : 346 + i]) for i in range(3)]


@pytest.mark.parametrize("name", EXPORTS)
def test_a_way_is_repeatable_and_its_truth_fits(name, truths):
    spoilt, again, other = (EXPORTS[name](truths, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert spoilt.files == again.files
    assert spoilt.files != other.files
    assert spoilt.drawn == again.drawn
    frame = seen(spoilt.files)[spoilt.reference]
    height, width = spoilt.truth.shape[:2]
    assert (spoilt.scale * frame.shape[0], spoilt.scale * frame.shape[1]) == (height, width)
    assert psnr(np.clip(resize(frame, height, width), 0, 1), spoilt.truth) > 19  # and shows the same place
    drawn = EXPORTS[name].kind.from_json(spoilt.drawn.to_json())
    assert isinstance(drawn, DrawnExport) and drawn.export.codec == WAYS[name.removeprefix("export-")].codec
    assert EXPORTS[name].apply(truths, drawn).files == spoilt.files, "made again from its record"


def test_a_group_stands_for_its_members_once():
    assert named(["exports", "export-hevc-png", "jpeg32"]) == (*GROUPS["exports"], "jpeg32")
    assert named(tuple(PROTOCOLS)) == tuple(PROTOCOLS)
    assert len(GROUPS["exports"]) == len(WAYS) >= 9
    with pytest.raises(UsageError, match="unknown protocol 'export'; known are jpeg32, cctv64, patch32, exports"):
        named(["export"])
    assert SCALE == 4


def test_a_long_protocol_gives_the_middle_frames_of_the_same_damage(truths):
    """Of stills and of exported video alike, whatever the number; the reference is the same file."""
    for damage in ("jpeg32", "export-h264-png"):
        whole = EVERY[damage](truths, np.random.default_rng(3))
        for count in (1, 3):
            part = EVERY[f"long-{damage.removeprefix('export-')}-{count}"](truths, np.random.default_rng(3))
            first = whole.reference - count // 2
            assert part.files == whole.files[first : first + count]
            assert part.files[part.reference] == whole.files[whole.reference]
            assert np.array_equal(part.truth, whole.truth)
    with pytest.raises(InputError, match=r"has \d frames, expected 31 around the middle one"):
        EVERY["long-jpeg32-31"](truths, np.random.default_rng(3))
    assert named(["long"]) == tuple(LONG)
