"""Long footage is gone through once: who is seen, what is kept of it, and which frames are chosen."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from portrait_clips import CODINGS, moving, write
from two_people import BLURRED, scene
from typer.testing import CliRunner

from mfrec.cli import app
from mfrec.errors import UsageError
from mfrec.face.chosen_frames import FEWEST, MOST, choose, enough_frames, find_person, why_not
from mfrec.face.detect import Detection
from mfrec.face.footage import Footage, Glimpse, _followed, _Piece, survey
from mfrec.face.search import Sighting, look, look_near
from mfrec.imageio import h264_bytes, read
from mfrec.intake import read_track
from mfrec.options import Options, as_most
from mfrec.reconstruction import run_until
from mfrec.types import Frame

COUNT = 36


@pytest.fixture(scope="module")
def footage() -> Footage:
    return survey(Frame(scene(i), i, f"clip#{i}", time=i / 25) for i in range(COUNT))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    path.write_bytes(h264_bytes([scene(i) for i in range(COUNT)], crf=18))
    return path


def test_both_people_are_followed_all_the_way(footage: Footage) -> None:
    assert [frame.index for frame in footage.frames] == list(range(COUNT))
    assert len(footage.people) == 2
    # He looks aside, and where the picture is blurred he cannot be told from his surroundings.
    assert [len(person.glimpses) >= fewest for person, fewest in zip(footage.people, (COUNT - 1, 20), strict=True)]
    sides = [np.median([g.detection.side for g in p.glimpses]) for p in footage.people]
    assert sides[0] > sides[1]


def test_sharp_frames_are_chosen_and_copies_count_once(footage: Footage) -> None:
    person = footage.people[0]
    assert [g.index for g in person.glimpses if g.copy] == [5]
    chosen = choose(person, 12)
    assert len(chosen) == 12
    assert not set(chosen) & {*BLURRED, 5}
    assert "repeats the frame before" in why_not(person, 5, 12)
    assert "bring more" in why_not(person, 12, 12)
    assert "not found" in why_not(person, 999, 12)


def test_who_is_seen_in_one_frame_at_two_places_is_two_people(portrait: np.ndarray) -> None:
    """Also where they are alike, and the best pictures of the one are from other frames than those of the other."""
    heads = [head.astype(np.float32) / 255 for head in moving(portrait, 10, 110)]
    pictures = []
    for number, head in enumerate(heads):
        poor = cv2.GaussianBlur(head, (0, 0), 2)
        pictures.append(np.hstack([head, poor] if number < 5 else [poor, head]))
    found = survey(Frame(picture, i, f"clip#{i}", time=i / 25) for i, picture in enumerate(pictures))
    assert [len(person.glimpses) for person in found.people] == [10, 10]
    for person in found.people:
        assert np.ptp([glimpse.detection.centre[0] for glimpse in person.glimpses]) < 30


def test_a_piece_that_goes_over_to_somebody_elses_face_is_lost(portrait: np.ndarray) -> None:
    """People who cross: the face that is seen stays with the piece that was nearer, in whatever order they are."""
    picture = (moving(portrait, 1, 110)[0] / 255).astype(np.float32)
    (face,) = look(picture).faces
    aside = Detection((face.box + 0.4 * face.side * np.array([1, 0, 1, 0])).astype(np.float32), face.score, face.points)
    going = [_piece_at(aside), _piece_at(face)]
    assert all(look_near(picture, Sighting((piece.glimpses[-1].detection,))) for piece in going)
    for order in (going, going[::-1]):
        assert [piece for piece, _ in _followed(picture, order, stretched=False)] == [going[1]]


def _piece_at(face: Detection) -> _Piece:
    return _Piece([Glimpse(0, "clip#0", 0.0, face, 0.1, (0.5, 0.5), 0.5, copy=False, damaged=False)])


def test_the_frame_that_was_asked_for_is_always_among_them(footage: Footage) -> None:
    person = footage.people[0]
    for always in (12, "12", "clip#12"):
        assert 12 in choose(person, 7, always=(always,))


def test_the_number_of_frames_falls_with_the_size_of_the_face(footage: Footage) -> None:
    large, small = (enough_frames(person) for person in footage.people)
    assert FEWEST <= large < small <= MOST


def test_nobody_else_has_a_number(footage: Footage) -> None:
    assert find_person(footage, 0) == (footage.people[0], "")
    assert find_person(footage, 2)[0] is footage.people[1]
    with pytest.raises(UsageError, match="no subject 3: 2 people were found"):
        find_person(footage, 3)


def test_a_survey_repeats_itself(footage: Footage) -> None:
    again = survey(Frame(scene(i), i, f"clip#{i}", time=i / 25) for i in range(COUNT))
    for one, other in zip(footage.people, again.people, strict=True):
        assert [g.quality for g in one.glimpses] == [g.quality for g in other.glimpses]


def test_only_the_chosen_frames_are_kept_and_the_others_say_why(clip: Path) -> None:
    track = read_track(clip, Options(most=8))
    assert len(track.observations) == 8
    assert all(o.box is not None for o in track.observations)
    left = [d for d in track.dropped if d.stage == "choose"]
    assert len(left) == COUNT - 8
    assert all(d.reason and d.frame is None for d in left)
    assert [s.number for s in track.subjects] == [1, 2]
    whole = read_track(clip, Options(most=COUNT))
    assert len(whole.observations) == COUNT
    same = {o.frame.index: o.frame for o in whole.observations}
    for o in track.observations:
        assert np.array_equal(o.frame.image, same[o.frame.index].image)
        assert (o.frame.name, o.frame.time) == (same[o.frame.index].name, same[o.frame.index].time)


@pytest.mark.parametrize("subject", [1, 2])
def test_the_subject_of_the_footage_is_followed(clip: Path, subject: int) -> None:
    track, record = run_until("track", clip, Options(most=7, subject=subject))
    assert [s["number"] for s in record["subjects"] if s["chosen"]] == [subject]
    left_half = [o.frame.origin[0] + o.box[0] < 150 for o in track.observations if o.box is not None]
    assert len(left_half) == 7
    assert all(left_half) if subject == 1 else not any(left_half)


def test_a_number_of_frames_that_cannot_be_is_refused() -> None:
    assert as_most("auto") is None
    assert as_most("9") == as_most(9) == 9
    for wrong in ("0", 0, "many", "-3"):
        with pytest.raises(UsageError, match="--frames is"):
            as_most(wrong)


def test_everybody_is_listed_with_a_contact_sheet(clip: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "people.png"
    done = CliRunner().invoke(app, ["people", str(clip), "-o", str(sheet), "--json"])
    assert done.exit_code == 0
    listed = json.loads(done.stdout)
    assert listed["frames"] == COUNT
    assert [person["number"] for person in listed["people"]] == [1, 2]
    assert read(sheet).frames[0].image.shape == (184, 320, 3)
    before = sheet.read_bytes()
    assert CliRunner().invoke(app, ["people", str(clip), "-o", str(sheet)]).exit_code == 2
    assert sheet.read_bytes() == before


def test_footage_of_nobody_has_no_people() -> None:
    wall = [Frame(np.full((48, 48, 3), 0.5, np.float32), index, str(index), time=index / 25) for index in range(3)]
    found = survey(wall)
    assert found.people == () and len(found.frames) == 3


def test_what_is_wrong_with_the_file_is_said(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (4, 48, 48, 3), np.uint8)
    clip = write(tmp_path / "a.ts", list(noise), CODINGS["h264"])
    clip.write_bytes(clip.read_bytes()[:-300])
    sheet = tmp_path / "sheet.png"
    done = CliRunner().invoke(app, ["people", str(clip), "--json", "--every-frame", "-o", str(sheet)])
    assert done.exit_code == 0 and not sheet.exists() and "nobody was seen in any of the" in done.stderr
    warnings = json.loads(done.stdout)["warnings"]
    assert any("cut off" in warning for warning in warnings)
    assert all(f"warning: {warning}" in done.stderr for warning in warnings)
