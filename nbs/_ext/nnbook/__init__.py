"""What joins the notebooks to jupyter-book: a local Sphinx extension, loaded by ``_config.yml``.

``notebook``: what reads the notebooks
    `directives` turns the directive lines of cells into tags, figures and badges, and keeps the
    execution cache honest; `execution` runs the chapters side by side; `equations` gives the
    report's equations the report's numbers; `exercises` makes exercises citable; `ledger` compares
    what the chapters measured with what the report claims; `names` lists the exported names, and
    `scan` finds where code uses them; `reference` gives the reference its contents
``site``: what edits the pages
    `pages` passes each page once through all edits; `fixes` mends the theme's pages for screen
    readers, and adds the card for links and the page for lost readers; `links` leads each name in
    code to its definition; `page_weight` leaves out what a page need not load; `policy` says which
    scripts may run; `editions` leads to the book in other forms
``live``: what makes pages live
    `live` lets the reader edit and run a chapter in its page; `explorables` are things to try
    out in the page
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from .live import explorables, live
from .notebook import (
    directives,
    equations,
    execution,
    exercises,
    ledger,
    names,
    reference,
)
from .site import editions, fixes, links, page_weight, pages, policy

HERE = Path(__file__).parent


def said(script: object) -> str:
    """What tells one script from another: its file, or what stands in it."""
    return f"{getattr(script, 'filename', '')}{getattr(script, 'attributes', {}).get('body', '')}"


def drop_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Leave out sphinx-thebe's scripts: unused here, declared twice, and from another host."""
    context["script_files"] = [
        script for script in context["script_files"] if "thebe" not in said(script).lower()
    ]


def trim_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Keep of MathJax's 24 MB what its one script in use can load."""
    if error is None and app.builder.format == "html":
        for script in Path(app.outdir, "_static", "mathjax").glob("*.js"):
            if script.name != "tex-chtml.js":
                script.unlink()


def setup(app: Sphinx) -> dict[str, object]:
    os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")  # the chapters' kernels inherit it
    # a user's list of fonts may be out of date
    os.environ.setdefault("MPLCONFIGDIR", str(Path(app.confdir, "_build", ".matplotlib")))
    app.connect(
        "builder-inited", lambda app: app.config.html_static_path.append(str(HERE / "static"))
    )
    app.add_css_file("book.css")
    app.connect("html-page-context", drop_scripts, priority=900)
    app.connect("build-finished", trim_mathjax, priority=900)
    for part in (
        directives,
        equations,
        exercises,
        ledger,
        names,
        reference,
        execution,
        pages,
        fixes,
        links,
        page_weight,
        policy,
        editions,
        live,
        explorables,
    ):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
