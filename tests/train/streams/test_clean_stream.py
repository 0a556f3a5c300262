"""Single bad frames: shapes, repeatability, and a truth that belongs to its frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from few_pictures import few_pictures
from torch.nn import functional

from mfrec.camera.conditions import CONDITIONS
from mfrec.errors import UsageError
from mfrec.train.data.degrade import Degradation
from mfrec.train.data.recorder import Recorder
from mfrec.train.streams.clean_stream import NIGHT, CleanStream


@pytest.mark.parametrize("video", [0.0, 1.0])
def test_samples_are_a_frame_what_is_told_and_the_truth(video: float) -> None:
    stream = CleanStream(few_pictures(), 1, side=64, video=video, broad=0, wrong=0)
    for index in range(6):
        (frame, told), wanted = stream[index]
        assert frame.shape == (3, 16, 16)
        assert told.shape == (CONDITIONS,)
        assert wanted.keys() == {"truth"}
        assert wanted["truth"].shape == (3, 64, 64)
        assert all(t.dtype == torch.float32 for t in (frame, told, wanted["truth"]))
        assert 0 <= wanted["truth"].min() <= wanted["truth"].max() <= 1
        assert told[7] == video
        # The frame shows its truth, and not a neighbour of the clip or a mirror image.
        small = functional.avg_pool2d(wanted["truth"], 4)
        assert (frame - small).abs().mean() < 0.5 * (frame.flip(-1) - small).abs().mean()


def test_exported_frames_show_their_truth_wherever_they_were_cut() -> None:
    stream = CleanStream(few_pictures(), 1, side=128, broad=1, wrong=0)
    kinds = set()
    for index in range(40):
        (frame, told), wanted = stream[index]
        assert frame.shape == (3, 32, 32)
        assert wanted["truth"].shape == (3, 128, 128)
        small = functional.avg_pool2d(wanted["truth"], 4)
        off = (frame - small).abs().mean()
        moved = [frame.roll(step, dims) for dims in (1, 2) for step in (-3, 3)]
        assert all(off < (other - small).abs().mean() for other in [frame.flip(-1), *moved])
        kinds.add((float(told[6]), float(told[7])))
    assert kinds == {(1.0, 0.0), (0.0, 1.0)}  # stills and video, and nobody says that nothing is known


def test_what_is_told_is_wrong_as_often_as_asked() -> None:
    honest, liar = (CleanStream(few_pictures(), 4, side=64, broad=0.5, wrong=wrong) for wrong in (0.0, 1.0))
    samples = [(honest[index][0], liar[index][0]) for index in range(30)]
    different = np.mean([not torch.equal(a[1], b[1]) for a, b in samples])
    assert different > 0.4  # coarse video is what half of them assume, and often true


def test_night_comes_as_often_as_asked_and_is_told() -> None:
    """The conditions of a noisy frame say so where its pixels do, as in use."""
    stream = CleanStream(few_pictures(), 1, side=128, broad=0.0, wrong=0.0, night=0.5)
    by_day = CleanStream(few_pictures(), 1, side=128, broad=0.0, wrong=0.0)
    dark, plain_png, louder = 0, 0, []
    for index in range(240):
        drawn, plain = stream.drawn(index), by_day.drawn(index)
        if drawn.camera.noise == plain.camera.noise:
            continue
        dark += 1
        plain_png += isinstance(drawn.camera, Recorder)
        assert NIGHT[0] <= drawn.camera.noise <= NIGHT[1]
        fine = isinstance(drawn.camera, Degradation) and drawn.camera.codec == "jpeg" and drawn.camera.quality[0] > 75
        if fine and drawn.camera.noise > 12 / 255 and len(louder) < 8:
            told, before = (one.make(which)[0][1] for one, which in ((stream, drawn), (by_day, plain)))
            louder.append(float(told[3] - before[3]))
    assert 84 <= dark <= 156
    assert plain_png > 5
    # Eight noisy frames; small and busy ones hide their noise.
    assert len(louder) == 8
    assert min(louder) > -0.01
    assert sum(more > 0.7 for more in louder) >= 2


def test_the_same_index_gives_the_same_sample_in_any_order() -> None:
    first, second = (CleanStream(few_pictures(), 5, side=64) for _ in range(2))
    for index in (7, 0, 3):
        (frame, told), wanted = first[index]
        (again, told_again), wanted_again = second[index]
        assert torch.equal(frame, again)
        assert torch.equal(told, told_again)
        assert torch.equal(wanted["truth"], wanted_again["truth"])
    assert not torch.equal(first[0][1]["truth"], first[1][1]["truth"])
    assert not torch.equal(first[0][1]["truth"], CleanStream(few_pictures(), 6, side=64)[0][1]["truth"])


def test_both_kinds_of_coding_come_as_often_as_asked() -> None:
    stream = CleanStream(few_pictures(), 2, side=48, video=0.4, broad=0, wrong=0)
    share = np.mean([float(stream[index][0][1][7]) for index in range(80)])
    assert 0.2 < share < 0.6


def test_landmarks_come_when_they_are_asked_for() -> None:
    stream = CleanStream(few_pictures(), 3, side=96, video=0.0, broad=0, points=True)
    plain = CleanStream(few_pictures(), 3, side=96, video=0.0, broad=0)
    (frame, _), wanted = stream[0]
    assert wanted["points"].shape == (68, 2)
    assert torch.equal(frame, plain[0][0][0])
    points = wanted["points"]
    assert points[36:42, 0].mean() < points[42:48, 0].mean()  # the eye on the left is on the left


def test_shares_and_sides_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match=r"video is 1\.5; expected 0 to 1"):
        CleanStream(few_pictures(), 0, video=1.5)
    with pytest.raises(UsageError, match="side is 100; expected a multiple of 8"):
        CleanStream(few_pictures(), 0, side=100)
