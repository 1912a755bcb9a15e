"""Writes into .ci/locks what `make` installs: every release, with the SHA-256 of its wheels.

    python tools/lock.py [--upgrade]    # without the option, what is locked and still fits stays

The groups in pyproject.toml say what is chosen; uv finds all that they bring along, once for all
Pythons and systems. A wheel that none of them installs is left out. ``wheels.json`` keeps what a
test needs to know of each release without a network: the Pythons that its own metadata
admit, and for which of them and which systems it has a wheel.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / ".ci" / "locks"
PYTHONS = (
    "3.11.0",
    "3.11.2",
    "3.11.5",
    "3.12.0",
    "3.13.0",
    "3.14.0",
    "3.15.0",
)  # the minor releases, and where pins differ within one
SYSTEMS = {  # for the marks of a release, and for pip
    "linux": (
        {
            "os_name": "posix",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": "x86_64",
        },
        ["manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(36, 17, -1))],
    ),
    "macos": (
        {
            "os_name": "posix",
            "sys_platform": "darwin",
            "platform_system": "Darwin",
            "platform_machine": "arm64",
        },
        ["macosx_14_0_arm64"],
    ),
    "windows": (
        {
            "os_name": "nt",
            "sys_platform": "win32",
            "platform_system": "Windows",
            "platform_machine": "AMD64",
        },
        ["win_amd64"],
    ),
}
# a lock, the groups in it, and the lock that it adds to
GROUPS = {
    "book": (["book"], None),
    "test": (["book", "test"], "book"),
    "peers": (["book", "test", "peers"], "test"),
    "package": (["package"], None),
    "oldest": (["oldest"], None),
    "lite": (["lite"], None),
    "frameworks": (["frameworks"], None),
    "lock": (["lock"], None),
}
SHARED = ("book", "test", "peers", "package")
HEAD = "# Written by `make lock` from the groups in pyproject.toml.\n"


def normal(name: str) -> str:
    """Write the name of a distribution in its one form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Map each release ``name==version`` of a lock to the mark of where it goes, maybe none."""
    found = re.findall(
        r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)(?: *; *([^\\\n]+))?", text, re.MULTILINE
    )
    return {f"{normal(name)}=={version}": mark.strip() for name, version, mark in found}


def environment(python: str, system: str) -> dict[str, str]:
    """Describe a Python on a system as marks do."""
    return {
        **SYSTEMS[system][0],
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def installed(mark: str, python: str, system: str) -> bool:
    """Whether a release with this mark is installed there."""
    return not mark or Marker(mark).evaluate(environment(python, system))


def runs(tag: Tag, python: str) -> bool:
    """Whether a wheel with this tag is for a Python, on whatever system."""
    minor = int(python.split(".")[1])
    kind, number = re.findall(r"([a-z]+)3?(\d*)", tag.interpreter)[0]
    if kind == "py":
        return tag.abi == "none" and tag.interpreter != "py2" and int(number or 0) <= minor
    return kind == "cp" and (
        (int(number) == minor and tag.abi in (tag.interpreter, "none"))
        or (int(number) <= minor and tag.abi == "abi3")
    )


def family(platform: str) -> str:
    """Name the system of a tag's platform, empty if it is none that is asked for."""
    if platform == "any":
        return "any"
    if platform.startswith("manylinux") and platform.endswith("x86_64"):
        return "linux"
    if platform.startswith("macosx") and platform.endswith(("arm64", "universal2")):
        return "macos"
    return "windows" if platform == "win_amd64" else ""


def needed(wheel: str) -> bool:
    """Whether any of the Pythons may install this wheel."""
    return any(
        runs(tag, python) and not re.search("emscripten|pyodide|wasi|ios|android", tag.platform)
        for tag in parse_wheel_filename(wheel)[3]
        for python in PYTHONS
    )


def uv(*arguments: str | Path) -> None:
    """Resolve, for every Python from the oldest on and every system."""
    subprocess.run(
        [
            Path(sys.executable).with_name("uv"),
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--python-version",
            PYTHONS[0],
            "--no-header",
            "--no-annotate",
            *arguments,
        ],
        check=True,
        cwd=ROOT,
    )


def locked(name: str) -> str:
    """List what a lock holds today."""
    path = LOCKS / f"{name}.txt"
    found = pins(path.read_text(encoding="utf-8")) if path.exists() else {}
    return "".join(f"{pin} ; {mark}\n" if mark else f"{pin}\n" for pin, mark in found.items())


def resolve(groups: list[str], target: Path, *options: str | Path) -> str:
    """Write what these groups and the package install."""
    named = [word for group in groups for word in ("--group", group)]
    uv("pyproject.toml", *named, "--output-file", target, *options)
    return target.read_text(encoding="utf-8")


def wheels_of(text: str, scratch: Path) -> dict[str, dict[str, str]]:
    """Map each release to its wheels' names with their SHA-256."""
    source, target = scratch / "pins.txt", scratch / "pylock.toml"
    source.write_text(text, encoding="utf-8")
    uv(source, "--no-deps", "--format", "pylock.toml", "--output-file", target)
    found: dict[str, dict[str, str]] = {}
    for package in tomllib.loads(target.read_text(encoding="utf-8"))["packages"]:
        files = {
            wheel["url"].rpartition("/")[2]: wheel["hashes"]["sha256"]
            for wheel in package.get("wheels", [])
        }
        found[f"{normal(package['name'])}=={package['version']}"] = {
            name: files[name] for name in sorted(files) if needed(name)
        }
    return found


def lock(
    text: str, wheels: dict[str, dict[str, str]], without: dict[str, str], base: str | None
) -> str:
    """Write a lock; what the lock before it has is left out."""
    lines = [HEAD + (f"--requirement {base}.txt\n" if base else "") + "--only-binary :all:\n"]
    for pin, mark in sorted(pins(text).items()):
        if without.get(pin) != mark:
            if not wheels[pin]:
                sys.exit(f"{pin} has no wheel")
            hashes = "".join(
                f" \\\n    --hash=sha256:{digest}" for digest in sorted(set(wheels[pin].values()))
            )
            lines.append(f"{pin}{f' ; {mark}' if mark else ''}{hashes}\n")
    return "".join(lines)


def tags_of(wheels: dict[str, str]) -> list[str]:
    """List for which Pythons and systems there are wheels, each as ``interpreter-abi-system``."""
    tags = {
        tag
        for name in wheels
        for tag in parse_wheel_filename(name)[3]
        if any(runs(tag, python) for python in PYTHONS)
    }
    return sorted(
        {
            f"{tag.interpreter}-{tag.abi}-{family(tag.platform)}"
            for tag in tags
            if family(tag.platform)
        }
    )


def offers(tags: list[str], python: str, system: str) -> bool:
    """Whether a release with these tags has a wheel for a Python on a system."""
    return any(
        place in ("any", system) and runs(Tag(interpreter, abi, place), python)
        for interpreter, abi, place in (tag.split("-") for tag in tags)
    )


def requires_python(
    missing: dict[str, set[str]], tags: dict[str, list[str]], scratch: Path
) -> dict[str, str]:
    """Map each release to the Pythons that its own metadata admit; pip installs nothing."""
    found: dict[str, str] = {}
    for system, (_, platforms) in SYSTEMS.items():
        for python in reversed(PYTHONS):
            while wanted := {
                pin.partition("==")[0]: pin
                for pin, marks in missing.items()
                if pin not in found
                and offers(tags[pin], python, system)
                and any(installed(mark, python, system) for mark in marks)
            }:
                report = scratch / "report.json"  # of one release of each name at a time
                subprocess.run(
                    [
                        sys.executable,
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--disable-pip-version-check",
                        "--dry-run",
                        "--ignore-installed",
                        "--ignore-requires-python",
                        "--no-deps",
                        "--only-binary",
                        ":all:",
                        "--python-version",
                        python,
                        *(word for name in platforms for word in ("--platform", name)),
                        "--target",
                        scratch / "target",
                        "--report",
                        report,
                        *wanted.values(),
                    ],
                    check=True,
                    cwd=scratch,
                )
                for item in json.loads(report.read_text(encoding="utf-8"))["install"]:
                    metadata: dict[str, Any] = item["metadata"]
                    found[f"{normal(metadata['name'])}=={metadata['version']}"] = metadata.get(
                        "requires_python", ""
                    )
    return found


def table(
    wheels: dict[str, dict[str, str]],
    marks: dict[str, set[str]],
    known: dict[str, Any],
    scratch: Path,
) -> dict[str, Any]:
    """Say of each release which Pythons it admits, and the tags of its wheels."""
    tags = {pin: tags_of(wheels[pin]) for pin in sorted(marks)}
    admitted = requires_python(
        {pin: where for pin, where in marks.items() if pin not in known}, tags, scratch
    )
    return {
        pin: {
            "python": known[pin]["python"] if pin in known else admitted[pin],
            "wheels": tags[pin],
        }
        for pin in tags
    }


def main() -> None:
    """Write the locks and the table."""
    upgrade = "--upgrade" in sys.argv[1:]
    path = LOCKS / "wheels.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    LOCKS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch, marks = Path(folder), dict[str, set[str]]()
        union = scratch / "union.txt"  # what shares an environment agrees
        if not upgrade:
            union.write_text("".join(locked(name) for name in SHARED), encoding="utf-8")
        resolve(GROUPS["peers"][0], union)
        texts, files = {}, {}
        for name, (groups, _) in GROUPS.items():
            target = scratch / f"{name}.txt"
            if not upgrade:
                target.write_text(locked(name), encoding="utf-8")
            shared = ("--constraint", union) if name in SHARED else ()
            texts[name] = resolve(groups, target, *shared)
            files[name] = wheels_of(texts[name], scratch)
        for name, (_, base) in GROUPS.items():
            text = lock(texts[name], files[name], pins(texts[base]) if base else {}, base)
            (LOCKS / f"{name}.txt").write_text(text, encoding="utf-8")
            for pin, mark in pins(text).items():
                marks.setdefault(pin, set()).add(mark)
        every = {pin: wheels for found in files.values() for pin, wheels in found.items()}
        rows = table(every, marks, known, scratch)
    lines = (f"{json.dumps(pin)}: {json.dumps(row)}" for pin, row in rows.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
