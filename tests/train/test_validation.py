"""Scores of a network on held-out samples: the metrics of the rest of mfrec, and plain enlargement beside them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from labelled_portraits import ColourParser, portrait
from tiny_training import Shapes
from torch import Tensor, nn
from torch.nn import functional

from mfrec.metrics.psnr import psnr
from mfrec.metrics.ssim import ssim
from mfrec.nets.gaze import GazeOutput
from mfrec.train.validation import as_mapping, decibels, evaluate, plain
from mfrec.types import Region


class Enlarged(NamedTuple):
    image: Tensor
    log_variance: Tensor


class Bicubic(nn.Module):
    def forward(self, image: Tensor) -> Enlarged:
        large = functional.interpolate(image, scale_factor=4, mode="bicubic", align_corners=False)
        return Enlarged(large, torch.zeros_like(large[:, :1]))


class Embedding(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image.mean(dim=(2, 3))


def test_bicubic_scores_like_bicubic() -> None:
    samples = [Shapes(3)[i] for i in range(4)]
    found = evaluate(Bicubic(), samples)
    assert found["samples"] == 4
    assert found["psnr"] == found["psnr_bicubic"]
    assert found["ssim"] == found["ssim_bicubic"]
    scores = []
    for (image,), wanted in samples:
        made = Bicubic()(image[None]).image[0].clamp(0, 1).permute(1, 2, 0).numpy()
        truth = wanted["truth"].permute(1, 2, 0).numpy()
        scores.append((psnr(made, truth), ssim(made, truth)))
    assert (found["psnr"], found["ssim"]) == pytest.approx(tuple(np.mean(scores, axis=0)))


def test_a_network_without_a_picture_has_no_scores() -> None:
    assert evaluate(Embedding(), [Shapes(3)[0]]) == {"samples": 1}
    assert math.isnan(decibels({"embedding": torch.zeros(1, 8)}, {"truth": torch.zeros(1, 3, 8, 8)}))
    assert math.isnan(decibels({"image": torch.zeros(1, 3, 4, 4)}, {"truth": torch.zeros(1, 3, 8, 8)}))


def test_outputs_have_names() -> None:
    image = torch.rand(1, 3, 4, 4)
    assert as_mapping(image)["image"] is image
    assert as_mapping(Enlarged(image, image)).keys() == {"image", "log_variance"}


def test_plain_is_the_middle_frame_enlarged() -> None:
    stack = torch.rand(2, 5, 3, 8, 8)
    wanted = {"truth": torch.zeros(2, 3, 32, 32)}
    large = functional.interpolate(stack[:, 2], size=(32, 32), mode="bicubic").clamp(0, 1)
    for inputs in ((stack,), (stack[:, 2],)):
        made = plain(inputs, wanted)
        assert made is not None
        assert torch.equal(made, large)


def test_plain_at_the_size_of_the_truth_is_the_picture_itself() -> None:
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(torch.as_tensor(plain((image,), {"truth": image})), image)


def test_plain_is_what_the_data_say_or_nothing() -> None:
    given = torch.rand(1, 3, 8, 8)
    assert plain((torch.zeros(1, 5),), {"truth": given, "bicubic": given}) is given
    assert plain((torch.zeros(1, 7, 8, 8, 8),), {"truth": given}) is None
    assert plain((torch.zeros(1, 5),), {"truth": given}) is None


class Ahead(nn.Module):
    """Always looks a tenth of a radian to the right."""

    def forward(self, eyes: Tensor) -> GazeOutput:
        return GazeOutput(eyes.new_tensor([[0.1, 0.0]]).expand(len(eyes), 2))


def test_gaze_is_scored_in_degrees() -> None:
    eyes = torch.zeros(3, 48, 80)
    samples = [((eyes,), {"gaze": torch.tensor([yaw, 0.0])}) for yaw in (0.1, 0.3)]
    found = evaluate(Ahead(), samples)
    assert found == {"samples": 2, "gaze_degrees": pytest.approx(math.degrees(0.1), rel=1e-5)}


def test_a_parser_has_the_mean_overlap_of_its_common_classes() -> None:
    image, labels = portrait(48)
    sample = ((torch.from_numpy(image).permute(2, 0, 1) / 255,), {"labels": torch.from_numpy(labels).long()})
    assert evaluate(ColourParser().eval(), [sample]) == {"samples": 1, "iou": 1.0}
    wrong = torch.from_numpy(labels).long().where(torch.from_numpy(labels) != Region.HAIR, Region.BACKGROUND)
    found = evaluate(ColourParser().eval(), [(sample[0], {"labels": wrong})])
    assert 0 < found["iou"] < 0.95
