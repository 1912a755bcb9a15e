"""Links in the header of each page to the book in other forms: its notebooks, and the code of the
package. ``tools/editions.py`` adds those to print and EPUB when they have been made.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.builders import Builder

MENU = re.compile(r'(<div class="dropdown dropdown-download-buttons">.*?)(\s*</ul>)', re.S)
ROOT = re.compile(r'<html[^>]*\bdata-content_root="([^"]*)"')


def offer(page: str, builder: Builder) -> str:
    """Add the links to the menu of downloads, with a place for more."""
    found = ROOT.search(page)
    root = found[1] if found else ""
    source = builder.config.nnbook_source or f"{root}_modules/index.html"
    links = {
        f"{root}_static/{builder.config.nnbook_package}-notebooks.zip": "All notebooks (.zip)",
        source: "Source of the package",
    }
    items = "".join(
        f'<li><a class="dropdown-item" href="{address}">{text}</a></li>'
        for address, text in links.items()
    )
    return MENU.sub(rf"\1<!-- editions -->{items}\2", page)


def setup(app: Sphinx) -> None:
    app.add_config_value("nnbook_source", "", "html")  # the address of the repository
