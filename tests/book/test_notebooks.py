"""The chain from notebooks to package: in step, clean, and enough by itself."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

import clean
from nnbook.live import live
from nnbook.notebook import execution

ROOT = Path(__file__).parents[2]
EXERCISES = Path(__file__).with_name("exercises.py")
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))


def tool(name: str, folder: Path) -> None:
    """Run a command of the environment there."""
    subprocess.run(
        [Path(sys.executable).with_name(name)], cwd=folder, check=True, capture_output=True
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what nbdev works on: the notebooks, the settings, and no package yet."""
    shutil.copytree(ROOT / "nbs", tmp_path / "nbs")
    shutil.copy(ROOT / "settings.ini", tmp_path)
    return tmp_path


def test_package_is_the_export_of_the_notebooks(copy: Path) -> None:
    """Byte for byte, with no module left over from a notebook that is gone."""
    (copy / "nnlib").mkdir()
    tool("nbdev_export", copy)
    exported, kept = (
        {path.name: path.read_bytes() for path in (folder / "nnlib").glob("*.py")}
        for folder in (copy, ROOT)
    )
    for modules in (exported, kept):
        modules.pop("_modidx.py", None)  # nbdev's own index, which is neither kept nor shipped
    assert exported == kept


def test_results_are_taken_out_of_a_notebook(copy: Path) -> None:
    """By a tool of our own: the command that did it came with the workspace only."""
    path = copy / "nbs" / "first_network.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["x"]}]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    clean.clean(path)
    assert path.read_bytes() == (ROOT / "nbs" / "first_network.ipynb").read_bytes()


def test_notebooks_are_clean(copy: Path) -> None:
    """No outputs, no counts, and nothing that nbdev_clean would change (`make clean-notebooks`
    mends it).
    """
    tool("nbdev_clean", copy)
    for path in NOTEBOOKS:
        assert (copy / "nbs" / path.name).read_bytes() == path.read_bytes(), path.name
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs") and not cell.get("execution_count"), path.name


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as others install it: built into a wheel, unpacked in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    source = tmp_path_factory.mktemp("source") / "nnlib"
    shutil.copytree(
        ROOT,
        source,
        ignore=shutil.ignore_patterns(
            ".*", "_build", "build", "*.egg-info", "data", "nbs", "node_modules"
        ),
    )
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--target", folder, source], check=True
    )
    return folder


# leaves no names
TRY = (
    'print(__import__("json").dumps('
    '__import__("runpy").run_path({!r})["try_answers"]({!r}, globals())))'
)

# times are measured on machines that may be busy, so nothing may fail because of them: the clock
# that measures them jumps at random here, also backward
CLOCK = """
setattr(__import__("time"), "perf_counter", __import__("random").Random(0).random)
__import__("sys").modules.pop("timeit", None)  # has taken the clock of before
"""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_chapter_runs_alone_with_the_wheel_and_rejects_wrong_answers(
    path: Path, wheel: Path
) -> None:
    """In a fresh process and an empty folder, with the installed package and nothing of this
    repository but its data.

    The build has run it in full; here long cells are shortened as they are in the page, and no
    measured time is right. Each exercise has a check, which the book's own solution passes and
    some wrong variant of it does not.
    """
    notebook = nbformat.read(path, as_version=4)
    cells, tried = [nbformat.v4.new_code_cell(CLOCK)], []
    for cell in notebook.cells:
        if cell.cell_type != "code" or (short := live.live_cell(cell)) is None:
            continue
        if short.get("skip"):
            continue
        # each wrong answer runs in a copy of the process
        if cell.source.startswith("#| solution") and hasattr(os, "fork"):
            tried.append(nbformat.v4.new_code_cell(TRY.format(str(EXERCISES), short["source"])))
            cells.append(tried[-1])
        cells.append(nbformat.v4.new_code_cell(short["source"]))
    where = nbformat.v4.new_code_cell(
        "import nnlib, pathlib; print(pathlib.Path(nnlib.__file__).parent)"
    )
    notebook.cells = [*cells, where]
    environment = {
        **os.environ,
        "PYTHONPATH": str(wheel),
        "MPLBACKEND": "agg",
        "NNLIB_DATA": str(ROOT / "data"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    # a shorter path than pytest's: that of a socket has a limit
    with tempfile.TemporaryDirectory() as scratch:
        empty = Path(scratch, "run")
        empty.mkdir()
        execution.client_for(notebook, empty, timeout=300).execute(env=environment)
    assert where.outputs[-1]["text"].strip() == str(wheel / "nnlib")
    ends = [json.loads(cell.outputs[-1]["text"]) for cell in tried]
    assert [end for end in ends if "AssertionError" not in end.values()] == []


def code_lines(source: str) -> tuple[int, list[tuple[type[ast.stmt], int]]]:
    """Count lines of code, but for docstrings and signatures: of a cell, and of each class and
    function in it.
    """
    lines = {
        i
        for i, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    found = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    ]
    for node in found:
        told = (
            node.body[0].end_lineno or 0
            if ast.get_docstring(node) is not None
            else node.body[0].lineno - 1
        )
        lines -= set(range(node.lineno, told + 1))
    return len(lines), [
        (type(node), len(lines & set(range(node.lineno, (node.end_lineno or 0) + 1))))
        for node in found
    ]


def test_cells_are_short() -> None:
    """Half of the cells have 7 lines or fewer, nine in ten at most 15; functions at most 29,
    classes at most 80.
    """
    sources = [
        "\n".join(
            line for line in "".join(cell["source"]).splitlines() if not line.startswith("#|")
        )
        for path in NOTEBOOKS
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    counted = [code_lines(source) for source in sources]
    lengths = sorted(length for length, _ in counted)
    assert lengths[len(lengths) // 2] <= 7
    assert lengths[int(0.9 * len(lengths))] <= 15
    limits = {ast.FunctionDef: 29, ast.ClassDef: 80}
    assert all(length <= limits[kind] for _, found in counted for kind, length in found)
