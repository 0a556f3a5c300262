"""Optional packages: each import of one works, or names the extra that brings it in one sentence."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

import mfrec
from mfrec.errors import MfrecError

PACKAGE = Path(mfrec.__file__).resolve().parent
ROOT = PACKAGE.parent

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def canonical(requirement: str) -> str:
    """The name of a distribution, as its import would be written."""
    return re.split(r"[\s\[<>=;]", requirement)[0].lower().replace("-", "_")


IMPORTED = {
    "accelerate": "train",
    "dask": "batch",
    "dask_jobqueue": "batch",
    "distributed": "batch",
    "asn1crypto": "sign",
    "c2pa": "sign",
    "cryptography": "sign",
    "face_alignment": "landmarks",
    "fastai": "train",
    "fastcore": "train",
    "markdown_it": "desk",
    "matplotlib": "plots",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "psutil": "batch",
    "pyhanko": "sign",
    "pyhanko_certvalidator": "sign",
    "rfc3161_client": "sign",
    "rfc8785": "sign",
    "spandrel": "peers",
    "starlette": "desk",
    "tomlkit": "train",
    "tornado": "batch",
    "torchvision": "train",
    "uvicorn": "desk",
}
"""Optional package that a module of mfrec imports, and an extra that brings it (fastcore comes with fastai, c2pa with
c2pa-python, markdown_it with markdown-it-py)."""


def train_without() -> None:
    from mfrec.cli.training import train

    for name in [name for name in sys.modules if name.startswith("mfrec.train")]:
        del sys.modules[name]
    train("gaze", out=Path("nowhere"))


def export_without() -> None:
    from mfrec.cards.onnx import export_onnx

    export_onnx("gaze", Path("nowhere.onnx"))


def plot_without() -> None:
    from mfrec.bench.curves import Panel, Plot

    Plot("frames", "heading", "data", (Panel("title", "x", "y", {"a": ((0.0, 1.0),)}),)).png()


def landmarks_without() -> None:
    from mfrec.face.landmarks import _fan_network

    _fan_network.__wrapped__()


def batch_without() -> None:
    for name in [name for name in sys.modules if name.startswith("mfrec.batch")]:
        del sys.modules[name]
    importlib.import_module("mfrec.batch.cluster")


def peer_without() -> None:
    from mfrec.cards.foreign import load_spandrel

    load_spandrel(Path("nowhere.pth"))


def verify_without() -> None:
    from mfrec.cli.custody import verify

    for name in [name for name in sys.modules if name.startswith("mfrec.custody")]:
        del sys.modules[name]
    verify(Path("nowhere"))


def desk_without() -> None:
    from mfrec.cli.desk import desk

    desk(Path("nowhere"))


USES: dict[str, tuple[str, Callable[[], Any]]] = {
    "train": ("fastai", train_without),
    "onnx": ("onnx", export_without),
    "plots": ("matplotlib", plot_without),
    "landmarks": ("face_alignment", landmarks_without),
    "peers": ("spandrel", peer_without),
    "batch": ("distributed", batch_without),
    "sign": ("c2pa", verify_without),
    "desk": ("starlette", desk_without),
}
"""Extra to one of its packages and a use of mfrec that needs it."""

TOOLS = {"dev", "docs", "notebooks"}
"""Extras of which nothing in the package imports anything that another extra does not bring."""


def test_every_extra_is_looked_at_here() -> None:
    assert set(EXTRAS) - TOOLS == set(USES)


@pytest.mark.parametrize("extra", USES)
def test_a_missing_package_is_one_sentence_with_its_command(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package, use = USES[extra]
    find, load = importlib.util.find_spec, builtins.__import__

    def without(name: str, parent: str | None = None) -> ModuleSpec | None:
        return None if name.split(".", maxsplit=1)[0] == package else find(name, parent)

    def refuse(name: str, *rest: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == package:
            raise ModuleNotFoundError(f"No module named '{name}'", name=package)
        return load(name, *rest)

    kept = dict(sys.modules)
    homes = [name.rpartition(".") for name in kept if name.startswith("mfrec.")]
    attributes = [
        (kept[parent], child, getattr(kept[parent], child))
        for parent, _, child in homes
        if hasattr(kept.get(parent), child)
    ]
    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.setattr(builtins, "__import__", refuse)
    try:
        with pytest.raises(MfrecError, match=rf"pip install 'mfrec\[{extra}\]'") as raised:
            use()
    finally:
        sys.modules.update(kept)
        # A package knows its modules by attribute too, and these are those of the import that failed.
        for package_of, child, bound in attributes:
            setattr(package_of, child, bound)
    assert "\n" not in str(raised.value)
    assert package.replace("_", "-") in str(raised.value)


@functools.cache
def optional_imports() -> set[str]:
    """Every package that a module of mfrec imports and the core installation does not bring."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    core = {canonical(line) for line in PROJECT["dependencies"]}
    homes = {**packages_distributions(), "dlib": ["dlib-bin"]}  # which does not say what it holds
    brought = {name for name in found if any(canonical(home) in core for home in homes.get(name, ()))}
    return found - brought - sys.stdlib_module_names - {"mfrec"}


def imported_at_the_top() -> set[str]:
    """Every package that importing a module of mfrec imports."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                waiting += ast.iter_child_nodes(node)
    return found


def test_the_documentation_is_built_without_optional_packages() -> None:
    """What the API pages import is stood in for, but for what the extra ``docs`` brings itself."""
    conf = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    told = re.search(r"^autodoc_mock_imports = (\[.*?\])", conf, re.MULTILINE | re.DOTALL)
    assert told is not None
    missing = optional_imports() & imported_at_the_top() - set(ast.literal_eval(told[1])) - {"markdown_it"}
    assert missing == set(), "add them to autodoc_mock_imports in docs/conf.py"


def test_every_optional_import_has_an_extra() -> None:
    brought = {canonical(line) for lines in EXTRAS.values() for line in lines}
    for package in optional_imports():
        assert package in IMPORTED, f"'{package}' is imported and no extra is known to bring it"
        assert package in brought or package in ("fastcore", "c2pa", "markdown_it")
        assert package in brought or package in ("fastcore", "c2pa", "markdown_it")
        assert IMPORTED[package] in EXTRAS


def test_every_extra_that_is_named_anywhere_exists() -> None:
    texts = [*PACKAGE.rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "environment.yml"]
    named: set[str] = set()
    for path in texts:
        for names in re.findall(r"(?:mfrec|-e '?\.)\[([a-z,]+)\]", path.read_text(encoding="utf-8")):
            named |= set(names.split(","))
    for path in PACKAGE.rglob("*.py"):
        named |= set(re.findall(r'not_installed\([^)]*"(\w+)"\)', path.read_text(encoding="utf-8")))
    assert len(named) > 4
    assert named <= set(EXTRAS)


def test_face_alignment_is_pinned_and_never_below_what_the_code_needs() -> None:
    assert "face-alignment>=1.5" in EXTRAS["landmarks"]
    assert re.search(r"^face_alignment==1\.(?:[5-9]|\d\d)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def test_an_older_python_is_told_what_to_do() -> None:
    code = "import sys; sys.version_info = (3, 10, 4, 'final', 0); import mfrec"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith("ImportError: mfrec needs Python 3.11 or newer, and this is 3.10; ")
    # An interpreter that is older still has to understand the file before it can say so.
    source = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source
