"""Fit linear one-vs-rest machines to all raw training digits, beside liblinear.

    python -m studies.svm_digits             # a quarter of an hour: prints what it finds
    python -m studies.svm_digits --store     # ... and stores it in data/runs
    python -m studies.svm_digits --n 2000    # to see that it runs

Ten problems of 60,000 points and 784 features. The interior point method shares the features of
all, and solves each to the last digits. Liblinear changes one multiplier at a time, without the
kernel matrix, and stops at its default tolerance; it keeps the bias small too, so its problem
differs a little. Times are seconds of the processor with one thread, of one run.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import threadpoolctl
from sklearn.svm import LinearSVC

import nnlib
from nnlib import OneVsRestSVC, load_mnist

from . import kit
from .svm_grid import processor_seconds

STORED = kit.RUNS / "svm_digits.json"
C = 0.01
MEGABYTES = 2000  # for the factor of the kernel, and the memory around it


def objectives(X: Any, y: Any, weights: Any, biases: Any) -> list[float]:
    """Compute the primal objective of each class, whatever machine the weights are from."""
    found = []
    for digit, (w, b) in enumerate(zip(weights, biases)):
        slack = np.maximum(0, 1 - np.where(y == digit, 1, -1) * (X @ w + b))
        found.append(float(w @ w / 2 + C * slack.sum()))
    return found


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.svm_digits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", action="store_true", help="store the result")
    parser.add_argument("--n", type=int, default=60_000, help="number of training images")
    options = parser.parse_args()
    X, y = load_mnist()
    order = np.random.default_rng(0).permutation(len(y))
    train, rest = order[: options.n], order[60_000:]
    points, digits = X[train].astype(float), y[train]
    runs: dict[str, Any] = {}
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        machines: dict[str, Any] = {
            "liblinear": LinearSVC(C=C, loss="hinge"),
            "nnlib": OneVsRestSVC(kernel="linear", C=C, cache_size=MEGABYTES),
        }
        for name, machine in machines.items():
            seconds, model = processor_seconds(partial(machine.fit, points, digits))
            runs[name] = {
                "seconds": seconds,
                "accuracy": float((model.predict(X[rest].astype(float)) == y[rest]).mean()),
                "objectives": objectives(points, digits, model.coef_, model.intercept_),
            }
            if name == "nnlib":
                runs[name]["steps"] = model.n_iter_.tolist()
                runs[name]["violation"] = model.violation_.max()
            print(name, runs[name], flush=True)
    if options.store:
        versions = {name: metadata.version(name) for name in ("numpy", "scikit-learn")}
        about = {"versions": {"nnlib": nnlib.__version__} | versions, "threads": 1}
        about |= {"n": options.n, "C": C, "cache_size": MEGABYTES, "runs": runs}
        kit.store(kit.origin("python -m studies.svm_digits --store") | about, STORED)


if __name__ == "__main__":
    main()
