"""Compare SVC with libsvm on a grid of kernels, C, scales, sizes and degenerate problems.

    python -m studies.svm_grid             # some ten minutes: prints the table
    python -m studies.svm_grid --store     # ... and stores it in data/runs

Times are seconds of the processor with one thread, the least of up to five rounds in which all
sides run in turn. "libsvm" is the one in scikit-learn. It gets a limit of steps, and is slower
than its time says where it reaches it. If ``libsvm-official`` is installed, it solves the same
problems, but for those, because it has no such limit; converting the data is not counted.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any
from unittest import mock

import numpy as np
import threadpoolctl
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.svm import SVC as Libsvm
from sklearn.svm import LinearSVC

import nnlib.duals
from nnlib import SVC

from . import kit

STORED = kit.RUNS / "svm_grid.json"
LIMIT = 1_000_000  # steps of libsvm
Problem = tuple[str, Any, Any, dict[str, Any]]


def overlapping(n: int, d: int, positives: float = 0.5) -> tuple[Any, Any]:
    """Draw points of two classes that overlap."""
    rng = np.random.default_rng(n + d)
    X = rng.normal(size=(n, d))
    f = X.sum(axis=1) / np.sqrt(d) + rng.normal(size=n)
    return X, (f > np.quantile(f, 1 - positives)).astype(int)


def linear_problems() -> Iterator[Problem]:
    """List problems with the linear kernel."""
    X, y = load_breast_cancer(return_X_y=True)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    for C in (1e-3, 1.0, 1e3, 1e6):
        yield "breast cancer, scaled", scaled, y, {"C": C}
        yield "breast cancer", X, y, {"C": C}
    for n, d in ((50, 3), (300, 10), (2000, 10), (2000, 100)):
        points, labels = overlapping(n, d)
        for C in (1e-3, 1.0, 1e3, 1e6) if n < 2000 else (1e-3, 1.0, 10.0):
            yield f"overlapping, {n:,} x {d}", points, labels, {"C": C}
    points, labels = overlapping(3000, 8, 0.01)
    for C in (1.0, 1e3):
        yield "1:100, 3,000 x 8", points, labels, {"C": C}
    for d in (10, 50):
        yield f"overlapping, 20,000 x {d}", *overlapping(20_000, d), {"C": 1.0}
    images, digits = load_digits(return_X_y=True)
    yield "digits, odd or even", images, digits % 2, {"C": 1.0}
    rng = np.random.default_rng(0)
    twice = np.tile(rng.normal(size=(100, 3)), (2, 1))
    grid = rng.integers(0, 5, (300, 3)).astype(float)
    above = (grid.sum(axis=1) + rng.normal(size=300) > 6).astype(int)
    for C in (1.0, 1e4):
        yield "duplicates, conflicting", twice, np.arange(200) // 100, {"C": C}
        yield "grid of integers", grid, above, {"C": C}


def curved_problems() -> Iterator[Problem]:
    """List problems with polynomials and Gaussians."""
    X, y = overlapping(300, 5)
    for degree in (2, 3, 4, 5, 6):
        for C in (1e-3, 1.0, 1e3, 1e6):
            settings = {"kernel": "poly", "degree": degree, "gamma": 0.2, "coef0": 1.0, "C": C}
            yield f"poly {degree}, 300 x 5", X, y, settings
    X, y = overlapping(1500, 8)
    settings = {"kernel": "poly", "degree": 2, "gamma": 0.125, "coef0": 1.0, "C": 100.0}
    yield "poly 2, 1,500 x 8", X, y, settings
    for n in (50, 600):
        X, y = overlapping(n, 5)
        for gamma in (1e-4, 1e-2, 1.0, 1e3):
            for C in (1e-3, 1.0, 1e3, 1e6):
                yield f"rbf {gamma:g}, {n} x 5", X, y, {"gamma": gamma, "C": C}
    X, y = overlapping(3000, 8, 0.01)
    yield "rbf 0.1, 1:100, 3,000 x 8", X, y, {"gamma": 0.1, "C": 10.0}
    X, y = overlapping(5000, 10)
    yield "rbf 0.1, 5,000 x 10", X, y, {"gamma": 0.1, "C": 1.0}
    X, y = overlapping(20_000, 10)
    yield "rbf 0.1, 20,000 x 10", X, y, {"gamma": 0.1, "C": 1.0}


def problems() -> Iterator[Problem]:
    """List all problems: name, points, labels of 0 and 1, and settings."""
    for name, X, y, settings in linear_problems():
        yield name, X, y, {"kernel": "linear"} | settings
    for name, X, y, settings in curved_problems():
        yield name, X, y, {"kernel": "rbf"} | settings


def rounds(seconds: float) -> int:
    """Return how often a fit that takes so long is measured; the first may find memory cold."""
    return 5 if seconds < 0.1 else 3 if seconds < 3 else 1


def processor_seconds(fit: Callable[[], Any]) -> tuple[float, Any]:
    """Measure the processor's seconds of a fit."""
    start = time.process_time()
    model = fit()
    return time.process_time() - start, model


def official(X: Any, y: Any, settings: dict[str, Any]) -> Callable[[], Any] | None:
    """Make the fit of a problem by libsvm-official, if it is installed."""
    try:
        from libsvm import svm
    except ImportError:
        return None
    kinds = {"linear": 0, "poly": 1, "rbf": 2}
    words = ["-q", "-t", kinds[settings["kernel"]], "-c", settings["C"], "-m", 200]
    for name, letter in (("gamma", "g"), ("degree", "d"), ("coef0", "r")):
        words += [f"-{letter}", settings[name]] if name in settings else []
    problem = svm.svm_problem(2.0 * y - 1, X)
    parameters = svm.svm_parameter(" ".join(map(str, words)))
    return lambda: svm.libsvm.svm_train(problem, parameters)


def duals(X: Any, y: Any, machines: dict[str, Any]) -> dict[str, float]:
    """Compute the dual objective of each machine by the same kernel."""
    found = {}
    for name, machine in machines.items():
        beta, vectors = machine.dual_coef_[0], machine.support_vectors_
        f = machine.decision_function(vectors) - machine.intercept_[0]
        found[name] = float(np.abs(beta).sum() - beta @ f / 2)
    return found


def measure(name: str, X: Any, y: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Fit one problem by all sides, in turn; return times, duals, gaps and steps."""
    sides: dict[str, Callable[[], Any]] = {
        "nnlib": lambda: SVC(**settings).fit(X, y),
        "libsvm": lambda: Libsvm(max_iter=LIMIT, **settings).fit(X, y),
    }
    if settings["kernel"] == "linear":  # with the bias among what is kept small
        sides["liblinear"] = lambda: LinearSVC(C=settings["C"], loss="hinge").fit(X, y)
    seconds: dict[str, float] = {}
    models: dict[str, Any] = {}
    for number in range(5):
        for side, fit in sides.items():
            if number < rounds(seconds.get(side, 0.0)):
                took, models[side] = processor_seconds(fit)
                seconds[side] = min(seconds.get(side, np.inf), took)
    ours, theirs = models["nnlib"], models["libsvm"]
    by_official = official(X, y, settings) if np.max(theirs.n_iter_) < LIMIT else None
    if by_official is not None:
        tries = [processor_seconds(by_official)[0] for _ in range(rounds(seconds["libsvm"]))]
        seconds["libsvm-official"] = min(tries)
    values = duals(X, y, {"nnlib": ours, "libsvm": theirs})
    newton = nnlib.duals.solve_by_newton
    with mock.patch.object(nnlib.duals, "solve_by_newton", wraps=newton) as used:
        SVC(**settings).fit(X, y)
    return {
        "problem": name,
        "settings": settings,
        "shape": X.shape,
        "seconds": seconds,
        "duals": values,
        "short": (values["libsvm"] - values["nnlib"]) / max(abs(values["libsvm"]), 1e-9),
        "violation": float(ours.violation_[0]),
        "certificate": bool(ours.certificate(X, y).holds(1.01e-3)),
        "newton": used.called,
        "steps": [int(ours.n_iter_[0]), int(np.max(theirs.n_iter_))],
        "support_vectors": [len(ours.support_), len(theirs.support_)],
    }


def line(found: dict[str, Any]) -> str:
    """Describe one problem in a line."""
    ours, theirs = found["seconds"]["nnlib"], found["seconds"]["libsvm"]
    return (
        f"{found['problem']:28} C={found['settings']['C']:<7g} {ours:8.4f} s / "
        f"{'>' if found['steps'][1] >= LIMIT else ' '}{theirs:8.4f} s "
        f"= {ours / theirs:6.2f} {'Newton' if found['newton'] else 'SMO   '} "
        f"violation {found['violation']:.0e}, short by {found['short']:+.0e}, "
        f"vectors {found['support_vectors']}"
    )


def main() -> None:
    """Measure and print everything."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.svm_grid",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", action="store_true", help="store the result")
    parser.add_argument("--only", default="", help="part of the names of the problems")
    options = parser.parse_args()
    runs = []
    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a limit of steps is to stop short
        for name, X, y, settings in problems():
            if options.only in name:
                runs.append(measure(name, X, y, settings))
                print(line(runs[-1]), flush=True)
    if options.store:
        names = ["numpy", "scikit-learn"]
        if any("libsvm-official" in run["seconds"] for run in runs):
            names.append("libsvm-official")
        versions = {name: metadata.version(name) for name in names}
        versions = {"nnlib": nnlib.__version__} | versions
        about = {"versions": versions, "threads": 1, "limit": LIMIT, "runs": runs}
        kit.store(kit.origin("python -m studies.svm_grid --store") | about, STORED)


if __name__ == "__main__":
    main()
