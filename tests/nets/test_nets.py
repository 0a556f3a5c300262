"""The dictionary of networks: every name leads to a class, and reading it costs nothing."""

import pytest

from mfrec.cards.load import card_names, cards_folder, read_card
from mfrec.nets import NETS, network_class


@pytest.mark.parametrize("name", NETS)
def test_every_name_leads_to_its_class(name: str) -> None:
    found = network_class(name)
    module, _, attribute = NETS[name].partition(":")
    assert (found.__module__, found.__name__) == (module, attribute)
    assert module == f"mfrec.nets.{name}"


def test_every_card_names_a_network() -> None:
    for name in card_names():
        assert read_card(cards_folder() / f"{name}.toml").net in NETS
