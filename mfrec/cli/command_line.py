"""What was typed, as the record and the documents quote it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def command() -> str:
    """What was typed, quoted so that it can be typed again."""
    return shlex.join(["mfrec", *sys.argv[1:]])


def command_without_paths() -> str:
    """What was typed, with nothing of the machine in it but the last name of each path."""
    # A fold of people such as 0/4 looks like a path too, but its folder does not exist.
    words = [Path(word).name if Path(word).parent.exists() else word for word in sys.argv[1:]]
    return shlex.join(["mfrec", *words])
