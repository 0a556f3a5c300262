"""A record as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfrec.provenance.left_out import count_others, one_reason, other_files, together, up_to
from mfrec.provenance.surroundings import model_text


def summary(record: Mapping[str, Any]) -> str:
    """A record as text for people: what went in, which reference and why, what gave the picture, what was left out."""
    if record.get("upscaled"):
        return _upscaled(record)
    recipe, canvas, reference = record["recipe"], record.get("canvas"), record.get("reference")
    lines = [
        f"{recipe['stamp']}: recipe {recipe['name']}, mfrec {record['mfrec']}, {record['created']}",
        f"command: {record['command']}",
    ]
    if canvas:
        size = f"{canvas['width'] * canvas['scale']} x {canvas['height'] * canvas['scale']}"
        place = f"{canvas['width']} x {canvas['height']} at ({canvas['x0']}, {canvas['y0']})"
        lines.append(f"picture: {size} px, {canvas['scale']} times the reference's {place}")
    flattened = record.get("evidence", {}).get("flattened", 0.0)
    if flattened >= 0.005:
        lines.append(f"kept flat: {100 * flattened:.0f} % of the picture, whose fine detail is the evidence picture's")
    if reference:
        lines.append(f"reference: frame {reference['index']}, {reference['name']}: {reference['why']}")
    for person in record["subjects"] if len(record["subjects"]) > 1 else ():
        followed = " (followed)" if person["chosen"] else ""
        count = len(person["frames"])
        seen_in = f"in {count} frame{'s' if count > 1 else ''}" if count else "in other frames than these"
        lines.append(f"subject {person['number']}{followed}: {seen_in}")
    for entry in record.get("given", ()):
        lines.append(f"{entry['option']}: {entry['path']}, SHA-256 {entry['sha256'][:16]}")
    for entry in record.get("by_hand", ()):
        source = "" if entry["index"] is None else f" from frame {entry['index']}, {_number(entry['share'], 100, ' %')}"
        lines.append(f"by hand: {entry['region']}{source}{', drawn' if entry['drawn'] else ''}")
    if record.get("levels"):
        low, high = (255 * record["levels"][end] for end in ("low", "high"))
        lines.append(f"levels.png, for looking only: grey level {low:.0f} became black, {high:.0f} white")
    hashes = {entry["index"]: entry["sha256"] for entry in record["inputs"]}
    rows = [("frame", "name", "share", "residual", "consistency", "eyes", "SHA-256", "noise")]
    for entry in record["used"]:
        rows.append(
            (
                str(entry["index"]),
                entry["name"],
                _number(entry.get("share"), 100, "%"),
                _number(entry.get("residual"), 255),
                _number(entry.get("consistency"), 255),
                _number(entry.get("interocular"), 1, " px"),
                hashes.get(entry["index"], "")[:16],
                entry.get("noise", ""),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines += [
        "",
        f"used: {len(record['used'])} of {len(record['inputs'])} frames, counted from 0; residual, consistency in grey "
        "levels of 255",
    ]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", "as reference: score, and head (degrees), eyes and mouth (aspect ratios), detail"]
    for entry in record["used"]:
        lines.append(f"frame {entry['index']}: {reference_line(entry.get('as_reference'))}")
    others = other_files(record["dropped"])
    left_out = [entry for entry in record["dropped"] if entry not in others]
    if left_out:
        lines += ["", f"left out: {len(left_out)}"]
        for group in together(_missing(entry, hashes) for entry in _in_order(left_out)):
            of_them = up_to(group[-1].name, len(group))
            lines.append(f"{group[0].name}{of_them}: {one_reason([one.why for one in group])}")
    if others:
        lines += ["", f"{count_others(len(others))}: {', '.join(entry['name'] for entry in others)}"]
    if record["regions"]:
        lines += ["", "best frames of each region, with scores"]
        for region, sources in record["regions"].items():
            best = ", ".join(f"{source['index']} ({source['score']:.2f})" for source in sources[:4])
            lines.append(f"{region.lower()}: {best}")
    doubts = [(used["name"], used["regions"].get("why", "")) for used in record["used"] if used.get("regions")]
    if any(why for _, why in doubts):
        lines += ["", "regions of single frames", *(f"{name}: {why}" for name, why in doubts if why)]
    if record.get("refused"):
        lines += ["", "regions that were refused"]
        lines += [f"{r['region'].lower()} of frame {r['index']}: {r['why']}" for r in record["refused"]]
    if record.get("identity"):
        lines += ["", f"identity: {record['identity']['text']}"]
    if record.get("left_out_frame"):
        lines += ["", f"left-out frame: {record['left_out_frame']['text']}"]
        lines += [f"{one['name']}: {one['ratio']:.2f}" for one in record["left_out_frame"]["frames"]]
    if record.get("coverage"):
        lines += ["", f"coverage: {record['coverage']['text']}"]
    lines += ["", "steps"]
    for step in record["steps"]:
        given = ", ".join(f"{key}={value}" for key, value in step["parameters"].items())
        lines.append(f"{step['stage']}: {step['seconds']:.2f} s ({given})")
    if record.get("models"):
        models = (f"{model['name']}: {model_text(model)}" for model in record["models"])
        lines += ["", "models on this computer, used or not", *models]
    return "\n".join([*lines, *_end(record)])


@dataclass(frozen=True)
class _Missing:
    index: int | None
    name: str
    sha256: str
    why: str


def _missing(entry: Mapping[str, Any], hashes: Mapping[int, str]) -> _Missing:
    index = entry["index"]
    sha256 = "" if index is None else hashes.get(index, "")
    return _Missing(index, entry["name"], sha256, f"{entry['reason']} (stage {entry['stage']})")


def _in_order(dropped: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(dropped, key=lambda entry: (entry["index"] is None, entry["index"] or 0, entry["name"]))


def _upscaled(record: Mapping[str, Any]) -> str:
    """The record of ``mfrec upscale``."""
    made = record["upscaled"]
    lines = [
        f"{record['recipe']['stamp']}: {made['method']}, {made['scale']} times, mfrec {record['mfrec']}, "
        f"{record['created']}",
        f"command: {record['command']}",
        f"{made['kind']}: {made['frames']} frames"
        + (f"; {made['coding']}; {made['sound']}" if made.get("coding") else ""),
    ]
    if made.get("face"):
        lines.append(f"face: {made['face']}")
    if made.get("flicker"):
        lines.append(f"flicker: {made['flicker']['text']}")
    lines += [f"weights: {name}, SHA-256 {digest}" for name, digest in made["weights"].items()]
    lines += ["", "inputs, SHA-256", *(f"{entry['sha256']}  {entry['name']}" for entry in record["inputs"])]
    if record["dropped"]:
        lines += ["", "left out", *(f"{entry['name']}: {entry['reason']}" for entry in record["dropped"])]
    return "\n".join([*lines, *_end(record)])


def _end(record: Mapping[str, Any]) -> list[str]:
    """Warnings and outputs."""
    lines = []
    if record["warnings"]:
        lines += ["", "warnings", *record["warnings"]]
    if record.get("outputs"):
        lines += ["", "outputs, SHA-256"]
        lines += [f"{digests['sha256']}  {name}" for name, digests in record["outputs"].items()]
    return lines


def reference_line(score: Mapping[str, Any] | None) -> str:
    """What was measured of a frame as reference, for people."""
    if score is None:
        return "not scored"
    if any(score.get(name) is None for name in ("yaw", "pitch", "roll", "eyes", "mouth")):
        return f"{score['total']:.2f}, no landmarks, sharp {score['sharp']:.2f}"
    turns = ", ".join(f"{name} {round(score[name]):+d}\u00b0" for name in ("yaw", "pitch", "roll"))
    details = ", ".join(f"{name} {score[name]:.2f}" for name in ("eyes", "mouth", "sharp"))
    return f"{score['total']:.2f}, {turns}, {details}"


def _number(value: float | None, factor: float, unit: str = "") -> str:
    return "-" if value is None else f"{value * factor:.1f}{unit}"
