"""Waiting for a page whose policy forbids the scripts that a browser's driver would wait with."""

from __future__ import annotations

import time

from playwright.sync_api import Page


def wait_until(page: Page, expression: str, arg: object = None, seconds: float = 60) -> None:
    """Ask the page again and again until the expression holds."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"it did not come: {expression}"
        page.wait_for_timeout(100)
