"""The printed editions on the site: their files, and a link to each in the header of the pages."""

from __future__ import annotations

import shutil
from pathlib import Path

SITE = Path(__file__).parents[1] / "_build" / "html"
PLACE = "<!-- editions -->"  # nnbook.site.editions leaves it in the pages
TEXTS = {".pdf": "Book (.pdf)", ".epub": "Book (.epub)"}


def publish(path: Path, site: Path = SITE) -> None:
    """Put an edition on the site, and lead to it from each page; a reader sees whole pages."""
    folder = site / "_static" / "editions"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder)
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        up = "../" * (len(page.relative_to(site).parts) - 1)
        address, said = f"{up}_static/editions/{path.name}", TEXTS[path.suffix]
        link = f'<li><a class="dropdown-item" href="{address}">{said}</a></li>'
        if PLACE not in text or link in text:
            continue
        new = page.with_name(f"{page.name}{path.suffix}.new")
        new.write_text(text.replace(PLACE, link + PLACE), encoding="utf-8")
        new.replace(page)
