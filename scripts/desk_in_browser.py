"""A desk of this checkout and a Chromium beside it, for the scripts that photograph and measure its page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent


class Beside(NamedTuple):
    """Both, as long as the block of :func:`desk_in_browser` runs.

    Attributes:
        address: of the desk, with its token.
        desk: the number of its process.
        browser: which has been nowhere yet.
    """

    address: str
    desk: int
    browser: Browser


@contextmanager
def desk_in_browser(cases: Path, *arguments: str) -> Iterator[Beside]:
    """Start both, and end both.

    Args:
        cases: folder of the desk.
        arguments: of Chromium, which is looked for on PATH; else Playwright's own is taken.
    """
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    desk = subprocess.Popen(
        [sys.executable, "-P", "-m", "mfrec", "desk", str(cases), "--port", "0"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert desk.stderr is not None
        address = next(line.split(" open ")[1].strip() for line in desk.stderr if " open http" in line)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *arguments])
            yield Beside(address, desk.pid, browser)
            browser.close()
    finally:
        desk.terminate()
        desk.wait()
