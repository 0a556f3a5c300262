"""The align stage: canvas, starting similarity, and what is left out."""

from dataclasses import replace

import numpy as np
import pytest
from moving_portrait import film_shifts

from mfrec.camera.noise import from_quantiser, from_tables, ijg_tables
from mfrec.errors import InputError, UsageError
from mfrec.image.geometry import resize, similarity_map, warp
from mfrec.pipeline import Pipeline, Run
from mfrec.stages.align import (
    ENOUGH_WHOLE,
    FACE_WANTED,
    USUAL_SCALE,
    Align,
    check_size,
    correlation,
    fitting_scale,
    make_canvas,
    presmooth_for,
    reduced_crop,
    start_similarity,
    without_damaged,
)
from mfrec.types import FaceTrack, FlowSettings, Frame, Landmarks, Observation, Similarity

SHIFTS = ((0.0, 0.0), (0.5, 0.25), (-0.75, 0.5))


def seen(frame: Frame, box=(8, 6, 32, 36)) -> Observation:
    return Observation(frame, np.array(box, np.float32), 0.9)


def blank(height, width, box=None) -> Observation:
    frame = Frame(np.zeros((height, width, 3), np.float32), 0, "0")
    return Observation(frame, None if box is None else np.array(box, np.float32))


@pytest.fixture(scope="module")
def filmed(portrait):
    return film_shifts(portrait, SHIFTS)


def test_a_tight_crop_keeps_the_whole_frame():
    canvas = make_canvas(blank(40, 40, (8, 5, 32, 35)), 4, "auto")
    assert (canvas.x0, canvas.y0, canvas.width, canvas.height) == (0, 0, 40, 40)


def test_a_small_face_in_a_large_frame_is_cut_out_with_its_surroundings():
    canvas = make_canvas(blank(480, 640, (300, 200, 340, 250)), 4, "auto")
    assert canvas.x0 <= 280
    assert canvas.x0 + canvas.width >= 360
    assert canvas.width < 120
    assert make_canvas(blank(480, 640, (300, 200, 340, 250)), 2, "frame").shape == (960, 1280)


def test_a_rectangle_is_what_the_picture_shows():
    canvas = make_canvas(blank(480, 640, (300, 200, 340, 250)), 2, "290, 190,64,80")
    assert (canvas.x0, canvas.y0, canvas.width, canvas.height) == (290, 190, 64, 80)
    with pytest.raises(UsageError, match="reaches beyond the reference frame '0', which has 640 x 480 pixels"):
        make_canvas(blank(480, 640), 2, "600,0,64,64")
    assert reduced_crop("face", 2.0) == "face"
    assert reduced_crop("11,20,64,65", 2.0) == "5,10,33,33"


@pytest.mark.parametrize(
    ("side", "scale"), [(20, 4), (64, 4), (65, 4), (86, 3), (128, 2), (129, 2), (256, 1), (400, 1)]
)
def test_the_scale_by_the_face_is_the_least_that_shows_it_large_enough(side, scale):
    assert fitting_scale(blank(480, 640, (30, 20, 30 + side, 20 + side))) == scale
    assert scale in (USUAL_SCALE, 1) or (scale - 1) * side < FACE_WANTED <= scale * side


def test_of_a_face_that_nobody_found_the_scale_is_the_usual_one():
    assert fitting_scale(blank(64, 64)) == USUAL_SCALE


def test_the_chosen_scale_is_that_of_the_canvas_and_of_the_record(filmed):
    track = FaceTrack(tuple(seen(frame, (0, 0, 100, 100)) for frame in filmed.frames))
    run = Run()
    out = Pipeline((Align(reference=0, scale="auto"),), given=frozenset({"boxes"}))(track, run)
    assert out.canvas is not None and out.canvas.scale == run.steps[0].parameters["scale"] == 3


@pytest.mark.parametrize("crop", ["1,2,3", "1,2,30,-4", "1.5,2,30,40", "a,b,c,d", "", "1,2,8,40"])
def test_no_rectangle_is_refused_at_once(crop):
    with pytest.raises(UsageError, match="--crop"):
        Align(crop=crop)


def test_the_canvas_stays_inside_the_frame():
    canvas = make_canvas(blank(100, 100, (-5, 80, 20, 104)), 4, "face")
    assert canvas.x0 == 0
    assert canvas.y0 + canvas.height == 100


@pytest.mark.parametrize(
    ("scale", "crop", "match"), [(4, "nose", "auto, face or frame"), (0, "auto", "1 to 8"), (9, "auto", "1 to 8")]
)
def test_impossible_settings_are_refused_at_once(scale, crop, match):
    with pytest.raises(UsageError, match=match):
        Align(scale=scale, crop=crop)


def test_the_noisier_the_codec_the_softer_the_pictures_that_the_flow_sees():
    tables = [from_tables(ijg_tables(quality), "") for quality in (95, 60, 20, 5)]
    blurs = [presmooth_for([noise]) for noise in tables]
    assert blurs == sorted(blurs)
    assert blurs[0] < 0.75 * blurs[1]
    assert (blurs[0] >= 0.5, blurs[-1]) == (True, 2.0)
    assert presmooth_for([tables[0], tables[1], tables[3]]) == blurs[1]
    unknown = from_quantiser(30, "unknown", "")
    assert presmooth_for([unknown, unknown]) == FlowSettings().presmooth
    assert presmooth_for([unknown, tables[1]]) == blurs[1]


def test_the_blur_of_the_flow_is_recorded_and_can_be_set(filmed):
    track = FaceTrack(tuple(seen(frame) for frame in filmed.frames))
    for stage, expected in ((Align(reference=0), FlowSettings().presmooth), (Align(reference=0, presmooth=1.5), 1.5)):
        run = Run()
        assert Pipeline((stage,), given=frozenset({"boxes"}))(track, run).flow.presmooth == expected
        assert run.steps[0].parameters["presmooth"] == expected


@pytest.mark.parametrize(
    "setting", [{"patch": 0}, {"patch": -4}, {"smoothness": -1}, {"presmooth": 0}, {"tolerance": float("nan")}]
)
def test_parameters_out_of_range_are_refused(setting):
    with pytest.raises(UsageError, match=r"align\.\w+ is .*; expected"):
        Align(**setting)


def test_a_canvas_too_large_for_memory_is_refused():
    with pytest.raises(UsageError, match="million"):
        check_size(make_canvas(blank(480, 640, (10, 10, 40, 40)), 4, "frame"), 14)
    check_size(make_canvas(blank(480, 640, (10, 10, 40, 40)), 4, "auto"), 100)


def test_correlation():
    a = np.arange(6, dtype=np.float32)
    assert correlation(a, 3 * a + 1) == pytest.approx(1)
    assert correlation(a, -a) == pytest.approx(-1)
    assert correlation(a, np.ones(6, np.float32)) == 0


def test_the_start_is_the_guess_whose_pixels_agree(portrait):
    """Landmarks that are wrong are not followed when the frames are aligned already, and the other way round."""
    small = resize(portrait, 48, 48, interpolation="area")
    points = np.random.default_rng(0).uniform(12, 36, (68, 2)).astype(np.float32)
    reference = Observation(Frame(small, 0, "0"), np.array([8, 8, 40, 40], np.float32), 1, Landmarks(points))
    wrong = replace(reference, landmarks=Landmarks(points + np.float32(5)))
    assert np.allclose(start_similarity(wrong, reference).matrix, np.eye(2, 3))
    move = Similarity(np.array([[1.2, 0.1, -3], [-0.1, 1.2, 2]]))  # reference to frame
    moved = warp(small, similarity_map(move.inverse(), 60, 60))
    true = Observation(Frame(moved, 1, "1"), None, 0, Landmarks(move.apply(points).astype(np.float32)))
    assert np.allclose(start_similarity(true, reference).matrix, move.inverse().matrix, atol=1e-4)


def test_every_frame_is_registered_and_the_input_is_untouched(filmed):
    track = FaceTrack(tuple(seen(frame) for frame in filmed.frames))
    out = Align(reference=0)(track, Run())
    assert out.reference == 0
    assert out.reference_why == "chosen by the user"
    assert out.canvas == filmed.canvas
    for o, (dx, dy) in zip(out.observations, SHIFTS, strict=True):
        assert o.registration is not None
        centre = o.registration.look_up[80, 80] - filmed.canvas.from_reference.inverse().apply([80, 80])
        assert np.allclose(centre, [dx, dy], atol=0.25)
    assert all(o.registration is None and o.similarity is None for o in track.observations)
    assert track.canvas is None


def test_an_undetected_frame_stays_if_it_registers_and_goes_if_it_does_not(portrait, filmed):
    rng = np.random.default_rng(0)
    missed = Observation(filmed.frames[2])
    other = Observation(Frame(rng.random((40, 40, 3)).astype(np.float32), 3, "3.png"))
    track = FaceTrack((seen(filmed.frames[0]), seen(filmed.frames[1]), missed, other))
    out = Align(reference=0)(track, Run())
    assert [o.frame.index for o in out.observations] == [0, 1, 2]
    (dropped,) = out.dropped
    assert (dropped.index, dropped.stage) == (3, "align")
    assert "does not register" in dropped.reason


def test_the_reference_position_follows_when_frames_are_left_out(filmed):
    rng = np.random.default_rng(0)
    other = Observation(Frame(rng.random((40, 40, 3)).astype(np.float32), 9, "a.png"))
    track = FaceTrack((other, *(seen(frame) for frame in filmed.frames)))
    out = Align(reference="1.png")(track, Run())
    assert out.reference is not None
    assert out.observations[out.reference].frame.name == "1.png"
    assert len(out.observations) == 3


def test_nothing_to_align_is_said():
    with pytest.raises(InputError, match="at least one"):
        Align()(FaceTrack(()), Run())


def test_damaged_frames_are_left_out_while_enough_others_are_there(filmed):
    def frames(damaged: int, whole: int) -> FaceTrack:
        base = filmed.frames[0]
        kept = [seen(replace(base, index=i, name=str(i))) for i in range(whole)]
        note = ("damaged: a part of it is missing in the file",)
        lost = [
            seen(replace(base, index=i, name=str(i), damaged=True, notes=note)) for i in range(whole, whole + damaged)
        ]
        return FaceTrack((*kept, *lost))

    track = frames(2, ENOUGH_WHOLE)
    out = without_damaged(track, "auto")
    assert [o.frame.index for o in out.observations] == list(range(ENOUGH_WHOLE))
    assert [d.index for d in out.dropped] == [ENOUGH_WHOLE, ENOUGH_WHOLE + 1]
    assert out.dropped[0].reason == "damaged: a part of it is missing in the file; 5 undamaged frames are used"
    assert len(track.observations) == ENOUGH_WHOLE + 2
    assert ENOUGH_WHOLE in [o.frame.index for o in without_damaged(track, ENOUGH_WHOLE).observations]
    few = frames(2, ENOUGH_WHOLE - 1)
    assert without_damaged(few, "auto") is few
    assert all(not o.frame.damaged for o in Align(scale=1)(track, Run()).observations)
