"""A handful of true pictures from the public-domain portrait: what the streams of training samples are tested with."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.film import HEAD, astronaut
from mfrec.image.geometry import resize
from mfrec.imageio import jpeg_bytes, png_bytes
from mfrec.train.data.pictures import FRAMES, Pictures

portrait = functools.cache(astronaut)


def face(dx: int = 0, dy: int = 0, side: int = 192) -> NDArray[np.uint8]:
    """The head, with the camera moved by some pixels, ``[side, side, 3]`` uint8."""
    x, y = (int(centre) - side // 2 for centre in HEAD)
    cut = portrait()[y + dy : y + dy + side, x + dx : x + dx + side]
    return np.rint(cut * 255).astype(np.uint8)


def moving(length: int = FRAMES) -> tuple[NDArray[np.uint8], ...]:
    """Consecutive frames of a camera that moves by 2 px to the right and 1 px down in each."""
    return tuple(face(2 * k, k) for k in range(length))


def few_pictures() -> Pictures:
    """Two stills and a sequence."""
    return Pictures((face(), face(20, 10, 160)), (moving(),))


def write_labelled(folder: Path, *, side: int = 32, label: int = 128, names: tuple[str, ...] | None = None) -> Path:
    """A folder as MLFDB has them: seven frames ``side`` px large and their label."""
    folder.mkdir(parents=True)
    names = names or (*(f"{k}.jpg" for k in range(FRAMES)), "gt.png")
    for k, name in enumerate(names[:-1]):
        small = resize(face(2 * k, k) / np.float32(255), side, side, interpolation="area")
        (folder / name).write_bytes(jpeg_bytes(small, 50 + 5 * k))
    large = resize(face(6, 3) / np.float32(255), label, label, interpolation="area")
    (folder / names[-1]).write_bytes(png_bytes(large))
    return folder
