"""Trunks give five levels, stay frozen, and take tensors from files and nothing else."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mfrec.errors import UsageError, WeightsError
from mfrec.nets.recognition import Recognition
from mfrec.train.trunks import MobileNetTrunk, RecognitionTrunk, Trunk, Vgg19Trunk, VggTrunk, load_trunk


def vgg_file(folder: Path) -> Path:
    """A file with the names and shapes that the package's has, and a number of its own in each tensor."""
    tensors: dict[str, Tensor] = {"scaling_layer.shift": torch.zeros(1, 3, 1, 1)}
    before, number = 3, 0
    for i, widths in enumerate(VggTrunk.WIDTHS):
        if i:
            tensors[f"net.slice{i + 1}.{number}.filt"] = torch.zeros(before, 1, 3, 3)
        for width in widths:
            number += 1
            tensors[f"net.slice{i + 1}.{number}.weight"] = torch.full((width, before, 3, 3), 1e-3 * number)
            tensors[f"net.slice{i + 1}.{number}.bias"] = torch.full((width,), float(number))
            before = width
    tensors["lin0.model.1.weight"] = torch.zeros(1, 64, 1, 1)
    path = folder / "vgg.pth"
    torch.save(tensors, path)
    return path


def check(trunk: Trunk, sides: list[int]) -> None:
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    levels = trunk(images)
    assert [x.shape[2] for x in levels] == sides
    torch.stack([x.mean() for x in levels]).sum().backward()
    assert images.grad is not None
    assert torch.isfinite(images.grad).all()
    assert not any(p.requires_grad for p in trunk.parameters())
    assert not any(m.training for m in trunk.train().modules())


def test_recognition() -> None:
    check(RecognitionTrunk(Recognition(widths=(4, 4, 4, 4), depths=(1, 1, 1, 1))), [32, 32, 16, 8, 4])


def test_vgg(tmp_path: Path) -> None:
    trunk = load_trunk("vgg", vgg_file(tmp_path))
    assert isinstance(trunk, VggTrunk)
    biases = [float(layer.bias[0]) for level in trunk.levels for layer in level]  # pyright: ignore
    assert biases == list(range(1, 14))
    check(trunk, [64, 33, 17, 9, 5])


def test_vgg19(tmp_path: Path) -> None:
    from mfrec.train.fastai_import import import_torchvision

    import_torchvision()
    from torchvision.models.vgg import cfgs, make_layers

    torch.manual_seed(0)
    whole = make_layers(cfgs["E"]).eval()  # the convolutions of torchvision's vgg19
    tensors = {f"features.{name}": value for name, value in whole.state_dict().items()}
    path = tmp_path / "vgg19.pth"
    torch.save({**tensors, "classifier.0.weight": torch.zeros(2, 2)}, path)
    trunk = load_trunk("vgg19", path)
    assert isinstance(trunk, Vgg19Trunk)
    images = torch.rand(1, 3, 40, 40)
    with torch.inference_mode():
        seen = (images - trunk.mean) / trunk.spread
        for layer, activated, end in (((2, 2), True, 9), ((2, 2), False, 8), ((5, 4), True, 36), ((5, 4), False, 35)):
            found = trunk.tap(images, layer, activated=activated)
            torch.testing.assert_close(found, whole[:end](seen), rtol=1e-4, atol=1e-5)
        assert torch.equal(trunk(images)[4], trunk.tap(images, (5, 4), activated=True))
    check(trunk, [64, 32, 16, 8, 4])
    first = load_trunk("vgg19_first", path)
    with torch.inference_mode():
        for level, found in enumerate(first(images)):
            torch.testing.assert_close(found, trunk.tap(images, (level + 1, 1), activated=True))


def test_mobilenet(tmp_path: Path) -> None:
    from mfrec.train.fastai_import import import_torchvision

    import_torchvision()
    from torchvision.models import mobilenet_v2

    path = tmp_path / "mobilenet.pth"
    torch.manual_seed(0)
    whole = mobilenet_v2().eval()
    torch.save(whole.state_dict(), path)
    trunk = load_trunk("mobilenet", path)
    assert isinstance(trunk, MobileNetTrunk)
    check(trunk, [32, 16, 8, 4, 2])
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = whole.features[:18]((images - trunk.encoder.mean) / trunk.encoder.spread)
        assert torch.allclose(trunk(images)[-1], expected, atol=1e-5)


def test_files_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save({"a": torch.zeros(2)}, other)
    with pytest.raises(WeightsError, match="26 tensors are missing"):
        load_trunk("vgg", other)
    torch.save([torch.zeros(2)], other)
    with pytest.raises(WeightsError, match="expected a dictionary of tensors"):
        load_trunk("mobilenet", other)
    with pytest.raises(WeightsError, match="no weights file"):
        load_trunk("vgg", tmp_path / "none.pth")


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    trap = tmp_path / "trap.pth"
    trap.write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(WeightsError, match="no plain tensors"):
        load_trunk("vgg", trap)
    assert not (tmp_path / "ran").exists()


def test_wrong_names_are_refused() -> None:
    with pytest.raises(UsageError, match="no trunk 'vgg18'"):
        load_trunk("vgg18")
    with pytest.raises(UsageError, match="needs 'weights'"):
        load_trunk("mobilenet")
    with pytest.raises(UsageError, match="ships with mfrec"):
        load_trunk("recognition", "some.pth")
