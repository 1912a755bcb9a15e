"""Runs the chapters side by side, as many as there are cores, before Sphinx reads them in turn.

What is not in the execution cache is run and put there, under the key by which MyST-NB then looks
for it. The chapter that took longest last time begins, so that none is waited for at the end. One
that fails ends the build, with the chapter, the cell and the error in its last lines; what ran
beside it is kept.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.config import NbParserConfig
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from traitlets.config import Config

logger = logging.getLogger(__name__)
MOST = 4  # a chapter may hold all of MNIST, several times
COLORS = re.compile(r"\x1b\[[\d;]*m")


class Loop(asyncio.SelectorEventLoop):
    """One that leaves Ctrl-C to `asyncio`: each of several notebooks would take it for itself."""

    def add_signal_handler(self, *args: object) -> None:
        raise NotImplementedError

    def remove_signal_handler(self, *args: object) -> bool:
        raise NotImplementedError


class Failure(Exception):
    """A chapter that did not run to its end."""

    def __init__(
        self, path: Path, notebook: NotebookNode, cell: NotebookNode, error: Exception
    ) -> None:
        code = [each.id for each in notebook.cells if each.cell_type == "code"]
        number = code.index(cell.id)  # 0 is what the book puts before all others
        said = str(error)
        if isinstance(error, CellExecutionError):
            said = f"{error.ename}: {error.evalue}"
        lines = [f"    {line}" for line in cell.source.splitlines() if line.strip()]
        self.traceback = COLORS.sub("", getattr(error, "traceback", ""))
        where = f"{path.parent.name}/{path.name}, cell {number} ({cell.id}):"
        super().__init__("\n".join([where, *lines[:3], COLORS.sub("", said).strip()]))


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def notebook_of(app: Sphinx, docname: str) -> NotebookNode:
    """Read a notebook as MyST-NB will see it, with all that extensions do to its source."""
    content = [Path(app.env.doc2path(docname)).read_text(encoding="utf-8")]
    app.emit("source-read", docname, content)
    notebook: NotebookNode = nbformat.reads(content[0], as_version=4)
    return notebook


def client_for(notebook: NotebookNode, folder: Path, **settings: Any) -> NotebookClient:
    """Prepare the run of a notebook in a folder, by a kernel whose sockets are files beside it.

    Ports that are free when they are chosen may be taken when the kernel gets to them; Windows
    has nothing else.
    """
    transport = "tcp" if os.name == "nt" else "ipc"
    connection = {"connection_file": f"{folder}.json", "transport": transport}
    return NotebookClient(
        notebook,
        config=Config(KernelManager=connection),
        startup_timeout=300,
        record_timing=False,  # times would be part of the key
        coalesce_streams=True,  # a line may come in two messages
        resources={"metadata": {"path": str(folder)}},
        **settings,
    )


async def run(path: Path, notebook: NotebookNode, config: NbParserConfig) -> float:
    """Run a notebook; return the seconds it took."""
    begun = [notebook.cells[0]]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "run")
        folder.mkdir()
        client = client_for(
            notebook,
            folder,
            timeout=config.execution_timeout,
            on_cell_start=lambda cell, cell_index: begun.append(cell),
        )
        try:
            await client.async_execute()
        except (CellExecutionError, CellTimeoutError, RuntimeError) as error:
            raise Failure(path, notebook, begun[-1], error) from error
    return time.perf_counter() - started


async def run_all(
    todo: list[tuple[Path, NotebookNode]], config: NbParserConfig, cache: JupyterCacheAbstract
) -> list[Failure]:
    """Run notebooks side by side and store each; begin no other after a failure."""
    waiting = list(todo)
    failures: list[Failure] = []

    async def work() -> None:
        while waiting and not failures:
            path, notebook = waiting.pop(0)
            try:
                seconds = await run(path, notebook, config)
            except Failure as failure:
                failures.append(failure)
            else:
                bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                logger.info("%s ran in %.1f s", path.name, seconds)

    await asyncio.gather(*(work() for _ in range(min(cores(), MOST))))
    return failures


def reads_images(notebook: NotebookNode) -> bool:
    """Whether a chapter trains on MNIST: where none was run before, these are the long ones."""
    return any("load_mnist(" in cell.source for cell in notebook.cells)


def fill_cache(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Run what will be read and is not in the cache."""
    config: NbParserConfig = vars(env)["mystnb_config"]
    if config.execution_mode != "cache":
        return
    cache = get_cache(config.execution_cache_path)
    records = cache.list_cache_records()
    seconds = {record.uri: record.data.get("execution_seconds", 0) for record in records}
    todo = []
    for docname in docnames:
        path = Path(env.doc2path(docname))
        if path.suffix == ".ipynb":
            notebook = notebook_of(app, docname)
            try:
                cache.match_cache_notebook(notebook)
            except KeyError:
                todo.append((path, notebook))
    if not todo:
        return
    todo.sort(key=lambda each: seconds.get(str(each[0]), reads_images(each[1])), reverse=True)
    # two kernels at once would both list the fonts
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True)
    logger.info("Running %d notebooks ...", len(todo))
    with asyncio.Runner(loop_factory=Loop) as runner:
        failures = runner.run(run_all(todo, config, cache))
    if failures:
        told = [failure.traceback for failure in failures] + [str(failure) for failure in failures]
        sys.exit("\n\n".join(told))


def setup(app: Sphinx) -> None:
    # a kernel has one core to itself, and the last digits are the same on any number of cores
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app.connect("env-before-read-docs", fill_cache)
