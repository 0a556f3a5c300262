"""A small face-recognition network with dropout: an embedding that can be differentiated and doubted.

A residual network (He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016) whose last two
layers are trained with dropout (Srivastava et al., JMLR 15, 2014). Its embedding is learnt from that of dlib
(:mod:`mfrec.train.distil`), so distances mean the same: two portraits of one person lie mostly below 0.6.

Two heads read the same features. The first gives the embedding that dlib's network has for *this* picture, damage and
all. The second guesses, each time with other numbers left out, in which direction from the mean person the first would
lie if the face were *unspoilt* (:mod:`mfrec.train.stochastic_head`): it adds to what the first says a correction that
it makes up anew each time. How large corrections are follows from how much detail the first levels hold, which the
first head has learnt to overlook: of a face that shows everything there is little to correct, and all guesses agree;
the less a picture shows, the more they differ.

Three things are made of them: an identity loss, which needs gradients; the quality score SER-FIQ, which needs the
dropout (:mod:`mfrec.metrics.serfiq`) and the second head; and a trunk for perceptual and style losses, whose levels
have the sizes of those of relu1 to relu5 in VGG. It serves to train and to measure and never identifies anybody.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 96
"""Pixels of the upright face that the network reads."""

EMBEDDING = 128

FINE_SIDE = 2 * SIDE
"""Pixels of the upright face that the second head reads: compression of a large picture shows only there."""

FINE = 3
"""Stages whose energies the second head reads of the face of :data:`SIDE` pixels, besides those of the stem. Of the
finer one it reads those of the picture itself, the stem and the first stage."""

LARGEST = 20.0
"""Largest size of a correction, in lengths of an embedding's direction: beyond a few it says nothing any more."""

ANCHORS = (*range(27, 55), *range(60, 65))
"""The landmarks that hold a face: nose, eyes and upper lip, as in dlib. Jaw, brows and lower lip move too much."""

TEMPLATE = (
    *((0.500, 0.309), (0.500, 0.379), (0.500, 0.448), (0.500, 0.518)),
    *((0.421, 0.565), (0.459, 0.579), (0.500, 0.592), (0.541, 0.579), (0.579, 0.565)),
    *((0.252, 0.322), (0.295, 0.297), (0.347, 0.298), (0.391, 0.331), (0.343, 0.339), (0.292, 0.339)),
    *((0.609, 0.331), (0.653, 0.298), (0.705, 0.297), (0.748, 0.322), (0.708, 0.339), (0.657, 0.339)),
    *((0.337, 0.693), (0.397, 0.669), (0.456, 0.658), (0.500, 0.667), (0.544, 0.658), (0.603, 0.669), (0.663, 0.693)),
    *((0.362, 0.697), (0.456, 0.692), (0.500, 0.696), (0.544, 0.692), (0.638, 0.697)),
)
"""Where the anchors lie in an upright face, ``(x, y)`` in shares of its side: the mean of 200 development faces in
the square that dlib cuts (padding 0.25), made symmetric. A fit to them finds dlib's square to 1 % of its side."""


class Recognition(nn.Module):
    """Upright face to embedding.

    Args:
        widths: channels of the four stages, at 1/2, 1/4, 1/8 and 1/16 of the picture.
        depths: residual blocks of each stage.
        channels: of the map that the head reads.
        hidden: units of the layer before the embedding, in each head.
        dropout: share of numbers left out before each of the last two layers.
    """

    def __init__(
        self,
        *,
        widths: tuple[int, ...] = (32, 64, 128, 128),
        depths: tuple[int, ...] = (1, 2, 2, 2),
        channels: int = 32,
        hidden: int = 192,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.stages = nn.ModuleList()
        before = widths[0]
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            first = ResidualBlock(before, width, stride=1 if i == 0 else 2)
            self.stages.append(nn.Sequential(first, *(ResidualBlock(width, width) for _ in range(depth - 1))))
            before = width
        self.squeeze = nn.Sequential(nn.Conv2d(before, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())
        cells = SIDE // 2 ** len(widths)
        self.hidden = nn.Linear(channels * cells * cells, hidden)
        self.embedding = nn.Linear(hidden, EMBEDDING)
        self.shown = channels * cells * cells
        energies = 4 * (widths[0] + sum(widths[:FINE]) + 3 + 2 * widths[0])
        self.energy_norm = nn.BatchNorm1d(energies, affine=False)
        self.mean_embedding: Tensor
        self.register_buffer("mean_embedding", torch.zeros(EMBEDDING))
        self.damage = nn.Linear(energies, 1)
        self.unspoilt_hidden = nn.Linear(self.shown + energies, hidden)
        self.unspoilt = nn.Linear(hidden, EMBEDDING)

    def forward(self, faces: Tensor) -> Tensor:
        """Embed faces; repeatable in eval mode, with dropout in training mode.

        Args:
            faces: ``[B, 3, 96, 96]`` RGB in [0, 1], as :func:`upright_faces` cuts them.

        Returns:
            ``[B, 128]``, to be compared by Euclidean distance.
        """
        rate = self.dropout if self.training else 0.0
        return self.head(self.features(faces), rate)

    def features(self, faces: Tensor) -> Tensor:
        """What the last two layers read, ``[B, K]``: the part of the work that dropout does not touch."""
        return self.features_of(self.levels(faces))

    def features_of(self, levels: list[Tensor]) -> Tensor:
        """:meth:`features`, from :meth:`levels`."""
        return self.squeeze(levels[-1]).flatten(1)

    def read(self, faces: Tensor) -> Tensor:
        """What the second head reads, ``[B, K + E]``: the features, and energies of fine levels.

        The energies are logarithms of the mean, the spread and the mean slopes down and across of every channel,
        brought to one size.

        Args:
            faces: ``[B, 3, 192, 192]``; the face of half that size is their mean of 2 x 2 pixels.
        """
        levels = self.levels(functional.avg_pool2d(faces, 2))
        stem = self.stem(centred(faces))
        energies = []
        for level in (*levels[: 1 + FINE], faces, stem, self.stages[0](stem)):
            x = level.float()
            down, across = (x[..., 1:, :] - x[..., :-1, :]).abs(), (x[..., 1:] - x[..., :-1]).abs()
            energies += [x.mean((2, 3)), x.std((2, 3)), down.mean((2, 3)), across.mean((2, 3))]
        logarithms = torch.log(torch.cat(energies, 1).clamp_min(1e-5))
        return torch.cat([self.features_of(levels).float(), self.energy_norm(logarithms)], 1)

    def levels(self, images: Tensor) -> list[Tensor]:
        """Feature maps of any pictures, from fine to coarse.

        Args:
            images: ``[B, 3, H, W]`` RGB in [0, 1], of any size from 16 px on.

        Returns:
            Five maps ``[B, C, H', W']`` after a rectifier, at 1/2 (twice), 1/4, 1/8 and 1/16 of the size.
        """
        out = [self.stem(centred(images))]
        for stage in self.stages:
            out.append(stage(out[-1]))
        return out

    def stochastic(self, faces: Tensor, passes: int, generator: torch.Generator | None = None) -> Tensor:
        """Guesses at the unspoilt face from several passes with dropout, whatever the mode is.

        The trunk, which has no dropout, is computed once.

        Args:
            faces: ``[B, 3, 192, 192]``, of :data:`FINE_SIDE`.
            passes: how many times to draw.
            generator: of the draws; None takes torch's own.

        Returns:
            ``[passes, B, 128]``, whose directions count.
        """
        read = self.read(faces)
        many = read.unsqueeze(0).expand(passes, *read.shape).flatten(0, 1)
        return self.guess(many, self.dropout, generator).unflatten(0, (passes, len(read)))

    def head(self, features: Tensor, rate: float) -> Tensor:
        """The first head: features ``[B, K]`` to the embedding of this picture ``[B, 128]``."""
        hidden = functional.relu(self.hidden(dropped(features, rate, None)))
        return self.embedding(dropped(hidden, rate, None))

    def guess(self, read: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
        """The second head: from :meth:`read` to a guess at the unspoilt face, ``[B, 128]``; its direction counts.

        The features are brought to one size (layer normalisation without parameters, Ba, Kiros and Hinton, 2016),
        because dropout multiplies: a head that could answer a bad picture with small numbers would shrink its own noise
        as much as its guess. What may shrink the noise is the size of the correction alone, and it follows from the
        detail that is there.
        """
        features, energies = read[:, : self.shown], read[:, self.shown :]
        said = functional.normalize(self.head(features, 0.0) - self.mean_embedding, dim=1)
        size = torch.exp(self.damage(energies)).clamp(max=LARGEST)
        levelled = torch.cat([functional.layer_norm(features, features.shape[1:]), energies], 1)
        hidden = functional.relu(self.unspoilt_hidden(dropped(levelled, rate, generator)))
        hidden = functional.layer_norm(hidden, hidden.shape[1:])
        return said + size * self.unspoilt(dropped(hidden, rate, generator))


def centred(images: Tensor) -> Tensor:
    """Pictures in [0, 1] as the stem takes them, about -2 to 2."""
    return (images - 0.5) * 4.0


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, added to their input, which a 1 x 1 convolution of its 2 x 2 means fits where needed."""

    def __init__(self, before: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.skip = nn.Sequential()
        if stride > 1:
            self.skip.append(nn.AvgPool2d(stride, ceil_mode=True))
        if before != width or stride > 1:
            self.skip.append(nn.Conv2d(before, width, 1, bias=False))
            self.skip.append(nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.skip(x))


def dropped(x: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Inverted dropout that can be seeded, which torch's own cannot."""
    if rate == 0.0:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= rate
    return x * kept / (1.0 - rate)


def upright_faces(images: Tensor, points: Tensor, side: int = SIDE, finer: int = 2) -> tuple[Tensor, Tensor]:
    """Cut the upright faces out of pictures; gradients flow back into the pictures.

    A least-squares similarity takes :data:`TEMPLATE` to the landmarks that are known. Beyond the picture its border is
    repeated.

    Args:
        images: ``[B, 3, H, W]``.
        points: ``[B, 68, 2]`` landmarks ``(x, y)`` in pixels of the pictures, centres at integers; NaN where unknown.
        side: pixels of the faces.
        finer: each pixel is the mean of ``finer ** 2`` bilinear readings. The default is good for pictures in which
            the face has up to three times as many pixels as the cut; shrink larger ones first.

    Returns:
        Faces ``[B, 3, side, side]``, and ``seen`` ``[B]``: the share of each that lies inside its picture, 0 (and a
        picture of no meaning) where fewer than two anchors are known.
    """
    height, width = images.shape[-2:]
    # Bfloat16 has 8 bits, too few for a coordinate.
    with torch.autocast(images.device.type, enabled=False):
        anchors = points[:, ANCHORS, :].detach().float()
        grid, known = _reading_places(anchors, side * finer)
        inside = ((grid > -0.5) & (grid < grid.new_tensor([width, height]) - 0.5)).all(dim=-1)
        seen = inside.float().mean(dim=(1, 2)) * known
        scaled = (2 * grid + 1) / grid.new_tensor([width, height]) - 1
        read = functional.grid_sample(images.float(), scaled, padding_mode="border", align_corners=False)
        return functional.avg_pool2d(read, finer), seen


def _reading_places(anchors: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Where upright faces are read, ``[B, side, side, 2]`` in pixels, and whether that is known, ``[B]``.

    With points as complex numbers a similarity is ``a z + b``, and its least-squares fit is a regression.
    """
    known = torch.isfinite(anchors).all(dim=-1)
    weight = known.float()
    weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1)
    target = torch.view_as_complex(torch.where(known[..., None], anchors, 0.0).contiguous())
    source = torch.view_as_complex(anchors.new_tensor(TEMPLATE)).expand_as(target)
    source_mean = (weight * source).sum(dim=1, keepdim=True)
    target_mean = (weight * target).sum(dim=1, keepdim=True)
    spread = (weight * (source - source_mean).abs() ** 2).sum(dim=1, keepdim=True)
    turn = (weight * (source - source_mean).conj() * (target - target_mean)).sum(dim=1, keepdim=True)
    turn = turn / spread.clamp(min=1e-8)
    shares = (torch.arange(side, device=anchors.device, dtype=torch.float32) + 0.5) / side
    y, x = torch.meshgrid(shares, shares, indexing="ij")
    places = turn[..., None] * (torch.complex(x, y) - source_mean[..., None]) + target_mean[..., None]
    return torch.view_as_real(places), known.sum(dim=1) >= 2
