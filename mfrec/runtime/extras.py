"""What is said where an optional package is missing: one sentence, with the command that installs it."""

from __future__ import annotations


def not_installed(what: str, package: str | None, extra: str) -> str:
    """The sentence for an error.

    Args:
        what: asked for the package.
        package: that is missing.
        extra: of ``pyproject.toml`` that brings it; where mfrec is installed, pip then adds what is missing alone.
    """
    return f"{what} needs the package '{package}', which is not installed; run: pip install 'mfrec[{extra}]'"
