"""From a card to a network: what it is, whose it is, and proof that its numbers are the right ones.

A card is ``models/NAME.toml``; the tensors lie in ``weights/`` as safetensors, a format that holds numbers
and no code. Both are found beside the package in a checkout and inside it in an installed wheel, never
relative to the working folder. Nothing here touches a network.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mfrec.errors import WeightsError


@dataclass(frozen=True)
class Card:
    """What is known of one set of weights; the fields are the keys of the TOML file.

    Attributes:
        name: the file name of the card without ``.toml``.
        net: which constructor of :data:`mfrec.nets.NETS` builds the network.
        file: name of the safetensors file in the weights folder.
        sha256: of that file, 64 hex digits; mandatory.
        summary: one sentence for people.
        paper: the method.
        licence: of the weights.
        origin: where the weights come from.
        training: what they were trained on, as far as known.
        input: what the network reads (colour, range, layout).
        arguments: keyword arguments of the constructor.
    """

    name: str
    net: str
    file: str
    sha256: str
    summary: str
    paper: str
    licence: str
    origin: str
    training: str
    input: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def cards_folder() -> Path:
    """Where the cards lie: ``mfrec/_models`` of a wheel, else ``models`` of the checkout."""
    return _data_folder("models")


def weights_folder() -> Path:
    """Where the tensors lie: ``mfrec/_weights`` of a wheel, else ``weights`` of the checkout."""
    return _data_folder("weights")


def _data_folder(name: str) -> Path:
    package = Path(__file__).resolve().parent
    packed = package / f"_{name}"
    return packed if packed.is_dir() else package.parent / name


def card_names() -> tuple[str, ...]:
    """Every card there is, in alphabetical order."""
    return tuple(sorted(path.stem for path in cards_folder().glob("*.toml")))


def read_card(path: Path) -> Card:
    """Read and check one card.

    Raises:
        WeightsError: there is no such card, it is no TOML, or a key is missing, unknown or of a wrong kind.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(
            f"there is no card '{path.stem}'; known cards are {', '.join(card_names()) or 'none'}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WeightsError(f"the card {path.name} cannot be read ({error}); restore it from the release") from None
    known = [f.name for f in fields(Card) if f.name != "name"]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise WeightsError(
                f"the card {path.name} has the unknown key '{key}'"
                + (f"; did you mean '{near[0]}'?" if near else f"; known keys are {', '.join(known)}")
            )
    for key in known:
        if key == "arguments":
            if not isinstance(values.get(key, {}), dict):
                raise WeightsError(f"'{key}' of the card {path.name} has to be a table")
        elif key not in values:
            hint = "; weights without a hash are never loaded" if key == "sha256" else ""
            raise WeightsError(f"the card {path.name} has no '{key}'{hint}; add it")
        elif not isinstance(values[key], str):
            raise WeightsError(f"'{key}' of the card {path.name} has to be text, not {type(values[key]).__name__}")
    digest = values["sha256"]
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise WeightsError(f"'sha256' of the card {path.name} has to be 64 lower-case hex digits, not '{digest[:80]}'")
    file = values["file"]
    if Path(file).name != file or not file.endswith(".safetensors"):
        raise WeightsError(
            f"'file' of the card {path.name} has to be the plain name of a .safetensors file in the weights folder, "
            f"not '{file}'"
        )
    return Card(name=path.stem, **values)


def read_state(card: Card, folder: Path | None = None) -> dict[str, NDArray]:
    """The tensors of a card, verified before they are parsed.

    Args:
        card: names the file and its hash.
        folder: where to look instead of :func:`weights_folder`.

    Raises:
        WeightsError: the file is missing, has another hash, or is no safetensors file.
    """
    path = (folder or weights_folder()) / card.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"the weights of '{card.name}' cannot be read: {path.name} ({error.strerror}); "
            "install mfrec again or restore the weights folder of the checkout"
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise WeightsError(
            f"{path.name} is damaged or not the file that its card describes: SHA-256 {found[:16]}..., expected "
            f"{card.sha256[:16]}...; install mfrec again or restore the file"
        )
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{path.name} is not a safetensors file, whatever its name says ({error}); other formats can carry code "
            "and are never opened, so convert the weights to safetensors"
        ) from None


def load_network(name: str) -> Any:
    """The network of the card ``name`` with its verified weights.

    Raises:
        WeightsError: see :func:`read_card` and :func:`read_state`, or the network refuses the tensors.
    """
    from mfrec.nets import NETS

    card = read_card(cards_folder() / f"{name}.toml")
    if card.net not in NETS:
        raise WeightsError(f"the card '{name}' wants the network '{card.net}'; known are {', '.join(sorted(NETS))}")
    return NETS[card.net](read_state(card), **card.arguments)
