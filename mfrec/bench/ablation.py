"""Does a method use its frames? What it costs to take them away, one way after another.

A method that is said to fuse many frames can hide that it sharpens one. So the other frames of a spoilt sequence are
replaced, the reference stays as it is, and the same method runs again:

* ``noise``: by noise of their size; what a method loses here is what bad frames do to it, or what good ones gave it;
* ``copies``: by copies of the reference; what it loses is what the other frames gave;
* ``person``: by the frames of somebody else, spoilt in the same way;
* ``shuffled``: by themselves in another order, which should cost nothing.

Two probes ask the opposite, whether something that only the others saw arrives: a patch of the reference is painted
``white`` or ``blurred``, and PSNR inside the patch is compared between the real other frames and copies of the damaged
reference. For a film the frames are decoded first and every condition, the whole one included, gets them as pictures.

What is random is drawn first, into a :class:`DrawnAblation`, and then applied.
"""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mfrec.camera.protocols import SCALE, Spoilt
from mfrec.errors import UsageError
from mfrec.pipeline import Progress, silent
from mfrec.report.text_table import aligned, markdown_table, mean
from mfrec.types import Drawn, FloatArray, GeneratorState

if TYPE_CHECKING:
    from mfrec.bench.document import Section
    from mfrec.imageio.sequences import TruthSequence

CONDITIONS = ("noise", "copies", "person", "shuffled")
"""Ways to replace the other frames."""

PROBES = ("white", "blurred")
"""Ways to damage a patch of the reference."""

NOTHING = 0.05
"""Decibels below which a cost counts as none: a difference that no picture shows."""

USED = ("uses its frames", "gains nothing from its frames")
"""Verdicts on methods that read their frames."""

Files = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Ablated:
    """One method on one sequence.

    Attributes:
        psnr: condition to PSNR in dB, ``"whole"`` included.
        filled: probe to the gain in dB that the real other frames bring inside the patch over copies of the reference.
        errors: condition or probe to what went wrong.
    """

    method: str
    sequence: str
    psnr: dict[str, float] = field(default_factory=dict)
    filled: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AblationResult:
    """What :func:`ablate` measured.

    Attributes:
        created: UTC, ISO 8601.
        source: how many sequences of whom, in words.
        people: the split, as it was given.
        results: one a method and sequence.
        notes: what the reader has to know.
    """

    created: str
    source: str
    people: str
    protocol: str
    seed: int
    methods: tuple[str, ...]
    results: tuple[Ablated, ...]
    notes: tuple[str, ...] = ()

    def cost(self, method: str, condition: str) -> float | None:
        """Mean loss in dB against the whole sequence, paired by sequence; None where nothing could be measured."""
        return mean(
            result.psnr["whole"] - result.psnr[condition]
            for result in self._of(method)
            if {"whole", condition} <= result.psnr.keys()
        )

    def filled(self, method: str, probe: str) -> float | None:
        """Mean gain in dB inside the patch; None where nothing could be measured."""
        return mean(result.filled[probe] for result in self._of(method) if probe in result.filled)

    def verdict(self, method: str) -> str:
        """What the costs say about a method, in words."""
        copies = self.cost(method, "copies")
        if copies is None:
            return "not measured"
        if copies >= NOTHING:
            return "uses its frames"
        others = [self.cost(method, condition) for condition in ("noise", "person")]
        if max([abs(copies), *(abs(cost) for cost in others if cost is not None)]) < NOTHING:
            return "single-frame"
        return "gains nothing from its frames"

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Header and rows: PSNR of the whole, the cost of each condition, what each probe shows, and the verdict.

        Before the verdict stands how long the networks of a method were trained.
        """
        from mfrec.bench.weights import cards_of, trained_for

        header = ("method", "whole", *CONDITIONS, *(f"{probe} patch" for probe in PROBES), "trained", "verdict")
        rows = []
        for method in self.methods:
            whole = mean(result.psnr["whole"] for result in self._of(method) if "whole" in result.psnr)
            costs = [self.cost(method, condition) for condition in CONDITIONS]
            gains = [self.filled(method, probe) for probe in PROBES]
            rows.append(
                (
                    method,
                    "-" if whole is None else f"{whole:.2f}",
                    *(signed(None if cost is None else -cost) for cost in costs),
                    *(signed(gain) for gain in gains),
                    trained_for(cards_of(method)),
                    self.verdict(method),
                )
            )
        return header, rows

    @property
    def title(self) -> str:
        """What was measured on what, in one sentence."""
        return (
            f"Protocol {self.protocol}, {self.source}, seed {self.seed}: PSNR in dB of the whole sequence, what "
            "replacing the other frames changes, and what they bring inside a damaged patch of the reference"
        )

    @property
    def finding(self) -> str:
        """Whether what the thesis found of its own networks is so here, in words; empty where nothing was measured.

        It put noise in the place of the other frames and saw about the same picture (its figure 3.4).
        """
        measured = {method: self.cost(method, "copies") for method in self.methods if self.verdict(method) in USED}
        using = [f"{name} ({-cost:+.2f} dB)" for name, cost in measured.items() if cost is not None and cost >= NOTHING]
        rest = [name for name in measured if self.verdict(name) == "gains nothing from its frames"]
        if not (using or rest):
            return ""
        repeated = f"repeated by {', '.join(rest)}" if rest else "repeated by none"
        refuted = f"refuted by {', '.join(using)}, with copies of the reference" if using else "refuted by none"
        return (
            "The thesis found that its multi-frame networks sharpen the middle frame and make nothing of the others; "
            f"of the methods here that read them this is {repeated}, and {refuted}."
        )

    def text(self) -> str:
        """The table for a terminal, with what the reader has to know and what failed."""
        said = filter(None, (self.finding, *self.notes))
        return "\n\n".join([self.title, aligned(*self.cells()), *said, *self._failures()])

    def section(self, command: str) -> Section:
        """The table for a document."""
        from mfrec.bench.document import Section
        from mfrec.bench.run import commit
        from mfrec.bench.weights import DETECTOR, cards_of, hashes
        from mfrec.provenance.surroundings import machine

        notes = "\n".join(f"- {note}" for note in (*self.notes, *self._failures()))
        body = "\n\n".join(filter(None, (f"{self.title}.", markdown_table(*self.cells()), self.finding, notes)))
        name = f"ablation, {self.protocol}"
        cards = hashes((DETECTOR, *(card for method in self.methods for card in cards_of(method))))
        heading = f"Ablation of frames, {self.protocol}"
        return Section(name, heading, body, command, self.created, machine(), commit(), cards)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        verdicts = {method: self.verdict(method) for method in self.methods}
        return asdict(self) | {"verdicts": verdicts}

    def _failures(self) -> list[str]:
        return sorted(
            f"failed: {result.method} on {result.sequence}, {what}: {why}"
            for result in self.results
            for what, why in result.errors.items()
        )

    def _of(self, method: str) -> list[Ablated]:
        return [result for result in self.results if result.method == method]


def ablate(
    sequences: Path | None,
    protocol: str,
    methods: Sequence[str],
    *,
    people: str = "all",
    seed: int = 0,
    limit: int | None = None,
    progress: Progress = silent,
) -> AblationResult:
    """Run methods on sequences whose other frames are replaced; arguments as in :func:`mfrec.bench.run.bench`.

    Raises:
        UsageError: an unknown protocol or method, or a limit that leaves nothing.
        InputError: the folder is missing or holds no sequence.
    """
    from mfrec.bench.run import PORTRAITS, check_method, evenly, film_sequences
    from mfrec.bench.tables.sequences import described
    from mfrec.camera.protocols import PROTOCOLS
    from mfrec.imageio.sequences import find_sequences

    if protocol not in PROTOCOLS:
        raise UsageError(f"unknown protocol '{protocol}'; known are {', '.join(PROTOCOLS)}")
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} leaves no sequence; give 1 or more")
    for method in methods:
        check_method(method)
    results: list[Ablated] = []
    notes: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory(prefix="mfrec-ablation-") as folder:
        root = Path(folder) if sequences is None else Path(sequences)
        if sequences is None:
            film_sequences(root, count=min(limit or PORTRAITS, PORTRAITS))
        every = find_sequences(root, people)
        chosen = evenly(every, limit)
        if len({sequence.person for sequence in every}) < 2:
            notes = ("one person only, so nobody else's frames can be put in",)
        progress("ablation", 0, len(chosen))
        for sequence in chosen:
            results += ablate_one(sequence, somebody_else(sequence, every), protocol, methods, seed)
            progress("ablation", len(results) // max(1, len(methods)), len(chosen))
    return AblationResult(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        source=described(chosen, sequences, people, every),
        people=people,
        protocol=protocol,
        seed=seed,
        methods=tuple(methods),
        results=tuple(results),
        notes=notes,
    )


def somebody_else(sequence: TruthSequence, every: Sequence[TruthSequence]) -> TruthSequence | None:
    """The next sequence of another person, in a circle; None where there is only one person."""
    start = every.index(sequence)
    circle = [*every[start:], *every[:start]]
    return next((other for other in circle if other.person != sequence.person), None)


def ablate_one(
    sequence: TruthSequence, other: TruthSequence | None, protocol: str, methods: Sequence[str], seed: int
) -> list[Ablated]:
    """Every condition and probe of one sequence, for every method."""
    from mfrec.bench.run import Case, attempt, spoil, truth_face

    spoilt = as_pictures(spoil(sequence, protocol, seed))
    foreign = None if other is None else as_pictures(spoil(other, protocol, seed)).files
    digest = hashlib.sha256(f"{seed}/ablation/{sequence.name}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    drawn = draw_ablation(spoilt, rng)
    cases = {"whole": spoilt, **altered(spoilt, foreign, drawn)}
    patches = {probe: probed(spoilt, probe, drawn.patches[probe]) for probe in PROBES}
    face = truth_face(spoilt.truth)
    results = [Ablated(method, sequence.name) for method in methods]

    def picture(method: str, case: Spoilt) -> FloatArray | str:
        with tempfile.TemporaryDirectory(prefix="mfrec-ablation-") as folder:
            case.write(Path(folder))
            made = attempt(Case(Path(folder), case, face, seed).picture, method)
        return made if isinstance(made, str) else made[0]

    for result in results:
        for condition, case in cases.items():
            made = picture(result.method, case)
            if isinstance(made, str):
                result.errors[condition] = made
            else:
                result.psnr[condition] = decibels(made, spoilt.truth)
        for probe, (damaged, inside) in patches.items():
            made = [picture(result.method, case) for case in (damaged, copied(damaged))]
            errors = [outcome for outcome in made if isinstance(outcome, str)]
            if errors:
                result.errors[probe] = errors[0]
                continue
            real, copies = (decibels(np.asarray(image)[inside], spoilt.truth[inside]) for image in made)
            result.filled[probe] = real - copies
    return results


def signed(value: float | None) -> str:
    """Decibels with their sign, which nothing does not have."""
    return "-" if value is None else "0.00" if abs(value) < 0.005 else f"{value:+.2f}"


def decibels(image: NDArray[Any], truth: NDArray[Any]) -> float:
    """PSNR of any set of values; infinite where they are equal."""
    error = float(np.mean((np.asarray(image, np.float64) - truth) ** 2))
    return float("inf") if error == 0 else -10.0 * float(np.log10(error))


# --- what is put in the place of frames --------------------------------------------------------------------


def as_pictures(spoilt: Spoilt) -> Spoilt:
    """The same sequence with one file a frame; a film is decoded and its frames become PNGs."""
    from mfrec.imageio import png_bytes, read

    if len(spoilt.files) > 1:
        return spoilt
    with tempfile.TemporaryDirectory(prefix="mfrec-ablation-") as folder:
        spoilt.write(Path(folder))
        frames = read(Path(folder)).frames
    return replace(spoilt, files=tuple((f"{i}.png", png_bytes(frame.image)) for i, frame in enumerate(frames)))


@dataclass(frozen=True)
class Patch(Drawn):
    """An ellipse on the reference; ``(x, y)`` of its centre and its half axes, in shares of the width and height."""

    centre: tuple[float, ...]
    axes: tuple[float, ...]


@dataclass(frozen=True)
class DrawnAblation(Drawn):
    """What is random in the ablation of one sequence.

    Attributes:
        noise: of the generator that fills the frames of the condition ``noise``, in their order.
        order: of the frames in the condition ``shuffled``.
        patches: where each of :data:`PROBES` damages the reference.
    """

    noise: GeneratorState
    order: tuple[int, ...]
    patches: Mapping[str, Patch]


def draw_ablation(spoilt: Spoilt, rng: np.random.Generator) -> DrawnAblation:
    """Draw noise and order for as many frames as a sequence has, and a patch for each probe.

    A patch lies on the middle of the picture, with half axes of 10 to 16 % of its sides.
    """
    noise = GeneratorState.of(rng)
    others = len(spoilt.files) - 1
    rng.random((others, *frame_size(spoilt), 3), np.float32)  # what altered draws; the rest is drawn after it
    order = tuple(rng.permutation(len(spoilt.files)).tolist())
    patches = {
        probe: Patch(tuple(rng.uniform(0.4, 0.6, 2).tolist()), tuple(rng.uniform(0.10, 0.16, 2).tolist()))
        for probe in PROBES
    }
    return DrawnAblation(noise, order, patches)


def frame_size(spoilt: Spoilt) -> tuple[int, int]:
    """Height and width of a frame."""
    height, width = (side // SCALE for side in spoilt.truth.shape[:2])
    return height, width


def altered(spoilt: Spoilt, foreign: Files | None, drawn: DrawnAblation) -> dict[str, Spoilt]:
    """The sequence under each of :data:`CONDITIONS`; without foreign frames there is no ``person``."""
    reference, rng = spoilt.reference, drawn.noise.generator()

    def others(make: Callable[[int], tuple[str, bytes]]) -> Spoilt:
        files = [spoilt.files[i] if i == reference else make(i) for i in range(len(spoilt.files))]
        return numbered(spoilt, files, reference)

    def noise(i: int) -> tuple[str, bytes]:
        name = spoilt.files[i][0]
        return name, encoded(rng.random((*frame_size(spoilt), 3), np.float32), name)

    out = {"noise": others(noise), "copies": copied(spoilt)}
    if foreign is not None:
        out["person"] = others(lambda i: foreign[i % len(foreign)])
    files = [spoilt.files[i] for i in drawn.order]
    return out | {"shuffled": numbered(spoilt, files, drawn.order.index(reference))}


def copied(spoilt: Spoilt) -> Spoilt:
    """The sequence with copies of the reference in the place of every other frame."""
    return numbered(spoilt, [spoilt.files[spoilt.reference]] * len(spoilt.files), spoilt.reference)


def numbered(spoilt: Spoilt, files: Sequence[tuple[str, bytes]], reference: int) -> Spoilt:
    """The sequence with other files, renamed so that they are read in this order."""
    renamed = tuple((f"{i}{Path(name).suffix}", data) for i, (name, data) in enumerate(files))
    return replace(spoilt, files=renamed, reference=reference)


def probed(spoilt: Spoilt, probe: str, patch: Patch) -> tuple[Spoilt, NDArray[np.bool_]]:
    """The sequence with a damaged patch in its reference, and where that is on the truth.

    The patch is white, or blurred by 8 % of the width.

    Returns:
        The sequence, its reference stored without loss, and ``[H, W]`` bool.
    """
    from mfrec.imageio import read

    name, data = spoilt.files[spoilt.reference]
    with tempfile.TemporaryDirectory(prefix="mfrec-ablation-") as folder:
        (Path(folder) / name).write_bytes(data)
        image = read(Path(folder) / name).frames[0].image
    height, width = image.shape[:2]
    centre, axes = (np.array(share) * (width, height) for share in (patch.centre, patch.axes))
    y, x = np.indices((height, width))
    inside = ((x + 0.5 - centre[0]) / axes[0]) ** 2 + ((y + 0.5 - centre[1]) / axes[1]) ** 2 <= 1
    instead = np.ones_like(image) if probe == "white" else cv2.GaussianBlur(image, (0, 0), 0.08 * width)
    damaged = np.where(inside[..., None], instead, image)
    files = list(spoilt.files)
    files[spoilt.reference] = ("reference.png", encoded(damaged, "reference.png"))
    # Names decide the order of reading, so all are numbered again.
    return numbered(spoilt, files, spoilt.reference), inside.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def encoded(image: NDArray[Any], name: str) -> bytes:
    """A picture in the format of a file name: JPEG of quality 90, else PNG."""
    from mfrec.imageio import jpeg_bytes, png_bytes

    return jpeg_bytes(image, 90) if Path(name).suffix in (".jpg", ".jpeg") else png_bytes(image)
