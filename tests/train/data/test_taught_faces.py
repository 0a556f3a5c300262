"""The script that labels faces by the parser itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from mfrec.cards.load import load_network
from mfrec.face.regions import MIRRORED
from mfrec.imageio import png_bytes
from mfrec.train.data.labelled_faces import UNLABELLED, read_faces
from mfrec.types import FloatArray, Region

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "make_taught_faces.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_taught_faces", SCRIPT)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_faces_of_the_manifest_get_labels_that_training_reads(
    script: ModuleType, portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stills = tmp_path / "stills"
    stills.mkdir()
    noise = np.random.default_rng(1).random((64, 64, 3), dtype=np.float32)
    for name, picture in {"face": portrait, "held": portrait, "unnamed": portrait, "noise": noise}.items():
        (stills / f"{name}.png").write_bytes(png_bytes(picture))
    (stills / "manifest.csv").write_text("file,note\nface.png,\nheld.png,also in masks\nnoise.png,\n")
    monkeypatch.setattr("sys.argv", ["x", str(stills), "-o", str(tmp_path / "out"), "--without", "also in masks"])
    script.main()
    (label,) = (tmp_path / "out" / "labels").iterdir()
    labels = np.asarray(Image.open(label))
    assert {int(label) for label in np.unique(labels)} - {UNLABELLED} <= {region.value for region in Region}
    assert np.mean(labels == Region.SKIN.value) > 0.1
    assert 0 < np.mean(labels == UNLABELLED) < script.MOST_UNSURE
    assert len(read_faces([tmp_path / "out"], "train")) == 1


def test_the_teacher_sees_a_mirrored_face_mirrored(script: ModuleType, portrait: FloatArray) -> None:
    face, labels = script.taught(load_network("parser"), portrait)
    straight = script.opinion(load_network("parser"), face).argmax(0)
    mirrored = script.opinion(load_network("parser"), np.ascontiguousarray(face[:, ::-1])).argmax(0)
    exchanged = {int(a): int(b) for a, b in MIRRORED.items()}
    back = np.vectorize(lambda label: exchanged.get(label, label))(mirrored[:, ::-1])
    assert np.mean(back == straight) > 0.99
    assert np.array_equal(labels[labels != UNLABELLED], straight[labels != UNLABELLED])
