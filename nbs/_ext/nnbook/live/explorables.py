"""The explorables: things to try out with nnlib itself, in the reader's page, where the idea is.

``{explorable} xor fig-xor-boundary`` stands before the cell of this figure. The directive leaves a
place that ``explore.js`` fills with a button; after a click, and not before, Python is loaded and
what can be tried out takes the place of the figure. Without scripts, and in print, the figure
stays. What Python computes is in ``static/explore/explore.py``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from . import live, pyodide

DATA = {  # what each loads besides Python, from the folder `data`
    "draw": (
        "runs/autoencoder.npz",
        "mnist/t10k-images-idx3-ubyte.gz",
        "mnist/t10k-labels-idx1-ubyte.gz",
    ),
    "smo": (),
    "train": ("mnist/t10k-images-idx3-ubyte.gz",),
    "valley": (),
    "xor": (),
}
PLACE = '<div class="nnbook-explorable no-print" data-kind="{}" data-figure="{}" hidden></div>'


class Explorable(Directive):
    """The place of one of them, and the figure that it replaces."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        kind, figure = self.arguments
        if kind not in DATA:
            raise self.error(f"explorable: expected one of {', '.join(DATA)}, got {kind}")
        return [nodes.raw("", PLACE.format(kind, figure), format="html")]


def code_files(folder: Path) -> list[Path]:
    """List what is loaded of Pyodide: its core and NumPy."""
    return [
        folder / name
        for name in (*pyodide.LOCK["core"], pyodide.LOCK["packages"]["numpy"]["file_name"])
    ]


def add_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Say in each place how much is to be loaded, and give the page its script."""
    if app.builder.name != "html" or "nnbook-explorable" not in context.get("body", ""):
        return
    folder = live.pyodide_folder(app)

    def sized(match: re.Match[str]) -> str:
        if folder is None:
            return match[0]
        data = [Path(app.confdir, "data", name) for name in DATA[match[1]]]
        code, more = live.megabytes(code_files(folder)), live.megabytes(data)
        return f'{match[0]} data-code="{code}" data-data="{more}"'

    context["body"] = re.sub(r'data-kind="(\w+)"', sized, context["body"]) + live.from_a_file(
        ".nnbook-explorable"
    )
    app.add_css_file("live/live.css")
    app.add_css_file("explore/explore.css")
    app.add_js_file("explore/explore.js", type="module")


def setup(app: Sphinx) -> None:
    app.add_directive("explorable", Explorable)
    app.connect("html-page-context", add_scripts)
