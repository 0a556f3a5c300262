"""Which weights a measured figure depends on: names of cards, their hashes, how long they were trained."""

from __future__ import annotations

from collections.abc import Iterable

DETECTOR = "mtcnn"
"""Finds the faces of every recipe and of every measure of a face."""

LOOKING = (DETECTOR, "parser")
"""Cards of networks that say where something is and give no pixel."""

MEASURING = {"serfiq": "recognition", "gaze": "gaze"}
"""Metric to the card of the network that it asks."""


def cards_of(method: str) -> tuple[str, ...]:
    """The cards that a method of the bench uses; none for one without weights of ours.

    Raises:
        UsageError, InputError: the method is a recipe that does not exist or cannot be read.
    """
    from mfrec.bench.peers import NETWORK, is_peer
    from mfrec.bench.run import PLAIN, REGISTERED
    from mfrec.recipe import load, pixel_cards

    if method.startswith(NETWORK):
        return tuple(name for name in method.removeprefix(NETWORK).split("+") if not name.endswith(".toml"))
    if method in REGISTERED:
        method = "evidence"
    if is_peer(method) or method in PLAIN:
        return ()
    used = []
    for stage in load(method).stages:
        names = pixel_cards(stage)
        if not names and getattr(stage, "method", "") == "network":
            names = (str(getattr(stage, "card", "")),)
        used += filter(None, names)
    return (DETECTOR, *used)


def hashes(names: Iterable[str]) -> dict[str, str]:
    """Card to the SHA-256 of its weights, in alphabetical order; cards without weights are left out."""
    from mfrec.cards.load import card_path, read_card

    found = {name: read_card(card_path(name)).sha256 for name in sorted(set(names))}
    return {name: digest for name, digest in found.items() if digest}


def trained_for(names: Iterable[str]) -> str:
    """How long the networks that make pixels were trained, as their cards say; empty without such a network."""
    from mfrec.cards.load import card_path, read_card

    cards = [read_card(card_path(name)) for name in names if name not in LOOKING]
    said = {card.name: card.trained_for for card in cards if card.trained_for}
    return "; ".join(said.values()) if len(said) == 1 else "; ".join(f"{name} {text}" for name, text in said.items())
