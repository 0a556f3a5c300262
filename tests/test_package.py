"""The package as it is built and installed, and the files that say how."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_constraints_pin_every_dependency_within_its_range() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = line.split("==")
            pins[canonicalize_name(name)] = version
    project = _project()
    wanted = project["dependencies"] + [r for extra in project["optional-dependencies"].values() for r in extra]
    for requirement in map(Requirement, wanted):
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"{requirement} is pinned to {pin}"


def test_core_installation_stays_small() -> None:
    """Training packages and notebooks are not for somebody who only reconstructs."""
    names = {re.split(r"[^\w.-]", line)[0].lower() for line in _project()["dependencies"]}
    assert "torch" in names  # the default recipe has networks
    assert names & {"torchvision", "fastai", "tensorboard", "matplotlib", "pytest", "onnxruntime"} == set()


def test_environment_gives_what_readme_notebooks_and_training_need() -> None:
    lines = (ROOT / "environment.yml").read_text().split("\n")
    assert "  - conda-forge" in lines and "      - -c constraints.txt" in lines
    found = re.fullmatch(r"- -e \.\[([\w,]+)\]", lines[-2].strip())
    assert found is not None
    extras = set(found[1].split(","))
    assert {"train", "plots", "notebooks"} <= extras <= set(_project()["optional-dependencies"])


def test_ci_calls_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "\nmake test || status=1\n" in script.read_text()
    assert "    make test " in (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_wheel_holds_its_data_and_works_elsewhere(tmp_path: Path, sequence: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path / "wheel"), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for top, packed in (("models", "_models"), ("weights", "_weights")):
        held = {f"mfrec/{packed}/{path.name}" for path in (ROOT / top).iterdir()}
        assert held, f"{top}/ is empty"
        assert held <= names
    for pattern in ("*.py", "recipes/*.toml", "report/*", "py.typed"):
        held = {
            f"mfrec/{p.relative_to(ROOT / 'mfrec').as_posix()}" for p in (ROOT / "mfrec").rglob(pattern) if p.is_file()
        }
        assert held, f"nothing matches {pattern}"
        assert held <= names
    assert not [name for name in names if name.startswith(("tests", "models", "weights", "notebooks"))]

    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "-q", "--no-deps", "--target", str(target), str(wheel)], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(target)}
    where = subprocess.run(
        [sys.executable, "-c", "import mfrec; print(mfrec.__file__)"],
        cwd=elsewhere, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(target)
    run = [sys.executable, "-m", "mfrec", "reconstruct", str(sequence), "-o", "out", "--recipe", "evidence"]
    subprocess.run(run, cwd=elsewhere, env=environment, check=True)
    assert (elsewhere / "out" / "report.html").stat().st_size > 10_000
    verify = [sys.executable, "-m", "mfrec", "weights", "verify"]
    subprocess.run(verify, cwd=elsewhere, env=environment, check=True)


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
