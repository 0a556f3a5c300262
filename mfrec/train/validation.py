"""How good a network is on people that it was not trained on, and how good plain enlargement is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.face.regions import RARE
from mfrec.metrics.gaze import angles
from mfrec.metrics.iou import confusion, iou
from mfrec.metrics.psnr import psnr
from mfrec.metrics.ssim import ssim
from mfrec.train.streams.stream import Sample
from mfrec.types import FloatArray, Region


def as_mapping(output: Any) -> dict[str, Tensor]:
    """What a network returned, by name: the fields of its named tuple, or ``{"image": output}`` of a plain tensor."""
    return {"image": output} if isinstance(output, Tensor) else output._asdict()


def plain(inputs: tuple[Tensor, ...], wanted: Mapping[str, Tensor]) -> Tensor | None:
    """What the reference looks like without a network, on the grid of the truth.

    ``wanted["bicubic"]`` where the data set gives it. Else it is the first input, of a stack its middle frame,
    enlarged by PyTorch's bicubic interpolation.

    Args:
        inputs: of the network, each with the batch first.
        wanted: with ``"truth"`` ``[B, 3, H, W]``.

    Returns:
        ``[B, 3, H, W]`` in [0, 1]; None where the first input is no colour picture.
    """
    if "bicubic" in wanted:
        return wanted["bicubic"]
    first = inputs[0]
    if first.ndim == 5:
        first = first[:, first.shape[1] // 2]
    if first.ndim != 4 or first.shape[1] != 3:
        return None
    size = wanted["truth"].shape[-2:]
    if first.shape[-2:] != size:
        first = functional.interpolate(first, size=size, mode="bicubic", align_corners=False)
    return first.clamp(0, 1)


def picture(image: Tensor) -> FloatArray:
    """``[1, 3, H, W]`` about [0, 1] to ``[H, W, 3]`` float32 in [0, 1]; ``[1, 1, H, W]`` to ``[H, W]``."""
    shown = image[0].detach().float().clamp(0, 1).cpu()
    return (shown[0] if len(shown) == 1 else shown.permute(1, 2, 0)).numpy()


def decibels(made: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> float:
    """PSNR of one picture against its truth; NaN where the network makes no picture of that size."""
    image, truth = made.get("image"), wanted.get("truth")
    if image is None or truth is None or image.shape != truth.shape:
        return float("nan")
    return psnr(picture(image), picture(truth))


def evaluate(network: nn.Module, samples: Iterable[Sample], *, device: str | torch.device = "cpu") -> dict[str, float]:
    """Mean scores over samples, in float32.

    Args:
        network: in eval mode, on ``device``.
        samples: validation samples.
        device: where to compute.

    Returns:
        ``samples`` (how many), ``psnr`` in dB and ``ssim``; ``psnr_bicubic`` and ``ssim_bicubic`` where :func:`plain`
        has a picture. ``gaze_degrees``, the angle between the gaze and the true one, where the network estimates gaze.
        Of a parser ``samples`` and ``iou``, the mean over the classes that are not
        :data:`mfrec.face.regions.RARE`. Only ``samples`` where the network makes none of these.
    """
    scores: dict[str, list[float]] = {}
    matrix = np.zeros((len(Region), len(Region)), np.int64)
    count = 0
    with torch.inference_mode():
        for inputs, wanted in samples:
            count += 1
            batch = tuple(value[None].to(device) for value in inputs)
            targets = {name: value[None].to(device) for name, value in wanted.items()}
            made = as_mapping(network(*batch))
            if "gaze" in made and "gaze" in targets:
                error = angles(made["gaze"].cpu().numpy(), targets["gaze"].cpu().numpy())
                scores.setdefault("gaze_degrees", []).append(float(error.mean()))
            if "scores" in made and "labels" in targets:
                found = made["scores"].argmax(dim=1).cpu().numpy()
                matrix += confusion(found, targets["labels"].cpu().numpy(), len(Region))
            image, truth = made.get("image"), targets.get("truth")
            if image is None or truth is None or image.shape != truth.shape:
                continue
            for name, shown in (("", image), ("_bicubic", plain(batch, targets))):
                if shown is not None:
                    scores.setdefault(f"psnr{name}", []).append(psnr(picture(shown), picture(truth)))
                    scores.setdefault(f"ssim{name}", []).append(ssim(picture(shown), picture(truth)))
    if matrix.any():
        scores["iou"] = [float(np.nanmean(iou(matrix)[[r for r in Region if r not in RARE]]))]
    return {"samples": count, **{name: float(np.mean(values)) for name, values in scores.items()}}
