"""When a count of frames says too much: one of them gives most of the picture."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 0.5
"""Share of all pixels above which a frame gives more than all others together."""


def leading_share(shares: Iterable[float | None]) -> float | None:
    """The share of the frame that gives more than the others together; None where none does, or no other is there.

    Args:
        shares: of each frame of all pixels, 0 to 1; None where it was never measured.
    """
    known = [share or 0.0 for share in shares]
    most = max(known, default=0.0)
    return most if len(known) > 1 and most > MOST else None


def leading_words(names: Iterable[str], shares: Iterable[float | None]) -> str:
    """The same in words, with the name of the frame; empty where none leads.

    Args:
        names: of the frames.
        shares: of the same frames, see :func:`leading_share`.
    """
    frames = list(zip(names, shares, strict=True))
    most = leading_share(share for _, share in frames)
    if most is None:
        return ""
    return f"{next(name for name, share in frames if share == most)} alone gives {100 * most:.0f} % of the picture"
