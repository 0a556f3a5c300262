"""The multi-frame chain in a sliding window: every frame is itself, steadier than by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from portrait_clips import CODINGS, moving, write

from mfrec.errors import UsageError
from mfrec.image.geometry import resize
from mfrec.imageio import read
from mfrec.recipe import load, parse
from mfrec.types import FloatArray, Frame
from mfrec.upscale import film
from mfrec.upscale.asked import Asked
from mfrec.upscale.job import upscale_into
from mfrec.upscale.sliding_window import Window


def window(*settings: str, scale: int = 2) -> Window:
    return Window.of(load("evidence").with_settings(settings), scale, "cpu", 0)


@pytest.fixture(scope="module")
def clip(portrait: FloatArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of 48 px, coded by x264 as recorders do."""
    return write(tmp_path_factory.mktemp("clip") / "a.mp4", moving(portrait, 6, 48), CODINGS["h264"])


def test_it_flickers_less_than_the_same_chain_frame_by_frame(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "COMPARED", range(1, 6))
    settings = ("fuse.passes=1", "fuse.outer=2", "fuse.inner=6")
    each = upscale_into(tmp_path / "each", clip, Asked(scale=2, window=1, settings=settings))["upscaled"]
    fused = upscale_into(tmp_path / "fused", clip, Asked(scale=2, window=5, settings=settings))["upscaled"]
    assert fused["flicker"]["ratio"] < 0.8 * each["flicker"]["ratio"]
    assert fused["flicker"]["ratio"] < 0.9, "the source enlarged flickers by 1"
    # Two pictures on each side, each of two frames on each side.
    assert fused["used"] == {"mean": pytest.approx(17 / 3), "least": 5, "most": 6}


def test_each_frame_is_its_own_moment(clip: Path) -> None:
    frames = read(clip).frames
    network_free = window("fuse.method=mean")
    for position in (0, 3, 5):
        image, used, _ = network_free(frames[max(0, position - 2) : position + 3], min(position, 2))
        assert image.shape == (96, 96, 3) and len(used) >= 3
        apart = [np.abs(resize(image, 48, 48, interpolation="area") - frame.image).mean() for frame in frames]
        assert int(np.argmin(apart)) == position


def test_a_frame_from_beyond_a_cut_is_not_one_that_a_picture_was_made_of(portrait: FloatArray) -> None:
    scene = [np.asarray(image / 255, np.float32) for image in moving(portrait, 4, 48)]
    other = [np.ascontiguousarray(1 - image[::-1]) for image in scene]
    frames = [Frame(image, number, str(number)) for number, image in enumerate((*scene[:2], *other[:3]))]
    chain = window("fuse.passes=1", "fuse.outer=2", "fuse.inner=6")
    assert [sorted(chain(frames, position).used) for position in (1, 2)] == [[0, 1], [2, 3, 4]]


def test_a_recipe_runs_without_the_stages_that_need_a_face(clip: Path) -> None:
    made = window()
    assert [stage.name for stage in made.stages] == ["align", "fuse"]
    learned = Window.of(load("restore"), 4, "cpu", 0)
    assert [stage.name for stage in learned.stages] == ["align", "clean", "fuse"]
    with pytest.raises(UsageError, match="makes no picture by its stages align, clean, fuse, finetune alone"):
        Window.of(parse('name = "none"\nstamp = "ENHANCED"\nstages = ["track", "align"]'), 2, "cpu", 0)
