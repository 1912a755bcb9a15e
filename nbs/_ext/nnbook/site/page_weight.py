"""What a page asks for before it can be read: less than the theme does by default.

The theme sends every icon twice, as a font and as 1.5 MB of script, and asks ahead for fonts that
no page uses. Figures are asked for when the reader comes near them; their size is in the page, so
that nothing jumps.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.builders import Builder

UNUSED = re.compile(
    r'\s*<script src="[^"]*/fontawesome/[^"]*/js/all\.min\.js[^"]*"></script>'
    r"|\s*<link [^>]*(?:fa-brands-400|fa-regular-400)\.woff2[^>]*/>"
)
FIGURE = re.compile(r'<img (?=[^>]*?src="[^"]*_images/([^"]+\.svg)")')
NEVER_ASKED = (
    "vendor/fontawesome/*/js/*",
    "vendor/fontawesome/*/webfonts/*.ttf",
    "**/*.map",
    # scripts of icons, old fonts, maps for debuggers, speech in other languages
    "mathjax/sre/mathmaps/*.json",
)
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')


def lighten(page: str, builder: Builder) -> str:
    """Leave out of a page what it does not need, and give its figures their size."""
    sources = {name: Path(builder.srcdir, path) for path, name in builder.images.items()}

    def sized(match: re.Match[str]) -> str:
        picture = sources.get(match[1])
        found = SIZE.search(picture.read_text(encoding="utf-8")[:1000]) if picture else None
        if found is None:
            return '<img loading="lazy" '
        sides = [float(side) * 4 / 3 for side in found.groups()]
        size = 'width="{0:.0f}" height="{1:.0f}" style="--width: {0:.0f}px" '.format(*sides)
        return f'<img loading="lazy" {size}'

    return FIGURE.sub(sized, UNUSED.sub("", page))


def lighten_site(app: Sphinx, error: Exception | None) -> None:
    """Remove files that no page asks for."""
    if error or app.builder.name != "html":
        return
    for pattern in NEVER_ASKED:
        for path in Path(app.outdir, "_static").glob(pattern):
            if path.name not in ("base.json", "en.json"):
                path.unlink()


def setup(app: Sphinx) -> None:
    app.connect("build-finished", lighten_site)
