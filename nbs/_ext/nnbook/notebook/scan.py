"""Which names of a notebook's code stand for the package or part of it.

A `Scan` follows them through the cells of a notebook: imports, definitions in exported cells, and
names that get another value. A name that holds an object of an exported class is followed too, so
that its methods can be found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Position = tuple[int, int]  # line and column, from 0
OBJECT = "()"  # behind the name of a class: an object of it


@dataclass
class Cell:
    """A code cell: its code as shown, what it defines, and where it uses which names."""

    code: str
    visible: bool = True
    name: str = ""  # its id
    defined: dict[Position, str] = field(default_factory=dict)
    used: dict[Position, str] = field(default_factory=dict)
    # attributes of objects: perhaps more than there are
    methods: dict[Position, str] = field(default_factory=dict)


def parse(code: str) -> ast.Module:
    """Parse a cell; one with a line magic counts as empty."""
    try:
        return ast.parse(code)
    except SyntaxError:
        return ast.Module([], [])


class Scan(ast.NodeVisitor):
    """Follows which names stand for exported ones through the cells of a notebook."""

    def __init__(self, exported: Iterable[str], package: str) -> None:
        self.package = package
        self.exported = {name.rpartition(".")[2]: name for name in exported}
        self.modules = {name.rpartition(".")[0] for name in exported} | {package}
        self.scope: dict[str, str] = {}
        self.module = ""  # of the exported cell being read
        self.top = True
        self.cell = Cell("")

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
        """Say what a name or dotted name stands for, if that is the package, part of it or an
        object.
        """
        if isinstance(node, ast.Name):
            return self.scope.get(node.id, "")
        if isinstance(node, ast.Call) and self.is_class(owner := self.resolve(node.func)):
            return owner + OBJECT
        if isinstance(node, ast.Attribute) and (owner := self.resolve(node.value)) in self.modules:
            return self.member(owner, node.attr)
        return ""

    def is_class(self, full: str) -> bool:
        """Whether that is a class, to go by its name."""
        return (
            full not in self.modules
            and full.rpartition(".")[2][:1].isupper()
            and OBJECT not in full
        )

    def member(self, owner: str, name: str) -> str:
        """Say what a name of a module stands for."""
        if f"{owner}.{name}" in self.modules:
            return f"{owner}.{name}"
        full = self.exported.get(name, "")
        return full if owner == self.package or full == f"{owner}.{name}" else ""

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
                self.scope |= {
                    name: full
                    for name, full in self.exported.items()
                    if full == f"{node.module}.{name}"
                }
                continue
            found = (
                self.member(node.module or "", alias.name) if node.module in self.modules else ""
            )
            if found:
                self.scope[alias.asname or alias.name] = found
                self.use(found, self.place(alias.lineno, alias.col_offset))
            else:
                self.scope.pop(alias.asname or alias.name, None)

    def use(self, full: str, position: Position) -> None:
        if full not in self.modules and OBJECT not in full:
            self.cell.used[position] = full

    def visit_Name(self, node: ast.Name) -> None:
        position = self.place(node.lineno, node.col_offset)
        if isinstance(node.ctx, ast.Load):
            if node.id in self.scope:
                self.use(self.scope[node.id], position)
        else:
            self.bind(node.id, position)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        line, column = self.place(node.end_lineno or 0, node.end_col_offset or 0)
        position = line, column - len(node.attr)
        if full := self.resolve(node):
            self.use(full, position)
            return
        self.visit(node.value)
        if (owner := self.resolve(node.value)).endswith(OBJECT):
            self.cell.methods[position] = f"{owner.removesuffix(OBJECT)}.{node.attr}"

    def visit_Assign(self, node: ast.Assign) -> None:
        for part in [node.value, *node.targets]:
            self.visit(part)
        held = self.resolve(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name) and held.endswith(OBJECT):
                self.scope[target.id] = held

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
        outer = [
            *node.decorator_list,
            *(part.annotation for part in arguments),
            node.returns,
            *node.args.defaults,
            *node.args.kw_defaults,
        ]
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
    return {
        node.id
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
