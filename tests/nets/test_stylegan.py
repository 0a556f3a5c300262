"""StyleGAN with AdaIN: the paper's size, and what a style, the noise and a layer's place decide."""

from __future__ import annotations

import pytest
import torch

from mfrec.nets.stylegan import Adain, Stylegan, blurred


def small() -> Stylegan:
    torch.manual_seed(4)
    return Stylegan(side=16, latent=6, base=64, most=8, mapping=2).eval()


def test_the_paper_s_size() -> None:
    """26.2 million numbers, of which the mapping has 2.1; 18 styles at 1024 px."""
    with torch.device("meta"):
        network = Stylegan()
    assert network.styles == len(network.noise_shapes) == 18
    assert sum(value.numel() for value in network.parameters()) == pytest.approx(26.2e6, abs=0.05e6)


def test_a_style_sets_mean_and_spread_of_every_map() -> None:
    adain = Adain(5, 3)
    x, w = 7 * torch.randn(2, 5, 9, 9) - 2, torch.randn(2, 3)
    with torch.inference_mode():
        made = adain(x, w)
        scale, shift = adain.affine(w).chunk(2, dim=1)
    assert torch.allclose(made.mean(dim=(2, 3)), shift, atol=1e-4)
    assert torch.allclose(made.std(dim=(2, 3), correction=0), (1 + scale).abs(), atol=1e-3)


def test_every_style_and_the_noise_change_the_picture() -> None:
    network = small()
    z, other = torch.randn(2, 4, 6)
    with torch.inference_mode():
        styles, mixed = network.truncated(z, 1.0), network.truncated(other, 1.0)
        plain = network.picture(styles)
        assert plain.shape == (4, 3, 16, 16)
        fine, coarse = styles.clone(), styles.clone()
        fine[:, -1:], coarse[:, :1] = mixed[:, -1:], mixed[:, :1]
        assert not torch.allclose(plain, network.picture(fine))
        assert not torch.allclose(plain, network.picture(coarse))
        noise = [torch.randn(1, 1, *shape) for shape in network.noise_shapes]
        assert torch.equal(plain, network.picture(styles, noise)), "its strength begins at zero"
        network.synthesis.layers[3].strength.fill_(0.5)  # pyright: ignore[reportIndexIssue, reportAttributeAccessIssue, reportCallIssue]
        assert not torch.allclose(plain, network.picture(styles, noise))


def test_twice_as_large_is_bilinear() -> None:
    x = torch.randn(1, 2, 5, 5)
    made = blurred(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
    plain = torch.nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    assert torch.allclose(made[..., 2:-2, 2:-2], plain[..., 2:-2, 2:-2], atol=1e-6)
