"""MSELoss and BCEWithLogitsLoss: values, gradients, refusals."""

import copy
import pickle
from decimal import Decimal

import numpy as np
import pytest
from autograd import grad
from formulas import LOSSES
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from nnlib import (
    SGD,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Dense,
    Loss,
    MSELoss,
    Sequential,
    check_loss,
)

every_loss = pytest.mark.parametrize("loss", [kind() for kind in LOSSES], ids=repr)
LOGITS = [-1e4, -100.0, -30.0, -1.0, 0.0, 1e-3, 2.0, 90.0, 1e4]


def pair(rng, dtype=np.float64, shape=(4, 3)):
    """Predictions, and targets in [0, 1]."""
    return rng.normal(size=shape).astype(dtype), rng.uniform(size=shape).astype(dtype)


def exact_bce(p, t):
    return t * (1 + (-p).exp()).ln() + (1 - t) * (1 + p.exp()).ln()


@every_loss
@given(st.data())
def test_value_and_gradient_match_the_formula(loss, data):
    shape = data.draw(array_shapes(max_dims=3, max_side=4))
    p = data.draw(arrays(np.float64, shape, elements=st.floats(-20, 20)))
    t = data.draw(arrays(np.float64, shape, elements=st.floats(0, 1)))
    formula = LOSSES[type(loss)]
    value, gradient = loss.value_and_gradient(p, t)
    assert value == pytest.approx(formula(p, t), rel=1e-12, abs=1e-14)
    assert gradient.shape == shape
    assert_allclose(gradient, grad(formula)(p, t), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("logit", LOGITS)
def test_bce_is_right_over_the_whole_range(logit, target, dtype):
    p, t, eps = np.array([[logit]], dtype), np.array([[target]], dtype), float(np.finfo(dtype).eps)
    value, gradient = BCEWithLogitsLoss().value_and_gradient(p, t)
    exact = Decimal(p.item())
    assert value == pytest.approx(
        float(exact_bce(exact, Decimal(target))), rel=2 * eps, abs=2 * eps * abs(logit)
    )
    assert gradient.item() == pytest.approx(
        float(1 / (1 + (-exact).exp())) - target, rel=4 * eps, abs=eps
    )


@pytest.mark.parametrize("logit, value", [(-1e4, 0.0), (1e4, 1e4)])
def test_bce_of_an_extreme_logit_is_linear(logit, value, dtype):
    assert (
        BCEWithLogitsLoss().forward(np.array([[logit]], dtype), np.array([[0.0]], dtype)) == value
    )


def test_bce_of_a_certain_and_right_logit_keeps_its_digits():
    value = BCEWithLogitsLoss().forward([[-50.0]], [[0.0]])
    assert value == pytest.approx(float(Decimal(-50).exp()), rel=1e-12)


def test_mse_of_large_errors_is_finite(dtype):
    value, gradient = MSELoss().value_and_gradient(
        np.array([[1e4], [-1e4]], dtype), np.zeros((2, 1), dtype)
    )
    assert value == pytest.approx(1e8, rel=1e-6)
    assert_allclose(gradient, [[1e4], [-1e4]])


def test_mse_counts_all_elements():
    assert MSELoss().forward(np.full((2, 5), 3.0), np.zeros((2, 5))) == pytest.approx(9, rel=1e-15)


@every_loss
def test_forward_and_backward_are_value_and_gradient(loss, rng):
    p, t = pair(rng)
    value, gradient = loss.value_and_gradient(p, t)
    assert loss.forward(p, t) == value
    assert_array_equal(loss.backward(), gradient)


@every_loss
def test_the_value_is_a_float_and_the_gradient_keeps_the_dtype(loss, dtype, rng):
    value, gradient = loss.value_and_gradient(*pair(rng, dtype))
    assert type(value) is float and gradient.dtype == dtype and gradient.flags.forc


@every_loss
def test_float32_agrees_with_float64(loss, rng):
    p, t = pair(rng, np.float32)
    small, large = (
        loss.value_and_gradient(p, t),
        loss.value_and_gradient(p.astype(float), t.astype(float)),
    )
    assert small[0] == pytest.approx(large[0], rel=1e-6)
    assert_allclose(small[1], large[1], rtol=1e-5, atol=1e-7)


@every_loss
def test_layout_is_no_matter(loss, layout, dtype, rng):
    p, t = map(layout, pair(rng, dtype))
    value, gradient = loss.value_and_gradient(p, t)
    plain_value, plain = loss.value_and_gradient(np.array(p, dtype), np.array(t, dtype))
    assert value == plain_value
    assert_array_equal(gradient, plain)


@every_loss
def test_arguments_are_left_alone(loss, rng):
    p, t = pair(rng)
    before = p.copy(), t.copy()
    loss.forward(p, t)
    loss.backward()
    assert_array_equal(p, before[0])
    assert_array_equal(t, before[1])


@every_loss
def test_gradients_are_the_callers_own(loss, rng):
    p, t = pair(rng)
    loss.forward(p, t)
    first = loss.backward()
    expected = first.copy()
    first[...] = np.nan
    assert_array_equal(loss.backward(), expected)
    second = loss.backward()
    loss.forward(2 * p, t)
    loss.backward()
    assert_array_equal(second, expected)


@every_loss
def test_backward_before_forward_is_refused(loss, refuses):
    with refuses(RuntimeError, f"{loss!r}: call forward before backward"):
        type(loss)().backward()


@every_loss
@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 3), (3, 4), (3,), (1, 4, 3)], ids=str)
def test_targets_of_another_shape_are_refused(loss, shape, refuses):
    p = np.ones((4, 3))
    with refuses(ValueError, f"got {shape}", p):
        loss.forward(p, np.ones(shape))


def test_a_column_of_predictions_and_a_row_of_targets_are_refused(refuses):
    with refuses(ValueError, "targets: expected shape (4, 1), got (4,)"):
        MSELoss().forward(np.ones((4, 1)), np.ones(4))


@every_loss
@pytest.mark.parametrize(
    "p, t, error, words",
    [
        ([[1, 2]], [[1.0, 2.0]], TypeError, "predictions: expected floats, got dtype int64"),
        ([[1.0, 2.0]], [[True, False]], TypeError, "targets: expected floats, got dtype bool"),
        ([["a"]], [[1.0]], TypeError, "predictions: expected floats, got dtype <U1"),
        ([[1.0]], [[None]], TypeError, "targets: expected floats, got dtype object"),
        ([[1.0]], [[1j]], TypeError, "targets: expected dtype float64, got complex128"),
        (
            [[np.nan]],
            [[1.0]],
            ValueError,
            "predictions: expected finite numbers, got nan at index (0, 0)",
        ),
        (
            [[1.0]],
            [[np.inf]],
            ValueError,
            "targets: expected finite numbers, got inf at index (0, 0)",
        ),
        (
            np.ones((0, 2)),
            np.ones((0, 2)),
            ValueError,
            "predictions: expected at least one sample",
        ),
        (
            1.0,
            1.0,
            ValueError,
            "predictions: expected at least one sample, got an array of shape ()",
        ),
    ],
)
def test_bad_arrays_are_refused(loss, p, t, error, words, refuses):
    with refuses(error, words):
        loss.forward(p, t)


@every_loss
def test_a_refused_forward_keeps_the_gradient_before(loss, rng):
    loss.forward(*pair(rng))
    expected = loss.backward()
    with pytest.raises(TypeError):
        loss.forward([[1]], [[1]])
    assert_array_equal(loss.backward(), expected)


def test_a_loss_must_define_its_value(refuses):
    with refuses(NotImplementedError, "Loss must define value_into(p, t, dp)"):
        Loss().forward([[1.0]], [[1.0]])


@every_loss
def test_scratch_is_kept_while_the_shape_stays_and_left_out_of_copies(loss):
    loss, p = copy.deepcopy(loss), np.zeros((4, 500))
    loss.forward(p, p)
    kept = loss._scratch
    loss.forward(p + 1, p)
    assert loss._scratch is kept is not None
    loss.forward(p.astype(np.float32), p.astype(np.float32))
    assert loss._scratch.dtype == np.float32
    twin = pickle.loads(pickle.dumps(loss))
    assert twin._scratch is None
    assert_array_equal(twin.backward(), loss.backward())


def test_repr_is_a_call():
    assert repr(MSELoss()) == "MSELoss()"


@pytest.mark.parametrize("logit", [10.0, 40.0, 300.0, 700.0])
def test_cross_entropy_of_the_certain_and_right_keeps_its_digits(logit):
    """It is log(1 + exp(-z)): adding that to max(z, 0) before z t is subtracted would lose it."""
    loss = BCEWithLogitsLoss().forward(np.array([logit, -logit]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(loss, np.log1p(np.exp(-logit)), rtol=1e-14)


def test_mse_of_many_float32_keeps_its_digits():
    """A running sum of squares in float32 errs by 5e-4; the sum of NumPy 2.0 by 3e-6."""
    p = np.full((4, 1_000_000), 0.1, np.float32)
    loss = MSELoss().forward(p, np.zeros_like(p))
    assert abs(loss / float(p[0, 0]) ** 2 - 1) < 1e-5


def test_loss_that_overflows_is_refused():
    with pytest.raises(FloatingPointError, match="loss: expected a finite number, got inf"):
        MSELoss().forward(np.array([1e200]), np.array([0.0]))


# ---------------------------------------------------------------- several classes
def test_cross_entropy_is_scikit_learn_s_log_loss(rng, dtype):
    scores, labels = rng.normal(0, 3, (50, 7)).astype(dtype), rng.integers(7, size=50)
    value, gradient = CrossEntropyLoss().value_and_gradient(scores, labels)
    shares = np.exp(scores.astype(np.float64))
    shares /= shares.sum(1, keepdims=True)
    assert np.isclose(value, log_loss(labels, shares, labels=range(7)), rtol=3e-6)
    assert_allclose(gradient, (shares - np.eye(7)[labels]) / 50, atol=1e-7)
    assert gradient.dtype == dtype


def test_cross_entropy_of_labels_and_of_rows_is_one(rng):
    scores, labels = rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0], np.uint8)
    by_label = CrossEntropyLoss().value_and_gradient(scores, labels)
    by_row = CrossEntropyLoss().value_and_gradient(scores, np.eye(3)[labels])
    assert by_label[0] == by_row[0]
    assert_array_equal(by_label[1], by_row[1])


def test_cross_entropy_neither_overflows_nor_loses_a_tiny_loss():
    loss = CrossEntropyLoss()
    assert loss.forward([[1e4, 0.0, -1e4]], [2]) == 2e4
    assert np.isfinite(loss.backward()).all()
    assert np.isclose(loss.forward([[40.0, 0.0]], [0]), np.exp(-40), rtol=1e-10)


def test_gradient_of_cross_entropy_is_exact(rng):
    t = rng.random((6, 4))
    t /= t.sum(1, keepdims=True)
    for targets in (rng.integers(4, size=6), t):
        assert check_loss(CrossEntropyLoss(), rng.normal(0, 2, (6, 4)), targets) < 1e-14
        central = check_loss(CrossEntropyLoss(), rng.normal(size=(6, 4)), targets, "central")
        assert central < 1e-7


@pytest.mark.parametrize(
    ("targets", "error", "words"),
    [
        ([0, 3], ValueError, "targets: expected classes from 0 to 2, got 0 to 3"),
        ([-1, 0], ValueError, "targets: expected classes from 0 to 2, got -1 to 0"),
        (
            [0, 1, 2],
            ValueError,
            r"targets: expected a class for each of (2,) samples, got shape (3,)",
        ),
        ([[0], [1]], ValueError, "targets: expected a class for each of"),
        ([0.0, 1.0], TypeError, "targets: expected classes as integers, got dtype float64"),
        ([[1.0, 1, 0], [0, 0, 1]], ValueError, "rows of probabilities that add up to 1"),
        ([[2.0, -1, 0], [0, 0, 1]], ValueError, "rows of probabilities that add up to 1"),
        ([True, False], TypeError, "targets: expected classes as integers, got dtype bool"),
    ],
)
def test_targets_that_are_no_classes_are_refused(refuses, targets, error, words):
    with refuses(error, words):
        CrossEntropyLoss().forward(np.zeros((2, 3)), targets)


def test_a_network_learns_classes_from_labels(rng):
    X = rng.normal(size=(90, 2)).astype(np.float32)
    y = np.argmax(X @ np.array([[1.0, 0, -1], [0, 1, -1]]), axis=1)
    network = Sequential(Dense(2, 3, rng=0, dtype=np.float32))
    history = network.fit(
        X, y, loss=CrossEntropyLoss(), optimizer=SGD(1.0), epochs=300, validation_data=(X, y)
    )
    assert (network.predict(X).argmax(1) == y).mean() > 0.95
    assert history.val_loss[-1] < 0.25 < history.val_loss[0]
    assert np.isclose(network.evaluate(X, y, CrossEntropyLoss()), history.val_loss[-1])
    with pytest.raises(ValueError, match="y: expected classes from 0 to 2"):
        network.fit(X, y + 1, loss=CrossEntropyLoss(), optimizer=SGD(1.0), epochs=1)


@pytest.mark.parametrize("targets", [-1.0, 1.5, 255.0, np.nextafter(1, 2)])
def test_targets_outside_0_to_1_are_refused(targets, refuses):
    """A cross-entropy of gray levels, or of -1 and 1, became negative, and nothing was said."""
    t = np.array([[0.5], [targets]])
    words = "targets: expected targets from 0 to 1, got "
    with refuses(ValueError, words):
        BCEWithLogitsLoss().forward(np.zeros((2, 1)), t)


def test_masked_classes_are_refused(refuses):
    """The mask was dropped, and the class behind it was learned."""
    with refuses(TypeError, "targets: expected an array without a mask"):
        CrossEntropyLoss().forward(np.zeros((2, 3)), np.ma.masked_equal([0, 2], 2))


def test_many_classes_need_no_square_of_them():
    p = np.zeros((2, 100_000))
    assert CrossEntropyLoss().forward(p, [0, 99_999]) == pytest.approx(np.log(100_000))


@pytest.mark.parametrize("loss", [MSELoss(), BCEWithLogitsLoss(), CrossEntropyLoss()], ids=repr)
def test_three_axes_are_rows_of_samples(loss, rng):
    p, t = rng.normal(size=(2, 3, 4)), rng.dirichlet(np.ones(4), size=(2, 3))
    value, gradient = loss.value_and_gradient(p, t)
    flat_value, flat_gradient = loss.value_and_gradient(p.reshape(6, 4), t.reshape(6, 4))
    assert value == pytest.approx(flat_value, rel=1e-15)
    assert_allclose(gradient.reshape(6, 4), flat_gradient, rtol=1e-15)
