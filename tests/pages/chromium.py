"""The browser in which pages are tested, measured and photographed: Debian's Chromium, or Chrome."""

import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = f"none of {', '.join(NAMES)} is installed: apt-get install chromium"
_QUIET = ("--no-sandbox", "--disable-quic", "--disable-component-update")


def found() -> str | None:
    """Where the browser is; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def started(playwright: Playwright, path: str, *options: str) -> Browser:
    """Start it without a window."""
    return playwright.chromium.launch(executable_path=path, args=[*_QUIET, *options])
