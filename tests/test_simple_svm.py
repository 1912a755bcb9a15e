"""The certificate, and the simple solver that it judges."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nnlib import simple_svm
from nnlib.simple_svm import Certificate, certify, find_bias, pair_step, simple_smo

TWO = np.array([-1, 1])  # labels of the points 0 and 2


def judge(alpha, bias, C=1.0):
    """Certificate for the points 0 and 2 with the linear kernel."""
    alpha = np.asarray(alpha, float)
    return certify(alpha, TWO, np.array([0, 2]) * 2 * alpha[1] + bias, bias, C)


def test_two_points_by_hand():
    assert judge([0.5, 0.5], -1) == Certificate(0, 0, 0.5, 0.5)
    assert judge([0.5, 0.5], -1).gap == 0 and judge([0.5, 0.5], -1).holds(0)


@pytest.mark.parametrize(
    ("alpha", "bias", "C", "infeasibility", "violation"),
    [
        ([0.5, 0.25], -1, 1, 0.25, 1),  # unbalanced
        ([-0.125, -0.125], -1, 1, 0.125, 2.5),  # below 0
        ([0.5, 0.5], -1, 0.25, 0.25, 0),  # above C
        ([0.5, 0.5], -0.5, 1, 0, 0.5),  # wrong bias
        ([0.25, 0.25], -0.5, 1, 0, 0.5),  # too small
        ([0, 0], 0, 1, 0, 1),  # nothing done
        ([1, 1], -2, 1, 0, 1),  # all at the wall: beyond the curb
    ],
)
def test_what_is_wrong_shows(alpha, bias, C, infeasibility, violation):
    proof = judge(alpha, bias, C)
    assert_allclose(proof.infeasibility, infeasibility, atol=1e-12)
    assert_allclose(proof.violation, violation, atol=1e-12)
    assert not proof.holds()


def test_bounds_are_those_of_the_formulas(rng):
    X, y = rng.normal(size=(20, 3)), np.repeat([-1, 1], 10)
    C, K = rng.uniform(1, 2, 20), X @ X.T
    alpha, bias = rng.uniform(0, 1, 20), 0.3
    f = K @ (alpha * y) + bias
    proof = certify(alpha, y, f, bias, C)
    w = (alpha * y) @ X
    assert_allclose(proof.primal, w @ w / 2 + sum(C * np.maximum(0, 1 - y * (X @ w + bias))))
    assert_allclose(proof.dual, alpha.sum() - (alpha * y) @ K @ (alpha * y) / 2)
    assert_allclose(proof.infeasibility, abs(alpha @ y))
    assert proof.gap == proof.primal - proof.dual


@pytest.mark.parametrize("seed", range(20))
def test_the_gap_of_feasible_multipliers_is_never_negative(seed):
    """Whatever the decision values are, right or not: each sample adds at least 0 to it."""
    rng = np.random.default_rng(seed)
    n, scale = 30, 10.0 ** rng.integers(-3, 4)
    y, C = np.repeat([-1.0, 1.0], n // 2), rng.uniform(0.5, 1, n) * scale
    alpha = rng.choice([0, 0.5, 1], n // 2) * np.minimum(C[: n // 2], C[n // 2 :])
    alpha, bias = np.tile(alpha, 2), rng.normal()
    proof = certify(alpha, y, rng.normal(size=n) * scale + bias, bias, C)
    assert proof.infeasibility < 1e-12 * scale
    assert proof.gap >= -1e-12 * (abs(proof.primal) + abs(proof.dual))


def test_a_point_at_the_wall_may_be_inside_the_street_and_one_at_zero_outside():
    y, C = np.array([1, 1, -1]), 2.0
    alpha, f = np.array([0.0, 2.0, 2.0]), np.array([5.0, 0.5, 0.2])
    assert certify(alpha, y, f, 0.0, C).violation == 0


def test_a_step_is_the_parabola_s_lowest_point_or_a_wall():
    K, F = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([-1.0, 1.0])
    wide, b = np.array([[-9.0, -9.0], [9.0, 9.0]]), np.zeros(2)
    assert pair_step(K, F, wide, b, 0, 1) == 2 / (2 + 1 - 1)
    assert pair_step(K, F, wide, b, 1, 0) == -1
    assert pair_step(K, F, np.array([[-9.0, -9.0], [0.25, 9.0]]), b, 0, 1) == 0.25
    assert pair_step(K, F, np.array([[-9.0, -0.125], [0.25, 9.0]]), b, 0, 1) == 0.125


def test_points_that_coincide_go_to_the_wall():
    box = np.array([[-3.0, -3.0], [3.0, 3.0]])
    assert pair_step(np.ones((2, 2)), np.array([-1.0, 1.0]), box, np.zeros(2), 0, 1) == 3


def test_the_bias_comes_from_between_the_walls_or_else_from_the_middle():
    box = np.array([[0.0, 0.0, -1.0], [1.0, 1.0, 0.0]])
    F = np.array([0.5, -7.0, 3.0])
    assert find_bias(F, np.array([0.5, 1.0, -1.0]), box) == -0.5
    assert find_bias(F, np.array([0.0, 1.0, -1.0]), box) == -(0.5 - 7) / 2


def test_it_solves_xor():
    X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    alpha, bias = simple_smo((1 + X @ X.T) ** 2, X[:, 0] * X[:, 1], 10, 1e-6, 30, rng=0)
    assert_allclose(alpha, 1 / 8, atol=1e-5)
    assert_allclose(bias, 0, atol=1e-5)


def test_the_seed_decides(rng):
    X, y = rng.normal(size=(30, 2)), np.repeat([-1, 1], 15)
    first, second, third = (simple_smo(X @ X.T, y, 1.0, rng=seed) for seed in (0, 0, 1))
    assert_allclose(first[0], second[0], rtol=0, atol=0)
    assert abs(first[0] - third[0]).max() > 0


def test_the_partner_is_any_other_point(rng, monkeypatch):
    pairs = set()

    def record(K, F, box, b, i, j):
        pairs.add((i, j))
        return pair_step(K, F, box, b, i, j)

    monkeypatch.setattr(simple_svm, "pair_step", record)
    X, y = rng.normal(size=(4, 2)), np.array([-1, 1, -1, 1])
    for seed in range(50):
        simple_smo(X @ X.T, y, 1.0, rng=seed)
    assert pairs == set(itertools.permutations(range(4), 2))


def test_it_stays_feasible_and_arrives_with_patience(rng):
    X, y = rng.normal(size=(40, 2)), np.repeat([-1, 1], 20)
    K = np.exp(-np.square(X[:, None] - X).sum(-1))
    alpha, bias = simple_smo(K, y, 2.0, passes=50, rng=0)
    proof = certify(alpha, y, K @ (alpha * y) + bias, bias, 2.0)
    assert proof.infeasibility < 1e-12 and proof.holds(1.1e-3)


@pytest.mark.parametrize(
    "y", [[0, 1, 0, 1], [True, False, True, False], [1, 1, 1, 1], [-1, 1, 2, 1]], ids=str
)
def test_other_labels_are_named(y, refuses):
    """The message was NumPy's, of a zero-size array."""
    with refuses(
        ValueError, f"y: expected labels of -1 and 1, both of them, got {np.unique(y).tolist()}"
    ):
        simple_smo(np.eye(4), np.array(y), 1.0, rng=0)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"tol": None}, TypeError, "tol: expected a finite number of at least 0, got None"),
        ({"tol": -1.0}, ValueError, "tol: expected a finite number of at least 0, got -1.0"),
        ({"passes": np.inf}, TypeError, "passes: expected an int of at least 1, got inf"),
        ({"passes": "2"}, TypeError, "passes: expected an int of at least 1, got '2'"),
    ],
)
def test_bad_settings_are_named(options, error, words, refuses):
    """A number of passes without end never ended."""
    with refuses(error, words):
        simple_smo(np.eye(4), np.array([1, -1, 1, -1]), 1.0, rng=0, **options)


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-155, 1e150, 1e300])
def test_kernels_of_every_size_make_no_noise(scale):
    """Steps underflowed or overflowed aloud."""
    K = (np.eye(4) + 0.1) * scale
    with np.errstate(all="raise"):
        alpha, bias = simple_smo(K, np.array([1, -1, 1, -1]), C=1.0, rng=0)
        proof = certify(alpha, np.array([1, -1, 1, -1]), K @ alpha + bias, bias, 1.0)
    assert np.isfinite(alpha).all() and proof.infeasibility < 1e-12


def test_a_kernel_matrix_of_another_shape_is_refused(refuses):
    with refuses(ValueError, "K: expected shape (4, 4), got (3, 4)"):
        simple_smo(np.ones((3, 4)), np.array([1, -1, 1, -1]), C=1.0, rng=0)


def test_one_pass_without_a_step_is_enough_by_default():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y, K = np.where(X[:, 0] + rng.normal(size=40) > 0, 1, -1), X @ X.T
    longer = []
    for seed in range(20):
        default, one, four = (
            simple_smo(K, y, 10.0, rng=seed, **more)[0]
            for more in ({}, {"passes": 1}, {"passes": 4})
        )
        assert (default == one).all()
        longer.append((default != four).any())
    assert sum(longer) > 3
