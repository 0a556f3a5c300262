"""One person in several frames: which ones, mirrored with their landmarks, and drawn as they lie."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from few_pictures import face

from mfrec.errors import InputError, UsageError
from mfrec.face.landmark_sketch import sketch
from mfrec.train.data.pictures import Pictures
from mfrec.train.streams.reenactment_stream import ReenactmentStream

FLAT = np.full((64, 64, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def stream() -> ReenactmentStream:
    darker = tuple((face() * share).astype(np.uint8) for share in (1.0, 0.8, 0.6))
    return ReenactmentStream(Pictures(sequences=((*darker, FLAT), (FLAT, FLAT))), 3, side=32, shots=2)


def test_what_is_drawn_is_not_among_what_shows_the_person(stream: ReenactmentStream) -> None:
    assert stream.notes == ("3 faces in 1 of 2 sequences",)
    faces, points = stream.sequences[0]
    seen = set()
    for index in range(12):
        drawn = stream.drawn(index)
        seen.add(drawn.frame)
        assert sorted((*drawn.shots, drawn.frame)) == [0, 1, 2]
        (pictures, sketches, wanted_sketch), wanted = stream[index]
        assert pictures.shape == sketches.shape == (2, 3, 32, 32)
        assert wanted_sketch.shape == wanted["truth"].shape == (3, 32, 32)
        if not drawn.mirrored:
            truth = faces[drawn.frame].transpose(2, 0, 1) / np.float32(255)
            assert np.array_equal(wanted["truth"].numpy(), truth)
            assert np.array_equal(wanted_sketch.numpy(), sketch(points[drawn.frame], 32).transpose(2, 0, 1))
    assert seen == {0, 1, 2}


def test_mirrored_faces_have_mirrored_landmarks_of_the_same_colours(stream: ReenactmentStream) -> None:
    samples = [(stream.drawn(index), stream[index]) for index in range(24)]
    plain = next(found for drawn, found in samples if drawn.frame == 0 and not drawn.mirrored)
    other = next(found for drawn, found in samples if drawn.frame == 0 and drawn.mirrored)
    assert torch.equal(plain[1]["truth"].flip(2), other[1]["truth"])
    assert (plain[0][2].flip(2) - other[0][2]).abs().mean() < 0.02


def test_few_frames_are_shown_twice(stream: ReenactmentStream) -> None:
    pair = ReenactmentStream(Pictures(sequences=((face(), face()),)), 0, side=32, shots=3)
    for index in range(4):
        drawn = pair.drawn(index)
        assert drawn.shots == (1 - drawn.frame,) * 3


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="none of 1 sequences shows a face in two frames"):
        ReenactmentStream(Pictures(sequences=((face(), FLAT),)), 3)
    with pytest.raises(UsageError, match="shots is 0"):
        ReenactmentStream(Pictures(sequences=((face(), face()),)), 3, shots=0)
