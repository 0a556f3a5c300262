"""Samples for the parser: picture and labels move together, sides change names in a mirror, and bad stays bounded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from labelled_portraits import COLOURS, portrait

from mfrec.errors import UsageError
from mfrec.train.data.labelled_faces import UNLABELLED, LabelledFace, with_sides_exchanged
from mfrec.train.streams.parser_stream import (
    STRAIGHT,
    ParserStream,
    View,
    draw_filmed,
    draw_lighting,
    draw_occluder,
    draw_view,
    in_light,
    occluded,
    scaled,
    seen_image,
    seen_labels,
    through_camera,
)
from mfrec.types import Region

SIZE = 64
FACE = LabelledFace("face", *portrait(SIZE))


def test_a_straight_view_changes_nothing() -> None:
    np.testing.assert_array_equal(seen_image(FACE.image, STRAIGHT), FACE.image)
    np.testing.assert_array_equal(seen_labels(FACE.labels, STRAIGHT, SIZE), FACE.labels)


def test_labels_are_read_at_the_side_of_the_sample() -> None:
    np.testing.assert_array_equal(
        seen_labels(np.kron(FACE.labels, np.ones((3, 3), np.uint8)), STRAIGHT, SIZE), FACE.labels
    )


def test_in_the_mirror_left_is_right() -> None:
    view = replace(STRAIGHT, mirrored=True)
    labels = seen_labels(FACE.labels, view, SIZE)
    np.testing.assert_array_equal(seen_image(FACE.image, view), FACE.image[:, ::-1])
    np.testing.assert_array_equal(labels[:, ::-1], with_sides_exchanged(FACE.labels))
    left, right = (np.nonzero(labels == eye)[1].mean() for eye in (Region.L_EYE, Region.R_EYE))
    assert left > right, "the person's left eye lies on the right of every picture"


@pytest.mark.parametrize("seed", range(6))
def test_picture_and_labels_move_together(seed: int) -> None:
    view = draw_view(np.random.default_rng(seed))
    image, labels = seen_image(FACE.image, view), seen_labels(FACE.labels, view, SIZE)
    colours = COLOURS
    if view.mirrored:  # there the colours keep the regions' own names
        colours = COLOURS[with_sides_exchanged(np.arange(19, dtype=np.uint8)[None])[0]]
    known = labels != UNLABELLED
    off = np.abs(image[known].astype(int) - colours[labels[known]]).max(axis=-1)
    assert np.mean(off < 5) > 0.7, "only pixels at the border of a region may be a mixture"


def test_what_lies_outside_of_the_picture_is_unlabelled() -> None:
    view = View(((1.0, 0.0, 20 / SIZE), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), mirrored=False)
    image, labels = seen_image(FACE.image, view), seen_labels(FACE.labels, view, SIZE)
    assert (labels[:, -19:] == UNLABELLED).all() and (labels[:, :43] != UNLABELLED).all()
    np.testing.assert_array_equal(image[:, -1], image[:, -20])


def test_what_is_in_front_of_the_face_is_background() -> None:
    image, labels = scaled(FACE.image), FACE.labels
    covered, hidden = occluded(image, labels, np.zeros_like(image), draw_occluder(np.random.default_rng(3), SIZE))
    changed = (covered != image).any(axis=-1)
    assert 0.005 < changed.mean() < 0.5
    assert (hidden[changed] == Region.BACKGROUND).all()
    assert (hidden[~changed] == labels[~changed]).mean() > 0.99


def test_a_spoilt_picture_is_one() -> None:
    image = scaled(FACE.image)
    lit = [in_light(image, draw_lighting(np.random.default_rng(seed))) for seed in range(4)]
    filmed = [through_camera(image, draw_filmed(np.random.default_rng(seed), SIZE)) for seed in range(4)]
    for out in (*lit, *filmed):
        assert out.shape == image.shape and out.dtype == np.float32
        assert out.min() >= 0 and out.max() <= 1 and not np.allclose(out, image)


def test_samples_are_repeatable_and_fit() -> None:
    stream = ParserStream((FACE, FACE), 0, side=48)
    (image,), wanted = stream[5]
    (again,), _ = ParserStream((FACE, FACE), 0, side=48)[5]
    assert torch.equal(image, again)
    assert image.shape == (3, 48, 48) and wanted["labels"].shape == (48, 48)
    assert wanted["labels"].dtype == torch.int64
    assert set(wanted["labels"].unique().tolist()) <= {*range(19), UNLABELLED}
    assert not torch.equal(image, stream[6][0][0])


def test_validation_shows_each_face_good_and_bad() -> None:
    stream = ParserStream((FACE,), 0, length=9, side=SIZE)
    assert len(stream) == 2
    ((good,), wanted), ((bad,), same) = stream[0], stream[1]
    assert torch.equal(wanted["labels"], same["labels"])
    np.testing.assert_array_equal(wanted["labels"].numpy(), FACE.labels)
    np.testing.assert_allclose(good.permute(1, 2, 0).numpy(), FACE.image / 255, atol=1e-6)
    assert (good - bad).abs().mean() > 0.005


def test_arguments_are_checked() -> None:
    with pytest.raises(UsageError, match="degraded"):
        ParserStream((FACE,), 0, degraded=1.5)
    with pytest.raises(UsageError, match="side"):
        ParserStream((FACE,), 0, side=50)
