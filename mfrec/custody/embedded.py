"""What a signature says that a file carries in itself: a PDF's, or the credentials of a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EmbeddedCheck:
    """What a signed PDF or PNG says of itself.

    Attributes:
        intact: what was signed is as it was, and nothing was added to it.
        known: the certificate counts here.
        expired: its time is over, and no trusted time stamp says that the signature is older.
        detail: who signed, in words.
    """

    intact: bool
    known: bool
    expired: bool
    detail: str
