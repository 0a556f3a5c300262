"""fastai can be imported beside any build of PyTorch and torchvision."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_fastai_trains_whatever_torchvision_is_installed() -> None:
    code = (
        "from mfrec.train.fastai_import import STAND_INS, Learner\n"
        "import torch, torchvision\n"
        "found = hasattr(torch.ops.torchvision, 'nms')\n"
        "real = torchvision.extension._has_ops()\n"
        "print(found, (STAND_INS is None) == real)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_importing_training_without_fastai_is_cheap(tmp_path: Path) -> None:
    """The recipe and the degradation are of use without a learner."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import mfrec.train.recipe\n"
        "print({'torch', 'fastai', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
