"""Scenes that are used again: the same sample for the same number, other frames missing each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from few_pictures import few_pictures
from small_networks import small_clean, small_fusion

from mfrec.errors import UsageError, WeightsError
from mfrec.train.data.points import mirrored
from mfrec.train.data.scenes import Scene
from mfrec.train.streams.scene_stream import FIRST, MISSING_LOG_VARIANCE, SceneStream, as_sample, draw_variation, varied
from mfrec.train.streams.stream import Sample


@pytest.fixture(scope="module")
def network():
    return small_clean()


def stream_of(network, seed: int = 1, **options: Any) -> SceneStream:
    return SceneStream(few_pictures(), seed, network, **{"side": 48, "video": 0.0, "frames": 9, **options})


def same(first: Sample, second: Sample) -> bool:
    inputs = all(torch.equal(a, b) for a, b in zip(first[0], second[0], strict=True))
    return inputs and all(torch.equal(first[1][name], second[1][name]) for name in first[1])


def test_samples_are_what_the_network_takes(network) -> None:
    (stack, told, reference), wanted = stream_of(network, frames=7, together=1)[1]
    assert stack.shape == (7, 8, 48, 48)
    assert told.shape == (7, 8)
    assert reference.shape == ()
    assert reference.dtype == torch.int64
    assert wanted["truth"].shape == wanted["bicubic"].shape == (3, 48, 48)
    assert stack.dtype == told.dtype == wanted["truth"].dtype == torch.float32
    with torch.inference_mode():
        made = small_fusion()(stack[None], told[None], reference[None])
    assert made.image.shape == (1, 3, 48, 48)


def test_a_sample_depends_on_its_number_and_not_on_what_was_asked_before(network) -> None:
    """With a pool so small that scenes come and go."""
    first, second = (stream_of(network, pool=3, uses=2) for _ in range(2))
    asked = {index: first[index] for index in (0, 9, 4, 0, 9)}
    for index in (4, 9, 0):
        assert same(asked[index], second[index])
    assert not same(asked[0], stream_of(network, seed=2)[0])


def test_scenes_are_chosen_among_the_last_ones(network) -> None:
    stream = stream_of(network, pool=5, uses=4)
    asked: list[int] = []
    stream.store = Numbers(asked)  # pyright: ignore[reportAttributeAccessIssue]
    for index in range(400):
        stream[index]
        newest = FIRST - 1 + index // 4
        assert newest - 5 < asked[-1] <= newest
    counts = np.bincount(asked, minlength=FIRST + 100)[FIRST + 10 : FIRST + 90]
    assert counts.mean() == pytest.approx(4, abs=0.6)


def test_samples_that_go_together_have_the_same_number_of_frames_from_one_to_the_most(network) -> None:
    stream = stream_of(network, together=4, pool=8)
    stream.store = Numbers([])  # pyright: ignore[reportAttributeAccessIssue]
    counts = []
    for first in range(0, 800, 4):
        drawn = [stream.drawn(index) for index in range(first, first + 4)]
        (asked,) = {len(stream.make(one)[0][0]) for one in drawn}
        counts.append(asked)
        if counts[-1] > 7:
            assert all(stream.length_of(one.scene) == 9 for one in drawn)
            assert all(one.variation is not None and not one.variation.missing for one in drawn)
    assert set(counts) == set(range(1, 10))
    assert 0.3 < counts.count(7) / len(counts) < 0.6


class Numbers:
    """In the place of a store: remembers what is asked for."""

    def __init__(self, asked: list[int]) -> None:
        self.asked = asked

    def __getitem__(self, number: int) -> Scene:
        self.asked.append(number)
        return plain_scene()


def plain_scene() -> Scene:
    rng = np.random.default_rng(0)
    return Scene(
        rng.random((7, 8, 8, 8)).astype(np.float16),
        rng.random((7, 8)).astype(np.float32),
        2,
        rng.random((8, 8, 3)).astype(np.float16),
        (8 * rng.random((68, 2))).astype(np.float32),
    )


def test_a_list_takes_every_scene_once_as_it_was_made(network) -> None:
    listed = stream_of(network, length=3)
    assert len(listed) == 3
    for index in range(3):
        assert same(listed[index], as_sample(listed.store[index]))
        assert len(listed[index][0][0]) == listed.length_of(index)
    with pytest.raises(IndexError):
        listed[3]


def test_files_give_the_same_samples_and_are_kept_apart(network, tmp_path: Path) -> None:
    plain = stream_of(network, pool=4)
    for _ in range(2):  # made, then read
        filed = stream_of(network, pool=4, cache=str(tmp_path))
        assert all(same(filed[index], plain[index]) for index in (0, 5))
    assert len(list(tmp_path.iterdir())) == 1
    for other in (
        stream_of(network, pool=4, seed=2, cache=str(tmp_path)),
        stream_of(network, pool=4, video=0.5, cache=str(tmp_path)),
        stream_of(small_clean(1), pool=4, cache=str(tmp_path)),
    ):
        assert len(other) > 0
    assert len(list(tmp_path.iterdir())) == 4


def test_what_is_varied_is_the_choice_of_frames() -> None:
    scene = plain_scene()
    before = scene.stack.copy()
    kinds = {"mirrored": 0, "neighbours": 0, "copies": 0}
    chosen = set()
    for seed in range(300):
        count = 1 + seed % 9
        made = varied(scene, draw_variation(np.random.default_rng(seed), 7, count))
        assert len(made.stack) == len(made.told) == count
        missing = max(0, count - 7)
        assert np.all(made.stack[count - missing :, 6] == MISSING_LOG_VARIANCE)
        assert np.all(made.stack[count - missing :, [0, 1, 2, 3, 4, 5, 7]] == 0)
        own = made.stack[made.reference]
        flipped = np.array_equal(own, scene.stack[2][..., ::-1])
        assert flipped or np.array_equal(own, scene.stack[2])  # the reference is always there
        assert np.array_equal(made.truth, scene.truth[:, ::-1] if flipped else scene.truth)
        assert made.points is not None
        assert scene.points is not None
        assert np.allclose(made.points, mirrored(scene.points, 8) if flipped else scene.points)
        source = scene.stack[..., ::-1] if flipped else scene.stack
        places = [
            next(k for k in range(7) if np.array_equal(frame, source[k])) for frame in made.stack[: count - missing]
        ]
        assert np.array_equal(made.told[: count - missing], scene.told[places])
        copies = places == [2] * len(places) and count > 1
        assert copies or places == sorted(set(places))  # in their order, each once
        kinds["mirrored"] += flipped
        kinds["copies"] += copies
        if count == 4 and not copies:
            chosen.add(tuple(places))
            others = [k - (k > 2) for k in places if k != 2]
            kinds["neighbours"] += others[-1] - others[0] == 2
    assert np.array_equal(scene.stack, before)
    assert kinds["mirrored"] / 300 == pytest.approx(0.5, abs=0.1)
    assert kinds["copies"] / 267 == pytest.approx(0.09, abs=0.06)
    assert kinds["neighbours"] > 10
    assert len(chosen) > 8


def test_the_plain_enlargement_is_the_raw_reference(network) -> None:
    for index in range(4):
        (stack, _, reference), wanted = stream_of(network)[index]
        assert torch.equal(wanted["bicubic"], stack[int(reference), 3:6].clamp(0, 1))


def test_landmarks_come_when_they_are_asked_for(network) -> None:
    plain, pointed = stream_of(network), stream_of(network, points=True)
    sample = pointed[1]
    assert sample[1]["points"].shape == (68, 2)
    assert torch.equal(sample[0][0], plain[1][0][0])


def test_settings_that_cannot_be_are_refused(network) -> None:
    for name, value in (("pool", 0), ("uses", 0), ("video", 2.0), ("broad", -1.0), ("frames", 6), ("together", 0)):
        options: dict[str, Any] = {name: value}
        with pytest.raises(UsageError, match=f"{name} is {value}"):
            stream_of(network, **options)
    with pytest.raises(WeightsError, match="no card 'nobody'"):
        SceneStream(few_pictures(), 0, clean="nobody")
