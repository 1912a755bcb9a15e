"""The index of names: where each exported name is defined, and which chapters use it.

Nothing is typed: the notebooks are read with `ast`. The directive ``names`` lists the names; in the code cells
of the finished pages each use of a name leads to the line that defines it, and the definition to its reference.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from . import directives, ledger

LINK = "sphinx-codeautolink-a"  # sphinx-codeautolink links what is imported; here its links are led on
Position = tuple[int, int]      # line and column, from 0


@dataclass
class Cell:
    """A code cell: its code as shown, what it defines, and where it uses which names."""

    code: str
    visible: bool
    defined: dict[Position, str] = field(default_factory=dict)
    used: dict[Position, str] = field(default_factory=dict)


@dataclass
class Definition:
    """Where a name, such as nnlib.layers.Dense, is defined."""

    docname: str
    summary: str


def code_cells(path: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Read the directives and the code of a notebook's code cells."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield directives.split_directives("".join(cell["source"]))


def parse(code: str) -> ast.Module:
    """Parse a cell; one with a line magic counts as empty."""
    try:
        return ast.parse(code)
    except SyntaxError:
        return ast.Module([], [])


def names_of(statement: ast.stmt) -> list[str]:
    """List the public names that a statement of an exported cell defines."""
    targets: list[Any] = []
    if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
        return [] if statement.name.startswith("_") else [statement.name]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name) and not target.id.startswith("_")]


def summary_of(statement: ast.stmt) -> str:
    """Take the first line of a docstring, but for the link to the chapter."""
    if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
        first = (ast.get_docstring(statement) or "").partition("\n")[0]
        return first.partition(" Derived in ")[0].replace("``", "`")
    return ""


class Scan(ast.NodeVisitor):
    """Follows which names stand for exported ones through the cells of a notebook."""

    def __init__(self, exported: Iterable[str]) -> None:
        self.exported = {name.rpartition(".")[2]: name for name in exported}
        self.modules = {name.rpartition(".")[0] for name in exported} | {"nnlib"}
        self.scope: dict[str, str] = {}
        self.module = ""  # of the exported cell being read
        self.top = True
        self.cell = Cell("", True)

    def read(self, cell: Cell, module: str) -> Cell:
        """Note in a cell what it defines and uses; `module` is where it is exported to."""
        self.cell, self.module, self.top = cell, module, True
        for statement in parse(cell.code).body:
            self.visit(statement)
        return cell

    def place(self, line: int, column: int) -> Position:
        """Turn a position of `ast`, with columns in bytes, into one in characters."""
        text = self.cell.code.splitlines()[line - 1]
        return line - 1, len(text.encode()[:column].decode())

    def bind(self, name: str, position: Position | None) -> None:
        """A name gets a value: an exported one in an exported cell, its own otherwise."""
        full = f"{self.module}.{name}"
        if self.top and self.module and self.exported.get(name) == full:
            self.scope[name] = full
            if position and full not in self.cell.defined.values():
                self.cell.defined[position] = full
        else:
            self.scope.pop(name, None)

    def resolve(self, node: ast.expr) -> str:
        """Say what a name or dotted name stands for, if that is the package or part of it."""
        if isinstance(node, ast.Name):
            return self.scope.get(node.id, "")
        if isinstance(node, ast.Attribute) and (owner := self.resolve(node.value)) in self.modules:
            return self.member(owner, node.attr)
        return ""

    def member(self, owner: str, name: str) -> str:
        if f"{owner}.{name}" in self.modules:
            return f"{owner}.{name}"
        full = self.exported.get(name, "")
        return full if owner == "nnlib" or full == f"{owner}.{name}" else ""

    def inside(self, hidden: set[str], parts: Iterable[ast.AST]) -> None:
        """Visit the parts of an inner scope, in which some names are its own."""
        outer, top = self.scope, self.top
        self.scope = {name: value for name, value in outer.items() if name not in hidden}
        self.top = False
        for part in parts:
            self.visit(part)
        self.scope, self.top = outer, top

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            target = alias.name if alias.asname else alias.name.partition(".")[0]
            name = alias.asname or target
            if target in self.modules:
                self.scope[name] = target
            else:
                self.scope.pop(name, None)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.module in self.modules and alias.name == "*":
                self.scope |= {name: full for name, full in self.exported.items() if full == f"{node.module}.{name}"}
                continue
            found = self.member(node.module or "", alias.name) if node.module in self.modules else ""
            if found:
                self.scope[alias.asname or alias.name] = found
                self.use(found, self.place(alias.lineno, alias.col_offset))
            else:
                self.scope.pop(alias.asname or alias.name, None)

    def use(self, full: str, position: Position) -> None:
        if full not in self.modules:
            self.cell.used[position] = full

    def visit_Name(self, node: ast.Name) -> None:
        position = self.place(node.lineno, node.col_offset)
        if isinstance(node.ctx, ast.Load):
            if node.id in self.scope:
                self.use(self.scope[node.id], position)
        else:
            self.bind(node.id, position)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if full := self.resolve(node):
            line, column = self.place(node.end_lineno or 0, node.end_col_offset or 0)
            self.use(full, (line, column - len(node.attr)))
        else:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        for part in [node.value, *node.targets]:
            self.visit(part)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        for part in [node.annotation, node.value, node.target]:
            if part:
                self.visit(part)

    def visit_For(self, node: ast.For) -> None:
        for part in [node.iter, node.target, *node.body, *node.orelse]:
            self.visit(part)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.define(node, "def ")
        arguments = [part for part in ast.walk(node.args) if isinstance(part, ast.arg)]
        outer = [*node.decorator_list, *(part.annotation for part in arguments), node.returns,
                 *node.args.defaults, *node.args.kw_defaults]
        for part in outer:
            if part:
                self.visit(part)
        own = {part.arg for part in arguments} | stored(node.body)
        self.inside(own, node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.define(node, "class ")
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(part)
        self.inside(set(), node.body)

    def define(self, node: ast.ClassDef | ast.FunctionDef, keyword: str) -> None:
        line, column = self.place(node.lineno, node.col_offset)
        self.bind(node.name, (line, column + len(keyword)))

    def visit_Lambda(self, node: ast.Lambda) -> None:
        own = {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
        self.inside(own, [*node.args.defaults, node.body])

    def visit_comprehension_like(self, node: Any) -> None:
        self.inside(stored(node.generators), ast.iter_child_nodes(node))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_comprehension_like


def stored(parts: Iterable[ast.AST]) -> set[str]:
    """List the names that get a value somewhere in these parts."""
    return {node.id for part in parts for node in ast.walk(part)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


@dataclass
class Index:
    """All definitions by full name, and the code cells of each notebook by page."""

    definitions: dict[str, Definition]
    pages: dict[str, list[Cell]]

    def users(self, name: str) -> list[str]:
        """List the pages that show a use of a name, other than the one that defines it."""
        return [page for page, found in self.pages.items()
                if page != self.definitions[name].docname
                and any(name in cell.used.values() for cell in found if cell.visible)]


def read_index(notebooks: dict[str, Path]) -> Index:
    """Read definitions and uses of exported names from notebooks, given by page."""
    definitions: dict[str, Definition] = {}
    sources: dict[str, list[tuple[Cell, str]]] = {}
    for docname, path in notebooks.items():
        module, found = "", sources.setdefault(docname, [])
        for directives, code in code_cells(path):
            module = directives.get("default_exp", module)
            target = directives["export"] or module if "export" in directives else ""
            cell = Cell(code, "hide" not in directives)
            found.append((cell, f"nnlib.{target}" if target and target != "__init__" else ""))
            for statement in parse(code).body if found[-1][1] and cell.visible else []:
                for name in names_of(statement):
                    definitions.setdefault(f"{found[-1][1]}.{name}", Definition(docname, summary_of(statement)))
    pages = {}
    for docname, found in sources.items():
        scan = Scan(definitions)
        pages[docname] = [scan.read(cell, module) for cell, module in found]
    return Index(definitions, pages)


@cache
def read_cached(notebooks: tuple[tuple[str, Path, int], ...]) -> Index:
    return read_index({docname: path for docname, path, _ in notebooks})


def index_of(app: Sphinx) -> Index:
    """Read the notebooks of the book, in its order."""
    order = [docname for docname in toctree_order(app) if app.env.doc2path(docname).endswith(".ipynb")]
    paths = [(docname, Path(app.env.doc2path(docname))) for docname in order]
    return read_cached(tuple((docname, path, path.stat().st_mtime_ns) for docname, path in paths))


def toctree_order(app: Sphinx) -> list[str]:
    """List all pages as the book has them."""
    order = [app.config.root_doc]
    for docname in order:
        order += app.env.toctree_includes.get(docname, [])
    return order


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
        group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in (50, 20, 30)), cols=3)
        heads = ["Name", "Defined in", "Used in"]
        group += nodes.thead("", ledger.row([[nodes.Text(head)] for head in heads]))
        body = nodes.tbody()
        for name in sorted(index.definitions, key=lambda name: name.rpartition(".")[2].lower()):
            body += name_row(app, index, name, docname)
        group += body
        node.replace_self(nodes.table("", group, classes=["nnbook-names"]))


def name_row(app: Sphinx, index: Index, name: str, docname: str) -> nodes.row:
    """Write the line of one name: its definition, its chapter, and where it is used."""
    found = index.definitions[name]
    short = name.rpartition(".")[2]
    first = [reference(app, docname, found.docname, nodes.literal(short, short), anchor(name))]
    if found.summary:
        first.append(nodes.Text(": "))
    for i, part in enumerate(found.summary.split("`")):
        first.append(nodes.literal(part, part) if i % 2 else nodes.Text(part))
    users: list[nodes.Node] = []
    for page in index.users(name):
        users += [nodes.Text(", ")] * bool(users) + [reference(app, docname, page, nodes.Text(title(app, page)))]
    chapter = reference(app, docname, found.docname, nodes.Text(title(app, found.docname)))
    return ledger.row([first, [chapter], users])


def reference(app: Sphinx, here: str, page: str, text: nodes.Node, place: str = "") -> nodes.reference:
    """Link to a page, or to a place in it."""
    uri = app.builder.get_relative_uri(here, page) + (f"#{place}" if place else "")
    return nodes.reference("", "", text, refuri=uri, internal=True)


def title(app: Sphinx, page: str) -> str:
    """Name a page by its number and title."""
    number = app.env.toc_secnumbers.get(page, {}).get("")
    text = app.env.titles[page].astext()
    return f"{'.'.join(map(str, number))}.\N{NO-BREAK SPACE}{text}" if number else text


def link_pages(app: Sphinx, error: Exception | None) -> None:
    """Lead each use of a name, in the finished pages, to its definition, and the definition to its reference."""
    if error is not None or app.builder.name != "html":
        return
    index = index_of(app)
    reference = {name: found.docname for name, found in app.env.domains["py"].objects.items()}
    for docname in app.env.found_docs:
        page = Path(app.outdir, f"{docname}.html")
        source = page.read_text(encoding="utf-8")
        if docname not in index.pages and LINK not in source:
            continue
        soup = BeautifulSoup(source, "html.parser")

        def lead(link: Tag, name: str) -> None:
            found = index.definitions[name]
            link["href"] = app.builder.get_relative_uri(docname, found.docname) + f"#{anchor(name)}"

        for link in soup.select(f"a.{LINK}"):
            name = link["href"].partition("#")[2].removeprefix("def-")
            if name in index.definitions and "id" not in link.attrs:
                lead(link, name)
        remaining = list(soup.select(".cell_input pre"))
        for cell in index.pages.get(docname, []):
            block = next((block for block in remaining if block.get_text().strip("\n") == cell.code.strip("\n")), None)
            if block is None:
                continue
            remaining.remove(block)
            for position, name, text in tokens(block, cell):
                link = text.find_parent("a", class_=LINK) or text.parent.wrap(soup.new_tag("a", attrs={"class": LINK, "title": name}))
                if position in cell.defined:
                    link["id"] = anchor(name)
                    if name in reference:
                        link["href"] = app.builder.get_relative_uri(docname, reference[name]) + f"#{name}"
                else:
                    lead(link, name)
        page.write_text(str(soup), encoding="utf-8")


def tokens(block: Tag, cell: Cell) -> list[tuple[Position, str, Any]]:
    """Find the pieces of text of a block that are names which the cell defines or uses."""
    found, line, column = [], 0, 0
    wanted = cell.used | cell.defined
    for text in block.strings:
        start = line, column + text.startswith("@")
        if start in wanted and text.lstrip("@") == wanted[start].rpartition(".")[2]:
            found.append((start, wanted[start], text))
        line += text.count("\n")
        column = len(text) - text.rfind("\n") - 1 if "\n" in text else column + len(text)
    return found


def setup(app: Sphinx) -> None:
    app.add_node(names_node)
    app.add_directive("names", Names)
    app.connect("doctree-resolved", fill_names)
    app.connect("build-finished", link_pages, priority=800)  # after sphinx-codeautolink
