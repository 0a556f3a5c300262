"""Where an eye looks: a ResNet-18 that ends in three fully connected layers.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016), table 1, column "18-layer", at a
share of its channels. The thesis on gaze puts three fully connected layers behind it and minimises the Euclidean
distance of the angles, as Zhang, Sugano, Fritz and Bulling do, "Appearance-based gaze estimation in the wild" (CVPR
2015, section 4.3). Here they read the last map place by place unless asked for its mean, as the thesis has it, because
where the iris lies is the answer. The thesis's batch normalisation (Ioffe and Szegedy, ICML 2015) and dropout after
the fully connected layers, and its noise on the picture, are there for whoever asks for them.

The shipped weights learnt from drawn eyes alone: ``gaze`` from eyes of anybody seen by any camera
(:mod:`mfrec.train.data.synthetic_eyes`), ``gaze_users`` from sharp ones (:mod:`mfrec.train.data.eye_users`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.face.eyes import HEIGHT, WIDTH
from mfrec.nets.resnet_encoder import STRIDE, residual_stage
from mfrec.nets.width import scaled


class GazeOutput(NamedTuple):
    """``gaze`` ``[B, 2]``: yaw and pitch in radians, to the right of the picture and up."""

    gaze: Tensor


class Gaze(nn.Module):
    """Eye to gaze.

    Args:
        width: share of the channels of ResNet-18.
        hidden: units of the first two of the fully connected layers.
        pool: what these read: ``"places"`` is the whole last map, ``"average"`` its mean.
        normalised: normalise the batch after each of the two.
        dropout: share of their units that a training leaves out.
        noise: sigma of what a training adds to the picture, in its own standard deviations.

    Raises:
        ValueError: another pool.
    """

    def __init__(
        self,
        *,
        width: float = 0.25,
        hidden: tuple[int, int] = (128, 64),
        pool: Literal["places", "average"] = "places",
        normalised: bool = False,
        dropout: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        if pool not in ("places", "average"):
            raise ValueError(f"the pool is '{pool}'; expected 'places' or 'average'")
        self.pool, self.dropout, self.noise = pool, dropout, noise
        stages = [scaled(full, width) for full in (64, 128, 256, 512)]
        self.conv1 = nn.Conv2d(3, stages[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stages[0])
        before = [stages[0], *stages[:-1]]
        self.stages = nn.Sequential(
            *(
                residual_stage(b, c, blocks=2, stride=1 if i == 0 else 2)
                for i, (b, c) in enumerate(zip(before, stages, strict=True))
            )
        )
        cells = -(-HEIGHT // STRIDE) * -(-WIDTH // STRIDE) if pool == "places" else 1
        self.fc1 = nn.Linear(stages[-1] * cells, hidden[0])
        self.fc2 = nn.Linear(hidden[0], hidden[1])
        self.fc3 = nn.Linear(hidden[1], 2)
        self.after1, self.after2 = (nn.BatchNorm1d(units) if normalised else nn.Identity() for units in hidden)

    def forward(self, eyes: Tensor) -> GazeOutput:
        """Estimate gaze. Neither the brightness nor the contrast of a whole picture changes it.

        Args:
            eyes: ``[B, 3, 48, 80]`` RGB in [0, 1], as :func:`mfrec.face.eyes.cut_eye` cuts the eye on the left of a
                face; mirror the other, and the sign of its yaw.
        """
        mean = eyes.mean(dim=(1, 2, 3), keepdim=True)
        spread = (eyes - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        seen = (eyes - mean) / (spread + 0.01)
        if self.training and self.noise:
            seen = seen + self.noise * torch.randn_like(seen)
        out = functional.relu(self.bn1(self.conv1(seen)))
        out = self.stages(functional.max_pool2d(out, 3, stride=2, padding=1))
        out = out.mean(dim=(2, 3)) if self.pool == "average" else out.flatten(1)
        for layer, after in ((self.fc1, self.after1), (self.fc2, self.after2)):
            out = functional.dropout(functional.relu(after(layer(out))), self.dropout, self.training)
        return GazeOutput(self.fc3(out).float())
