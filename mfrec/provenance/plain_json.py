"""What was measured or done, as JSON that every reader takes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def to_json(record: Mapping[str, Any]) -> str:
    """A record as text: ASCII, so that names that are no valid Unicode survive; without NaN, which JSON lacks."""
    return json.dumps(_plain(record), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """NumPy scalars and tuples as JSON has them; a number that is not finite is nothing."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
