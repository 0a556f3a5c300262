"""The house's import contract, read from the syntax tree: who may import whom, lazily or not.

A stranger learns from :data:`STOREYS` where a thing may live; whoever breaks it is told which line does.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

import mfrec

PACKAGE = Path(mfrec.__file__).resolve().parent

STOREYS: tuple[frozenset[str], ...] = (
    frozenset({"image"}),
    frozenset({"camera"}),
    frozenset({"face", "registration", "fusion", "repose"}),
    frozenset({"stages"}),
    frozenset({"recipe"}),
    frozenset({"intake", "chain", "reconstruction"}),
    frozenset({"outputs", "report", "evaluation", "bench", "train", "custody", "desk", "batch", "upscale", "cli"}),
)
"""Rooms from the ground up. An import goes down or stays on its storey, never up. Rooms that are not listed (files,
networks, cards, metrics, types ...) serve all storeys and are held by the rule against circles."""

ONLY = {
    "fastai": ("mfrec.train",),
    "dask": ("mfrec.batch",),
    "distributed": ("mfrec.batch",),
    "dask_jobqueue": ("mfrec.batch",),
    "starlette": ("mfrec.desk",),
    "uvicorn": ("mfrec.desk",),
    "markdown_it": ("mfrec.desk",),
    "cryptography": ("mfrec.custody",),
    "asn1crypto": ("mfrec.custody",),
    "pyhanko": ("mfrec.custody",),
    "pyhanko_certvalidator": ("mfrec.custody",),
    "c2pa": ("mfrec.custody",),
    "rfc3161_client": ("mfrec.custody",),
    "mfrec.generative": ("mfrec.generative", "mfrec.desk", "mfrec.cli"),
}
"""Package to the only rooms that may import it."""

OPENERS = {"av", "tifffile", "pillow_heif", "imageio"}
"""Packages that open pictures and videos; only ``mfrec.imageio`` may. (Pillow and OpenCV also draw, so the test looks
at how they are called.)"""

MADE_BY_NETWORKS = {
    *{
        "clean",
        "fusion",
        "crossover_unet",
        "finetune",
        "dynamic_unet",
        "multi_frame_unet",
        "bionet",
        "feature_merge",
        "rrdb",
        "srresnet",
        "enhance",
        "stylegan",
        "stylegan2",
        "psfrgan",
        "few_shot",
    },
}
"""Networks whose output is pixels of the result."""


@functools.cache
def modules() -> dict[str, Path]:
    """Every module of mfrec by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def imports(source: str, known: frozenset[str]) -> tuple[tuple[str, int, bool], ...]:
    """What a source imports anywhere in it: dotted name, line, and whether only a type checker sees it.

    Every rule asks for it, and reading all sources takes seconds.

    Args:
        source: Python.
        known: modules of mfrec, to tell ``from mfrec.image import colour`` (a module) from an attribute of a package.
    """
    nodes = list(ast.walk(ast.parse(source)))
    typing_only = {
        id(inner)
        for node in nodes
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                name = module if module in known else str(node.module)
                found.append((name, node.lineno, id(node) in typing_only))
    return tuple(found)


def room(module: str) -> str:
    return module.split(".")[1] if module.startswith("mfrec.") else ""


def broken_rules(module: str, source: str, known: frozenset[str]) -> list[str]:
    """Every line of a module that breaks the contract, in words."""
    storeys = {name: height for height, names in enumerate(STOREYS) for name in names}
    said = []
    for name, line, _ in imports(source, known):
        place = f"{module}, line {line}, imports {name}"
        here, there = room(module), room(name)
        if here in storeys and there in storeys and storeys[there] > storeys[here]:
            said.append(f"{place}: '{there}' stands above '{here}'")
        if here == "train" and there in ("bench", "evaluation"):
            said.append(f"{place}: training may use camera.protocols, never the bench or the evaluation")
        top = name.split(".")[0]
        for package, allowed in ONLY.items():
            wanted = name == package or name.startswith(package + ".")
            if wanted and not any(module == one or module.startswith(one + ".") for one in allowed):
                said.append(f"{place}: only {' and '.join(allowed)} may")
        if top in OPENERS and here != "imageio":
            said.append(f"{place}: only mfrec.imageio opens frames")
    return said


def graph(typing_too: bool) -> dict[str, set[str]]:
    """Module to the modules that it imports; the root package, whose names are looked up when they are asked for, is
    told by what it says to a type checker."""
    known = frozenset(modules())
    return {
        module: {
            name
            for name, _, typing_only in imports(path.read_text(encoding="utf-8"), known)
            if name in known and name != module and (typing_too or not typing_only)
        }
        for module, path in modules().items()
    }


def reached(start: set[str], edges: dict[str, set[str]]) -> set[str]:
    """Everything that a set of modules imports, directly or not."""
    seen, waiting = set(start), list(start)
    while waiting:
        for name in edges.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules of which each reaches every other."""
    behind = {module: reached(edges[module], edges) for module in edges}
    groups = {
        tuple(sorted({module} | {other for other in behind[module] if module in behind.get(other, ())}))
        for module in edges
        if module in behind[module]
    }
    return sorted([list(group) for group in groups])


def test_no_import_runs_against_an_arrow() -> None:
    known = frozenset(modules())
    broken = [broken_rules(module, path.read_text(encoding="utf-8"), known) for module, path in modules().items()]
    assert [said for of_one in broken for said in of_one] == []


def test_no_circle_lazy_or_for_types_only() -> None:
    assert circles(graph(typing_too=True)) == []


def test_evidence_reaches_no_network_that_makes_pixels() -> None:
    """Its stages name the networks that they load by card; what they import is the rest."""
    from mfrec.recipe import load

    assert not any(stage.learned for stage in load("evidence").stages)
    stages = {type(stage).__module__ for stage in load("evidence").stages}
    behind = reached(stages, graph(typing_too=False))
    assert not [name for name in behind if room(name) == "generative"]
    pixels = {f"mfrec.nets.{name}" for name in MADE_BY_NETWORKS}
    assert not behind & pixels, "a stage of the evidence recipe imports a network that makes pixels"


def named_in_text(source: str, package: str) -> list[int]:
    """Lines of a source in which a string names a module of a package; documentation is none."""
    if package.rpartition(".")[2] not in source:
        return []  # most modules, and parsing takes longest
    tree = ast.parse(source)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
        if node.value == package or node.value.startswith((f"{package}.", f"{package}:"))
    ]


def test_the_generative_room_is_looked_up_in_one_place_and_under_one_label() -> None:
    """A name in a string is an import that the syntax tree does not show, so there is one table of them."""
    from mfrec import recipe

    where = {
        module
        for module, path in modules().items()
        if room(module) not in ("generative", "desk", "cli")
        if named_in_text(path.read_text(encoding="utf-8"), "mfrec.generative")
    }
    assert where == {"mfrec.recipe"}
    for stamp in recipe.STAMPS:
        found = {name for name, stage in recipe.stage_classes(stamp).items() if room(stage.__module__) == "generative"}
        named = {*recipe.DRAWING_STAGES, *recipe.DRAWING_METHODS}
        assert found == (named if stamp == recipe.WORDS else set())


def test_restore_reaches_nothing_generative() -> None:
    from mfrec.recipe import load

    stages = {type(stage).__module__ for stage in load("restore").stages}
    assert not [name for name in reached(stages, graph(typing_too=False)) if room(name) == "generative"]


def opens_frames(module: str, source: str) -> list[str]:
    """Every line of a module that opens a picture or a video past ``mfrec.imageio``, in words."""
    if not any(word in source for word in ("imread", "VideoCapture", "Image")):
        return []  # most modules, and parsing takes longest
    return [
        f"{module}, line {node.lineno}, calls {ast.unparse(node.func)}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        if ast.unparse(node.func) in ("cv2.imread", "cv2.VideoCapture", "Image.open")
    ]


def test_frames_are_opened_by_imageio_alone() -> None:
    others = {module: path for module, path in modules().items() if room(module) not in ("imageio", "report")}
    opened = [opens_frames(module, path.read_text(encoding="utf-8")) for module, path in others.items()]
    assert [said for of_one in opened for said in of_one] == []


def test_a_frame_opened_elsewhere_is_found() -> None:
    assert opens_frames("mfrec.face.detect", "import cv2\nx = cv2.imread('a.png')") == [
        "mfrec.face.detect, line 2, calls cv2.imread"
    ]


@pytest.mark.parametrize(
    ("module", "source", "says"),
    [
        ("mfrec.image.colour", "from mfrec.camera.noise import noise_of", "'camera' stands above 'image'"),
        ("mfrec.fusion.robust", "def f():\n    from mfrec.stages.fuse import Fuse", "line 2"),
        ("mfrec.repose.mesh", "from mfrec.stages import cross", "'stages' stands above 'repose'"),
        ("mfrec.train.job", "import mfrec.bench.run", "never the bench"),
        ("mfrec.stages.fuse", "import mfrec.generative.priors", "only mfrec.generative"),
        ("mfrec.metrics.psnr", "import fastai.vision.all", "only mfrec.train"),
        ("mfrec.face.detect", "import av", "only mfrec.imageio opens frames"),
        ("mfrec.desk.pages", "import cryptography.x509", "only mfrec.custody"),
        ("mfrec.cli.runs", "from starlette.applications import Starlette", "only mfrec.desk"),
        ("mfrec.report.pdf", "import pyhanko.sign.signers", "only mfrec.custody"),
        ("mfrec.outputs", "def f():\n    import dask.distributed", "only mfrec.batch"),
    ],
)
def test_a_violation_is_found(module: str, source: str, says: str) -> None:
    (said,) = broken_rules(module, source, frozenset(modules()) | {"mfrec.stages.cross"})
    assert says in said


def test_a_lookup_by_name_is_found() -> None:
    source = '"""About mfrec.generative."""\nimportlib.import_module("mfrec.generative.pulse")\n'
    assert named_in_text(source, "mfrec.generative") == [2]


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
