"""Make a folder that installs mfrec on a machine without a network: ``make bundle``.

It holds wheels of mfrec (with all its weights) and of everything that it needs on this kind of machine, the texts of
the repository, ``install.sh``, a bill of materials (CycloneDX 1.6) and the SHA-256 of every file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

TEXTS = ("README.md", "LICENSE", "CHANGELOG.md", "constraints.txt", "docs")

INSTALL = """#!/bin/sh
# Installs mfrec from this folder alone: sh install.sh [FOLDER OF THE ENVIRONMENT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
there=${1:-mfrec-environment}
(cd "$here" && sha256sum --quiet -c SHA256SUMS)
"${PYTHON:-python3}" -m venv "$there"
"$there/bin/python" -m pip install --quiet --no-index --find-links "$here/wheels" mfrec
"$there/bin/mfrec" weights verify
echo "installed: $there/bin/mfrec"
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
    (folder / "bill-of-materials.json").write_text(
        json.dumps(bill_of_materials(wheels), indent=1) + "\n", encoding="utf-8"
    )
    (folder / "SHA256SUMS").write_text(checksums(folder), encoding="utf-8")


def bill_of_materials(wheels: Path) -> dict[str, Any]:
    """What the wheels of a folder are, by what their own metadata says, in the form of CycloneDX 1.6."""
    components = []
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (n for n in archive.namelist() if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
            said = Parser().parsestr(archive.read(name).decode("utf-8"))
        licence = said["License-Expression"] or (said["License"] or "").partition("\n")[0]
        package = said["Name"].lower().replace("_", "-")
        components.append(
            {
                "type": "library",
                "name": said["Name"],
                "version": said["Version"],
                "purl": f"pkg:pypi/{package}@{said['Version']}",
                "hashes": [{"alg": "SHA-256", "content": digest(wheel)}],
                **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
            }
        )
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


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
