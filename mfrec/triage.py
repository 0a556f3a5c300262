"""What footage is good for, before any work: who is seen, how large, how coded, and a verdict by stated limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mfrec.face.footage import Footage, Glimpse, Person, survey
from mfrec.face.wanted import as_text
from mfrec.imageio import stream
from mfrec.pipeline import Progress, silent
from mfrec.runtime.threads import one_thread
from mfrec.types import Frame

COMPARISON, LEADS, NOTHING = "supports comparison", "may give leads", "will not support a conclusion"


@dataclass(frozen=True)
class Limit:
    """What a verdict asks for.

    Attributes:
        verdict: in words.
        eyes: pixels between the eyes, in the median of the frames that count.
        frames: so many that count.
        why: the literature or the measurement that the numbers rest on.
    """

    verdict: str
    eyes: float
    frames: int
    why: str


LIMITS = (
    Limit(
        COMPARISON,
        16.0,
        5,
        "EN 62676-4 asks 250 pixels a metre to identify somebody, which is 16 px between eyes 63 mm apart; measured at "
        "15 px: the right one of 21 people is the nearest in 97 % of single coded frames, and in all means of four",
    ),
    Limit(
        LEADS,
        8.0,
        3,
        "EN 62676-4 asks 125 pixels a metre to recognise somebody who is known, 8 px between the eyes; measured at 7 "
        "px: the right one of 21 is nearest in 57 %, and among the nearest three in 85 %; at 11 px in 86 % and 99 %",
    ),
)
"""From the best verdict down; what reaches none is :data:`NOTHING`. Measured by ``mfrec bench --table likeness --people
4/8``: at 5 px the right one of 21 is the nearest in 41 %, at 4 px in 16 %."""

FRONTAL = 0.4
"""Least :attr:`~mfrec.face.footage.Glimpse.frontal` of a frame that counts: the head turned by less than about 35
degrees, where both eyes are seen."""

COARSE = {"H.264 QP": 40.0, "MPEG quantiser scale": 24.0, "VP9 q index": 200.0}
"""Quantiser over the face above which a frame does not count: next to nothing but the mean of each block is left."""

COPIED = 0.75
"""Share of the face's blocks that repeat the frame before from which on a frame is no new observation."""


@dataclass(frozen=True, eq=False)
class Triage:
    """What :func:`triage` found.

    Attributes:
        footage: everybody who is seen.
        notes: what reading did or found in frames (damage, rotation, aspect ...), and in how many.
        warnings: of the sequence as a whole.
        dropped: name and reason of what could not be read.
        sizes: width and height of the frames as they are looked at, and how many have them; the commonest first.
        seconds: from the first frame to the last; None where there is no time, as in pictures.
    """

    footage: Footage
    notes: tuple[tuple[str, int], ...]
    warnings: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    sizes: tuple[tuple[int, int, int], ...]
    seconds: float | None


def triage(path: Path, *, start: float | None = None, end: float | None = None, progress: Progress = silent) -> Triage:
    """Look through footage or a folder once.

    Args:
        path: a video, or a folder of pictures.
        start, end: seconds of a video.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        InputError: nothing there can be read.
        UsageError: ``start`` and ``end`` are given for pictures.
    """
    frames = stream(path, start=start, end=end, progress=progress)
    notes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    times: list[float] = []

    def noted(read: Iterable[Frame]) -> Iterator[Frame]:
        for frame in read:
            notes.update(frame.notes)
            sizes[frame.image.shape[1], frame.image.shape[0]] += 1
            times.extend([] if frame.time is None else [frame.time])
            yield frame

    with one_thread():
        found = survey(noted(frames))
    dropped = tuple((item.name, item.reason) for item in frames.dropped)
    return Triage(
        found,
        tuple(notes.most_common()),
        frames.warnings,
        dropped,
        tuple((*size, count) for size, count in sizes.most_common()),
        max(times) - min(times) if times else None,
    )


def counting(person: Person) -> list[Glimpse]:
    """The frames of a person that count: seen from the front, undamaged, new, not too coarsely coded."""
    return [
        g
        for g in person.glimpses
        if g.frontal >= FRONTAL
        and not (g.copy or g.damaged)
        and (g.copied is None or g.copied < COPIED)
        and (g.quantiser is None or g.quantiser <= COARSE.get(g.unit, np.inf))
    ]


def verdict(person: Person) -> tuple[str, str]:
    """The verdict on one person, and in words what it rests on."""
    count = counting(person)
    eyes = float(np.median([glimpse.eyes for glimpse in count or person.glimpses]))
    said = f"{len(count)} of {len(person.glimpses)} frames count, eyes {eyes:.0f} px apart in the median"
    for limit in LIMITS:
        if eyes >= limit.eyes and len(count) >= limit.frames:
            return limit.verdict, said
    least = LIMITS[-1]
    return NOTHING, f"{said}; {least.frames} frames with eyes {least.eyes:.0f} px apart would be the least"


def as_record(found: Triage) -> dict[str, Any]:
    """The triage as JSON types."""
    people = []
    for person in found.footage.people:
        words, why = verdict(person)
        best = max(person.glimpses, key=lambda glimpse: glimpse.quality)
        eyes = [glimpse.eyes for glimpse in person.glimpses]
        quantisers = [g.quantiser for g in person.glimpses if g.quantiser is not None]
        copied = [g.copied for g in person.glimpses if g.copied is not None]
        people.append(
            {
                "number": person.number,
                "frames": len(person.glimpses),
                "counting": len(counting(person)),
                "eyes": [round(float(np.percentile(eyes, q)), 1) for q in (0, 50, 100)],
                "frontal": round(float(np.median([g.frontal for g in person.glimpses])), 2),
                "light": round(float(np.median([g.light for g in person.glimpses])), 3),
                "kinds": dict(Counter(g.kind for g in person.glimpses if g.kind)),
                "unit": next((g.unit for g in person.glimpses if g.unit), ""),
                "quantiser": [round(float(np.percentile(quantisers, q)), 1) for q in (0, 50, 100)]
                if quantisers
                else None,
                "copied": round(float(np.mean(copied)), 3) if copied else None,
                "damaged": sum(g.damaged for g in person.glimpses),
                "box": f"{as_text(best.detection.box)}@{best.index}",
                "verdict": words,
                "why": why,
            }
        )
    return {
        "frames": len(found.footage.frames),
        "sizes": [list(size) for size in found.sizes],
        "seconds": None if found.seconds is None else round(found.seconds, 3),
        "people": people,
        "notes": [{"note": note, "frames": count} for note, count in found.notes],
        "dropped": [{"name": name, "reason": reason} for name, reason in found.dropped],
        "warnings": list(found.warnings),
        "limits": [{"verdict": limit.verdict, "eyes": limit.eyes, "frames": limit.frames} for limit in LIMITS],
    }


def as_words(found: Triage) -> str:
    """The triage as text for people."""
    record = as_record(found)
    people = len(record["people"])
    lines = [f"{_footage(record)}, {people} {'person' if people == 1 else 'people'}"]
    for person in record["people"]:
        low, middle, high = (f"{eyes:.0f}" for eyes in person["eyes"])
        apart = f"{low} to {high} px apart, {middle} in the median of all frames" if low != high else f"{low} px apart"
        lines += [
            "",
            f"subject {person['number']}: {person['verdict']} ({person['why']})",
            f"  eyes {apart}; {_turn(person['frontal'])}; {_light(person['light'])}",
            f"  {_coded(person)}",
            f"  --subject {person['number']} or --box {person['box']}",
        ]
    if not record["people"]:
        lines += ["", f"no face was found: {NOTHING}"]
    lines += ["", *(f"{note['note']} ({_counted(note['frames'])})" for note in record["notes"])]
    lines += [f"not read: {item['name']}: {item['reason']}" for item in record["dropped"]]
    lines += [f"warning: {warning}" for warning in record["warnings"]]
    asked = "; ".join(f"{limit.verdict}: eyes {limit.eyes:g} px apart in {limit.frames} frames" for limit in LIMITS)
    lines += [
        "",
        "a frame counts that shows the face from the front, is not damaged, does not repeat the one before and is not "
        "coded too coarsely",
        f"limits: {asked}. They say what footage of this size was good for, not that this one is.",
    ]
    return "\n".join(lines).replace("\n\n\n", "\n\n")


def _counted(count: int, kind: str = "") -> str:
    return f"{count} {kind}{' ' if kind else ''}frame{'' if count == 1 else 's'}"


def _footage(record: dict[str, Any]) -> str:
    """How much there is to look at: frames, their size, and how long they last."""
    sizes = record["sizes"]
    size = f" of {sizes[0][0]} x {sizes[0][1]}" if sizes else ""
    others = len(sizes) - 1
    size += f" and {others} other size{'s' if others > 1 else ''}" if others else ""
    seconds = f" in {record['seconds']:.1f} s" if record["seconds"] else ""
    return f"{_counted(record['frames'])}{size}{seconds}"


def _turn(frontal: float) -> str:
    return "seen from the front" if frontal > 0.7 else "half turned" if frontal > FRONTAL else "turned away"


def _light(light: float) -> str:
    return "dark" if light < 0.12 else "very bright" if light > 0.8 else "lit well enough"


def _coded(person: dict[str, Any]) -> str:
    parts = [_counted(count, kind) for kind, count in sorted(person["kinds"].items())]
    if person["quantiser"] is not None:
        low, middle, high = person["quantiser"]
        parts.append(f"{person['unit']} {low:g} to {high:g} over the face, {middle:g} in the median")
    if person["copied"] is not None:
        parts.append(f"{100 * person['copied']:.0f} % of its blocks repeat the frame before")
    if person["damaged"]:
        parts.append(f"{_counted(person['damaged'])} damaged")
    return ", ".join(parts) or "nothing is known of a video codec"
