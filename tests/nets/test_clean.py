"""The cleaning network: any size in, four times that out, and it listens to what it is told of the codec."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from network_checks import stack
from small_networks import small_clean
from torch.nn import functional

from mfrec.camera.conditions import CONDITIONS, conditions
from mfrec.camera.noise import NoiseModel, from_quantiser, from_tables, ijg_tables
from mfrec.nets.clean import SCALE, Clean, ResidualBlock

TOLD = torch.linspace(-1, 1, 2 * CONDITIONS).view(2, CONDITIONS)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 13), (16, 8), (33, 40)])
def test_any_size_becomes_four_times_as_large(height: int, width: int) -> None:
    with torch.inference_mode():
        made = small_clean()(stack(2, 3, height, width), TOLD)
    assert made.image.shape == (2, 3, SCALE * height, SCALE * width)
    assert made.log_variance.shape == (2, 1, SCALE * height, SCALE * width)
    assert torch.isfinite(made.image).all()
    assert -11 <= made.log_variance.min() <= made.log_variance.max() <= 1


def test_equal_inputs_give_equal_bits() -> None:
    frames = stack(2, 3, 17, 12)
    with torch.inference_mode():
        first, second = (small_clean()(frames, TOLD) for _ in range(2))
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.log_variance, second.log_variance)


def test_a_frame_does_not_depend_on_the_others_of_its_batch() -> None:
    frames, network = stack(2, 3, 16, 16), small_clean()
    with torch.inference_mode():
        together, alone = network(frames, TOLD), network(frames[1:], TOLD[1:])
    torch.testing.assert_close(together.image[1:], alone.image, rtol=1e-4, atol=1e-4)


def test_a_frame_that_ends_within_a_block_is_continued_by_its_border() -> None:
    frames, network = stack(2, 3, 13, 10), small_clean()
    continued = functional.pad(frames, (0, 6, 0, 3), mode="replicate")
    with torch.inference_mode():
        made, larger = network(frames, TOLD), network(continued, TOLD)
    torch.testing.assert_close(made.image, larger.image[..., :52, :40], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(made.log_variance, larger.log_variance[..., :52, :40], rtol=1e-4, atol=1e-4)


def test_a_new_residual_block_changes_nothing() -> None:
    x = stack(1, 5, 9, 9)
    assert torch.equal(ResidualBlock(5)(x), x)


def test_without_its_last_layer_it_is_bicubic_enlargement() -> None:
    network, frames = small_clean(), stack(2, 3, 11, 9)
    last = network.leave[2]
    torch.nn.init.zeros_(last.weight)  # pyright: ignore[reportArgumentType]
    torch.nn.init.zeros_(last.bias)  # pyright: ignore[reportArgumentType]
    with torch.inference_mode():
        made = network(frames, TOLD)
    bicubic = functional.interpolate(frames, scale_factor=4, mode="bicubic", align_corners=False)
    assert torch.equal(made.image, bicubic)


def test_what_it_is_told_matters_everywhere() -> None:
    frames, network = stack(2, 3, 16, 16), small_clean()
    with torch.inference_mode():
        one, other = network(frames, TOLD), network(frames, TOLD + 1)
    assert ((one.image - other.image).abs().amax(1) > 1e-6).float().mean() > 0.99


def test_every_weight_learns() -> None:
    network = small_clean().train()
    made = network(stack(2, 3, 16, 16), TOLD)
    (made.image.square().mean() + made.log_variance.mean()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(), name


def test_the_shipped_size() -> None:
    with torch.device("meta"):
        network = Clean()
    assert 2e6 < sum(p.numel() for p in network.parameters()) < 6e6


def jpeg(quality: int) -> NoiseModel:
    return from_tables(ijg_tables(quality), "test")


def test_conditions_fall_as_quality_rises() -> None:
    told = np.stack([conditions(jpeg(quality)) for quality in (5, 20, 40, 60, 80, 95)])
    assert told.shape == (6, CONDITIONS)
    assert told.dtype == np.float32
    assert np.all(np.diff(told[:, :6], axis=0) <= 0)
    assert np.all(told[0, :6] > told[-1, :6])
    assert np.abs(told).max() < 6


def test_conditions_are_base_two_logarithms_of_grey_levels() -> None:
    """White noise of eight grey levels is zero in every band; twice as much is one."""
    for factor, expected in ((1, 0.0), (2, 1.0)):
        flat = np.full((8, 8), (factor * 8 / 255) ** 2, np.float32)
        told = conditions(NoiseModel(flat, flat, (0, 0), 1.0, "still", "test"))
        assert np.allclose(told[:6], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("noise", "kind"),
    [
        (jpeg(50), (1, 0)),
        (from_quantiser(28, "video", "test"), (0, 1)),
        (from_quantiser(28, "unknown", "test"), (0, 0)),
    ],
)
def test_conditions_name_the_kind_of_coding(noise: NoiseModel, kind: tuple[int, int]) -> None:
    assert tuple(conditions(noise)[6:]) == kind


def test_a_coarser_quantiser_is_told_as_such() -> None:
    told = [conditions(from_quantiser(q, "video", "test"))[0] for q in (18, 24, 30)]
    assert told == sorted(told)
    assert told[0] < told[2]
