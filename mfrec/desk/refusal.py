"""What the desk answers where it does not do what was asked."""

from __future__ import annotations

from mfrec.desk.words import word
from mfrec.errors import MfrecError


class RefusalError(MfrecError):
    """A request that cannot be met, and why.

    Args:
        key: of its sentence in ``words.json``.
        status: of HTTP.
        values: of the sentence.
    """

    def __init__(self, key: str, status: int = 400, **values: object) -> None:
        super().__init__(word(key, **values))
        self.key = key
        self.status = status
