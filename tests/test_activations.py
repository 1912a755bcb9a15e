"""ReLU, Sigmoid, Tanh and Softmax: values, derivatives, and the ends of the number line."""

from decimal import Decimal

import numpy as np
import pytest
from autograd import grad
from formulas import ACTIVATIONS
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from nnlib import ReLU, Sigmoid, Softmax, Tanh

EXTREMES = [-1e4, -750.0, -100.0, -30.0, -1.0, -1e-3, 0.0, 1e-3, 0.5, 20.0, 90.0, 750.0, 1e4]


def exact_sigmoid(x):
    return 1 / (1 + (-Decimal(x)).exp())


def exact_tanh(x):
    return 2 * exact_sigmoid(2 * x) - 1


def within(dtype, ulps):
    """Tolerance of a few units in the last place, and of the smallest normal number."""
    return {"rtol": ulps * np.finfo(dtype).eps, "atol": float(np.finfo(dtype).tiny)}


@pytest.mark.parametrize("kind, exact", [(Sigmoid, exact_sigmoid), (Tanh, exact_tanh)])
def test_values_are_right_to_the_last_digits_over_the_whole_range(kind, exact, dtype):
    x = np.array([EXTREMES], dtype)
    expected = [[float(exact(v)) for v in x[0].tolist()]]
    assert_allclose(kind().forward(x), expected, **within(dtype, 4))


def test_sigmoid_derivative_is_right_over_the_whole_range(dtype):
    x = np.array([EXTREMES], dtype)
    s = [exact_sigmoid(v) for v in x[0].tolist()]
    layer = Sigmoid()
    layer.forward(x)
    expected = [[float(v * (1 - v)) for v in s]]
    assert_allclose(layer.backward(np.ones_like(x)), expected, rtol=0, atol=np.finfo(dtype).eps)


def test_tanh_derivative_is_right_over_the_whole_range(dtype):
    x = np.array([EXTREMES], dtype)
    layer = Tanh()
    layer.forward(x)
    expected = [[float(1 - exact_tanh(v) ** 2) for v in x[0].tolist()]]
    assert_allclose(
        layer.backward(np.ones_like(x)), expected, rtol=0, atol=2 * np.finfo(dtype).eps
    )


def test_softmax_is_right_for_rows_of_any_size(dtype):
    x = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4], [1, 2, 3], [700, 701, 702]], dtype)
    rows = [[Decimal(v).exp() for v in row] for row in x.tolist()]
    expected = [[float(v / sum(row)) for v in row] for row in rows]
    assert_allclose(Softmax().forward(x), expected, **within(dtype, 4))


@given(
    arrays(
        np.float64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-1e4, 1e4)
    )
)
def test_softmax_rows_are_probabilities(x):
    y = Softmax().forward(x)
    assert (y >= 0).all()
    assert_allclose(y.sum(axis=1), 1, rtol=1e-14)


def test_softmax_does_not_see_a_shift_of_the_row(rng):
    x = rng.normal(size=(4, 3))
    assert_allclose(Softmax().forward(x + 1e3), Softmax().forward(x), rtol=1e-12)


@pytest.mark.parametrize("kind", ACTIVATIONS)
@given(st.data())
def test_gradients_match_autograd(kind, data):
    shape = data.draw(array_shapes(min_dims=2, max_dims=2, max_side=5))
    values = st.floats(-8, 8).filter(lambda v: abs(v) > 1e-3)
    x, g = (data.draw(arrays(np.float64, shape, elements=values)) for _ in range(2))
    layer, formula = kind(), ACTIVATIONS[kind]
    assert_allclose(layer.forward(x), formula(x), rtol=1e-12, atol=1e-14)
    assert_allclose(
        layer.backward(g), grad(lambda x: (g * formula(x)).sum())(x), rtol=1e-10, atol=1e-13
    )


def test_relu_is_zero_below_zero_and_the_input_above():
    assert_array_equal(ReLU().forward([[-2.0, -0.0, 0.0, 3.0]]), [[0, 0, 0, 3]])


def test_relu_has_derivative_zero_at_zero(dtype):
    layer = ReLU()
    layer.forward(np.array([[-1, -0.0, 0, 1e-30]], dtype))
    assert_array_equal(layer.backward(np.array([[5, 6, 7, 8]], dtype)), [[0, 0, 0, 8]])


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2, 3)])
def test_leading_axes_are_kept(kind, shape, rng):
    x, layer = rng.normal(size=shape), kind()
    y = layer.forward(x)
    assert y.shape == layer.backward(y).shape == shape
    assert_array_equal(y.reshape(-1, 3), kind().forward(x.reshape(-1, 3)))
