"""Few-shot talking heads: sizes, whose face it is and in which pose, and pictures of one person in any order."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mfrec.nets.few_shot import FewShot, adapted


@pytest.fixture(scope="module")
def network() -> FewShot:
    torch.manual_seed(2)
    return FewShot(side=16, channels=6, most=8, style=5, blocks=1).eval()


def told(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.rand(2, 3, 3, 16, 16, generator=generator),
        torch.rand(2, 3, 3, 16, 16, generator=generator),
        torch.rand(2, 3, 16, 16, generator=generator),
    )


def test_person_and_pose_both_decide_and_pictures_of_a_batch_are_strangers(network: FewShot) -> None:
    pictures, sketches, sketch = told(1)
    with torch.inference_mode():
        made = network(pictures, sketches, sketch)
        assert made.shape == sketch.shape and 0 < float(made.min()) < float(made.max()) < 1
        assert not torch.allclose(made, network(1 - pictures, sketches, sketch), atol=1e-4)
        assert not torch.allclose(made, network(pictures, sketches, 1 - sketch), atol=1e-4)
        assert torch.allclose(made[:1], network(pictures[:1], sketches[:1], sketch[:1]), atol=1e-6)


def test_a_person_is_the_mean_of_pictures_in_any_order_and_of_any_number(network: FewShot) -> None:
    pictures, sketches, _ = told(2)
    order = torch.tensor([2, 0, 1])
    with torch.inference_mode():
        person = network.embed(pictures, sketches)
        assert torch.allclose(person, network.embed(pictures[:, order], sketches[:, order]), atol=1e-6)
        single = [network.embed(pictures[:, k : k + 1], sketches[:, k : k + 1]) for k in range(3)]
        assert torch.allclose(person, torch.stack(single).mean(dim=0), atol=1e-6)
        assert not torch.allclose(single[0], single[1], atol=1e-4)


def test_a_setting_is_scale_and_shift_of_normalised_features() -> None:
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 5 + 2
    made = adapted(x, torch.tensor([[0.0, 1.0, 2.0, 7.0, 8.0, 9.0]]).expand(2, -1))
    assert made.mean(dim=(2, 3)).flatten().tolist() == pytest.approx([7, 8, 9] * 2, abs=1e-4)
    assert made.std(dim=(2, 3)).flatten().tolist() == pytest.approx([1, 2, 3] * 2, rel=0.02)


@pytest.mark.parametrize("side", [8, 24, 100])
def test_a_side_that_cannot_be_halved_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match=f"side is {side}; expected 8 times a power of two"):
        FewShot(side=side)
