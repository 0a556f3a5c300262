"""fastai's dynamic U-Net: its size and its numbers, against fastai itself; a start without a checkerboard."""

import pytest
import torch
from network_checks import (
    assert_layout_does_not_matter,
    assert_learns_everywhere,
    assert_pictures_are_independent,
    assert_repeatable,
    parameters,
    stack,
)
from torch import nn
from torch.nn import functional

from mfrec.nets.crossover_unet import CrossoverUnet
from mfrec.nets.dynamic_unet import DynamicDecoder, DynamicUnet, ShuffleEnlarge, denormalised, normalised
from mfrec.nets.multi_frame_unet import MultiFrameUnet
from mfrec.nets.resnet_encoder import ResnetEncoder


@pytest.fixture(autouse=True)
def seed() -> None:
    """The networks below are untrained: a seed keeps a few dead rectifiers from failing a test now and then."""
    torch.manual_seed(0)


def of_fastai(encoder: ResnetEncoder) -> nn.Module:
    """fastai's network around an encoder of ours, which it takes as a sequence."""
    import mfrec.train.fastai_import  # noqa: F401 - fastai needs it where torchvision does not fit

    unet = pytest.importorskip("fastai.vision.models.unet")
    body = nn.Sequential(
        encoder.conv1,
        encoder.bn1,
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        encoder.layer1,
        encoder.layer2,
        encoder.layer3,
        encoder.layer4,
    )
    return unet.DynamicUnet(body, 3, (64, 64), blur=True)


@pytest.mark.parametrize(
    ("inputs", "width", "wanted"),
    [
        (3, 1.0, 41_221_268),
        (9, 1.0, 41_262_146),
        (21, 1.0, 41_347_790),
        (3, 0.25, 2_585_324),
        (9, 0.25, 2_596_538),
        (21, 0.25, 2_622_854),
    ],
)
def test_it_has_as_many_parameters_as_fastais_and_as_its_docstring_says(inputs: int, width: float, wanted: int) -> None:
    assert parameters(lambda: DynamicUnet(inputs=inputs, width=width)) == wanted
    assert f"{wanted:,}" in str(DynamicUnet.__doc__)
    assert parameters(lambda: of_fastai(ResnetEncoder(inputs=inputs, width=width))) == wanted


def test_the_networks_around_it_have_no_parameters_of_their_own() -> None:
    assert parameters(lambda: MultiFrameUnet(frames=7)) == parameters(lambda: DynamicUnet(inputs=21))
    assert parameters(lambda: MultiFrameUnet(frames=1)) == parameters(lambda: DynamicUnet(inputs=3))
    assert parameters(CrossoverUnet) == parameters(lambda: DynamicUnet(inputs=9))
    assert "41,262,146" in str(CrossoverUnet.__doc__)


def test_with_the_same_weights_it_gives_fastais_numbers() -> None:
    """The layers stand in one order in both, so the weights go over by their place."""
    ours = DynamicUnet(inputs=3, width=0.125)
    theirs = of_fastai(ours.encoder)
    layers = (nn.Conv2d, nn.BatchNorm2d)
    mine = [part for part in ours.decoder.modules() if isinstance(part, layers)]
    shared = {id(part) for part in ours.encoder.modules()}
    others = [part for part in theirs.modules() if isinstance(part, layers) and id(part) not in shared]
    # A level of fastai's enlarges, then normalises the skip, as ours does.
    assert [type(part) for part in mine] == [type(part) for part in others]
    for part, other in zip(mine, others, strict=True):
        other.load_state_dict(part.state_dict())
    for part in [*ours.modules()]:
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1)  # pyright: ignore[reportOptionalMemberAccess]
            part.running_var.uniform_(0.5, 2)  # pyright: ignore[reportOptionalMemberAccess]
    for part, other in zip(mine, others, strict=True):
        other.load_state_dict(part.state_dict())
    image = stack(2, 3, 64, 96)
    with torch.inference_mode():
        wanted = theirs.eval()(normalised(image))
        torch.testing.assert_close(ours.eval()(image), denormalised(wanted), rtol=1e-4, atol=1e-5)


def test_the_first_layers_see_imagenets_normalisation() -> None:
    image = torch.tensor([0.485, 0.456, 0.406, 0.714, 0.680, 0.631]).view(1, 6, 1, 1)
    wanted = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).view(1, 6, 1, 1)
    torch.testing.assert_close(normalised(image), wanted, rtol=0, atol=1e-6)
    torch.testing.assert_close(denormalised(normalised(image[:, 3:])), image[:, 3:])


def test_an_untrained_enlargement_repeats_its_pixels_and_the_blur_ties_neighbours() -> None:
    plain, x = ShuffleEnlarge(6, 5, blur=False), torch.randn(2, 6, 7, 4)
    blurred = ShuffleEnlarge(6, 5, blur=True)
    blurred.load_state_dict(plain.state_dict())
    with torch.inference_mode():
        large, soft = plain(x), blurred(x)
    assert large.shape == soft.shape == (2, 5, 14, 8)
    assert large.amax() > 0
    torch.testing.assert_close(large, functional.interpolate(large[..., ::2, ::2], scale_factor=2, mode="nearest"))
    torch.testing.assert_close(soft[..., 1::2, 1::2], large[..., 1::2, 1::2], msg="inside of four equal pixels")
    between = (large[..., 1:-1:2, 1::2] + large[..., 2::2, 1::2]) / 2
    torch.testing.assert_close(soft[..., 2::2, 1::2], between)


def test_every_level_and_the_picture_itself_are_used() -> None:
    channels = (4, 4, 6, 8, 10)
    decoder = DynamicDecoder(inputs=2, features=channels).eval()
    image = torch.rand(1, 2, 32, 64)
    features = [torch.rand(1, c, 16 // 2**i, 32 // 2**i) for i, c in enumerate(channels)]
    with torch.inference_mode():
        made = decoder(image, features)
        assert made.shape == (1, 3, 32, 64)
        assert not torch.equal(decoder(image + 0.1, features), made)
        for level in range(5):
            changed = [f + 0.1 if i == level else f for i, f in enumerate(features)]
            assert not torch.equal(decoder(image, changed), made)


@pytest.mark.parametrize("inputs", [0, 4, 20])
def test_colours_come_in_threes(inputs: int) -> None:
    with pytest.raises(ValueError, match="multiple of three"):
        DynamicUnet(inputs=inputs)


@pytest.mark.parametrize(("frames", "size"), [(1, (16, 16)), (3, (9, 13)), (7, (3, 5))])
def test_the_picture_is_four_times_as_large_as_a_frame(frames: int, size: tuple[int, int]) -> None:
    with torch.inference_mode():
        made = MultiFrameUnet(frames=frames, width=0.125).eval()(stack(2, frames, 3, *size))
    assert made.shape == (2, 3, 4 * size[0], 4 * size[1])
    assert torch.isfinite(made).all()


def test_sixty_pixels_become_144_where_somebody_enlarges_first() -> None:
    """The thesis's finetuning network works on the grid of the output, whatever enlarged the picture."""
    with torch.inference_mode():
        assert DynamicUnet(width=0.125).eval()(stack(1, 3, 144, 144)).shape == (1, 3, 144, 144)


def test_every_frame_is_read() -> None:
    network, frames = MultiFrameUnet(frames=3, width=0.125).eval(), stack(1, 3, 3, 8, 8)
    with torch.inference_mode():
        made = network(frames)
        for k in range(3):
            changed = frames.clone()
            changed[:, k] += 0.1
            assert not torch.equal(network(changed), made)


def test_another_number_of_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="5 frames, this network was made for 7"):
        MultiFrameUnet(width=0.125)(stack(1, 5, 3, 8, 8))


def test_it_learns_everywhere() -> None:
    assert_learns_everywhere(MultiFrameUnet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))


def test_it_is_repeatable() -> None:
    assert_repeatable(lambda: MultiFrameUnet(frames=3, width=0.125), stack(1, 3, 3, 9, 16))


def test_neither_layout_nor_company_matters() -> None:
    assert_layout_does_not_matter(MultiFrameUnet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))
    assert_pictures_are_independent(MultiFrameUnet(frames=3, width=0.25), stack(2, 3, 3, 16, 16))
