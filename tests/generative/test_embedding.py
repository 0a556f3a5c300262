"""Embedding and what is done with it, on pictures that the tiny generator can and cannot draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
import torch
from tiny_generator import tiny_generator

from mfrec.errors import UsageError
from mfrec.generative.embedding import (
    DrawnStyles,
    Wish,
    crossed,
    edited,
    embed,
    inpainted,
    reconstructed,
    styled,
)
from mfrec.image.geometry import resize
from mfrec.metrics.psnr import psnr
from mfrec.types import FloatArray

SIDE = 16


def drawn_by_it(seed: int) -> FloatArray:
    with torch.no_grad():
        made = tiny_generator()(torch.randn(1, 8, generator=torch.Generator().manual_seed(seed)))
    return made.clamp(0, 1)[0].permute(1, 2, 0).numpy()


def levels(images: torch.Tensor) -> Sequence[torch.Tensor]:
    """Features that anybody can compute: the picture at half and at a quarter of its size."""
    return [torch.nn.functional.avg_pool2d(images, size) for size in (2, 4)]


@pytest.fixture(scope="module")
def face(portrait: FloatArray) -> FloatArray:
    return np.clip(resize(portrait, SIDE, SIDE, interpolation="area"), 0, 1)


WHOLE = np.ones((SIDE, SIDE), np.float32)


def left() -> FloatArray:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:, : SIDE // 2] = 1
    return mask


@pytest.mark.parametrize("start", ["mean", "uniform"])
def test_a_picture_of_the_generator_is_found_again(start: Literal["mean", "uniform"]) -> None:
    wanted = drawn_by_it(3)
    found = embed(
        tiny_generator(),
        [Wish(wanted, WHOLE)],
        levels,
        drawn=DrawnStyles(start, 1),
        style_steps=120,
    )
    assert found.styles.shape == (6, 8)
    assert found.history[-1] < found.history[0] / 4
    assert psnr(found.portrait, wanted) > 20
    assert DrawnStyles.from_json(DrawnStyles("uniform", 7).to_json()) == DrawnStyles("uniform", 7)


def test_noise_brings_at_least_5_db_more_and_the_styles_stay(face: FloatArray) -> None:
    styles = embed(tiny_generator(), [Wish(face, WHOLE)], style_steps=60)
    with_noise = embed(tiny_generator(), [Wish(face, WHOLE)], drawn=styles, style_steps=0, noise_steps=160)
    assert np.array_equal(styles.styles, with_noise.styles)
    assert psnr(with_noise.portrait, face) > psnr(styles.portrait, face) + 5


def test_an_embedding_can_be_made_again(face: FloatArray) -> None:
    first, again = (reconstructed(tiny_generator(), face, levels, steps=5, noise_steps=5) for _ in range(2))
    assert np.array_equal(first.portrait, again.portrait)
    assert first.history == again.history


def test_a_cross_over_shows_one_inside_and_the_other_outside(face: FloatArray) -> None:
    other = drawn_by_it(5)
    mask = left()
    made = crossed(tiny_generator(), face, other, mask, levels, softness=0.5, steps=40, noise_steps=160).portrait
    inner, outer = np.s_[:, :6], np.s_[:, 10:]
    assert psnr(made[inner], face[inner]) > psnr(made[inner], other[inner]) + 3
    assert psnr(made[outer], other[outer]) > psnr(made[outer], face[outer]) + 3


def test_what_is_inpainted_never_saw_what_lay_there(face: FloatArray) -> None:
    hole = np.zeros((SIDE, SIDE), np.float32)
    hole[5:11, 5:11] = 1
    spoilt = face.copy()
    spoilt[5:11, 5:11] = 1.0 - face[5:11, 5:11]
    first = inpainted(tiny_generator(), face, hole, steps=20, noise_steps=20)
    again = inpainted(tiny_generator(), spoilt, hole, steps=20, noise_steps=20)
    assert np.array_equal(first.portrait, again.portrait)
    known = hole == 0
    assert np.abs(first.portrait - face)[known].mean() < np.abs(first.portrait - spoilt)[hole == 1].mean()


def test_noise_of_a_scribble_is_not_copied(face: FloatArray) -> None:
    scribbled = face.copy()
    scribbled[7:9, 3:13] = (1.0, 0.0, 1.0)
    made = edited(tiny_generator(), face, scribbled, levels, steps=30, noise_steps=60)
    touched = np.abs(scribbled - face).max(axis=-1) > 0
    assert np.abs(made.portrait - face)[~touched].mean() < 0.5 * np.abs(made.portrait - scribbled)[touched].mean()


def test_style_transfer_takes_the_fine_styles_alone(face: FloatArray) -> None:
    generator = tiny_generator()
    content = embed(generator, [Wish(face, WHOLE)], style_steps=10)
    style = embed(generator, [Wish(drawn_by_it(9), WHOLE)], style_steps=10)
    mixed = styled(generator, content, style, 4)
    assert np.array_equal(mixed.styles[:4], content.styles[:4])
    assert np.array_equal(mixed.styles[4:], style.styles[4:])
    assert not np.array_equal(mixed.portrait, content.portrait)
    with pytest.raises(UsageError, match="first layer of the style is 6"):
        styled(generator, content, style, 6)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ([], "nothing to embed"),
        ([Wish(np.zeros((SIDE, SIDE, 3), np.float32), np.zeros((SIDE, SIDE), np.float32))], "the mask covers nothing"),
        ([Wish(np.zeros((8, SIDE, 3), np.float32), WHOLE)], r"pictures of 16 x 16 px, and an array of \(8, 16, 3\)"),
        ([Wish(np.zeros((SIDE, SIDE, 3), np.float32), np.ones((4, 4), np.float32))], r"an array of \(4, 4\)"),
    ],
)
def test_what_cannot_be_embedded_is_refused(wishes: list[Wish], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        embed(tiny_generator(), wishes, style_steps=1)


def test_a_mask_that_covers_nothing_is_refused_in_a_cross_over(face: FloatArray) -> None:
    nothing = np.zeros((SIDE, SIDE), np.float32)
    with pytest.raises(UsageError, match="the mask covers nothing"):
        crossed(tiny_generator(), face, face, nothing, steps=1, noise_steps=1)
