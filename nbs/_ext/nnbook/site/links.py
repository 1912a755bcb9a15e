"""In code, each name of the package leads to the line that defines it, and that line to its entry
in the reference.

The links are written with the highlighted code itself: a block of the document knows where in it
which names stand.
"""

from __future__ import annotations

import re
from html import escape, unescape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from ..notebook import names
from ..notebook.scan import Cell, Position

PYTHON = {"python", "python3", "ipython", "ipython3"}
PIECE = re.compile(r"<[^>]*>|[^<]+")


def note_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Note in each block of Python of a page which names are to be links."""
    if app.builder.format != "html":
        return
    index = names.index_of(app)
    cells = {cell.name: cell for cell in index.pages.get(docname, [])}
    scan = index.scan(docname)
    objects = app.env.domains["py"].objects
    for block in doctree.findall(nodes.literal_block):
        if block.get("language") not in PYTHON:
            continue
        code = block.astext()
        cell = cells.get(cell_name(block))
        # of the text, not of the notebook
        if cell is None or cell.code.strip("\n") != code.strip("\n"):
            cell = scan.read(Cell(code), "")

        def uri(page: str, place: str) -> str:
            return f"{app.builder.get_relative_uri(docname, page)}#{place}"

        found: dict[Position, tuple[str, dict[str, str]]] = {}
        for position, name in cell.used.items():
            page = index.definitions[name].docname
            found[position] = name, {"href": uri(page, names.anchor(name))}
        for position, name in (cell.methods | cell.defined).items():
            link = {"href": uri(objects[name].docname, name)} if name in objects else {}
            if position in cell.defined:
                link["id"] = names.anchor(name)
            if link:
                found[position] = name, link
        block["nnbook_links"] = found


def cell_name(block: nodes.literal_block) -> str:
    """Say in which cell's input a block stands; nothing for an output, or for code of the text."""
    part = block.parent
    while part is not None and part.get("nb_element") != "cell_code":
        if part.get("nb_element") == "cell_code_output":
            return ""
        part = part.parent
    return str(part["cell_metadata"].get("nnbook_cell", "")) if part is not None else ""


def add_links(html: str, links: dict[Position, tuple[str, dict[str, str]]]) -> str:
    """Turn the names at these positions of highlighted code into links."""
    head, pre, code = html.partition("<pre>")
    out, line, column = [head, pre], 0, 0
    for piece in PIECE.findall(code):
        if piece.startswith("<"):
            out.append(piece)
            continue
        text = unescape(piece)
        mark = text.startswith("@")  # of a decorator
        name, link = links.get((line, column + mark), ("", {}))
        if name and text[mark:] == name.rpartition(".")[2]:
            attributes = "".join(f' {key}="{escape(value)}"' for key, value in link.items())
            shown = f'<a class="nnbook-name"{attributes} title="{name}">{piece[mark:]}</a>'
            out.append(f"{piece[:mark]}{shown}")
        else:
            out.append(piece)
        line += text.count("\n")
        column = len(text) - text.rfind("\n") - 1 if "\n" in text else column + len(text)
    return "".join(out)


def visit_block(self: HTML5Translator, node: nodes.literal_block) -> None:
    """Highlight a block as Sphinx does, and add its links."""
    try:
        type(self).visit_literal_block(self, node)
    except nodes.SkipNode:
        if links := node.get("nnbook_links"):
            self.body[-1] = add_links(self.body[-1], links)
        raise


def depart_block(self: HTML5Translator, node: nodes.literal_block) -> None:
    type(self).depart_literal_block(self, node)


def setup(app: Sphinx) -> None:
    app.connect("doctree-resolved", note_links)
    app.add_node(nodes.literal_block, override=True, html=(visit_block, depart_block))
