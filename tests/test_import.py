"""``import mfrec`` does nothing: it is fast, reads only its own source, and leaves heavy packages alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mfrec

PACKAGE = Path(mfrec.__file__).resolve().parent

WATCH = """
import importlib, json, sys, time
seen = []
def hook(event, arguments):
    if event == "open" or event.split(".")[0] in ("socket", "urllib", "subprocess", "ftplib", "http") \
            or event in ("os.mkdir", "os.rename", "os.remove", "os.system", "tempfile.mkstemp", "tempfile.mkdtemp"):
        seen.append((event, str(arguments[0]), str(arguments[1]) if len(arguments) > 1 else ""))
sys.addaudithook(hook)
start = time.process_time()
importlib.import_module(sys.argv[1])
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "seen": list(seen), "modules": sorted(sys.modules)}))
"""

HEAVY = {"torch", "torchvision", "fastai", "cv2", "scipy", "skimage", "dlib", "av", "PIL", "matplotlib", "onnxruntime"}


def watched_import(module: str, folder: Path) -> dict:
    """Import ``module`` in a fresh process that stands in ``folder``; what it opened, loaded and took (CPU)."""
    path = str(PACKAGE.parent)
    command = [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {path!r})\n{WATCH}", module]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_is_fast(tmp_path: Path) -> None:
    # Of processor time, the best of three: other processes may hold both cores.
    assert min(watched_import("mfrec", tmp_path)["seconds"] for _ in range(3)) < 0.5


def test_import_opens_nothing_but_source(tmp_path: Path) -> None:
    seen = watched_import("mfrec", tmp_path)["seen"]
    assert any(
        Path(name) == PACKAGE / "__init__.py" or PACKAGE / "__pycache__" in Path(name).parents for _, name, _ in seen
    )
    standard = Path(json.__file__).resolve().parent.parent
    for event, name, mode in seen:
        assert event == "open", f"importing mfrec caused {event} {name}"
        assert mode in ("r", "rb"), f"importing mfrec opened {name} with mode {mode}"
        parents = Path(name).resolve().parents
        assert PACKAGE in parents or (standard in parents and "site-packages" not in name), (
            f"importing mfrec read {name}"
        )
    assert list(tmp_path.iterdir()) == []


def test_import_loads_no_heavy_package(tmp_path: Path) -> None:
    loaded = {name.split(".")[0] for name in watched_import("mfrec", tmp_path)["modules"]}
    assert loaded & (HEAVY | {"numpy"}) == set()


@pytest.mark.parametrize("module", ["mfrec.types", "mfrec.errors", "mfrec.pipeline", "mfrec.demo", "mfrec.cli"])
def test_light_modules_stay_light(module: str, tmp_path: Path) -> None:
    loaded = {name.split(".")[0] for name in watched_import(module, tmp_path)["modules"]}
    assert loaded & HEAVY == set()


NETWORKS = {path for path in (PACKAGE / "nets").glob("*.py") if path.stem not in ("__init__", "threads")}
"""The networks of PyTorch and their parts; they, training, and the room that searches a network for pictures may import
it at their top."""


SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def test_only_networks_and_training_need_torch_to_be_imported() -> None:
    """Read from the source: an import at the left margin runs when the module is imported."""
    others = {
        path: source
        for path, source in SOURCES.items()
        if path not in NETWORKS and not {PACKAGE / "train", PACKAGE / "generative"} & set(path.parents)
    }
    assert len(others) > 100
    needs = re.compile(r"^(?:import|from) (?:torch|torchvision|mfrec\.train)\b", re.MULTILINE)
    assert [path for path, source in others.items() if needs.search(source)] == []


def test_only_one_file_imports_fastai() -> None:
    imports = re.compile(r"^\s*(import|from) fastai", re.MULTILINE)
    assert [path for path, source in SOURCES.items() if imports.search(source)] == [
        PACKAGE / "train" / "fastai_import.py"
    ]


def test_public_names_resolve() -> None:
    for name in mfrec.__all__:
        assert getattr(mfrec, name) is not None
    assert set(mfrec.__all__) <= set(dir(mfrec))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mfrec.nothing  # noqa: B018
