"""The stage repose: only turned frames change, what is decided is recorded, and nothing hidden is trusted."""

from dataclasses import replace

import numpy as np
import pytest

from mfrec.bench.tables.definitions import chain
from mfrec.errors import UsageError
from mfrec.fusion.track_sources import register_again, sources_of
from mfrec.image.geometry import identity_map, resize, warp
from mfrec.metrics.psnr import psnr
from mfrec.pipeline import Pipeline, Run
from mfrec.recipe import load, parse
from mfrec.stages.align import Align
from mfrec.stages.assess import Assess
from mfrec.stages.fuse import Fuse
from mfrec.stages.parse import Parse
from mfrec.stages.repose import Repose, with_map
from mfrec.types import FaceTrack, Frame, Landmarks, Observation

SHRINK = 4


@pytest.fixture(scope="module")
def track(turned) -> FaceTrack:
    """The portrait ahead, turned a little, and turned far, at 64 px, registered and parsed."""
    observations = []
    for index, name in enumerate(("yaw 0, pitch 0", "yaw 6, pitch 3", "yaw 22, pitch 0")):
        picture = turned[name]
        small = np.clip(resize(picture.image, 256 // SHRINK, 256 // SHRINK, interpolation="area"), 0, 1)
        points = ((picture.landmarks.points + 0.5) / SHRINK - 0.5).astype(np.float32)
        box = np.concatenate([points.min(axis=0), points.max(axis=0)])
        frame = Frame(small, index, f"{index}.png")
        observations.append(Observation(frame, box, 1.0, Landmarks(points)))
    aligned = Align(reference=0, scale=2)(FaceTrack(tuple(observations)), Run())
    return Parse()(aligned, Run())


@pytest.fixture(scope="module")
def lost(track) -> FaceTrack:
    """The same with the far turned frame registered three frame pixels beside its place, as plain flow may end."""
    o = track.observations[2]
    beside = replace(o.registration, look_up=o.registration.look_up + 3, landing=o.registration.landing - 6)
    return replace(track, observations=(*track.observations[:2], replace(o, registration=beside)))


@pytest.fixture(scope="module")
def reposed(lost):
    run = Run()
    out = Pipeline([Repose()], given=Repose.needs)(lost, run)
    return out, run


def test_only_the_turned_frame_is_reposed_and_the_input_is_untouched(lost, reposed):
    out, run = reposed
    assert [bool(o.reposed) for o in out.observations] == [False, False, True]
    for before, after in zip(lost.observations[:2], out.observations[:2], strict=True):
        assert before is after
    assert not lost.observations[2].reposed
    said = run.steps[0].parameters["reposed"]
    assert list(said) == ["2.png"] and set(said["2.png"]) == {"skin", "nose", "brows", "eyes", "mouth"}
    assert sum(verdict.startswith("reposed") for verdict in said["2.png"].values()) >= 3


def test_the_reposed_frame_shows_the_reference_better_where_it_is_trusted(lost, reposed):
    out, _ = reposed
    truth, _, before = (np.clip(source.warped, 0, 1) for source in sources_of(lost))
    after = np.clip(sources_of(out)[2].warped, 0, 1)
    registration = out.observations[2].registration
    where = (registration.trust > 0.5) & (registration.look_up != lost.observations[2].registration.look_up).any(
        axis=-1
    )
    assert where.sum() > 500
    assert psnr(after[where][None], truth[where][None]) > psnr(before[where][None], truth[where][None]) + 3


def test_a_registration_that_fits_is_kept(track):
    out = Repose()(track, Run())
    kept = [verdict for verdict in out.observations[2].reposed.values() if verdict.startswith("as registered")]
    assert kept, "plain flow follows this smooth head as well"


def test_the_two_maps_of_a_reposed_frame_undo_each_other(reposed):
    out, _ = reposed
    registration = out.observations[2].registration
    trusted = registration.trust > 0.6
    back = warp(registration.landing, registration.look_up - np.array(registration.window), interpolation="linear")
    error = np.linalg.norm(back - identity_map(*trusted.shape), axis=-1)[trusted]
    assert np.median(error) < 1.0


def test_a_reposed_frame_is_fused_and_not_registered_again(reposed):
    out, _ = reposed
    assessed = Assess()(out, Run())
    fused = Fuse(passes=2, outer=1, inner=3)(assessed, Run()).fused
    assert fused is not None and np.isfinite(fused.image).all()
    assert fused.weight[2].max() > 0
    again = register_again(out, fused.image)
    assert again.observations[2] is out.observations[2]
    assert again.observations[1] is not out.observations[1]


def test_without_landmarks_of_the_reference_nothing_happens(track):
    blind = replace(track, observations=(replace(track.observations[0], landmarks=None), *track.observations[1:]))
    assert Repose()(blind, Run()) is blind


@pytest.mark.parametrize("method", ["delaunay", "procrustes", "align_and_blend"])
def test_the_other_methods_run_in_the_same_place(track, method):
    out = Repose(method=method)(track, Run())
    assert out.observations[2].reposed


def test_a_map_that_is_not_changed_keeps_the_registration(track):
    o = track.observations[1]
    truth = sources_of(track)[0].warped
    nowhere = np.zeros(o.registration.trust.shape, bool)
    same = with_map(
        o.registration, o.frame.image, truth, o.registration.look_up, trust=o.registration.trust, changed=nowhere
    )
    assert np.array_equal(same.landing, o.registration.landing)
    assert np.array_equal(same.look_up, o.registration.look_up)


def test_impossible_settings_are_refused():
    with pytest.raises(UsageError, match=r"repose\.method"):
        Repose(method="pulse")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match=r"repose\.above"):
        Repose(above=-1)


def test_the_recipes_of_the_table_are_chains_that_can_run():
    for method in ("align_and_blend", "delaunay", "mesh"):
        recipe = parse(chain("repose", method))
        Pipeline(recipe.stages)
        assert [stage.name for stage in recipe.stages][3:] == ["repose", "assess", "cross"]
    assert load("evidence").stamp == "ENHANCED"
