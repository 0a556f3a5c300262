"""Learn the directions of a generator from faces that it draws, and write them as a card."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tomlkit
from safetensors.numpy import save

from mfrec.cards.load import card_path, check_kind, load_network, read_card
from mfrec.errors import UsageError
from mfrec.generative.directions import SCORES, boundary, conditioned, scored_styles
from mfrec.generative.turns import measured
from mfrec.nets.threads import one_thread
from mfrec.publication.files import replace_files
from mfrec.types import FloatArray
from mfrec.version import __version__

CARD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

FACES = 4000
"""Drawn faces from which directions are learnt."""

TURNED = 16
"""Other faces whose turn is measured, for the card."""


def learn(card: str, out: Path, *, faces: int = FACES, seed: int = 0) -> tuple[str, ...]:
    """Draw faces, score them, and write a direction for each of :data:`SCORES` as a card, with how far others turn.

    Args:
        card: name or path of a generator's card.
        out: path of the new card, ``NAME.toml``; the weights beside it get the same name.
        faces: how many are drawn.
        seed: of the faces.

    Returns:
        The attributes.

    Raises:
        UsageError: too few faces, no name for a card, or files that mfrec did not write are in the way.
        WeightsError: the card is none of a generator.
    """
    check_kind(card, "stylegan2")
    if not CARD_NAME.fullmatch(name := out.name.removesuffix(".toml")):
        raise UsageError(f"'{out.name}' is no name for a card; give letters, digits, '_', '-' and '.': turns.toml")
    known, generator = read_card(card_path(card)), load_network(card)
    with one_thread():
        styles, scores = scored_styles(generator, tuple(SCORES.values()), faces, seed=seed)
        normals = np.stack([boundary(styles, scores[:, k]) for k in range(len(SCORES))])
        turn = measured(generator, facing(dict(zip(SCORES, normals, strict=True))), TURNED, seed + 1)
    payload = save({"normals": normals})
    values = {
        "net": "style_directions",
        "file": f"{name}.safetensors",
        "summary": f"Directions along which faces of '{known.name}' change: {', '.join(SCORES)}.",
        "paper": "InterFaceGAN (Shen et al., CVPR 2020), scores from landmarks",
        "licence": known.licence,
        "input": f"float32 styles [B, S, {generator.latent}] and steps [B, {len(SCORES)}]",
        "objective": "adversarial",
        "sha256": hashlib.sha256(payload).hexdigest(),
        "origin": f"learnt by mfrec {__version__} from faces that the generator '{known.name}' drew",
        "training": f"{faces} drawn faces, seed {seed}; no pictures of people beyond those of the generator",
        "metrics": {key: round(value, 4) for key, value in turn.items()},
        "arguments": {"latent": generator.latent, "names": list(SCORES), "generator": known.sha256},
    }
    text = tomlkit.dumps(values)
    replace_files(out.parent, {f"{name}.safetensors": payload, f"{name}.toml": text.encode("utf-8")})
    return tuple(SCORES)


def facing(normals: Mapping[str, FloatArray]) -> FloatArray:
    """The direction ``[latent]`` along which a face turns and does not smile."""
    return conditioned(normals["yaw"], normals["smile"])
