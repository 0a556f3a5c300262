"""The NumPy networks compute what the same layers compute in PyTorch, and refuse other people's tensors."""

import numpy as np
import pytest

from mfrec.cards.load import cards_folder, read_card, read_state
from mfrec.errors import WeightsError
from mfrec.nets.mtcnn import Mtcnn, expected_shapes


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    return read_state(read_card(cards_folder() / "mtcnn.toml"))


def torch_heads(state: dict[str, np.ndarray], net: str, layers: str, image: np.ndarray) -> dict[str, np.ndarray]:
    """The network written with PyTorch's own layers; ``layers`` like ``c1 p3 c2`` (p: pool of that size)."""
    import torch
    from torch.nn import functional

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


@pytest.mark.parametrize("size", [(12, 12), (13, 40), (70, 51)])
def test_pnet_agrees_with_torch(state: dict[str, np.ndarray], size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random((*size, 3), np.float32)
    heads = torch_heads(state, "pnet", "c1 p2 c2 c3", image[None])
    probability, shifts = Mtcnn(state).proposals(image)
    np.testing.assert_allclose(probability, face_probability(heads["conv4_1"])[0], atol=1e-5)
    np.testing.assert_allclose(shifts, heads["conv4_2"][0].transpose(1, 2, 0), atol=1e-5)


def test_rnet_agrees_with_torch(state: dict[str, np.ndarray]) -> None:
    patches = np.random.default_rng(2).random((5, 24, 24, 3), np.float32)
    heads = torch_heads(state, "rnet", "c1 p3 c2 p3 c3 d4", patches)
    probability, shifts = Mtcnn(state).refine(patches)
    np.testing.assert_allclose(probability, face_probability(heads["dense5_1"]), atol=1e-5)
    np.testing.assert_allclose(shifts, heads["dense5_2"], atol=1e-5)


def test_onet_agrees_with_torch(state: dict[str, np.ndarray]) -> None:
    patches = np.random.default_rng(3).random((5, 48, 48, 3), np.float32)
    heads = torch_heads(state, "onet", "c1 p3 c2 p3 c3 p2 c4 d5", patches)
    probability, shifts, points = Mtcnn(state).output(patches)
    np.testing.assert_allclose(probability, face_probability(heads["dense6_1"]), atol=1e-5)
    np.testing.assert_allclose(shifts, heads["dense6_2"], atol=1e-5)
    np.testing.assert_allclose(points[..., 0], heads["dense6_3"][:, :5], atol=1e-5)
    np.testing.assert_allclose(points[..., 1], heads["dense6_3"][:, 5:], atol=1e-5)


def test_a_large_picture_is_computed_in_pieces_with_the_same_result(
    state: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(4).random((90, 80, 3), np.float32)
    whole = Mtcnn(state).proposals(image)[0]
    monkeypatch.setattr("mfrec.nets.mtcnn.COLUMNS", 5000)
    np.testing.assert_allclose(Mtcnn(state).proposals(image)[0], whole, atol=1e-5)


@pytest.mark.parametrize("height", [12, 13, 30, 31, 32, 33, 34, 35, 89, 90])
def test_bands_do_not_show(state: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, height: int) -> None:
    image = np.random.default_rng(5).random((height, 40, 3), np.float32)
    whole = Mtcnn(state).proposals(image)
    monkeypatch.setattr("mfrec.nets.mtcnn.BAND", 40 * 10)
    for a, b in zip(Mtcnn(state).proposals(image), whole, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_every_tensor_is_asked_for(state: dict[str, np.ndarray]) -> None:
    assert {name: value.shape for name, value in state.items()} == expected_shapes()


@pytest.mark.parametrize("change", ["missing", "surplus", "shape"])
def test_other_tensors_are_refused(state: dict[str, np.ndarray], change: str) -> None:
    other = dict(state)
    value = other.pop("rnet.conv2.bias")
    if change == "surplus":
        other |= {"rnet.conv2.bias": value, "extra": value}
    elif change == "shape":
        other["rnet.conv2.bias"] = value[:-1]
    with pytest.raises(WeightsError, match=r"extra|rnet\.conv2\.bias"):
        Mtcnn(other)
