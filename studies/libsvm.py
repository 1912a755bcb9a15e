"""Solve small problems with libsvm, by scikit-learn: compare with the stored result, or store.

`python -m studies.libsvm --store` replaces the result. It takes a second, and needs scikit-learn.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from . import kit

STORED = kit.RUNS / "libsvm.json"
TOLERANCE = 1e-6
PROBLEMS: list[dict[str, Any]] = [  # noise of the moons, and parameters of SVC
    {"noise": 0.2, "C": 10.0, "kernel": "rbf", "gamma": 1.0},
    {"noise": 0.4, "C": 100.0, "kernel": "rbf", "gamma": 1.0},
    {"noise": 0.4, "C": 1.0, "kernel": "linear"},
    {"noise": 0.2, "C": 10.0, "kernel": "poly", "degree": 3, "gamma": 1.0, "coef0": 1.0},
]


def moons(n: int, noise: float, seed: int = 0) -> tuple[Any, Any]:
    """Draw two half circles with noise, as the chapters do."""
    rng = np.random.default_rng(seed)
    angle, y = rng.uniform(0, np.pi, n), np.arange(n) % 2
    X = np.c_[np.cos(angle) + y, (1 - 2 * y) * np.sin(angle) + y / 2]
    return X + noise * rng.normal(size=X.shape), y


def solve(problem: dict[str, Any]) -> dict[str, Any]:
    """Solve one problem for 200 points; compute the dual and the values at 20 other points."""
    from sklearn.svm import SVC

    parameters = {name: value for name, value in problem.items() if name != "noise"}
    X, y = moons(200, problem["noise"])
    model = SVC(**parameters, tol=1e-6).fit(X, y)
    f, signs = model.decision_function(X), 2 * y - 1
    alpha = np.zeros(200)
    alpha[model.support_] = abs(model.dual_coef_[0])
    norm = (alpha * signs) @ (f - model.intercept_[0])
    values = model.decision_function(moons(20, problem["noise"], seed=1)[0])
    return problem | {
        "dual": float(alpha.sum() - norm / 2),
        "support_vectors": len(model.support_),
        "values": values.tolist(),
    }


def main() -> None:
    """Solve all; store, or compare."""
    import sklearn

    found = [solve(problem) for problem in PROBLEMS]
    if "--store" in sys.argv:
        about = {"tol": 1e-6, "scikit-learn": sklearn.__version__, "date": kit.today()}
        kit.store(about | {"environment": kit.environment(), "problems": found}, STORED)
        return
    pairs = zip(found, kit.load(STORED)["problems"], strict=True)
    kit.stop_if_different(
        [
            str(one)
            for one, known in pairs
            if abs(one["dual"] / known["dual"] - 1) > TOLERANCE
            or not np.allclose(one["values"], known["values"], atol=1e-3)
        ]
    )


if __name__ == "__main__":
    main()
