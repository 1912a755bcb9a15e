"""Measure how the built pages load, as Lighthouse does, by Chromium's own tracing.

Each page is opened anew on a phone's screen, with a processor slowed down four times and a
connection of 1.6 Mbit/s with 150 ms of delay; the numbers are medians over the rounds. With
--store they go into data/runs/pages.json, which the book's page of benchmarks shows:
``python -m studies.pages --store``.
"""

from __future__ import annotations

import json
import re
import sys
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tools.browser import find_browser
from tools.serve import Handler, served

from . import kit

SITE = kit.ROOT / "_build" / "html"
STORED = kit.RUNS / "pages.json"

ROUNDS = 3
SCREEN: dict[str, Any] = {
    "viewport": {"width": 412, "height": 823},
    "device_scale_factor": 1.75,
    "is_mobile": True,
}
NETWORK: dict[str, Any] = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
CATEGORIES = ["loading", "blink.user_timing", "devtools.timeline", "toplevel"]


def measures(events: list[dict[str, Any]]) -> dict[str, float]:
    """Compute paint times, blocked time in milliseconds, and layout shift from a trace."""
    starts = [e for e in events if e["name"] == "navigationStart" and "http" in str(e["args"])]
    start = starts[-1]
    of_page = [e for e in events if e["pid"] == start["pid"] and e["ts"] >= start["ts"]]
    at = {
        name: [e["ts"] for e in of_page if e["name"] == name]
        for name in ("firstContentfulPaint", "largestContentfulPaint::Candidate")
    }
    first, largest = ((max if "largest" in name else min)(times) for name, times in at.items())
    shifts = [
        e["args"]["data"]["score"]
        for e in of_page
        if e["name"] == "LayoutShift" and not e["args"]["data"]["had_recent_input"]
    ]
    tasks = [
        e["dur"] / 1e3
        for e in of_page
        if e["name"].endswith("RunTask")
        and e["tid"] == start["tid"]
        and e["ts"] >= first
        and "dur" in e
    ]
    return {
        "first_paint_ms": (first - start["ts"]) / 1e3,
        "largest_paint_ms": (largest - start["ts"]) / 1e3,
        "blocked_ms": sum(max(0, task - 50) for task in tasks),
        "layout_shift": sum(shifts),
    }


def visit(browser: Browser, url: str) -> dict[str, float]:
    """Open a page once, with an empty cache."""
    context = browser.new_context(**SCREEN)
    page = context.new_page()
    chrome = context.new_cdp_session(page)
    sizes: list[float] = []
    chrome.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    chrome.send("Network.enable")
    chrome.send("Network.emulateNetworkConditions", NETWORK)
    chrome.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    browser.start_tracing(page=page, categories=CATEGORIES)
    page.goto(url, wait_until="networkidle")
    page.wait_for_timeout(1000)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    context.close()
    return measures(events) | {"requests": len(sizes), "kilobytes": sum(sizes) / 1e3}


def main() -> None:
    """Measure, print, store."""
    toc = (kit.ROOT / "_toc.yml").read_text(encoding="utf-8")
    pages = [f"{name}.html" for name in re.findall(r"(?:root|file): (\S+)", toc)]
    found = {}
    with sync_playwright() as playwright, served(SITE, Handler) as address:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        for name in pages:
            runs = [visit(browser, f"{address}/{name}") for _ in range(ROUNDS)]
            found[name] = {key: median(run[key] for run in runs) for key in runs[0]}
            values = ", ".join(f"{key} {value:.4g}" for key, value in found[name].items())
            print(name, values, flush=True)
        version = browser.version
    if "--store" in sys.argv[1:]:
        kit.store(
            kit.origin("make bench-pages")
            | {"chromium": version, "rounds": ROUNDS, "pages": found},
            STORED,
        )


if __name__ == "__main__":
    main()
