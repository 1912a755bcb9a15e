"""OneVsRestSVC: ten machines at once, each the same as libsvm's alone."""

import ast
import itertools
import json
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits, load_iris, load_wine, make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC as Libsvm

from nnlib import SVC, OneVsRestSVC, load_mnist
from nnlib.estimator import ConvergenceWarning, NotFittedError


@pytest.fixture(scope="module")
def digits():
    """Eighteen hundred small digits: training and test."""
    X, y = load_digits(return_X_y=True)
    return X[:1200] / 16, y[:1200], X[1200:] / 16, y[1200:]


@pytest.fixture(scope="module")
def mnist():
    """A thousand and five hundred images, in single precision."""
    X, y = load_mnist()
    rows = np.random.default_rng(0).permutation(len(y))
    return X[rows[:1000]], y[rows[:1000]], X[rows[-500:]], y[rows[-500:]]


def blobs():
    return make_blobs([80, 40, 10, 5], cluster_std=3, random_state=3)


def compare(data, C, **other):
    """Fit both and compare what they say of the test points."""
    X, y, Z, t = data
    ours = OneVsRestSVC(C=C, **other).fit(X, y)
    theirs = OneVsRestClassifier(Libsvm(C=C, **other)).fit(X, y)
    assert_array_equal(ours.classes_, theirs.classes_)
    f, g = ours.decision_function(Z), theirs.decision_function(Z)
    assert f.shape == g.shape == (len(Z), len(ours.classes_))
    assert_allclose(f, g, rtol=0, atol=1e-2)
    first, second = np.sort(g, 1)[:, :-3:-1].T
    certain = first - second > 2e-3
    assert_array_equal(ours.predict(Z)[certain], theirs.predict(Z)[certain])
    assert abs(ours.score(Z, t) - theirs.score(Z, t)) <= 2 / len(Z)
    return ours, theirs


@pytest.mark.parametrize("C", [0.1, 10.0])
def test_same_as_libsvm_on_small_digits(digits, C):
    ours, theirs = compare(digits, C)
    assert all(proof.holds() for proof in ours.certificates(*digits[:2]))
    for k, machine in enumerate(theirs.estimators_):
        assert_allclose(ours.intercept_[k], machine.intercept_[0], atol=1e-2)
        assert_allclose(abs(ours.dual_coef_[k]).sum(), abs(machine.dual_coef_).sum(), rtol=1e-3)


def test_same_as_libsvm_on_images(mnist):
    ours, theirs = compare(mnist, 10.0)
    duals = [proof.dual for proof in ours.certificates(*mnist[:2])]
    X, y, _, _ = mnist
    for k, machine in enumerate(theirs.estimators_):
        b, Y = machine.dual_coef_[0], np.where(y == k, 1, -1)[machine.support_]
        f = machine.decision_function(X)[machine.support_] - machine.intercept_
        assert_allclose(duals[k], (b * Y).sum() - b @ f / 2, rtol=1e-4)
    assert ours.score(*mnist[2:]) > 0.9


@pytest.mark.parametrize(
    "other",
    [{"kernel": "linear"}, {"kernel": "poly", "coef0": 1.0}, {"gamma": 0.05},
     {"class_weight": "balanced"}],
    ids=str,
)  # fmt: skip
def test_parameters_mean_what_they_mean_to_libsvm(other):
    X, y = blobs()
    X = (X - X.mean(0)) / X.std(0)
    ours, theirs = (kind.fit(X, y) for kind in
                    (OneVsRestSVC(**other), OneVsRestClassifier(Libsvm(**other))))  # fmt: skip
    assert_allclose(ours.decision_function(X), theirs.decision_function(X), rtol=2e-3, atol=1e-2)


def test_each_machine_is_the_one_for_two_classes(digits):
    X, y, Z, _ = digits
    X, y = X[:300], y[:300]
    together = OneVsRestSVC(C=5).fit(X, y)
    f = together.decision_function(Z)
    for k in range(10):
        alone = SVC(C=5).fit(X, y == k)
        order = np.argsort(alone.support_)  # which are grouped by class
        assert_array_equal(
            alone.dual_coef_[0, order], together.dual_coef_[k][together.dual_coef_[k] != 0]
        )
        assert_allclose(alone.decision_function(Z), f[:, k], atol=1e-12)
        assert alone.n_iter_[0] == together.n_iter_[k]


def test_three_corners_by_hand():
    model = OneVsRestSVC(C=10, kernel="linear", tol=1e-10).fit(np.eye(3), ["a", "b", "c"])
    assert_allclose(model.dual_coef_, 2 * np.eye(3) - 2 / 3, atol=1e-9)
    assert_allclose(model.intercept_, -1 / 3)
    assert_array_equal(model.predict(np.eye(3)), ["a", "b", "c"])
    assert [proof.holds(1e-9) for proof in model.certificates(np.eye(3), ["a", "b", "c"])] == 3 * [
        True
    ]


def test_two_classes_are_one_machine():
    X, y = make_blobs(60, centers=2, cluster_std=4, random_state=0)
    one, two = OneVsRestSVC().fit(X, y), SVC().fit(X, y)
    assert_array_equal(one.decision_function(X), two.decision_function(X))
    assert one.decision_function(X).shape == (60,) and len(one.certificates(X, y)) == 1


def test_weights_go_with_the_class_of_the_sample():
    X, y = blobs()
    weight = {0: 0.5, 3: 8.0}
    model = OneVsRestSVC(class_weight=weight).fit(X, y)
    bounds = np.array([weight.get(label, 1.0) for label in y])[model.support_]
    assert (abs(model.dual_coef_) <= bounds + 1e-12).all()
    assert (abs(model.dual_coef_) == bounds).any()
    assert all(proof.holds() for proof in model.certificates(X, y))


def test_a_class_of_one():
    X = np.array([[0.0], [1.0], [2.0], [3.0], [9.0]])
    model = OneVsRestSVC(C=100).fit(X, ["a", "a", "b", "b", "c"])
    assert_array_equal(model.predict(X), ["a", "a", "b", "b", "c"])


@pytest.mark.parametrize("labels", [["x", "y", "z"], [2.0, 4.0, 8.0], [-1, 0, 1]], ids=str)
def test_labels_of_any_kind(labels):
    X, y = make_blobs(60, centers=3, random_state=0)
    model = OneVsRestSVC().fit(X, np.array(labels)[y])
    assert_array_equal(model.classes_, labels)
    assert model.score(X, np.array(labels)[y]) > 0.8
    assert model.predict(X).dtype == np.array(labels).dtype


# Memory


def test_less_memory_same_solution(mnist):
    X, y, Z, _ = mnist
    full, small = OneVsRestSVC(C=10).fit(X, y), OneVsRestSVC(C=10, cache_size=0.5).fit(X, y)
    assert small.violation_.max() <= 1e-3
    pairs = zip(full.certificates(X, y), small.certificates(X, y))
    for one, other in pairs:
        assert other.holds(2e-3) and other.infeasibility < 1e-9
        assert_allclose(other.dual, one.dual, rtol=1e-5)
    assert_allclose(full.decision_function(Z), small.decision_function(Z), rtol=0, atol=1e-2)


def test_memory_is_bounded():
    X, y = make_blobs(6000, centers=5, n_features=10, cluster_std=6, random_state=0)
    X = X.astype(np.float32)
    tracemalloc.start()
    model = OneVsRestSVC(cache_size=8).fit(X, y)
    fitting = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    model.predict(np.tile(X, (4, 1)))
    predicting = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert model.violation_.max() <= 1e-3
    assert fitting < 45 * 2**20 < 4 * len(X) ** 2 / 3  # all distances: 137 MB
    assert predicting < 40 * 2**20


# Use


def test_max_iter_names_the_worst_and_leaves_a_model(digits):
    X, y, Z, t = digits
    with pytest.warns(ConvergenceWarning, match="OneVsRestSVC: stopped with") as caught:
        model = OneVsRestSVC(C=10, max_iter=30).fit(X, y)
    assert len(caught) == 1 and f"{model.violation_.max():.3g}" in str(caught[0].message)
    assert (model.n_iter_ <= 30).all() and model.score(Z, t) > 0.8
    proofs = model.certificates(X, y)
    assert not all(proof.holds() for proof in proofs)
    assert max(proof.infeasibility for proof in proofs) < 1e-9


def test_parameters_are_those_of_svc():
    pairs = {"decision_function_shape": "ovr", "break_ties": False}
    assert OneVsRestSVC().get_params() | pairs == SVC().get_params()
    assert repr(OneVsRestSVC(C=2)) == "OneVsRestSVC(C=2)"
    assert clone(OneVsRestSVC(C=2)).C == 2 and is_classifier(OneVsRestSVC())


@pytest.mark.parametrize("scoring", [None, "f1_macro"])
def test_searches_of_scikit_learn(scoring):
    X, y = make_blobs(150, centers=3, cluster_std=3, random_state=1)
    search = GridSearchCV(OneVsRestSVC(), {"C": [0.01, 1]}, scoring=scoring, cv=3).fit(X, y)
    assert search.best_score_ > 0.5
    pipeline = make_pipeline(StandardScaler(), OneVsRestSVC())
    theirs = make_pipeline(StandardScaler(), OneVsRestClassifier(Libsvm()))
    assert_allclose(cross_val_score(pipeline, X, y, scoring=scoring),
                    cross_val_score(theirs, X, y, scoring=scoring), atol=0.021)  # fmt: skip


def test_a_copy_predicts_the_same(digits):
    X, y, Z, _ = digits
    model = OneVsRestSVC().fit(X[:200], y[:200])
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.decision_function(Z), model.decision_function(Z))


def test_what_is_refused(refuses):
    X, y = blobs()
    with refuses(ValueError, "OneVsRestSVC: expected at least two classes in y, got one class, 2"):
        OneVsRestSVC().fit(X, np.full(len(X), 2))
    with refuses(RuntimeError, "call fit first"):
        OneVsRestSVC().predict(X)
    with refuses(ValueError, "class_weight: expected classes of [0, 1, 2, 3], got 4"):
        OneVsRestSVC(class_weight={4: 1.0}).fit(X, y)
    with refuses(ValueError, "certificates: expected 135 training samples of 4 classes"):
        OneVsRestSVC().fit(X, y).certificates(X, y % 3)


@pytest.mark.parametrize("weights", [None, "balanced"])
def test_class_weights_are_those_that_each_classifier_uses(weights):
    """They were those of one problem of all classes, n / (k m), which no classifier used."""
    X, y = blobs()
    ours = OneVsRestSVC(class_weight=weights, tol=1e-6).fit(X, y)
    theirs = OneVsRestClassifier(Libsvm(class_weight=weights, tol=1e-6)).fit(X, y)
    used = [one.class_weight_[1] for one in theirs.estimators_]
    assert_allclose(ours.class_weight_, used, rtol=1e-14)
    assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-4)
    assert all(proof.holds() for proof in ours.certificates(X, y))


@pytest.mark.parametrize("weights", ["balanced", {0: 3.0}])
def test_class_weights_of_two_classes_are_those_of_svc(weights):
    X, y = make_blobs([30, 10], cluster_std=4, random_state=3)
    both = [kind(class_weight=weights).fit(X, y) for kind in (OneVsRestSVC, SVC)]
    assert_array_equal(both[0].class_weight_, both[1].class_weight_)
    assert_array_equal(both[0].dual_coef_, both[1].dual_coef_[:, np.argsort(both[1].support_)])


# One against one


def compare_pairs(X, y, new, unique=True, **other):
    """Fit both and compare all that they have under the same names.

    The multipliers are not `unique` if the kernel matrix is of low rank.
    """
    ours, theirs = (kind(tol=1e-6, **other).fit(X, y) for kind in (SVC, Libsvm))
    for name in "classes_", "class_weight_", "shape_fit_":
        assert_array_equal(getattr(ours, name), getattr(theirs, name), name)
    assert ours.fit_status_ == theirs.fit_status_ == 0
    assert ours.n_iter_.shape == theirs.n_iter_.shape
    assert ours.dual_coef_.shape == (len(ours.classes_) - 1, ours.n_support_.sum())
    groups = np.repeat(ours.classes_, ours.n_support_)
    assert_array_equal(np.asarray(y)[ours.support_], groups)
    if unique:
        b, c = np.zeros((2, len(ours.dual_coef_), len(X)))
        b[:, ours.support_], c[:, theirs.support_] = ours.dual_coef_, theirs.dual_coef_
        assert_allclose(b, c, rtol=0, atol=2e-3 * max(1.0, abs(c).max()))
        clear = [machine.support_[abs(machine.dual_coef_).max(0) > 0.01] for machine in
                 (ours, theirs)]  # fmt: skip
        assert_array_equal(*clear)
        assert abs(ours.n_support_ - theirs.n_support_).max() <= 2
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=0, atol=1e-3)
    assert_allclose(ours.support_vectors_, np.asarray(X)[ours.support_])
    for shape in "ovo", "ovr":
        for machine in ours, theirs:
            machine.set_params(decision_function_shape=shape)
        f, g = ours.decision_function(new), theirs.decision_function(new)
        assert_allclose(f, g, rtol=0, atol=1e-3)
    certain = np.diff(np.sort(g, 1)[:, -2:])[:, 0] > 1e-2
    assert certain.mean() > 0.9
    for ties in False, True:
        for machine in ours, theirs:
            machine.set_params(break_ties=ties)
        mine, other = ours.predict(new), theirs.predict(new)
        assert_array_equal(mine[certain], other[certain])
    assert all(proof.holds() for proof in ours.certificates(X, y))
    return ours, theirs


def turned(k, n=240, seed=4):
    """Clouds around a curve, which overlap."""
    rng, y = np.random.default_rng(seed), np.arange(n) % k
    shift = 1.2 * np.stack([np.cos(y), np.sin(2 * y)], 1)
    return rng.normal(size=(n, 2)) + shift, y, rng.normal(size=(500, 2))


@pytest.mark.parametrize("k", [3, 4, 5, 8])
@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_scikit_learn_s(k, seed):
    X, y, new = turned(k, seed=seed)
    compare_pairs(X, y + 7, new, C=3)


@pytest.mark.parametrize(
    "other",
    [
        {"gamma": 0.3, "C": 10},
        {"gamma": "auto"},
        {"kernel": "linear"},
        {"kernel": "poly", "coef0": 1.0},
        {"kernel": "poly", "degree": 2},
        {"class_weight": "balanced"},
        {"class_weight": {1: 3.0, 2: 0.5}, "C": 0.3},
        {"kernel": lambda A, B: (1 + A @ B.T) ** 2, "C": 0.5},
    ],
    ids=range(8),
)
def test_parameters_of_pairs_mean_what_they_mean_to_scikit_learn(other):
    X, y, new = turned(4)
    y[::5] = 0  # of unequal sizes, and in no order
    unique = other.get("kernel", "rbf") == "rbf"
    ours, theirs = compare_pairs(X, y, new, unique, **other)
    if other.get("kernel") == "linear":
        assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_digits])
def test_pairs_of_real_data_are_scikit_learn_s(load):
    X, y = load(return_X_y=True)
    X, y = StandardScaler().fit_transform(X)[:600], y[:600]
    names = np.array([f"class {c}" for c in range(10)])
    unique = load is not load_iris  # where a flower occurs twice
    compare_pairs(X, names[y], X + 0.1, unique, C=1)


def test_weights_of_samples_of_pairs_are_scikit_learn_s():
    X, y, new = turned(4)
    weights = np.random.default_rng(0).integers(0, 4, len(y)) / 2
    ours, theirs = (kind(tol=1e-6).fit(X, y, sample_weight=weights) for kind in (SVC, Libsvm))
    assert_allclose(ours.decision_function(new), theirs.decision_function(new), atol=1e-3)
    assert_array_equal(ours.predict(new), theirs.predict(new))
    assert all(proof.holds() for proof in ours.certificates(X, y, weights))


@pytest.mark.parametrize("kind", [SVC, OneVsRestSVC])
@pytest.mark.parametrize("k", [2, 4])
def test_a_kernel_may_be_given_as_a_matrix(kind, k, dtype):
    X, y, new = turned(k)
    X, new = X.astype(dtype), new.astype(dtype)
    by_name = kind(kernel="linear", C=2, tol=1e-4, solver="smo").fit(X, y)
    given = kind(kernel="precomputed", C=2, tol=1e-4).fit(X @ X.T, y)
    assert given.n_features_in_ == len(X) and given.shape_fit_ == (len(X), len(X))
    assert given.support_vectors_.shape == (0, 0) and not hasattr(given, "coef_")
    assert_allclose(given.decision_function(new @ X.T), by_name.decision_function(new), atol=2e-3)
    assert (given.predict(new @ X.T) == by_name.predict(new)).mean() > 0.99
    assert all(proof.holds(2e-4) for proof in given.certificates(X @ X.T, y))
    again = pickle.loads(pickle.dumps(given))
    assert_array_equal(again.predict(new @ X.T), given.predict(new @ X.T))
    assert len(pickle.dumps(given)) < X.nbytes * len(X) / 16  # the matrix is not kept
    search = GridSearchCV(kind(kernel="precomputed"), {"C": [0.1, 1]}, cv=3).fit(X @ X.T, y)
    assert_allclose(search.best_score_,
                    GridSearchCV(kind(kernel="linear"), {"C": [0.1, 1]}, cv=3).fit(X, y)
                    .best_score_, atol=0.01)  # fmt: skip


def test_a_given_kernel_has_to_fit(refuses):
    X, y, new = turned(3)
    with refuses(ValueError, "X: expected a square matrix of kernel values, got shape (240, 2)"):
        SVC(kernel="precomputed").fit(X, y)
    with refuses(ValueError, "X: expected shape (any, 240), got (500, 2)"):
        SVC(kernel="precomputed").fit(X @ X.T, y).predict(new)
    with refuses(ValueError, "kernel: expected a symmetric function"):
        SVC(kernel="precomputed").fit(np.tile(X[:, :1], 240), y)


def test_each_pair_is_the_machine_for_two_classes():
    X, y, new = turned(4)
    together = SVC(C=5, gamma=0.4, tol=1e-8, decision_function_shape="ovo").fit(X, y)
    for p, (a, b) in enumerate(itertools.combinations(range(4), 2)):
        rows = (y == a) | (y == b)
        alone = SVC(C=5, gamma=0.4, tol=1e-8).fit(X[rows], y[rows])
        f = -together.decision_function(new)[:, p]  # here the first class is the positive one
        assert_allclose(alone.decision_function(new), f, atol=1e-6)


def test_of_two_classes_the_second_is_positive():
    """The sign was turned: roc_auc was 0.004 where it is 0.996, and searches by it took the worst
    C.
    """
    X, y = make_blobs(80, centers=2, cluster_std=1.5, random_state=0)
    two, rest = (kind(C=3).fit(X, y) for kind in (SVC, OneVsRestSVC))
    for machine in two, rest, SVC(C=3, decision_function_shape="ovo", break_ties=False).fit(X, y):
        f = machine.decision_function(X)
        assert f.shape == (80,)
        assert_array_equal(machine.predict(X), machine.classes_[(f > 0).astype(int)])
        assert_array_equal(np.sort(machine.dual_coef_), np.sort(two.dual_coef_))
        assert cross_val_score(machine, X, y, scoring="roc_auc").min() > 0.7


def test_what_makes_no_pairs_is_refused(refuses):
    X, y = blobs()
    with refuses(ValueError, "SVC: expected at least two classes in y, got one class, 0"):
        SVC().fit(X, np.zeros(len(X), int))
    with refuses(ValueError, "C: expected a finite number above 0, got -1"):
        SVC(C=-1).fit(X, y)
    with refuses(NotFittedError, "call fit first"):
        SVC().predict(X)
    for shape in "ov", None, ["ovr"]:
        error = ValueError if shape == "ov" else TypeError
        with refuses(error, "decision_function_shape: expected one of 'ovr', 'ovo', got"):
            SVC(decision_function_shape=shape).fit(X, y)
    model = SVC(decision_function_shape="ovo", break_ties=True).fit(X, y)
    with refuses(ValueError, "break_ties must be False when decision_function_shape is 'ovo'"):
        model.predict(X)
    with refuses(ValueError, "certificate: expected two classes, got 4; for more there is"):
        model.certificate(X, y)
    weights = (y != 2).astype(float)
    with refuses(ValueError, "sample_weight: expected a positive weight in each class"):
        model.fit(X, y, sample_weight=weights)


def test_stored_search_is_the_code_of_today():
    """The chapter on all of MNIST shows the function as it ran."""
    root = Path(__file__).parents[1]
    stored = json.loads((root / "data" / "runs" / "svm_growth.json").read_text(encoding="utf-8"))[
        "search"
    ]["code"]
    module = ast.parse((root / "studies" / "svm_search.py").read_text(encoding="utf-8"))
    (function,) = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    assert ast.unparse(ast.parse(stored)) == ast.unparse(function)


def test_both_machines_have_the_same_defaults():
    for name, value in OneVsRestSVC().get_params().items():
        assert SVC().get_params()[name] == value == getattr(Libsvm(), name, value), name
