"""72 small problems, from the ordinary to the degenerate, solved as libsvm solves them."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, make_circles, make_classification
from sklearn.svm import SVC as Libsvm

from nnlib import SVC

TOL = 1e-3


def rings(n=150):
    return make_circles(n, noise=0.15, factor=0.5, random_state=0)


def overlapping(n=200, d=5, seed=0, share=0.5):
    """Two classes of normal points, one of them a share of all, that overlap."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    f = X[:, 0] + 0.5 * rng.normal(size=n)
    return X, (f > np.quantile(f, 1 - share)).astype(int)


def unscaled(n):
    X, y = load_breast_cancer(return_X_y=True)
    return X[:n], y[:n]


def lattice():
    points = np.stack(np.meshgrid(*[np.arange(6.0)] * 3), -1).reshape(-1, 3)
    return points, (points.sum(1) + np.arange(len(points)) % 3 > 8).astype(int)


def conflicting():
    """Every point four times, with labels that contradict each other."""
    X, y = overlapping(50)
    X, y = np.repeat(X, 4, 0), np.repeat(y, 4)
    y[::5] ^= 1
    return X, y


def sparse_counts():
    X, y = make_classification(120, 20, n_informative=6, random_state=1)
    return np.maximum(np.rint(X - 1), 0), y


POINTS = {
    "rings": rings,
    "overlapping": overlapping,
    "wide": lambda: overlapping(80, 200, 1),
    "one feature": lambda: overlapping(100, 1, 2),
    "1:100": lambda: overlapping(400, 5, 3, 0.01),
    "unscaled": lambda: unscaled(60),
    "lattice": lattice,
    "conflicting duplicates": conflicting,
    "counts": sparse_counts,
    "tiny": lambda: (1e-8 * rings()[0], rings()[1]),
    "huge": lambda: (1e8 * rings()[0], rings()[1]),
    "two points": lambda: (np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1])),
    "one point, two labels": lambda: (np.ones((2, 3)), np.array([0, 1])),
    "constant": lambda: (np.full((20, 3), 7.0), np.arange(20) % 2),
    "a constant feature": lambda: (np.c_[rings()[0], np.full(150, 5.0)], rings()[1]),
}


def problems():
    """List the problems: name of the points, and arguments."""
    for gamma in (1e-4, 1e-2, 1.0, 1e3):
        for C in (1e-3, 1.0, 100.0, 1e4):
            yield "rings", {"gamma": gamma, "C": C}
    for degree in (2, 3, 4, 5, 6):
        for coef0 in (0.0, 1.0):
            for C in (0.1, 10.0):
                yield "rings", {"kernel": "poly", "degree": degree, "coef0": coef0, "C": C}
    for C in (1e-3, 0.1, 1.0, 100.0):
        yield "overlapping", {"kernel": "linear", "C": C}
    for C in (1.0, 10.0):
        yield "unscaled", {"kernel": "linear", "C": C}
        yield "conflicting duplicates", {"kernel": "linear", "C": C}
        yield "lattice", {"kernel": "linear", "C": C}
    for name in ("wide", "one feature", "1:100", "counts", "lattice", "conflicting duplicates"):
        yield name, {"C": 1.0}
        yield name, {"kernel": "poly", "degree": 2, "coef0": 1.0, "C": 1.0}
    for name in ("tiny", "huge", "a constant feature", "two points", "one point, two labels"):
        yield name, {"C": 1.0}
    for name in ("wide", "1:100", "two points", "one point, two labels", "constant"):
        yield name, {"kernel": "linear", "C": 1.0}
    yield "rings", {"kernel": "poly", "degree": 0}
    yield "rings", {"kernel": "sigmoid", "gamma": 0.1, "coef0": -0.1}
    yield "rings", {"gamma": 1.0, "C": 10.0, "tol": 1e-8}
    yield "overlapping", {"kernel": "linear", "C": 1.0, "class_weight": {0: 0.1, 1: 5.0}}


PROBLEMS = {f"{name} {settings}": (name, settings) for name, settings in problems()}


def dual(model, X):
    """Compute the objective with the multipliers and the decision function of one side."""
    f = model.decision_function(X)[model.support_] - model.intercept_[0]
    return abs(model.dual_coef_[0]).sum() - model.dual_coef_[0] @ f / 2


def test_there_are_72_problems():
    assert len(PROBLEMS) == 72


@pytest.mark.parametrize("key", PROBLEMS)
def test_problem_is_solved_as_libsvm_solves_it(key):
    name, settings = PROBLEMS[key]
    X, y = POINTS[name]()
    tol = settings.get("tol", TOL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = SVC(**settings).fit(X, y)
        theirs = Libsvm(**settings).fit(X, y)
    assert ours.certificate(X, y).holds(1.01 * tol) and ours.violation_[0] <= tol
    values = dual(ours, X), dual(theirs, X)
    assert_allclose(values[0], values[1], rtol=2e-5, atol=1e-12)
    rng = np.random.default_rng(1)
    fresh = X[rng.integers(len(X), size=300)] + 0.3 * X.std(0) * rng.normal(size=(300, X.shape[1]))
    f, g = ours.decision_function(fresh), theirs.decision_function(fresh)
    assert_allclose(
        f, g, atol=20 * tol + 3e-6, rtol=20 * tol
    )  # libsvm's kernel is in single precision
    clear = abs(g) > 10 * tol
    assert (ours.predict(fresh) == theirs.predict(fresh))[clear].all()


def test_far_from_the_origin_it_is_libsvm_that_is_wrong():
    """Its violation is above a half; shifted to the origin, both sides agree."""
    X, y = overlapping()
    ours = SVC(kernel="linear", C=1.0).fit(X + 1e3, y)
    near = Libsvm(kernel="linear", C=1.0).fit(X, y)
    assert ours.certificate(X + 1e3, y).holds(1.01e-3)
    assert_allclose(ours.decision_function(X + 1e3), near.decision_function(X), atol=0.02)


def test_a_problem_that_neither_side_solves_in_so_many_steps_is_named():
    X, y = rings()
    settings = {"kernel": "poly", "degree": 3, "gamma": 10.0, "C": 1e3, "max_iter": 300}
    with pytest.warns(UserWarning, match="max_iter=300 steps were used up"):
        SVC(**settings).fit(X, y)
    with pytest.warns(UserWarning, match="Solver terminated early"):
        Libsvm(**settings).fit(X, y)
