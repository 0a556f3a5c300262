"""Made once for all tests of custody: a person, an authority, and a folder that the person signed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from signed_folder import Person, TimeAuthority, copy_of_result, person

from mfrec.custody.sign import sign_folder


@pytest.fixture(scope="session")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("anna"))


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return person(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority(tmp_path_factory.mktemp("time") / "authority")


@pytest.fixture(scope="session")
def signed_once(anna: Person, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = copy_of_result(tmp_path_factory.mktemp("signed") / "out")
    sign_folder(out, anna.identity, reason="case 17")
    return out


@pytest.fixture
def signed(signed_once: Path, tmp_path: Path) -> Path:
    """A copy of what Anna signed, in another place."""
    return Path(shutil.copytree(signed_once, tmp_path / "elsewhere" / "case 17"))
