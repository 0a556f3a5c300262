"""One HTML file without a single outside resource, for any browser.

Names and messages come from strangers, so two walls stand between them and the page: Jinja escapes whatever it
inserts, and a content security policy lets exactly one script run, named by its hash, and no address be reached.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def standalone_page(folder: Path, name: str, values: Mapping[str, Any]) -> bytes:
    """A page as UTF-8.

    Args:
        folder: holds ``NAME.html.jinja``, ``NAME.css`` and ``NAME.js``.
        name: of the three.
        values: values and functions that the template asks for, besides ``style``, ``script`` and ``policy``.
    """
    script = (folder / f"{name}.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(f"{name}.html.jinja").render(
        {
            **values,
            "style": Markup((folder / f"{name}.css").read_text(encoding="utf-8")),
            "script": Markup(script),
            "policy": f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'",
        }
    )
    return page.encode("utf-8")
