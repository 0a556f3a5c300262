"""Region quality: the sharper, cleaner, better-seen region scores higher."""

from dataclasses import replace

import numpy as np
import pytest
import schematic_face
from moving_portrait import film_shifts

from mfrec.camera.noise import NoiseModel
from mfrec.errors import UsageError
from mfrec.face.region_error import score_of
from mfrec.image.filters import gaussian
from mfrec.pipeline import Pipeline, Run
from mfrec.stages.align import Align
from mfrec.stages.assess import (
    DOUBTFUL,
    LEAST_SUPPORT,
    MOUTH_GAP,
    SUPPORT,
    Assess,
    Measured,
    around,
    rank_sources,
)
from mfrec.stages.parse import Parse
from mfrec.stages.track import Track
from mfrec.train.data.degrade import through_jpeg
from mfrec.types import Canvas, FaceTrack, Frame, Observation, Quality, Region

SHIFTS = ((0.0, 0.0), (0.5, 0.25), (-0.75, 0.5), (0.3, -0.6))


def quality(score: float) -> Quality:
    return Quality(score, 1, 1, 0, 0, 1, 0, 1, 0.1)


def assessed(images) -> FaceTrack:
    frames = tuple(Observation(Frame(image, k, f"{k}.png")) for k, image in enumerate(images))
    chain = Pipeline([Track(), Align(reference=0), Parse(), Assess()])
    return chain(FaceTrack(frames), Run())


@pytest.fixture(scope="module")
def images(portrait):
    return [frame.image.copy() for frame in film_shifts(portrait, SHIFTS, noise=1 / 255).frames]


def test_one_blurred_eye_falls_behind_and_only_that(images):
    track = assessed(images)
    labels = track.observations[2].regions
    assert labels is not None
    mask = gaussian(labels.mask(Region.L_EYE, Region.L_BROW).astype(np.float32), 1.0)[..., None]
    mask = np.clip(mask * 2, 0, 1)
    spoilt = list(images)
    spoilt[2] = (mask * gaussian(images[2], 1.5) + (1 - mask) * images[2]).astype(np.float32)
    after = assessed(spoilt)
    assert after.sources[Region.L_EYE][-1] == 2
    before_rest = track.observations[2].quality[Region.R_EYE].score
    assert after.observations[2].quality[Region.R_EYE].score == pytest.approx(before_rest, rel=0.15)
    assert after.observations[2].quality[Region.L_EYE].score < 0.8 * track.observations[2].quality[Region.L_EYE].score


def test_a_frame_that_is_blurred_all_over_comes_last_everywhere(images):
    spoilt = list(images)
    spoilt[3] = gaussian(images[3], 1.2)
    track = assessed(spoilt)
    for region in (Region.NOSE, Region.L_EYE, Region.R_EYE, Region.SKIN):
        assert track.sources[region][-1] == 3


def test_a_crushed_frame_loses_exposure(images):
    spoilt = list(images)
    spoilt[1] = np.clip(images[1] * 1.7, 0, 1).astype(np.float32)
    track = assessed(spoilt)
    skin = [o.quality[Region.SKIN].exposure for o in track.observations]
    assert skin[1] < 0.7
    assert min(skin[0], skin[2], skin[3]) > 0.95


def test_a_colour_that_the_scene_lacks_is_no_crushed_light(images):
    track = assessed([(image * (1, 1, 0)).astype(np.float32) for image in images])
    assert min(o.quality[Region.SKIN].exposure for o in track.observations) > 0.95


def test_quality_is_read_a_little_beyond_the_region(images):
    """A region of one pixel is read over its surroundings, as far as the face is large."""
    frame = Observation(Frame(images[0], 0, "a"))
    canvas = Canvas(0, 0, 64, 64, 2)
    mask = np.zeros(canvas.shape, bool)
    mask[64, 64] = True
    face = schematic_face.face(64)
    for seen, wanted in ((frame, LEAST_SUPPORT), (replace(frame, landmarks=face), SUPPORT * face.interocular)):
        share = around(mask, seen, canvas)
        across = share.sum(axis=0) / share.sum()
        spread = np.sqrt((across * (np.arange(128) - 64) ** 2).sum())
        assert spread == pytest.approx(max(wanted, LEAST_SUPPORT) * canvas.scale, rel=0.05)


def test_a_mouth_that_the_reference_hardly_shows_refuses_no_other():
    """Open against shut is another expression, unless the reference is too blurred to be read."""
    none = np.zeros((4, 4), np.float32)
    white = NoiseModel(none, none, (0, 0), 1.0, "still", "none")
    shut = Measured(none, none, (none, none), none, none, white, None, None, 0.05)
    good, poor = quality(score_of(0.03)), quality(score_of(0.03 * 1.1 * DOUBTFUL))
    opened = shut._replace(mouth=0.05 + 1.1 * MOUTH_GAP)
    refuse = Assess()._refuse
    assert "mouth" in refuse(Region.U_LIP, (good, opened), (good, shut))
    assert not refuse(Region.U_LIP, (good, opened), (poor, shut))
    assert "mouth" in refuse(Region.U_LIP, (poor, opened), (good, shut))
    assert not refuse(Region.NOSE, (good, opened), (good, shut))


def test_scores_are_shares_and_the_input_is_untouched(images):
    frames = tuple(Observation(Frame(image, k, f"{k}.png")) for k, image in enumerate(images))
    parsed = Pipeline([Track(), Align(reference=0), Parse()])(FaceTrack(frames), Run())
    out = Assess()(parsed, Run())
    assert all(not o.quality for o in parsed.observations)
    assert not parsed.sources
    for o in out.observations:
        assert o.quality
        assert all(0 <= q.score <= 1 and 0 <= q.exposure <= 1 and 0 <= q.sharpness <= 1 for q in o.quality.values())
    for region, order in out.sources.items():
        # The parser may see a collar or an ear in one frame and not in the next.
        shown = [o.quality.get(region) for o in out.observations]
        assert sorted(order) == [k for k, q in enumerate(shown) if q is not None and not q.refused]
    assert all(sorted(out.sources[region]) == [0, 1, 2, 3] for region in (Region.SKIN, Region.NOSE, Region.L_EYE))


def test_equal_scores_are_ordered_by_name(portrait):
    frame = [Frame(portrait, k, name) for k, name in enumerate(("b", "a"))]
    observations = [Observation(f, quality={Region.NOSE: quality(0.5)}) for f in frame]
    assert rank_sources(observations)[Region.NOSE] == (1, 0)
    observations[0] = Observation(frame[0], quality={Region.NOSE: quality(0.6)})
    assert rank_sources(observations)[Region.NOSE] == (0, 1)


def test_a_refused_region_is_no_source(portrait):
    frame = [Frame(portrait, k, name) for k, name in enumerate("ab")]
    good, bad = quality(0.5), replace(quality(0.9), refused="covered")
    observations = [Observation(f, quality={Region.NOSE: q}) for f, q in zip(frame, (good, bad), strict=True)]
    assert rank_sources(observations)[Region.NOSE] == (0,)


def test_the_one_sharp_nose_is_chosen_and_a_blocked_one_is_not_taken_for_sharp(images):
    """All frames but 3 have a nose that was coded coarsely, which leaves edges but no detail."""
    spoilt = [coarse_nose(image, k) if k != 3 else image for k, image in enumerate(images)]
    track = assessed(spoilt)
    assert track.sources[Region.NOSE][0] == 3
    scores = [o.quality[Region.NOSE].score for o in track.observations]
    assert scores[3] > 1.2 * max(scores[:3])


def coarse_nose(image, k: int):
    labels = Pipeline([Track(), Parse()])(FaceTrack((Observation(Frame(image, k, "n.png")),)), Run())
    masks = labels.observations[0].regions
    assert masks is not None
    mask = np.clip(gaussian(masks.mask(Region.NOSE).astype(np.float32), 2.0) * 3, 0, 1)[..., None]
    return (mask * through_jpeg(image, 5).image + (1 - mask) * image).astype(np.float32)


def test_a_covered_mouth_is_refused_with_a_reason(images):
    """A dark bar over the mouth of one frame; nothing else of that frame is refused."""
    spoilt = list(images)
    covered = images[1].copy()
    labels = Pipeline([Track(), Parse()])(FaceTrack((Observation(Frame(images[1], 0, "a")),)), Run())
    masks = labels.observations[0].regions
    assert masks is not None
    rows, columns = np.nonzero(masks.mask(Region.U_LIP, Region.MOUTH, Region.L_LIP))
    covered[rows.min() - 2 : rows.max() + 3, columns.min() - 3 : columns.max() + 4] = 0.08
    spoilt[1] = covered
    track = assessed(spoilt)
    lip = track.observations[1].quality[Region.L_LIP]
    assert "unlike the other frames" in lip.refused or "crushed" in lip.refused
    assert 1 not in track.sources[Region.L_LIP]
    assert not track.observations[1].quality[Region.L_EYE].refused
    assert all(not o.quality[Region.L_LIP].refused for k, o in enumerate(track.observations) if k != 1)


def test_thresholds_are_kept_in_range():
    with pytest.raises(UsageError, match=r"assess\.max_gap is 200"):
        Assess(max_gap=200)
