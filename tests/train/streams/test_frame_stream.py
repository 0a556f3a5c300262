"""Seven bad frames and the truth of the middle one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from few_pictures import few_pictures, write_labelled
from torch.nn import functional

from mfrec.errors import InputError, UsageError
from mfrec.train.data.pictures import FRAMES, Pictures, read_pictures
from mfrec.train.data.points import face_points
from mfrec.train.streams.frame_stream import FrameStream


def nearest_frame(frames: torch.Tensor, truth: torch.Tensor) -> int:
    """Which of the frames shows the truth."""
    small = functional.avg_pool2d(truth, 4)
    return int((frames - small).abs().mean((1, 2, 3)).argmin())


@pytest.mark.parametrize("video", [0.0, 1.0])
def test_samples_are_seven_frames_and_the_truth_of_the_middle_one(video: float) -> None:
    stream = FrameStream(Pictures(sequences=few_pictures().sequences), 1, side=64, video=video, patch=0.0)
    hits = 0
    for index in range(6):
        (frames,), wanted = stream[index]
        assert frames.shape == (FRAMES, 3, 16, 16)
        assert frames.dtype == torch.float32
        assert wanted["truth"].shape == (3, 64, 64)
        hits += nearest_frame(frames, wanted["truth"]) == FRAMES // 2
    assert hits >= 5  # a coarse neighbour may come nearer by chance


def test_the_same_index_gives_the_same_sample() -> None:
    first, second = (FrameStream(few_pictures(), 5, side=64) for _ in range(2))
    for index in (4, 0):
        (a,), wanted_a = first[index]
        (b,), wanted_b = second[index]
        assert torch.equal(a, b)
        assert torch.equal(wanted_a["truth"], wanted_b["truth"])


def test_landmarks_belong_to_the_truth() -> None:
    """Cut from a larger clip or not, they lie where a detector finds them in the truth itself."""
    for video in (0.0, 1.0):
        pictures = Pictures(few_pictures().stills[:1])
        (_,), wanted = FrameStream(pictures, 4, side=128, video=video, points=True)[0]
        truth = np.rint(255 * wanted["truth"].permute(1, 2, 0).numpy()).astype(np.uint8)
        found = face_points(truth)
        assert np.isfinite(found).all()
        error = np.linalg.norm(found - wanted["points"].numpy(), axis=1)
        assert np.median(error) < 3


def test_holes_are_white_in_every_frame_and_the_truth_has_none() -> None:
    plain, holed = (FrameStream(few_pictures(), 6, side=64, video=0.0, patch=0.0, holes=h) for h in (0.0, 1.0))
    kinds = set()
    for index in range(4):
        (frames,), wanted = plain[index]
        (found,), same = holed[index]
        changed = (found != frames).any(dim=1)
        assert torch.equal(wanted["truth"], same["truth"])
        assert changed.flatten(1).any(dim=1).all() and 0.03 < changed.float().mean() < 0.4
        assert (found.movedim(1, -1)[changed] == 1).all()
        kinds |= {hole.disc for hole in holed.drawn(index).holes}
    assert kinds == {True, False}


def test_one_frame_or_the_middle_three_are_given_where_asked_for(labelled: Pictures) -> None:
    for count in (1, 3):
        for pictures in (few_pictures(), labelled):
            (frames,), wanted = FrameStream(pictures, 1, side=64, video=0.0, patch=0.0, count=count)[0]
            assert frames.shape == (count, 3, 16, 16)
            assert nearest_frame(frames, wanted["truth"]) == count // 2
    with pytest.raises(UsageError, match="odd number"):
        FrameStream(few_pictures(), 1, count=4)


@pytest.fixture
def labelled(tmp_path: Path) -> Pictures:
    for number in range(8):
        write_labelled(tmp_path / f"{number}")
    return read_pictures([tmp_path], "train")


def test_labelled_frames_are_taken_as_they_are(labelled: Pictures) -> None:
    stream = FrameStream(labelled, 2, side=128)
    seen = set()
    for index in range(8):
        (frames,), wanted = stream[index]
        truth = torch.from_numpy(labelled.labelled[0].label / np.float32(255)).permute(2, 0, 1)
        given = torch.from_numpy(np.stack([f.image for f in labelled.labelled[0].frames])).permute(0, 3, 1, 2)
        mirrored = not torch.equal(wanted["truth"], truth)
        seen.add(mirrored)
        if mirrored:
            frames, wanted["truth"] = frames.flip(-1), wanted["truth"].flip(-1)
        assert torch.equal(wanted["truth"], truth)
        assert torch.equal(frames, given)
    assert seen == {True, False}


def test_labelled_frames_are_cut_together_with_their_label(labelled: Pictures) -> None:
    stream = FrameStream(labelled, 3, side=64, points=True)
    for index in range(4):
        (frames,), wanted = stream[index]
        assert frames.shape == (FRAMES, 3, 16, 16)
        assert nearest_frame(frames, wanted["truth"]) == FRAMES // 2
    whole = FrameStream(labelled, 3, side=128, points=True)
    (_,), wanted = whole[0]
    found = face_points(np.rint(255 * wanted["truth"].permute(1, 2, 0).numpy()).astype(np.uint8))
    assert np.median(np.linalg.norm(found - wanted["points"].numpy(), axis=1)) < 3


def test_a_label_that_is_too_small_is_refused_beforehand(labelled: Pictures) -> None:
    with pytest.raises(InputError, match="allow a truth of 128 px, and 144 px are wanted; set side = 128"):
        FrameStream(labelled, 0, side=144)
