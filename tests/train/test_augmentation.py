"""What a discriminator sees of pictures: changed, drawn from the seed, and with a gradient through the change."""

from __future__ import annotations

import pytest
import torch

from mfrec.train.augmentation import CHANGES, CUT, SHIFT, augmented


def pictures(count: int = 16) -> torch.Tensor:
    return 0.2 + 0.6 * torch.rand(count, 3, 16, 24, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_comes_from_the_seed_and_lets_gradients_through(change: str) -> None:
    images = pictures().requires_grad_()
    torch.manual_seed(1)
    first = augmented(images, [change])
    torch.manual_seed(1)
    assert torch.equal(first, augmented(images, [change]))
    assert first.shape == images.shape
    assert not torch.equal(first, images)
    first.sum().backward()
    assert images.grad is not None
    assert (images.grad != 0).any()
    assert torch.isfinite(images.grad).all()


def test_nothing_asked_changes_nothing() -> None:
    assert torch.equal(augmented(pictures(), []), pictures())


def test_translation_moves_whole_pixels_and_black_comes_in() -> None:
    torch.manual_seed(2)
    images = pictures(64)
    moved = augmented(images, ["translation"])
    rows, columns = round(16 * SHIFT), round(24 * SHIFT)
    steps = set()
    for before, after in zip(images, moved, strict=True):
        fits = [
            (y, x)
            for y in range(-rows, rows + 1)
            for x in range(-columns, columns + 1)
            if torch.equal(
                after[:, max(y, 0) : 16 + min(y, 0), max(x, 0) : 24 + min(x, 0)],
                before[:, max(-y, 0) : 16 + min(-y, 0), max(-x, 0) : 24 + min(-x, 0)],
            )
        ]
        assert len(fits) == 1
        steps.add(fits[0])
        y, x = fits[0]
        assert bool((after == 0).all(dim=0).sum() == 16 * 24 - (16 - abs(y)) * (24 - abs(x)))
    assert len(steps) > 10
    assert {y for y, _ in steps} == set(range(-rows, rows + 1))


def test_a_cut_is_no_larger_than_its_square() -> None:
    torch.manual_seed(3)
    cut = (augmented(pictures(64), ["cutout"]) == 0).all(dim=1)
    # On each axis a half, less an eighth of it that lies outside on average.
    assert float(cut.float().mean()) == pytest.approx((7 / 8 * CUT) ** 2, abs=0.02)
    assert bool((cut.any(dim=2).sum(dim=1) <= 16 * CUT + 1).all())
    assert bool((cut.any(dim=1).sum(dim=1) <= 24 * CUT + 1).all())


def test_colours_keep_the_picture_s_shape() -> None:
    torch.manual_seed(4)
    grey = pictures().mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    changed = augmented(grey, ["color"])
    assert torch.allclose(changed[:, 0], changed[:, 1], atol=1e-6), "grey has no colour to become more saturated"
    for before, after in zip(grey, changed, strict=True):
        pair = torch.stack([before.flatten(), after.flatten()])
        assert float(torch.corrcoef(pair)[0, 1]) == pytest.approx(1.0, abs=1e-3)


def test_changes_go_as_far_as_the_paper_s() -> None:
    assert (SHIFT, CUT) == (0.125, 0.5)
    torch.manual_seed(5)
    images = pictures(1000)
    changed = augmented(images, ["color"])
    grey, after = images.mean(dim=1, keepdim=True), changed.mean(dim=1, keepdim=True)
    brighter = (after - grey).mean(dim=(1, 2, 3))
    contrast = after.std(dim=(1, 2, 3)) / grey.std(dim=(1, 2, 3))
    colours, coloured = images - grey, changed - after
    saturation = (colours * coloured).sum(dim=(1, 2, 3)) / colours.square().sum(dim=(1, 2, 3)) / contrast
    for found, low, high in ((brighter, -0.25, 0.25), (contrast, 0.5, 1.5), (saturation, 0.0, 2.0)):
        reach = high - low
        assert low - 1e-3 <= float(found.min()) < low + 0.02 * reach
        assert high - 0.02 * reach < float(found.max()) <= high + 1e-3
        assert float(found.mean()) == pytest.approx((low + high) / 2, abs=0.05 * reach)
