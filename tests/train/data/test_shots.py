"""Sequences that are drawn: real ones in their order, stills under motion, and a camera that spoils both."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from few_pictures import face, few_pictures, moving

from mfrec.train.data.crops import crop
from mfrec.train.data.pictures import FRAMES, Pictures
from mfrec.train.data.shots import View, draw_cut, draw_shot, draw_views, make_shot, make_view, to_and_fro


def views_of(pictures: Pictures, seed: int, side: int, zoom: float) -> list[View]:
    drawn = draw_views(pictures, np.random.default_rng(seed), side, zoom)
    return [make_view(pictures, view, side) for view in drawn]


def test_the_same_draw_gives_the_same_shot() -> None:
    for seed in range(4):
        first, second = (
            make_shot(few_pictures(), draw_shot(few_pictures(), np.random.default_rng(seed), side=64, video=0.5))
            for _ in range(2)
        )
        assert first.chief == second.chief
        for a, b in zip(first.frames, second.frames, strict=True):
            assert np.array_equal(a.image, b.image)
        for a, b in zip(first.views, second.views, strict=True):
            assert np.array_equal(a.image, b.image)


@pytest.mark.parametrize("video", [0.0, 1.0])
def test_frames_are_a_quarter_of_their_views(video: float) -> None:
    shot = make_shot(few_pictures(), draw_shot(few_pictures(), np.random.default_rng(1), side=64, video=video))
    side = 96 if video else 64
    assert len(shot.views) == len(shot.frames) == FRAMES
    assert 0 <= shot.chief < FRAMES
    for view, frame in zip(shot.views, shot.frames, strict=True):
        assert view.image.shape == (side, side, 3)
        assert frame.image.shape == (side // 4, side // 4, 3)
        assert 0 <= view.image.min() <= view.image.max() <= 1
        assert (frame.noise.kind == "video") == bool(video)


def test_patches_spoil_the_middle_frame_and_that_is_the_reference() -> None:
    for seed in range(4):
        shot = draw_shot(few_pictures(), np.random.default_rng(seed), side=64, video=0.0, patch=1.0)
        assert shot.chief == FRAMES // 2


def test_the_reference_may_be_asked_to_be_the_middle_one() -> None:
    pictures = few_pictures()
    always, mostly = (
        [
            draw_shot(pictures, np.random.default_rng(seed), side=32, video=0.0, patch=0.0, middle=middle).chief
            for seed in range(12)
        ]
        for middle in (True, False)
    )
    assert set(always) == {FRAMES // 2}
    assert len(set(mostly)) > 2


def test_a_real_sequence_keeps_its_order_or_runs_backwards() -> None:
    pictures = Pictures(sequences=(moving(9), moving(9)))
    starts, directions = set(), set()
    for seed in range(30):
        views = views_of(pictures, seed, 32, 2.0)
        numbers = [view.source for view in views]
        steps = set(np.diff(numbers).tolist())
        assert steps in ({1}, {-1})
        assert numbers[0] // 9 == numbers[-1] // 9
        starts.add(min(numbers) % 9)
        directions |= steps
        assert len({view.pose for view in views}) == 1
    assert starts == {0, 1, 2}
    assert directions == {1, -1}


def test_views_show_the_picture_that_they_name() -> None:
    pictures = few_pictures()
    for seed in range(6):
        for view in views_of(pictures, seed, 48, 1.5):
            plain = crop(pictures.every[view.source], view.pose, 48)
            if view.field is None:
                assert np.array_equal(view.image, plain)
            else:  # bent a little, and in another light
                other = crop(pictures.every[view.source], replace(view.pose, mirrored=not view.pose.mirrored), 48)
                assert np.corrcoef(view.image.ravel(), plain.ravel())[0, 1] > 0.9
                assert np.abs(view.image - plain).mean() < np.abs(view.image - other).mean()


def test_a_still_moves_from_frame_to_frame_but_not_far() -> None:
    views = views_of(Pictures((face(),)), 2, 64, 2.0)
    middles = [np.array(view.pose.matrix) @ (31.5, 31.5, 1) / 2 for view in views]
    apart = np.linalg.norm(np.array(middles) - np.mean(middles, axis=0), axis=1)
    assert apart.max() > 0.1
    assert apart.max() < 0.1 * 64
    fields = np.array([view.field for view in views if view.field is not None])
    assert len(fields) == FRAMES
    assert np.abs(fields).max() < 0.06 * 64


@pytest.mark.parametrize("length", [1, 2, 3, 6])
def test_a_short_sequence_runs_to_and_fro(length: int) -> None:
    order = to_and_fro(0, length)
    assert len(order) == FRAMES
    assert set(order) == set(range(length))
    assert all(abs(a - b) == (1 if length > 1 else 0) for a, b in pairwise(order))
    views = views_of(Pictures(sequences=(moving(length),)), 0, 32, 2.0)
    assert len(views) == FRAMES


def test_a_long_sequence_is_read_on() -> None:
    assert to_and_fro(2, 9) == [2, 3, 4, 5, 6, 7, 8]


def test_small_pictures_are_not_surrounded_by_their_mirror_images() -> None:
    """A frame would need 192 px of a picture of 96; at most a twentieth more than the picture is read."""
    small = tuple(picture[::2, ::2] for picture in moving())
    for pictures in (Pictures(small[:1]), Pictures(sequences=(small,))):
        for view in views_of(pictures, 0, 96, 2.0):
            matrix = np.array(view.pose.matrix)
            assert np.hypot(matrix[0, 0], matrix[1, 0]) < 1.2


def test_a_cut_lies_along_whole_frame_pixels() -> None:
    rng, corners = np.random.default_rng(0), set()
    for _ in range(50):
        cut = draw_cut(rng, 96, 64)
        rows, columns = cut.of_truth
        assert rows.stop - rows.start == columns.stop - columns.start == 64
        assert rows.start % 4 == columns.start % 4 == 0
        assert max(rows.stop, columns.stop) <= 96
        small = cut.of_frame
        assert (small[0].start, small[1].stop) == (rows.start // 4, columns.stop // 4)
        corners.add((rows.start, columns.start))
    assert len(corners) > 20
