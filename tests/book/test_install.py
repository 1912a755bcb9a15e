"""What is installed: each pinned release runs on every Python that README names, by its hashes."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import check_dist
import lint
import lock
import versions

ROOT = Path(__file__).parents[2]
ROWS = json.loads((lock.LOCKS / "wheels.json").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FIRST, LAST = map(int, re.search(r"Python 3\.(\d+) to 3\.(\d+)", README).groups())
# the first release of each, those of Debian and of pyenv, and one far beyond
PYTHONS = [
    "3.11.0",
    "3.11.2",
    "3.11.4",
    "3.11.7",
    *(f"3.{minor}.0" for minor in range(FIRST + 1, LAST + 1)),
    f"3.{LAST}.20",
]
HOMES = {"HOME", "USERPROFILE", "PYENV_ROOT", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"}
OLDER = {"frameworks": 13, "peers": 14}  # these locks serve no newer Python


def contents(name: str) -> list[tuple[str, str]]:
    """List what a lock installs, with those that it stands on, each with the mark of where."""
    base = lock.GROUPS[name][1]
    return [
        *(contents(base) if base else []),
        *lock.pins((lock.LOCKS / f"{name}.txt").read_text("utf-8")).items(),
    ]


def chosen(name: str) -> list[Requirement]:
    """List what pyproject.toml chooses for a lock."""
    groups, texts = list(lock.GROUPS[name][0]), list(PYPROJECT["project"]["dependencies"])
    for group in groups:
        for entry in PYPROJECT["dependency-groups"][group]:
            (texts.append if isinstance(entry, str) else groups.append)(
                entry if isinstance(entry, str) else entry["include-group"]
            )
    return [Requirement(text) for text in texts]


def test_pythons_are_said_alike_everywhere() -> None:
    """README, the metadata of the package, the Makefile and the locks."""
    named = [
        int(found)
        for text in PYPROJECT["project"]["classifiers"]
        for found in re.findall(r":: 3\.(\d+)$", text)
    ]
    assert (
        named
        == list(range(FIRST, LAST + 1))
        == sorted({int(python.split(".")[1]) for python in lock.PYTHONS})
    )
    assert PYPROJECT["project"]["requires-python"] == f">=3.{FIRST}"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for name, newest in OLDER.items():
        assert re.search(
            rf"supported,\S+,{newest}\)\n(?:.*\n)?.*,{name}\)$", makefile, re.MULTILINE
        ), name
    assert f"$(call supported,$(PYTHON),{LAST})" in makefile and f"(3, {FIRST}) <= v" in makefile


@pytest.mark.parametrize("system", lock.SYSTEMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", lock.GROUPS)
def test_every_pin_can_be_installed(name: str, python: str, system: str) -> None:
    """soupsieve 4.1 needed Python 3.11.5, and five pins had no wheel for 3.15."""
    if int(python.split(".")[1]) > OLDER.get(name, LAST):
        pytest.skip("the Makefile says so")
    pinned = [pin for pin, mark in contents(name) if lock.installed(mark, python, system)]
    refused = [pin for pin in pinned if python not in SpecifierSet(ROWS[pin]["python"])]
    lacking = [pin for pin in pinned if not lock.offers(ROWS[pin]["wheels"], python, system)]
    assert pinned and not refused and not lacking
    names = [pin.partition("==")[0] for pin in pinned]
    assert len(names) == len(set(names)), "a release twice"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", lock.GROUPS)
def test_lock_holds_what_is_chosen(name: str, python: str) -> None:
    """Each choice in pyproject.toml is there, at a release that it allows."""
    found = dict(
        pin.split("==") for pin, mark in contents(name) if lock.installed(mark, python, "linux")
    )
    for requirement in chosen(name):
        if lock.installed(str(requirement.marker or ""), python, "linux"):
            assert found.get(lock.normal(requirement.name), "none") in requirement.specifier, (
                f"{requirement}: make lock"
            )


@pytest.mark.parametrize("name", lock.GROUPS)
def test_every_file_has_its_hash_and_no_lock_names_a_host(name: str) -> None:
    text = (lock.LOCKS / f"{name}.txt").read_text("utf-8")
    for entry in re.split(r"\n(?=[\w-]+==)", text)[1:]:
        assert re.fullmatch(
            r"[\w.-]+==\S+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n?", entry
        ), entry
    assert "://" not in text and "--only-binary :all:" in text


def test_pin_that_a_python_refuses_is_found() -> None:
    assert not lock.offers(["cp313-cp313-linux", "cp314-cp314-linux"], "3.15.0", "linux")
    assert lock.offers(["cp39-abi3-linux"], "3.15.0", "linux")
    assert not lock.offers(["cp39-abi3-linux"], "3.15.0", "macos")
    assert lock.offers(["py3-none-any"], "3.11.0", "windows")
    assert not lock.offers(["py2-none-any"], "3.11.0", "windows")
    assert not lock.installed("python_full_version >= '3.11.5'", "3.11.2", "linux")


def test_python_that_is_not_supported_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """An older one ran into an error of pip's, a newer one into one of a compiler's."""
    python, other = tmp_path / "python", f"3.{LAST + 1}"
    code = f"import sys; sys.version_info = (3, {LAST + 1}, 0); exec(sys.argv.pop())"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$2"\n', encoding="utf-8")
    python.chmod(0o755)
    venv = tmp_path / "venv"
    command = ["make", "--silent", f"PYTHON={python}", f"VENV={venv}", f"{venv}/bin/python"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    needed = f"Python 3.{FIRST} to 3.{LAST} is needed"
    assert said == [f"{needed}, and {python} is {other}: make PYTHON=python3.13"]
    assert done.returncode and not venv.exists()


def test_serve_finds_a_free_port_and_says_which(tmp_path: Path) -> None:
    """A taken port ended in a traceback."""
    (tmp_path / "index.html").write_text("the book", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-u", ROOT / "tools" / "serve.py", tmp_path, str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            said = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
            try:
                assert int(said[1]) != port
                with urllib.request.urlopen(said[0]) as answer:
                    assert answer.read() == b"the book"
            finally:
                process.terminate()


@pytest.mark.parametrize("folder", ["", "/a folder/pyodide"], ids=["no network", "NNLIB_PYODIDE"])
def test_second_build_is_no_first_one(tmp_path: Path, folder: str) -> None:
    """Where Pyodide was named, or not to be had, a file was missing: all was rendered again."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    command = [
        "make",
        "--silent",
        "BIN=.",
        "VENV=.",
        "--old-file=./.book",
        f"NNLIB_PYODIDE={folder}",
        "_build/.live",
    ]
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    times = set()
    for _ in range(2):
        (tmp_path / ".book").touch()
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        times.add((tmp_path / "_build" / ".live").stat().st_mtime_ns)
    assert len(times) == 1


def test_checkout_of_windows_has_the_same_bytes(tmp_path: Path) -> None:
    """With other ends of lines the export differs from the package, and shell runs no script."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this is no repository, or there is no git")
    command = [
        "git",
        "clone",
        "--quiet",
        "--config",
        "core.autocrlf=true",
        "--config",
        "core.eol=crlf",
        ROOT,
        tmp_path / "copy",
    ]
    subprocess.run(command, check=True)
    for name in (
        "nnlib/layers.py",
        ".ci/run",
        "Makefile",
        "nbs/layers.ipynb",
        "nbs/claims.toml",
    ):
        assert b"\r" not in (tmp_path / "copy" / name).read_bytes(), name
    for path in (ROOT / "data").rglob("*.gz"):
        assert path.read_bytes() == (tmp_path / "copy" / path.relative_to(ROOT)).read_bytes()


def test_address_of_the_book_can_be_opened_whatever_its_folder_is_called(tmp_path: Path) -> None:
    """A space ended the address, and what is beyond ASCII was no part of one."""
    folder = tmp_path / "ein Buch für ä"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    binaries = Path(sys.executable).parent
    command = ["make", "--silent", f"BIN={binaries}", "--old-file=_build/html/index.html", "book"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    said = done.stdout.partition("Open ")[2].partition(",")[0]
    assert said == (folder / "_build" / "html" / "index.html").as_uri()
    assert said.endswith("/ein%20Buch%20f%C3%BCr%20%C3%A4/_build/html/index.html")


def bare() -> dict[str, str]:
    """The environment of somebody who has no home."""
    return {name: value for name, value in os.environ.items() if name not in HOMES}


def test_package_is_exported_in_any_folder_and_with_no_environment(tmp_path: Path) -> None:
    """Without HOME, without git, and under a name with a space and a letter beyond ASCII."""
    folder = tmp_path / "ein Buch für ä"
    shutil.copytree(ROOT / "nbs", folder / "nbs", ignore=shutil.ignore_patterns("_ext"))
    for name in ("settings.ini", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    binaries = Path(sys.executable).parent
    subprocess.run(
        [binaries / "nbdev_export"], cwd=folder, env=bare() | {"PATH": str(binaries)}, check=True
    )
    before, after = (
        {path.name: path.read_bytes() for path in (place / "nnlib").glob("[a-z]*.py")}
        for place in (ROOT, folder)
    )
    assert len(before) > 20 and before == after


def test_pythons_are_looked_for_without_a_home() -> None:
    """A user of a container may have none, and no entry among the users."""
    code = (
        "import os, sys; sys.path.insert(0, 'tools'); import versions; "
        "os.path.expanduser = lambda path: path; print(len(versions.pythons()))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=bare(), check=True, capture_output=True, text=True
    )
    assert int(done.stdout) >= 1
    assert versions.locks((3, 15, 0)) == ["package"]
    assert versions.locks((3, 11, 7)) == ["oldest", "package"]


def test_hooks_before_a_commit_are_the_checks_of_lint() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert set(re.findall(r"\bid: (\w+)", text)) == set(lint.CHECKS)


@pytest.mark.parametrize("odd", ["nnlib/extra.py", ""])
def test_wheel_that_is_not_as_the_package_is_refused(tmp_path: Path, odd: str) -> None:
    """A file too many, or none of the licence."""
    path = tmp_path / "odd.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name in (*check_dist.modules(), odd):
            if name:
                wheel.writestr(name, "")
    with pytest.raises(SystemExit, match="files of the wheel" if odd else "licence"):
        check_dist.check_wheel(path)


def test_tag_that_is_not_the_version_is_refused() -> None:
    with pytest.raises(SystemExit, match="tag: expected v"):
        check_dist.check_tag("v9")
