"""From a card to a network: what it is, whose it is, and proof that its numbers are the right ones.

A card is ``models/NAME.toml``; the tensors lie in ``weights/`` as safetensors, a format that holds numbers
and no code. Both are found beside the package in a checkout and inside it in an installed wheel, never
relative to the working folder. Nothing here touches a network.

A card may also carry the recipe of a training in a table ``[recipe]`` (:mod:`mfrec.train.recipe`). Such a card exists
before its weights do: it then has no ``sha256``, and nothing is loaded for it.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta
from numpy.typing import NDArray

from mfrec.documents import DocumentError, check_values, parse_toml, read_bytes, read_text, shaped
from mfrec.errors import WeightsError

TABLES = ("arguments", "inputs", "recipe", "metrics")
"""The keys of a card that are tables and may be left out."""

AFTER_TRAINING = ("sha256", "origin", "training")
"""The keys that a card with a recipe has only once its network is trained."""

ALSO_OPTIONAL = ("objective", "parameters", "cost", "commit", "trained", "trained_for")

LIMIT = 1 << 18
"""Bytes that a card may have."""

LARGEST = 1 << 32
"""Bytes that a file of weights may have."""

FileName = Annotated[str, Meta(pattern=r"\A[_A-Za-z0-9][A-Za-z0-9._-]*\.safetensors\Z", max_length=120)]
"""The plain name of a safetensors file in the folder of the weights."""

Sha256 = Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
"""Lower-case hex digits, or nothing."""


@dataclass(frozen=True)
class Card:
    """What is known of one set of weights; the fields are the keys of the TOML file.

    Attributes:
        name: the file name of the card without ``.toml``.
        net: which class of :data:`mfrec.nets.NETS` it is.
        file: name of the safetensors file in the weights folder.
        summary: one sentence for people.
        paper: the method.
        licence: of the weights.
        input: what the network reads (colour, range, layout).
        objective: what the training asked for: ``"fidelity"`` to the truth, or ``"adversarial"``, that a discriminator
            should take the result for real; such a network draws detail that nobody saw.
        sha256: of the file, 64 hex digits; empty while the network is not trained.
        origin: where the weights come from.
        training: what they were trained on, as far as known.
        parameters: how many numbers a training of all of the network learns (no running statistics), for people.
        cost: time and memory of one pass, for people.
        commit: of the source that trained them.
        trained: when that ended, ISO 8601 in UTC.
        trained_for: steps, samples a step and time, for the tables.
        arguments: keyword arguments of the constructor.
        inputs: every argument of ``forward`` to its shape: numbers, and names for sizes that may vary, such as
            ``["batch", 7, 3, "height", "width"]``.
        recipe: how to train it, see :mod:`mfrec.train.recipe`.
        metrics: name to a measured figure; each name says of what.
    """

    name: str
    net: str
    file: FileName
    summary: str
    paper: str
    licence: str
    input: str
    objective: Literal["fidelity", "adversarial"] = "fidelity"
    sha256: Sha256 = ""
    origin: str = ""
    training: str = ""
    parameters: str = ""
    cost: str = ""
    commit: str = ""
    trained: str = ""
    trained_for: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float | str] = field(default_factory=dict)


def cards_folder() -> Path:
    """Where the cards lie: ``mfrec/_models`` of a wheel, else ``models`` of the checkout."""
    return _data_folder("models")


def weights_folder() -> Path:
    """Where the tensors lie: ``mfrec/_weights`` of a wheel, else ``weights`` of the checkout."""
    return _data_folder("weights")


def _data_folder(name: str) -> Path:
    package = Path(__file__).resolve().parent.parent
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
        # Infinite means without a limit in the recipe of a training, such as clip = inf.
        values = parse_toml(read_text(path, LIMIT), infinite=True)
        check_values({key: value for key, value in values.items() if key != "recipe"})
        values = dict(checked_keys(values))
        return shaped({"name": path.stem, **values}, Card)
    except DocumentError as error:
        if not os.path.lexists(path):
            known = ", ".join(card_names()) or "none"
            asked = path.stem if path.parent == cards_folder() else path
            raise WeightsError(f"there is no card '{asked}'; known cards are {known}") from None
        raise WeightsError(
            f"the card {path.name} cannot be read: {error}; correct it, or restore it from the release"
        ) from None


def checked_keys(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of a card, if they are all there and known, and what they say of the file of weights can be.

    Raises:
        DocumentError: a key is unknown or missing, or hash or name of the file cannot be one.
    """
    known = [f.name for f in fields(Card) if f.name != "name"]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys are {', '.join(known)}"
            raise DocumentError(f"it has the unknown key '{key}'; {hint}")
    optional = (*TABLES, *ALSO_OPTIONAL, *(AFTER_TRAINING if "recipe" in values and "sha256" not in values else ()))
    for key in known:
        if key not in values and key not in optional:
            hint = "; weights without a hash are never loaded" if key == "sha256" else ""
            raise DocumentError(f"it has no '{key}'{hint}")
    return values


def read_state(card: Card, folder: Path | None = None) -> dict[str, NDArray]:
    """The tensors of a card, verified before they are parsed.

    Args:
        card: names the file and its hash.
        folder: where to look instead of :func:`weights_folder`.

    Raises:
        WeightsError: the card is not trained yet, or the file is missing, has another hash, or is no safetensors file.
    """
    return _parsed(card, _verified(card, folder))


def _parsed(card: Card, data: bytes) -> dict[str, NDArray]:
    """The tensors of a card's file; its errors are those of :func:`read_state`."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{card.file} is not a safetensors file, whatever its name says ({error}); other formats can carry code "
            "and are never opened, so convert the weights to safetensors"
        ) from None


def _verified(card: Card, folder: Path | None) -> bytes:
    """The bytes of a card's file, with the hash that the card says; the errors are those of :func:`read_state`."""
    if not card.sha256:
        raise WeightsError(
            f"'{card.name}' is not trained yet: its card has a recipe but no 'sha256', and weights without a hash are "
            f"never loaded; train it with: mfrec train {card.name} --data FOLDER --minutes 60 -o OUT --install"
        )
    path = (folder or weights_folder()) / card.file
    try:
        data = read_bytes(path, LARGEST)
    except DocumentError as error:
        raise WeightsError(
            f"the weights of '{card.name}' cannot be read: {path.name} ({error}); "
            "install mfrec again or restore the weights folder of the checkout"
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise WeightsError(
            f"{path.name} is damaged or not the file that its card describes: SHA-256 {found[:16]}..., expected "
            f"{card.sha256[:16]}...; install mfrec again or restore the file"
        )
    return data


def card_path(name: str | Path) -> Path:
    """Where a card lies: a path that ends in ``.toml`` is one already, a name is looked up in :func:`cards_folder`."""
    return Path(name) if str(name).endswith(".toml") else cards_folder() / f"{name}.toml"


def load_network(name: str | Path) -> Any:
    """A network with its verified weights, ready to be used.

    Args:
        name: a card of :func:`card_names`; or the path of a card, which ends in ``.toml`` and has the weights beside
            it, as ``mfrec train`` writes them.

    Returns:
        A ``torch.nn.Module`` on the CPU: float32 (a file may hold float16), eval mode, no gradients, channels last.

    Raises:
        WeightsError: see :func:`read_card` and :func:`read_state`, or the network refuses the tensors.
    """
    card, folder = _card_and_folder(name)
    return _built(card, _verified(card, folder), stranger=folder is not None)


def _built(card: Card, data: bytes, *, stranger: bool) -> Any:
    """The network of a card and its file; :func:`check_size` is asked about a stranger's."""
    state = _parsed(card, data)
    if stranger:
        check_size(card, state)
    return with_weights(card, state)


_shared: dict[tuple[str, str, str], Any] = {}


def shared_network(name: str | Path, device: str = "cpu") -> Any:
    """:func:`load_network`, built once in a process for each device and kept, because building takes longer than using.

    The file is read and its hash compared every time all the same. Everybody gets the same network, so it is used and
    never changed.

    Args:
        name: see :func:`load_network`.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        WeightsError: see :func:`load_network`.
    """
    card, folder = _card_and_folder(name)
    data = _verified(card, folder)
    key = card.sha256, f"{card.net} {dict(card.arguments)}", device
    if key not in _shared:
        _shared[key] = _built(card, data, stranger=folder is not None).to(device)
    return _shared[key]


def _card_and_folder(name: str | Path) -> tuple[Card, Path | None]:
    """A card, and the folder of its weights where that is not the usual one."""
    path = card_path(name)
    return read_card(path), None if path.parent == cards_folder() else path.parent


def with_weights(card: Card, state: Mapping[str, NDArray]) -> Any:
    """Build the network of a card around tensors; what comes out is said in :func:`load_network`.

    Raises:
        WeightsError: the tensors are not exactly those that the network has, by name and shape.
    """
    from mfrec.nets import NETS

    if card.net not in NETS:
        raise WeightsError(
            f"the card '{card.name}' wants the network '{card.net}'; known are {', '.join(sorted(NETS))}"
        )
    import torch

    from mfrec.nets.layout import layout_of

    network = new_network(card)
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    missing = sorted(expected.keys() - state.keys())
    surplus = sorted(state.keys() - expected.keys())
    wrong = sorted(key for key in expected.keys() & state.keys() if tuple(state[key].shape) != expected[key])
    if missing or surplus or wrong:
        raise WeightsError(
            f"{card.file} does not hold the weights of the network that the card '{card.name}' describes: missing "
            f"{missing[:3]}, unknown {surplus[:3]}, of another shape {wrong[:3]}; install mfrec again, or take card "
            "and weights of one training"
        )
    # Copied into float32 as it is: float16 has no number that float32 has not.
    network.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
    return network.eval().requires_grad_(False).to(memory_format=layout_of(network))


def check_kind(name: str | Path, *kinds: str) -> None:
    """Refuse a card of another network than whoever asks can use; without any kind every network will do.

    Raises:
        WeightsError: it is of another one, or cannot be read.
    """
    card = read_card(card_path(name))
    if kinds and card.net not in kinds:
        wanted = " or ".join(f"'{kind}'" for kind in kinds)
        raise WeightsError(f"the card '{card.name}' is of a network '{card.net}', and this needs one of {wanted}")


def check_size(card: Card, state: Mapping[str, NDArray]) -> None:
    """Refuse a stranger's card whose arguments ask for a network that its weights are too few for, before it is built.

    Raises:
        WeightsError: building it would take much more memory than the weights do.
    """
    from mfrec.nets import NETS, network_class

    if card.net not in NETS or not hasattr(network_class(card.net), "load_state_dict"):
        return
    import torch

    with torch.device("meta"):  # shapes without memory
        wanted = sum(value.numel() for value in new_network(card).state_dict().values())
    found = sum(value.size for value in state.values())
    if wanted > 2 * found + 1_000_000:
        raise WeightsError(
            f"the arguments of the card '{card.name}' ask for a network of {wanted:,} numbers, and {card.file} holds "
            f"{found:,}; take card and weights of one training"
        )


def new_network(card: Card) -> Any:
    """The untrained ``torch.nn.Module`` of a card. torch's generator is left as it was.

    Raises:
        WeightsError: the constructor does not take the card's arguments.
    """
    import torch

    from mfrec.nets import network_class

    with torch.random.fork_rng(devices=()):
        try:
            return network_class(card.net)(**card.arguments)
        except Exception as error:  # whatever a constructor makes of a stranger's arguments
            raise WeightsError(f"the arguments of the card '{card.name}' do not fit its network: {error}") from None
