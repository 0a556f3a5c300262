"""IR-SE-50: the size of the release, the grid of its head, and dropout that works where nothing trains."""

import pytest
import torch
from network_checks import assert_pictures_are_independent, parameters, stack

from mfrec.nets.irse50 import SIDE, STAGES, Irse50, SqueezeExcite, Unit


@pytest.fixture(scope="module")
def small() -> Irse50:
    torch.manual_seed(0)
    return Irse50(width=1 / 16).eval()


def test_it_has_as_many_parameters_as_the_release() -> None:
    assert parameters(Irse50) == 43_797_696
    assert "43,797,696" in str(Irse50.__doc__)


def test_units_and_head_are_the_papers() -> None:
    with torch.device("meta"):
        network = Irse50()
    units = [part for part in network.body if isinstance(part, Unit)]
    assert len(units) == 24 and sum(count for _, count in STAGES) == 24
    strides = [unit.res_layer[3].stride for unit in units]
    assert [i for i, stride in enumerate(strides) if stride == (2, 2)] == [0, 3, 7, 21]
    assert network.output_layer[3].weight.shape == (512, 25_088)
    names = set(network.state_dict())
    assert {"input_layer.0.weight", "body.0.res_layer.5.fc1.weight", "body.3.shortcut_layer.0.weight"} <= names
    assert {"body.0.res_layer.2.weight", "output_layer.3.bias", "output_layer.4.running_mean"} <= names


def test_faces_become_points_on_a_sphere(small: Irse50) -> None:
    faces = stack(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        found = small(faces)
        assert small.features(faces).shape == (2, 32, 7, 7)
    assert found.shape == (2, 512)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    assert_pictures_are_independent(small, faces)


def test_dropout_stays_on_and_is_told_by_the_generator(small: Irse50) -> None:
    faces = stack(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        once, again = (small.stochastic(faces, 3, torch.Generator().manual_seed(1)) for _ in range(2))
        other = small.stochastic(faces, 3, torch.Generator().manual_seed(2))
        plain = small(faces)
        many = small.stochastic(faces, 64)
    assert once.shape == (3, 2, 512)
    assert torch.equal(once, again) and not torch.equal(once, other)
    assert not torch.allclose(once[0], once[1], atol=1e-3)
    mean = torch.nn.functional.normalize(many.mean(dim=0), dim=1)
    assert ((mean * plain).sum(dim=1) > 0.9).all(), "what is dropped is made up for by the rest"


def test_squeeze_and_excitation_weighs_channels_and_moves_nothing() -> None:
    torch.manual_seed(1)
    block, x = SqueezeExcite(32), torch.randn(1, 32, 5, 6)
    with torch.inference_mode():
        factor = block(x) / x
    torch.testing.assert_close(factor, factor[..., :1, :1].expand_as(factor), rtol=1e-4, atol=1e-5)
    assert factor.min() > 0 and factor.max() < 1
