"""Measured sections of a Markdown file: each says by which command, when, where and on what it was made.

A section stands between two comments that name it. Measuring it again replaces it and nothing else, so no figure in the
document is ever typed by hand::

    <!-- measured: 3.1 -->
    ...
    <!-- /measured: 3.1 -->

What is in print beside a section is not measured and stands between two comments of its own; :func:`with_printed`
writes it into sections that are there already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mfrec.bench.tables.thesis import PRINTED
from mfrec.errors import UsageError
from mfrec.publication.files import write_file

TITLE = "# Benchmarks\n\nEvery section was written by the command that it shows.\n"
"""How a document begins that does not exist yet."""


SHORT = 12
"""Digits of a hash in the head of a section."""

SECTION = re.compile(r"<!-- measured: (?P<name>.+?) -->\n(?P<text>.*?)<!-- /measured: (?P=name) -->", re.DOTALL)
PRINTED_BLOCK = re.compile(r"\n<!-- in print -->\n.*?<!-- /in print -->\n", re.DOTALL)


@dataclass(frozen=True)
class Section:
    """One measured section.

    Attributes:
        name: identifies it in the document.
        heading: of the section.
        body: Markdown.
        command: what was typed, without paths of the machine.
        created: UTC, ISO 8601.
        machine: system, processor and cores.
        commit: of the checkout, None outside of one.
        cards: name to the SHA-256 of every weights file that the figures depend on.
    """

    name: str
    heading: str
    body: str
    command: str
    created: str
    machine: Mapping[str, Any]
    commit: str | None
    cards: Mapping[str, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """The section with its comments."""
        where = f"{self.machine['system']}, {self.machine['processor']}, {self.machine['cores']} cores"
        commit = (
            f"commit `{self.commit[:12]}{'-dirty' if self.commit.endswith('-dirty') else ''}`" if self.commit else ""
        )
        made = "; ".join(filter(None, (self.created, where, commit)))
        parts = (f"## {self.heading}", f"```\n{self.command}\n```", f"{made}.", told(self.cards), self.body.strip())
        inner = "\n\n".join(parts)
        return f"<!-- measured: {self.name} -->\n\n{inner}\n{printed(self.name)}\n<!-- /measured: {self.name} -->"


def printed(name: str) -> str:
    """What is in print beside the section of a table, between its comments; empty where nothing is."""
    tables = "\n\n".join(table.markdown() for table in PRINTED.get(name, ()))
    return f"\n<!-- in print -->\n\n{tables}\n\n<!-- /in print -->\n" if tables else ""


def with_printed(text: str) -> str:
    """A document whose sections have beside them what is in print; no measured figure is touched."""

    def beside(match: re.Match[str]) -> str:
        name, section = match["name"], PRINTED_BLOCK.sub("", match["text"]).rstrip("\n")
        return f"<!-- measured: {name} -->\n{section}\n{printed(name)}\n<!-- /measured: {name} -->"

    return SECTION.sub(beside, text)


def told(cards: Mapping[str, str]) -> str:
    """Which weights a section depends on, as its head says it; :func:`mfrec.bench.stale.stale` reads it back."""
    named = ", ".join(f"`{name}` {digest[:SHORT]}" for name, digest in sorted(cards.items()))
    return f"Weights: {named or 'none'}."


def put_sections(document: Path, sections: list[Section]) -> None:
    """Replace sections of a document, or add them at its end; everything else stays to the byte.

    Args:
        document: a Markdown file, made where there is none.
        sections: in the order in which new ones are added.

    Raises:
        UsageError: the file cannot be read or written, or a section in it has no end.
    """
    text = read_document(document) if document.exists() else TITLE
    for section in sections:
        text = with_section(text, section)
    write_file(document, text.encode("utf-8"), replace=True)


def read_document(document: Path) -> str:
    """The text of a document.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the document '{document}' cannot be read ({error}); name a Markdown file") from None


def with_section(text: str, section: Section) -> str:
    """The text with one section replaced or added.

    Raises:
        UsageError: the section begins and does not end.
    """
    name = re.escape(section.name)
    if f"<!-- measured: {section.name} -->" not in text:
        return f"{text.rstrip()}\n\n{section.markdown()}\n"
    pattern = rf"<!-- measured: {name} -->.*?<!-- /measured: {name} -->"
    changed, count = re.subn(pattern, lambda _: section.markdown(), text, count=1, flags=re.DOTALL)
    if not count:
        raise UsageError(f"the section '{section.name}' of the document has no end; restore its last comment")
    return changed
