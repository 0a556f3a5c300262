"""A face of a picture restored by PSFR-GAN: cut out upright, told its regions, restored, put back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mfrec.face.landmarks import read_aligned
from mfrec.face.portrait_square import portrait_square
from mfrec.face.region_labels import label_regions
from mfrec.generative.answers import pasted
from mfrec.generative.measurements import oval
from mfrec.nets.psfrgan import REGIONS
from mfrec.nets.threads import one_thread
from mfrec.types import FloatArray, Landmarks


def restored(network: Any, picture: FloatArray, landmarks: Landmarks) -> tuple[FloatArray, FloatArray]:
    """The picture with its face restored.

    The paper's labels come from a network of its own; here they are those of the landmarks, which the network of this
    package has learnt with.

    Args:
        network: a :class:`mfrec.nets.psfrgan.Psfrgan` in eval mode.
        picture: ``[H, W, 3]`` RGB in [0, 1].
        landmarks: of the face.

    Returns:
        The picture ``[H, W, 3]``, and the restored face's share of each pixel ``[H, W]``.

    Raises:
        ValueError: the landmarks are no face.
    """
    side = network.side
    to_picture = portrait_square(landmarks.points, side)
    cut = np.clip(read_aligned(picture, to_picture, side), 0, 1)
    there = Landmarks(to_picture.inverse().apply(landmarks.points).astype(np.float32))
    labels = torch.from_numpy(label_regions((side, side), there).labels.astype(np.int64))
    regions = torch.nn.functional.one_hot(labels, REGIONS).permute(2, 0, 1)[None].float()
    device = next(network.parameters()).device
    with torch.inference_mode(), one_thread():
        image = torch.from_numpy(cut.transpose(2, 0, 1)[None].copy())
        made = network(image.to(device), regions.to(device))[0].permute(1, 2, 0).cpu().numpy()
    share = oval(len(picture), picture.shape[1], to_picture.inverse(), side)
    return pasted(picture, made, to_picture, share), share
