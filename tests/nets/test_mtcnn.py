"""The networks compute what the layers of the paper compute when they are written down one after the other."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from mfrec.cards.load import cards_folder, load_network, read_card, read_state
from mfrec.nets.mtcnn import Mtcnn


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return read_state(read_card(cards_folder() / "mtcnn.toml"))


@pytest.fixture(scope="module")
def networks() -> Mtcnn:
    return load_network("mtcnn")


def tensor(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


def torch_heads(state: dict[str, np.ndarray], net: str, layers: str, image: np.ndarray) -> dict[str, np.ndarray]:
    """The network written with PyTorch's own layers; ``layers`` like ``c1 p3 c2`` (p: pool of that size)."""
    t = {k: torch.from_numpy(v.astype(np.float32)) for k, v in state.items()}
    x = torch.from_numpy((image.transpose(0, 3, 1, 2) * 255 - 127.5) / 128)
    for layer in layers.split():
        kind, number = layer[0], layer[1]
        if kind == "p":
            x = functional.max_pool2d(x, int(number), 2, ceil_mode=True)
        elif kind == "c":
            x = functional.conv2d(x, t[f"{net}.conv{number}.weight"], t[f"{net}.conv{number}.bias"])
            x = functional.prelu(x, t[f"{net}.prelu{number}.weight"])
        else:
            x = x.permute(0, 3, 2, 1).flatten(1)
            x = functional.prelu(functional.linear(x, t[f"{net}.dense{number}.weight"], t[f"{net}.dense{number}.bias"]),
                        t[f"{net}.prelu{number}.weight"])  # fmt: skip
    heads = {}
    for name in state:
        if name.startswith(net) and "_" in name and name.endswith("weight"):
            layer = name.removesuffix(".weight")
            call = functional.conv2d if "conv" in layer else functional.linear
            heads[layer.split(".")[1]] = call(x, t[name], t[f"{layer}.bias"]).numpy()
    return heads


def face_probability(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)


@pytest.mark.parametrize("size", [(12, 12), (14, 40), (70, 52), (13, 41)])
def test_pnet_agrees_with_its_layers(networks: Mtcnn, state: dict[str, np.ndarray], size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random((*size, 3), np.float32)
    heads = torch_heads(state, "pnet", "c1 p2 c2 c3", image[None])
    probability, shifts = (answer[0].numpy() for answer in networks.pnet(tensor(image[None])))
    # The pooling that is written down here rounds up: its last window of an odd side hangs over the edge.
    high, wide = ((side - 12) // 2 + 1 for side in size)
    assert probability.shape == (high, wide)
    expected = face_probability(heads["conv4_1"])[0][:high, :wide]
    np.testing.assert_allclose(probability, expected, atol=1e-5)
    np.testing.assert_allclose(shifts, heads["conv4_2"][0][:, :high, :wide], atol=1e-5)


def test_rnet_agrees_with_its_layers(networks: Mtcnn, state: dict[str, np.ndarray]) -> None:
    patches = np.random.default_rng(2).random((5, 24, 24, 3), np.float32)
    heads = torch_heads(state, "rnet", "c1 p3 c2 p3 c3 d4", patches)
    probability, shifts = (answer.numpy() for answer in networks.rnet(tensor(patches)))
    np.testing.assert_allclose(probability, face_probability(heads["dense5_1"]), atol=1e-5)
    np.testing.assert_allclose(shifts, heads["dense5_2"], atol=1e-5)


def test_onet_agrees_with_its_layers(networks: Mtcnn, state: dict[str, np.ndarray]) -> None:
    patches = np.random.default_rng(3).random((5, 48, 48, 3), np.float32)
    heads = torch_heads(state, "onet", "c1 p3 c2 p3 c3 p2 c4 d5", patches)
    probability, shifts, points = (answer.numpy() for answer in networks.onet(tensor(patches)))
    np.testing.assert_allclose(probability, face_probability(heads["dense6_1"]), atol=1e-5)
    np.testing.assert_allclose(shifts, heads["dense6_2"], atol=1e-5)
    np.testing.assert_allclose(points[..., 0], heads["dense6_3"][:, :5], atol=1e-5)
    np.testing.assert_allclose(points[..., 1], heads["dense6_3"][:, 5:], atol=1e-5)
