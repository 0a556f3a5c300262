"""Make a folder that installs mfrec on a machine without a network: ``make bundle``.

It holds wheels of mfrec (with all its weights) and of everything that it needs on this kind of machine, the texts of
the repository, ``install.sh``, a ``Containerfile`` that installs from it, a bill of materials (CycloneDX 1.6) and the
SHA-256 of every file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

TEXTS = ("README.md", "LICENSE", "CHANGELOG.md", "constraints.txt", "docs")

INSTALL = """#!/bin/sh
# Installs mfrec from this folder alone: sh install.sh [FOLDER OF THE ENVIRONMENT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
there=${1:-mfrec-environment}
# pip takes the highest version that it finds: a wheel that somebody added is as bad as one that was changed.
(
    cd "$here"
    sha256sum --quiet -c SHA256SUMS
    find wheels ! -type d | while read -r file; do
        cut -c67- SHA256SUMS | grep -qxF "$file" && continue
        echo "'$file' is not of this bundle, so nothing is installed; get the bundle again" >&2
        exit 1
    done
)
"${PYTHON:-python3}" -m venv "$there"
"$there/bin/python" -m pip install --quiet --no-index --find-links "$here/wheels" mfrec
"$there/bin/mfrec" weights verify
echo "installed: $there/bin/mfrec"
"""

CONTAINER = """# An image of mfrec from this folder alone. The base has to be there already, since nothing is fetched:
#   podman build --network none --pull=never -t mfrec .          (or: docker build --network none -t mfrec .)
#   podman run --rm --network none -v /cases:/cases mfrec reconstruct /cases/clip.mp4 -o /cases/result
# The wheels are for Python {python} on {machine}, so the base has to have both.
ARG BASE=docker.io/library/python:{python}-slim
FROM ${{BASE}}
RUN --mount=type=bind,source=.,target=/bundle sh /bundle/install.sh /opt/mfrec && useradd --create-home examiner
USER examiner
WORKDIR /home/examiner
ENTRYPOINT ["/opt/mfrec/bin/mfrec"]
"""


def make(folder: Path) -> None:
    """Fill ``folder``, which must not exist yet."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q", "-w", str(wheels)]
    # PyTorch by itself first: what is found for it then stays, as in the Makefile.
    limits = ["-c", str(ROOT / "constraints.txt"), "--find-links", str(wheels)]
    subprocess.run([*pip, *limits, "torch"], check=True)
    subprocess.run([*pip, "--no-deps", str(ROOT)], check=True)
    (own,) = wheels.glob("mfrec-*.whl")
    subprocess.run([*pip, *limits, str(own)], check=True)
    for name in TEXTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("_build", "generated"))
        else:
            shutil.copy(source, folder / name)
    (folder / "install.sh").write_text(INSTALL, encoding="ascii")
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    container = CONTAINER.format(python=python, machine=platform.machine())
    (folder / "Containerfile").write_text(container, encoding="ascii")
    bill = bill_of_materials(wheels, ROOT / "models")
    (folder / "bill-of-materials.json").write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    (folder / "SHA256SUMS").write_text(checksums(folder), encoding="utf-8")


def bill_of_materials(wheels: Path, cards: Path) -> dict[str, Any]:
    """What is in the bundle, in the form of CycloneDX 1.6; the same bytes from the same files.

    Args:
        wheels: folder of the wheels, whose own metadata says what they are and what they need.
        cards: folder of the cards of the weights inside mfrec's wheel.

    Returns:
        JSON types: every wheel with its licence, hash and what it depends on here, and every file of weights.
    """
    said = {wheel: wheel_metadata(wheel) for wheel in sorted(wheels.glob("*.whl"))}
    known = {canonicalize_name(of["Name"]): purl(of) for of in said.values()}
    libraries = [library(wheel, of) for wheel, of in said.items()]
    models = [
        {
            "type": "machine-learning-model",
            "bom-ref": f"weights/{card['file']}",
            "name": card["file"],
            "description": card["summary"],
            "hashes": [{"alg": "SHA-256", "content": card["sha256"]}],
            "licenses": [{"license": {"name": card["licence"]}}],
        }
        for card in (tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(cards.glob("*.toml")))
        if card.get("sha256")
    ]
    dependencies = [{"ref": purl(of), "dependsOn": sorted(needs(of, known))} for of in said.values()]
    for entry in dependencies:
        if entry["ref"] == known.get(canonicalize_name("mfrec")):
            entry["dependsOn"] += [model["bom-ref"] for model in models]
    own = next((entry for entry in libraries if entry["name"] == "mfrec"), None)
    components = [entry for entry in libraries if entry is not own] + models
    # A name for this very bill that is made from its content, so that it is the same wherever it is made.
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([own, components, dependencies]))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        **({"metadata": {"component": {**own, "type": "application"}}} if own else {}),
        "components": components,
        "dependencies": dependencies,
    }


def wheel_metadata(wheel: Path) -> Message:
    """What a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def purl(said: Message) -> str:
    """The package URL of what a wheel holds."""
    return f"pkg:pypi/{canonicalize_name(said['Name'])}@{said['Version']}"


def library(wheel: Path, said: Message) -> dict[str, Any]:
    """A wheel as a component of the bill."""
    licence = said["License-Expression"]
    named = (said["License"] or "").partition("\n")[0] or ", ".join(
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier", ()) if line.startswith("License ::")
    )
    return {
        "type": "library",
        "bom-ref": purl(said),
        "name": said["Name"],
        "version": said["Version"],
        "purl": purl(said),
        "hashes": [{"alg": "SHA-256", "content": digest(wheel)}],
        **({"licenses": [{"expression": licence}]} if licence else {}),
        **({"licenses": [{"license": {"name": named}}]} if named and not licence else {}),
        "properties": [{"name": "mfrec:file", "value": f"wheels/{wheel.name}"}],
    }


def needs(said: Message, known: Mapping[NormalizedName, str]) -> set[str]:
    """The package URLs of what a wheel requires on this kind of machine, as far as it is in the bundle."""
    required = map(Requirement, said.get_all("Requires-Dist", ()))
    names = [canonicalize_name(r.name) for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
    return {known[name] for name in names if name in known}


def checksums(folder: Path) -> str:
    """A line for every file, as ``sha256sum -c`` reads them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(f"{digest(file)}  {file.relative_to(folder).as_posix()}\n" for file in files)


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    make(parser.parse_args().folder)
