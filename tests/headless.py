"""A Chromium on PATH, for the tests that open a page as its reader would (``apt-get install chromium``)."""

from __future__ import annotations

import shutil

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Path of the browser; None where there is none, and those tests are then skipped."""

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--disable-sync", "--disable-extensions", "--force-color-profile=srgb",
]  # fmt: skip
"""Nothing drawn by a graphics card, and nothing asked of the network by the browser itself."""
