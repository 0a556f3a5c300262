"""Do the metrics say what they are read as? Four tables that measure the measures.

* ``metrics``: every metric over a ladder of blur, size and compression on the same faces; how well it keeps the
  order of the rungs (Spearman's rank correlation), and how long it takes on a pair of 256 px.
* ``identity``: how well distances of embeddings tell one person from two, at 128 px (area under the ROC curve).
* ``calibration``: whether the errors of a reconstruction lie where its uncertainty says.
* ``eyes``: errors of iris, pupil and gaze on drawn eyes, whose truth is known and which nothing was trained on.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mfrec.errors import NoFaceError, UsageError, WeightsError
from mfrec.geometry import enlarge, resize
from mfrec.measures import METRICS, Case, Truth, measure
from mfrec.pipeline import Progress
from mfrec.tables import Row, TableResult, finished, means
from mfrec.types import FloatArray

BLURS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Sigma in pixels of the ladder of blur."""

SIZES = (128, 64, 32, 16)
"""Side in pixels of the ladder of size; the picture is brought back by bicubic interpolation."""

QUALITIES = (90, 70, 50, 30, 20, 10, 5)
"""Of JPEG, of the ladders of compression."""

LADDERS = ("blur", "size", "jpeg", "jpeg32")
"""``jpeg`` compresses the picture as it is, ``jpeg32`` after shrinking it to 32 px, as small cameras do."""

LADDER_METRICS = tuple(
    name for name in METRICS if name not in ("cpbd_before", "cpbd_gain", "consistency", "tenths", "rank")
)
"""The metrics that need nothing but a picture and its truth."""

EMBEDDINGS = {"dlib": "identity distance (dlib)", "recognition": "our recognition network"}

IDENTITY_SIDE = 128

CALIBRATED = ("evidence", "restore")
"""The recipes whose uncertainty is measured."""

EYES = 300
"""How many eyes are drawn where no limit is given."""

EYE_WIDTHS = ((8, 16), (16, 30), (30, 60))
"""Pixels from corner to corner that the camera had."""


@contextmanager
def chosen_sequences(data: Path | None, people: str, limit: int | None) -> Iterator[tuple[list, str]]:
    """The sequences that a table is measured on, and in words what they are; None films the portrait."""
    from mfrec.bench import PORTRAITS, film_sequences, find_sequences

    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves nothing to measure; give 1 or more")
    with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
        root = Path(folder) if data is None else data
        if data is None:
            film_sequences(root, count=min(limit or PORTRAITS, PORTRAITS))
        every = find_sequences(root, people)
        chosen = every if limit is None else [every[i * len(every) // limit] for i in range(min(limit, len(every)))]
        source = "the astronaut portrait, filmed" if data is None else f"the folder '{root.resolve().name}'"
        persons = len({sequence.person for sequence in chosen})
        yield chosen, f"{len(chosen)} sequences of {persons} people from {source}, people {people}"


# --- metrics over a ladder of damage -----------------------------------------------------------------------


def rungs(picture: FloatArray, ladder: str) -> list[FloatArray]:
    """A picture and itself with more and more damage of one kind, all of one size."""
    from mfrec.filters import gaussian
    from mfrec.train.degrade import through_jpeg

    if ladder == "blur":
        damaged = [gaussian(picture, sigma) for sigma in BLURS]
    elif ladder == "size":
        side = picture.shape[0]
        damaged = [
            enlarge(resize(picture, small, small, interpolation="area"), side // small)
            for small in SIZES
            if small < side
        ]
    elif ladder == "jpeg":
        damaged = [through_jpeg(picture, quality).image for quality in QUALITIES]
    else:
        small = resize(picture, 32, 32, interpolation="area")
        scale = picture.shape[0] // 32
        damaged = [enlarge(through_jpeg(small, quality).image, scale) for quality in QUALITIES]
        picture = np.clip(enlarge(small, scale), 0, 1)
    return [picture, *(np.clip(image, 0, 1).astype(np.float32) for image in damaged)]


def order_kept(values: Sequence[float], better: str) -> float:
    """Spearman's rank correlation of damage with a metric: 1 where every rung is worse than the one before.

    Args:
        values: of the rungs, from no damage to the most.
        better: ``"less"``, else more counts as better.
    """
    from scipy.stats import spearmanr

    if np.ptp(np.nan_to_num(values, posinf=1e9)) == 0:
        return 0.0
    found = float(spearmanr(np.arange(len(values)), values).statistic)  # pyright: ignore[reportAttributeAccessIssue]
    return found if better == "less" else -found


def metrics_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Every metric over the ladders, on the middle frame of every sequence.

    Columns: mean over the faces of :func:`order_kept` for each ladder, the least of any face and ladder, the share of
    faces on which no step of blur makes the metric better, and the median time of one measurement.
    """
    from mfrec.bench import read_frames

    del seed  # nothing is drawn
    kept: dict[str, list[dict[str, float]]] = {name: [] for name in LADDER_METRICS}
    seconds: dict[str, list[float]] = {name: [] for name in LADDER_METRICS}
    reasons: dict[str, str] = {}
    with chosen_sequences(data, people, limit) as (sequences, said):
        for i, sequence in enumerate(sequences):
            progress("tables, metrics", i, len(sequences))
            frames = read_frames(sequence.folder)
            truth = Truth(frames[len(frames) // 2], sequence.name)
            try:
                truth.face  # noqa: B018  # looked for once, so that no metric is charged for it
            except NoFaceError as error:
                reasons |= dict.fromkeys(("identity", "landmarks", "iris", "pupil", "gaze", "serfiq"), str(error))
            pictures = {ladder: rungs(truth.image, ladder) for ladder in LADDERS}
            for name in LADDER_METRICS:
                found = ladder_values(name, truth, pictures, seconds[name])
                if isinstance(found, str):
                    reasons[name] = found
                    continue
                better = METRICS[name].better
                row = {ladder: order_kept(values, better) for ladder, values in found.items()}
                row["least"] = min(row.values())
                steps = np.diff(np.nan_to_num(found["blur"], posinf=1e9)) * (1 if better == "less" else -1)
                row["falls"] = float((steps >= 0).all())
                kept[name].append(row)
        progress("tables, metrics", len(sequences), len(sequences))
    rows = []
    for name in LADDER_METRICS:
        values = means(kept[name])
        if kept[name]:
            values["least"] = min(row["least"] for row in kept[name])
            values["seconds"] = float(np.median(seconds[name]))
        rows.append(Row(name, values, len(kept[name]), reasons.get(name, "")))
    title = "Metrics over ladders of blur, size and compression: Spearman's rank correlation with the damage"
    return finished(
        "metrics", title, f"{said}, the middle frame of each", (*LADDERS, "least", "falls", "seconds"), rows
    )


def ladder_values(
    name: str, truth: Truth, pictures: Mapping[str, list[FloatArray]], seconds: list[float]
) -> dict[str, list[float]] | str:
    """A metric on every rung of every ladder, or why it has no value; its times are added to ``seconds``."""
    out: dict[str, list[float]] = {}
    for ladder, damaged in pictures.items():
        out[ladder] = []
        for picture in damaged:
            start = time.perf_counter()
            values, missing = measure(Case(picture, truth, None, None), (name,))
            seconds.append(time.perf_counter() - start)
            if name not in values:
                return missing.get(name, "no value")
            out[ladder].append(values[name])
    return out


# --- identity ----------------------------------------------------------------------------------------------


def identity_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Area under the ROC curve of the distances of two pictures of one person, from different sequences, and of two."""
    from mfrec.bench import read_frames
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
        "identity", title, f"{said}, first and last frame of each: {pairs}", ("AUC", "same", "different"), rows
    )


def recognised(faces: Sequence[tuple]) -> list[FloatArray]:
    """Embeddings ``[128]`` by our own recognition network, without dropout."""
    import torch

    from mfrec.metrics.serfiq import upright
    from mfrec.weights import load_network

    network = load_network("recognition")
    with torch.inference_mode():
        return [network(upright(image, landmarks))[0].numpy() for image, landmarks in faces]


# --- calibration -------------------------------------------------------------------------------------------


def calibration_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Stated uncertainty against error: both recipes under every protocol, means over the sequences.

    Columns: error of the tenth said to be best over that of the tenth said to be worst, the same of the least fortunate
    sequence, the rank correlation, and the root mean square of error over stated uncertainty (1 is right, above 1 is
    overconfident).
    """
    from mfrec.bench import attempt, prepare, reconstructed
    from mfrec.metrics.calibration import normalised_error, rank_correlation, tenth_ratio
    from mfrec.protocols import PROTOCOLS

    found: dict[str, list[dict[str, float]]] = {}
    failed: dict[str, str] = {}
    with chosen_sequences(data, people, limit) as (sequences, said):
        work = [(protocol, sequence) for protocol in PROTOCOLS for sequence in sequences]
        for i, (protocol, sequence) in enumerate(work):
            progress("tables, calibration", i, len(work))
            with tempfile.TemporaryDirectory(prefix="mfrec-tables-") as folder:
                case = attempt(prepare, sequence, protocol, seed, Path(folder))
                for recipe in CALIBRATED:
                    label = f"{recipe}, {protocol}"
                    rows = found.setdefault(label, [])
                    if isinstance(case, str):
                        failed[label] = f"{sequence.name}: {case}"
                        continue
                    made = attempt(reconstructed, case.source, recipe, case.spoilt.reference, seed)
                    if isinstance(made, str):
                        failed[label] = f"{sequence.name}: {made}"
                        continue
                    three = (made.uncertainty, made.image, case.spoilt.truth)
                    rows.append(
                        {
                            "tenths": tenth_ratio(*three),
                            "rank": rank_correlation(*three),
                            "error/said": normalised_error(*three),
                        }
                    )
        progress("tables, calibration", len(work), len(work))
    rows = []
    for label in sorted(found, key=lambda label: label.split(",")[0]):
        values = means(found[label])
        if found[label]:
            values["worst tenths"] = max(row["tenths"] for row in found[label])
        reason = f"failed, for example on {failed[label]}" if label in failed else ""
        rows.append(Row(label, values, len(found[label]), reason))
    title = "Calibration: error of the tenth said to be best over that of the tenth said to be worst"
    return finished(
        "calibration", title, f"{said}, seed {seed}", ("tenths", "worst tenths", "rank", "error/said"), rows
    )


# --- drawn eyes --------------------------------------------------------------------------------------------


def eyes_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Errors of iris, pupil and gaze on drawn eyes of which at least half of the iris shows.

    Columns: mean distance of the centres in shares of the eye's width, share of the irises nearer than a tenth of it,
    mean angle of the gaze, and what always looking straight ahead would have.

    Raises:
        UsageError: a limit that leaves no eye, or a package of training is not installed.
    """
    from mfrec.eyes import EYE
    from mfrec.iris import find_iris
    from mfrec.metrics.gaze import angles, estimate_gaze

    del data, people  # the eyes are drawn
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves nothing to measure; give 1 or more")
    try:
        from mfrec.train.synthetic_eyes import draw_eye, render_eye
    except ModuleNotFoundError as error:
        raise UsageError(f"drawing eyes needs the package '{error.name}': pip install 'mfrec[train]'") from None

    count = limit or EYES
    cases = []
    for i in range(count):
        progress("tables, eyes", i, count)
        # Seeds of training and of its validation lie below 2^34.
        eye = draw_eye(np.random.default_rng((2**34 + seed, i)))
        drawn = render_eye(eye)
        if drawn.seen < 0.5:
            continue
        found = find_iris(drawn.image)
        values = {
            "iris": float(np.linalg.norm(found.centre - drawn.iris)) / EYE,
            "pupil": float(np.linalg.norm(found.pupil - drawn.pupil)) / EYE,
            "straight ahead": float(angles(np.zeros(2), np.array(eye.gaze))),
        }
        values["iris < 0.1"] = float(values["iris"] < 0.1)
        cases.append((eye, drawn.image, values))
    progress("tables, eyes", count, count)
    reason = ""
    try:
        for eye, image, values in cases:
            values["gaze"] = float(angles(estimate_gaze([image])[0], np.array(eye.gaze)))
    except WeightsError as error:
        reason = f"gaze is not measured ({error})"
    rows = []
    for low, high in ((0.0, math.inf), *EYE_WIDTHS):
        chosen = [values for eye, _, values in cases if low <= eye.width < high]
        label = f"eyes of {low} to {high} px" if high < math.inf else "all"
        rows.append(Row(label, means(chosen), len(chosen), reason if high == math.inf else ""))
    columns = ("iris", "iris < 0.1", "pupil", "gaze", "straight ahead")
    said = f"{count} eyes, drawn with seed {seed}; those with less than half of the iris are left out"
    return finished(
        "eyes", "Iris, pupil and gaze of drawn eyes, in shares of the eye's width and degrees", said, columns, rows
    )


METRIC_TABLES: dict[str, Callable[[Path | None, str, int, int | None, Progress], TableResult]] = {
    "metrics": metrics_table,
    "identity": identity_table,
    "calibration": calibration_table,
    "eyes": eyes_table,
}
"""Name to ``table(data, people, seed, limit, progress)``."""
