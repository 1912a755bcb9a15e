"""Time support vector machines on raw MNIST images beside libsvm and scikit-learn-intelex.

    python -m studies.svm_speed                         # about a quarter of an hour
    python -m studies.svm_speed --store                 # ... and stores it in data/runs
    python -m studies.svm_speed --sizes 500 --rounds 1  # to see that it runs

All sides run in turn, after a warm-up, on the same images with the same C, gamma, tolerance and
number of threads; results are ratios of medians, and there is no verdict if the machine was busy.
Before each run a gigabyte of memory is used and given back, for every side alike: a virtual
machine may have lent its free memory to others, and then waits for it, 0.2 s for 100 MB.
"""

from __future__ import annotations

import argparse
import os
import platform
import warnings
from collections.abc import Callable
from functools import partial
from importlib import metadata
from statistics import median
from typing import Any

import numpy as np
import sklearn
import threadpoolctl
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

import nnlib
from nnlib import OneVsRestSVC, load_mnist

from . import kit

STORED = kit.RUNS / "svm_speed.json"
MEMORY = 2**30  # bytes that are at hand when a run begins
CLOSE = 0.002  # largest difference of accuracy between the one-vs-rest sides
SETTINGS: dict[str, Any] = {"C": 10.0, "gamma": "scale", "tol": 1e-3}
KNOBS: list[dict[str, Any]] = [{"tol": tol} for tol in (1, 0.3, 0.1, 0.01, 0.001)]
KNOBS += [{"max_iter": most} for most in (25, 50, 100, 200, -1)]  # as in the book
KNOB_IMAGES = 1000
NNLIB, INTELEX = "nnlib", "intelex one-vs-rest"
LIBSVM, PARALLEL = "libsvm one-vs-rest", "libsvm one-vs-rest, parallel"
PAIRS = "libsvm one-vs-one"
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


def one_round(
    make: Callable[[], Any], train: tuple[Any, Any], test: tuple[Any, Any]
) -> tuple[float, float, float]:
    """Measure the seconds of fitting and of predicting, and the accuracy."""
    np.ones(MEMORY, np.uint8)
    fitted, model = kit.timed(make().fit, *train)
    predicted, guesses = kit.timed(model.predict, test[0])
    return fitted, predicted, float((guesses == test[1]).mean())


def compare(n: int, tests: int, rounds: int, threads: int) -> Times:
    """Run all sides in turn, on the same images."""
    X, y = load_mnist()
    order = np.random.default_rng(0).permutation(len(y))
    train, test = (X[order[:n]], y[order[:n]]), (X[order[-tests:]], y[order[-tests:]])
    made = sides(threads)
    for make in made.values():
        one_round(make, (train[0][:300], train[1][:300]), (test[0][:300], test[1][:300]))
    timed = kit.interleaved(
        {name: partial(one_round, make, train, test) for name, make in made.items()},
        rounds,
        warm_up=False,
    )
    return {name: [found for _, found in runs] for name, runs in timed.items()}


def knob_seconds(knob: dict[str, Any], X: Any, y: Any) -> float:
    """Measure the seconds of one fit with this tolerance or limit of steps."""
    np.ones(MEMORY, np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a limit of steps is to stop short
        return kit.timed(OneVsRestSVC(**SETTINGS | knob).fit, X, y)[0]


def knob_times(rounds: int) -> list[dict[str, Any]]:
    """Measure fits on 1,000 images by tolerance and by limit of steps, in turn."""
    X, y = load_mnist()
    rows = np.random.default_rng(0).permutation(len(y))[:KNOB_IMAGES]
    timed = kit.interleaved(
        {str(knob): partial(knob_seconds, knob, X[rows], y[rows]) for knob in KNOBS},
        rounds,
        warm_up=False,
    )
    found = []
    for knob, runs in zip(KNOBS, timed.values()):
        seconds = [took for _, took in runs]
        print(
            f"{KNOB_IMAGES:,} images, {knob}: {median(seconds):.3f} s (least {min(seconds):.3f})"
        )
        found.append({"knob": knob, "n": KNOB_IMAGES, "fit_seconds": seconds})
    return found


def report_all(n: int, tests: int, times: Times) -> None:
    """Print accuracies and all ratios for one size."""
    scores = {name: rounds[0][2] for name, rounds in times.items()}
    print(
        f"\n{n:,} images, {tests:,} predictions; accuracy",
        ", ".join(f"{name} {score:.4f}" for name, score in scores.items()),
    )
    for name in {LIBSVM, PARALLEL, INTELEX} & set(scores):
        assert abs(scores[name] - scores[NNLIB]) <= CLOSE, f"{name}: another accuracy"
    targets: dict[str, dict[str, float | None]] = {
        "fit": {LIBSVM: 8, PARALLEL: 8, INTELEX: 2, PAIRS: 1},
        "predict": {LIBSVM: 8, PAIRS: 8, INTELEX: None},
    }
    for column, (what, peers) in enumerate(targets.items()):
        seconds = {name: [one[column] for one in rounds] for name, rounds in times.items()}
        for peer, least in peers.items():
            if peer in seconds:
                kit.report_ratio(
                    f"{what}, {peer} / nnlib", seconds[peer], seconds[NNLIB], least=least
                )


def stored_form(
    tests: int, threads: int, measured: dict[int, Times], knobs: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return all times, and what they were measured on."""
    sizes = [
        {
            "n": n,
            "tests": tests,
            "sides": {
                name: {
                    "fit_seconds": [r[0] for r in rounds],
                    "predict_seconds": [r[1] for r in rounds],
                    "accuracy": rounds[0][2],
                }
                for name, rounds in times.items()
            },
        }
        for n, times in measured.items()
    ]
    found = any(INTELEX in times for times in measured.values())
    packages = ["numpy", "scikit-learn"] + ["scikit-learn-intelex"] * found
    versions = {"nnlib": nnlib.__version__} | {name: metadata.version(name) for name in packages}
    return kit.origin("make bench-svm") | {
        "versions": versions,
        "threads": threads,
        "pools": kit.pools(),
        "settings": SETTINGS,
        "sizes": sizes,
        "knobs": knobs,
    }


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.svm_speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[3000, 5000], help="training images"
    )
    parser.add_argument("--tests", type=int, default=14_000, help="images to predict")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--threads",
        type=int,
        default=os.cpu_count(),
        help="of BLAS, and processes for libsvm's machines",
    )
    parser.add_argument("--store", action="store_true", help="store the result")
    options = parser.parse_args()
    with threadpoolctl.threadpool_limits(options.threads), warnings.catch_warnings():
        warnings.simplefilter("error")  # no side may stop short
        pools = {f"{pool['internal_api']} {pool['num_threads']}" for pool in kit.pools()}
        print(
            f"nnlib {nnlib.__version__}, NumPy {np.__version__}, "
            f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
        )
        print(
            f"threads: {', '.join(sorted(pools))}; libsvm fits its one-vs-rest machines in one "
            f"process and in {options.threads}, and does all else in one thread"
        )
        measured = {}
        for n in options.sizes:
            measured[n] = compare(n, options.tests, options.rounds, options.threads)
            report_all(n, options.tests, measured[n])
        knobs = knob_times(options.rounds)
        if options.store:
            kit.store(stored_form(options.tests, options.threads, measured, knobs), STORED)


if __name__ == "__main__":
    main()
