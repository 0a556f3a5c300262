"""How far a generator's faces are from the portraits that it learnt from: the Fréchet distance.

The feature network is the trunk of mfrec's recognition network and not the Inception network of the published FID, so
the numbers compare trainings of one generator on one set of portraits, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.bench.run import evenly
from mfrec.bench.tables.result import Row, TableResult, finished, of_all
from mfrec.bench.weights import DETECTOR
from mfrec.errors import InputError, UsageError
from mfrec.pipeline import Progress

SHIPPED = "stylegan"

FEATURES = "recognition"
"""Card of the feature network."""

LEAST = 16
"""Portraits without which nothing is compared."""

BATCH = 32


def generator_table(
    data: Path | None, cards: Sequence[str], seed: int, limit: int | None, progress: Progress
) -> TableResult:
    """The Fréchet distance of the shipped generator, of untrained ones like it, and of the user's cards.

    Args:
        data: folder of the stills that it learnt from.
        cards: names or paths of generators' cards, a row each; such as exports of one training at several lengths.
        seed: of the latent vectors and of the halves.
        limit: at most so many stills, spread evenly.
        progress: called as ``progress("tables, generator", done, total)``.

    Raises:
        UsageError: no folder.
        InputError: it shows too few faces.
        WeightsError: a card cannot be used.
    """
    import torch

    from mfrec.cards.load import card_path, check_kind, load_network, new_network, read_card
    from mfrec.nets.threads import one_thread
    from mfrec.train.data.pictures import Pictures, read_pictures
    from mfrec.train.data.portraits import upright

    if data is None:
        raise UsageError("table 'generator' needs the folder of the stills that the generator learnt from")
    for card in cards:
        check_kind(card, "stylegan2")
    shipped = read_card(card_path(SHIPPED))
    every = read_pictures([data], "train").every
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        untrained = new_network(shipped).eval()
    generators: dict[str, Any] = {"untrained": untrained}
    for card in cards:
        generators[named(card, read_card(card_path(card)).trained_for)] = load_network(card)
    whole = named(f"{SHIPPED} as shipped", shipped.trained_for)
    generators[whole] = load_network(SHIPPED)
    stills = evenly(every, limit)
    portraits, _ = upright(Pictures(stills=tuple(stills)), untrained.side)
    if len(portraits) < LEAST:
        raise InputError(
            f"{len(portraits)} of {len(stills)} pictures in '{data}' show a face; at least {LEAST} are needed"
        )
    trunk = load_network(FEATURES)
    z = torch.randn(len(portraits), untrained.latent, generator=torch.Generator().manual_seed(seed))
    rows = []
    with one_thread():
        real = features(trunk, torch.from_numpy(portraits).permute(0, 3, 1, 2) / 255)
        halves = np.random.default_rng(seed).permutation(len(real))
        floor = distance(real[halves[::2]], real[halves[1::2]])
        rows.append(Row("half of the portraits against the others", floor, len(real) // 2))
        for done, (label, generator) in enumerate(generators.items()):
            progress("tables, generator", done, len(generators))
            if generator.latent != z.shape[1] or generator.side != untrained.side:
                rows.append(Row(label, {}, 0, f"draws {generator.side} px of {generator.latent} numbers; not compared"))
                continue
            with torch.no_grad():
                drawn = torch.cat([generator(part) for part in z.split(BATCH)]).clamp(0, 1)
            names = (SHIPPED,) if label == whole else ()
            rows.append(Row(label, distance(features(trunk, drawn), real), len(drawn), cards=names))
        progress("tables, generator", len(generators), len(generators))
    said = (
        f"{of_all(len(portraits), len(every), 'upright faces')} from the folder '{data.resolve().name}', training "
        f"split, and as many drawn ones of latent vectors of seed {seed}; features of the trunk of mfrec's recognition "
        "network, averaged over the face, and not of Inception"
    )
    return finished(
        "generator",
        "Fréchet distance of drawn faces from the portraits that the generator learnt from",
        said,
        ("frechet",),
        rows,
        cards=(DETECTOR, FEATURES),
    )


def named(card: str, trained_for: str) -> str:
    """A generator as its row calls it: its name, and how long it learnt where its card says so."""
    return ", ".join(filter(None, (Path(card).stem if card.endswith(".toml") else card, trained_for)))


def distance(a: NDArray, b: NDArray) -> dict[str, float]:
    """The column of a row."""
    from mfrec.metrics.frechet import frechet_distance

    return {"frechet": frechet_distance(a, b)}


def features(trunk: Any, pictures: Any) -> NDArray:
    """``[N, D]`` of pictures ``[N, 3, h, w]`` in [0, 1]: the coarsest level of the trunk, averaged over its cells."""
    import torch

    from mfrec.nets.recognition import SIDE

    found = []
    with torch.inference_mode():
        for part in pictures.split(BATCH):
            large = torch.nn.functional.interpolate(
                part.contiguous(), size=(SIDE, SIDE), mode="bicubic", align_corners=False
            )
            found.append(trunk.levels(large.clamp(0, 1))[-1].mean(dim=(2, 3)))
    return torch.cat(found).cpu().numpy()
