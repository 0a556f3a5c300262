"""The thesis's feature merge: one encoder for the middle frame, a frozen one for the others, merged at their end.

The parts are those of :mod:`mfrec.nets.dynamic_unet`. The middle frame goes through an encoder that is trained, the
others through a copy of the encoder of a single-frame network that was trained before
(:class:`~mfrec.nets.multi_frame_unet.MultiFrameUnet` with one frame) and does not change any more. What the frozen one
gives at its deepest level goes through two convolutions with batch norm and is merged there with what the middle frame
gave; bottleneck and decoder see the sum, and the skip connections the middle frame alone. The thesis does not say how
six frames become one: here by their mean, so that any number of them does, in any order.
"""

from __future__ import annotations

from torch import Tensor, nn

from mfrec.nets.dynamic_unet import DynamicDecoder, denormalised, double_convolution, normalised
from mfrec.nets.enlarge import enlarge
from mfrec.nets.multi_frame_unet import MultiFrameUnet
from mfrec.nets.padding import crop, pad
from mfrec.nets.resnet_encoder import STRIDE, ResnetEncoder


class FeatureMerge(nn.Module):
    """Any number of frames in, one picture out; the order of the frames beside the reference does not matter.

    67,227,604 parameters at full size, 4,216,252 at a quarter of the width, for any number of frames; 21,284,672 and
    1,335,248 of them are frozen.

    Args:
        width: share of the channels of every layer, 1 is full size.
    """

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        self.encoder = ResnetEncoder(inputs=3, width=width)
        self.frozen = ResnetEncoder(inputs=3, width=width)
        deepest = self.encoder.channels[-1]
        self.merge = double_convolution(deepest, deepest)
        self.decoder = DynamicDecoder(inputs=3, features=self.encoder.channels)
        self.train()

    def take_over(self, single: MultiFrameUnet) -> None:
        """Begin with what a single-frame network has learnt: encoder, frozen encoder and decoder.

        Raises:
            RuntimeError: it is of another width.
        """
        self.encoder.load_state_dict(single.unet.encoder.state_dict())
        self.frozen.load_state_dict(single.unet.encoder.state_dict())
        self.decoder.load_state_dict(single.unet.decoder.state_dict())

    def train(self, mode: bool = True) -> FeatureMerge:
        """Training mode, but never for the frozen encoder: neither its weights nor the statistics of its norms move."""
        super().train(mode)
        self.frozen.eval().requires_grad_(False)
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
        padded = normalised(pad(large.flatten(0, 1), STRIDE)).unflatten(0, (batch, count))
        deep = self.frozen(padded[:, others].flatten(0, 1))[-1].unflatten(0, (batch, len(others)))
        *features, deepest = self.encoder(padded[:, reference])
        merged = deepest + self.merge(deep.flatten(0, 1)).unflatten(0, (batch, len(others))).mean(1)
        made = self.decoder(padded[:, reference], [*features, merged])
        return crop(denormalised(made), *large.shape[-2:])
