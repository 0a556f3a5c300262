"""How well distances of embeddings tell one person from two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mfrec.bench.run import read_frames
from mfrec.bench.tables.result import Row, TableResult, finished
from mfrec.bench.tables.sequences import chosen_sequences
from mfrec.bench.weights import DETECTOR
from mfrec.errors import NoFaceError, WeightsError
from mfrec.image.geometry import resize
from mfrec.metrics.names import Truth
from mfrec.pipeline import Progress
from mfrec.types import FloatArray

EMBEDDINGS = {"dlib": "identity distance (dlib)", "recognition": "our recognition network"}

IDENTITY_SIDE = 128


def identity_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Area under the ROC curve of the distances of two pictures of one person, from different sequences, and of two."""
    from mfrec.metrics.identity import embed_all, separation

    del seed  # nothing is drawn
    faces, persons, names = [], [], []
    with chosen_sequences(data, people, limit) as (sequences, said):
        for i, sequence in enumerate(sequences):
            progress("tables, identity", i, len(sequences))
            frames = read_frames(sequence.folder)
            for frame in (frames[0], frames[-1]):
                truth = Truth(resize(frame, IDENTITY_SIDE, IDENTITY_SIDE, interpolation="area"), sequence.name)
                try:
                    faces.append((truth.image, truth.face.landmarks))
                except NoFaceError:
                    continue
                persons.append(sequence.person)
                names.append(sequence.name)
        progress("tables, identity", len(sequences), len(sequences))
    first, second = np.triu_indices(len(faces), 1)
    person, name = np.array(persons), np.array(names)
    different = person[first] != person[second]
    same = ~different & (name[first] != name[second])
    rows = []
    for kind, label in EMBEDDINGS.items():
        if not (same.any() and different.any()):
            why = "needs two people, and one of them in two sequences"
            rows.append(Row(label, {}, 0, f"not measured: this {why}"))
            continue
        try:
            vectors = np.stack(embed_all(faces) if kind == "dlib" else recognised(faces))
        except WeightsError as error:
            rows.append(Row(label, {}, 0, f"not there yet ({error})"))
            continue
        distance = np.linalg.norm(vectors[first] - vectors[second], axis=1)
        values = {
            "AUC": separation(distance[same], distance[different]),
            "same": float(distance[same].mean()),
            "different": float(distance[different].mean()),
        }
        rows.append(Row(label, values, int(same.sum() + different.sum())))
    title = f"Identity distance of one person and of two, pictures of {IDENTITY_SIDE} px"
    pairs = f"{int(same.sum())} pairs of one person from two sequences, {int(different.sum())} of two people"
    return finished(
        "identity",
        title,
        f"{said}, first and last frame of each: {pairs}",
        ("AUC", "same", "different"),
        rows,
        cards=(DETECTOR, "recognition"),
    )


def recognised(faces: Sequence[tuple]) -> list[FloatArray]:
    """Embeddings ``[128]`` by our own recognition network, without dropout."""
    import torch
    from torch.nn.functional import avg_pool2d

    from mfrec.cards.load import load_network
    from mfrec.metrics.serfiq import upright

    network = load_network("recognition")
    with torch.inference_mode():
        return [network(avg_pool2d(upright(image, landmarks), 2))[0].numpy() for image, landmarks in faces]
