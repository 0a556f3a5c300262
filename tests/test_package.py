"""The package as it is built and installed, and the files that say how."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
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
def test_the_wheel_is_the_same_bytes_anywhere(tmp_path: Path) -> None:
    """From another folder, with other times, modes and time zone."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q", "--no-deps"]
    names = ("mfrec", "models", "weights", "docs/analyst", "pyproject.toml", "README.md", "LICENSE")
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / "copy" / name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(ROOT / name, tmp_path / "copy" / name)
    for source, folder, zone in ((ROOT, "first", "UTC"), (tmp_path / "copy", "second", "Asia/Tokyo")):
        command = [*pip, "--no-build-isolation", "-w", str(tmp_path / folder), str(source)]
        subprocess.run(command, check=True, env={**os.environ, "TZ": zone}, umask=0o077 if zone != "UTC" else 0o022)
    (first,), (second,) = ((tmp_path / folder).glob("*.whl") for folder in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_the_bill_of_materials_and_the_checksums(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("make_bundle", ROOT / "scripts" / "make_bundle.py")
    assert specification is not None and specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    with zipfile.ZipFile(tmp_path / "some_package-1.2-py3-none-any.whl", "w") as archive:
        archive.writestr(
            "some_package-1.2.dist-info/METADATA", "Name: Some_Package\nVersion: 1.2\nLicense: MIT\n and more\n"
        )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("a")
    (found,) = script.bill_of_materials(tmp_path)["components"]
    assert (found["name"], found["version"], found["purl"]) == ("Some_Package", "1.2", "pkg:pypi/some-package@1.2")
    assert found["licenses"] == [{"license": {"name": "MIT"}}]
    sums = script.checksums(tmp_path)
    (tmp_path / "SHA256SUMS").write_text(sums)
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert f"{found['hashes'][0]['content']}  some_package-1.2-py3-none-any.whl\n" in sums
    (tmp_path / "docs" / "a.md").write_text("b")
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path, check=False).returncode


@pytest.mark.slow
def test_wheel_holds_its_data_and_works_elsewhere(tmp_path: Path, sequence: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path / "wheel"), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for top, packed in (("models", "_models"), ("weights", "_weights"), ("docs/analyst", "_manual")):
        held = {f"mfrec/{packed}/{path.name}" for path in (ROOT / top).iterdir()}
        assert held, f"{top}/ is empty"
        assert held <= names
    for pattern in ("*.py", "recipes/*.toml", "report/*", "desk/page/*", "desk/words.json", "py.typed"):
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
