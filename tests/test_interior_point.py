"""The interior point solver beside libsvm, on easy, badly scaled and degenerate problems."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.svm import SVC

from nnlib.interior_point import LowRank, crossover, interior_point, solve_low_rank


def dual(X, y, beta):
    return float(y @ beta - np.square(X.T @ beta).sum() / 2)


def gap(X, y, C, beta):
    """By how much multipliers violate the conditions; at most 0 where nothing is free."""
    F = X @ (X.T @ beta) - y
    low, high = np.minimum(0, C * y), np.maximum(0, C * y)
    assert (beta >= low).all() and (beta <= high).all()
    assert abs(beta.sum()) < 1e-9 * np.max(C) * len(y)
    return F[beta > low].max(initial=-np.inf) - F[beta < high].min(initial=np.inf)


def problem(name):
    rng = np.random.default_rng(3)
    X, y = load_breast_cancer(return_X_y=True)
    y = np.where(y == 1, 1.0, -1.0)
    scaled = (X - X.mean(0)) / X.std(0)
    grid = rng.integers(0, 3, (200, 2)).astype(float)
    grid_y = np.where(grid.sum(1) + rng.normal(0, 1, 200) > 2, 1.0, -1.0)
    twice = np.tile(rng.normal(size=(50, 3)), (2, 1))
    return {
        "scaled": (scaled, y, 1.0),
        "large C": (scaled, y, 100.0),
        "small C": (scaled, y, 1e-3),
        "weights": (scaled, y, rng.uniform(0.1, 10, len(y))),
        "unscaled": (X, y, 1e-4),
        "integer grid": (grid, grid_y, 1.0),
        "duplicates": (twice, np.where(rng.random(100) > 0.5, 1.0, -1.0), 10.0),
        "two points": (np.array([[0.0], [1.0]]), np.array([-1.0, 1.0]), 1.0),
        "two points apart": (np.array([[0.0], [1.0]]), np.array([-1.0, 1.0]), 100.0),
        "the same point twice": (np.ones((2, 1)), np.array([-1.0, 1.0]), 1.0),
        "all features constant": (np.ones((6, 2)), np.array([-1.0, 1, -1, 1, 1, 1]), 1.0),
        "one against many": (rng.normal(size=(60, 2)), np.r_[1.0, -np.ones(59)], 1.0),
        "more features than points": (
            rng.normal(size=(8, 20)),
            np.r_[np.ones(3), -np.ones(5)],
            1.0,
        ),
    }[name]


NAMES = [
    "scaled",
    "large C",
    "small C",
    "weights",
    "unscaled",
    "integer grid",
    "duplicates",
    "two points",
    "two points apart",
    "the same point twice",
    "all features constant",
    "one against many",
    "more features than points",
]


@pytest.mark.parametrize("name", NAMES)
def test_solution_is_as_good_as_libsvm_s(name):
    X, y, C = problem(name)
    beta, rho, n_iter = solve_low_rank(X, y, C)
    machine = SVC(kernel="linear", C=1, tol=1e-6, max_iter=10_000_000)
    machine.fit(X, y, sample_weight=np.broadcast_to(C, y.shape).copy())
    theirs = np.zeros(len(y))
    theirs[machine.support_] = machine.dual_coef_[0] * machine.classes_[1]
    assert dual(X, y, beta) >= dual(X, y, theirs) - 1e-8 * (1 + abs(dual(X, y, theirs)))
    assert gap(X, y, C, beta) < 1e-6 and n_iter < 60
    assert (beta != 0).sum() <= len(machine.support_)
    values = X @ (X.T @ beta) - rho
    free = (beta != 0) & (abs(beta) < C)
    assert np.allclose(values[free], y[free], atol=1e-6)
    assert free.sum() <= np.linalg.matrix_rank(X - X.mean(0)) + 1


def test_libsvm_falls_short_where_scales_and_C_are_large():
    X, y, _ = problem("unscaled")
    beta, _, n_iter = solve_low_rank(X, y, 1.0)
    assert gap(X, y, 1.0, beta) < 1e-6 and n_iter < 60
    assert abs(dual(X, y, beta) - 48.8757) < 1e-4


@pytest.mark.parametrize("spread", [0, 3, 6])
def test_shifted_systems_are_solved(spread):
    rng = np.random.default_rng(spread)
    V = rng.normal(size=(50, 4)) * [1, 10, 1e3, 1e-3]
    D, r = 10.0 ** rng.uniform(-spread, spread, 50), rng.normal(size=50)
    K = LowRank(V)
    x = K.shifted(D)(r)
    V = V - V.mean(0)
    whole = V @ V.T + np.diag(D)
    assert np.abs(whole @ x - r).max() < 1e-9 * np.abs(whole * x).max()
    assert np.allclose(K.product(x), V @ (V.T @ x), rtol=1e-9, atol=1e-9 * np.abs(whole * x).max())


def test_qr_takes_over_where_cholesky_is_not_accurate(monkeypatch):
    X, y, _ = problem("scaled")
    exact = solve_low_rank(X, y, 1.0)[0]

    def refuse(matrix):
        raise np.linalg.LinAlgError("not positive definite")

    monkeypatch.setattr(np.linalg, "cholesky", refuse)
    assert np.allclose(solve_low_rank(X, y, 1.0)[0], exact, atol=1e-8)


def test_without_rounds_the_interior_solution_comes_back():
    X, y, C = problem("scaled")
    low, high = np.minimum(0, C * y), np.maximum(0, C * y)
    K = LowRank(X)
    b, rho, _ = interior_point(K, y, low, high)
    assert (b > low).all() and (b < high).all()
    same, same_rho = crossover(K, y, low, high, b, rho, rounds=0)
    assert same is b and same_rho == rho


@pytest.mark.parametrize("steps", [6, 8, 12, 14])
def test_crossover_mends_a_rough_start(steps):
    X, y, C = problem("scaled")
    low, high = np.minimum(0, C * y), np.maximum(0, C * y)
    K = LowRank(X)
    b, rho, _ = interior_point(K, y, low, high, max_iter=steps)
    mended = crossover(K, y, low, high, b, rho)[0]
    assert np.allclose(mended, solve_low_rank(X, y, C)[0], atol=1e-8)


def test_few_iterations_end_where_they_are():
    X, y, C = problem("scaled")
    low, high = np.minimum(0, C * y), np.maximum(0, C * y)
    b, _, n_iter = interior_point(LowRank(X), y, low, high, max_iter=3)
    assert n_iter == 2 and (b > low).all() and (b < high).all()


def test_a_linear_map_of_the_features_changes_little():
    X, y, C = problem("scaled")
    beta = solve_low_rank(X, y, C)[0]
    assert np.allclose(solve_low_rank(X + 5, y, C)[0], beta, atol=1e-7)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(30, 30)))[0]
    assert np.allclose(solve_low_rank(X @ turn, y, C)[0], beta, atol=1e-7)


@pytest.mark.parametrize(
    ("V", "y", "C", "error", "words"),
    [
        ([[1.0], [np.nan]], [1, -1], 1, ValueError, "V: expected finite numbers"),
        ([1.0, 2.0], [1, -1], 1, ValueError, "V: expected shape"),
        ([[1.0], [2.0]], [1, 0], 1, ValueError, "y: expected 2 labels, each 1 or -1"),
        ([[1.0], [2.0]], [1, -1, 1], 1, ValueError, "y: expected 2 labels"),
        ([[1.0], [2.0]], [1, 1], 1, ValueError, "y: expected labels of both classes"),
        ([[1.0], [2.0]], [1, -1], 0, ValueError, "C: expected a positive finite number"),
        ([[1.0], [2.0]], [1, -1], [1, -1], ValueError, "C: expected a positive finite number"),
        ([[1.0], [2.0]], [1, -1], [1, 1, 1], ValueError, "C: expected a positive finite number"),
        ([[1.0], [2.0]], [1, -1], np.inf, ValueError, "C: expected a positive finite number"),
        ([[1.0], [2.0]], [1, -1], "1", TypeError, "C: expected numbers"),
    ],
)
def test_bad_input_is_refused(refuses, V, y, C, error, words):
    with refuses(error, words):
        solve_low_rank(V, y, C)
