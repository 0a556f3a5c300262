"""A Chromium on PATH, for the tests that open a page as its reader would (``apt-get install chromium``)."""

from __future__ import annotations

import shutil
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Path of the browser; None where there is none, and those tests are then skipped."""

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--disable-sync", "--disable-extensions", "--force-color-profile=srgb",
]  # fmt: skip
"""Nothing drawn by a graphics card, and nothing asked of the network by the browser itself."""


def until(page: Any, expression: str) -> None:
    """Wait, ten seconds at most, until an expression holds in a Playwright page.

    ``page.wait_for_function`` evaluates its text inside of the page from the second look on, which the page's own
    Content-Security-Policy forbids: it works as long as nothing has to be waited for.
    """
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"after ten seconds not yet: {expression}")
