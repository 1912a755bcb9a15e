"""Adds to the built site a JupyterLab that runs in the browser: all notebooks, their data and the
package.

    python tools/lite.py JUPYTER    # the command `jupyter` of an environment with the extra `lite`

It is JupyterLite, and runs on the Pyodide of the live pages. Its kernel starts from a lock file
that lists everything it imports, each with its SHA-256, so that it asks neither a package index
nor any other site. The notebooks stay as they are: settings start the kernel without asking for
one, and lead `load_mnist` to the folder of data.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXTENSION = ROOT / "nbs" / "_ext"
sys.path.insert(0, str(EXTENSION))

from nnbook.live import live, pyodide  # noqa: E402

SITE = ROOT / "_build" / "html"
KERNEL = "@jupyterlite/pyodide-kernel-extension"
WHEELS = f"extensions/{KERNEL}/static/pypi"  # where that kernel has the packages it is made of
# and do not ask for one
OVERRIDES = {"@jupyterlab/notebook-extension:tracker": {"autoStartDefaultKernel": True}}
PLACE = re.compile(r'<span id="workspace">(.*?)</span>', re.S)  # in the first page


def settings(packages: list[str]) -> dict[str, object]:
    """Say where the kernel finds Pyodide, what it loads at its start, and where the data are."""
    options = {
        "indexURL": "../_static/pyodide/",
        "lockFileURL": "pyodide/pyodide-lock.json",
        "packages": packages,
        "env": {"NNLIB_DATA": "/drive/data", "MATPLOTLIBRC": "/drive/data/matplotlibrc"},
    }
    kernel = {"pyodideUrl": "./pyodide/pyodide.js", "loadPyodideOptions": options}
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "Neural networks from scratch",
            "litePluginSettings": {f"{KERNEL}:kernel": kernel},
        },
    }


def contents(target: Path) -> None:
    """Lay out what the reader finds in the file browser."""
    (target / "data").mkdir(parents=True)
    for path in (ROOT / "nbs").glob("*.ipynb"):
        shutil.copy(path, target)
    for path in live.data_files(ROOT):
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    shutil.copy(EXTENSION / "nnbook" / "matplotlibrc", target / "data")


def lock_of_kernel(index: dict[str, Any]) -> dict[str, Any]:
    """Make entries of a lock file for the packages that the kernel is made of."""
    entries = {}
    for name in ("ipykernel", "piplite", "pyodide-kernel"):
        ((version, (wheel,)),) = index[name]["releases"].items()
        entries[name] = {
            "name": name,
            "version": version,
            "install_dir": "site",
            "file_name": f"../../lite/{WHEELS}/{Path(wheel['url']).name}",
            "sha256": wheel["digests"]["sha256"],
            "package_type": "package",
            "imports": [name.replace("-", "_")],
            "depends": [],
            "unvendored_tests": False,
        }
    return entries


def add_packages(source: Path, target: Path, lock: dict[str, Any], index: dict[str, Any]) -> None:
    """Copy what the kernel needs beyond the live pages' Pyodide, each file checked, with a lock
    file of all of it.
    """
    target.mkdir()
    files = {name: pyodide.check(name, (source / name).read_bytes()) for name in pyodide.WORKSPACE}
    for name, data in files.items():
        (target / name).write_bytes(data)
    (target / "licences.txt").write_text(live.licences(files), encoding="utf-8")
    more = {
        name: {**entry, "file_name": f"../../lite/pyodide/{entry['file_name']}"}
        for name, entry in pyodide.LOCK["workspace"]["packages"].items()
    }
    packages = {**lock["packages"], **more, **lock_of_kernel(index)}
    (target / "pyodide-lock.json").write_text(
        json.dumps({**lock, "packages": packages}), encoding="utf-8"
    )


def build(jupyter: str, source: Path, target: Path) -> None:
    """Build the workspace, and put it in its place when it is complete."""
    with tempfile.TemporaryDirectory() as scratch:
        lite, out = Path(scratch, "lite"), Path(scratch, "out")
        contents(lite / "files")
        # a name that the kernel asks for by itself is written as it writes it
        first = [
            "micropip",
            "piplite",
            "ssl",
            "sqlite3",
            "ipykernel",
            "comm",
            "pyodide_kernel",
            "jedi",
            "ipython",
        ]
        (lite / "jupyter-lite.json").write_text(json.dumps(settings(first)), encoding="utf-8")
        (lite / "overrides.json").write_text(json.dumps(OVERRIDES), encoding="utf-8")
        subprocess.run(
            [
                Path(jupyter).absolute(),
                "lite",
                "build",
                "--lite-dir",
                lite,
                "--contents",
                lite / "files",
                "--output-dir",
                out,
                "--apps",
                "lab",
                "--no-sourcemaps",
                "--no-unused-shared-packages",
                "--no-libarchive",
            ],
            check=True,
            cwd=lite,
        )
        lock = json.loads(
            (SITE / "_static" / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8")
        )
        index = json.loads((out / WHEELS / "all.json").read_text(encoding="utf-8"))
        add_packages(source, out / "pyodide", lock, index)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(out, target)


def link() -> None:
    """Lead from the first page to the workspace, now that it is there."""
    page = SITE / "nbs" / "index.html"
    text = PLACE.sub(r'<a href="../lite/lab/index.html">\1</a>', page.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    folder = Path(os.environ.get("NNLIB_PYODIDE") or ROOT / "_build" / ".pyodide")
    lacking = pyodide.missing(folder, pyodide.WORKSPACE) or pyodide.missing(
        SITE / "_static" / "pyodide"
    )
    if lacking:
        sys.exit(
            f"The workspace needs Pyodide, of which {lacking[0]} "
            f"is neither in {folder} nor in the site."
        )
    build(sys.argv[1], folder, SITE / "lite")
    link()
