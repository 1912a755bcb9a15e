"""Equation numbers: the report's own keep the report's, the book's are counted by chapter.

A label ``eq-12`` stands for equation (12) of the report; any other label gets the next number of
its chapter, as (1.1).
"""

from __future__ import annotations

import re
from typing import cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.math import MathDomain


def chapter_number(app: Sphinx, docname: str) -> str:
    """Count a chapter among those that ``_toc.yml`` numbers; other pages have no number."""
    parts = [part for part in app.config.external_site_map.root.subtrees if part.numbered]
    chapters = [str(item) for part in parts for item in part.items]
    return str(chapters.index(docname) + 1) if docname in chapters else ""


def number_equations(app: Sphinx, doctree: nodes.document) -> None:
    """Number the labelled equations of a page, in the page and for references from elsewhere."""
    equations = cast(MathDomain, app.env.get_domain("math")).equations
    chapter = chapter_number(app, app.env.docname)
    count = 0
    for node in doctree.findall(nodes.math_block):
        label = node.get("label")
        if label and node.get("number"):
            if report := re.fullmatch(r"eq-(\d+)", label):
                node["number"] = report[1]
            else:
                count += 1
                node["number"] = f"{chapter}.{count}"
            equations[label] = (app.env.docname, node["number"])


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", number_equations)
