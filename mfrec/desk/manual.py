"""The pages of the documentation that explain a map or a warning, as the desk shows them without a network."""

from __future__ import annotations

import functools
import html
import itertools
import re
from pathlib import Path

from mfrec.desk.refusal import RefusalError

PACKAGE = Path(__file__).resolve().parent.parent

PAGES = ("desk", "index", "maps", "outputs", "custody", "court")
"""Of ``docs/analyst/``."""

ROLE = re.compile(r"\{(?:doc|func|mod|class)\}`(?:([^`<]+) )?<?([^`<>]+)>?`")


def manual_folder() -> Path:
    """Where the pages are: in a checkout beside the package, in an installed one inside."""
    inside = PACKAGE / "_manual"
    return inside if inside.is_dir() else PACKAGE.parent / "docs" / "analyst"


@functools.cache
def manual_page(name: str) -> str:
    """A page of the documentation as HTML, the whole document.

    Raises:
        RefusalError: there is no such page.
    """
    from markdown_it import MarkdownIt

    path = manual_folder() / f"{name}.md"
    if name not in PAGES or not path.is_file():
        raise RefusalError("refused.name", 404, name=name[:80])
    text = path.read_text(encoding="utf-8")
    # What MyST adds to Markdown: lists of pages are left out, references become links or their last name.
    text = re.sub(r"^(`{3,}|:{3,})\{[\w-]+\}.*?^\1\s*$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = ROLE.sub(_reference, text)
    text = re.sub(r"^: +", "", text, flags=re.MULTILINE)
    # Pictures of the site are not there, and the desk itself is in sight.
    text = re.sub(r"!\[[^]]*\]\([^)]*\)\s*", "", text)
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token, inside in itertools.pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", re.sub(r"[^a-z0-9]+", "-", inside.content.lower()).strip("-"))
    body = parser.renderer.render(tokens, parser.options, {})
    title = html.escape(next((t.content for t in tokens if t.type == "inline"), name))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/page/desk.css"></head><body class="manual"><main>{body}</main></body></html>'
    )


def _reference(found: re.Match[str]) -> str:
    words, target = found[1], found[2]
    name = target.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
    if name in PAGES and "{doc}" in found[0]:
        return f"[{words or name}](/manual/{name})"
    return words or f"`{name}`"
