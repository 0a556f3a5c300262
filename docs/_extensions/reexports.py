"""References to public names resolve to where the object is defined.

Docstrings say :class:`mfrec.types.Fused`, which is the name to import; its page is that of the module that defines it.
A field of a dataclass has no entry of its own: its class describes it, so the reference leads there.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections import defaultdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.ext.autodoc.mock import mock
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


@functools.cache
def canonical_names(target: str) -> list[str]:
    """Names under which an object of this package may be documented: its own, then those of what encloses it.

    Args:
        target: full dotted name, such as ``mfrec.types.Fused.weight``.

    Returns:
        ``["mfrec.types.track.Fused", "mfrec.types"]`` for that; nothing where there is no such object.
    """
    parts = target.split(".")
    found, depth = importlib.import_module(parts[0]), 1
    names = [parts[0]]
    while depth < len(parts) and hasattr(found, "__path__") and find_spec(".".join(parts[: depth + 1])):
        depth += 1
        names.insert(0, ".".join(parts[:depth]))
        found = importlib.import_module(names[0])
    for part in parts[depth:]:
        fields = getattr(found, "__dataclass_fields__", {})
        if not hasattr(found, part) and part not in fields:
            return []
        found = getattr(found, part, None)
        if inspect.isclass(found) or inspect.isroutine(found):
            names.insert(0, f"{found.__module__}.{found.__qualname__}")
    return names


def find(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> nodes.Element | None:
    """Resolve one reference that the Python domain did not find, or give it up."""
    if node.get("refdomain") != "py" or app.builder is None:
        return None
    written, module, owner = node["reftarget"], node.get("py:module"), node.get("py:class")
    places = [written] if written.startswith("mfrec.") else []
    places += [".".join([*filter(None, prefix), written]) for prefix in ((module, owner), (module,)) if module]
    objects = env.domains.python_domain.objects
    for place in places:
        with mock(app.config.autodoc_mock_imports):
            names = canonical_names(place)
        for name in names:
            if name in objects:
                entry = objects[name]
                uri = app.builder.get_relative_uri(node["refdoc"], entry.docname)
                return nodes.reference("", "", content, internal=True, refuri=f"{uri}#{entry.node_id}")
    return None


class OneMeaning(SphinxPostTransform):
    """A bare name in a signature means what it means in its module, or is plain text, but never another's namesake."""

    default_priority = 5  # before Sphinx resolves

    def run(self, **_: Any) -> None:
        """Look at every name that is not written in full."""
        domain = self.env.domains.python_domain
        objects = domain.objects
        by_name: dict[str, list[str]] = defaultdict(list)
        for other in objects:
            by_name[other.rpartition(".")[2]].append(other)
        for node in list(self.document.findall(pending_xref)):
            name, module = node["reftarget"], node.get("py:module")
            if node.get("refdomain") != "py":
                continue
            namesakes = [other for other in by_name[name.rpartition(".")[2]] if other.endswith(f".{name}")]
            if not namesakes:
                # Sphinx would compare it with every name there is, for half a minute in all.
                node.attributes.pop("refspecific", None)
            if "." in name or f"{module}.{name}" in objects or not namesakes:
                continue
            if len(namesakes) == 1:
                if objects[namesakes[0]].objtype in (domain.objtypes_for_role(node["reftype"]) or ()):
                    node["reftarget"] = namesakes[0]
                continue
            with mock(self.config.autodoc_mock_imports):
                meant = [own for own in canonical_names(f"{module}.{name}") if own in namesakes] if module else []
            if meant:
                node["reftarget"] = meant[0]
            else:
                node.replace_self(nodes.Text(name))


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen for references that lead nowhere, or to several places."""
    app.add_post_transform(OneMeaning)
    app.connect("missing-reference", find)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
