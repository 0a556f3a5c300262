"""The same picture compressed again is found; frames of one still moment, each with its own noise, are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mfrec.camera.recoded import SAME, copies_among, recoded, shared
from mfrec.face.surroundings import cut
from mfrec.image.geometry import resize
from mfrec.imageio import jpeg_bytes, read
from mfrec.intake import read_track
from mfrec.options import Options
from mfrec.types import FloatArray, Frame


def stills(folder: Path, pictures: dict[str, bytes]) -> list[Frame]:
    folder.mkdir(exist_ok=True)
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    return list(read(folder).frames)


@pytest.fixture(scope="module")
def moment(portrait: FloatArray) -> list[FloatArray]:
    """Four exposures of a head that keeps quite still."""
    small = resize(portrait, 96, 96, interpolation="area")
    rng = np.random.default_rng(0)
    return [np.clip(small + rng.normal(0, 0.012, small.shape), 0, 1).astype(np.float32) for _ in range(4)]


def test_what_was_compressed_again_counts_as_one(moment: list[FloatArray], tmp_path: Path) -> None:
    first = jpeg_bytes(moment[0], 90)
    (once,) = stills(tmp_path / "once", {"a.jpg": first})
    frames = stills(
        tmp_path / "all",
        {
            "a.jpg": first,
            "b.jpg": jpeg_bytes(once.image, 70),
            "c.jpg": jpeg_bytes(once.image, 50),
            **{f"d{i}.jpg": jpeg_bytes(image, 70) for i, image in enumerate(moment[1:])},
        },
    )
    assert copies_among(frames) == {1: 0, 2: 0}
    shares = [recoded(one, other) for one in frames[3:] for other in frames if one is not other]
    assert max(shares) < 0.75 < SAME
    track = read_track(tmp_path / "all", Options())
    assert [(d.name, d.reason) for d in track.dropped] == [
        ("b.jpg", "is 'a.jpg' compressed again"),
        ("c.jpg", "is 'a.jpg' compressed again"),
    ]
    asked = read_track(tmp_path / "all", Options(reference="b.jpg"))
    assert [d.name for d in asked.dropped] == ["c.jpg"]


def test_parts_cut_out_at_other_places_are_compared_where_both_have_pixels(
    moment: list[FloatArray], tmp_path: Path
) -> None:
    first = jpeg_bytes(moment[0], 90)
    (once,) = stills(tmp_path / "once", {"a.jpg": first})
    whole = stills(
        tmp_path / "all", {"a.jpg": first, "b.jpg": jpeg_bytes(once.image, 60), "c.jpg": jpeg_bytes(moment[1], 60)}
    )
    height, width = whole[0].image.shape[:2]
    places = ((0, 0, width - 8, height), (8, 0, width, height - 8), (8, 8, width, height))
    parts = [cut(frame, place) for frame, place in zip(whole, places, strict=True)]
    assert copies_among(parts) == {1: 0}
    assert recoded(parts[1], parts[0]) == pytest.approx(recoded(whole[1], whole[0]), abs=0.05)
    assert shared(parts[0], replace(parts[1], whole=(width + 8, height))) is None
    assert shared(cut(whole[0], (0, 0, 16, 16)), cut(whole[1], (16, 16, width, height))) is None


def test_of_a_long_list_copies_count_once_too(tmp_path: Path, portrait: FloatArray) -> None:
    """More stills than are used: they are looked through once, and only the surroundings of their faces are kept."""
    folder, rng = tmp_path / "long", np.random.default_rng(0)
    folder.mkdir()
    small = resize(portrait, 72, 72, interpolation="area")
    for i in range(4):
        scene = rng.uniform(0.3, 0.5) * np.ones((160, 240, 3), np.float32)
        scene[40:112, 40 + 4 * i : 112 + 4 * i] = np.clip(small + rng.normal(0, 0.01, small.shape), 0, 1)
        first = jpeg_bytes(scene, 90)
        (folder / f"{i:02d}.jpg").write_bytes(first)
        (read_back,) = stills(tmp_path / f"once{i}", {"a.jpg": first})
        (folder / f"{i:02d} again.jpg").write_bytes(jpeg_bytes(read_back.image, 60))
    track = read_track(folder, Options(most=6))
    again = {d.name for d in track.dropped if d.reason.endswith("compressed again")}
    assert again and all(name.endswith("again.jpg") for name in again)
    used = {o.frame.name[:2] for o in track.observations}
    assert len(used) == len(track.observations)


def test_pictures_without_tables_are_never_copies(moment: list[FloatArray]) -> None:
    assert copies_among([Frame(image, i, f"{i}") for i, image in enumerate([moment[0], moment[0]])]) == {}


def test_a_head_that_moves_before_a_copied_background_is_no_copy(portrait: FloatArray, tmp_path: Path) -> None:
    """What a recorder's skipped blocks leave: nearly all of the picture is the same to the last bit."""
    wall = resize(np.ascontiguousarray(portrait[::-1]), 320, 320, interpolation="area")
    head = resize(portrait, 40, 40, interpolation="area")
    pictures = {}
    for i in range(2):
        seen = wall.copy()
        seen[140:180, 140 + 3 * i : 180 + 3 * i] = head
        pictures[f"{i}.jpg"] = jpeg_bytes(seen, 80)
    frames = stills(tmp_path, pictures)
    assert recoded(frames[1], frames[0]) < 0.6
    assert copies_among(frames) == {}
