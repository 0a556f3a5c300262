"""The face parser on labelled faces that it has not learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mfrec.bench.run import evenly
from mfrec.bench.tables.result import Row, TableResult, finished, of_all
from mfrec.pipeline import Progress


def on_labelled_faces(folder: Path, limit: int | None, progress: Progress) -> TableResult:
    """Intersection over union of the parser as the recipes use it, region by region.

    The faces are those that training holds out, upright already; each is read as it is, and at 32 px and JPEG quality
    50 enlarged to where it was. Left and right are the person's own, in mirrored portraits too.

    Args:
        folder: of pictures and labels.
        limit: at most so many faces, spread evenly.

    Raises:
        InputError: the folder holds no such faces.
        WeightsError: the parser's weights are missing.
    """
    from mfrec.cards.load import load_network
    from mfrec.face.landmarks import read_aligned
    from mfrec.face.parsing import on_frame, probabilities
    from mfrec.face.regions import RARE
    from mfrec.metrics.iou import confusion, iou
    from mfrec.stages.parse import Parse
    from mfrec.train.data.labelled_faces import read_faces
    from mfrec.train.streams.parser_stream import SMALL, SMALL_QUALITY, scaled, small_jpeg
    from mfrec.types import Region, Similarity

    parse = Parse()
    network = load_network(parse.card)
    every = read_faces([folder], "valid")
    faces = evenly(every, limit)
    matrices = {column: np.zeros((len(Region), len(Region)), np.int64) for column in ("iou", "iou_small")}
    for i, face in enumerate(faces):
        progress("tables, parser", i, len(faces))
        height, width = face.labels.shape
        step = min(height, width) / parse.side
        first = (step - 1) / 2 + np.array((width - step * parse.side, height - step * parse.side)) / 2
        to_picture = Similarity(np.array([[step, 0, first[0]], [0, step, first[1]]]))
        crops = [read_aligned(made(face.image), to_picture, parse.side) for made in (scaled, small_jpeg)]
        for column, found in zip(matrices, probabilities(network, crops), strict=True):
            masks = on_frame(found, to_picture, face.labels.shape, 0, parse.card)
            matrices[column] += confusion(masks.labels, face.labels, len(Region))
    progress("tables, parser", len(faces), len(faces))
    scores = {column: iou(matrix) for column, matrix in matrices.items()}
    pixels = matrices["iou"].sum(axis=1)
    common = [region for region in Region if region not in RARE]
    rows = [
        Row(
            region.name.lower() + (" (rare)" if region in RARE else ""),
            {"pixels": float(pixels[region]), **{c: float(v[region]) for c, v in scores.items() if pixels[region]}},
            len(faces),
            "" if pixels[region] else "no face shows it",
        )
        for region in Region
    ]
    mean_of = {column: float(np.nanmean(values[common])) for column, values in scores.items()}
    rows.append(Row(f"mean of the {len(common)} common", mean_of, len(faces)))
    title = f"Face parser at {parse.side} px: intersection over union of each region"
    data = (
        f"{of_all(len(faces), len(every), 'held-out faces')} of the folder '{folder.resolve().name}', "
        f"as they are and at {SMALL} px and JPEG quality {SMALL_QUALITY}"
    )
    return finished("parser", title, data, ("pixels", "iou", "iou_small"), rows, cards=("parser",))
