"""The reference: its contents, and in each entry the chapter that derives it.

The entries come from the docstrings, by autodoc. The directive ``contents-of-reference`` lists
them under the headings of the page, each as it is imported and with its first line.
"""

from __future__ import annotations

from typing import cast

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.application import Sphinx

from . import names


def name_chapter(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Say under the summary of a class or function in which chapter it is derived."""
    full = f"{getattr(obj, '__module__', '')}.{name.rpartition('.')[2]}"
    found = names.index_of(app).definitions.get(full)
    if what not in ("class", "exception", "function") or found is None:
        return
    # numpydoc begins with a blank line
    start = next((i for i, line in enumerate(lines) if line), len(lines))
    end = next((i for i in range(start, len(lines)) if not lines[i]), len(lines))
    lines[end:end] = ["", f"Derived in :doc:`/{found.docname}`.", ""]


class contents_node(nodes.General, nodes.Element):
    """Where the contents are to stand."""


class Contents(Directive):
    """The contents of the reference."""

    def run(self) -> list[nodes.Node]:
        return [contents_node()]


def move_bases(app: Sphinx, doctree: nodes.document) -> None:
    """Put the bases of a class behind its chapter; autodoc has them before the summary."""
    for content in doctree.findall(addnodes.desc_content):
        texts = [part for part in content.children if isinstance(part, nodes.paragraph)]
        if not texts or not texts[0].astext().startswith("Bases: "):
            continue
        bases, rest = texts[0], texts[1:3]
        content.remove(bases)
        if bases.astext() == "Bases: object":
            continue
        if derived := next(
            (part for part in rest if part.astext().startswith("Derived in ")), None
        ):
            derived += [nodes.Text(" "), *bases.children, nodes.Text(".")]
        else:
            content.insert(content.index(rest[0]) + 1 if rest else 0, bases)


def fill_contents(app: Sphinx, doctree: nodes.document) -> None:
    """List the entries of a page under its headings."""
    for place in list(doctree.findall(contents_node)):
        found: list[nodes.Node] = []
        for section in doctree.findall(nodes.section):
            entries = [part for part in section.children if isinstance(part, addnodes.desc)]
            if entries:
                title = section[0].astext()
                link = nodes.reference("", title, refid=section["ids"][0], internal=True)
                found += [
                    nodes.rubric("", "", link),
                    nodes.definition_list(
                        "",
                        *(item(entry, app.config.nnbook_package) for entry in entries),
                        classes=["nnbook-contents"],
                    ),
                ]
        place.replace_self(found)


def item(entry: addnodes.desc, package: str) -> nodes.definition_list_item:
    """Give the name of an entry, linked to it, and the first paragraph of its text."""
    signature, content = cast(addnodes.desc_signature, entry[0]), entry[-1]
    name = signature["fullname"]
    shown = names.shortest(signature["module"], name, package)
    link = nodes.reference(
        "", "", nodes.literal(shown, shown), refid=signature["ids"][0], internal=True
    )
    text = [part.deepcopy() for part in content.children if isinstance(part, nodes.paragraph)][:1]
    return nodes.definition_list_item("", nodes.term("", "", link), nodes.definition("", *text))


def setup(app: Sphinx) -> None:
    app.add_node(contents_node)
    app.add_directive("contents-of-reference", Contents)
    app.connect("autodoc-process-docstring", name_chapter, priority=900)  # after numpydoc
    app.connect("doctree-read", move_bases)
    app.connect("doctree-read", fill_contents)
