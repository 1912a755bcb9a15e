"""What the tests of the book share: the repository, the built site and a browser without a
network.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from waiting import PATIENCE

import serve
from browser import find_browser

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=PATIENCE)


# fixtures that take long to make: the tests that use one of them run in one process
TOGETHER = {"shared", "pages"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together, where tests are spread over processes, what shares a live page or all pages
    parsed.
    """
    for item in items:
        for name in TOGETHER.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built site."""
    folder = ROOT / "_build" / "html"
    if not (folder / "nbs" / "index.html").exists():
        pytest.fail("these tests look at the built book: run `make book` first")
    return folder


@pytest.fixture(scope="session")
def server(html: Path) -> Iterator[str]:
    """The address at which the site is served, on this machine only."""

    with serve.served(html) as address:
        yield address


@pytest.fixture(scope="session")
def isolated(html: Path) -> Iterator[str]:
    """The address at which it is served as `make serve` does, with what a host is to send."""
    with serve.make_server(html) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium or Chrome, as installed on the system."""
    found = find_browser()
    if found is None:
        pytest.fail(
            "these tests need a browser: install Chromium or Google Chrome, "
            "on Debian or Ubuntu with `sudo apt-get install chromium`"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()
