"""The interior point solver beside libsvm, on easy, badly scaled and degenerate problems."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.svm import SVC

import nnlib.interior_point
from nnlib import SVC as OurSVC
from nnlib import OneVsRestSVC, duals
from nnlib.estimator import ConvergenceWarning
from nnlib.interior_point import (
    LowRank,
    crossover,
    interior_point,
    invert_triangle,
    pivoted_cholesky,
    residual,
    smo_budget,
    solve_low_rank,
    solve_symmetric,
    start,
)


def test_the_start_by_hand():
    """Three points on a line, 0, 1 and 2, the last of them positive."""
    K, y = LowRank(np.array([[0.0], [1.0], [2.0]])), np.array([-1.0, -1.0, 1.0])
    p = start(K, y, np.minimum(0, 4 * y), np.maximum(0, 4 * y))
    assert_allclose(p.b, [-1, -1, 2])
    F = np.array([-3, 0, 3]) - y  # K b, but for a constant, is 3 (x - 1)
    assert p.rho == pytest.approx(np.median(F))
    assert_allclose(p.forces[0] - p.forces[1], F - p.rho)
    assert_allclose(p.forces.min(axis=0), abs(F - p.rho).mean())  # no force is small
    assert_allclose(p.distances, [np.add(p.b, [4, 4, 0]), np.subtract([0, 0, 4], p.b)])
    assert_allclose(residual(K, y, p), 0, atol=1e-14)
    assert p.mu == pytest.approx((p.distances * p.forces).sum() / 6)


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


@pytest.mark.parametrize(
    ("scales", "C"), [((1, 1e3), 1e3), ((1, 1e5), 1.0), ((3e-5, 3e4), 1.0), ((1e-3, 1e3), 10.0)]
)
def test_features_may_differ_by_orders_of_magnitude(scales, C):
    """The vertex was given up that was optimal up to rounding, or had a free point too many."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2000, 30))
    y = X.sum(1) / np.sqrt(30) + rng.normal(size=2000) > 0
    wide = X * np.geomspace(*scales, 30)
    machine = OurSVC(kernel="linear", C=C).fit(wide, y)
    assert machine.violation_[0] < 1e-3 and machine.certificate(wide, y).holds(2e-3)
    free = abs(machine.dual_coef_[0]) < C
    assert free.sum() <= 31


@pytest.mark.parametrize(("scales", "largest"), [((3e-5, 3e4), 0.2), ((1, 1e5), 8.0)])
def test_what_rounding_spoils_is_not_made_worse(scales, largest):
    """SMO made the violation up to a hundred times as large, and took half a minute for it."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2000, 30))
    y = X.sum(1) / np.sqrt(30) + rng.normal(size=2000) > 0
    machine = OurSVC(kernel="linear", C=1e3)
    with pytest.warns(ConvergenceWarning, match="rounding in float64 allows no more"):
        machine.fit(X * np.geomspace(*scales, 30), y)
    assert machine.violation_[0] < largest and machine.n_iter_[0] < 20 * smo_budget(2000, 30)


def test_newton_s_method_replaces_only_what_it_improves(monkeypatch):
    rng = np.random.default_rng(310)
    X = rng.normal(size=(300, 10))
    f = X.sum(1) / np.sqrt(10) + rng.normal(size=300)
    y, budget = f > np.median(f), smo_budget(300, 10)
    monkeypatch.setattr(duals, "solve_box", lambda K, y, *box: (np.zeros(len(y)), 0.0, 0))
    with pytest.warns(ConvergenceWarning):
        machine = OurSVC(kernel="linear", max_iter=budget + 20).fit(X, y)
    assert machine.violation_[0] < 0.1  # 8 from the start again


def test_crossover_ends_where_rounding_does(monkeypatch):
    """The same vertices came again and again, until the rounds were used up."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2000, 30))
    y = np.where(X.sum(1) / np.sqrt(30) + rng.normal(size=2000) > 0, 1.0, -1.0)
    K, rounds = LowRank(X * np.geomspace(3e-5, 3e4, 30)), []
    box = np.minimum(0, 1e3 * y), np.maximum(0, 1e3 * y)
    inside, rho, _ = interior_point(K, y, *box)
    solve, module = nnlib.interior_point.solve_free, nnlib.interior_point
    monkeypatch.setattr(module, "solve_free", lambda *args: rounds.append(1) or solve(*args))
    crossover(K, y, *box, inside, rho)
    assert 0 < len(rounds) < 200


def test_smo_goes_on_where_newton_s_method_does_not_end_at_a_solution():
    """It was allowed only as many steps again as it had made before."""
    rng = np.random.default_rng(2)
    X = np.round(rng.normal(size=(900, 5)))
    y = X[:, 0] + 0.3 * rng.normal(size=900) > 0
    for solver in "auto", "interior_point":
        machine = OurSVC(C=1e5, kernel="linear", solver=solver).fit(X, y)
        assert machine.fit_status_ == 0 and machine.violation_[0] <= 1e-3, solver


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
    x = K.shifted(D)[0](r)
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
        ([[1.0], [2.0]], [1, 0], 1, ValueError, "y: expected labels of -1 and 1"),
        ([[1.0], [2.0]], [1, -1, 1], 1, ValueError, "y: expected labels of shape (2,)"),
        ([[1.0], [2.0]], [1, 1], 1, ValueError, "y: expected labels of -1 and 1"),
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


# As a solver of the machines


def duplicates(seed=0):
    rng = np.random.default_rng(seed)
    return np.tile(rng.normal(size=(40, 2)), (3, 1)), rng.integers(0, 2, 120)


MACHINES = [
    {"kernel": "linear", "C": 1e2},
    {"kernel": "linear", "C": 1e-3},
    {"kernel": "poly", "degree": 2, "coef0": 1.0, "C": 100.0},
    {"kernel": "poly", "degree": 5, "gamma": 0.2, "coef0": 1.0, "C": 10.0},
    {"kernel": "poly", "degree": 0, "coef0": 1.0},
    {"kernel": "rbf", "gamma": 1e-4, "C": 1e4},
    {"kernel": "rbf", "gamma": 1.0, "C": 1e3},
    {"kernel": "rbf", "gamma": 1e3, "C": 1.0},
    {"kernel": "linear", "class_weight": {0: 3.0, 1: 0.3}, "C": 10.0},
]


@pytest.mark.parametrize("solver", ["auto", "interior_point"])
@pytest.mark.parametrize("settings", MACHINES)
def test_machines_are_as_good_as_libsvm_s(settings, solver):
    X, y = duplicates()
    weight = np.random.default_rng(1).uniform(0, 2, 120)
    weight[::7] = 0
    machine = OurSVC(solver=solver, **settings).fit(X, y, sample_weight=weight)
    kept = weight > 0  # libsvm counts support vectors among these
    theirs = SVC(**settings)
    theirs.fit(X[kept], y[kept], sample_weight=weight[kept])
    proof = machine.certificate(X, y, sample_weight=weight)
    assert proof.holds(1e-3 if solver == "auto" else 1e-5)
    assert solver == "auto" or machine.violation_[0] < 1e-6
    beta, bias = theirs.dual_coef_[0], theirs.intercept_[0]
    f = theirs.decision_function(X[kept])
    dual = abs(beta).sum() - beta @ (f[theirs.support_] - bias) / 2
    assert proof.dual >= dual - 1e-4 * abs(dual)
    assert (machine.dual_coef_[0] != 0).all() and weight[machine.support_].min() > 0


@pytest.mark.parametrize("settings", [{}, {"kernel": "linear"}, {"kernel": "poly", "C": 0.1}])
def test_within_its_budget_smo_decides_bit_for_bit(settings):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    y = (X[:, 0] + 0.5 * rng.normal(size=150) > 0).astype(int)
    ours, smo = (OurSVC(solver=name, **settings).fit(X, y) for name in ("auto", "smo"))
    assert np.array_equal(ours.dual_coef_, smo.dual_coef_)
    assert ours.intercept_ == smo.intercept_ and ours.n_iter_ == smo.n_iter_


def test_unscaled_features_are_no_matter():
    X, y = load_breast_cancer(return_X_y=True)
    for C in (1.0, 100.0):
        machine = OurSVC(kernel="linear", C=C).fit(X, y)
        assert machine.violation_[0] < 1e-6 and machine.certificate(X, y).holds(1e-5)
        assert machine.n_iter_[0] < smo_budget(569, 30) + 60


def test_a_limit_below_the_budget_holds():
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match="max_iter=100 steps"):
        machine = OurSVC(kernel="linear", max_iter=100).fit(X, y)
    assert machine.n_iter_[0] == 100


@pytest.mark.parametrize("kernel", ["linear", "poly"])
def test_a_kernel_matrix_that_does_not_fit_is_never_computed(kernel):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 2))
    y = (X[:, 0] + rng.normal(size=1500) > 0).astype(int)
    settings = {"kernel": kernel, "degree": 2, "coef0": 1.0, "C": 100.0}
    small = OurSVC(cache_size=2, **settings).fit(X, y)
    large = OurSVC(solver="interior_point", **settings).fit(X, y)
    assert small.n_iter_[0] < 60 and np.allclose(small.dual_coef_.sum(), 0)
    assert np.allclose(small.decision_function(X), large.decision_function(X), atol=1e-6)


def test_many_classes_share_the_factor():
    X, y = load_digits(return_X_y=True)
    machine = OneVsRestSVC(kernel="linear", C=100.0).fit(X[:600], y[:600])
    assert all(proof.holds() for proof in machine.certificates(X[:600], y[:600]))
    slow = OneVsRestSVC(kernel="linear", C=100.0, solver="interior_point").fit(X[:600], y[:600])
    assert slow.violation_.max() < 1e-6
    assert np.allclose(machine.decision_function(X), slow.decision_function(X), atol=0.01)


def test_what_the_interior_point_cannot_solve_is_refused(refuses):
    X, y = duplicates()
    for settings in ({"kernel": "sigmoid"}, {"kernel": lambda A, B: A @ B.T},
                     {"cache_size": 1e-3}):  # fmt: skip
        with refuses(ValueError, "solver: expected a kernel that is known"):
            OurSVC(solver="interior_point", **settings).fit(X, y)
    for name in ("newton", None, ["smo"]):
        error = ValueError if name == "newton" else TypeError
        with refuses(error, "solver: expected one of 'auto', 'smo', 'interior_point'"):
            OurSVC(solver=name).fit(X, y)


def test_numbers_of_any_size_are_survived():
    X, y = load_breast_cancer(return_X_y=True)
    for scale in (1e-120, 1e-8, 1e8, 1e120):
        machine = OurSVC(kernel="linear", C=1 / scale**2 if abs(scale) < 1e10 else 1.0,
                         max_iter=3000)  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            assert np.isfinite(machine.fit(X * scale, y).decision_function(X * scale)).all()


@pytest.mark.parametrize("n", [1, 5, 64, 66, 200, 333])
def test_triangles_are_inverted(n):
    L = np.tril(np.random.default_rng(n).normal(size=(n, n)), -1) / n + 2 * np.eye(n)
    assert np.allclose(invert_triangle(L) @ L, np.eye(n), atol=1e-12)


def test_pivots_find_the_rank():
    rng = np.random.default_rng(0)
    V = rng.normal(size=(60, 7)) * 10.0 ** np.arange(-3, 4)
    K = V @ V.T
    found = pivoted_cholesky(lambda i: K[i], K.diagonal(), 1e-9, 60)
    assert 7 <= found.shape[1] <= 9 and np.allclose(found @ found.T, K, atol=1e-6)
    assert pivoted_cholesky(lambda i: K[i], K.diagonal(), 1e-9, 5) is None
    nothing = pivoted_cholesky(lambda i: np.zeros(3), np.zeros(3), 1e-9, 2)
    assert nothing.shape == (3, 0)


# with the smallest C, the mean distance from the bounds was 0, and something was divided by it
SMALLEST = 1e153 * np.array([[-3.4, -3.2, 3.5], [-3.6, 0.3, -1.2], [1.4, 4.4, -0.8],
                             [4.9, 2.8, 1.8], [4.0, -0.6, 4.0]])  # fmt: skip


@pytest.mark.parametrize(("V", "y", "C"), [
    *((scale * np.random.default_rng(0).normal(size=(6, 3)), [1, -1] * 3, C)
      for scale in (1e-155, 1.0, 1e150) for C in (1e-320, 1e-170, 1e160, 1e307)),
    *((1e50 * np.random.default_rng(seed).normal(size=(20, 3)), [1, -1] * 10, 1e300)
      for seed in range(4)),
    (SMALLEST, [1, -1, 1, 1, 1], 5e-324),
])  # fmt: skip
def test_numbers_of_every_size_make_no_noise(V, y, C):
    """NumPy warned of overflows, and raised where it was told to."""
    with np.errstate(all="raise"):
        refused, finite = "", False
        try:
            beta, rho, _ = solve_low_rank(V, y, C)
            finite = bool(np.isfinite([*beta, rho]).all())
        except ValueError as error:
            refused = str(error)
    assert finite or refused.startswith("V, C: expected numbers whose products are neither")


def test_a_symmetric_system_without_a_unique_solution_is_solved_all_the_same():
    """Elimination finds no pivot, or one of rounding errors; least squares solve it."""
    for A in (np.ones((2, 2)), np.ones((3, 3)) / 3 + 1e-18, np.diag([1.0, 1e-30, 0.0])):
        r = A @ np.arange(1.0, len(A) + 1)
        np.testing.assert_allclose(A @ solve_symmetric(A, r), r, atol=1e-14)


def test_a_lapack_that_gives_up_is_an_error_of_the_numbers(monkeypatch):
    """OpenBLAS was not seen to do so, but others may."""

    def refuse(*_, **options):
        raise np.linalg.LinAlgError("SVD did not converge")

    X, y, _ = problem("scaled")
    for name in "solve", "lstsq":
        monkeypatch.setattr(np.linalg, name, refuse)
    with pytest.raises(ValueError, match="V, C: expected numbers whose products are neither"):
        solve_low_rank(X, y, 1.0)


def test_few_rows_of_the_kernel_are_enough_for_a_small_class(monkeypatch):
    """All of them were computed first, which took 33 times libsvm's time."""
    called = []
    whole = duals.half_squared_distances

    def counted(kernel, A):
        called.append(len(A))
        return whole(kernel, A)

    monkeypatch.setattr(duals, "half_squared_distances", counted)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 6))
    f = X.sum(axis=1) + rng.normal(size=1200)
    for settings in {"kernel": "linear"}, {"kernel": "rbf", "gamma": 0.1}:
        rare = f > np.quantile(f, 0.99)
        machine = OurSVC(**settings).fit(X, rare)
        assert not called and machine.violation_[0] <= 1e-3
        by_smo = OurSVC(**settings, solver="smo").fit(X, rare)
        ours, theirs = machine.decision_function(X), by_smo.decision_function(X)
        assert np.abs(ours - theirs).max() < 5e-3
        called.clear()
        OurSVC(**settings).fit(X, f > 0)
        assert called == [1200]
        called.clear()
