"""The surroundings of a face in place of a large frame: where they lie, and that the result does not depend on them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from mfrec.camera.noise import ijg_tables
from mfrec.face.surroundings import GRID, MARGIN, cut, cut_observations, in_whole, overview, surroundings, thumbnail
from mfrec.face.turn import TURNS, turned
from mfrec.image.filters import gaussian
from mfrec.image.geometry import resize, similarity_map, warp
from mfrec.imageio import jpeg_bytes
from mfrec.options import Options
from mfrec.reconstruction import run_recipe, run_until
from mfrec.types import CodecView, FloatArray, Frame, Observation, Similarity, Subject


def numbered(height: int, width: int) -> FloatArray:
    """A picture whose every pixel is another."""
    image = np.zeros((height, width, 3), np.float32)
    image[..., 0], image[..., 1] = np.mgrid[0:height, 0:width] / max(height, width)
    return image


@pytest.mark.parametrize("box", [(300, 200, 360, 280), (0, 0, 40, 50), (900, 650, 999, 749)])
def test_a_part_holds_the_face_with_its_margin_and_begins_on_the_grid(box: tuple[int, int, int, int]) -> None:
    part = surroundings([np.array(box)], 1000, 750)
    assert part is not None
    x0, y0, x1, y1 = part
    edge = MARGIN * max(box[2] - box[0], box[3] - box[1])
    assert x0 % GRID == y0 % GRID == 0
    assert x0 <= max(0, box[0] - edge) and y0 <= max(0, box[1] - edge)
    assert x1 >= min(1000, box[2] + edge) and y1 >= min(750, box[3] + edge)
    assert (x1 - x0) * (y1 - y0) < 0.5 * 1000 * 750


def test_a_frame_stays_whole_without_a_face_and_where_one_fills_it() -> None:
    assert surroundings([], 1000, 750) is None
    assert surroundings([np.array([100, 100, 500, 500])], 1000, 750) is None
    far_apart = [np.array([10, 10, 60, 60]), np.array([900, 650, 960, 720])]
    assert surroundings(far_apart, 1000, 750) is None


@pytest.mark.parametrize("degrees", TURNS)
def test_a_part_knows_where_it_lay_however_it_is_turned(degrees: int) -> None:
    tables = replace(ijg_tables(50), phase=(3, 5))
    codec = CodecView("P", np.zeros((6, 8), np.float32), "H.264 QP", None)
    frame = Frame(numbered(96, 128), 0, "0", jpeg=tables, codec=codec)
    part = cut(frame, (32, 16, 80, 64))
    assert part.size == (128, 96) and part.codec is not None and part.codec.origin == (-32, -16)
    whole, piece = turned(frame, degrees), turned(part, degrees)
    (x, y), (rows, columns) = piece.origin, piece.image.shape[:2]
    assert np.array_equal(whole.image[y : y + rows, x : x + columns], piece.image)
    assert piece.size == whole.size
    assert piece.jpeg is not None and whole.jpeg is not None
    assert piece.jpeg.phase == ((whole.jpeg.phase[0] - x) % 8, (whole.jpeg.phase[1] - y) % 8)


def test_parts_of_parts_and_boxes_count_from_the_picture_as_it_was_read() -> None:
    frame = Frame(numbered(400, 400), 0, "0")
    box = np.array([200, 210, 220, 240], np.float32)
    (once,) = cut_observations([Observation(frame, box)])
    assert once.box is not None and once.frame.whole == (400, 400)
    assert np.array_equal(in_whole(once.box, once.frame), box)
    twice = cut(once.frame, (16, 32, 64, 64))
    assert twice.origin == (once.frame.origin[0] + 16, once.frame.origin[1] + 32)
    assert np.array_equal(twice.image, frame.image[twice.origin[1] :, twice.origin[0] :][:32, :48])


def test_frames_stay_whole_beside_one_that_a_face_fills() -> None:
    far = Observation(Frame(numbered(400, 400), 0, "0"), np.array([200, 210, 220, 240], np.float32))
    near = Observation(Frame(numbered(400, 400), 1, "1"), np.array([50, 50, 300, 350], np.float32))
    assert [o.frame.whole for o in cut_observations([far, near])] == [None, None]


def test_people_are_numbered_in_the_frame_that_shows_most_of_them() -> None:
    frames = [Frame(np.zeros((40, 60, 3), np.float32), i, f"{i}") for i in range(2)]
    frames.append(Frame(np.zeros((1000, 2560, 3), np.float32), 2, "2"))
    box = np.array([5, 5, 20, 25], np.float32)
    people = [Subject(1, {0: box, 1: box}, True), Subject(2, {1: box + 25}, False)]
    seen = overview(frames, people)
    assert seen is not None and seen.name == "1" and set(seen.boxes) == {1, 2}
    assert overview(frames[2:], people) is None and overview([], people) is None
    large = overview(frames, [Subject(1, {2: np.array([0, 0, 99, 49], np.float32)}, True)])
    assert large is not None and large.image.shape[:2] == (500, 1280)
    assert np.allclose(large.boxes[1], [-0.25, -0.25, 49.25, 24.25])
    assert thumbnail(frames[2]).size == (2560, 1000) and thumbnail(frames[0]) is frames[0]


def in_a_room(moment: int, height: int, width: int, at: tuple[int, int]) -> FloatArray:
    """A portrait of 70 px, moved by a fraction of a pixel, in a large room."""
    room = resize(skimage.data.coffee().astype(np.float32) / 255, height, width)
    face = skimage.data.astronaut()[0:210, 115:325].astype(np.float32) / 255
    shift = 0.3 * moment
    step = Similarity(np.array([[3.0, 0, 1.0 - 3 * shift], [0, 3.0, 1.0 - shift]]))
    x, y = at[0] + 3 * moment, at[1] + moment
    room[y : y + 70, x : x + 70] = warp(gaussian(face, 1.0), similarity_map(step, 70, 70))
    return np.clip(room, 0, 1)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photographs with a small face."""
    folder = tmp_path_factory.mktemp("walk")
    for moment in range(3):
        (folder / f"{moment}.jpg").write_bytes(jpeg_bytes(in_a_room(moment, 300, 400, (240, 120)), 80))
    return folder


def test_the_result_is_that_of_whole_frames(walk: Path) -> None:
    quick = ("fuse.passes=1", "fuse.inner=4")
    parts = run_recipe(walk, Options(recipe="evidence", scale=2, settings=quick))
    whole = run_recipe(walk, Options(recipe="evidence", scale=2, settings=(*quick, "track.keep=frame")))
    error = float(((parts.image - whole.image) ** 2).mean())
    # The error of a frame is estimated from its pixels, and those of a part are others.
    assert error < 10**-4, f"PSNR {-10 * np.log10(error):.1f} dB"
    assert parts.record["canvas"] == whole.record["canvas"]
    assert [entry["size"] for entry in parts.record["inputs"]] == [[400, 300]] * 3
    x0, y0, width, height = parts.record["used"][1]["part"]
    assert x0 < 255 and y0 < 130 and x0 + width > 300 and y0 + height > 180 and width * height < 400 * 300 / 2
    assert whole.record["used"][1]["part"] == [0, 0, 400, 300]


def test_a_crop_of_the_whole_frame_keeps_it(walk: Path) -> None:
    track = run_until("track", walk, Options(crop="frame"))[0]
    assert [o.frame.image.shape for o in track.observations] == [(300, 400, 3)] * 3


LIMITED = """
import resource, sys
from mfrec.options import Options
from mfrec.intake import read_track
for count in (1, 3):
    track = read_track([f"{sys.argv[1]}/{i}.jpg" for i in range(count)], Options())
    assert all(o.frame.size == (4000, 3000) and o.frame.image.shape[0] < 400 for o in track.observations)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is in other units elsewhere")
def test_memory_does_not_grow_with_the_number_of_photographs(tmp_path: Path) -> None:
    photograph = jpeg_bytes(in_a_room(0, 3000, 4000, (1800, 1200)), 80)
    for i in range(3):
        (tmp_path / f"{i}.jpg").write_bytes(photograph)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], check=True, capture_output=True, text=True, timeout=300
    )
    one, three = (int(line) / 1024 for line in done.stdout.split())
    assert three < one + 60, f"{one:.0f} MiB with one photograph, {three:.0f} with three, of 137 each"
