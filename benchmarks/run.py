"""Time nnlib beside its peers: XOR training beside PyTorch, and the import beside NumPy's.

Both sides run in turn, after a warm-up; the result is the ratio of the medians. There is no
verdict where a median lies far above its minimum: then other work was measured too.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import threadpoolctl
import torch
from torch import nn

import nnlib
from nnlib import SGD, Dense, MSELoss, Sequential, Sigmoid, Tanh

ROUNDS, EPOCHS, RATE = 9, 5000, 0.5
IMPORT_ROUNDS = 51
QUIET = 1.25  # largest median / minimum of a side for which there is a verdict
TRAINING_TARGET, IMPORT_TARGET = 12.0, 1.2
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
y = np.array([[0], [1], [1], [0]], float)


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


def cpu() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    """Measure and print everything."""
    pools = [f"{p['internal_api']} {p['num_threads']}" for p in threadpoolctl.threadpool_info()]
    versions = f"PyTorch {torch.__version__}, Python {platform.python_version()}"
    print(f"nnlib {nnlib.__version__}, NumPy {np.__version__}, {versions}")
    print(f"{cpu()}; threads: torch {torch.get_num_threads()}, {', '.join(pools)}")
    theirs, ours = compare_training()
    speedup = median(theirs) / median(ours)
    title, target = f"XOR, {EPOCHS} epochs, PyTorch / nnlib", f"at least {TRAINING_TARGET:g}"
    report(title, theirs, ours, target, speedup >= TRAINING_TARGET)
    ours, numpy = compare_import()
    ratio = median(ours) / median(numpy)
    title, target = "import nnlib / import numpy", f"at most {IMPORT_TARGET:g}"
    report(title, ours, numpy, target, ratio <= IMPORT_TARGET)


if __name__ == "__main__":
    main()
