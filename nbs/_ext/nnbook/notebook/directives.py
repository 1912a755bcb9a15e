"""Directive lines of notebook cells, and the execution cache.

The first lines of a code cell may say what it is for; nbdev reads them, the reader should not have
to:

==========================  ==================================================================
``#| default_exp layers``   becomes a badge: "This chapter builds nnlib/layers.py"
``#| export``               becomes a badge on the cell: "exported to nnlib/layers.py"
``#| exporti``              the same; nbdev leaves its names out of ``__all__``
``#| hide``                 the cell runs, and is not shown
``#| code-fold``            its input is folded
``#| solution``             the cell is folded, as the solution of an exercise
``#| label: fig-x``         with ``fig-cap: ...`` and ``fig-alt: ...``: its output is a numbered
                            figure
==========================  ==================================================================

jupyter-cache runs a notebook again when its own code changes. Here a hash of the package's code is
put where it looks, so that a change in the package also runs the notebooks again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms import SphinxTransform

from . import ledger

DIRECTIVE = re.compile(r"\s*#\s*\|\s*([\w-]+)\s*:?\s*(.*?)\s*$")
CHECK = """\
:::{{dropdown}} Check an answer
:class-container: nnbook-check
Put your own work above these lines, under the names they use. A wrong answer fails.

```python
{}
```
:::
"""
FIGURES = "%config InlineBackend.figure_formats = ['svg']"


def split_directives(source: str) -> tuple[dict[str, str], str]:
    """Split the directive lines at the head of a cell from its code.

    What several lines of one name say becomes one text of as many lines.
    """
    lines = source.splitlines(keepends=True)
    found: dict[str, str] = {}
    while lines and (match := DIRECTIVE.match(lines[0])):
        name, value = match.groups()
        found[name] = f"{found[name]}\n{value}" if name in found else value
        lines.pop(0)
    return found, "".join(lines).lstrip("\n")


def rewrite_cell(cell: dict[str, Any], module: str) -> str:
    """Turn the directive lines of a code cell into its metadata; return the chapter's module."""
    found, code = split_directives("".join(cell["source"]))
    meta = cell.setdefault("metadata", {})
    meta["nnbook_cell"] = cell.get("id", "")
    tags = meta.setdefault("tags", [])
    if "hide" in found:
        tags.append("remove-cell")
    if "code-fold" in found:
        tags.append("hide-input")
    if "solution" in found:
        tags.append("hide-cell")
        meta.setdefault("mystnb", {}).update(
            code_prompt_show="Solution", code_prompt_hide="Hide the solution"
        )
    if "fig-cap" in found:
        figure = {"caption": found["fig-cap"], "name": found["label"]}
        meta.setdefault("mystnb", {}).update(figure=figure, image={"alt": found["fig-alt"]})
    if "export" in found or "exporti" in found:
        target = found.get("export", found.get("exporti")) or module
        meta["nnbook"] = {"badge": "exported to ", "module": target}
    if "default_exp" in found:
        module = found["default_exp"]
        meta["nnbook"] = {"badge": "This chapter builds ", "module": module}
        code = "# " + module  # an empty cell would be dropped; the badge replaces this one
    cell["source"] = code
    return module


def checks_of(solution: str) -> str:
    """Take out of a solution the lines that check the answer: its assertions, and calls of
    `check`.
    """
    lines = solution.splitlines()
    tree = ast.parse(solution)
    checks = [
        part
        for part in tree.body
        if isinstance(part, ast.Assert) or ast.unparse(part).startswith("check(")
    ]
    # in a loop
    checks = checks or [part for part in ast.walk(tree) if isinstance(part, ast.Assert)]
    return "\n".join(
        line[part.col_offset :]
        for part in checks
        for line in lines[part.lineno - 1 : part.end_lineno]
    )


def move_target(cells: list[dict[str, Any]]) -> None:
    """Put the target at the head of the second cell over the title.

    There it stands for the whole chapter; nbdev wants the title first in its cell.
    """
    title, text = ("".join(cell["source"]) for cell in cells[:2])
    if match := re.match(r"(\(ch-[\w-]+\)=\n)\s*", text):
        cells[0]["source"], cells[1]["source"] = match[1] + title, text[match.end() :]


def rewrite_notebook(notebook: dict[str, Any], code_hash: str) -> None:
    """Prepare a notebook, as read from its file, for MyST-NB."""
    move_target(notebook["cells"])
    module, out = "", []
    setup = {
        "cell_type": "code",
        "id": "setup",
        "metadata": {"tags": ["remove-cell"]},
        "source": FIGURES,
    }
    for cell in [{**setup, "execution_count": None, "outputs": []}, *notebook["cells"]]:
        out.append(cell)
        if cell["cell_type"] == "code":
            module = rewrite_cell(cell, module)
            if "Solution" in cell["metadata"].get("mystnb", {}).values() and (
                checks := checks_of(cell["source"])
            ):
                check = CHECK.format(checks)
                out.insert(
                    -1,
                    {
                        "cell_type": "markdown",
                        "id": f"check-{len(out)}",
                        "metadata": {},
                        "source": check,
                    },
                )
    notebook["cells"] = ledger.after_paragraphs(out)
    notebook["metadata"]["kernelspec"]["package"] = code_hash


def on_source_read(app: Sphinx, docname: str, content: list[str]) -> None:
    if Path(app.env.doc2path(docname)).suffix == ".ipynb":
        notebook = json.loads(content[0])
        rewrite_notebook(notebook, app.config.nnbook_hash)
        content[0] = json.dumps(notebook)


def code_of(source: str) -> str:
    """Return a module's code without comments and docstrings, which change no result."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def package_hash(folder: Path) -> str:
    """Hash everything outside the notebooks that their results depend on, the data beside the
    package included.
    """
    sources = [path for path in sorted(folder.glob("*.py")) if path.name != "_modidx.py"]
    parts = [f"{path.name} {code_of(path.read_text(encoding='utf-8'))}" for path in sources]
    parts += [
        sys.version,
        *(f"{name} {metadata.version(name)}" for name in ("numpy", "matplotlib")),
    ]
    parts.append(Path(__file__).parents[1].joinpath("matplotlibrc").read_text(encoding="utf-8"))
    data = sorted(
        path
        for path in folder.with_name("data").rglob("*")
        if path.suffix in (".gz", ".json", ".npz")
    )
    parts += [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in data]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class Badges(SphinxTransform):
    """Say over each exported cell where its code goes."""

    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        for cell in list(self.document.findall(nodes.container)):
            meta: dict[str, Any] = cell.get("cell_metadata", {})
            info = meta.get("nnbook")
            if cell.get("nb_element") == "cell_code" and info:
                package = self.config.nnbook_package
                module = package if info["module"] == "__init__" else f"{package}.{info['module']}"
                file = f"{package}/{info['module']}.py"
                link = addnodes.pending_xref(
                    "",
                    nodes.literal(file, file),
                    refdomain="py",
                    reftype="mod",
                    reftarget=module,
                    refdoc=self.env.docname,
                    refexplicit=True,
                    refwarn=True,
                )
                text = nodes.paragraph("", "", nodes.Text(info["badge"]), link)
                badge = nodes.container("", text, classes=["nnbook-badge"])
                if info["badge"].startswith("This"):
                    cell.replace_self(badge)
                else:
                    cell.insert(0, badge)


def take_hash(app: Sphinx, config: Config) -> None:
    """Hash the package as it is now."""
    config.nnbook_hash = config.nnbook_hash or package_hash(
        Path(app.confdir, config.nnbook_package)
    )


def setup(app: Sphinx) -> None:
    app.add_config_value("nnbook_package", "", "env")  # its name
    # rebuild="env": when the hash changes, Sphinx reads (and so runs) the notebooks again
    app.add_config_value("nnbook_hash", "", "env")
    app.connect("config-inited", take_hash)
    app.connect("source-read", on_source_read)
    app.add_transform(Badges)
