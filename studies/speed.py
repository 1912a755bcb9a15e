"""Time nnlib beside its peers: XOR and the autoencoder beside PyTorch, the import beside NumPy's.

    python -m studies.speed          # measures and prints
    python -m studies.speed --store  # ... and stores the result in data/runs/speed.json

All sides run in turn, after a warm-up; the result is the ratio of the medians. There is no verdict
if a median lies far above its minimum, because then other work was measured as well. The memory of
the autoencoder's training is measured too.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import nnlib
from nnlib import SGD, BCEWithLogitsLoss
from nnlib.training import Trainer

from . import kit
from .frameworks import recipe, with_nnlib, with_torch

ROUNDS, EPOCHS = 9, 5000
IMPORT_ROUNDS = 51
TRAINING_TARGET, IMPORT_TARGET = 12.0, 1.2
AUTOENCODER_ROUNDS = 7
EAGER_TARGET, BOUND_TARGET = 1.1, 0.75  # times PyTorch's samples per second, share of the bound
MEMORY_TARGET, GROWTH_TARGET = 200, 4096  # MB above the data; bytes in an epoch of 197 steps
STORED = kit.RUNS / "speed.json"


def xor_seconds(peer: Any) -> tuple[float, float]:
    """Train the 2-4-1 network on full batches; return the seconds and the last loss."""
    network = peer.xor_network()
    peer.set_weights(network, recipe.xor_weights())
    X, y = map(peer.as_data, (recipe.X, recipe.y))
    seconds, losses = kit.timed(peer.xor_train, network, X, y, EPOCHS)
    return seconds, losses[-1]


def compare_xor() -> dict[str, list[float]]:
    """Measure the seconds of both sides, round by round; the losses must be the same."""
    sides = {"nnlib": lambda: xor_seconds(with_nnlib), "PyTorch": lambda: xor_seconds(with_torch)}
    rounds = kit.interleaved(sides, ROUNDS)
    losses = [loss for runs in rounds.values() for _, (_, loss) in runs]
    assert max(losses) - min(losses) < 1e-9, f"final losses: expected the same, got {losses}"
    return {name: [seconds for _, (seconds, _) in runs] for name, runs in rounds.items()}


def import_seconds(module: str) -> float:
    """Start an interpreter and import a module in it; return the seconds the import took.

    Bytecode is kept, as it is for an installed package.
    """
    code = f"from time import perf_counter as now; t = now(); import {module}; print(now() - t)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=kit.ROOT,
        env=kit.child_environment(),
        capture_output=True,
        check=True,
    )
    return float(done.stdout)


def compare_import() -> dict[str, list[float]]:
    """Measure the seconds of importing nnlib and NumPy, round by round."""
    sides = {"nnlib": lambda: import_seconds("nnlib"), "NumPy": lambda: import_seconds("numpy")}
    rounds = kit.interleaved(sides, IMPORT_ROUNDS)
    return {name: [seconds for _, seconds in runs] for name, runs in rounds.items()}


def autoencoder_trainer(images: Any) -> Trainer:
    """Make nnlib's trainer of the autoencoder, with the common start and order of batches."""
    network = with_nnlib.autoencoder_network()
    with_nnlib.set_weights(network, recipe.autoencoder_weights())
    return Trainer(
        network,
        images,
        images,
        BCEWithLogitsLoss(),
        SGD(0.1),
        recipe.BATCH,
        np.random.default_rng(1),
    )


def torch_epoch(images: Any, compiled: bool) -> Callable[[], float]:
    """Return a function that trains PyTorch's autoencoder for an epoch and returns the loss."""
    network, rng = with_torch.autoencoder_network(), np.random.default_rng(1)
    with_torch.set_weights(network, recipe.autoencoder_weights())
    network = torch.compile(network) if compiled else network
    data = torch.from_numpy(images)
    return lambda: float(with_torch.autoencoder_train(network, data, 1, rng)[0])


def compare_autoencoder(images: Any) -> dict[str, list[float]]:
    """Measure the seconds of an epoch, round by round; the losses must be the same."""
    trainer = autoencoder_trainer(images)

    def ours() -> float:
        trainer.epoch()
        return trainer.history.loss[-1]

    sides: dict[str, Callable[[], float | None]] = {
        "nnlib": ours,
        "PyTorch": torch_epoch(images, compiled=False),
        "bare products": recipe.Products().epoch,
    }
    if shutil.which("c++"):
        sides["torch.compile"] = torch_epoch(images, compiled=True)
    rounds = kit.interleaved(sides, AUTOENCODER_ROUNDS)
    trained = [[loss for _, loss in runs if loss is not None] for runs in rounds.values()]
    for losses in zip(*filter(None, trained)):
        assert max(losses) < 1.001 * min(losses), f"losses: expected the same, got {losses}"
    return {name: [seconds for seconds, _ in runs] for name, runs in rounds.items()}


def memory_growth(images: Any) -> int:
    """Return the bytes by which an epoch of 197 steps leaves more memory allocated than before."""
    trainer = autoencoder_trainer(images)
    tracemalloc.start()
    trainer.epoch()
    before = tracemalloc.get_traced_memory()[0]
    trainer.epoch()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown


def memory_peak(images: Any) -> dict[str, float]:
    """Train the autoencoder in a process of its own; return its resident memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, images)
        memory: dict[str, float] = kit.child(
            "studies.frameworks.train_one", "nnlib", "autoencoder", path
        )["memory"]
    return memory


def report_memory(images: Any, memory: dict[str, float], grown: int) -> None:
    """Print what the training of the autoencoder takes of memory."""
    data = images.nbytes / 1e6
    above = memory["peak"] - memory["import"] - data
    print(f"autoencoder, memory allocated by an epoch and kept: {grown} bytes")
    print(f"  target at most {GROWTH_TARGET}: {kit.verdict(grown <= GROWTH_TARGET)}")
    print(
        f"autoencoder, peak memory {memory['peak']:.0f} MB: imports {memory['import']:.0f}, "
        f"data {data:.0f}, training {above:.0f}"
    )
    print(f"  target below {MEMORY_TARGET} for training: {kit.verdict(above < MEMORY_TARGET)}")


def measure_autoencoder(images: Any) -> dict[str, Any]:
    """Print and return what an epoch of the autoencoder takes, in time and in memory."""
    seconds = compare_autoencoder(images)
    rates = {name: recipe.IMAGES / median(times) for name, times in seconds.items()}
    print(
        "autoencoder, images a second:",
        ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()),
    )
    for side, target in (("PyTorch", EAGER_TARGET), ("bare products", BOUND_TARGET)):
        kit.report_ratio(
            f"autoencoder, {side} / nnlib", seconds[side], seconds["nnlib"], least=target
        )
    grown, memory = memory_growth(images), memory_peak(images)
    report_memory(images, memory, grown)
    return {
        "seconds": seconds,
        "growth_bytes": grown,
        "data_megabytes": images.nbytes / 1e6,
        "memory_megabytes": memory,
    }


def main(arguments: Sequence[str]) -> None:
    """Measure, print, store."""
    print(
        f"nnlib {nnlib.__version__}, NumPy {np.__version__}, PyTorch {torch.__version__}, "
        f"Python {platform.python_version()}"
    )
    print(f"{kit.cpu()}; torch {torch.get_num_threads()} threads, {json.dumps(kit.pools())}")
    xor = compare_xor()
    kit.report_ratio(
        f"XOR, {EPOCHS} epochs, PyTorch / nnlib",
        xor["PyTorch"],
        xor["nnlib"],
        least=TRAINING_TARGET,
    )
    importing = compare_import()
    kit.report_ratio(
        "import nnlib / import numpy", importing["nnlib"], importing["NumPy"], most=IMPORT_TARGET
    )
    autoencoder = measure_autoencoder(recipe.training_images())
    if "--store" in arguments:
        versions = {
            "nnlib": nnlib.__version__,
            "numpy": np.__version__,
            "torch": torch.__version__,
        }
        kit.store(
            kit.origin("make bench")
            | {
                "versions": versions,
                "torch_threads": torch.get_num_threads(),
                "pools": kit.pools(),
                "xor": {"seconds": xor, "epochs": EPOCHS},
                "import": {"seconds": importing},
                "autoencoder": autoencoder,
            },
            STORED,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
