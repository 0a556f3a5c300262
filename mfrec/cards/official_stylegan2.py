"""The generator of a StyleGAN2-ADA pickle of NVlabs as a card of ours: ``mfrec weights add``.

Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, "Training generative adversarial networks with limited data",
NeurIPS 2020, whose program stores the moving average of its generator as ``G_ema``. Its arithmetic is that of
:mod:`mfrec.nets.stylegan2`; what differs is how the weights are kept. It scales no convolution by its number of inputs,
because demodulation takes that back, and it does not turn the kernel of a transposed convolution. The pickle is read by
:mod:`mfrec.cards.array_pickle`, which runs nothing of it.

Its faces lie as in FFHQ, which the card says. Two things of that program are left out, both for training in half
precision: it cuts features off at 256 times their gain, and it computes the finest layers in half precision.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit
from numpy.typing import NDArray
from safetensors.numpy import save

from mfrec.cards.array_pickle import Persisted, module_arrays, read_arrays
from mfrec.cards.load import LARGEST, Card, check_size, with_weights
from mfrec.documents import DocumentError, read_bytes
from mfrec.errors import UsageError, WeightsError
from mfrec.publication.files import replace_files

TAPS = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
"""The only filter of a change of resolution that our network has."""

LARGEST_SIDE = 4096

EXPECTED = "expected the pickle of an unconditional StyleGAN2-ADA generator from NVlabs' PyTorch program"


@dataclass(frozen=True)
class Added:
    """What was written.

    Attributes:
        card: its file; the weights lie beside it.
        side: pixels of the pictures that it draws.
        parameters: how many numbers it has.
    """

    card: Path
    side: int
    parameters: int


def add_stylegan2(path: Path, licence: str, out: Path) -> Added:
    """Write card and weights of an official generator.

    Args:
        path: the pickle.
        licence: of the weights, in the user's words; the file does not say it.
        out: path of the new card, ``NAME.toml``.

    Raises:
        UsageError: the file cannot be opened, no licence is given, or files that mfrec did not write are in the way.
        WeightsError: the file is no such pickle, asks for more than tensors, or its tensors do not fit each other.
    """
    folder, name = out.parent, out.name.removesuffix(".toml")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UsageError(f"'{out.name}' is no name for a card; give letters, digits, '_', '-' and '.': ffhq.toml")
    if not licence.strip():
        raise UsageError("the licence of the weights is empty; say what whoever trained them allows, with --licence")
    try:
        data = read_bytes(path, LARGEST)
    except DocumentError as error:
        raise UsageError(f"'{path}' cannot be opened ({error}); give the path of the pickle") from None
    arrays = generator_arrays(read_arrays(data, path.name), path.name)
    arguments, state = converted(arrays, path.name)
    payload = save(state)
    count = sum(value.size for key, value in state.items() if not key.startswith(("noise_", "centre")))
    card = Card(
        name=name,
        net="stylegan2",
        file=f"{name}.safetensors",
        summary=f"Draws pictures of {arguments['side']} px from nothing, such as people who do not exist.",
        paper="StyleGAN2-ADA (Karras et al., NeurIPS 2020)",
        licence=licence.strip(),
        input=f"float32 latent vectors from a normal distribution, [B, {arguments['latent']}]",
        objective="adversarial",
        sha256=hashlib.sha256(payload).hexdigest(),
        origin=f"the user's file {path.name}, SHA-256 {hashlib.sha256(data).hexdigest()}",
        training="not said in the file",
        parameters=f"{count:,}",
        arguments=arguments,
    )
    check_fit(card, state, path.name)
    text = tomlkit.dumps({key: value for key, value in asdict(card).items() if value and key != "name"})
    replace_files(folder, {f"{name}.safetensors": payload, f"{name}.toml": text.encode("utf-8")})
    return Added(folder / f"{name}.toml", int(arguments["side"]), count)


def check_fit(card: Card, state: dict[str, NDArray], name: str) -> None:
    """Refuse tensors that are not exactly those of our network of that size.

    Raises:
        WeightsError: one is missing, of another shape, or holds what is no number.
    """
    for key, value in state.items():
        if not np.isfinite(value).all():
            raise WeightsError(f"'{name}': the tensor '{key}' holds values that are no numbers; the file is damaged")
    check_size(card, state)
    try:
        with_weights(card, state)
    except WeightsError as error:
        raise WeightsError(f"the tensors of '{name}' do not fit each other ({error}); {EXPECTED}") from None


def generator_arrays(found: Any, name: str) -> dict[str, NDArray]:
    """The tensors of ``G_ema`` by their official names.

    Raises:
        WeightsError: there is none, or it is no StyleGAN2.
    """
    if isinstance(found, dict):
        keys = ", ".join(sorted(str(key)[:20] for key in found)[:8]) or "nothing"
        if not isinstance(found.get("G_ema"), Persisted):
            raise WeightsError(f"'{name}' holds {keys} and no generator 'G_ema'; {EXPECTED}")
        found = found["G_ema"]
    if not isinstance(found, Persisted):
        raise WeightsError(f"'{name}' holds no network; {EXPECTED}")
    arrays = module_arrays(found)
    if "synthesis.b4.const" not in arrays:
        raise WeightsError(
            f"'{name}' holds a '{found.name[:40]}' that is no StyleGAN2 (StyleGAN3 is another); {EXPECTED}"
        )
    return arrays


@np.errstate(over="ignore", invalid="ignore")  # check_fit refuses what comes of it
def converted(arrays: dict[str, NDArray], name: str) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Arguments of our network, and its tensors in single precision.

    Args:
        arrays: of :func:`generator_arrays`.
        name: of the file, for messages.

    Raises:
        WeightsError: a tensor is missing or not known, or the generator is conditional.
    """
    left = dict(arrays)

    def take(key: str, dimensions: int) -> NDArray[np.float32]:
        value = left.pop(key, None)
        if value is None or value.ndim != dimensions or not np.issubdtype(value.dtype, np.floating):
            was = "missing" if value is None else f"of shape {value.shape} and type {value.dtype}"
            raise WeightsError(f"'{name}': the tensor '{key}' is {was}, expected {dimensions} dimensions; {EXPECTED}")
        return value.astype(np.float32)

    if any(key.startswith("mapping.embed.") for key in left):
        raise WeightsError(f"'{name}' draws what a label asks for, which mfrec has no use of; {EXPECTED}")
    state: dict[str, NDArray] = {"centre": take("mapping.w_avg", 1)}
    mapping = sum(1 for key in arrays if re.fullmatch(r"mapping\.fc\d+\.weight", key))
    for number in range(mapping):
        for kind, dimensions in (("weight", 2), ("bias", 1)):
            state[f"mapping.layers.{number}.{kind}"] = take(f"mapping.fc{number}.{kind}", dimensions)
    sides = sorted(
        int(key.split(".")[1][1:]) for key in arrays if re.fullmatch(r"synthesis\.b\d{1,4}\.torgb\.bias", key)
    )
    if sides != [4 << level for level in range(len(sides))] or not 8 <= max(sides, default=0) <= LARGEST_SIDE:
        raise WeightsError(f"'{name}' has layers of {sides} px; expected 4, 8, 16 ... with colours at each; {EXPECTED}")
    state["synthesis.constant"] = take("synthesis.b4.const", 3)[None]
    layers = 0
    for level, side in enumerate(sides):
        block = f"synthesis.b{side}"
        for layer in ("conv1",) if side == 4 else ("conv0", "conv1"):
            official, ours = f"{block}.{layer}", f"synthesis.layers.{layers}"
            doubled = layer == "conv0"
            weight = take(f"{official}.weight", 4)
            kernel = weight[:, :, ::-1, ::-1] if doubled else weight
            # Our network scales it by its number of inputs, theirs does not.
            state[f"{ours}.convolution.weight"] = np.ascontiguousarray(kernel * np.float32(math.sqrt(weight[0].size)))
            state |= _style(take, official, f"{ours}.convolution.style")
            state[f"{ours}.strength"] = take(f"{official}.noise_strength", 0)
            state[f"{ours}.bias"] = take(f"{official}.bias", 1)
            state[f"noise_{layers}"] = take(f"{official}.noise_const", 2)[None, None]
            layers += 1
        official, ours = f"{block}.torgb", f"synthesis.colours.{level}"
        state[f"{ours}.convolution.weight"] = take(f"{official}.weight", 4)
        state |= _style(take, official, f"{ours}.convolution.style")
        state[f"{ours}.bias"] = take(f"{official}.bias", 1)
    for key in [key for key in left if key.endswith(".resample_filter")]:
        taps = left.pop(key)
        if taps.shape != (4, 4) or not np.allclose(taps, TAPS, atol=1e-6):
            raise WeightsError(f"'{name}' changes its resolution by another filter than 1 3 3 1 ('{key}'); {EXPECTED}")
    if left:
        raise WeightsError(f"'{name}' has the unknown tensors {sorted(left)[:3]}; {EXPECTED}")
    channels = {side: len(state[f"synthesis.layers.{max(0, 2 * k)}.bias"]) for k, side in enumerate(sides)}
    most = max(channels.values())
    base = max((count * side for side, count in channels.items() if count < most), default=most * sides[-1])
    arguments = {"side": sides[-1], "latent": len(state["centre"]), "base": base, "most": most, "mapping": mapping}
    return {**arguments, "framing": "ffhq"}, state


def _style(take: Callable[[str, int], NDArray], official: str, ours: str) -> dict[str, NDArray]:
    """The dense layer that makes a style."""
    return {f"{ours}.{kind}": take(f"{official}.affine.{kind}", n) for kind, n in (("weight", 2), ("bias", 1))}
