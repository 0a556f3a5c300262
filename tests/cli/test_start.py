"""How the command line starts and ends: what was typed is imported and nothing else, and the end takes no time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mfrec import cli
from mfrec.cli import COMMANDS, app_of, main

LEFT = """
import atexit, sys
atexit.register(lambda: print("taken apart"))
from mfrec.cli import main
main()
"""


def test_what_was_typed_is_declared_alone() -> None:
    said = """
import json, sys
from mfrec.cli import app_of
app_of(["reconstruct"])
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert "mfrec.cli.runs" in loaded
    others = {"batch", "benchmarks", "custody", "desk", "evaluation", "people", "training", "upscale", "weights"}
    assert others & {name.removeprefix("mfrec.cli.") for name in loaded} == set()


def test_every_command_is_there_alone_and_with_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        with pytest.raises(SystemExit) as ending:
            app_of([name])([name, "--help"], prog_name="mfrec")
        assert ending.value.code == 0
        assert f"Usage: mfrec {name} " in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "apart"), [(["reconstruct", "--nothing"], False), (["inspect"], True)])
def test_a_run_ends_without_being_taken_apart(typed: list[str], apart: bool, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT, *typed], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode in (2, 3), done.stderr
    assert "error" in done.stderr.lower()
    assert ("taken apart" in done.stdout) is apart


NEVER = (
    "scipy.fft",
    "scipy.special",
    "scipy.linalg",
    "scipy.spatial",
    "scipy.stats",
    "skimage",
    "matplotlib",
    "fastai",
)
"""What a run imports none of."""

RUN = """
import json, sys
import mfrec.cli
mfrec.cli.leave = lambda code: print(json.dumps([code, sorted(sys.modules)]))
mfrec.cli.main()
"""


def test_a_run_imports_what_it_needs(tmp_path: Path) -> None:
    # Of frames without a face: what is imported later is asked of the modules that are reached.
    Image.fromarray(np.full((32, 32, 3), 128, np.uint8)).save(tmp_path / "grey.png")
    command = [sys.executable, "-c", RUN, "reconstruct", "grey.png", "-o", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    code, loaded = json.loads(done.stdout)
    assert code == 3
    assert {"mfrec.reconstruction", "mfrec.stages.fuse", "mfrec.nets.mtcnn", "scipy.sparse"} <= set(loaded)
    assert [name for name in loaded if name.startswith(NEVER)] == []
    assert "torch._dynamo" not in loaded


def test_what_is_misspelt_is_met_with_all_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mfrec", "reconstrukt"])
    with pytest.raises(SystemExit) as ending:
        main()
    assert ending.value.code == 2
    assert "reconstruct" in capsys.readouterr().err


def test_a_thread_that_was_being_started_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of its start leaves one listed that cannot be joined."""
    ended: list[int] = []
    monkeypatch.setattr(cli.threading, "enumerate", lambda: [threading.current_thread(), threading.Thread()])
    monkeypatch.setattr(cli.os, "_exit", ended.append)
    cli.leave(130)
    assert ended == [130]
