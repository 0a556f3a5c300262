"""The main job as one call: from files and from arrays, with the evidence picture beside the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import scipy.linalg  # noqa: F401  (loads the BLAS whose threads are counted)
from threadpoolctl import threadpool_info, threadpool_limits

import mfrec
from mfrec import outputs, reconstruction
from mfrec.errors import UsageError
from mfrec.imageio import read
from mfrec.recipe import load
from mfrec.reconstruction import (
    run_until,
)
from mfrec.types import FloatArray, Reconstruction


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


def test_linear_algebra_has_one_thread_between_the_stages_too(
    sequence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reads, measures and writes shares its cores with other runs as the stages do."""
    seen: dict[str, list[int]] = {}

    def watched(module: ModuleType, name: str) -> None:
        does: Callable[..., object] = getattr(module, name)

        def noting(*arguments: object, **named: object) -> object:
            seen[name] = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
            return does(*arguments, **named)

        monkeypatch.setattr(module, name, noting)

    for name in ("read_track", "at_own_sampling", "without_one", "check_identity", "make_record"):
        watched(reconstruction, name)
    watched(outputs, "provenance_arrays")
    with threadpool_limits(2, user_api="blas"):
        quick = mfrec.reconstruct(sequence, recipe="evidence", scale=1, settings=["fuse.method=mean"])
        mfrec.save(quick, tmp_path / "out")
    assert len(seen) == 6 and all(pools and set(pools) == {1} for pools in seen.values()), seen


def test_single_frame_runs_and_says_what_it_is(arrays: list[FloatArray]) -> None:
    alone = mfrec.reconstruct(arrays[:1])
    assert any("nothing was gained from other frames" in warning for warning in alone.record["warnings"])
    np.testing.assert_allclose(alone.weight.sum(axis=0)[alone.observed > 0.5], 1.0, atol=1e-4)


def test_a_recipe_without_a_picture_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="ends without a picture"):
        mfrec.reconstruct("there is no such folder", recipe=load("evidence").until("assess"))


def test_a_chain_can_end_early(sequence: Path) -> None:
    track, record = run_until("parse", sequence)
    assert [step["stage"] for step in record["steps"]] == ["track", "align", "parse"]
    assert all(o.regions is not None for o in track.observations)
    assert track.fused is None
