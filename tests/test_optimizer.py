"""SGD: the step, its size, and whose parameters it moves."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from nnlib import SGD


@pytest.fixture
def params(rng, dtype):
    return rng.normal(size=5).astype(dtype)


@pytest.fixture
def grads(rng, dtype):
    return rng.uniform(size=5).astype(dtype)


def test_a_step_subtracts_rate_times_gradient(params, grads, dtype):
    expected = params - dtype(0.1) * grads
    SGD(0.1).step(params, grads)
    assert_array_equal(params, expected)
    assert params.dtype == dtype


def test_a_step_leaves_the_gradients(params, grads):
    before = grads.copy()
    SGD(0.1).step(params, grads)
    assert_array_equal(grads, before)


def test_steps_have_no_memory(params, grads, dtype):
    optimizer, expected = SGD(0.5), params - dtype(0.5) * grads
    optimizer.step(params, grads)
    grads *= -1
    optimizer.step(params, grads)
    assert_array_equal(params, expected - dtype(0.5) * grads)


def test_gradients_may_come_in_another_vector(params, grads, dtype):
    optimizer, expected = SGD(0.5), params - dtype(0.5) * grads - dtype(0.5) * grads
    optimizer.step(params, grads)
    optimizer.step(params, grads.copy())
    assert_array_equal(params, expected)


def test_the_rate_may_change_between_steps(params, grads, dtype):
    optimizer = SGD(0.5)
    optimizer.step(params, grads)
    optimizer.learning_rate = 0.1
    expected = params - dtype(0.1) * grads
    optimizer.step(params, grads)
    assert_array_equal(params, expected)


def test_the_rate_has_the_precision_of_the_parameters(dtype, rng):
    params, grads, optimizer = np.zeros(100, dtype), rng.normal(size=100).astype(dtype), SGD(0.5)
    optimizer.step(params, grads)
    optimizer.learning_rate, params[...] = 0.1, 0
    optimizer.step(params, grads)
    assert_array_equal(params, -dtype(0.1) * grads)


def test_the_rate_may_change_before_the_first_step(params, grads, dtype):
    optimizer = SGD(0.5)
    optimizer.learning_rate = 0.25
    expected = params - dtype(0.25) * grads
    optimizer.step(params, grads)
    assert_array_equal(params, expected)


@pytest.mark.parametrize("rate", [0.1, 1, np.float32(0.5), Fraction(1, 4)], ids=repr)
def test_the_rate_reads_as_a_float(rate):
    assert SGD(rate).learning_rate == float(rate) and type(SGD(rate).learning_rate) is float


@pytest.mark.parametrize(
    "rate", [0, 0.0, -0.1, np.nan, np.inf, -np.inf, "0.1", None, 1j, [0.1]], ids=repr
)
class TestBadRates:
    """A rate is positive and finite, at the start and later."""

    def test_at_the_start(self, rate, refuses):
        with refuses(
            ValueError, f"learning_rate: expected a positive finite number, got {rate!r}"
        ):
            SGD(rate)

    def test_later(self, rate, refuses):
        optimizer = SGD(0.1)
        with refuses(
            ValueError, f"learning_rate: expected a positive finite number, got {rate!r}"
        ):
            optimizer.learning_rate = rate
        assert optimizer.learning_rate == 0.1


def test_other_parameters_are_refused(params, grads, refuses):
    optimizer, other = SGD(0.1), np.ones(3)
    optimizer.step(params, grads)
    words = "expected the 5 parameters it has been updating, got another vector of 3; make an"
    with refuses(ValueError, words, params, other):
        optimizer.step(other, np.ones(3))


def test_other_parameters_of_the_same_size_are_refused(params, grads, refuses):
    optimizer, other = SGD(0.1), params.copy()
    optimizer.step(params, grads)
    with refuses(ValueError, "got another vector of 5", params, other):
        optimizer.step(other, grads)


@pytest.mark.parametrize("steps", [0, 1], ids=["first step", "second step"])
@pytest.mark.parametrize(
    "wrong",
    [np.ones(4), np.ones(1), np.ones((5, 1)), np.ones(5, np.float16)],
    ids=["short", "broadcasting", "column", "dtype"],
)
def test_gradients_unlike_the_parameters_are_refused(params, grads, wrong, steps, refuses):
    optimizer = SGD(0.1)
    for _ in range(steps):
        optimizer.step(params, grads)
    words = f"like the parameters, (5,) {params.dtype}, got {wrong.shape} {wrong.dtype}"
    with refuses(ValueError, words, params):
        optimizer.step(params, wrong)


def test_a_refused_first_step_leaves_the_optimizer_free(params, grads):
    optimizer = SGD(0.1)
    with pytest.raises(ValueError):
        optimizer.step(np.ones(3), np.ones(2))
    optimizer.step(params, grads)


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_is_free_for_other_parameters(again, params, grads):
    optimizer = SGD(0.25)
    optimizer.step(params, grads)
    twin, other = again(optimizer), np.ones(2)
    twin.step(other, np.ones(2))
    assert twin.learning_rate == 0.25
    assert_array_equal(other, [0.75, 0.75])


def test_repr_is_a_call():
    assert repr(SGD(0.5)) == "SGD(learning_rate=0.5)"


def test_integer_parameters_are_refused():
    """They would be left as they are, without a word."""
    with pytest.raises(TypeError, match="expected float parameters, got dtype int64"):
        SGD(0.1).step(np.ones(3, np.int64), np.ones(3, np.int64))


def test_a_truth_value_is_no_learning_rate():
    with pytest.raises(ValueError, match="expected a positive finite number, got True"):
        SGD(True)
