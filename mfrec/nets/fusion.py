"""Ours: any number of registered frames to one picture, with the share of each frame in each pixel.

Every frame is encoded by the same network together with the reference; a first vote gives a common opinion, each frame
is compared with it, and a second vote, interpolated between the frame's pixels, gives the weights. They are a softmax
over the frames at every output pixel, so they sum to one, do not depend on the order of the frames, and exist for any
number of them (deep sets, Zaheer et al., NeurIPS 2017; attention pooling, Ilse et al., ICML 2018, eq. 8; voting over
frames registered beforehand, as the temporal attention of EDVR, Wang et al., CVPRW 2019, eq. 6). The picture is the
weighted mean of the cleaned frames plus a correction made from features that are pooled with the *same* weights: a
frame of weight zero gives nothing to a pixel, neither directly nor through a feature, so the weights are the
provenance. The variance of the result is predicted beside it (Kendall and Gal, NeurIPS 2017, eq. 8).

It works at the resolution of the reference frame: the canvas is folded into channels at the entrance
(pixel-unshuffle) and unfolded at the exit (Shi et al., CVPR 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mfrec.camera.conditions import CONDITIONS
from mfrec.fusion.planes import PLANES
from mfrec.nets.clean import SCALE, ResidualBlock
from mfrec.nets.layout import pointwise
from mfrec.nets.threads import one_thread
from mfrec.runtime.threads import side_by_side


class Made(NamedTuple):
    """What the network makes of a stack of frames.

    Attributes:
        image: ``[B, 3, H, W]`` RGB, about [0, 1].
        weight: ``[B, N, H, W]`` share of each frame, sums to 1 over ``N``.
        correction: ``[B, 3, H, W]`` what was added to the weighted mean of the cleaned frames.
        log_variance: ``[B, 1, H, W]`` logarithm of the expected squared error of a colour value.
    """

    image: Tensor
    weight: Tensor
    correction: Tensor
    log_variance: Tensor


class Frames(Protocol):
    """Frames on the canvas whose planes are made strip by strip, each time that they are asked for.

    The planes of all frames would be the largest array of a run; see :class:`mfrec.fusion.planes.LaidFrames`.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """``N, H, W``: frames, and rows and columns of the canvas, multiples of 4."""
        ...

    def planes(self, frame: int, top: int, bottom: int) -> NDArray[np.float32]:
        """Rows from ``top`` to ``bottom`` of one frame, ``[8, bottom - top, W]``, see :data:`PLANES`."""
        ...

    def cleaned(self, frame: int, top: int, bottom: int) -> NDArray[np.float32]:
        """Of the same rows the planes that the picture is made of, ``[4, bottom - top, W]``: cleaned RGB and trust."""
        ...


class Fusion(nn.Module):
    """Registered frames in, one picture out.

    Args:
        channels: of a frame's features at the reference's resolution.
        depth: residual blocks of the encoder, before and after the first vote each.
        decoder: residual blocks on the fused features at the reference's resolution.
        deep: channels at half, a quarter and an eighth of it, two residual blocks each, on the way of the fused
            features.
    """

    scale: ClassVar[int] = SCALE
    """Output pixels along each side of a frame pixel."""

    def __init__(
        self, channels: int = 48, depth: int = 2, decoder: int = 4, deep: tuple[int, int, int] = (80, 112, 128)
    ) -> None:
        super().__init__()
        folded = SCALE**2
        self.enter = nn.Conv2d(PLANES * folded, channels, 3, padding=1)
        self.told = nn.Linear(CONDITIONS + 1, channels)
        self.beside = nn.Conv2d(2 * channels, channels, 1)
        self.encode = nn.Sequential(*[ResidualBlock(channels) for _ in range(depth)])
        self.first_vote = nn.Conv2d(channels, 1, 3, padding=1)
        self.compare = nn.Conv2d(3 * channels, channels, 3, padding=1)
        self.judge = nn.Sequential(*[ResidualBlock(channels) for _ in range(depth)])
        self.second_vote = nn.Conv2d(channels, 1, 3, padding=1)
        self.mix = nn.Conv2d(channels + 4 * folded, channels, 3, padding=1)
        levels = (channels, *deep)
        pairs = list(pairwise(levels))
        self.before = nn.Sequential(ResidualBlock(channels), ResidualBlock(channels))
        self.down = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2) for a, b in pairs])
        self.middle = nn.ModuleList([nn.Sequential(ResidualBlock(b), ResidualBlock(b)) for _, b in pairs])
        self.up = nn.ModuleList([nn.Conv2d(b, 4 * a, 1) for a, b in pairs])
        self.rise = nn.ModuleList(
            [
                nn.Sequential(*[ResidualBlock(a) for _ in range(decoder if i == 0 else 1)])
                for i, (a, _) in enumerate(pairs)
            ]
        )
        self.leave = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 4 * folded, 3, padding=1),
            nn.PixelShuffle(SCALE),
        )

    def forward(self, stack: Tensor, told: Tensor, reference: Tensor) -> Made:
        """Fuse frames.

        Args:
            stack: ``[B, N, 8, H, W]``, see :data:`PLANES`; ``H`` and ``W`` are multiples of 4. Trust is 0 where a frame
                does not see a pixel, and all over for a frame that is missing.
            told: ``[B, N, 8]`` what is known of each frame's codec, see :func:`mfrec.camera.conditions.conditions`.
            reference: ``[B]`` position of the reference in the stack.
        """
        batch, count = stack.shape[:2]
        cleaned, trust = stack[:, :, :3], stack[:, :, 7]
        x = _frame_by_frame(
            lambda frame, said: self.enter(_folded(frame)) + said[..., None, None],
            stack.flatten(0, 1),
            self._known(told, reference),
        )
        x = self._judged(x, functional.avg_pool2d(trust, SCALE), reference)
        # Absolute trust is the prior of the vote: a frame that is not trusted at all has no weight whatever is voted.
        weight = shares(self._votes(x).unflatten(0, (batch, count)), trust)
        mean, spread = _mean_and_spread(weight, cleaned).split([3, 1], 1)
        fused = self._pool(x, functional.avg_pool2d(weight, SCALE))
        return self._drawn(fused, weight, mean, spread)

    @torch.inference_mode()
    def of_frames(
        self,
        frames: Frames,
        told: Tensor,
        reference: int,
        progress: Callable[[int], None] = lambda _entered: None,
    ) -> Made:
        """What :meth:`forward` makes of one scene, up to rounding, without the planes of all frames side by side.

        Args:
            frames: of which every row is asked for twice, and those at the border of a strip once more.
            told: ``[N, 8]``, as of :meth:`forward`.
            reference: position of the reference.
            progress: told how many frames have been read.
        """
        chief = torch.tensor([reference], device=told.device)
        x, seen = self._read(frames, self._known(told[None], chief), progress)
        x = self._judged(x, seen, chief)
        weight, mean, spread = self._weighed(frames, self._votes(x)[None])
        fused = self._pool(x, functional.avg_pool2d(weight, SCALE))
        del x  # the largest array, which is spent
        return self._drawn(fused, weight, mean, spread)

    def _read(self, frames: Frames, known: Tensor, progress: Callable[[int], None]) -> tuple[Tensor, Tensor]:
        """What the first layer makes of each frame, ``[N, C, h, w]``, and its trust there, ``[1, N, h, w]``.

        Args:
            known: ``[N, C]`` see :meth:`_known`.
        """
        count, height, width = frames.shape
        h, w = height // SCALE, width // SCALE
        size, device = (count, known.shape[1], h, w), known.device
        x = torch.empty(size, dtype=known.dtype, device=device, memory_format=torch.channels_last)
        seen = torch.empty((1, count, h, w), device=device)
        rows = max(1, ENTERED // w)

        def read(k: int) -> None:
            with torch.inference_mode(), one_thread():  # both hold for one thread
                for top in range(0, h, rows):
                    bottom = min(top + rows, h)
                    first, last = max(top - 1, 0), min(bottom + 1, h)  # the convolution reaches one row beyond
                    strip = torch.from_numpy(frames.planes(k, SCALE * first, SCALE * last)[None]).to(device)
                    own = slice(top - first, bottom - first)
                    x[k, :, top:bottom] = self.enter(_folded(strip))[0, :, own] + known[k, :, None, None]
                    seen[0, k, top:bottom] = functional.avg_pool2d(strip[:, 7], SCALE)[0, own]

        for done, _ in enumerate(side_by_side(read, range(count))):
            progress(done + 1)
        return x, seen

    def _weighed(self, frames: Frames, votes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The weights of frames ``[1, N, H, W]``, and their weighted mean ``[1, 3, H, W]`` with their spread around it
        ``[1, 1, H, W]``.

        Args:
            votes: ``[1, N, H, W]``; the weights take their place.
        """
        count, height, width = frames.shape
        mean, spread = (torch.empty((1, planes, height, width), device=votes.device) for planes in (3, 1))
        rows = _rows_of_strip(count * width)

        def weigh(top: int) -> None:
            with torch.inference_mode(), one_thread():
                own = slice(top, min(top + rows, height))
                laid = np.stack([frames.cleaned(k, own.start, own.stop) for k in range(count)])
                cleaned, trust = torch.from_numpy(laid[None]).to(votes.device).split([3, 1], 2)
                weight = shares(votes[:, :, own], trust[:, :, 0])
                both = _mean_and_spread(weight, cleaned)
                votes[:, :, own], mean[:, :, own], spread[:, :, own] = weight, *both.split([3, 1], 1)

        for _ in side_by_side(weigh, range(0, height, rows)):
            pass
        return votes, mean, spread

    def _known(self, told: Tensor, reference: Tensor) -> Tensor:
        """What a frame's codec, and whether it is the reference, add to its features: ``[B N, C]``."""
        chief = functional.one_hot(reference, told.shape[1]).to(told.dtype)
        return self.told(torch.cat([told, chief[..., None]], -1).flatten(0, 1))

    def _judged(self, x: Tensor, seen: Tensor, reference: Tensor) -> Tensor:
        """Features ``[B N, C, h, w]`` after each frame was compared with the reference and with the common opinion.

        Args:
            x: as the first layer gives them; spent afterwards.
            seen: ``[B, N, h, w]`` trust at the reference's resolution.
            reference: ``[B]``.
        """
        batch, count = seen.shape[:2]
        x = _beside(self.beside, x, _of_reference(x, reference, count), count)
        x = _frame_by_frame(self.encode, x)
        vote = self.first_vote(x).float().unflatten(0, (batch, count))[:, :, 0]
        opinion = self._pool(x, shares(vote, seen))
        x = _beside(self.compare, x, torch.cat([opinion, _of_reference(x, reference, count)], 1), count)
        return _frame_by_frame(self.judge, x)

    def _votes(self, x: Tensor) -> Tensor:
        """The second vote of each frame, ``[B N, H, W]``."""
        # One vote for each pixel of a frame: with one for each of the canvas, frames that disagree made a grid of dots.
        votes = self.second_vote(x).float()
        return functional.interpolate(votes, scale_factor=SCALE, mode="bilinear", align_corners=False)[:, 0]

    def _drawn(self, fused: Tensor, weight: Tensor, mean: Tensor, spread: Tensor) -> Made:
        """The picture of fused features ``[B, C, h, w]``, and of how the frames' colours meet at every pixel."""
        detail = functional.pixel_unshuffle(torch.cat([mean - 0.5, 10 * (spread + 1e-6).sqrt()], 1), SCALE)
        y = self.before(self.mix(torch.cat([fused, detail.to(fused.dtype)], 1)))
        out = self.leave(self._context(y)).float()
        correction = 0.1 * out[:, :3]
        return Made(mean + correction, weight, correction, out[:, 3:].clamp(-6, 6) - 5.0)

    def _context(self, y: Tensor) -> Tensor:
        """The U-Net on the fused features: what surrounds a place, up to the whole face."""
        height, width = y.shape[-2:]
        y = functional.pad(y, (0, -width % 8, 0, -height % 8), mode="replicate")
        skips = [y]
        for down, middle in zip(self.down, self.middle, strict=True):
            skips.append(middle(down(skips[-1])))
        y = skips.pop()
        for up, rise in zip(reversed(list(self.up)), reversed(list(self.rise)), strict=True):
            assert isinstance(up, nn.Conv2d)
            y = rise(skips.pop() + functional.pixel_shuffle(pointwise(y, up.weight, up.bias), 2))
        return y[..., :height, :width]

    def _pool(self, x: Tensor, share: Tensor) -> Tensor:
        """Mean of the frames' features, weighted by ``share [B, N, h, w]``: ``[B, C, h, w]``."""
        frames = x.unflatten(0, share.shape[:2])
        return _by_strips(lambda own, part: (own * part[:, :, None].to(own.dtype)).sum(1), frames, share)


def _frame_by_frame(work: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """``work`` on tensors ``[K, ...]``: frame by frame in inference mode, two at a time, for a third of the memory.

    There what is made goes into the first tensor where it has that size: those are features, which nobody needs any
    more.
    """
    if not torch.is_inference_mode_enabled():
        return work(*tensors)

    def alone(parts: tuple[Tensor, ...]) -> Tensor:
        with torch.inference_mode(), one_thread():  # both hold for one thread
            return work(*parts)

    out = None
    for k, made in enumerate(side_by_side(alone, zip(*(tensor.split(1) for tensor in tensors), strict=True))):
        if out is None:
            last = made.is_contiguous(memory_format=torch.channels_last)
            layout = torch.channels_last if last else torch.contiguous_format
            size = (len(tensors[0]), *made.shape[1:])
            if size == tensors[0].shape and tensors[0].is_contiguous(memory_format=layout):
                out = tensors[0]
            else:
                out = torch.empty(size, dtype=made.dtype, device=made.device, memory_format=layout)
        out[k] = made[0]
    assert out is not None
    return out


ENTERED = 1 << 14
"""Pixels of the reference in a strip that the first layer reads at a time: its 128 channels take 8 MB."""

STRIP = 1 << 17
"""Values in a strip that is worked on pixel by pixel in inference mode: what is made on the way is as small."""


def _rows_of_strip(values: int) -> int:
    """How many rows of so many values each a strip has."""
    # Of a tensor that does not fill whole vectors PyTorch sums the rest in another order.
    return 16 * max(1, STRIP // (16 * values))


def _by_strips(work: Callable[[Tensor, Tensor], Tensor], one: Tensor, other: Tensor) -> Tensor:
    """``work`` on tensors ``[B, N, ..., H, W]`` that treats every pixel by itself: on a strip of rows at a time in
    inference mode."""
    if not torch.is_inference_mode_enabled():
        return work(one, other)
    rows = _rows_of_strip(one[0, 0, ..., 0, :].numel())
    return torch.cat([work(*parts) for parts in zip(one.split(rows, -2), other.split(rows, -2), strict=True)], -2)


def _folded(frames: Tensor) -> Tensor:
    """Planes ``[K, 8, H, W]`` about zero, folded to the resolution of the reference: ``[K, 8 * 16, h, w]``."""
    planes = torch.cat([frames[:, :6] - 0.5, 0.5 * (frames[:, 6:7] + 6.0), frames[:, 7:]], 1)
    if torch.is_inference_mode_enabled():
        # The same in one step: pixel_unshuffle makes a copy of its own before the channels come last.
        cells = planes.unflatten(-1, (-1, SCALE)).unflatten(2, (-1, SCALE))  # [K, 8, h, 4, w, 4]
        return cells.permute(0, 2, 4, 1, 3, 5).flatten(3).permute(0, 3, 1, 2)
    return functional.pixel_unshuffle(planes, SCALE).contiguous(memory_format=torch.channels_last)


def _mean_and_spread(weight: Tensor, cleaned: Tensor) -> Tensor:
    """Weighted mean of pictures ``[B, N, 3, H, W]`` and how they spread around it: ``[B, 3 + 1, H, W]``."""
    mean = (weight[:, :, None] * cleaned).sum(1)
    spread = (weight * ((cleaned - mean[:, None]) ** 2).mean(2)).sum(1, keepdim=True)
    return torch.cat([mean, spread], 1)


def shares(vote: Tensor, trust: Tensor) -> Tensor:
    """Softmax over the frames with the trust as prior: ``trust * exp(vote)``, normalised, ``[B, N, H, W]``.

    0 where no frame sees the pixel.
    """
    # The largest vote that counts is taken off all, so that nothing overflows and somebody is always heard.
    largest = vote.masked_fill(trust <= 0, -torch.inf).amax(1, keepdim=True).detach()
    mass = trust * torch.exp((vote - largest).clamp(max=0))
    return mass / mass.sum(1, keepdim=True).clamp_min(1e-12)


def _beside(layer: nn.Conv2d, x: Tensor, common: Tensor, count: int) -> Tensor:
    """Frames' features ``[B N, C, h, w]`` and what a layer makes of them beside what all ``N`` of a scene share.

    The layer is linear, so what is shared, ``[B, D, h, w]``, goes through it once and not with every frame.
    """
    own, padding = layer.in_channels - common.shape[1], layer.kernel_size[0] // 2

    def through(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return (
            functional.conv2d(features, weight, bias, padding=padding) if padding else pointwise(features, weight, bias)
        )

    shared = _each(through(common, layer.weight[:, own:], layer.bias), count)
    weight = layer.weight[:, :own].contiguous(memory_format=torch.channels_last)
    return _frame_by_frame(lambda one, also: one + (through(one, weight, None) + also), x, shared)


def _of_reference(x: Tensor, reference: Tensor, count: int) -> Tensor:
    """The reference's features of ``[B N, C, h, w]``, ``[B, C, h, w]``."""
    frames = x.unflatten(0, (reference.shape[0], count))
    if torch.is_inference_mode_enabled():
        return torch.cat([one[k][None] for one, k in zip(frames, reference, strict=True)])
    # Not by indexing: the export to ONNX would tie it to the numbers of scenes and frames that it was made with.
    chief = functional.one_hot(reference, count).to(x.dtype)
    return (frames * chief[:, :, None, None, None]).sum(1)


def _each(x: Tensor, count: int) -> Tensor:
    """``[B, C, h, w]`` to ``[B N, C, h, w]``, the same for every frame."""
    return x[:, None].expand(-1, count, -1, -1, -1).flatten(0, 1)
