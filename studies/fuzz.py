"""Guided fuzzing of what reads files: `load`, its text, and the reader of IDX files.

    python -m studies.fuzz            # fuzz each for two minutes, say what was found
    python -m studies.fuzz --store    # and store it

A fuzzer changes inputs at random, keeps what reaches new code, and goes on from there. It needs
the package atheris, which is not among what the book is built with, in a Python that has it.
The inputs of `load` are signed first: nothing without its checksum gets past the first check.
"""

from __future__ import annotations

import argparse
import importlib
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

if "--child" in sys.argv:
    import atheris

    with atheris.instrument_imports(include=["nnlib", "zipfile"]):  # what guides the fuzzer
        importlib.import_module("nnlib.checkpoint")

from nnlib import SGD, Dense, History, Sequential, Tanh
from nnlib.archive import append_checksum, write_arrays
from nnlib.checkpoint import Checkpoint, CheckpointError, read_checkpoint, to_arrays
from nnlib.data import parse_idx
from studies import kit

RESULT = kit.RUNS / "fuzz.json"
LIMITS = ["-timeout=5", "-rss_limit_mb=1024", "-max_len=8192", "-print_final_stats=1"]


def seed_arrays() -> dict[str, np.ndarray]:
    """Make the arrays of a small checkpoint with everything in it."""
    network, optimizer = Sequential(Dense(2, 2, rng=0), Tanh()), SGD(0.1, momentum=0.9)
    optimizer.step(network.params, network.grads)
    history = History([0.5, 0.25], [0.5], [2])
    return to_arrays(Checkpoint(network, optimizer, np.random.default_rng(0), history, {"a": 1}))


def archive_seed() -> bytes:
    """A checkpoint without its checksum."""
    file = io.BytesIO()
    write_arrays(file, seed_arrays())
    return file.getvalue()[:-64]


def text_seed() -> bytes:
    """The text of a checkpoint."""
    return seed_arrays()["checkpoint"].tobytes()


def fuzz_archive(data: bytes) -> None:
    """Read any bytes, signed, as a checkpoint."""
    file = io.BytesIO(data)
    if len(data) >= 2:
        append_checksum(file)
    with suppress(CheckpointError):
        read_checkpoint(file, "fuzz")


def fuzz_text(data: bytes) -> None:
    """Read a checkpoint whose text is any bytes."""
    arrays = seed_arrays() | {"checkpoint": np.frombuffer(data, np.uint8)}
    file = io.BytesIO()
    write_arrays(file, arrays)
    with suppress(CheckpointError):
        read_checkpoint(file, "fuzz")


def fuzz_idx(data: bytes) -> None:
    """Read any bytes as an IDX file."""
    try:
        array = parse_idx(data)
    except ValueError:
        return
    assert array.tobytes() == data[4 + 4 * array.ndim :]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], bytes]]] = {
    "archive": (fuzz_archive, archive_seed),
    "text": (fuzz_text, text_seed),
    "idx": (fuzz_idx, lambda: b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03abcdef"),
}


def child(name: str, options: list[str]) -> None:
    """Fuzz one target in this process, which ends with it."""
    atheris.Setup([sys.argv[0], *options], TARGETS[name][0])
    atheris.Fuzz()


def run(name: str, seconds: int) -> dict[str, int]:
    """Fuzz a target for some seconds in a process of its own; say what was tried, and found."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        (corpus / "seed").write_bytes(TARGETS[name][1]())
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", *LIMITS]
        command = [sys.executable, "-m", "studies.fuzz", "--child", name, *options, str(corpus)]
        result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=kit.ROOT)
        told = result.stderr
        runs = re.search(r"number_of_executed_units: (\d+)", told)
        found = [path for path in Path(folder).iterdir() if path != corpus]
        for path in found:
            print(f"{name}: {path.name}\n{told[-3000:]}", flush=True)
            kit.write(kit.SCRATCH / path.name, path.read_bytes())
        assert runs, told[-3000:]
        return {"runs": int(runs[1]), "inputs": len([*corpus.iterdir()]), "found": len(found),
                "seconds": seconds}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", action="store_true", help="replace the stored result")
    parser.add_argument("--seconds", type=int, default=120, help="for each target")
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3:])
        return
    arguments = parser.parse_args()
    results = {name: run(name, arguments.seconds) for name in TARGETS}
    for name, result in results.items():
        print(name, result)
    if arguments.store:
        kit.store({"date": kit.today(), "targets": results}, RESULT)


if __name__ == "__main__":
    main()
