"""Time nnlib beside its peers: XOR and the autoencoder beside PyTorch, the import beside NumPy's.

All sides run in turn, after a warm-up; the result is the ratio of the medians. There is no
verdict where a median lies far above its minimum: then other work was measured too. The memory
of the autoencoder's training is measured as well. With --store all of it goes into
data/runs/speed.json, which the book's page of benchmarks shows.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter

for setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(setting, None)  # OpenBLAS is to choose the kernel for this processor itself

import numpy as np
import threadpoolctl
import torch
from torch import nn

import nnlib
import recipe
import with_nnlib
import with_torch
from nnlib import SGD, BCEWithLogitsLoss, Dense, MSELoss, Sequential, Sigmoid, Tanh
from nnlib.network import Trainer

ROUNDS, EPOCHS, RATE = 9, 5000, 0.5
IMPORT_ROUNDS = 51
QUIET = 1.25  # largest median / minimum of a side for which there is a verdict
TRAINING_TARGET, IMPORT_TARGET = 12.0, 1.2
AUTOENCODER_ROUNDS = 7
EAGER_TARGET, BOUND_TARGET = 1.1, 0.75  # times PyTorch's samples per second, share of the bound
MEMORY_TARGET, GROWTH_TARGET = 200, 4096  # MB above the data; bytes in an epoch of 197 steps
X, y = recipe.X, recipe.y
STORED = Path(__file__).parents[1] / "data" / "runs" / "speed.json"


def train_nnlib() -> tuple[float, list[float]]:
    """Train the 2-4-1 network on full batches; return the seconds and the loss of each epoch."""
    rng = np.random.RandomState(42)
    network = Sequential(Dense(2, 4, rng=rng), Tanh(), Dense(4, 1, rng=rng), Sigmoid())
    start = perf_counter()
    history = network.fit(X, y, loss=MSELoss(), optimizer=SGD(RATE), epochs=EPOCHS)
    return perf_counter() - start, history.loss


def train_torch() -> tuple[float, list[float]]:
    """Do the same in eager PyTorch, from the same weights."""
    rng = np.random.RandomState(42)
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid()).double()
    for linear in (network[0], network[2]):
        layer = Dense(linear.in_features, linear.out_features, rng=rng)
        linear.weight.data, linear.bias.data = torch.tensor(layer.W.T), torch.tensor(layer.b)
    inputs, targets, loss = torch.from_numpy(X), torch.from_numpy(y), nn.MSELoss()
    optimizer, losses = torch.optim.SGD(network.parameters(), lr=RATE), []
    start = perf_counter()
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        value = loss(network(inputs), targets)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return perf_counter() - start, losses


def import_seconds(module: str) -> float:
    """Start an interpreter and import a module in it; return the seconds the import took.

    Bytecode is kept, as it is for an installed package.
    """
    code = f"from time import perf_counter as now; t = now(); import {module}; print(now() - t)"
    root = Path(__file__).parents[1]
    keep = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=keep, capture_output=True, check=True)
    return float(done.stdout)


def compare_training() -> tuple[list[float], list[float]]:
    """Seconds of PyTorch and of nnlib, round by round; the losses must be the same."""
    train_torch(), train_nnlib()
    rounds = [(train_torch(), train_nnlib()) for _ in range(ROUNDS)]
    for (_, theirs), (_, ours) in rounds:
        same = abs(theirs[-1] - ours[-1]) < 1e-9
        assert same, f"final losses: expected the same, got {theirs[-1]} and {ours[-1]}"
    return [theirs[0] for theirs, _ in rounds], [ours[0] for _, ours in rounds]


def compare_import() -> tuple[list[float], list[float]]:
    """Seconds of importing nnlib and NumPy, round by round."""
    import_seconds("nnlib"), import_seconds("numpy")
    rounds = [(import_seconds("nnlib"), import_seconds("numpy")) for _ in range(IMPORT_ROUNDS)]
    return [ours for ours, _ in rounds], [numpy for _, numpy in rounds]


def autoencoder_trainer(images: np.ndarray) -> Trainer:
    """Make nnlib's trainer of the autoencoder, with the common start and order of batches."""
    network = with_nnlib.autoencoder_network()
    with_nnlib.set_weights(network, recipe.autoencoder_weights())
    return Trainer(network, images, images, BCEWithLogitsLoss(), SGD(0.1), recipe.BATCH,
                   np.random.default_rng(1))


def torch_epoch(images: np.ndarray, compiled: bool):
    """Return a function that trains PyTorch's autoencoder for an epoch and returns the loss."""
    network, rng = with_torch.autoencoder_network(), np.random.default_rng(1)
    with_torch.set_weights(network, recipe.autoencoder_weights())
    network = torch.compile(network) if compiled else network
    data = torch.from_numpy(images)
    return lambda: with_torch.autoencoder_train(network, data, 1, rng)[0]


def compare_autoencoder(images: np.ndarray) -> dict[str, list[float]]:
    """Seconds of an epoch of each side, round by round; the losses must be the same."""
    trainer = autoencoder_trainer(images)

    def ours() -> float:
        trainer.epoch()
        return trainer.history.loss[-1]

    sides = {"nnlib": ours, "PyTorch": torch_epoch(images, compiled=False),
             "bare products": recipe.Products().epoch}
    if shutil.which("c++"):
        sides["torch.compile"] = torch_epoch(images, compiled=True)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(AUTOENCODER_ROUNDS + 1):
        losses = {}
        for name, epoch in sides.items():
            took, losses[name] = recipe.timed(epoch)
            seconds[name] += [took] if round_ else []  # the first is the warm-up
        losses.pop("bare products")
        same = max(losses.values()) < 1.001 * min(losses.values())
        assert same, f"losses: expected the same, got {losses}"
    return seconds


def memory_growth(images: np.ndarray) -> int:
    """Return the bytes by which an epoch of 197 steps leaves more memory allocated than before."""
    trainer = autoencoder_trainer(images)
    tracemalloc.start()
    trainer.epoch()
    before = tracemalloc.get_traced_memory()[0]
    trainer.epoch()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown


def memory_peak(images: np.ndarray) -> dict[str, float]:
    """Train the autoencoder in a process of its own; return its resident memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, images)
        script = Path(__file__).with_name("train_one.py")
        command = [sys.executable, str(script), "nnlib", "autoencoder", str(path)]
        done = subprocess.run(command, env=recipe.clean_environment(), capture_output=True,
                              check=True)
    return json.loads(done.stdout)["memory"]


def report_autoencoder(images: np.ndarray) -> dict:
    """Print and return what an epoch of the autoencoder takes, in time and in memory."""
    seconds = compare_autoencoder(images)
    speed = {name: recipe.IMAGES / median(times) for name, times in seconds.items()}
    print("autoencoder, images a second:",
          ", ".join(f"{name} {rate:,.0f}" for name, rate in speed.items()))
    for side, target in (("PyTorch", EAGER_TARGET), ("bare products", BOUND_TARGET)):
        met = speed["nnlib"] >= target * speed[side]
        report(f"autoencoder, {side} / nnlib", seconds[side], seconds["nnlib"],
               f"at least {target:g}", met)
    grown, memory = memory_growth(images), memory_peak(images)
    verdict = "reached" if grown <= GROWTH_TARGET else "NOT reached"
    print(f"autoencoder, memory allocated by an epoch and kept: {grown} bytes")
    print(f"  target at most {GROWTH_TARGET}: {verdict}")
    above = memory["peak"] - memory["import"] - images.nbytes / 1e6
    verdict = "reached" if above < MEMORY_TARGET else "NOT reached"
    print(f"autoencoder, peak memory {memory['peak']:.0f} MB: imports {memory['import']:.0f}, "
          f"data {images.nbytes / 1e6:.0f}, training {above:.0f}")
    print(f"  target below {MEMORY_TARGET} for training: {verdict}")
    return {"seconds": seconds, "growth_bytes": grown, "data_megabytes": images.nbytes / 1e6,
            "memory_megabytes": memory}


def report(title: str, above: list[float], below: list[float], wanted: str, met: bool) -> None:
    """Print both medians, their ratio with its range over the rounds, and the verdict."""
    one, two, ratios = median(above), median(below), [a / b for a, b in zip(above, below)]
    print(
        f"{title}: {one:.4f} s / {two:.4f} s = {one / two:.2f}"
        f" (rounds {min(ratios):.2f} to {max(ratios):.2f})"
    )
    noise = max(one / min(above), two / min(below))
    verdict = "reached" if met else "NOT reached"
    if noise > QUIET:
        verdict = f"NO VERDICT, the machine is busy (median / minimum {noise:.2f}); run again"
    print(f"  target {wanted}: {verdict}")


def main() -> None:
    """Measure and print everything."""
    keys = ("internal_api", "architecture", "num_threads")
    pools = [" ".join(str(pool[key]) for key in keys if key in pool)
             for pool in threadpoolctl.threadpool_info()]
    versions = f"PyTorch {torch.__version__}, Python {platform.python_version()}"
    print(f"nnlib {nnlib.__version__}, NumPy {np.__version__}, {versions}")
    print(f"{recipe.cpu()}; threads: torch {torch.get_num_threads()}, {', '.join(pools)}")
    theirs, ours = compare_training()
    xor = {"seconds": {"nnlib": ours, "PyTorch": theirs}, "epochs": EPOCHS}
    speedup = median(theirs) / median(ours)
    title, target = f"XOR, {EPOCHS} epochs, PyTorch / nnlib", f"at least {TRAINING_TARGET:g}"
    report(title, theirs, ours, target, speedup >= TRAINING_TARGET)
    ours, numpy = compare_import()
    ratio = median(ours) / median(numpy)
    title, target = "import nnlib / import numpy", f"at most {IMPORT_TARGET:g}"
    report(title, ours, numpy, target, ratio <= IMPORT_TARGET)
    importing = {"seconds": {"nnlib": ours, "NumPy": numpy}}
    autoencoder = report_autoencoder(recipe.training_images())
    if "--store" in sys.argv[1:]:
        recipe.store({
            "command": "make bench", "date": date.today().isoformat(), "machine": recipe.machine(),
            "versions": {"nnlib": nnlib.__version__, "numpy": np.__version__,
                         "torch": torch.__version__},
            "torch_threads": torch.get_num_threads(), "pools": recipe.pools(),
            "xor": xor, "import": importing, "autoencoder": autoencoder,
        }, STORED)


if __name__ == "__main__":
    main()
