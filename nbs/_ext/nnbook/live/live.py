"""The live page: every chapter can be edited and run where it is read.

At build time this part notes the code cells of each notebook, marks those that are shown, and puts
into the site what the page asks for after a click: Pyodide (see ``pyodide.py``), the package as a
wheel built from this checkout, the data, and for each page a list of its cells. Everything after
that is done by the scripts in ``static/live``, where ``page.js`` comes first.

In the page a cell runs as it stands in the notebook, unless one of these lines says otherwise:

===============================  ==============================================================
``#| live: 5000 -> 500``         this text of the cell is replaced; a note over the cell says so.
                                There may be several such lines
``#| live-skip: reason``         the cell does not run by itself; a note gives the reason
``#| live-note: remark``         the cell's result differs from the book's; a note says why
``#| eval: false``               the cell runs nowhere
===============================  ==============================================================

Without Pyodide at hand the book is built all the same, and its pages say that they cannot be made
live.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

from ..notebook import directives
from . import pyodide

NOTICE = """\
The files in this folder make up Python in the browser, unmodified.

Pyodide {version}: Mozilla Public License 2.0, https://www.mozilla.org/MPL/2.0/
Source: https://github.com/pyodide/pyodide/tree/{version}

In it, Python {python}: Copyright (c) 2001 Python Software Foundation; All Rights Reserved.
Licence: https://docs.python.org/3.12/license.html

The wheels of packages carry their licences, which are repeated here.
"""

AT_HOME = """\
The chapters as notebooks. With Python 3.11 or newer:

    pip install {wheel} jupyterlab matplotlib pooch
    jupyter lab

Chapters that need MNIST fetch it once, about 11 MB. Notebooks that show results of long trainings
need the folder `data` of the repository: set the environment variable NNLIB_DATA to where it is.
"""


# ---------------------------------------------------------------- the cells of a page
def replacement(text: str, code: str) -> tuple[str, str]:
    """Split the value of a line ``#| live: old -> new``; what is old must stand in the code."""
    old, arrow, new = map(str.strip, text.partition("->"))
    if not (old and arrow and old in code):
        raise ExtensionError(
            f"'#| live: {text}': expected 'old -> new', with a text of the cell as old"
        )
    return old, new


def live_cell(cell: dict[str, Any]) -> dict[str, Any] | None:
    """What the page has to know of a code cell; None if there is nothing to run in it."""
    found, code = directives.split_directives("".join(cell["source"]))
    if not code.strip() or "default_exp" in found or found.get("eval") == "false":
        return None
    live: dict[str, Any] = {"id": cell["id"], "hidden": "hide" in found}
    if "live" in found:
        told = []
        for text in found["live"].split("\n"):
            old, new = replacement(text, code)
            code = code.replace(old, new)
            told.append(f"{old} has become {new}")
        live["note"] = f"Shortened for the page: {'; '.join(told)}."
    if "live-note" in found:
        live["note"] = found["live-note"]
    if "live-skip" in found:
        live.update(skip=True, note=f"Does not run by itself in the page. {found['live-skip']}")
    return {**live, "source": code.rstrip()}


def cells_of(env: BuildEnvironment) -> dict[str, list[dict[str, Any]]]:
    """What the page has to know of the cells of each notebook."""
    record: dict[str, list[dict[str, Any]]] = vars(env).setdefault("nnbook_live", {})
    return record


def live_cells(source: str) -> list[dict[str, Any]]:
    """List the cells of a notebook that run in the page; none, if it shows no more cells than the
    figures of its explorables, which have buttons of their own.
    """
    code = (cell for cell in json.loads(source)["cells"] if cell["cell_type"] == "code")
    found = [live for cell in code if (live := live_cell(cell))]
    figures = source.count("```{explorable}")
    return [] if 0 < sum(not live["hidden"] for live in found) <= figures else found


def on_source_read(app: Sphinx, docname: str, content: list[str]) -> None:
    """Note the cells of a notebook, and mark each for the doctree."""
    if Path(app.env.doc2path(docname)).suffix == ".ipynb" and (found := live_cells(content[0])):
        cells_of(app.env)[docname] = found
        notebook, marked = json.loads(content[0]), {live["id"] for live in found}
        for cell in notebook["cells"]:
            if cell["id"] in marked:
                cell.setdefault("metadata", {})["nnbook_live"] = cell["id"]
        content[0] = json.dumps(notebook)


class Marks(SphinxTransform):
    """Give each cell that is shown a class by which the page finds it."""

    default_priority = 410

    def apply(self, **kwargs: object) -> None:
        for cell in self.document.findall(nodes.container):
            meta: dict[str, Any] = cell.get("cell_metadata", {})
            if mark := meta.get("nnbook_live"):
                cell["classes"].append(f"live-{mark}")


# ---------------------------------------------------------------- what the site holds for them
def pyodide_folder(app: Sphinx) -> Path | None:
    """The folder with Pyodide's files, None if there is none."""
    named = os.environ.get("NNLIB_PYODIDE")
    folder = Path(named or Path(app.confdir, "_build", ".pyodide"))
    lacking = pyodide.missing(folder)
    if named and lacking:
        raise ExtensionError(f"NNLIB_PYODIDE: {folder} has no {lacking[0]}")
    return None if lacking else folder


def build_wheel(root: Path, package: str, target: Path) -> Path:
    """Build the package into a wheel, from a copy, so that nothing old gets into it."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "source")
        shutil.copytree(
            root / package,
            source / package,
            ignore=shutil.ignore_patterns("__pycache__", "_modidx.py"),
        )
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(root / name, source)
        backend = (
            "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
        )
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
        done = subprocess.run(
            [sys.executable, "-c", backend, scratch],
            check=False,
            cwd=source,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ExtensionError(f"the package could not be built: {done.stderr}")
        return Path(shutil.move(next(Path(scratch).glob("*.whl")), target))


def licences(files: dict[str, bytes]) -> str:
    """Collect the licences of everything in the folder."""
    parts = [NOTICE.format(**pyodide.LOCK["info"])]
    for name, data in files.items():
        if name.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(data)) as wheel:
                for member in wheel.namelist():
                    if re.search(
                        r"(LICENSE|COPYING|NOTICE)[^/]*$", member
                    ) and not member.endswith(".py"):
                        text = wheel.read(member).decode("utf-8", "replace")
                        parts.append(f"{'=' * 100}\n{name}: {member}\n\n{text}")
    return "\n".join(parts)


def publish_notebooks(wheel: Path, target: Path, root: Path) -> None:
    """Pack the notebooks, and the package that they import, for those who run them at home."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [wheel, *sorted((root / "nbs").glob("*.ipynb"))]:
            archive.write(path, f"{target.stem}/{path.name}")
        archive.writestr(f"{target.stem}/README.txt", AT_HOME.format(wheel=wheel.name))


def publish_pyodide(source: Path, target: Path, wheel: Path, package: str) -> None:
    """Copy Pyodide into the site, each file checked, with a lock that lists the package too."""
    target.mkdir(parents=True, exist_ok=True)
    files = {name: pyodide.check(name, (source / name).read_bytes()) for name in pyodide.FILES}
    for name, data in files.items():
        (target / name).write_bytes(data)
    (target / "licences.txt").write_text(licences(files), encoding="utf-8")
    for old in target.glob(f"{wheel.name.partition('-')[0]}-*.whl"):
        old.unlink()
    shutil.copy(wheel, target)
    entry = {
        "name": package,
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": [package],
        "depends": ["numpy"],
        "unvendored_tests": False,
    }
    lock = {"info": pyodide.LOCK["info"], "packages": {**pyodide.LOCK["packages"], package: entry}}
    (target / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")


def data_files(root: Path) -> list[Path]:
    """List the data that chapters read."""
    return sorted(
        path for path in (root / "data").rglob("*") if path.suffix in (".gz", ".json", ".npz")
    )


def needs(code: str, path: Path) -> bool:
    """Whether a chapter reads a file: it names it, or loads MNIST."""
    return path.name in code or (path.parent.name == "mnist" and "load_mnist(" in code)


def data_of(app: Sphinx, docname: str) -> list[Path]:
    """List the data that a page needs."""
    code = "\n".join(str(cell["source"]) for cell in cells_of(app.env)[docname])
    return [path for path in data_files(Path(app.confdir)) if needs(code, path)]


def shows(cells: list[dict[str, Any]]) -> bool:
    """Whether a reader sees any of these cells."""
    return any(not cell["hidden"] for cell in cells)


def is_live(app: Sphinx, docname: str) -> bool:
    """Whether a page has cells to run."""
    return app.builder.name == "html" and shows(cells_of(app.env).get(docname, []))


def megabytes(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


def from_a_file(selector: str) -> str:
    """Say, where a page is opened as a file, what it takes to make it live: a browser loads no
    modules there.
    """
    said = (
        "Opened as a file, this page cannot run code. "
        "Run make serve (or python tools/serve.py), and open it from there."
    )
    return (
        '<script>if (location.protocol === "file:") '
        f'for (const place of document.querySelectorAll("{selector}"))'
        f' {{ place.hidden = false; place.textContent = "{said}"; }}</script>'
    )


def add_control(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Put under the summary of a chapter the place for its one control; its script fills it."""
    if not is_live(app, pagename):
        return
    folder = pyodide_folder(app)
    size = {}
    if folder:
        size = {
            "code": megabytes([folder / name for name in pyodide.FILES]),
            "data": megabytes(data_of(app, pagename)),
        }
    data = escape(json.dumps({"page": Path(pagename).name, "megabytes": size}))
    control = (
        f'<div class="nnbook-live" data-live="{data}" hidden></div>{from_a_file(".nnbook-live")}'
    )
    context["body"] = re.sub(
        r"</h1>(\s*<blockquote>.*?</blockquote>)?",
        lambda match: match[0] + control,
        context["body"],
        count=1,
        flags=re.S,
    )
    app.add_css_file("live/live.css")
    app.add_js_file("live/page.js", type="module")


def publish(app: Sphinx, error: Exception | None) -> None:
    """Put Pyodide, the package, the data and the lists of cells into the site."""
    folder, package = pyodide_folder(app), app.config.nnbook_package
    root, static = Path(app.confdir), Path(app.outdir, "_static")
    if error or app.builder.name != "html" or not (root / "pyproject.toml").exists():
        return
    # a workspace holds what an older build had
    shutil.rmtree(Path(app.outdir, "lite"), ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(root, package, Path(scratch))
        publish_notebooks(wheel, static / f"{package}-notebooks.zip", root)
        if folder is None:
            return
        publish_pyodide(folder, static / "pyodide", wheel, package)
    shutil.copy(Path(__file__).with_name("isolating.js"), app.outdir)
    shutil.copy(Path(__file__).parents[1].joinpath("matplotlibrc"), static / "matplotlibrc")
    for path in data_files(root):
        target = static / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for docname, found in cells_of(app.env).items():
        if is_live(app, docname):
            data = [path.relative_to(root).as_posix() for path in data_of(app, docname)]
            page = Path(app.outdir, f"{docname}.live.json")
            page.write_text(json.dumps({"cells": found, "data": data}), encoding="utf-8")


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget the cells of a page before it is read again."""
    cells_of(env).pop(docname, None)


def setup(app: Sphinx) -> None:
    app.connect("env-purge-doc", purge)
    # before `directives` takes the directive lines away
    app.connect("source-read", on_source_read, priority=400)
    app.add_transform(Marks)
    app.connect("html-page-context", add_control)
    app.connect("build-finished", publish)
