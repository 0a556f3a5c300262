"""The version, in a module of its own: whoever wants it need not import the package's names."""

from __future__ import annotations

__version__ = "0.1.0"
