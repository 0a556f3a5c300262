"""The main job as one call: from files and from arrays, with the evidence picture beside the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from report_case import portrait
from report_case import reconstruction as case

import mfrec
from mfrec.errors import UsageError
from mfrec.image.geometry import enlarge
from mfrec.imageio import read
from mfrec.recipe import load
from mfrec.reconstruction import (
    arranged,
    bicubic,
    check_reference,
    find_reference,
    in_order,
    resolve_device,
    run_until,
)
from mfrec.types import Canvas, Dropped, FaceTrack, FloatArray, Frame, Observation, Reconstruction


@pytest.fixture(scope="module")
def result(sequence: Path) -> Reconstruction:
    """The seven frames by the default recipe."""
    return mfrec.reconstruct(sequence, crop="frame")


@pytest.fixture(scope="module")
def arrays(sequence: Path) -> list[FloatArray]:
    """The seven frames as arrays."""
    return [frame.image for frame in read(sequence).frames]


def test_result_has_the_shape_and_range_that_it_promises(result: Reconstruction) -> None:
    count, (height, width) = len(result.track.observations), (4 * 48, 4 * 48)
    assert count == 7
    for image in (result.image, result.evidence, result.reference):
        assert image.shape == (height, width, 3)
        assert image.dtype == np.float32
        assert 0.0 <= image.min() <= image.max() <= 1.0
        assert not image.flags.writeable
    assert result.weight.shape == (count, height, width)
    assert result.observed.shape == result.uncertainty.shape == (height, width)
    assert result.consistency.shape == (count,)
    total = result.weight.sum(axis=0)
    np.testing.assert_allclose(total[total > 0.5], 1.0, atol=1e-4)
    assert result.stamp == "RESTORED"


def test_result_is_more_than_its_reference(result: Reconstruction) -> None:
    assert float(np.abs(result.image - result.reference).mean()) > 1 / 255
    assert np.corrcoef(result.image.ravel(), result.reference.ravel())[0, 1] > 0.97
    assert float((result.weight.max(axis=0) < 0.99).mean()) > 0.5  # most pixels have several sources


def test_evidence_is_computed_once_where_the_recipe_is_the_same(result: Reconstruction, sequence: Path) -> None:
    alone = mfrec.reconstruct(sequence, crop="frame", recipe="evidence")
    np.testing.assert_array_equal(alone.image, alone.evidence)
    assert alone.record["evidence"]["same_as_result"]
    assert alone.record["evidence"]["steps"] == alone.record["steps"]
    np.testing.assert_array_equal(alone.image, result.evidence)
    assert not result.record["evidence"]["same_as_result"]


def test_evidence_stays_the_shipped_recipe_when_the_result_does_not(result: Reconstruction, sequence: Path) -> None:
    mean = mfrec.reconstruct(sequence, crop="frame", recipe="evidence", settings=["fuse.method=mean"])
    assert not np.array_equal(mean.image, mean.evidence)
    np.testing.assert_array_equal(mean.evidence, result.evidence)
    evidence = mean.record["evidence"]
    assert not evidence["same_as_result"]
    # What both chains begin with ran once: its steps are the same ones, durations included.
    assert evidence["steps"][:4] == mean.record["steps"][:4]
    assert evidence["steps"][4]["parameters"]["method"] == "map"
    assert mean.record["steps"][4]["parameters"]["method"] == "mean"


def test_evidence_follows_the_reference_of_another_chain(sequence: Path) -> None:
    other = mfrec.reconstruct(sequence, settings=["align.patch=10"], reference=2)
    assert other.record["evidence"]["recipe"]["stages"][1]["reference"] == 2
    assert other.evidence.shape == other.image.shape
    # Of one moment: with the evidence of another reference it is 0.9 and less.
    assert np.corrcoef(other.image.ravel(), other.evidence.ravel())[0, 1] > 0.98


def test_order_of_arrays_changes_no_bit(arrays: list[FloatArray]) -> None:
    order = [4, 0, 6, 2, 5, 1, 3]
    given = mfrec.reconstruct(arrays)
    mixed = mfrec.reconstruct([arrays[i] for i in order])
    np.testing.assert_array_equal(given.image, mixed.image)
    np.testing.assert_array_equal(given.uncertainty, mixed.uncertainty)
    np.testing.assert_array_equal(given.weight[order], mixed.weight)
    np.testing.assert_array_equal(given.consistency[order], mixed.consistency)
    assert order[mixed.record["reference"]["index"]] == given.record["reference"]["index"]
    assert [o.frame.index for o in mixed.track.observations] == list(range(7))


def test_arrays_are_left_alone(arrays: list[FloatArray]) -> None:
    given = [array.copy() for array in arrays[:2]]
    mfrec.reconstruct(given, settings=["fuse.method=mean"])
    for before, after in zip(arrays, given, strict=False):
        np.testing.assert_array_equal(before, after)
        assert after.flags.writeable


def test_number_of_threads_changes_no_bit(sequence: Path, result: Reconstruction) -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        again = mfrec.reconstruct(sequence, crop="frame")
        assert cv2.getNumThreads() == 3  # what the caller had set is back
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(again.image, result.image)
    np.testing.assert_array_equal(again.weight, result.weight)


def test_single_frame_runs_and_says_what_it_is(arrays: list[FloatArray]) -> None:
    alone = mfrec.reconstruct(arrays[:1])
    assert any("nothing was gained from other frames" in warning for warning in alone.record["warnings"])
    np.testing.assert_allclose(alone.weight.sum(axis=0)[alone.observed > 0.5], 1.0, atol=1e-4)


def test_reference_may_be_an_index_digits_or_a_name(result: Reconstruction, sequence: Path) -> None:
    frames = read(sequence).frames
    assert find_reference("auto", frames) == "auto"
    assert find_reference(2, frames) == find_reference("2", frames) == find_reference("2.png", frames) == 2
    for wrong, expected in ((7, "7 frames, 0 to 6"), (-1, "no frame's name"), ("3.pgn", "did you mean '3.png'")):
        with pytest.raises(UsageError, match=expected):
            find_reference(wrong, frames)
    twins = [Frame(frames[0].image, i, "same.png") for i in range(2)]
    with pytest.raises(UsageError, match="names 2 frames; give an index, one of 0, 1"):
        find_reference("same.png", twins)
    digits = [Frame(frames[0].image, 0, "5"), Frame(frames[0].image, 5, "x")]
    assert find_reference("5", digits) == 0  # a name is meant before a number


def test_a_reference_that_was_left_out_is_refused_with_the_reason(sequence: Path) -> None:
    frames = read(sequence).frames
    unread = Dropped("9.png", "the file is empty", 9)
    for wanted in ("9.png", "9", 9):
        with pytest.raises(UsageError, match=r"was left out: the file is empty \(stage read\); give auto, or one"):
            find_reference(wanted, frames, [unread])
    in_use = [Observation(frame) for frame in (*frames[4:], *frames[:3])]
    track = FaceTrack(tuple(in_use), (Dropped("3.png", "no face found", 3, "track"),))
    expected = (
        r"--reference 3 \(3\.png\) was left out: no face found \(stage track\); .* in use: 0 \(0\.png\), 1 .*, 6 "
    )
    with pytest.raises(UsageError, match=expected):
        check_reference(3, track)
    check_reference(4, track)
    check_reference("auto", track)


def test_a_reference_without_a_face_is_refused_with_the_reason() -> None:
    wide = [np.pad(portrait(120), ((20 + i, 160 - i), (20, 160), (0, 0))) for i in range(3)]
    blank = np.full((300, 300, 3), 0.5, np.float32)
    with pytest.raises(UsageError, match=r"--reference 3 \(array 3\) was left out: no face found"):
        mfrec.reconstruct([*wide, blank], reference=3, scale=1)


def test_listed_files_are_taken_in_natural_order() -> None:
    names = ["b/10.png", "a/3.png", "b/2.png"]
    assert in_order(names) == [Path("a/3.png"), Path("b/2.png"), Path("b/10.png")]
    assert in_order("folder") == "folder"
    arrays = [np.zeros((8, 8, 3)), np.ones((8, 8, 3))]
    kept = in_order(arrays)
    assert isinstance(kept, list)
    assert [id(array) for array in kept] == [id(array) for array in arrays]


@pytest.mark.parametrize("there", [False, True])
def test_the_graphics_card_is_taken_where_there_is_one(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    assert resolve_device("auto") == ("cuda" if there else "cpu")
    assert resolve_device("cpu") == "cpu"
    if there:
        assert resolve_device("cuda") == "cuda"
    else:
        with pytest.raises(UsageError, match="no CUDA device on this machine; use --device cpu"):
            resolve_device("cuda")
    with pytest.raises(UsageError, match="no device 'gpu'"):
        resolve_device("gpu")


def test_a_recipe_without_a_picture_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="ends without a picture"):
        mfrec.reconstruct("there is no such folder", recipe=load("evidence").until("assess"))


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("x0", "y0", "width", "height"), [(0, 0, 24, 20), (5, 3, 12, 9), (18, 15, 6, 5)])
def test_bicubic_of_a_part_is_the_part_of_the_bicubic(x0: int, y0: int, width: int, height: int, scale: int) -> None:
    image = portrait(24)[:20]
    canvas = Canvas(x0, y0, width, height, scale)
    whole = enlarge(image, scale)
    expected = whole[y0 * scale : (y0 + height) * scale, x0 * scale : (x0 + width) * scale]
    np.testing.assert_allclose(bicubic(image, canvas), expected, atol=2e-6)


def test_arranging_there_and_back_is_the_identity() -> None:
    from mfrec.types import Fused

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


def test_a_chain_can_end_early(sequence: Path) -> None:
    track, record = run_until("parse", sequence)
    assert [step["stage"] for step in record["steps"]] == ["track", "align", "parse"]
    assert all(o.regions is not None for o in track.observations)
    assert track.fused is None
