"""Exercises: what begins with its number in bold, under the heading "Exercises", can be cited.

The third one of ``nbs/xor.ipynb`` has the place ``exercise-3`` in its page and the label
``exercise-xor-3``: ``{ref}`exercise-xor-3``` gives "exercise 9.3", with the number of the chapter.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from docutils import nodes
from sphinx.application import Sphinx

from .equations import chapter_number

NUMBER = re.compile(r"(\d+)\.")


def label_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """Give the exercises of a page their places and labels."""
    docname = app.env.docname
    stem = PurePosixPath(docname).name.replace("_", "-")
    domain = app.env.domains["std"]
    for section in doctree.findall(nodes.section):
        if section[0].astext() != "Exercises":
            continue
        for text in section.findall(nodes.paragraph):
            first = next((part for part in text.children if part.astext()), None)
            if isinstance(first, nodes.strong) and (found := NUMBER.match(first.astext())):
                place, label = f"exercise-{found[1]}", f"exercise-{stem}-{found[1]}"
                text["ids"].append(place)
                title = f"exercise {chapter_number(app, docname)}.{found[1]}"
                domain.data["labels"][label] = docname, place, title
                domain.data["anonlabels"][label] = docname, place


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", label_exercises)
