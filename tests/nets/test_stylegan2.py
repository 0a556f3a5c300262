"""StyleGAN2: the paper's sizes, what a style and the noise may do, and the same arithmetic as the weights' own form."""

from __future__ import annotations

import math

import pytest
import torch
from network_checks import assert_pictures_are_independent, assert_repeatable, parameters, stack
from torch.nn import functional

from mfrec.nets.stylegan2 import Modulated, Stylegan2, blurred, channels_of, taps
from mfrec.nets.stylegan2_discriminator import Stylegan2Discriminator, spread


def small() -> Stylegan2:
    return Stylegan2(side=16, latent=6, base=64, most=8, mapping=2)


def small_discriminator() -> Stylegan2Discriminator:
    return Stylegan2Discriminator(side=16, base=64, most=8)


def latents(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def test_sizes_of_the_paper() -> None:
    """What the authors' code prints for 1024 px, configuration F."""
    assert parameters(Stylegan2) == 30_370_060
    assert parameters(Stylegan2Discriminator) == 29_012_513
    assert list(channels_of(1024, 32768, 512).values()) == [512, 512, 512, 512, 512, 256, 128, 64, 32]


@pytest.mark.parametrize("side", [4, 48, 100])
def test_a_side_that_cannot_be_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Stylegan2(side=side, latent=4, base=64, most=8)


def test_styles_are_two_for_each_resolution() -> None:
    assert Stylegan2(side=64, latent=4, base=64, most=8).styles == 10
    with torch.device("meta"):
        assert Stylegan2().styles == 18


def test_what_every_network_stands() -> None:
    with torch.inference_mode():
        assert small().eval()(latents(3)).shape == (3, 3, 16, 16)
        assert small_discriminator().eval()(stack(3, 3, 16, 16)).shape == (3,)
    assert_repeatable(small, latents(2))
    assert_pictures_are_independent(small(), latents(3))
    assert_repeatable(small_discriminator, stack(4, 3, 16, 16))


def test_everything_learns() -> None:
    network, judge = small().train(), small_discriminator()
    functional.softplus(-judge(network(latents(8)))).mean().backward()
    for name, parameter in [*network.named_parameters(), *judge.named_parameters()]:
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # The second style of a mixed batch reaches all layers; noise begins with no strength but has a gradient.
        assert (parameter.grad != 0).any(), name


def test_modulation_is_that_of_the_weights() -> None:
    """Equations 1 and 3 of the paper, with weights of each picture, give the same as scaling its features."""
    torch.manual_seed(1)
    layer, x, w = Modulated(5, 7, 6, kernel=3), torch.randn(2, 5, 9, 9), latents(2)
    style = layer.style(w)
    weight = (layer.weight * layer.scale)[None] * style[:, None, :, None, None]
    weight = weight / (weight.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    expected = torch.cat([functional.conv2d(x[k : k + 1], weight[k], padding=1) for k in range(2)])
    torch.testing.assert_close(layer(x, w), expected, rtol=1e-4, atol=1e-5)
    assert float(layer(x, w).var()) == pytest.approx(1.0, rel=0.5)


def test_doubling_is_the_filter_before_the_convolution() -> None:
    """A transposed convolution and a blur, away from the border: the filter between the pixels, then the weights."""
    torch.manual_seed(2)
    layer, x, w = Modulated(3, 4, 6, kernel=3, doubled=True), torch.randn(1, 3, 12, 12), latents(1)
    plain = Modulated(3, 4, 6, kernel=3)
    plain.load_state_dict(layer.state_dict())
    larger = functional.conv_transpose2d(x, taps(x, 4.0, 3), stride=2, padding=1, groups=3)
    torch.testing.assert_close(layer(x, w)[..., 4:-4, 4:-4], plain(larger, w)[..., 4:-4, 4:-4], rtol=1e-4, atol=1e-4)


def test_the_filter_keeps_what_is_flat() -> None:
    flat = torch.ones(1, 2, 8, 8)
    assert torch.allclose(blurred(flat, (2, 1))[..., 2:-2, 2:-2], torch.ones(1, 2, 4, 4))
    assert blurred(flat, (1, 1), stride=2).shape == (1, 2, 4, 4)


def test_training_draws_noise_and_mixes_and_use_does_not() -> None:
    network = small()
    for layer in network.synthesis.layers:
        torch.nn.init.ones_(layer.strength)  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        torch.manual_seed(4)
        first = network.train()(latents(2))
        torch.manual_seed(4)
        assert torch.equal(first, network(latents(2)))
        assert not torch.equal(first, network(latents(2)))
        network.eval()
        assert torch.equal(network(latents(2)), network(latents(2)))


def test_a_coarse_style_changes_more_than_a_fine_one() -> None:
    """Styles reach layers in their order: the last one only colours the finest picture."""
    network = small().eval()
    with torch.inference_mode():
        styles = network.mapping(latents(1))[:, None].expand(-1, network.styles, -1)
        other = network.mapping(latents(1, seed=9))
        plain = network.picture(styles)
        changed = []
        for layer in range(network.styles):
            mixed = styles.clone()
            mixed[:, layer] = other
            changed.append(float((network.picture(mixed) - plain).abs().mean()))
    assert all(change > 0 for change in changed)


def test_truncation_goes_to_the_mean_style() -> None:
    network = small()
    with torch.no_grad():
        for _ in range(3):
            network.train()(latents(64))
        network.eval()
        assert bool((network.centre != 0).any())
        assert torch.allclose(network.truncated(latents(2), 0.0), network.centre.expand(2, network.styles, 6))
        full = network.truncated(latents(2), 1.0)
        assert torch.allclose(full[:, 0], network.mapping(latents(2)), atol=1e-6)
        assert torch.allclose(network.picture(full), network(latents(2)), atol=1e-5)


def test_the_spread_of_a_batch_is_seen() -> None:
    alike, apart = stack(1, 2, 3, 3).expand(4, -1, -1, -1), stack(4, 2, 3, 3)
    assert float(spread(alike).max()) == pytest.approx(1e-4, rel=1e-3)
    expected = apart.std(dim=0, unbiased=False).mean()
    assert float(spread(apart)[0, 0, 0, 0]) == pytest.approx(float(expected), rel=1e-3)
    assert spread(stack(6, 2, 3, 3)).shape == (6, 1, 3, 3)
    assert math.isfinite(float(spread(apart[:1]).sum()))
