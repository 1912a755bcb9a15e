"""Checks that need no run of the book: `make lint`, and the hooks of pre-commit.

    python tools/lint.py [CHECK ...]    # all of them without a name

The scripts of the pages are checked by tools of node, locked in package-lock.json; where npm is
missing they are left out, and the last line says so. In continuous integration that is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = ROOT / "node_modules" / ".package-lock.json"  # npm writes it last
MODULES = "node_modules/.bin"
# import each other by name
TOOLS = [f"tools/{path.name}" for path in sorted((ROOT / "tools").glob("*.py"))]
TESTS = [f"tests/js/{path.name}" for path in sorted((ROOT / "tests" / "js").glob("*.test.js"))]

# names and bugs in the package as it is exported: cells share their names, modules do not
RULES = ["--select", "E4,E7,E9,F,B,PLE", "--ignore", "B007,B905,E731"]
PACKAGE = ["ruff", "check", "--quiet", "--isolated", "--target-version=py311", *RULES, "nnlib"]

CHECKS: dict[str, list[list[str]]] = {
    "ruff": [["ruff", "check", "--quiet"], ["ruff", "format", "--check", "--quiet"], PACKAGE],
    "types": [["mypy", "--no-error-summary"], ["mypy", "--no-error-summary", *TOOLS]],
    "docstrings": [["python", "tools/check_docstrings.py"]],
    "spelling": [["codespell"]],
    "workflows": [
        ["zizmor", "--offline", "--quiet", "--no-progress", "--min-severity", "medium", ".github"]
    ],
    "scripts": [
        ["biome", "ci", "--error-on-warnings", "--log-level", "error"],
        ["tsc", "--project", "jsconfig.json"],
        ["node", "--test", *TESTS],
    ],
}


def find(name: str) -> str:
    """Find a command: in this environment, in node_modules, or on the machine."""
    places = os.pathsep.join(
        [str(Path(sys.executable).parent), str(ROOT / MODULES), os.environ.get("PATH", "")]
    )
    found = shutil.which(name, path=places)
    if found is None:
        raise SystemExit(f"{name} is not installed: make lint installs it")
    return found


def install_scripts() -> bool:
    """Install the tools of node if the lock has changed; return whether they are there."""
    npm = shutil.which("npm")
    if npm is None:
        if "CI" in os.environ:
            raise SystemExit("npm is not installed: the scripts of the pages cannot be checked")
        return False
    lock = ROOT / "package-lock.json"
    if not INSTALLED.exists() or INSTALLED.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=ROOT, check=True)
        INSTALLED.touch()
    return True


def run(name: str) -> bool:
    """Run the commands of a check; show what they print only if one fails."""
    for command in CHECKS[name]:
        done = subprocess.run(
            [find(command[0]), *command[1:]],
            check=False,
            cwd=ROOT,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode:
            print(f"{done.stdout}\n{name}: {' '.join(command[:2])} found what stands above")
            return False
    return True


def main(names: list[str]) -> int:
    """Run the checks named, or all; return the number of those that failed."""
    if unknown := set(names) - set(CHECKS):
        raise SystemExit(f"lint: expected {', '.join(CHECKS)}, got {', '.join(sorted(unknown))}")
    failed, left_out = 0, ""
    for name in names or CHECKS:
        if name == "scripts" and not install_scripts():
            left_out = "; node is missing, the scripts of the pages were not checked"
            continue
        start = time.perf_counter()
        passed = run(name)
        failed += not passed
        print(
            f"{name:<12} {'passed' if passed else 'FAILED'}, {time.perf_counter() - start:.1f} s",
            flush=True,
        )
    print(f"lint: {f'{failed} failed' if failed else 'passed'}{left_out}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
