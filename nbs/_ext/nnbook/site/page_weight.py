"""What a page asks for before it can be read: less than the theme does by default.

The theme sends every icon twice, as a font and as 1.5 MB of script, and asks ahead for fonts that no page uses.
Figures are asked for when the reader comes near them; their size is in the page, so that nothing jumps.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

UNUSED = re.compile(r'\s*<script src="[^"]*/fontawesome/[^"]*/js/all\.min\.js[^"]*"></script>'
                    r'|\s*<link [^>]*(?:fa-brands-400|fa-regular-400)\.woff2[^>]*/>')
FIGURE = re.compile(r'<img (?=[^>]*?src="([^"]*_images/[^"]+\.svg)")')
NEVER_ASKED = ("vendor/fontawesome/*/js/*", "vendor/fontawesome/*/webfonts/*.ttf", "**/*.map",
               "mathjax/sre/mathmaps/*.json")  # scripts of icons, old fonts, maps for debuggers, speech in other languages
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')


def lighten(html: str, folder: Path) -> str:
    """Rewrite a page of that folder."""

    def sized(match: re.Match[str]) -> str:
        picture = folder / match[1]
        found = SIZE.search(picture.read_text(encoding="utf-8")[:1000]) if picture.is_file() else None
        size = 'width="{:.0f}" height="{:.0f}" '.format(*(float(side) * 4 / 3 for side in found.groups())) if found else ""
        return f'<img loading="lazy" {size}'

    return FIGURE.sub(sized, UNUSED.sub("", html))


def lighten_site(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.name != "html":
        return
    site = Path(app.outdir)
    for page in [*site.glob("*.html"), *site.glob("nbs/*.html"), *site.glob("_modules/**/*.html")]:
        page.write_text(lighten(page.read_text(encoding="utf-8"), page.parent), encoding="utf-8")
    for pattern in NEVER_ASKED:
        for path in site.glob(f"_static/{pattern}"):
            if path.name not in ("base.json", "en.json"):
                path.unlink()


def setup(app: Sphinx) -> None:
    app.connect("build-finished", lighten_site)
