"""Measure recipes against plain alternatives on frames whose truth is known.

Sequences of good frames are spoilt by a named protocol (:mod:`mfrec.camera.protocols`), written as the files that a
bad camera would have delivered, read back, and reconstructed by every method in the same run. The truth is
never shown to a method. Each figure is also given as a difference to bicubic enlargement of the reference
frame, paired by sequence, with the worst sequence: a mean can hide one spoilt case, and an analyst has one case.

A folder of sequences looks like this; frames have 256 px a side, the table is optional::

    SEQUENCES/seq_001/0.jpg ... 6.jpg
    SEQUENCES/seq_002/0.jpg ...
    SEQUENCES/sequences.csv              columns seq, person; to split by person (or SEQUENCES/SEQUENCES.csv)
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from mfrec.bench.scores import BASELINE, BenchResult, Score, SequenceResult
from mfrec.errors import InputError, UsageError
from mfrec.image.stamp import WORDS
from mfrec.imageio.sequences import TruthSequence, find_sequences
from mfrec.pipeline import Progress, silent
from mfrec.provenance.surroundings import machine, versions

if TYPE_CHECKING:
    from mfrec.camera.protocols import Spoilt
    from mfrec.types import FloatArray, Landmarks, Reconstruction

T = TypeVar("T")

SIDE = 256
"""Pixels of a truth frame along each side; the protocols state their blur at this size."""

REGISTERED: tuple[Literal["mean", "median"], ...] = ("mean", "median")
"""Methods of the stage ``fuse`` that are run on the frames as the ``evidence`` recipe registers them."""

PLAIN = (BASELINE, "unregistered", *REGISTERED)
"""Methods without a recipe (more are in :mod:`mfrec.bench.peers`); ``unregistered`` averages frames as they are."""

METHODS = (*PLAIN, "evidence")


def bench(
    sequences: Path | None,
    protocols: Sequence[str],
    methods: Sequence[str] = METHODS,
    *,
    people: str = "all",
    seed: int = 0,
    limit: int | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> BenchResult:
    """Spoil, reconstruct and measure. A sequence that fails is recorded and the others go on.

    Args:
        sequences: folder of truth sequences (see the module); None films the public-domain portrait.
        protocols: names of :data:`mfrec.camera.protocols.EVERY` and groups of them (``"exports"``, ``"long"``).
        methods: of :data:`PLAIN`, peers (:mod:`mfrec.bench.peers`), recipe names, or paths of recipe files. ``bicubic``
            is always measured.
        people: ``"all"``, ``"final"``, ``"even"``, ``"odd"`` or ``"K/N"``, see :func:`chosen_person`.
        seed: of the damage. Each sequence draws its own, from this, the protocol and its name.
        limit: measure at most so many sequences, spread evenly over the list.
        jobs: processes. More than one changes the times, not the figures.
        progress: called as ``progress("bench", done, total)``.

    Raises:
        UsageError: an unknown protocol or method, or a split or limit that cannot be.
        InputError: the folder is missing or holds no sequence.
        WeightsError: a peer's weights are missing or damaged.
    """
    from mfrec.camera.protocols import LONG, LONG_COUNTS

    if jobs < 1:
        raise UsageError(f"{jobs} jobs cannot do anything; give 1 or more")
    protocols, methods = planned(protocols, methods, limit)

    with tempfile.TemporaryDirectory(prefix="mfrec-bench-") as folder:
        root = Path(folder) if sequences is None else Path(sequences)
        if sequences is None:
            frames = max(LONG_COUNTS) if any(protocol in LONG for protocol in protocols) else FRAMES
            film_sequences(root, count=min(limit or PORTRAITS, PORTRAITS), frames=frames)
        found = evenly(find_sequences(root, people), limit)
        work = [(sequence, protocol, methods, seed) for protocol in protocols for sequence in found]
        results: dict[int, SequenceResult] = {}
        progress("bench", 0, len(work))
        for i, result in run_all(work, jobs):
            results[i] = result
            progress("bench", len(results), len(work))
    return bench_result(
        sequences,
        [results[i] for i in range(len(work))],
        people=people,
        seed=seed,
        protocols=protocols,
        methods=methods,
    )


def planned(
    protocols: Sequence[str], methods: Sequence[str], limit: int | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The protocols by their single names, and the methods, the baseline first, none of them twice.

    Raises:
        UsageError, WeightsError: see :func:`bench`.
    """
    from mfrec.camera.protocols import named

    protocols = named(protocols)
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves no sequence; give 1 or more")
    methods = tuple(dict.fromkeys((BASELINE, *methods)))
    for method in methods:
        check_method(method)
    return protocols, methods


def bench_result(
    sequences: Path | None,
    results: Sequence[SequenceResult],
    *,
    people: str,
    seed: int,
    protocols: tuple[str, ...],
    methods: tuple[str, ...],
) -> BenchResult:
    """What was measured, and by what; arguments as in :func:`bench`, ``results`` in its order."""
    return BenchResult(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=machine(),
        versions=versions(),
        commit=commit(),
        source="the astronaut portrait, filmed" if sequences is None else sequences.resolve().name,
        people=people,
        seed=seed,
        protocols=protocols,
        methods=methods,
        results=tuple(results),
    )


def check_method(method: str) -> None:
    """Refuse what is no method before anything is measured.

    Raises:
        UsageError: neither a plain alternative, nor a peer, nor a recipe.
        WeightsError: a peer's weights are missing or damaged.
    """
    from mfrec.bench.peers import find_peer, is_peer
    from mfrec.recipe import load

    if is_peer(method):
        find_peer(method)
    elif method not in PLAIN:
        load(method)


# --- sequences ---------------------------------------------------------------------------------------------


def evenly(items: Sequence[T], limit: int | None) -> list[T]:
    """All of them, or ``limit`` of them that are spread evenly where there are more."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[i * len(items) // limit] for i in range(limit)]


PORTRAITS = 6
"""How many sequences are filmed where none are given."""


FRAMES = 7
"""Frames of a filmed sequence, unless a protocol needs more."""


def film_sequences(root: Path, count: int = PORTRAITS, frames: int = FRAMES) -> None:
    """Film the portrait ``count`` times with other motions and write the ideal frames as ``seq_1/0.png`` and so on.

    They show one person under one light, turned about by a smooth model of a head: enough to see a method
    break, not enough to rank two good ones.
    """
    from skimage.data import astronaut

    from mfrec.camera.film import draw_shoot, film
    from mfrec.camera.protocols import SCALE
    from mfrec.imageio import png_bytes

    portrait = (astronaut() / 255.0).astype(np.float32)
    for number in range(1, count + 1):
        folder = root / f"seq_{number}"
        folder.mkdir()
        for i, frame in enumerate(film(portrait, draw_shoot(frames=frames, size=SIDE // SCALE, seed=number)).truth):
            (folder / f"{i}.png").write_bytes(png_bytes(frame))
    rows = "".join(f"seq_{number},astronaut\n" for number in range(1, count + 1))
    (root / "sequences.csv").write_text(f"seq,person\n{rows}", encoding="utf-8")


# --- one sequence ------------------------------------------------------------------------------------------

Work = tuple[TruthSequence, str, tuple[str, ...], int]


def run_all(work: Sequence[Work], jobs: int) -> Iterator[tuple[int, SequenceResult]]:
    """Measure each item, in any order; yields its position and its result."""
    if jobs == 1:
        for i, item in enumerate(work):
            yield i, run_sequence(*item)
        return
    # Fresh processes: a fork would copy the locks of OpenCV's and torch's threads in whatever state they are.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(run_sequence, *item): i for i, item in enumerate(work)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def run_sequence(sequence: TruthSequence, protocol: str, methods: tuple[str, ...], seed: int) -> SequenceResult:
    """Spoil one sequence, run every method on the same files and measure. Errors are recorded, not raised."""
    result = SequenceResult(protocol, sequence.name, sequence.person)
    with tempfile.TemporaryDirectory(prefix="mfrec-bench-") as folder:
        case = attempt(prepare, sequence, protocol, seed, Path(folder))
        if isinstance(case, str):
            return replace(result, errors={"sequence": case})
        outcomes = {method: attempt(case.score, method) for method in methods}
    height, width = case.spoilt.truth.shape[:2]
    return replace(
        result,
        drawn=asdict(case.spoilt.drawn),
        truth=(width, height),
        scores={method: outcome for method, outcome in outcomes.items() if not isinstance(outcome, str)},
        errors={method: outcome for method, outcome in outcomes.items() if isinstance(outcome, str)},
    )


def attempt(work: Callable[..., T], *args: Any) -> T | str:
    """What ``work`` returns, or the error that it raised as text."""
    try:
        return work(*args)
    except Exception as error:  # whatever one sequence or method trips over is a finding, not the end of the bench
        return f"{type(error).__name__}: {error}"


def prepare(sequence: TruthSequence, protocol: str, seed: int, folder: Path) -> Case:
    """Spoil a sequence and write the files into an empty folder.

    Raises:
        InputError: a truth frame cannot be used.
    """
    spoilt = spoil(sequence, protocol, seed)
    spoilt.write(folder)
    return Case(folder, spoilt, truth_face(spoilt.truth), seed)


@dataclass(frozen=True, eq=False)
class Case:
    """The files of one spoilt sequence, and what is needed to judge a picture made from them.

    Attributes:
        source: the folder of the frames or of the clip.
        spoilt: the truth and the reference's index among them.
        face: landmarks and embedding of the truth's face, None where none was found.
        seed: of the methods.
    """

    source: Path
    spoilt: Spoilt
    face: tuple[Landmarks, FloatArray] | None
    seed: int

    def score(self, method: str) -> Score:
        """Run one method and measure it.

        Raises:
            MfrecError, ValueError: the method failed, or gave a picture that the truth cannot be compared with.
        """
        image, seconds = self.picture(method)
        return measure(image, self.spoilt.truth, self.face, seconds)

    def picture(self, method: str) -> tuple[FloatArray, float]:
        """A method's picture ``[H, W, 3]`` of the whole reference frame at the truth's size, and its wall time.

        The registered mean and median fuse the frames as ``evidence`` registered them, and are charged for that.
        """
        from mfrec.bench.peers import find_peer, is_peer

        if method == "evidence":
            made, seconds = self.evidence
            return made.image, seconds
        if method in REGISTERED:
            made, seconds = self.evidence
            seconds -= sum(step["seconds"] for step in made.record["steps"] if step["stage"] == "fuse")
            image, fusing = timed(fused, made, method, self.seed)
            return image, seconds + fusing
        if is_peer(method):
            peer = find_peer(method)  # loading weights is not what a method is timed for
            return timed(lambda: peer(read_frames(self.source), self.spoilt.reference))
        if method == BASELINE:
            return timed(lambda: enlarged(self.source, self.spoilt.scale)[self.spoilt.reference])
        if method == "unregistered":
            return timed(lambda: np.stack(enlarged(self.source, self.spoilt.scale)).mean(axis=0))
        made, seconds = timed(reconstructed, self.source, method, self.spoilt.reference, self.spoilt.scale, self.seed)
        return before_marking(made), seconds

    @functools.cached_property
    def evidence(self) -> tuple[Reconstruction, float]:
        """What the ``evidence`` recipe makes of the files, run once, and its wall time."""
        return timed(reconstructed, self.source, "evidence", self.spoilt.reference, self.spoilt.scale, self.seed)


def before_marking(made: Reconstruction) -> FloatArray:
    """The picture of a run as it is measured: before the words NOT EVIDENCE, which are no part of a method."""
    return made.track.fused.image if made.stamp == WORDS and made.track.fused is not None else made.image


def timed(work: Callable[..., T], *args: Any) -> tuple[T, float]:
    """What ``work`` returns, and its wall time in seconds."""
    start = time.perf_counter()
    return work(*args), time.perf_counter() - start


def spoil(sequence: TruthSequence, protocol: str, seed: int) -> Spoilt:
    """Apply a protocol to a sequence; the same for the same seed, protocol and name of the sequence.

    Raises:
        InputError: a frame cannot be read or has another size than :data:`SIDE`, or there are too few.
    """
    from mfrec.camera.protocols import EVERY, LONG

    truths = truth_frames(sequence)
    damage = LONG.get(protocol, protocol)
    digest = hashlib.sha256(f"{seed}/{damage}/{sequence.name}".encode("utf-8", "surrogateescape")).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    return EVERY[protocol](truths, rng)


def truth_frames(sequence: TruthSequence) -> list[FloatArray]:
    """The good frames of a sequence, ``[SIDE, SIDE, 3]`` each, in order.

    Raises:
        InputError: a frame cannot be read or has another size than :data:`SIDE`.
    """
    from mfrec.imageio import read

    reading = read(sequence.folder)
    if reading.dropped:
        first = reading.dropped[0]
        raise InputError(f"{len(reading.dropped)} truth frames cannot be used, first '{first.name}': {first.reason}")
    for frame in reading.frames:
        height, width = frame.image.shape[:2]
        if (width, height) != (SIDE, SIDE):
            raise InputError(f"truth frame '{frame.name}' has {width} x {height} px, expected {SIDE} x {SIDE}")
    return [frame.image for frame in reading.frames]


def truth_face(truth: FloatArray) -> tuple[Landmarks, FloatArray] | None:
    """Landmarks and identity embedding of the largest face of the truth; None where no face is found."""
    from mfrec.metrics.identity import embed

    landmarks = truth_landmarks(truth)
    return None if landmarks is None else (landmarks, embed(truth, landmarks))


def truth_landmarks(truth: FloatArray) -> Landmarks | None:
    """Landmarks of the largest face of a good picture; None where no face is found."""
    from mfrec.face.detect import detect_faces
    from mfrec.face.landmarks import detect_landmarks

    faces = detect_faces(truth, smallest=min(truth.shape[:2]) / 6)
    return detect_landmarks(truth, max(faces, key=lambda face: face.side).box) if faces else None


def enlarged(source: Path, scale: int) -> list[FloatArray]:
    """Every frame of a folder, ``scale`` times as large by bicubic interpolation."""
    from mfrec.image.geometry import enlarge

    return [enlarge(frame, scale) for frame in read_frames(source)]


def read_frames(source: Path) -> list[FloatArray]:
    """Every frame of a folder or of a clip, ``[h, w, 3]`` float32 RGB in [0, 1]."""
    from mfrec.imageio import read

    return [frame.image for frame in read(source).frames]


def reconstructed(source: Path, recipe: str, reference: int, scale: int, seed: int) -> Reconstruction:
    """The whole reference frame at ``scale`` times its pixels, by a recipe."""
    from mfrec.reconstruction import reconstruct

    return reconstruct(source, recipe=recipe, reference=reference, scale=scale, crop="frame", device="cpu", seed=seed)


def fused(reconstruction: Reconstruction, method: Literal["mean", "median"], seed: int) -> FloatArray:
    """The registered frames of a reconstruction, fused by another method of the stage."""
    from mfrec.pipeline import Run
    from mfrec.stages.fuse import Fuse

    track = Fuse(method=method)(replace(reconstruction.track, fused=None), Run(seed=seed))
    if track.fused is None:
        raise RuntimeError(f"the stage 'fuse' gave no picture with method '{method}'")
    return track.fused.image


def measure(image: FloatArray, truth: FloatArray, face: tuple[Landmarks, FloatArray] | None, seconds: float) -> Score:
    """Compare a result with the truth; the face is looked for where the truth has it, for every method alike."""
    from mfrec.metrics.identity import embed, identity_distance
    from mfrec.metrics.psnr import psnr
    from mfrec.metrics.ssim import ssim

    identity = None
    if face is not None:
        landmarks, embedding = face
        identity = identity_distance(embed(image, landmarks), embedding)
    return Score(psnr(image, truth), ssim(image, truth), identity, seconds)


# --- where it ran ------------------------------------------------------------------------------------------

CHECKOUT = Path(__file__).resolve().parents[2]
"""Where a checkout of mfrec would have its ``.git``."""


def commit(root: Path = CHECKOUT) -> str | None:
    """The commit of the checkout that mfrec runs from, or of the one at ``root``; None where there is none.

    With ``-dirty`` where what was measured is not what was committed: code, cards or weights. A document that is being
    written, and notes beside it, do not count.
    """
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        changed = git("status", "--porcelain", "--", "mfrec", "models", "weights")
        return git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    return None
