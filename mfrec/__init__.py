"""mfrec: one picture of a face from many poor ones, with a record of where each pixel came from."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

# An installer refuses too, but a clone that lies on the path has met none. Python 3.6 has to understand the lines up to
# here, so no annotations from the future.
if sys.version_info < (3, 11):  # noqa: UP036
    raise ImportError(
        f"mfrec needs Python 3.11 or newer, and this is {sys.version_info[0]}.{sys.version_info[1]}; make an "
        "environment with a newer one: conda env create -f environment.yml, or make demo PYTHON=python3.11"
    )

from mfrec.version import __version__

if TYPE_CHECKING:
    from mfrec.errors import InputError, MfrecError, NoFaceError, NoFramesError, UsageError, WeightsError
    from mfrec.outputs import save
    from mfrec.pipeline import Pipeline, Run
    from mfrec.reconstruction import reconstruct
    from mfrec.types import FaceTrack, Frame, Fused, Observation, Reconstruction, Region

__all__ = [
    "FaceTrack",
    "Frame",
    "Fused",
    "InputError",
    "MfrecError",
    "NoFaceError",
    "NoFramesError",
    "Observation",
    "Pipeline",
    "Reconstruction",
    "Region",
    "Run",
    "UsageError",
    "WeightsError",
    "__version__",
    "reconstruct",
    "save",
]

_HOME = {
    "FaceTrack": "types",
    "Frame": "types",
    "Fused": "types",
    "InputError": "errors",
    "MfrecError": "errors",
    "NoFaceError": "errors",
    "NoFramesError": "errors",
    "Observation": "types",
    "Pipeline": "pipeline",
    "Reconstruction": "types",
    "Region": "types",
    "Run": "pipeline",
    "UsageError": "errors",
    "WeightsError": "errors",
    "reconstruct": "reconstruction",
    "save": "outputs",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that ``import mfrec`` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'mfrec' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"mfrec.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
