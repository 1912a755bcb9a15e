"""Builds and tests the book with the newest releases of all it stands on, and says what broke.

    python tools/newest.py

The limits that pyproject.toml sets hold, the locks do not. It happens in a copy of this folder,
_build/newest, with an environment of its own; what each step says is kept there in a file. The
last lines list the releases that differ from the locked ones, and the steps with their outcome.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import lock

ROOT = Path(__file__).resolve().parents[1]
COPY = ROOT / "_build" / "newest"
PYTHON = COPY / ".venv" / "bin" / "python"
PIP = (PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--upgrade")
PYTEST = (
    PYTHON,
    "-m",
    "pytest",
    "-q",
    "-n",
    "logical",
    "--maxprocesses",
    "4",
    "--dist",
    "loadgroup",
)
STEPS: dict[str, list[tuple[str | Path, ...]]] = {
    "installation": [
        (sys.executable, "-m", "venv", COPY / ".venv"),
        (*PIP, "pip"),  # one that knows groups
        (*PIP, "--group", "book", "--group", "test", "--editable", "."),
        ("touch", ".venv/.book", ".venv/.test"),  # the locks are not asked
    ],
    "tests of the package": [(*PYTEST, "--ignore=tests/book")],
    "lint": [("make", "lint")],
    "the book": [("make", "book")],
    "tests of the book": [(*PYTEST, "tests/book")],
}


def call(command: tuple[str | Path, ...], file: TextIO, environment: dict[str, str]) -> bool:
    """Run a command in the copy; what it says goes into a file."""
    done = subprocess.run(
        command, check=False, cwd=COPY, env=environment, stdout=file, stderr=subprocess.STDOUT
    )
    return done.returncode == 0


def run(step: str) -> tuple[bool, str]:
    """Take a step, as far as it goes; return whether it went well, and what it said last."""
    log = COPY / f"{step.replace(' ', '-')}.log"
    environment = {**os.environ, "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"}
    with log.open("w", encoding="utf-8") as file:
        passed = all(call(command, file, environment) for command in STEPS[step])
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return passed, "\n".join(f"    {line}" for line in said[-12:])


def newer() -> list[str]:
    """List the releases that are installed in another version than the locks have."""
    command = [str(PYTHON), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    python = ".".join(map(str, sys.version_info[:3]))
    text = "".join((lock.LOCKS / f"{name}.txt").read_text("utf-8") for name in ("book", "test"))
    locked = dict(
        pin.split("==")
        for pin, mark in lock.pins(text).items()
        if lock.installed(mark, python, "linux")
    )
    found = {lock.normal(item["name"]): item["version"] for item in json.loads(done.stdout)}
    return [
        f"{name} {locked.get(name, 'none')} -> {version}"
        for name, version in sorted(found.items())
        if locked.get(name) != version and name not in ("pip", "nnlib-book")
    ]


def main() -> None:
    """Take all the steps that can be taken, and say how they went."""
    shutil.rmtree(COPY, ignore_errors=True)
    left_out = shutil.ignore_patterns("_build", ".git", ".venv*", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, COPY, ignore=left_out)
    outcome = {"installation": run("installation")}
    if outcome["installation"][0]:
        for step in STEPS:
            if step not in outcome:
                print(f"{step} ...", flush=True)
                outcome[step] = run(step)
        print("Other releases than those locked:", *(newer() or ["none"]), sep="\n    ")
    for step, (passed, said) in outcome.items():
        print(f"{step}: {'passed' if passed else 'BROKE'}" + ("" if passed else f"\n{said}"))
    broke = [step for step, (passed, _) in outcome.items() if not passed]
    print(f"Broke with the newest releases: {', '.join(broke) or 'nothing'}")
    sys.exit(bool(broke))


if __name__ == "__main__":
    main()
