"""Checks the package as it is shipped: `make dist` builds it, this looks at it from outside.

    python tools/check_dist.py FOLDER [TAG]

What is in the wheel and in the source distribution, what their metadata say, and whether README's
example runs in an empty environment that has the wheel and NumPy and nothing else, in a folder
that is not this one. A tag must be the version, and the changelog must have a section for it.
"""

from __future__ import annotations

import email
import email.message
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "nnlib-book"


def version() -> str:
    """Read the version from the package, without importing it."""
    source = (ROOT / "nnlib" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', source, re.M)
    assert found, "nnlib/__init__.py: no version"
    return found[1]


def modules() -> set[str]:
    """List the files of the package that are shipped."""
    return {
        f"nnlib/{path.name}"
        for path in (ROOT / "nnlib").iterdir()
        if path.suffix in (".py", ".typed") and path.name != "_modidx.py"
    }


def same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{what}: expected {expected}, got {found}")


def check_metadata(text: str) -> None:
    """Compare the metadata with what the repository says: names, needs, licence, and no address
    that is not ours.
    """
    data = email.message_from_string(text)
    same("name", data["Name"], NAME)
    same("version", data["Version"], version())
    same("licence", data["License-Expression"], "Apache-2.0")
    same("Python", data["Requires-Python"], ">=3.11")
    needed = [need for need in data.get_all("Requires-Dist", []) if "extra ==" not in need]
    same("requirements", needed, ["numpy>=2.0"])
    same("addresses", data.get_all("Project-URL", []), [])  # until the project has one
    same("type of the description", data["Description-Content-Type"], "text/markdown")
    same(
        "description",
        str(data.get_payload()).strip(),
        (ROOT / "README.md").read_text("utf-8").strip(),
    )
    if len(data.get_all("Classifier", [])) < 5 or not data["Keywords"]:
        raise SystemExit("metadata: classifiers or keywords are missing")


def check_wheel(path: Path) -> None:
    """Look into the wheel: the modules, the mark of types, the licence."""
    info = f"nnlib_book-{version()}.dist-info"
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        same(
            "files of the wheel", {name for name in names if not name.startswith(info)}, modules()
        )
        if f"{info}/licenses/LICENSE" not in names:
            raise SystemExit("wheel: the licence is missing")
        check_metadata(wheel.read(f"{info}/METADATA").decode("utf-8"))


def check_source(path: Path) -> None:
    """Look into the source distribution: what the wheel is built from, and nothing of the book."""
    texts = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"}
    build = {"pyproject.toml", "setup.cfg", "PKG-INFO", "MANIFEST.in"}
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
        head = archive.extractfile(f"nnlib_book-{version()}/PKG-INFO")
        assert head is not None
        check_metadata(head.read().decode("utf-8"))
    kept = {name for name in names if not name.startswith("nnlib_book.egg-info/")}
    same("files of the source distribution", kept, modules() | texts | build)


def example() -> str:
    """Take the example out of README."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert found, "README.md: no example"
    return found[1]


def try_out(wheel: Path) -> None:
    """Install the wheel into an empty environment, and run README's example there."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "environment")
        venv.create(place, with_pip=True)
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", wheel], check=True)
        listed = subprocess.run(
            [*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True
        ).stdout
        installed = {line.partition("==")[0] for line in listed.split()} - {"pip", "setuptools"}
        same("what is installed", installed, {NAME, "numpy"})
        done = subprocess.run(
            [python, "-I", "-W", "error", "-c", example()],
            cwd=folder,
            check=True,
            text=True,
            capture_output=True,
        )
        answers = [float(number) for number in re.findall(r"\d+\.\d*", done.stdout)]
        same("answers of README's example", [round(number) for number in answers], [0, 1, 1, 0])


def check_tag(tag: str) -> None:
    """A release is tagged with its version, and the changelog says what is in it."""
    same("tag", tag, f"v{version()}")
    if f"\n## [{version()}] - " not in (ROOT / "CHANGELOG.md").read_text("utf-8"):
        raise SystemExit(f"CHANGELOG.md: no section for {version()}")


def main(folder: Path, tag: str = "") -> None:
    if tag:
        check_tag(tag)
    wheels, sources = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    same("distributions", (len(wheels), len(sources)), (1, 1))
    check_wheel(wheels[0])
    check_source(sources[0])
    try_out(wheels[0])
    print(
        f"{wheels[0].name} and {sources[0].name} are complete; "
        "README's example runs with the wheel and NumPy alone"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
