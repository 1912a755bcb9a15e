"""StandardScaler and PCA: what they learn, as scikit-learn does, and their manners."""

import pickle
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import decomposition, exceptions, preprocessing
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from nnlib import PCA, SVC, OneVsRestSVC, StandardScaler
from nnlib.estimator import Estimator, NotFittedError, blockwise_moments
from nnlib.preprocessing import Transformer, fix_signs, principal_axes

BOTH = [StandardScaler, PCA]
SCALER = ["mean_", "var_", "scale_"]
AXES = ["mean_", "components_", "explained_variance_", "explained_variance_ratio_"]


def samples(rng, n=40, d=6, dtype=np.float64):
    """A cloud whose axes are well apart, away from the origin."""
    turned = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (rng.normal(size=(n, d)) * 3.0 ** -np.arange(d) @ turned + [5.0] * d).astype(dtype)


numbers = st.floats(-1000, 1000, allow_subnormal=False).map(lambda x: round(x, 3))
tables = st.tuples(st.integers(1, 8), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=numbers)
)


# ---------------------------------------------------------------- the scaler
@given(tables)
def test_the_scaler_learns_what_scikit_learn_does(X):
    ours, theirs = StandardScaler().fit(X), preprocessing.StandardScaler().fit(X)
    for name in SCALER:
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-12, atol=1e-12)
    assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-9, atol=1e-9)


def test_the_scaler_in_single_precision(rng):
    X = samples(rng, dtype=np.float32)
    ours, theirs = StandardScaler().fit(X), preprocessing.StandardScaler().fit(X)
    for name in SCALER:
        assert getattr(ours, name).dtype == np.float64
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-13)
    exact = preprocessing.StandardScaler().fit_transform(X.astype(np.float64))
    assert_allclose(ours.transform(X), exact, rtol=3e-7)


def test_what_is_scaled_has_mean_0_and_variance_1(rng, dtype):
    Z = StandardScaler().fit_transform(samples(rng, dtype=dtype))
    accuracy = 100 * np.finfo(dtype).eps
    assert Z.dtype == dtype
    assert_allclose(Z.mean(0, dtype=float), 0, atol=accuracy)
    assert_allclose(Z.var(0, dtype=float), 1, rtol=accuracy)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e-300, 1e9])
@pytest.mark.parametrize("n", [1, 3, 1000, 5000])
def test_a_constant_feature_is_only_shifted(value, n, dtype):
    X = np.full((n, 2), value, dtype)
    scaler = StandardScaler().fit(X)
    assert_array_equal(scaler.scale_, 1)
    assert_allclose(scaler.transform(X), 0, atol=1e-12 * abs(value))


def test_a_feature_that_hardly_varies_is_scaled():
    X = 1e-9 * np.arange(10.0)[:, None]
    assert_allclose(StandardScaler().fit(X).scale_, 1e-9 * np.arange(10.0).std(), rtol=1e-13)


def test_a_large_mean_costs_no_digits(rng):
    """In single precision the mean is not rounded before it is subtracted."""
    X = (1e6 + rng.normal(size=(3000, 2))).astype(np.float32)
    Z = StandardScaler().fit_transform(X)
    exact = (X.astype(float) - X.mean(0, dtype=float)) / X.std(0, dtype=float)
    assert_allclose(Z, exact, rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------- principal components
@pytest.mark.parametrize("shape", [(40, 6), (6, 6), (4, 6), (2, 3), (2, 1), (3000, 4)], ids=str)
def test_the_components_are_those_of_scikit_learn(rng, shape):
    X = samples(rng, *shape)
    k = min(*shape, shape[0] - 1)  # the last of n <= d has no variance, and any direction
    ours, theirs = PCA(k).fit(X), decomposition.PCA(k, svd_solver="full").fit(X)
    for name in AXES:
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-11)
    assert ours.n_components_ == theirs.n_components_ == k
    assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-9, atol=1e-11)
    assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        theirs.inverse_transform(theirs.transform(X)),
        rtol=1e-10,
    )


@given(tables.filter(lambda X: len(X) > 1))
def test_all_components_give_everything_back(X):
    pca = PCA().fit(X)
    assert pca.n_components_ == min(X.shape)
    assert_allclose(pca.inverse_transform(pca.transform(X)), X, rtol=1e-10, atol=1e-10)
    assert_allclose(pca.components_ @ pca.components_.T, np.eye(min(X.shape)), atol=1e-12)
    assert (pca.explained_variance_ >= 0).all()
    assert_allclose(pca.explained_variance_.sum(), X.var(0, ddof=1).sum(), rtol=1e-10, atol=1e-9)
    if np.ptp(X, axis=0).any():
        assert_allclose(pca.explained_variance_ratio_.sum(), 1, rtol=1e-12)


@given(tables.filter(lambda X: len(X) > 1), st.data())
def test_what_is_lost_is_the_variance_left_out(X, data):
    k = data.draw(st.integers(1, min(X.shape)))
    pca, full = PCA(k).fit(X), PCA().fit(X)
    lost = ((pca.inverse_transform(pca.transform(X)) - X) ** 2).sum()
    left_out = (len(X) - 1) * full.explained_variance_[k:].sum()
    assert_allclose(lost, left_out, rtol=1e-8, atol=1e-6)


@pytest.mark.parametrize("shape", [(40, 6), (4, 6)], ids=["tall", "wide"])
def test_single_precision_in_and_out(rng, shape):
    X = samples(rng, *shape, dtype=np.float32)
    short, long = PCA(3).fit(X), PCA(3).fit(X.astype(np.float64))
    for name in AXES:
        assert getattr(short, name).dtype == np.float64
        assert_array_equal(getattr(short, name), getattr(long, name))
    Z = short.transform(X)
    assert Z.dtype == short.inverse_transform(Z).dtype == np.float32
    assert_allclose(Z, long.transform(X.astype(float)), rtol=1e-5, atol=1e-5)


def test_single_precision_far_from_the_origin(rng):
    cloud = samples(rng, 3000, 4) * 100
    X = (cloud + 1e6).astype(np.float32)
    exact = decomposition.PCA(2, svd_solver="full").fit(X.astype(float))
    ours = PCA(2).fit(X)
    assert_allclose(ours.components_, exact.components_, rtol=1e-9, atol=1e-10)
    assert_allclose(ours.transform(X), exact.transform(X.astype(float)), rtol=1e-4, atol=1e-4)


def test_signs_make_the_largest_entry_positive(rng):
    axes = rng.normal(size=(50, 7))
    fixed = fix_signs(axes)
    assert (fixed.max(1) == np.abs(axes).max(1)).all()
    assert_array_equal(np.abs(fixed), np.abs(axes))
    assert_array_equal(fix_signs(-axes), fixed)


def test_signs_of_a_tie_and_of_zeros():
    assert fix_signs(np.array([[-1.0, 1.0], [0.0, 0.0]])).tolist() == [[1, -1], [0, 0]]


def test_components_do_not_depend_on_the_order_of_rows(rng):
    X = samples(rng)
    assert_allclose(PCA().fit(X[::-1]).components_, PCA().fit(X).components_, atol=1e-11)


def test_tall_and_wide_meet(rng):
    """For as many samples as features either way serves, and both agree."""
    X = samples(rng, 6, 6)
    mean, variances, axes = principal_axes(X)
    _, s, other = np.linalg.svd(X - mean, full_matrices=False)
    assert_allclose(variances, s**2 / 5, atol=1e-12)
    assert_allclose(fix_signs(axes[:5]), fix_signs(other[:5]), atol=1e-9)


def test_constant_data_have_no_variance_to_share(dtype):
    pca = PCA().fit(np.full((3, 2), 0.5, dtype))
    assert_array_equal(pca.explained_variance_, 0)
    assert_array_equal(pca.explained_variance_ratio_, 0)


def test_the_share_is_in_the_whole_variance(rng):
    X = samples(rng)
    shares = PCA().fit(X).explained_variance_ratio_
    assert_allclose(PCA(2).fit(X).explained_variance_ratio_, shares[:2], rtol=1e-14)
    assert_allclose(shares.sum(), 1, rtol=1e-14)


@pytest.mark.parametrize("rows", [1, 7, 40, 100])
def test_blocks_of_any_size_sum_to_the_same(rng, rows):
    X = samples(rng)
    mean, total = blockwise_moments(X, lambda block: block.T @ block, rows)
    assert_allclose(mean, X.mean(0), rtol=1e-14)
    assert_allclose(total, 39 * np.cov(X.T), rtol=1e-12, atol=1e-13)


def test_no_copy_of_the_data_is_made(rng):
    """Fitting holds blocks of rows: their number, not that of the samples, sets the memory."""
    import tracemalloc

    X = rng.normal(size=(60_000, 20)).astype(np.float32)
    for model in (StandardScaler(), PCA(2)):
        tracemalloc.start()
        model.fit(X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < X.nbytes / 2


# ---------------------------------------------------------------- manners
@pytest.mark.parametrize("make", BOTH)
class TestBoth:
    def test_fit_returns_the_estimator(self, make, rng):
        model = make()
        assert model.fit(samples(rng)) is model

    def test_fit_transform_is_fit_then_transform(self, make, rng):
        X = samples(rng)
        assert_array_equal(make().fit_transform(X), make().fit(X).transform(X))
        assert_array_equal(make().fit_transform(X, np.ones(40)), make().fit(X, None).transform(X))

    def test_inverse_transform_undoes(self, make, rng, dtype):
        X = samples(rng, dtype=dtype)
        model = make().fit(X)
        back = model.inverse_transform(model.transform(X))
        assert back.dtype == dtype
        assert_allclose(back, X, rtol=30 * np.finfo(dtype).eps)

    def test_nothing_given_is_changed(self, make, rng):
        X = samples(rng)
        before = X.copy()
        model = make().fit(X)
        Z = model.transform(X)
        kept = Z.copy()
        model.inverse_transform(Z)
        assert_array_equal(X, before)
        assert_array_equal(Z, kept)

    def test_layouts_in_memory_make_no_difference(self, make, rng, layout):
        X = layout(samples(rng, dtype=np.float32))
        copy = np.array(X, np.float32, order="C")
        model, same = make().fit(X), make().fit(copy)
        if np.ptp(copy, axis=0).any():
            assert_allclose(model.transform(X), same.transform(copy), rtol=1e-4, atol=1e-5)

    def test_half_precision_is_computed_in_single(self, make, rng):
        X = samples(rng, dtype=np.float16)
        assert make().fit_transform(X).dtype == np.float32

    def test_lists_of_floats_serve(self, make):
        assert make().fit_transform([[1.0, 2.0], [3.0, 5.0]]).shape == (2, 2)

    def test_a_second_fit_forgets_the_first(self, make, rng):
        X, other = samples(rng), samples(rng, 30, 4)
        assert_array_equal(make().fit(X).fit(other).transform(other), make().fit_transform(other))

    @pytest.mark.parametrize("method", ["transform", "inverse_transform"])
    def test_fit_comes_first(self, make, method, rng, refuses):
        with refuses(RuntimeError, "call fit first"):
            getattr(make(), method)(samples(rng))

    @pytest.mark.parametrize("method", ["transform", "inverse_transform"])
    @pytest.mark.parametrize("shape", [(40, 5), (40, 7), (6,), (2, 3, 6), (0, 6)], ids=str)
    def test_other_shapes_are_refused(self, make, method, shape, rng, refuses):
        model, other = make().fit(samples(rng)), np.ones(shape)
        words = "at least one sample" if 0 in shape else f"expected shape (any, 6), got {shape}"
        with refuses(ValueError, words, other):
            getattr(model, method)(other)

    @pytest.mark.parametrize(
        ("X", "error", "words"),
        [
            (
                np.ma.masked_equal([[1.0, 2.0], [3.0, 9.0]], 9),
                TypeError,
                "X: expected an array without a mask",
            ),
            ([[1.0, 2.0], [3.0]], ValueError, "X: expected rows of one length, got a ragged list"),
            (object(), TypeError, "X: expected an array, got object"),
            (np.ones((3, 2), complex), TypeError, "expected dtype float64, got complex128"),
            ([["a"]], TypeError, "expected floats, got dtype <U1"),
            (np.array([[1.5, "2"]], object), TypeError, "X: expected numbers, got '2': argument"),
            (np.array([[1.5, None]], object), ValueError, "got nan at index (0, 1)"),
            (np.array([[1.5, 10**400]], object), ValueError, "got inf at index (0, 1)"),
            (np.array([[1.5, {}]], object), TypeError, "X: expected numbers, got {}: float() arg"),
            (sparse.csr_array(np.eye(2)), TypeError, "got a sparse csr_array; convert with"),
            (np.ones(3), ValueError, "expected shape (any, any), got (3,). Reshape your data"),
            (np.ones((0, 3)), ValueError, "at least one sample"),
            (np.ones((3, 0)), ValueError, "at least one feature, got 0 feature(s) (shape=(3, 0))"),
            (np.array([[1.0], [np.nan]]), ValueError, "got nan at index (1, 0)"),
            (np.array([[1.0, np.inf]], np.float32), ValueError, "got inf at index (0, 1)"),
            (np.array([[1e200], [-1e200]]), ValueError, "got numbers from -1e+200 to 1e+200"),
            (np.array([[1e308], [1e308]]), ValueError, "whose squares have a finite sum"),
            (np.array([[1e200, 0, 0], [-1e200, 1, 2]]), ValueError, "have a finite sum"),
        ],
        ids=lambda value: "",
    )
    def test_bad_samples_are_refused(self, make, X, error, words, refuses):
        with refuses(error, words):
            make().fit(X)

    def test_integers_are_samples(self, make, rng):
        whole = rng.integers(0, 256, (40, 6))
        for X in (whole, whole.astype(np.uint8), whole.tolist()):
            assert_array_equal(make().fit_transform(X), make().fit_transform(whole.astype(float)))
        assert make().fit_transform(whole > 99).dtype == np.float64

    def test_an_interrupted_fit_leaves_all_as_it_was(self, make, rng, monkeypatch):
        """It left the new mean beside the old components, and predicted on."""
        model = make().fit(samples(rng))
        before = dict(vars(model))

        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr("nnlib.preprocessing.fix_signs", interrupt)
        monkeypatch.setattr(np, "where", interrupt)
        with pytest.raises(KeyboardInterrupt):
            model.fit(samples(rng) + 100)
        assert all(vars(model)[name] is value for name, value in before.items())

    def test_a_refused_fit_learns_nothing(self, make):
        model = make()
        with pytest.raises(ValueError):
            model.fit(np.array([[1e200], [-1e200]]))
        with pytest.raises(RuntimeError):
            model.transform(np.ones((1, 1)))


@pytest.mark.parametrize("k", [0, -1, 4, 2.0, 0.5, True, "mle", [1], np.nan], ids=repr)
def test_bad_numbers_of_components_are_refused(k, refuses):
    words = f"n_components: expected an int of at least 1 and of at most 3, got {k!r}"
    with refuses(ValueError if type(k) is int else TypeError, words):
        PCA(k).fit(np.ones((5, 3)))


@pytest.mark.parametrize("k", [1, np.int64(2), 3, np.uint8(2)], ids=repr)
def test_whole_numbers_of_components_serve(k, rng):
    pca = PCA(k).fit(samples(rng, 5, 3))
    assert pca.n_components_ == k and type(pca.n_components_) is int
    assert pca.components_.shape == (k, 3)


def test_components_are_at_most_the_samples(refuses):
    with refuses(
        ValueError, "n_components: expected an int of at least 1 and of at most 2, got 3"
    ):
        PCA(3).fit(np.ones((2, 3)))


def test_one_sample_has_no_variance(refuses):
    with refuses(ValueError, "X: expected at least two samples, got 1"):
        PCA().fit(np.ones((1, 3)))


# ---------------------------------------------------------------- scikit-learn's protocol
def test_parameters_by_name():
    assert StandardScaler().get_params() == {"with_mean": True, "with_std": True}
    pca = PCA(3)
    assert pca.get_params() == pca.get_params(deep=False) == {"n_components": 3, "whiten": False}
    pca = PCA()
    assert pca.set_params(n_components=2) is pca and pca.n_components == 2
    assert pca.set_params() is pca


def test_unknown_parameters_are_refused_before_any_is_set(refuses):
    pca = PCA(3)
    with refuses(ValueError, "expected parameters among ['n_components', 'whiten'], got 'k'"):
        pca.set_params(n_components=2, k=True)
    assert pca.n_components == 3


def test_repr_is_a_call():
    assert repr(StandardScaler()) == "StandardScaler()"
    assert repr(PCA(3)) == "PCA(n_components=3)" and repr(PCA()) == "PCA()"
    assert repr(StandardScaler(with_std=False)) == "StandardScaler(with_std=False)"


@pytest.mark.parametrize("model", [StandardScaler(), PCA(2)], ids=repr)
def test_a_clone_has_the_parameters_and_nothing_learned(model, rng, refuses):
    model.fit(samples(rng))
    twin = clone(model)
    assert twin is not model and twin.get_params() == model.get_params()
    with refuses(RuntimeError, "call fit first"):
        twin.transform(samples(rng))


def test_in_a_pipeline(rng):
    X = samples(rng)
    ours, theirs = (
        make_pipeline(StandardScaler(), PCA(2)),
        make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(2, svd_solver="full")),
    )
    Z = ours.fit(X).transform(X)
    assert_allclose(Z, theirs.fit(X).transform(X), atol=1e-11)
    assert_allclose(ours.inverse_transform(Z), theirs.inverse_transform(Z), atol=1e-11)
    assert "PCA(n_components=2)" in repr(ours)


def test_in_a_grid_search(rng):
    X = samples(rng, 60)
    y = (X[:, 0] > 5).astype(int)

    def search(*steps):
        pipeline = make_pipeline(*steps, KNeighborsClassifier(3))
        return GridSearchCV(pipeline, {"pca__n_components": [1, 3, 6]}, cv=3).fit(X, y)

    ours = search(StandardScaler(), PCA())
    theirs = search(preprocessing.StandardScaler(), decomposition.PCA(svd_solver="full"))
    assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    assert ours.best_params_ == theirs.best_params_


class Majority(Estimator):
    """The most frequent class, for everything: the least that a classifier can be."""

    _estimator_type = "classifier"

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.best_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        self._check_fitted()
        return np.full(len(X), self.best_)

    def score(self, X, y):
        return float(np.mean(self.predict(X) == y))


def test_a_classifier_is_taken_for_one(rng):
    """Its folds are stratified, so that each has the share of the larger class."""
    y = np.repeat([0, 1], [40, 20])
    pipeline = make_pipeline(StandardScaler(), Majority())
    assert_allclose(cross_val_score(pipeline, samples(rng, 60), y, cv=4), 2 / 3)


def test_scikit_learn_is_told_what_each_is():
    transformer, classifier = get_tags(PCA()), get_tags(Majority())
    assert transformer.estimator_type is None and classifier.estimator_type == "classifier"
    assert (transformer.target_tags.required, classifier.target_tags.required) == (False, True)
    assert transformer.transformer_tags and not transformer.classifier_tags
    assert classifier.classifier_tags and not classifier.transformer_tags


@pytest.mark.parametrize("method", ["fit", "_map", "_unmap"])
def test_the_base_class_says_what_a_subclass_must_define(method, refuses):
    with refuses(NotImplementedError, f"Transformer must define {method}("):
        getattr(Transformer(), method)(np.ones((2, 1)))


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_shift_and_scale_can_be_left_out(with_mean, with_std, rng, dtype):
    X = samples(rng, dtype=dtype)
    options = {"with_mean": with_mean, "with_std": with_std}
    ours = StandardScaler(**options).fit(X)
    theirs = preprocessing.StandardScaler(**options).fit(X)
    for name in [*SCALER, "n_samples_seen_", "n_features_in_"]:
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert (mine is None) == (other is None), name
        if mine is not None:
            assert_allclose(mine, other, rtol=1e-12)
    Z = ours.transform(X)
    assert Z.dtype == dtype
    assert_allclose(Z, theirs.transform(X), rtol=1e-5, atol=1e-5)
    assert_allclose(ours.inverse_transform(Z), X, rtol=1e-5)


@pytest.mark.parametrize("k", [None, 2])
def test_whitened_components_are_scikit_learn_s(k, rng, dtype):
    X = samples(rng, dtype=dtype)
    ours = PCA(k, whiten=True).fit(X)
    theirs = decomposition.PCA(k, whiten=True, svd_solver="full").fit(X.astype(float))
    Z = ours.transform(X)
    assert Z.dtype == dtype
    assert_allclose(
        Z, theirs.transform(X.astype(float)), atol=1e-2 if dtype == np.float32 else 1e-9
    )
    assert_allclose(Z.var(0, ddof=1), 1, rtol=1e-3)
    back = ours.inverse_transform(Z)
    assert back.dtype == dtype
    assert_allclose(back, theirs.inverse_transform(Z), rtol=1e-5)


def test_an_axis_without_variance_is_whitened_to_nothing():
    X = np.outer(np.arange(4.0), [1.0, 2.0])
    assert_allclose(np.abs(PCA(whiten=True).fit_transform(X)[:, 0].std(ddof=1)), 1)
    assert np.isfinite(PCA(whiten=True).fit_transform(X)).all()


@pytest.mark.parametrize(
    "model",
    [StandardScaler(with_mean=1), StandardScaler(with_std=None), PCA(whiten="no")],
    ids=repr,
)
def test_options_are_true_or_false(model, refuses):
    with refuses(TypeError, "expected True or False, got"):
        model.fit(np.eye(3))


@pytest.mark.parametrize("make", BOTH)
def test_features_are_counted_and_named(make, rng, refuses):
    model = make().fit(samples(rng))
    assert model.n_features_in_ == 6 and not hasattr(model, "feature_names_in_")
    other = {StandardScaler: preprocessing.StandardScaler, PCA: decomposition.PCA}[make]()
    other.fit(samples(rng))
    for incoming in None, list("abcdef"):
        names = model.get_feature_names_out(incoming)
        assert_array_equal(names, other.get_feature_names_out(incoming))
        assert names.dtype == object
    with refuses(ValueError, "input_features: expected 6 names, got ['a']"):
        model.get_feature_names_out(["a"])
    with refuses(NotFittedError, "call fit first"):
        make().get_feature_names_out()
    pipeline = make_pipeline(make(), StandardScaler()).fit(samples(rng))
    assert pipeline.n_features_in_ == 6 and len(pipeline.get_feature_names_out()) == 6


def test_output_is_an_array_unless_a_frame_is_asked_for(rng, refuses):
    X = samples(rng)
    scaler = StandardScaler().fit(X)
    assert scaler.set_output() is scaler.set_output(transform="default") is scaler
    assert type(scaler.transform(X)) is np.ndarray
    known = "'default', 'pandas', 'polars', None"
    with refuses(ValueError, f"transform: expected one of {known}, got 'x'"):
        scaler.set_output(transform="x")


# ---------------------------------------------------------------- errors of scikit-learn's kind
def test_an_unfitted_estimator_raises_an_error_that_scikit_learn_s_users_catch(rng):
    with pytest.raises(exceptions.NotFittedError) as caught:
        PCA().transform(samples(rng))
    assert (
        isinstance(caught.value, NotFittedError)
        and type(caught.value).__name__ == "NotFittedError"
    )
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is NotFittedError and again.args == caught.value.args


def test_without_scikit_learn_the_error_is_ours(monkeypatch, rng):
    monkeypatch.delitem(sys.modules, "sklearn.exceptions")
    with pytest.raises(NotFittedError) as caught:
        PCA().transform(samples(rng))
    assert type(caught.value) is NotFittedError


def peak_of(work):
    """Measure the memory that a call needs beside what was there, in bytes."""
    import tracemalloc

    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64, np.float16, ">f4", np.longdouble])
@pytest.mark.parametrize("make", [StandardScaler, lambda: PCA(2)], ids=["StandardScaler", "PCA"])
def test_numbers_of_any_kind_are_converted_in_blocks(kind, make, rng, tmp_path):
    """Integers were converted whole before the first block was looked at: a file of bytes took
    eight times its size.
    """
    shape = 100_000, 20
    X = np.memmap(tmp_path / "X", kind, "w+", shape=shape)
    X[...] = rng.integers(0, 100, shape)
    model = make()
    assert peak_of(lambda: model.fit(X)) < 3e6
    outputs = 8 * shape[0] * (20 if isinstance(model, StandardScaler) else 2)
    assert peak_of(lambda: model.transform(X)) < outputs + 3e6
    usual = make().fit(np.array(X, float))
    assert_allclose(model.mean_, usual.mean_, rtol=1e-12)
    atol = 1e-12 if np.dtype(kind).itemsize > 4 or np.dtype(kind).kind != "f" else 1e-4
    assert_allclose(model.transform(X[:99]), usual.transform(np.array(X[:99], float)), atol=atol)


@pytest.mark.parametrize("n", [1, 1023, 1024, 1025, 3000])
@pytest.mark.parametrize("make", [StandardScaler, lambda: PCA(2, whiten=True)])
def test_no_sample_is_lost_between_blocks(make, n, rng, dtype):
    model, X = make().fit(rng.normal(size=(50, 4))), rng.normal(size=(n, 4)).astype(dtype)
    whole = model._map((X - model._origin).astype(dtype))
    assert model.transform(X).dtype == dtype
    assert_allclose(model.transform(X), whole, rtol=1e-6 if dtype == np.float32 else 1e-13)


def test_a_result_that_overflows_in_a_later_block_is_refused(refuses):
    scaler = StandardScaler().fit([[0.0], [1e-10]])
    X = np.zeros((3000, 1))
    X[-1] = 1e300
    with refuses(ValueError, "X: expected numbers that can be mapped without an overflow"):
        scaler.transform(X)


@pytest.mark.parametrize("scale", [1e-320, 1e-162, 1e-155, 1e-100, 1e100, 1e150])
@pytest.mark.parametrize("shape", [(6, 3), (3, 6)])
@pytest.mark.parametrize("kind", BOTH)
def test_numbers_of_every_size_make_no_noise(kind, shape, scale, rng):
    """Variances underflowed aloud, and raised where NumPy was told to raise."""
    X = rng.uniform(0.5, 1.5, shape) * scale
    with np.errstate(all="raise"):
        Z = kind().fit_transform(X)
    assert np.isfinite(Z).all()


@pytest.mark.parametrize("shape", [(3, 3), (3, 6)])
def test_components_whose_variances_overflow_are_refused(shape, refuses):
    """They were infinite, and their shares 0; NumPy warned. Each feature's variance is finite."""
    X = np.zeros(shape)
    X[:2] = [[8e153], [-8e153]]
    assert np.isfinite(StandardScaler().fit(X).var_).all()
    with np.errstate(all="raise"), refuses(ValueError, "X: expected numbers whose squares have a"):
        PCA().fit(X)


@pytest.mark.parametrize("kind", ["numpy", 3, np.ones(2), ["pandas"]], ids=repr)
def test_an_unknown_kind_of_output_is_named(kind, refuses):
    """An array got NumPy's own message."""
    error = ValueError if isinstance(kind, str) else TypeError
    with refuses(error, "transform: expected one of 'default', 'pandas', 'polars', None, got "):
        StandardScaler().set_output(transform=kind)


# Tables, whatever library has made them


class Table:
    """What a table has: columns with names, rows with an index, and numbers."""

    def __init__(self, values, columns, index=None):
        self.values, self.columns, self.index = np.asarray(values), columns, index

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype or self.values.dtype)


def test_names_of_columns_are_learned_and_checked(rng):
    X = rng.normal(size=(8, 2))
    scaler = StandardScaler().fit(Table(X, ["size", "weight"]))
    assert scaler.feature_names_in_.tolist() == ["size", "weight"]
    assert scaler.get_feature_names_out().tolist() == ["size", "weight"]
    Z = scaler.transform(Table(X, ["size", "weight"]))
    assert_array_equal(Z, StandardScaler().fit_transform(X))
    with pytest.raises(ValueError, match=r"X: expected the columns \['size', 'weight'\], in this"):
        scaler.transform(Table(X, ["weight", "size"]))
    scaler.fit(X)
    assert not hasattr(scaler, "feature_names_in_")


def test_names_that_cannot_be_compared_are_told(rng):
    X = rng.normal(size=(8, 2))
    with pytest.warns(UserWarning, match="X: has no names of columns, and PCA was fitted with"):
        PCA(1).fit(Table(X, ["size", "weight"])).transform(X)
    with pytest.warns(UserWarning, match="X: has names of columns, and PCA was fitted without"):
        PCA(1).fit(X).transform(Table(X, ["size", "weight"]))
    PCA(1).fit(Table(X, [0, 1])).transform(X)  # numbers are no names


def test_warnings_point_at_the_line_that_called(rng):
    """Those of machines pointed into the package, where a warning is shown only once."""
    X, y = rng.normal(size=(30, 2)), np.arange(30) % 3
    table, apart = Table(X, ["size", "weight"]), np.square(X[:, None] - X).sum(-1)
    two = SVC().fit(table, y == 0)
    three, pairs = OneVsRestSVC().fit(table, y), SVC(kernel="linear").fit(table, y)
    warn: list[Callable] = [
        lambda: StandardScaler().fit(table).transform(X),
        lambda: PCA(1).fit(X).transform(table),
        lambda: two.predict(X),
        lambda: two.certificate(X, y == 0),
        lambda: three.score(X, y),
        lambda: three.certificates(X, y),
        lambda: pairs.predict(X),
        lambda: pairs.decision_function(X),
        lambda: SVC(max_iter=3).fit(X, y),
        lambda: OneVsRestSVC(max_iter=3).fit(X, y),
        lambda: SVC(kernel="linear").fit(X + 1e12, y),
        lambda: SVC(kernel="precomputed").fit(apart, y),
    ]
    for call in warn:
        with pytest.warns(Warning, match="SVC|PCA|StandardScaler") as found:
            call()
        assert {(each.filename, each.lineno) for each in found} == {
            (__file__, call.__code__.co_firstlineno)
        }


def test_columns_of_which_some_have_names_are_refused(rng, refuses):
    with refuses(TypeError, "X: expected names of columns that are all strings, or none of them"):
        StandardScaler().fit(Table(rng.normal(size=(8, 2)), ["size", 1]))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_are_made_by_the_library_that_was_asked_for(library, rng, monkeypatch):
    """With the names of the outputs, and in pandas the index of the rows, if there is one."""

    def frame(Z, **options):
        return Z, {name: None if value is None else list(value) for name, value in options.items()}

    def polars(Z, schema, orient):
        assert orient == "row"
        return frame(Z, columns=schema)

    module = SimpleNamespace(DataFrame=frame if library == "pandas" else polars)
    monkeypatch.setitem(sys.modules, library, module)
    X, index = rng.normal(size=(4, 2)), ["a", "b", "c", "d"]
    scaler = StandardScaler().set_output(transform=library)
    Z, options = scaler.fit_transform(Table(X, ["size", "weight"], index))
    assert_array_equal(Z, StandardScaler().fit_transform(X))
    rows = {"index": index} if library == "pandas" else {}
    assert options == {"columns": ["size", "weight"], **rows}
    _, options = scaler.fit(X).transform(X)
    assert options == {"columns": ["x0", "x1"], **dict.fromkeys(rows)}
    assert type(scaler.set_output(transform="default").transform(X)) is np.ndarray
