"""Where Chromium or Chrome is on this machine."""

from __future__ import annotations

import shutil

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_browser() -> str | None:
    """Return the path of the browser, None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)
