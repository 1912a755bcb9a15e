"""Train on all 60,000 digits, with what that takes of time and memory: compare with the stored result, or store it.

    python data/train_svm.py                      # 1,000 to 60,000 digits, then compares with data/runs/svm.json
    python data/train_svm.py --store              # ... and stores the result there
    python data/train_svm.py --sizes 5000         # only some sizes

C and gamma are chosen on training digits alone: the first 10,000 of a shuffle train, the next 5,000 judge.
Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import nnlib
from nnlib import OneVsRestSVC, load_mnist

STORED = Path(__file__).with_name("runs") / "svm.json"
SIZES = (1000, 2000, 5000, 10_000, 20_000, 40_000, 60_000)
GRID = [(C, gamma) for C in (3.0, 10.0, 30.0) for gamma in (0.01, 0.02, 0.03)]
FITTED, JUDGED, ALL = 10_000, 5_000, 60_000  # the official training digits come first
TOLERANCE = 5e-4  # of accuracies: another BLAS rounds otherwise


def environment() -> dict[str, Any]:
    """Say what it ran on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return {"python": platform.python_version(), "numpy": np.__version__, "nnlib": nnlib.__version__,
            "blas": f"{blas['name']} {blas['version']}", "cores": os.cpu_count(),
            "threads": os.environ.get("OPENBLAS_NUM_THREADS", f"all {os.cpu_count()}"),
            "machine": f"{platform.machine()}, {platform.system()}, {names[0] if names else platform.processor()}"}


def choose(parameters: dict[str, Any], fitted: int, judged: int) -> list[dict[str, float]]:
    """Judge every C and gamma of the grid on digits that are neither in training nor in test."""
    X, y = load_mnist()
    order = np.random.default_rng(0).permutation(ALL)
    train, rest = order[:fitted], order[fitted : fitted + judged]
    found = []
    for C, gamma in GRID:
        model = OneVsRestSVC(**parameters | {"C": C, "gamma": gamma, "tol": 1e-2}).fit(X[train], y[train])
        found.append({"C": C, "gamma": gamma, "accuracy": model.score(X[rest], y[rest])})
        print(f"C {C:g}, gamma {gamma:g}: {found[-1]['accuracy']:.4f}", flush=True)
    return found


def train(n: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """Train on n of the official training digits, test on the official 10,000."""
    X, y = load_mnist()
    rows = np.random.default_rng(1).permutation(ALL)[:n] if n < ALL else slice(ALL)
    points, labels = X[rows], y[rows]
    start = perf_counter()
    model = OneVsRestSVC(**parameters).fit(points, labels)
    fitted = perf_counter()
    guesses = model.predict(X[ALL:])
    predicted = perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**10 if sys.platform != "darwin" else 2**20)
    wrong = int((guesses != y[ALL:]).sum())
    return {"n": n, "accuracy": 1 - wrong / len(guesses), "wrong": wrong, "tests": len(guesses),
            "fit_seconds": fitted - start, "predict_seconds": predicted - fitted, "peak_megabytes": peak,
            "support_vectors": len(model.support_), "steps": model.n_iter_.tolist(),
            "violations": model.violation_.tolist()}


def alone(n: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """Train in a process of its own, and say how it went."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        run = pool.apply(train, (n, parameters))
    print(f"{n:,} digits: accuracy {run['accuracy']:.4f}, {run['fit_seconds']:.1f} s to fit, {run['predict_seconds']:.1f} s to "
          f"predict, {run['peak_megabytes']:.0f} MB at most, violation {max(run['violations']):.1e}", flush=True)
    return run


def differences(runs: list[dict[str, Any]], stored: list[dict[str, Any]]) -> list[str]:
    """List what differs from the stored result, and what is no solution."""
    known, found = {run["n"]: run for run in stored}, []
    for run in runs:
        if run["n"] not in known:
            found.append(f"{run['n']:,} digits: not stored")
        elif abs(run["accuracy"] - known[run["n"]]["accuracy"]) > TOLERANCE:
            found.append(f"{run['n']:,} digits: accuracy {run['accuracy']:.4f}, stored {known[run['n']]['accuracy']:.4f}")
    return found


def main() -> None:
    """Train, then store or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="store_true", help="store the result instead of comparing it")
    parser.add_argument("--file", type=Path, default=STORED, help="where the stored result is")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of training digits")
    parser.add_argument("--fitted", type=int, default=FITTED, help="digits that train in the choice of C and gamma")
    parser.add_argument("--cache-size", type=float, default=400, help="megabytes of kernel values")
    options = parser.parse_args()
    parameters: dict[str, Any] = {"cache_size": options.cache_size, "tol": 1e-3}
    stored = None if options.store else json.loads(options.file.read_text(encoding="utf-8"))
    if stored is None:
        search = choose(parameters, options.fitted, JUDGED)
        best = max(search, key=lambda tried: tried["accuracy"])
        parameters |= {"C": best["C"], "gamma": best["gamma"]}
    else:
        parameters = stored["parameters"]
    runs = [alone(n, parameters) for n in options.sizes]
    if stored is None:
        options.file.parent.mkdir(parents=True, exist_ok=True)
        result = {"parameters": parameters, "environment": environment(), "runs": runs,
                  "search": {"fitted": options.fitted, "judged": JUDGED, "tried": search}}
        options.file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8", newline="\n")
    elif found := differences(runs, stored["runs"]):
        sys.exit("\n".join(["These differ from the stored result:", *found]))


if __name__ == "__main__":
    main()
