"""The index of names: where each exported name is defined, and which chapters use it.

Nothing is typed: the notebooks are read with `ast`. The directive ``names`` lists the names that
are meant to be imported; those that a cell exports for the package alone (``#| exporti``) are
known too, and lead to their definition in code.
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from . import directives, ledger
from .scan import Cell, Scan, parse


@dataclass
class Definition:
    """Where a name, such as nnlib.layers.Dense, is defined."""

    docname: str
    summary: str
    public: bool


def code_cells(path: Path) -> Iterator[tuple[str, dict[str, str], str]]:
    """Read the ids, directives and code of a notebook's code cells."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield cell.get("id", ""), *directives.split_directives("".join(cell["source"]))


def names_of(statement: ast.stmt) -> list[str]:
    """List the public names that a statement of an exported cell defines."""
    targets: list[Any] = []
    if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
        return [] if statement.name.startswith("_") else [statement.name]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [
        target.id
        for target in targets
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    ]


def summary_of(statement: ast.stmt) -> str:
    """Take the first line of a docstring."""
    if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
        first = (ast.get_docstring(statement) or "").partition("\n")[0]
        return first.replace("``", "`")
    return ""


@dataclass
class Index:
    """All definitions by full name, and of each notebook, by page, its code cells and what its
    names stand for at the end.
    """

    definitions: dict[str, Definition]
    pages: dict[str, list[Cell]]
    scopes: dict[str, dict[str, str]]
    package: str

    def users(self, name: str) -> list[str]:
        """List the pages that show a use of a name, other than the one that defines it."""
        return [
            page
            for page, found in self.pages.items()
            if page != self.definitions[name].docname
            and any(name in cell.used.values() for cell in found if cell.visible)
        ]

    def scan(self, docname: str) -> Scan:
        """Make a scan that knows what the notebook of a page has defined and imported."""
        scan = Scan(self.definitions, self.package)
        scan.scope = dict(self.scopes.get(docname, {}))
        return scan


def read_index(notebooks: dict[str, Path], package: str) -> Index:
    """Read definitions and uses of exported names from notebooks, given by page."""
    definitions: dict[str, Definition] = {}
    sources: dict[str, list[tuple[Cell, str]]] = {}
    for docname, path in notebooks.items():
        module, found = "", sources.setdefault(docname, [])
        for name, lines, code in code_cells(path):
            module = lines.get("default_exp", module)
            public = "export" in lines
            target = lines.get("export", lines.get("exporti", "")) or module
            exported = (public or "exporti" in lines) and target not in ("", "__init__")
            cell = Cell(code, "hide" not in lines, name)
            found.append((cell, f"{package}.{target}" if exported else ""))
            for statement in parse(code).body if exported and cell.visible else []:
                for one in names_of(statement):
                    definition = Definition(docname, summary_of(statement), public)
                    definitions.setdefault(f"{package}.{target}.{one}", definition)
    index = Index(definitions, {}, {}, package)
    for docname, found in sources.items():
        scan = index.scan(docname)
        index.pages[docname] = [scan.read(cell, module) for cell, module in found]
        index.scopes[docname] = scan.scope
    return index


@cache
def read_cached(notebooks: tuple[tuple[str, Path, int], ...], package: str) -> Index:
    return read_index({docname: path for docname, path, _ in notebooks}, package)


def index_of(app: Sphinx) -> Index:
    """Read the notebooks of the book, in its order."""
    order = [name for name in app.config.external_site_map if name in app.env.found_docs]
    paths = [(name, Path(app.env.doc2path(name))) for name in order]
    notebooks = [
        (name, path, path.stat().st_mtime_ns) for name, path in paths if path.suffix == ".ipynb"
    ]
    return read_cached(tuple(notebooks), app.config.nnbook_package)


def shortest(module: str, name: str, package: str) -> str:
    """Say how a name is imported: from the package itself where that offers it, or else with its
    module.
    """
    offered = getattr(importlib.import_module(package), "__all__", [])
    return name if name in offered else f"{module.removeprefix(package).lstrip('.')}.{name}"


def anchor(name: str) -> str:
    """Name the place where a name is defined."""
    return f"def-{name}"


class names_node(nodes.General, nodes.Element):
    """Where the list of names is to stand."""


class Names(Directive):
    """The list of exported names."""

    def run(self) -> list[nodes.Node]:
        return [names_node()]


def fill_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the list in its place, once all chapters are read."""
    for node in list(doctree.findall(names_node)):
        index = index_of(app)
        group = nodes.tgroup(
            "", *(nodes.colspec(colwidth=width) for width in (50, 20, 30)), cols=3
        )
        heads = ["Name", "Defined in", "Used in"]
        group += nodes.thead("", ledger.row([[nodes.Text(head)] for head in heads]))
        body = nodes.tbody()
        public = [name for name, found in index.definitions.items() if found.public]
        for name in sorted(public, key=lambda name: name.rpartition(".")[2].lower()):
            body += name_row(app, index, name, docname)
        group += body
        node.replace_self(nodes.table("", group, classes=["nnbook-names"]))


def name_row(app: Sphinx, index: Index, name: str, docname: str) -> nodes.row:
    """Write the line of one name: its definition, its chapter, and where it is used."""
    found = index.definitions[name]
    short = name.rpartition(".")[2]
    first: list[nodes.Node] = [
        reference(app, docname, found.docname, nodes.literal(short, short), anchor(name))
    ]
    if found.summary:
        first.append(nodes.Text(": "))
    for i, part in enumerate(found.summary.split("`")):
        first.append(nodes.literal(part, part) if i % 2 else nodes.Text(part))
    users: list[nodes.Node] = []
    for page in index.users(name):
        users += [nodes.Text(", ")] * bool(users) + [
            reference(app, docname, page, nodes.Text(title(app, page)))
        ]
    chapter = reference(app, docname, found.docname, nodes.Text(title(app, found.docname)))
    return ledger.row([first, [chapter], users])


def reference(
    app: Sphinx, here: str, page: str, text: nodes.Node, place: str = ""
) -> nodes.reference:
    """Link to a page, or to a place in it."""
    uri = app.builder.get_relative_uri(here, page) + (f"#{place}" if place else "")
    return nodes.reference("", "", text, refuri=uri, internal=True)


def title(app: Sphinx, page: str) -> str:
    """Name a page by its number and title."""
    number = app.env.toc_secnumbers.get(page, {}).get("")
    text = app.env.titles[page].astext()
    return f"{'.'.join(map(str, number))}.\N{NO-BREAK SPACE}{text}" if number else text


def setup(app: Sphinx) -> None:
    app.add_node(names_node)
    app.add_directive("names", Names)
    app.connect("doctree-resolved", fill_names)
