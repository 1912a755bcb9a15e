"""Runs the package's tests on the oldest and the newest Python and NumPy of this machine.

    python tools/versions.py [PYTHON ...]    # on these instead, or on all there are: --all

Each Python is tested with the oldest and with the newest NumPy that it can have. The pair that
`make test` runs on (this Python, but for its patch, and the newest) is left to it, unless it is
asked for. Pythons are looked for on the PATH and among those of pyenv. Each pair has an
environment of its own in .venv-versions, with what the lock ``package`` or ``oldest`` holds for
it, and is tested in a process of its own. The last lines are a table of what ran.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import lock

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv-versions"
MINORS = sorted({int(python.split(".")[1]) for python in lock.PYTHONS})


def version(python: str) -> tuple[int, ...] | None:
    """Ask a Python for its version; None if it is not supported, or makes no environments."""
    ask = "import sys, ensurepip, venv; print(sys.implementation.name, *sys.version_info[:3])"
    try:
        done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return None
    name, *numbers = done.stdout.split() or [""]
    found = tuple(map(int, numbers))
    return (
        found
        if done.returncode == 0 and name == "cpython" and found[0] == 3 and found[1] in MINORS
        else None
    )


def pythons() -> dict[tuple[int, ...], str]:
    """Find the supported Pythons of this machine, oldest first."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    named = [
        shutil.which(f"python3.{minor}", path=folder) for folder in folders for minor in MINORS
    ]
    pyenv = Path(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"))  # noqa: PTH111 - no home is no error
    kept = sorted(map(str, pyenv.glob("versions/3.*/bin/python3")))
    found: dict[tuple[int, ...], str] = {}
    for python in filter(None, [sys.executable, *named, *kept]):
        if number := version(python):
            found.setdefault(number, python)
    return dict(sorted(found.items()))


def numpy(name: str, python: str) -> str:
    """Say which NumPy a lock has for a Python on this machine."""
    text = (lock.LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux")
    return next(
        pin.partition("==")[2]
        for pin, mark in lock.pins(text).items()
        if pin.startswith("numpy==") and lock.installed(mark, python, system)
    )


def run(*command: str | Path, log: Path, **variables: str) -> bool:
    """Run a command in the repository; what it says goes to the end of a file."""
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
        )
    return done.returncode == 0


def prepare(python: str, folder: Path, name: str, log: Path) -> Path | None:
    """Make an environment with a lock and the package, unless it is there; return its Python."""
    path = lock.LOCKS / f"{name}.txt"
    state, stamp = hashlib.sha256(path.read_bytes()).hexdigest(), folder / "installed"
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    pip = (inside, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    if not (
        run(python, "-m", "venv", folder, log=log)
        and run(*pip, "--require-hashes", "--requirement", path, log=log)
    ):
        return None
    stamp.write_text(state, encoding="utf-8")
    return inside


def test(python: str, number: tuple[int, ...], name: str) -> tuple[bool, str]:
    """Test the package in one environment; return whether it passed, and a line of the table."""
    written = ".".join(map(str, number))
    folder = HOME / f"{written}-{name}"
    log = HOME / f"{written}-{name}.log"
    log.unlink(missing_ok=True)
    started = time.monotonic()
    inside = prepare(python, folder, name, log)
    workers = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadgroup")
    passed = inside is not None and run(
        *(inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ignore=tests/book", *workers),
        log=log,
        OPENBLAS_NUM_THREADS="1",
        PYTHONPATH=str(ROOT),
        PYTHONDONTWRITEBYTECODE="1",
    )
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or [
        "nothing said"
    ]
    said = "tests" if inside else "installation"
    result = f"{said} {'passed' if passed else 'FAILED'}: {last[0].strip(' =')}"
    taken = time.monotonic() - started
    return passed, f"Python {written:8} NumPy {numpy(name, written):7} {result} [{taken:.0f} s]"


def locks(number: tuple[int, ...]) -> list[str]:
    """Name the locks with different NumPys for a Python, that with the oldest first."""
    written = ".".join(map(str, number))
    both = ["oldest", "package"]
    return both if len({numpy(name, written) for name in both}) == 2 else ["package"]


def main() -> None:
    """Test what is asked for, and print the table."""
    asked = sys.argv[1:]
    found = (
        pythons()
        if asked in ([], ["--all"])
        else {number: python for python in asked if (number := version(python))}
    )
    if not found:
        sys.exit("no Python that is supported was found")
    chosen = found if asked else {number: found[number] for number in (min(found), max(found))}
    pairs = [(python, number, name) for number, python in chosen.items() for name in locks(number)]
    own = () if asked else (sys.version_info[:2], "package")
    jobs = [job for job in pairs if (job[1][:2], job[2]) != own]
    HOME.mkdir(exist_ok=True)
    results = [test(*job) for job in jobs]
    for (_, number, name), (passed, _) in zip(jobs, results, strict=True):
        if not passed:
            log = HOME / f"{'.'.join(map(str, number))}-{name}.log"
            print(
                f"---- {log.name}\n",
                *log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-60:],
            )
    left = ["The others are left to `make test`"] if len(jobs) < len(pairs) else []
    print(*(line for _, line in results), *left, sep="\n")
    sys.exit(not all(passed for passed, _ in results))


if __name__ == "__main__":
    main()
