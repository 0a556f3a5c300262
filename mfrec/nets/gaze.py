"""Where an eye looks: a ResNet-18 that ends in three fully connected layers.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016), table 1, column "18-layer", at a
share of its channels. The thesis on gaze puts three fully connected layers behind it and minimises the Euclidean
distance of the angles, as Zhang, Sugano, Fritz and Bulling do, "Appearance-based gaze estimation in the wild" (CVPR
2015, section 4.3). Here they read the last map place by place instead of its mean, because where the iris lies is the
answer.

The shipped weights learnt from drawn eyes alone (:mod:`mfrec.train.data.synthetic_eyes`).
"""

from __future__ import annotations

from typing import NamedTuple

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
    """

    def __init__(self, *, width: float = 0.25, hidden: tuple[int, int] = (128, 64)) -> None:
        super().__init__()
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
        cells = -(-HEIGHT // STRIDE) * -(-WIDTH // STRIDE)
        self.fc1 = nn.Linear(stages[-1] * cells, hidden[0])
        self.fc2 = nn.Linear(hidden[0], hidden[1])
        self.fc3 = nn.Linear(hidden[1], 2)

    def forward(self, eyes: Tensor) -> GazeOutput:
        """Estimate gaze. Neither the brightness nor the contrast of a whole picture changes it.

        Args:
            eyes: ``[B, 3, 48, 80]`` RGB in [0, 1], as :func:`mfrec.face.eyes.cut_eye` cuts the eye on the left of a
                face; mirror the other, and the sign of its yaw.
        """
        mean = eyes.mean(dim=(1, 2, 3), keepdim=True)
        spread = (eyes - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        out = functional.relu(self.bn1(self.conv1((eyes - mean) / (spread + 0.01))))
        out = self.stages(functional.max_pool2d(out, 3, stride=2, padding=1)).flatten(1)
        out = functional.relu(self.fc2(functional.relu(self.fc1(out))))
        return GazeOutput(self.fc3(out).float())
