"""What tests of pages share: waiting under a policy that forbids the scripts that a browser's
driver would wait with, noting what goes wrong, and leaving on a page what is to be looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

PATIENCE = 120_000  # milliseconds: other processes may keep a machine busy


def wait_until(
    page: Page, expression: str, arg: object = None, seconds: float = PATIENCE / 1000
) -> None:
    """Ask the page again and again until the expression holds."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"it did not come: {expression}"
        page.wait_for_timeout(100)


def settled(page: Page, expression: str) -> object:
    """Wait until the expression has kept its value for a second; return it."""
    end = time.monotonic() + PATIENCE / 1000
    before, value = None, page.evaluate(expression)
    while value != before:
        assert time.monotonic() < end, f"it does not settle: {expression}"
        page.wait_for_timeout(1000)
        before, value = value, page.evaluate(expression)
    return value


def watch(page: Page, server: str) -> list[str]:
    """Note everything that goes wrong on a page, and what it asks for elsewhere."""
    problems: list[str] = []
    page.on(
        "console",
        lambda message: (
            problems.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((server, "data:", f"blob:{server}"))
            else problems.append(f"foreign: {request.url}")
        ),
    )
    return problems


@contextmanager
def alone(page: Page, selector: str) -> Iterator[None]:
    """Leave on a page, for a while, only these elements and what they stand in: axe looks at every
    element around them too, and there are twenty thousand.
    """
    page.evaluate(
        """(selector) => {
        window.away = [];
        const keep = new Set(document.querySelectorAll(selector));
        const around = new Set();
        for (const part of keep)
          for (let one = part.parentElement; one; one = one.parentElement) around.add(one);
        for (const one of around)
          for (const other of keep.has(one) ? [] : [...one.children])
            if (!keep.has(other) && !around.has(other) && other.tagName !== "HEAD") {
              const place = document.createComment("");
              other.replaceWith(place);
              window.away.push([place, other]);
            }
        }""",
        selector,
    )
    try:
        yield
    finally:
        page.evaluate("for (const [place, other] of window.away) place.replaceWith(other)")
