"""The fusing network, with random weights: what has to hold whatever it has learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_networks import small_fusion
from torch import Tensor

from mfrec.nets.fusion import PLANES, Fusion, Made, shares

SIDES = 32, 24


def scene(count: int, seed: int = 0, height: int = SIDES[0], width: int = SIDES[1]) -> tuple[Tensor, Tensor]:
    """Frames of noise with trust from 0.05 to 1, and what is told of them: ``[1, N, 8, H, W]``, ``[1, N, 8]``."""
    generator = torch.Generator().manual_seed(seed)
    planes = torch.rand((1, count, PLANES, height, width), generator=generator)
    planes[:, :, 6] = -9 + 4 * planes[:, :, 6]
    planes[:, :, 7] = 0.05 + 0.95 * planes[:, :, 7]
    return planes, torch.randn((1, count, 8), generator=generator)


class Strips:
    """Frames of a stack ``[1, N, 8, H, W]``, as :class:`mfrec.nets.fusion.Frames`; ``asked``: the rows of each call."""

    def __init__(self, stack: Tensor) -> None:
        self._stack = stack[0].numpy()
        self.asked: list[int] = []

    @property
    def shape(self) -> tuple[int, int, int]:
        count, _, height, width = self._stack.shape
        return count, height, width

    def planes(self, frame: int, top: int, bottom: int) -> np.ndarray:
        self.asked.append(bottom - top)
        return self._stack[frame, :, top:bottom]

    def cleaned(self, frame: int, top: int, bottom: int) -> np.ndarray:
        self.asked.append(bottom - top)
        return self._stack[frame, [0, 1, 2, 7], top:bottom]


def fuse(planes: Tensor, told: Tensor, reference: int = 0) -> Made:
    return small_fusion().of_frames(Strips(planes), told[0], reference)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 15])
def test_any_number_of_frames(count: int) -> None:
    made = fuse(*scene(count), reference=count // 2)
    assert made.image.shape == made.correction.shape == (1, 3, *SIDES)
    assert made.weight.shape == (1, count, *SIDES)
    assert made.log_variance.shape == (1, 1, *SIDES)
    assert torch.isfinite(made.image).all()
    assert made.weight.min() >= 0
    torch.testing.assert_close(made.weight.sum(1), torch.ones(1, *SIDES))


def test_any_sides_that_whole_frame_pixels_give() -> None:
    made = fuse(*scene(3, height=20, width=44))
    assert made.image.shape == (1, 3, 20, 44)


def test_a_pixel_that_a_frame_does_not_show_has_no_weight_of_it() -> None:
    planes, told = scene(4)
    planes[:, 1, 7, :10] = 0
    planes[:, :, 7, 20:24, 8:12] = 0
    made = fuse(planes, told)
    assert made.weight[:, 1, :10].max() == 0
    assert made.weight[:, :, 20:24, 8:12].max() == 0
    seen = torch.ones(1, *SIDES, dtype=torch.bool)
    seen[:, 20:24, 8:12] = False
    torch.testing.assert_close(made.weight.sum(1)[seen], torch.ones(int(seen.sum())))


def test_the_picture_is_the_weighted_mean_and_the_correction() -> None:
    planes, told = scene(5)
    made = fuse(planes, told)
    mean = (made.weight[:, :, None] * planes[:, :, :3]).sum(1)
    torch.testing.assert_close(made.image, mean + made.correction)


def test_the_order_of_the_frames_does_not_matter() -> None:
    planes, told = scene(7)
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    made, shuffled = fuse(planes, told, reference=3), fuse(planes[:, order], told[:, order], reference=0)
    torch.testing.assert_close(shuffled.image, made.image, rtol=0, atol=1e-5)
    torch.testing.assert_close(shuffled.weight, made.weight[:, order], rtol=0, atol=1e-5)
    torch.testing.assert_close(shuffled.log_variance, made.log_variance, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fill", [0.0, 1.0, 30.0])
def test_a_missing_frame_costs_nothing(fill: float) -> None:
    """Whatever stands in the planes of a frame without trust."""
    planes, told = scene(5)
    planes[:, [1, 4], :7] = fill
    planes[:, [1, 4], 7] = 0
    present = [0, 2, 3]
    made, without = fuse(planes, told, reference=2), fuse(planes[:, present], told[:, present], reference=1)
    torch.testing.assert_close(made.image, without.image, rtol=0, atol=1e-5)
    torch.testing.assert_close(made.weight[:, present], without.weight, rtol=0, atol=1e-5)
    assert made.weight[:, [1, 4]].max() == 0


def test_a_frame_of_weight_zero_gives_nothing_to_the_picture() -> None:
    """Neither directly nor through a feature: no gradient of any output leads back to its planes."""
    planes, told = scene(4)
    planes[:, 2, 7] = 0
    planes.requires_grad_()
    told.requires_grad_()
    made = small_fusion()(planes, told, torch.tensor([0]))
    (made.image.square().sum() + made.log_variance.sum()).backward()
    assert planes.grad is not None
    assert told.grad is not None
    assert planes.grad[:, 2, :7].abs().max() == 0
    assert told.grad[:, 2].abs().max() == 0
    assert planes.grad[:, 1, :7].abs().max() > 0


def test_which_frame_is_the_reference_matters() -> None:
    planes, told = scene(3)
    assert (fuse(planes, told, 0).image - fuse(planes, told, 1).image).abs().max() > 1e-4


def test_scenes_of_a_batch_are_independent() -> None:
    first, second = scene(3, seed=1), scene(3, seed=2)
    with torch.inference_mode():
        both = small_fusion()(*(torch.cat(pair) for pair in zip(first, second, strict=True)), torch.tensor([2, 0]))
    torch.testing.assert_close(both.image[1:], fuse(*second, reference=0).image, rtol=0, atol=1e-5)


def test_every_weight_learns() -> None:
    network = small_fusion().train()
    made = network(*scene(3), torch.tensor([1]))
    (made.image.square().mean() + made.log_variance.mean()).backward()
    for name, parameter in network.named_parameters():
        if name in {"first_vote.bias", "second_vote.bias"}:
            continue  # the same for all frames, so it takes part in no choice
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(), name


def test_the_shipped_size() -> None:
    with torch.device("meta"):
        network = Fusion()
    assert 1e6 < sum(p.numel() for p in network.parameters()) < 4e6


def test_shares_are_a_softmax_with_trust_as_prior() -> None:
    vote, trust = torch.tensor([0.3, -1.2, 2.0]).view(1, 3, 1, 1), torch.tensor([0.5, 1.0, 0.1]).view(1, 3, 1, 1)
    expected = torch.softmax(vote + trust.log(), dim=1)
    torch.testing.assert_close(shares(vote, trust), expected)


def test_the_vote_of_a_frame_without_trust_silences_nobody() -> None:
    vote, trust = torch.tensor([0.0, 90.0]).view(1, 2, 1, 1), torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    assert shares(vote, trust).flatten().tolist() == [1.0, 0.0]


def test_shares_have_finite_gradients_where_nobody_sees() -> None:
    vote = torch.tensor([5.0, -3.0]).view(1, 2, 1, 1).requires_grad_()
    made = shares(vote, torch.zeros(1, 2, 1, 1))
    made.sum().backward()
    assert made.abs().max() == 0
    assert vote.grad is not None
    assert vote.grad.abs().max() == 0


@pytest.mark.parametrize("sides", [SIDES, (20, 44), (140, 24)])
@pytest.mark.parametrize("count", [1, 5])
def test_strips_give_what_all_at_once_gives(
    monkeypatch: pytest.MonkeyPatch, sides: tuple[int, int], count: int
) -> None:
    """The first layer reads over the borders of its strips, and nothing else does."""
    monkeypatch.setattr("mfrec.nets.fusion.ENTERED", 3 * sides[1] // 4)
    monkeypatch.setattr("mfrec.nets.fusion.STRIP", 1)
    planes, told = scene(count, height=sides[0], width=sides[1])
    frames, read = Strips(planes), []
    made = small_fusion().of_frames(frames, told[0], count // 2, read.append)
    with torch.no_grad():
        expected = small_fusion()(planes, told, torch.tensor([count // 2]))
    for one, other in zip(made, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)  # sums in another order
    assert read == list(range(1, count + 1))
    # Three rows of the reference and one on each side are 20 of the canvas; 16 of it are summed at a time.
    assert max(frames.asked) <= 20
    again = small_fusion().of_frames(frames, told[0], count // 2)
    assert all(torch.equal(one, other) for one, other in zip(made, again, strict=True))


def test_frame_by_frame_is_what_all_at_once_is() -> None:
    (planes, told), network, reference = scene(5), small_fusion(), torch.tensor([2])
    with torch.inference_mode():
        alone = network(planes, told, reference)
    with torch.no_grad():
        together = network(planes, told, reference)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)  # sums in another order
