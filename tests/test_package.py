"""The package as it is built and installed, and the files that say how."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

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
    """From another folder, with other times, modes and time zone. The weights stay out: all that they add is time."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q", "--no-deps"]
    for copy, function in (("one", shutil.copy2), ("two", shutil.copyfile)):
        for name in ("mfrec", "models", "docs/analyst"):
            shutil.copytree(
                ROOT / name,
                tmp_path / copy / name,
                copy_function=function,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            function(ROOT / name, tmp_path / copy / name)
        (tmp_path / copy / "weights").mkdir()
        function(ROOT / "weights" / "mtcnn.safetensors", tmp_path / copy / "weights" / "mtcnn.safetensors")
    for copy, folder, zone in (("one", "first", "UTC"), ("two", "second", "Asia/Tokyo")):
        command = [*pip, "--no-build-isolation", "-w", str(tmp_path / folder), str(tmp_path / copy)]
        subprocess.run(command, check=True, env={**os.environ, "TZ": zone}, umask=0o077 if zone != "UTC" else 0o022)
    (first,), (second,) = ((tmp_path / folder).glob("*.whl") for folder in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def bundle_script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_bundle", ROOT / "scripts" / "make_bundle.py")
    assert specification is not None and specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    return script


def wheel_of(folder: Path, name: str, metadata: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.2-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}-1.2.dist-info/METADATA", f"Name: {name}\nVersion: 1.2\n{metadata}")


def test_the_bill_of_materials_is_cyclonedx_and_says_what_needs_what(tmp_path: Path) -> None:
    import cyclonedx.schema
    import jsonschema
    from referencing import Registry, Resource

    needs = "Requires-Dist: Some.Package>=1\nRequires-Dist: other; extra == 'more'\n"
    wheel_of(tmp_path, "mfrec", f"License-Expression: Apache-2.0\n{needs}")
    wheel_of(tmp_path, "some_package", "License: BSD with a long\n text\n")
    wheel_of(tmp_path, "other", "Classifier: License :: OSI Approved :: MIT License\n")
    script = bundle_script()
    bill = script.bill_of_materials(tmp_path, ROOT / "models")
    assert bill == script.bill_of_materials(tmp_path, ROOT / "models")
    schemas = Path(cyclonedx.schema.__path__[0]) / "_res"
    texts = {path.name: json.loads(path.read_text()) for path in schemas.glob("*.SNAPSHOT.schema.json")}
    registry = Registry().with_resources(
        (f"http://cyclonedx.org/schema/{name.replace('.SNAPSHOT', '')}", Resource.from_contents(text))
        for name, text in texts.items()
    )
    jsonschema.Draft7Validator(texts["bom-1.6.SNAPSHOT.schema.json"], registry=registry).validate(bill)
    models = {entry["bom-ref"] for entry in bill["components"] if entry["type"] == "machine-learning-model"}
    assert {f"weights/{path.name}" for path in (ROOT / "weights").glob("*.safetensors")} <= models
    depends = {entry["ref"]: set(entry["dependsOn"]) for entry in bill["dependencies"]}
    assert depends["pkg:pypi/mfrec@1.2"] == {"pkg:pypi/some-package@1.2", *models}


def test_the_bill_names_licences_and_the_checksums_hold(tmp_path: Path) -> None:
    script = bundle_script()
    wheel_of(tmp_path, "some_package", "License: MIT\n and more\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("a")
    found = next(c for c in script.bill_of_materials(tmp_path, ROOT / "models")["components"] if "purl" in c)
    assert (found["name"], found["version"], found["purl"]) == ("some_package", "1.2", "pkg:pypi/some-package@1.2")
    assert found["licenses"] == [{"license": {"name": "MIT"}}]
    sums = script.checksums(tmp_path)
    (tmp_path / "SHA256SUMS").write_text(sums)
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert f"{found['hashes'][0]['content']}  some_package-1.2-py3-none-any.whl\n" in sums
    (tmp_path / "docs" / "a.md").write_text("b")
    assert subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path, check=False).returncode


@pytest.mark.parametrize(
    ("change", "code"), ((None, 9), ("mfrec-99.0-py3-none-any.whl", 1), ("some_package-1.2-py3-none-any.whl", 1))
)
def test_a_wheel_that_was_added_or_changed_is_never_installed(tmp_path: Path, change: str | None, code: int) -> None:
    script = bundle_script()
    (tmp_path / "wheels").mkdir()
    wheel_of(tmp_path / "wheels", "some_package", "")
    (tmp_path / "SHA256SUMS").write_text(script.checksums(tmp_path))
    (tmp_path / "install.sh").write_text(script.INSTALL)
    (tmp_path / "python").write_text("#!/bin/sh\nexit 9\n")  # it is reached
    (tmp_path / "python").chmod(0o755)
    if change:
        (tmp_path / "wheels" / change).write_bytes(b"PK")
    command = ["sh", str(tmp_path / "install.sh"), str(tmp_path / "there")]
    run = subprocess.run(command, env={**os.environ, "PYTHON": str(tmp_path / "python")}, check=False)
    assert run.returncode == code


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
    for pattern in ("*.py", "recipes/*.toml", "report/*", "batch/*", "desk/page/*", "desk/words.json", "py.typed"):
        held = {
            f"mfrec/{p.relative_to(ROOT / 'mfrec').as_posix()}" for p in (ROOT / "mfrec").rglob(pattern) if p.is_file()
        }
        assert held, f"nothing matches {pattern}"
        assert held <= names
    assert not [name for name in names if name.startswith(("tests", "models", "weights", "notebooks"))]

    target = tmp_path / "installed"
    subprocess.run(
        [*pip, "install", "-q", "--no-deps", "--no-compile", "--target", str(target), str(wheel)], check=True
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(target)}
    where = subprocess.run(
        [sys.executable, "-c", "import mfrec; print(mfrec.__file__)"],
        cwd=elsewhere, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(target)
    options = ("--recipe", "evidence", "--scale", "1", "--every", "3")
    run = [sys.executable, "-m", "mfrec", "reconstruct", str(sequence), "-o", "out", *options]
    subprocess.run(run, cwd=elsewhere, env=environment, check=True)
    assert (elsewhere / "out" / "report.html").stat().st_size > 10_000
    verify = [sys.executable, "-m", "mfrec", "weights", "verify"]
    subprocess.run(verify, cwd=elsewhere, env=environment, check=True)


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
