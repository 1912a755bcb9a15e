"""Train on 1,000 to 60,000 digits, and say what that takes of time and memory: compare, or store.

    python -m studies.svm_growth               # all sizes, compared with data/runs/svm_growth.json
    python -m studies.svm_growth --store       # ... and stores the result there
    python -m studies.svm_growth --sizes 5000  # only some sizes

C and gamma are chosen on training digits alone: the first 10,000 of a shuffle train, the next
5,000 judge. Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import inspect
import multiprocessing
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import nnlib
from nnlib import OneVsRestSVC, load_mnist

from . import kit, svm_search

STORED = kit.RUNS / "svm_growth.json"
SIZES = (1000, 2000, 5000, 10_000, 20_000, 40_000, 60_000)
SEARCH_TOL = 1e-2
GRID = {"C": [3.0, 10.0, 30.0], "gamma": [0.01, 0.02, 0.03, 0.05]}
WORKERS = 2  # of the local cluster that judges the grid
FITTED, JUDGED, ALL = 10_000, 5_000, 60_000  # the official training digits come first
TOLERANCE = 5  # mistakes of 10,000: another BLAS rounds differently


def choose(parameters: dict[str, Any], fitted: int, judged: int) -> dict[str, Any]:
    """Judge every C and gamma of the grid on training digits that the search does not fit.

    The machines are fitted at a rough tolerance.
    """
    X, y = load_mnist()
    rows = np.random.default_rng(0).permutation(ALL)[: fitted + judged]

    def search() -> dict[str, Any]:
        settings = parameters | {"tol": SEARCH_TOL}
        results: dict[str, Any] = svm_search.search(
            X[rows], y[rows], GRID, fitted=fitted, workers=WORKERS, **settings
        ).cv_results_
        return results

    seconds, results = kit.timed(search)
    tried = [
        {**pair, "accuracy": float(score)}
        for pair, score in zip(results["params"], results["mean_test_score"])
    ]
    print(*tried, sep="\n", flush=True)
    packages = ("scikit-learn", "joblib", "dask", "distributed")
    return {
        "fitted": fitted,
        "judged": judged,
        "tol": SEARCH_TOL,
        "tried": tried,
        "workers": WORKERS,
        "seconds": seconds,
        "versions": {name: metadata.version(name) for name in packages},
        "code": inspect.getsource(svm_search.search),
    }


def nearest_wrong(points: Any, labels: Any, tests: Any, truth: Any) -> int:
    """Count the test digits whose nearest training digit is another one: the baseline."""
    squares, wrong = np.square(points).sum(1), 0
    for start in range(0, len(tests), 500):
        part = slice(start, start + 500)
        distances = squares - 2 * tests[part] @ points.T
        wrong += int((labels[distances.argmin(1)] != truth[part]).sum())
    return wrong


def train(n: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """Train on n of the official training digits, test on the official 10,000."""
    X, y = load_mnist()
    rows = np.random.default_rng(1).permutation(ALL)[:n] if n < ALL else slice(ALL)
    points, labels = X[rows], y[rows]
    model: Any = OneVsRestSVC(**parameters)
    fit_seconds, _ = kit.timed(model.fit, points, labels)
    predict_seconds, guesses = kit.timed(model.predict, X[ALL:])
    peak = kit.peak_memory()
    mistakes = np.flatnonzero(guesses != y[ALL:])
    return {
        "n": n,
        "wrong": len(mistakes),
        "tests": len(guesses),
        "nearest_wrong": nearest_wrong(points, labels, X[ALL:], y[ALL:]),
        "fit_seconds": fit_seconds,
        "predict_seconds": predict_seconds,
        "peak_megabytes": peak,
        "support_vectors": len(model.support_),
        "steps": model.n_iter_.tolist(),
        "violations": model.violation_.tolist(),
        "mistakes": mistakes.tolist(),
        "guesses": guesses[mistakes].tolist(),
    }


def alone(n: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """Train in a process of its own, and say how it went."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        run = pool.apply(train, (n, parameters))
    print(
        f"{n:,} digits: {run['wrong']} of {run['tests']:,} wrong "
        f"(nearest neighbor {run['nearest_wrong']}), {run['fit_seconds']:.1f} s to fit, "
        f"{run['predict_seconds']:.1f} s to predict, {run['peak_megabytes']:.0f} MB at most, "
        f"violation {max(run['violations']):.1e}",
        flush=True,
    )
    return run


def differences(runs: Sequence[dict[str, Any]], stored: Sequence[dict[str, Any]]) -> list[str]:
    """List what differs from the stored result by more than rounding explains."""
    known = {run["n"]: run["wrong"] for run in stored}
    return [
        f"{run['n']:,} digits: {run['wrong']} wrong, stored {known.get(run['n'], 'none')}"
        for run in runs
        if run["n"] not in known or abs(run["wrong"] - known[run["n"]]) > TOLERANCE
    ]


def main() -> None:
    """Train, then store or compare."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.svm_growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", action="store_true", help="store the result")
    parser.add_argument("--file", type=Path, default=STORED, help="where the stored result is")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="numbers of training digits"
    )
    parser.add_argument(
        "--fitted", type=int, default=FITTED, help="digits that train in the choice of C and gamma"
    )
    parser.add_argument("--cache-size", type=float, default=400, help="megabytes of kernel values")
    options = parser.parse_args()
    if not options.store:
        stored = kit.load(options.file)
        runs = [alone(n, stored["parameters"]) for n in options.sizes]
        kit.stop_if_different(differences(runs, stored["runs"]))
        return
    parameters = {"cache_size": options.cache_size, "tol": 1e-3}
    searched = choose(parameters, options.fitted, JUDGED)
    best = max(searched["tried"], key=lambda tried: tried["accuracy"])
    parameters |= {"C": best["C"], "gamma": best["gamma"]}
    runs = [alone(n, parameters) for n in options.sizes]
    kit.store(
        kit.origin("make bench-svm")
        | {
            "threads": kit.pools(),
            "versions": {"nnlib": nnlib.__version__, "numpy": np.__version__},
            "parameters": parameters,
            "search": searched,
            "runs": runs,
        },
        options.file,
    )


if __name__ == "__main__":
    main()
