"""Time and memory of a whole run against the number of frames and their size.

Every setting is one ``mfrec reconstruct`` in a process of its own, from the start of Python to the last file of
the report, as an analyst waits for it. How the work grows is fitted to the seconds of all cores together, because
other programs on the machine lengthen the wait and not the work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mfrec.errors import MfrecError, UsageError
from mfrec.pipeline import Progress, silent
from mfrec.provenance.plain_json import to_json
from mfrec.provenance.surroundings import machine, versions
from mfrec.report.text_table import aligned

FRAMES = (3, 7, 15, 31)
SIZES = (32, 64, 128)

# A process that is started by a large one inherits its parent's peak memory on Linux (exec keeps the high-water
# mark of the memory that was shared until then), so a small one stands between and asks about its only child.
LAUNCHER = """
import json, os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
said = child.stderr.read()
_, status, used = os.wait4(child.pid, 0)
seconds = time.perf_counter() - start
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "bytes": used.ru_maxrss * unit,
                  "cpu": used.ru_utime + used.ru_stime, "said": said.decode(errors="replace")[-2000:]}))
"""


@dataclass(frozen=True)
class Usage:
    """What one process used.

    Attributes:
        code: its exit code. said: the end of what it wrote on stderr.
        seconds: wall time. cpu: seconds of all cores together.
        bytes: peak resident memory.
    """

    code: int
    seconds: float
    cpu: float
    bytes: int
    said: str


@dataclass(frozen=True)
class Setting:
    """One reconstruction: so many frames of so many pixels a side."""

    frames: int
    size: int
    seconds: float
    cpu: float
    bytes: int

    @property
    def pixels(self) -> int:
        """Of all frames together."""
        return self.frames * self.size**2


@dataclass(frozen=True)
class Growth:
    """The least-squares fit ``fixed + frame * frames + pixel * pixels`` of CPU seconds; pixels of all frames together.

    Attributes:
        fixed: seconds whatever the input. frame: seconds a frame. pixel: seconds a pixel that is read.
        explained: share of the variance that the fit explains (R squared); 1 is exactly linear.
    """

    fixed: float
    frame: float
    pixel: float
    explained: float

    def at(self, setting: Setting) -> float:
        """CPU seconds that the fit expects."""
        return self.fixed + self.frame * setting.frames + self.pixel * setting.pixels


@dataclass(frozen=True)
class CostResult:
    """What :func:`cost` measured.

    Attributes:
        recipe: that ran.
        settings: one a run.
        growth: how the work grows over them.
    """

    recipe: str
    settings: tuple[Setting, ...]
    growth: Growth

    def table(self) -> str:
        """One row a setting, and the fit."""
        header = ("frames", "size", "seconds", "CPU seconds", "linear fit", "MiB")
        rows = [
            (
                str(s.frames),
                f"{s.size} px",
                f"{s.seconds:.2f}",
                f"{s.cpu:.2f}",
                f"{self.growth.at(s):.2f}",
                f"{s.bytes / 2**20:.0f}",
            )
            for s in self.settings
        ]
        g = self.growth
        fit = (
            f"linear fit of the CPU seconds: {g.fixed:.2f} + {g.frame:.3f} a frame + {g.pixel * 1e3:.4f} a thousand "
            f"pixels read, R squared {g.explained:.4f}"
        )
        return f"{self.recipe}, whole process\n\n{aligned(header, rows)}\n\n{fit}"

    def to_json(self) -> str:
        """The same as JSON, with the machine and the versions."""
        return to_json({"schema": 1, "machine": machine(), "versions": versions()} | asdict(self))


def cost(
    frames: Sequence[int] = FRAMES,
    sizes: Sequence[int] = SIZES,
    *,
    recipe: str = "evidence",
    seed: int = 0,
    progress: Progress = silent,
) -> CostResult:
    """Measure every combination of ``frames`` and ``sizes``, one after the other.

    Args:
        frames: numbers of frames.
        sizes: pixels of a frame along each side, even, from 16.
        recipe: a recipe's name or file.
        seed: of the filmed motion.
        progress: called as ``progress("cost", done, total)``.

    Raises:
        UsageError: nothing to measure, or a system without ``wait4``.
        MfrecError: a run failed; the message ends with what it said.
    """
    import os

    if not hasattr(os, "wait4"):
        raise UsageError("this system cannot report the memory of one process; measure on Linux or macOS")
    if not frames or not sizes or min(frames) < 1:
        raise UsageError(
            f"cannot measure {list(frames)} frames of {list(sizes)} px: give numbers from 1 and sizes from 16"
        )
    settings: list[Setting] = []
    total = len(frames) * len(sizes)
    with tempfile.TemporaryDirectory(prefix="mfrec-cost-") as folder:
        film_frames(Path(folder), max(frames), sizes, seed)
        for size in sizes:
            for count in frames:
                progress("cost", len(settings), total)
                files = [str(Path(folder) / str(size) / f"{i}.jpg") for i in range(count)]
                # All of them are used: of many frames a run would choose some, and grow no further.
                command = ["reconstruct", *files, "-o", str(Path(folder) / f"{size}-{count}"), "--recipe", recipe]
                command += ["--frames", str(count)]
                used = launch([sys.executable, "-m", "mfrec", *command])
                if used.code:
                    raise MfrecError(f"{count} frames of {size} px ended with code {used.code}: {used.said.strip()}")
                settings.append(Setting(count, size, used.seconds, used.cpu, used.bytes))
    progress("cost", total, total)
    return CostResult(recipe, tuple(settings), growth(settings))


def launch(command: Sequence[str]) -> Usage:
    """Run a command to its end and say what it used, and nothing of what its parent uses."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *command], check=True, capture_output=True, text=True
    )
    return Usage(**json.loads(done.stdout))


def growth(settings: Sequence[Setting]) -> Growth:
    """Fit :class:`Growth`; where the settings do not determine it, the smallest coefficients that fit."""
    rows = np.array([(1.0, s.frames, s.pixels) for s in settings])
    seconds = np.array([s.cpu for s in settings])
    # Columns of one size, so that "smallest" means the same for each and no digits are lost.
    sizes = rows.max(axis=0)
    scaled, *_ = np.linalg.lstsq(rows / sizes, seconds, rcond=None)
    left = float(np.sum((rows / sizes @ scaled - seconds) ** 2))
    spread = float(np.sum((seconds - seconds.mean()) ** 2))
    fixed, frame, pixel = (float(value) for value in scaled / sizes)
    return Growth(fixed, frame, pixel, 1.0 - left / spread if spread > 0 else 1.0)


def film_frames(root: Path, count: int, sizes: Sequence[int], seed: int) -> None:
    """Write ``count`` JPEG frames of the filmed portrait at each size, as ``32/0.jpg`` and so on."""
    from skimage.data import astronaut

    from mfrec.camera.film import draw_shoot, film
    from mfrec.camera.protocols import SCALE
    from mfrec.image.geometry import resize
    from mfrec.imageio import jpeg_bytes

    portrait = (astronaut() / 255.0).astype(np.float32)
    smallest = max(16, -(-max(sizes) // SCALE))
    truth = film(portrait, draw_shoot(frames=count, size=smallest + smallest % 2, seed=seed)).truth
    for size in sizes:
        folder = root / str(size)
        folder.mkdir()
        for i, frame in enumerate(truth):
            small = resize(frame, size, size, interpolation="area")
            (folder / f"{i}.jpg").write_bytes(jpeg_bytes(small, 75))
