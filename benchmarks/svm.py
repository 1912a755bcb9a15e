"""Time support vector machines on raw MNIST images beside libsvm and scikit-learn-intelex.

    python benchmarks/svm.py                        # about a quarter of an hour
    python benchmarks/svm.py --store                # ... and stores the result in data/runs/svm_speed.json
    python benchmarks/svm.py --sizes 500 --rounds 1 # to see that it runs

All sides run in turn, after a warm-up, on the same images with the same C, gamma and tolerance, with
the same number of threads; results are ratios of medians, and there is no verdict where the machine
was busy. Before each run a gigabyte of memory is used and given back, for every side alike: a virtual
machine may have lent its free memory to others, and then waits for it, 100 MB in 0.2 seconds.
"""

from __future__ import annotations

import argparse
import os
import platform
import warnings
from collections.abc import Callable
from datetime import date
from importlib import metadata
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import sklearn
import threadpoolctl
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

import nnlib
import recipe
from nnlib import OneVsRestSVC, load_mnist

STORED = Path(__file__).parents[1] / "data" / "runs" / "svm_speed.json"
QUIET = 1.25  # largest median / minimum of a side for which there is a verdict
MEMORY = 2**30  # bytes that are at hand when a run begins
CLOSE = 0.002  # largest difference of accuracy between the one-vs-rest sides
SETTINGS = {"C": 10.0, "gamma": "scale", "tol": 1e-3}
KNOBS: list[dict[str, float]] = [{"tol": tol} for tol in (1, 0.3, 0.1, 0.01, 0.001)]
KNOBS += [{"max_iter": most} for most in (25, 50, 100, 200, -1)]  # as in the chapter on many classes
KNOB_IMAGES = 1000
NNLIB, LIBSVM, PAIRS, INTELEX = "nnlib", "libsvm one-vs-rest", "libsvm one-vs-one", "intelex one-vs-rest"
PARALLEL = "libsvm one-vs-rest, parallel"
Times = dict[str, list[tuple[float, float, float]]]  # side: fit, predict, accuracy of each round


def sides(threads: int) -> dict[str, Callable[[], Any]]:
    """The machines to compare, by name; scikit-learn-intelex only if it is installed."""
    made: dict[str, Callable[[], Any]] = {
        NNLIB: lambda: OneVsRestSVC(**SETTINGS),
        PARALLEL: lambda: OneVsRestClassifier(SVC(**SETTINGS), n_jobs=threads),
        LIBSVM: lambda: OneVsRestClassifier(SVC(**SETTINGS)),
        PAIRS: lambda: SVC(**SETTINGS),
    }
    try:
        from sklearnex.svm import SVC as Intelex
    except ImportError:
        print("scikit-learn-intelex is not installed: left out")
    else:
        made[INTELEX] = lambda: OneVsRestClassifier(Intelex(**SETTINGS))
    return made


def one_round(make: Callable[[], Any], train: tuple[Any, Any], test: tuple[Any, Any]) -> tuple[float, float, float]:
    """Seconds of fitting and of predicting, and the accuracy."""
    np.ones(MEMORY, np.uint8)
    start = perf_counter()
    model = make().fit(*train)
    fitted = perf_counter()
    guesses = model.predict(test[0])
    return fitted - start, perf_counter() - fitted, float((guesses == test[1]).mean())


def compare(n: int, tests: int, rounds: int, threads: int) -> Times:
    """Run all sides in turn, on the same images."""
    X, y = load_mnist()
    order = np.random.default_rng(0).permutation(len(y))
    train, test = (X[order[:n]], y[order[:n]]), (X[order[-tests:]], y[order[-tests:]])
    made = sides(threads)
    for make in made.values():
        one_round(make, (train[0][:300], train[1][:300]), (test[0][:300], test[1][:300]))
    times: Times = {name: [] for name in made}
    for _ in range(rounds):
        for name, make in made.items():
            times[name].append(one_round(make, train, test))
    return times


def knob_times(rounds: int) -> list[dict[str, Any]]:
    """Seconds of fitting nnlib's machines on 1,000 images, by tolerance and by limit of steps, in turn."""
    X, y = load_mnist()
    rows = np.random.default_rng(0).permutation(len(y))[:KNOB_IMAGES]
    seconds: list[list[float]] = [[] for _ in KNOBS]
    for _ in range(rounds):
        for knob, found in zip(KNOBS, seconds):
            np.ones(MEMORY, np.uint8)
            start = perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a limit of steps is to stop short
                OneVsRestSVC(**SETTINGS | knob).fit(X[rows], y[rows])
            found.append(perf_counter() - start)
    for knob, found in zip(KNOBS, seconds):
        print(f"{KNOB_IMAGES:,} images, {knob}: {median(found):.3f} s (least {min(found):.3f})")
    return [{"knob": knob, "n": KNOB_IMAGES, "fit_seconds": found} for knob, found in zip(KNOBS, seconds)]


def report(title: str, above: list[float], below: list[float], wanted: str, least: float) -> None:
    """Print both medians, their ratio with its range over the rounds, and the verdict."""
    one, two, ratios = median(above), median(below), [a / b for a, b in zip(above, below)]
    print(f"{title}: {one:.3f} s / {two:.3f} s = {one / two:.2f} (rounds {min(ratios):.2f} to {max(ratios):.2f})")
    noise = max(one / min(above), two / min(below))
    verdict = "reached" if one / two >= least else "NOT reached"
    if noise > QUIET:
        verdict = f"NO VERDICT, the machine is busy (median / minimum {noise:.2f}); run again"
    print(f"  target {wanted}: {verdict}")


def report_all(n: int, tests: int, times: Times) -> None:
    """Print accuracies and all ratios for one size."""
    scores = {name: rounds[0][2] for name, rounds in times.items()}
    print(f"\n{n:,} images, {tests:,} predictions; accuracy", ", ".join(f"{k} {v:.4f}" for k, v in scores.items()))
    for name in {LIBSVM, PARALLEL, INTELEX} & set(scores):
        assert abs(scores[name] - scores[NNLIB]) <= CLOSE, f"{name}: another accuracy, so another problem"
    fit, predict = ({name: [r[i] for r in rounds] for name, rounds in times.items()} for i in (0, 1))
    for name in (LIBSVM, PARALLEL):
        report(f"fit, {name} / nnlib", fit[name], fit[NNLIB], "at least 8", 8)
    if INTELEX in fit:
        report(f"fit, {INTELEX} / nnlib", fit[INTELEX], fit[NNLIB], "at least 2", 2)
    report(f"fit, {PAIRS} / nnlib", fit[PAIRS], fit[NNLIB], "more than 1", 1)
    report(f"predict, {LIBSVM} / nnlib", predict[LIBSVM], predict[NNLIB], "at least 8", 8)
    report(f"predict, {PAIRS} / nnlib", predict[PAIRS], predict[NNLIB], "at least 8", 8)
    if INTELEX in fit:
        report(f"predict, {INTELEX} / nnlib", predict[INTELEX], predict[NNLIB], "none, for information", 0)


def stored_form(tests: int, threads: int, measured: dict[int, Times], knobs: list[dict[str, Any]]) -> dict[str, Any]:
    """All times, and what they were measured on."""
    sizes = [{"n": n, "tests": tests, "sides": {
        name: {"fit_seconds": [r[0] for r in rounds], "predict_seconds": [r[1] for r in rounds], "accuracy": rounds[0][2]}
        for name, rounds in times.items()}} for n, times in measured.items()]
    packages = ["numpy", "scikit-learn"] + ["scikit-learn-intelex"] * (INTELEX in sizes[0]["sides"])
    versions = {"nnlib": nnlib.__version__} | {name: metadata.version(name) for name in packages}
    return {"command": "make bench-svm", "date": date.today().isoformat(), "machine": recipe.machine(), "versions": versions,
            "threads": threads, "pools": recipe.pools(), "settings": SETTINGS, "sizes": sizes,
            "knobs": knobs}


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[3000, 5000], help="training images")
    parser.add_argument("--tests", type=int, default=14_000, help="images to predict")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of BLAS, and processes for libsvm's machines")
    parser.add_argument("--store", action="store_true", help="store the result")
    options = parser.parse_args()
    with threadpoolctl.threadpool_limits(options.threads), warnings.catch_warnings():
        warnings.simplefilter("error")  # no side may stop short
        pools = {f"{p['internal_api']} {p['num_threads']}" for p in threadpoolctl.threadpool_info()}
        print(f"nnlib {nnlib.__version__}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}, "
              f"Python {platform.python_version()}")
        print(f"threads: {', '.join(sorted(pools))}; libsvm fits its one-vs-rest machines in one process and in "
              f"{options.threads}, and does all else in one thread")
        measured = {}
        for n in options.sizes:
            measured[n] = compare(n, options.tests, options.rounds, options.threads)
            report_all(n, options.tests, measured[n])
        knobs = knob_times(options.rounds)
        if options.store:
            recipe.store(stored_form(options.tests, options.threads, measured, knobs), STORED)


if __name__ == "__main__":
    main()
