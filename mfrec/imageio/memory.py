"""Frames out of bytes in memory, exactly as :func:`mfrec.imageio.read` gives them from a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mfrec.types import Frame


def decoded(name: str, data: bytes) -> tuple[Frame, ...]:
    """The frames of one picture or clip.

    Args:
        name: of the file, whose suffix says what it is.
        data: its bytes.

    Raises:
        InputError: they cannot be read.
    """
    from mfrec.imageio import read

    with tempfile.TemporaryDirectory(prefix="mfrec-decoded-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read(path).frames
