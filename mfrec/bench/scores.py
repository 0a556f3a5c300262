"""The figures of the bench: what was measured, and the ways to read it.

A gain is a difference to bicubic enlargement of the reference frame, paired by sequence. The worst gain is that of
the least fortunate sequence, because a mean can hide one spoilt case and an analyst has one case.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mfrec.provenance.plain_json import to_json
from mfrec.report.text_table import aligned, mean, spread

BASELINE = "bicubic"
"""What every other method is compared with."""


@dataclass(frozen=True)
class Score:
    """One method on one sequence.

    Attributes:
        psnr: decibels. ssim: at most 1.
        identity: distance of the embedding to the truth's, smaller is nearer; None where no face was found
            in the truth.
        seconds: wall time of the method, reading the files included.
    """

    psnr: float
    ssim: float
    identity: float | None
    seconds: float


@dataclass(frozen=True)
class SequenceResult:
    """Every method on one sequence under one protocol.

    Attributes:
        protocol, sequence, person: what was measured.
        drawn: what the protocol drew, see :class:`mfrec.camera.protocols.Protocol`.
        truth: ``(width, height)`` of the truth in pixels.
        scores: by method.
        errors: method to what went wrong; the key ``"sequence"`` where no method could run.
    """

    protocol: str
    sequence: str
    person: str
    drawn: Mapping[str, Any] = field(default_factory=dict)
    truth: tuple[int, int] | None = None
    scores: Mapping[str, Score] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """One method over all sequences of one protocol. A gain is the paired difference to :data:`BASELINE`.

    The worst gain is that of the least fortunate sequence: the lowest for PSNR and SSIM, the highest for the
    identity distance. The spread is the standard deviation of the gain over the sequences. None where nothing could be
    measured.
    """

    protocol: str
    method: str
    sequences: int
    failed: int
    psnr: float | None
    psnr_gain: float | None
    psnr_gain_spread: float | None
    psnr_worst_gain: float | None
    psnr_worst_sequence: str | None
    ssim: float | None
    ssim_gain: float | None
    ssim_gain_spread: float | None
    ssim_worst_gain: float | None
    ssim_worst_sequence: str | None
    identity: float | None
    identity_gain: float | None
    identity_gain_spread: float | None
    identity_worst_gain: float | None
    identity_worst_sequence: str | None
    seconds: float | None


@dataclass(frozen=True)
class BenchResult:
    """What :func:`bench` measured, and on what.

    Attributes:
        created: UTC, ISO 8601.
        machine, versions, commit: where it ran; ``commit`` is None outside of a checkout.
        source: name of the folder of sequences, or what was filmed.
        people: the split, as it was given.
        results: in the order of protocols, then of sequences.
    """

    created: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    commit: str | None
    source: str
    people: str
    seed: int
    protocols: tuple[str, ...]
    methods: tuple[str, ...]
    results: tuple[SequenceResult, ...]

    def summaries(self, protocol: str) -> tuple[Summary, ...]:
        """One row a method."""
        return tuple(summarise(protocol, method, self._of(protocol)) for method in self.methods)

    def table(self, per_sequence: bool = True) -> str:
        """The figures as text: per protocol one row a method, then one row a sequence, then what failed."""
        blocks = [f"seed {self.seed} · people {self.people} · {self.source}"]
        for protocol in self.protocols:
            results = self._of(protocol)
            people = len({result.person for result in results})
            sizes = sorted({f"{r.truth[0]} x {r.truth[1]}" for r in results if r.truth})
            blocks.append(f"{protocol}: {len(results)} sequences of {people} people, truth {', '.join(sizes)} px")
            blocks.append(aligned(SUMMARY_HEADER, [summary_row(row) for row in self.summaries(protocol)]))
            if per_sequence:
                header = ("PSNR SSIM identity", *self.methods)
                blocks.append(aligned(header, [sequence_row(result, self.methods) for result in results]))
            blocks.extend(failure_lines(results))
        return "\n\n".join(blocks)

    def to_json(self) -> str:
        """Everything, with the summaries; infinite PSNR (a perfect result) is written as null."""
        value = {"schema": 1} | asdict(self)
        value["summaries"] = [asdict(row) for protocol in self.protocols for row in self.summaries(protocol)]
        return to_json(value)

    def _of(self, protocol: str) -> list[SequenceResult]:
        return [result for result in self.results if result.protocol == protocol]


def summarise(protocol: str, method: str, results: Sequence[SequenceResult]) -> Summary:
    """Means, paired gains over the baseline and worst cases of one method."""
    scores = {r.sequence: r.scores[method] for r in results if method in r.scores}
    base = {r.sequence: r.scores[BASELINE] for r in results if BASELINE in r.scores}

    def figures(name: str, better: float) -> tuple[float | None, float | None, float | None, float | None, str | None]:
        """Mean, gain, its spread, worst gain and its sequence; ``better`` is 1 where more is better, else -1."""
        values = {key: getattr(score, name) for key, score in scores.items() if getattr(score, name) is not None}
        gains = {
            key: value - getattr(base[key], name)
            for key, value in values.items()
            if key in base and math.isfinite(getattr(base[key], name))
        }
        worst = min(gains, key=lambda key: better * gains[key], default=None)
        least = None if worst is None else gains[worst]
        return mean(values.values()), mean(gains.values()), spread(gains.values()), least, worst

    return Summary(
        protocol,
        method,
        len(results),
        len(results) - len(scores),
        *figures("psnr", 1),
        *figures("ssim", 1),
        *figures("identity", -1),
        mean(score.seconds for score in scores.values()),
    )


SUMMARY_HEADER = (
    "method",
    "PSNR",
    "dPSNR",
    "worst dPSNR",
    "SSIM",
    "dSSIM",
    "identity",
    "dIdentity",
    "seconds",
    "measured",
)


def summary_row(row: Summary) -> tuple[str, ...]:
    """One method as text, in the order of :data:`SUMMARY_HEADER`."""

    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    def gain(value: float | None, deviation: float | None, form: str) -> str:
        return number(value, f"+{form}") + ("" if deviation is None else f" ± {deviation:{form}}")

    base = row.method == BASELINE
    worst = "" if base else f"{number(row.psnr_worst_gain, '+.2f')} {row.psnr_worst_sequence or ''}".strip()
    return (
        row.method,
        number(row.psnr, ".2f"),
        "" if base else gain(row.psnr_gain, row.psnr_gain_spread, ".2f"),
        worst,
        number(row.ssim, ".3f"),
        "" if base else gain(row.ssim_gain, row.ssim_gain_spread, ".3f"),
        number(row.identity, ".3f"),
        "" if base else gain(row.identity_gain, row.identity_gain_spread, ".3f"),
        number(row.seconds, ".2f"),
        f"{row.sequences - row.failed}/{row.sequences}",
    )


def sequence_row(result: SequenceResult, methods: Iterable[str]) -> tuple[str, ...]:
    """One sequence as text: PSNR, SSIM and identity distance of each method."""

    def cell(score: Score | None) -> str:
        if score is None:
            return "failed"
        identity = "    -" if score.identity is None else f"{score.identity:.3f}"
        return f"{score.psnr:.2f} {score.ssim:.3f} {identity}"

    return (result.sequence, *(cell(result.scores.get(method)) for method in methods))


def failure_lines(results: Sequence[SequenceResult]) -> list[str]:
    """What failed and why, one line for each different reason."""
    failed: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for what, why in result.errors.items():
            failed.setdefault((what, why), []).append(result.sequence)
    return [f"failed: {what} on {', '.join(sequences)}: {why}" for (what, why), sequences in failed.items()]
