"""What every network has to stand, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def parameters(make: Callable[[], nn.Module]) -> int:
    """How many numbers a network learns, counted without storing any."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in make().parameters())


def stack(*shape: int, seed: int = 0) -> Tensor:
    """Random pictures in [0, 1]."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def assert_learns_everywhere(network: nn.Module, *inputs: Tensor) -> None:
    """One step of training under bfloat16 autocast moves every parameter that may move, and none that may not."""
    network.train().zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        made = network(*inputs)
    assert made.dtype == torch.float32
    torch.nn.functional.mse_loss(made, torch.zeros_like(made)).backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, f"no gradient reaches {name}"
            assert torch.isfinite(parameter.grad).all(), name
            assert (parameter.grad != 0).any(), f"the gradient of {name} is zero"
        else:
            assert parameter.grad is None, f"a gradient reaches {name}"


def assert_repeatable(make: Callable[[], nn.Module], *inputs: Tensor) -> None:
    """Equal seeds give equal networks, and equal networks give equal pictures, bit by bit."""
    made = []
    for _ in range(2):
        torch.manual_seed(7)
        network = make().eval()
        with torch.inference_mode():
            made += [network(*inputs), network(*inputs)]
    assert all(torch.equal(made[0], other) for other in made[1:])


def assert_layout_does_not_matter(network: nn.Module, *inputs: Tensor) -> None:
    """Weights in channels-last order give the same picture."""
    with torch.inference_mode():
        plain = network.eval()(*inputs)
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        torch.testing.assert_close(network(*inputs), plain, rtol=1e-4, atol=1e-4)


def assert_pictures_are_independent(network: nn.Module, *inputs: Tensor) -> None:
    """Out of training, a picture does not depend on the others of its batch."""
    with torch.inference_mode():
        together = network.eval()(*inputs)
        alone = network(*(x[1:2] for x in inputs))
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-4)
