"""OneVsRestSVC: ten machines at once, each the same as libsvm's alone."""

import ast
import json
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits, make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC as Libsvm

from nnlib import SVC, OneVsOneSVC, OneVsRestSVC, load_mnist
from nnlib.svm import ConvergenceWarning


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
        assert_array_equal(
            alone.dual_coef_[0], together.dual_coef_[k][together.dual_coef_[k] != 0]
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
    assert OneVsRestSVC().get_params() == SVC().get_params()
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
    with refuses(ValueError, "OneVsRestSVC: expected at least two classes in y, got only 2"):
        OneVsRestSVC().fit(X, np.full(len(X), 2))
    with refuses(RuntimeError, "call fit first"):
        OneVsRestSVC().predict(X)
    with refuses(ValueError, "class_weight: expected classes of [0, 1, 2, 3], got 4"):
        OneVsRestSVC(class_weight={4: 1.0}).fit(X, y)
    with refuses(ValueError, "certificates: expected the 135 training samples of 4 classes"):
        OneVsRestSVC().fit(X, y).certificates(X, y % 3)


# One against one


@pytest.mark.parametrize("k", [2, 3, 5])
def test_votes_of_pairs_are_scikit_learn_s(k):
    rng, y = np.random.default_rng(4), np.arange(240) % k
    X = rng.normal(size=(240, 2)) + 1.2 * np.stack([np.cos(y), np.sin(2 * y)], 1)
    new = rng.normal(size=(500, 2))
    ours, theirs = OneVsOneSVC(C=3, tol=1e-6).fit(X, y + 7), Libsvm(C=3, tol=1e-6).fit(X, y + 7)
    assert_array_equal(ours.support_, np.sort(theirs.support_))
    values = (
        Libsvm(C=3, tol=1e-6, decision_function_shape="ovo").fit(X, y + 7).decision_function(new)
    )
    assert_allclose(ours.decision_function(new), values, atol=1e-4)
    assert_array_equal(ours.predict(new), theirs.predict(new))


def test_of_two_classes_the_second_is_positive():
    """The sign was turned: roc_auc was 0.004 where it is 0.996, and searches by it took the worst
    C.
    """
    X, y = make_blobs(80, centers=2, cluster_std=1.5, random_state=0)
    pairs, two, rest = (kind(C=3).fit(X, y) for kind in (OneVsOneSVC, SVC, OneVsRestSVC))
    for machine in pairs, two, rest:
        f = machine.decision_function(X)
        assert f.shape == (80,)
        assert_array_equal(machine.predict(X), machine.classes_[(f > 0).astype(int)])
        assert_array_equal(machine.dual_coef_, two.dual_coef_)
        assert cross_val_score(machine, X, y, scoring="roc_auc").min() > 0.7


def test_what_makes_no_pairs_is_refused(refuses):
    X, y = blobs()
    with refuses(ValueError, "OneVsOneSVC: expected at least two classes"):
        OneVsOneSVC().fit(X, np.zeros(len(X), int))
    with refuses(ValueError, "C: expected a finite number above 0, got -1"):
        OneVsOneSVC(C=-1).fit(X, y)
    with refuses(RuntimeError, "call fit first"):
        OneVsOneSVC().predict(X)


def test_pairs_have_no_weights_of_classes():
    """They were accepted, and had no effect."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="class_weight: expected None, got 'balanced'"):
        OneVsOneSVC(class_weight="balanced").fit(rng.normal(size=(30, 2)), np.arange(30) % 3)


def test_stored_search_is_the_code_of_today():
    """The chapter on all of MNIST shows the function as it ran."""
    root = Path(__file__).parents[1]
    stored = json.loads((root / "data" / "runs" / "svm_growth.json").read_text(encoding="utf-8"))[
        "search"
    ]["code"]
    module = ast.parse((root / "studies" / "svm_search.py").read_text(encoding="utf-8"))
    (function,) = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    assert ast.unparse(ast.parse(stored)) == ast.unparse(function)
