"""Which sections of a document of measurements are older than what they measure.

The head of a section names the weights that its figures depend on, with the beginning of their SHA-256
(:mod:`mfrec.bench.document`). Where a card has other weights today, or none, the figures are those of another product.
Such a section is measured again by its own command, or says of itself that it is out of date: :func:`marked` writes
that sentence, and what is in print beside it; :func:`unsaid` finds where either is missing or not true any more. Where
no figure is better than an old one, :func:`cleared` takes it out and leaves the command that measures it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mfrec.bench.document import SECTION, SHORT, with_printed
from mfrec.bench.weights import hashes
from mfrec.cards.load import card_names

WEIGHTS = re.compile(r"^Weights: (?P<cards>.*)\.\n", re.MULTILINE)
MADE = re.compile(r"^\d{4}-\d\d-\d\dT[^\n]*\.\n", re.MULTILINE)
HEAD = re.compile(r"^\n(?P<head>## [^\n]*\n\n```\n[^`]*```\n)")
GONE = "are not shipped any more"
CLEARED = "Not measured with the weights of today; the command above does it."
MARK = re.compile(r"^\n\*\*Out of date\*\*: [^\n]*\n", re.MULTILINE)


def stale(text: str) -> dict[str, tuple[str, ...]]:
    """Section to why it cannot be vouched for; sections that can be are left out.

    Args:
        text: of a document of :mod:`mfrec.bench.document`.
    """
    found = {name: tuple(_reasons(section)) for name, section in _sections(text)}
    return {name: reasons for name, reasons in found.items() if reasons}


def marked(text: str) -> str:
    """The document in which every stale section says so, and no other, with what is in print beside its sections.

    No measured figure is touched.
    """
    text = with_printed(text)
    reasons = stale(text)

    def with_mark(match: re.Match[str]) -> str:
        name, section = match["name"], MARK.sub("", match["text"])
        head = WEIGHTS.search(section) or MADE.search(section)
        if name in reasons and head is not None:
            section = f"{section[: head.end()]}{_mark(reasons[name])}{section[head.end() :]}"
        return f"<!-- measured: {name} -->\n{section}<!-- /measured: {name} -->"

    return SECTION.sub(with_mark, text)


def cleared(text: str) -> str:
    """The document without the figures that other weights made: heading, command and what is in print stay.

    A section of which some weights are gone and all others are those of today keeps its figures: they say what those
    weights did, and of the rest they are still true.
    """
    reasons = {name for name, why in stale(text).items() if not all(reason.endswith(GONE) for reason in why)}

    def without_figures(match: re.Match[str]) -> str:
        head = HEAD.match(match["text"])
        if match["name"] not in reasons or head is None:
            return match[0]
        return f"<!-- measured: {match['name']} -->\n\n{head['head']}\n{CLEARED}\n<!-- /measured: {match['name']} -->"

    return marked(SECTION.sub(without_figures, text))


def unsaid(text: str) -> tuple[str, ...]:
    """Sections that are stale and do not say so, or say so of something else, or lack what is in print."""
    before, after = dict(_sections(text)), dict(_sections(marked(text)))
    return tuple(name for name in before if before[name] != after[name])


def _sections(text: str) -> Iterator[tuple[str, str]]:
    for match in SECTION.finditer(text):
        yield match["name"], match["text"]


def _reasons(section: str) -> Iterator[str]:
    if CLEARED in section:
        return
    made, weights = MADE.search(section), WEIGHTS.search(section)
    if made is not None and "-dirty" in made[0]:
        yield "it was measured in a state that nobody can check out"
    if weights is None:
        yield "it does not say which weights it was measured with"
        return
    known = card_names()
    for name, digest in re.findall(rf"`([^`]+)` ([0-9a-f]{{{SHORT}}})", weights["cards"]):
        today = hashes([name]).get(name, "") if name in known else ""
        if not today:
            yield f"the weights of `{name}` {GONE}"
        elif today[:SHORT] != digest:
            yield f"`{name}` has other weights today ({today[:SHORT]})"


def _mark(reasons: tuple[str, ...]) -> str:
    return f"\n**Out of date**: {'; '.join(reasons)}.\n"
