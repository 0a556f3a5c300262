"""Scenes are made by the product's own parts, and what is put in their way never replaces the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from few_pictures import few_pictures, moving, write_labelled
from small_networks import small_clean

from mfrec.camera.conditions import CONDITIONS
from mfrec.camera.noise import from_tables, ijg_tables
from mfrec.image.geometry import resize
from mfrec.nets.fusion import PLANES
from mfrec.train.data.pictures import FRAMES, Pictures, read_pictures
from mfrec.train.data.points import PicturePoints
from mfrec.train.data.scenes import (
    Scene,
    draw_scene,
    draw_strangers,
    make_scene,
    registered_scene,
    with_strangers,
)
from mfrec.train.data.shots import Cut
from mfrec.types import FloatArray


@pytest.fixture(scope="module")
def network():
    return small_clean()


def scene_of(
    network,
    seed: int,
    pictures: Pictures | None = None,
    *,
    side: int = 64,
    video: float = 0.35,
    **options: Any,
) -> Scene:
    pictures = pictures or few_pictures()
    drawn = draw_scene(pictures, np.random.default_rng(seed), side, video, **options)
    return make_scene(pictures, network, drawn, PicturePoints(pictures))


@pytest.mark.parametrize("video", [0.0, 1.0])
def test_a_scene_is_seven_frames_on_the_canvas_of_the_reference(network, video: float) -> None:
    for seed in range(3):
        scene = scene_of(network, seed, video=video)
        assert scene.stack.shape == (FRAMES, PLANES, 64, 64)
        assert scene.stack.dtype == scene.truth.dtype == np.float16
        assert scene.told.shape == (FRAMES, CONDITIONS)
        assert scene.told.dtype == np.float32
        assert 0 <= scene.reference < FRAMES
        assert scene.truth.shape == (64, 64, 3)
        assert np.isfinite(scene.stack).all()
        assert np.all(scene.told[:, 7] == video)
        trust = scene.stack[:, 7]
        assert 0 <= trust.min() <= trust.max() <= 1
        assert trust[scene.reference].min() == 1


def test_the_reference_shows_the_truth_and_the_others_come_near_it(network) -> None:
    """Raw frames, registered as the product does it."""
    for seed in range(4):
        scene = scene_of(network, seed, video=0.0)
        truth = scene.truth.astype(np.float32)
        raw = scene.stack[:, 3:6].astype(np.float32).transpose(0, 2, 3, 1)
        error = np.abs(raw[scene.reference] - truth).mean()
        assert error < 0.12
        assert error < np.abs(raw[scene.reference] - truth[:, ::-1]).mean()


def test_the_same_draw_gives_the_same_scene(network) -> None:
    first, second = scene_of(network, 3), scene_of(network, 3)
    assert np.array_equal(first.stack, second.stack)
    assert np.array_equal(first.truth, second.truth)
    assert first.reference == second.reference
    assert not np.array_equal(first.stack, scene_of(network, 4).stack)


def test_strangers_replace_anybody_but_the_reference() -> None:
    images = [np.full((16, 16, 3), k / 10, np.float32) for k in range(FRAMES)]
    counts = []
    for seed in range(150):
        chief = seed % FRAMES
        drawn = draw_strangers(few_pictures(), FRAMES, chief, 16, np.random.default_rng(seed))
        out = with_strangers(images, drawn, few_pictures())
        assert len(out) == FRAMES
        assert out[chief] is images[chief]
        assert all(image.shape == (16, 16, 3) and image.dtype == np.float32 for image in out)
        assert all(0 <= image.min() <= image.max() <= 1 for image in out)
        counts.append(sum(a is not b for a, b in zip(out, images, strict=True)))
    assert 0.08 < np.mean([count > 0 for count in counts]) < 0.3
    assert max(counts) == FRAMES - 1
    assert {1, 2, 3} & set(counts)
    assert all(image.min() == image.max() for image in images)


def test_exported_scenes_show_their_truth_and_nobody_says_that_nothing_is_known(network) -> None:
    """Whatever was cut off the frames was cut off the truth."""
    kinds = set()
    for seed in range(10):
        scene = scene_of(network, seed, broad=1.0, wrong=0.0)
        assert scene.stack.shape == (FRAMES, PLANES, 64, 64)
        assert scene.truth.shape == (64, 64, 3)
        raw = scene.stack[scene.reference, 3:6].astype(np.float32).transpose(1, 2, 0)
        truth = scene.truth.astype(np.float32)
        off = np.abs(raw - truth).mean()
        moved = [np.roll(raw, step, axis) for axis in (0, 1) for step in (-12, 12)]
        assert all(off < np.abs(other - truth).mean() for other in (*moved, raw[:, ::-1]))
        kinds |= {tuple(row) for row in scene.told[:, 6:].tolist()}
    assert kinds == {(1.0, 0.0), (0.0, 1.0)}


def test_a_scene_has_as_many_frames_as_asked(network) -> None:
    """Real ones where a sequence is so long, and to and fro or of a moved still otherwise."""
    pictures = Pictures(few_pictures().stills, (moving(), moving(12)))
    for seed in range(4):
        scene = scene_of(network, seed, pictures, side=48, video=0.5, frames=12, broad=0.5)
        assert scene.stack.shape == (12, PLANES, 48, 48)
        assert scene.told.shape == (12, CONDITIONS)
        assert 0 <= scene.reference < 12


def test_landmarks_are_those_of_the_cut_truth(network) -> None:
    for seed, video in ((1, 0.0), (2, 1.0)):
        scene = scene_of(network, seed, video=video)
        assert scene.points is not None
        assert scene.points.shape == (68, 2)
        assert np.isfinite(scene.points).all()


def test_frames_are_registered_from_where_their_landmarks_put_them(network, portrait) -> None:
    """A frame that is a third of the face away is beyond the flow, and not beyond landmarks."""
    whole = resize(portrait, 256, 256, interpolation="area")
    truths = [whole[64:192, 64 + dx : 192 + dx] for dx in (0, 36)]
    images = [np.ascontiguousarray(resize(truth, 32, 32, interpolation="area")) for truth in truths]
    noise = from_tables(ijg_tables(95), "test")
    at = np.random.default_rng(0).uniform(40, 90, (68, 2)).astype(np.float32)
    shown = np.s_[16:-16, 48:-16]

    def off(points: list[FloatArray | None]) -> float:
        scene = registered_scene(images, [noise] * 2, 0, network, truths[0], points=points)
        raw = scene.stack[:, 3:6].astype(np.float32).transpose(0, 2, 3, 1)
        return float(np.abs(raw[1] - raw[0])[shown].mean())

    assert off([at, at - (36, 0)]) < 0.5 * off([None, None])


def test_cutting_a_scene_moves_its_landmarks(network) -> None:
    pictures = few_pictures()
    scene = scene_of(network, 1, pictures)
    part = scene.cut(Cut(16, 8, 32))
    assert part.stack.shape == (FRAMES, PLANES, 32, 32)
    assert np.array_equal(part.truth, scene.truth[8:40, 16:48])
    assert scene.points is not None
    assert part.points is not None
    assert np.allclose(part.points, scene.points - (16, 8))


def test_frames_that_stand_still_are_registered_onto_themselves(network, portrait) -> None:
    """Equal frames give equal planes, whoever is the reference."""
    image = resize(portrait, 32, 32, interpolation="area")
    noise = from_tables(ijg_tables(90), "test")
    truth = resize(portrait, 128, 128, interpolation="area")
    scene = registered_scene([image] * 3, [noise] * 3, 1, network, truth, points=[None] * 3)
    raw = scene.stack[:, 3:6].astype(np.float32)
    inner = np.s_[:, 16:-16, 16:-16]
    for k in (0, 2):
        assert np.abs(raw[k] - raw[1])[inner].mean() < 2 / 255
    assert scene.reference == 1


def test_labelled_frames_make_a_scene_as_they_are(network, tmp_path: Path) -> None:
    for number in range(8):
        write_labelled(tmp_path / f"{number}")
    pictures = read_pictures([tmp_path], "train")
    scene = scene_of(network, 0, pictures, side=128)
    assert scene.reference == FRAMES // 2
    label = pictures.labelled[0].label / np.float32(255)
    assert np.abs(scene.truth.astype(np.float32) - label).max() < 1e-3
    given = resize(pictures.labelled[0].frames[FRAMES // 2].image, 128, 128)
    assert np.abs(scene.stack[FRAMES // 2, 3:6].astype(np.float32).transpose(1, 2, 0) - given).max() < 2e-3
    assert np.all(scene.told[:, 6] == 1)
    assert len(set(scene.told[:, 0].tolist())) > 1  # every file has its own quality
    assert scene.points is not None
    assert np.isfinite(scene.points).all()
