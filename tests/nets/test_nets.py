"""The dictionary of networks: every name leads to a class, and reading it costs nothing."""

import subprocess
import sys
from pathlib import Path

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


def test_the_face_detector_costs_no_pytorch(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from mfrec.cards.load import load_network\n"
        "load_network('mtcnn'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
