"""Our reading of it computes what dlib computes, from dlib's own file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mfrec.errors import WeightsError
from mfrec.face.landmarks import dlib_model
from mfrec.nets.dlib_resnet import SIDE, DlibResNet, grown, integer, load_dlib_resnet, parameters


@pytest.fixture(scope="module")
def network() -> DlibResNet:
    return load_dlib_resnet()


def test_it_agrees_with_dlib(network: DlibResNet) -> None:
    import dlib
    from skimage.data import astronaut

    original = dlib.face_recognition_model_v1(str(dlib_model("dlib_face_recognition_resnet_model_v1.dat")))  # pyright: ignore[reportAttributeAccessIssue]
    chip = np.ascontiguousarray(astronaut()[30 : 30 + SIDE, 150 : 150 + SIDE])
    theirs = np.array(original.compute_face_descriptor(chip))
    ours = network(torch.from_numpy(chip).permute(2, 0, 1)[None] / 255)[0].numpy()
    assert np.abs(ours - theirs).max() < 1e-5


def test_gradients_reach_the_picture_and_stop_at_the_weights(network: DlibResNet) -> None:
    faces = torch.rand(1, 3, SIDE, SIDE, requires_grad=True)
    network(faces).square().sum().backward()
    assert faces.grad is not None
    assert faces.grad.abs().max() > 0
    assert not any(p.requires_grad for p in network.parameters())


def test_what_is_grown_keeps_its_numbers() -> None:
    x = torch.rand(1, 2, 3, 3)
    out = grown(x, torch.zeros(1, 4, 4, 2))
    assert out.shape == (1, 4, 4, 3)
    assert torch.equal(out[:, :2, :3], x)
    assert float(out.sum()) == pytest.approx(float(x.sum()))


def test_integers_as_dlib_writes_them() -> None:
    assert integer(bytes([1, 5]), 0) == (5, 2)
    assert integer(bytes([9, 2, 0x80, 0x12]), 1) == (0x1280, 4)


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.dat"
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="0 layers"):
        load_dlib_resnet(file)
    with pytest.raises(WeightsError, match="format 3"):
        list(parameters(b"con_4" + bytes([1, 3])))
