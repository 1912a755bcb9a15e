"""What the theme's pages lack: roles and focus for assistive software, a card for shared links, a
link for reporting errors, a page for lost readers.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config

HERE = Path(__file__).parent
CARD = "card.png"
FORMULA = '<span class="math notranslate nohighlight">[^<]*</span>'
MENDS: list[tuple[str | re.Pattern[str], str]] = [
    # the list's items, by a role that is not obsolete
    ('role="doc-biblioentry"', 'role="listitem"'),
    # an empty cell heads nothing
    (re.compile(r"<th\b([^>]*)>\s*<p>\s*</p>\s*</th>"), r"<td\1></td>"),
    # and its comma: one line
    (
        re.compile(rf"(\(+{FORMULA}[.,;:)!?]*|{FORMULA}[.,;:)!?]+)"),
        r'<span class="nnbook-glued">\1</span>',
    ),
]


def mend(page: str, builder: Builder | None = None) -> str:
    """Correct what docutils and the theme write."""
    for old, new in MENDS:
        page = old.sub(new, page) if isinstance(old, re.Pattern) else page.replace(old, new)
    return page


def add_error_link(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Let readers report an error at the foot of a page, if the book has an address for that."""
    address = app.config.nnbook_errors
    if "body" not in context or not address:
        return
    if "@" in address and ":" not in address:
        title = re.sub(r"<[^>]*>", "", context.get("title", ""))
        address = f"mailto:{address}?subject={quote(f'Error in: {title}')}"
    link = f'<a href="{html.escape(address)}">Report an error on this page</a>'
    context["body"] += f'\n<p class="nnbook-errors">{link}</p>'


def on_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Say what a page is about and, if the book has an address, how a link to it is shown
    elsewhere.
    """
    if "body" not in context:
        return
    text = description(context["body"]) or app.config.html_title
    tags = [f'<meta name="description" content="{text}">']
    if app.config.html_baseurl:  # without an address there is nothing that a card could lead to
        base = app.config.html_baseurl.rstrip("/")
        card = {
            "og:type": "article",
            "og:site_name": app.config.html_title,
            "og:title": re.sub(r"<[^>]*>", "", context.get("title", "")),
            "og:description": text,
            "og:url": f"{base}/{context['pagename']}.html",
            "og:image": f"{base}/_static/{CARD}",
            "og:image:alt": f"The title of the book, {app.config.html_title}, "
            "beside a drawing of a small network",
        }
        tags += [f'<meta property="{name}" content="{value}">' for name, value in card.items()]
        tags += ['<meta name="twitter:card" content="summary_large_image">']
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def add_search(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Mend the excerpts on the page of search."""
    if pagename == "search":
        app.add_js_file("search.js", loading_method="defer")


def description(body: str) -> str:
    """Take the first paragraph of a page's text, cut at a sentence or word."""
    found = re.search(r"<p>(.*?)</p>", body, re.S)
    text = (
        " ".join(re.sub(r"<[^>]*>", "", found[1]).split()).replace('"', "&quot;") if found else ""
    )
    return text if len(text) <= 200 else text[:200].rpartition(" ")[0] + " ..."


def finish(app: Sphinx, error: Exception | None) -> None:
    """Put the page for lost readers into the site."""
    if error is None and app.builder.name == "html":
        root = urlsplit(app.config.html_baseurl).path if app.config.html_baseurl else ""
        lost = (HERE / "404.html").read_text(encoding="utf-8")
        lost = lost.replace('data-root=""', f'data-root="{html.escape(root)}"')
        Path(app.outdir, "404.html").write_text(lost, encoding="utf-8")


def set_address(app: Sphinx, config: Config) -> None:
    """Take the address of the site and the language of its texts from the environment: `make
    BASEURL=https://... NNLIB_LANGUAGE=de book`.
    """
    config.language = os.environ.get("NNLIB_LANGUAGE") or config.language
    config.html_baseurl = os.environ.get("BASEURL") or config.html_baseurl


def setup(app: Sphinx) -> None:
    app.connect("config-inited", set_address)
    for script in ("book.js", "progress.js"):
        app.add_js_file(script, loading_method="defer")
    app.add_config_value("nnbook_errors", "", "html")  # an address of mail or of the web
    app.connect("html-page-context", on_page, priority=900)
    app.connect("html-page-context", add_error_link, priority=901)
    app.connect("html-page-context", add_search)
    app.connect("build-finished", finish)
