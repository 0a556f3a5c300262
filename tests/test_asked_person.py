"""Whom --box and --like mean, in footage and in stills, and every way to point at nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from two_people import head, scene

from mfrec.asked_person import as_place, asked_person
from mfrec.errors import InputError, UsageError
from mfrec.imageio import h264_bytes, png_bytes
from mfrec.options import Options
from mfrec.reconstruction import run_until
from mfrec.types import FaceTrack, FrameId

MAN = "285,100,45,50"
"""Where the cameraman's face is in the first frame of the scene."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """28 frames, so that some are chosen."""
    path = tmp_path_factory.mktemp("two") / "clip.mp4"
    path.write_bytes(h264_bytes([scene(i) for i in range(28)], crf=18, fps=10))
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cameraman from nearer by than the scene shows him."""
    path = tmp_path_factory.mktemp("photo") / "man.png"
    path.write_bytes(png_bytes(head("cameraman", 130)))
    return path


def followed_on_the_right(track: FaceTrack) -> bool:
    lefts = [o.frame.origin[0] + o.box[0] for o in track.observations if o.box is not None]
    assert lefts
    return all(left > 150 for left in lefts)


def test_a_place_is_read() -> None:
    assert as_place("10,20,30,40").box == (10, 20, 39, 59)
    assert as_place("10,20,30,40@12").index == 12
    assert as_place("10,20,30,40@12.5").time == 12.5
    assert as_place("10,20,30,40@1:02.5").time == 62.5
    assert as_place("10,20,30,40@7s").time == 7
    for wrong in ("10,20,30", "a,b,c,d", "1,2,0,4", "1,2,3,4@", "1,2,3,4@x", "1,2,nan,4", "1,2,3,4@-1.0"):
        with pytest.raises(UsageError, match="expected x,y,w,h@t"):
            as_place(wrong)


def test_the_frame_that_is_meant() -> None:
    frames = [FrameId(i, f"clip#{i}", i / 10) for i in range(3, 30)]

    def index(box: str) -> int:
        wanted = asked_person(Options(box=box), frames)
        assert wanted is not None
        return wanted.index

    assert [index(f"0,0,9,9{at}") for at in ("", "@4", "@0.52", "@0:01.1")] == [3, 4, 5, 11]
    for at, why in (("@2", "no frame with that index"), ("@99.0", "0.30 s to 2.90 s")):
        with pytest.raises(UsageError, match=why):
            index(f"0,0,9,9{at}")
    with pytest.raises(UsageError, match="pictures have none"):
        asked_person(Options(box="0,0,9,9@1.5"), [FrameId(0, "a.png")])


@pytest.mark.parametrize("how", [f"{MAN}@0", "photograph"])
def test_either_is_followed_in_footage_and_in_stills(how: str, clip: Path, photo: Path) -> None:
    options = Options(like=photo, most=7) if how == "photograph" else Options(box=how, most=7)
    track, record = run_until("track", clip, options)
    assert followed_on_the_right(track)
    assert [s["number"] for s in record["subjects"] if s["chosen"]] == [2]
    track, record = run_until("track", [scene(i) for i in range(3)], options)
    assert followed_on_the_right(track)
    assert record["arguments"]["box"] == options.box
    assert [entry["option"] for entry in record["given"]] == (["--like"] if options.like else [])


def test_the_record_says_what_follows_the_others() -> None:
    stills = [scene(i) for i in range(3)]
    track, record = run_until("track", stills)
    assert not followed_on_the_right(track)
    (other,) = [s for s in record["subjects"] if not s["chosen"]]
    track, record = run_until("track", stills, Options(box=other["box"]))
    assert followed_on_the_right(track)


def test_where_nobody_is_pointed_at_the_error_says_who_is_there(clip: Path, tmp_path: Path) -> None:
    for source in (clip, [scene(i) for i in range(3)]):
        with pytest.raises(UsageError, match=r"no face lies in --box 150,10,20,20.*subject 1 at .*, subject 2 at "):
            run_until("track", source, Options(box="150,10,20,20@0", most=7))
        with pytest.raises(UsageError, match="holds 2 faces"):
            run_until("track", source, Options(box="0,0,360,240@0", most=7))
    coffee = tmp_path / "coffee.png"
    coffee.write_bytes(png_bytes(skimage.data.coffee()))
    two = tmp_path / "two.png"
    two.write_bytes(png_bytes(scene(0)))
    for path, why in ((coffee, "shows no face"), (two, "shows 2 faces"), (tmp_path, "is a folder"), (clip, "a video")):
        with pytest.raises(InputError, match=why):
            asked_person(Options(like=path), [])
    with pytest.raises(InputError, match=r"--like: '.*none\.png' cannot be read"):
        run_until("track", clip, Options(like=tmp_path / "none.png"))
    with pytest.raises(UsageError, match="--subject and --box each say whom"):
        run_until("track", clip, Options(subject=1, box=MAN))


def test_a_photograph_of_somebody_else_is_refused(photo: Path) -> None:
    woman = [np.pad(head("astronaut", 100), ((10 + i, 10 - i), (10, 10), (0, 0)), mode="edge") for i in range(3)]
    with pytest.raises(UsageError, match="nobody in the frames is like the face of --like"):
        run_until("track", woman, Options(like=photo))


def test_a_turned_film_is_searched_where_the_report_shows_it(clip: Path) -> None:
    lying = [np.rot90(scene(i)).copy() for i in range(3)]
    track, _ = run_until("track", lying, Options(box=MAN))
    assert followed_on_the_right(track)


def test_boxes_of_turned_footage_are_handed_on(tmp_path: Path) -> None:
    lying = tmp_path / "lying.mp4"
    lying.write_bytes(h264_bytes([np.rot90(scene(i)).copy() for i in range(26)], crf=18, fps=10))
    track, record = run_until("track", lying, Options(box=MAN, most=7, turn=90))
    assert followed_on_the_right(track)
    assert all(o.frame.size == (360, 240) for o in track.observations)
    assert [s["number"] for s in record["subjects"]] == [1, 2]
