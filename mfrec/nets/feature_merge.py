"""The thesis's feature merge: one encoder reads every frame, and what the others show is merged into the reference.

The encoder and the decoder are those of :mod:`mfrec.nets.unet`, but the frames are read one by one with shared
weights. At each of the five levels the features of the other frames are pooled, by mean and by maximum, which any
number of them in any order allows (Zaheer et al., "Deep sets", NeurIPS 2017; Aittala and Durand, "Burst image
deblurring using permutation invariant convolutional neural networks", ECCV 2018), and a convolution of one pixel
merges them into the reference's features; the pooling is our choice. The decoder sees only the merged features and
the enlarged reference. The thesis freezes the encoder: it can be taken over from a single-frame
:class:`~mfrec.nets.unet.Unet`, whose encoder has the same shape, and frozen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mfrec.nets.enlarge import enlarge
from mfrec.nets.padding import crop, pad
from mfrec.nets.pixel_shuffle_decoder import PixelShuffleDecoder
from mfrec.nets.resnet_encoder import STRIDE, ResnetEncoder


class FeatureMerge(nn.Module):
    """Any number of frames in, one picture out; the order of the frames beside the reference does not matter.

    28,078,324 parameters at full size, 1,762,756 at a quarter of the width, for any number of frames.

    Args:
        width: share of the channels of every layer, 1 is full size.
        frozen_encoder: whether training leaves the encoder as it is, see :meth:`freeze_encoder`.
    """

    def __init__(self, *, width: float = 1.0, frozen_encoder: bool = False) -> None:
        super().__init__()
        self.encoder = ResnetEncoder(inputs=3, width=width)
        self.merge = nn.ModuleList(nn.Conv2d(3 * channels, channels, 1) for channels in self.encoder.channels)
        self.decoder = PixelShuffleDecoder(inputs=3, features=self.encoder.channels, width=width)
        self.frozen = False
        if frozen_encoder:
            self.freeze_encoder()

    def freeze_encoder(self) -> None:
        """From here on training changes neither the weights of the encoder nor the statistics of its batch norms."""
        self.frozen = True
        self.encoder.requires_grad_(False)
        self.encoder.eval()

    def train(self, mode: bool = True) -> FeatureMerge:
        """Training mode, but never for a frozen encoder: its batch norms would drift."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def forward(self, frames: Tensor) -> Tensor:
        """Make one picture.

        Args:
            frames: ``[B, N, 3, h, w]`` RGB in [0, 1]; the reference is the frame ``N // 2``. A single frame is its own
                other frame. Sides of 3 px and more.

        Returns:
            ``[B, 3, 4 h, 4 w]`` RGB, about [0, 1].

        Raises:
            ValueError: no stack of frames.
        """
        large = enlarge(frames)
        batch, count = large.shape[:2]
        reference = count // 2
        others = [i for i in range(count) if i != reference] or [reference]
        padded = pad(large.flatten(0, 1), STRIDE)
        merged = []
        for merge, features in zip(self.merge, self.encoder(padded), strict=True):
            each = features.unflatten(0, (batch, count))
            beside = each[:, others]
            merged.append(torch.relu(merge(torch.cat([each[:, reference], beside.mean(1), beside.amax(1)], 1))))
        made = self.decoder(padded.unflatten(0, (batch, count))[:, reference], merged)
        return crop(made, *large.shape[-2:])
