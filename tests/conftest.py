"""What several test files share: the public-domain portrait, and a small film of it on disk."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# Before anything loads a linear algebra, and for every process that a test starts: matrices are small here, and threads
# that wait for each other on busy cores take up to twenty times the processor time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfrec.bench.tables.repose_trials import Picture
    from mfrec.camera.film import Film
    from mfrec.types import FloatArray


@pytest.fixture(scope="session")
def portrait() -> FloatArray:
    """The head of the astronaut with some background, ``[192, 192, 3]`` float32 RGB in [0, 1], read-only."""
    from mfrec.camera.film import HEAD, astronaut
    from mfrec.types import frozen_array

    x, y = (int(centre) - 96 for centre in HEAD)
    return frozen_array(astronaut()[y : y + 192, x : x + 192])


@pytest.fixture(scope="session")
def filmed() -> Film:
    """Seven frames of 48 px with their truth."""
    from mfrec.camera.film import astronaut, draw_shoot, film

    return film(astronaut(), draw_shoot(frames=7, size=48, seed=3))


@pytest.fixture(scope="session")
def clip(filmed: Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film as a file, ``clip.mp4`` in a folder of its own."""
    path = tmp_path_factory.mktemp("film") / "clip.mp4"
    path.write_bytes(filmed.clip)
    return path


@pytest.fixture(scope="session")
def sequence(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film's frames as they decode, ``0.png`` to ``6.png`` in a folder of their own."""
    from mfrec.imageio import png_bytes, read

    folder = tmp_path_factory.mktemp("sequence")
    for frame in read(clip).frames:
        (folder / f"{frame.index}.png").write_bytes(png_bytes(frame.image))
    return folder


@pytest.fixture(scope="session")
def filmed_sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sequences for the bench with one of the portrait in it; never written to."""
    from mfrec.bench.run import film_sequences

    root = tmp_path_factory.mktemp("sequences")
    film_sequences(root, count=1)
    return root


@pytest.fixture
def few_learnt_eyes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tables of enlarged eyes whose contours are learnt from sixty eyes and not from hundreds."""
    from mfrec.bench.tables import judged_eyes

    monkeypatch.setattr(judged_eyes, "LEARNT", 60)
    judged_eyes.learnt_contours.cache_clear()
    yield
    judged_eyes.learnt_contours.cache_clear()


@pytest.fixture
def hasty_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials of the stage ``repose`` in which faces are embedded, and people learnt, in two steps and not hundreds."""
    from mfrec.bench.tables import repose_trials

    monkeypatch.setattr(repose_trials, "drawing_repose", partial(repose_trials.drawing_repose, steps=2))


@pytest.fixture(scope="session")
def turned() -> dict[str, Picture]:
    """The portrait at known turns of a smooth model of her head, by ``"yaw Y, pitch P"``."""
    from mfrec.bench.tables.repose_trials import turned_portraits

    return {picture.name: picture for picture in turned_portraits()}
