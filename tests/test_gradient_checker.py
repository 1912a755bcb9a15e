"""The gradient checker: silent for right gradients, loud for wrong ones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nnlib import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Dense,
    MSELoss,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    check_layer,
    check_loss,
    check_network,
    numerical_gradient,
    relative_error,
)

both_methods = pytest.mark.parametrize(
    "method, tolerance", [("central", 1e-7), ("complex", 1e-13)]
)
every_loss = pytest.mark.parametrize("loss", [MSELoss(), BCEWithLogitsLoss()], ids=repr)


@pytest.fixture
def x(rng):
    return rng.normal(size=(4, 3))


@pytest.fixture
def t(rng):
    return rng.uniform(size=(4, 2))


class WrongInput(Tanh):
    """Forgets the square."""

    def backward_into(self, x, y, dy, dx):
        np.subtract(1.0, y, out=dx)
        np.multiply(dy, dx, out=dx)


class WrongBias(Dense):
    """Halves the gradient of the bias."""

    def backward_into(self, x, y, dy, dx):
        super().backward_into(x, y, dy, dx)
        self.db *= 0.5


class WrongLoss(MSELoss):
    """Divides by the samples instead of all elements."""

    def value_into(self, p, t, dp):
        value = super().value_into(p, t, dp)
        dp *= p.shape[1]
        return value


# The checks


def test_a_saturated_softmax_passes():
    """Its gradients are of the size of rounding; they were called wrong by 100 per cent."""
    softmax = Sequential(Softmax())
    for layer in Softmax(), softmax:
        assert check_layer(layer, [[40.0, 0.3, 1.0]], [[1.0, 2.0, 3.0]])["inputs"] < 1e-6


def test_a_small_gradient_that_is_wrong_is_found():
    assert check_layer(WrongInput(), [[12.0]], [[1.0]])["inputs"] > 0.1  # its size is 1e-10


def test_the_floor_of_an_error():
    assert (
        relative_error([1e-3], [2e-3]) == 0.5 and relative_error([1e-3], [2e-3], floor=1.0) == 1e-3
    )
    assert relative_error([0.0], [0.0], floor=1.0) == relative_error([0.0], [0.0]) == 0


@both_methods
def test_right_layers_pass(layer, x, method, tolerance, rng):
    g = rng.normal(size=layer.forward(x).shape)
    errors = check_layer(layer, x, g, method)
    assert max(errors.values()) < tolerance


@both_methods
@every_loss
def test_right_networks_pass(network, x, t, loss, method, tolerance):
    assert max(check_network(network, x, t, loss, method).values()) < tolerance


@both_methods
@every_loss
def test_right_losses_pass(loss, t, method, tolerance, rng):
    assert check_loss(loss, rng.normal(size=(4, 2)), t, method) < tolerance


@both_methods
def test_a_wrong_derivative_is_found_in_the_inputs(x, method, tolerance):
    assert check_layer(WrongInput(), x, np.ones((4, 3)), method)["inputs"] > 0.1


@both_methods
@pytest.mark.parametrize(
    "first, last, wrong",
    [(WrongBias, Dense, "0 WrongBias(3, 4)"), (Dense, WrongBias, "2 WrongBias(4, 2)")],
)
def test_a_wrong_gradient_is_found_in_its_layer_only(x, t, first, last, wrong, method, tolerance):
    network = Sequential(first(3, 4, rng=0), Tanh(), last(4, 2, rng=1))
    errors = check_network(network, x, t, MSELoss(), method)
    assert errors.pop(wrong) > 0.1
    assert max(errors.values()) < tolerance


@both_methods
def test_a_wrong_loss_is_found(x, t, method, tolerance):
    assert check_loss(WrongLoss(), x[:, :2], t, method) == pytest.approx(0.5, rel=1e-6)
    network = Sequential(Dense(3, 2, rng=0))
    assert min(check_network(network, x, t, WrongLoss(), method).values()) > 0.4


def test_errors_are_named_by_place_and_layer(network, x, t):
    names = ["inputs", "1 Dense(3, 4)", "3 Dense(4, 3)", "5 Dense(3, 2)"]
    assert list(check_network(network, x, t, MSELoss())) == names


def test_a_layer_without_parameters_has_errors_in_the_inputs_only(x):
    assert list(check_layer(ReLU(), x, x)) == ["inputs"]


def test_complex_step_is_the_default(x, t, network):
    assert check_network(network, x, t, MSELoss()) == check_network(
        network, x, t, MSELoss(), "complex"
    )
    assert check_loss(MSELoss(), t, 2 * t) == check_loss(MSELoss(), t, 2 * t, "complex")


def test_a_check_leaves_the_layer_alone(network, x, t, rng):
    g = rng.normal(size=(4, 2))
    network.forward(x)
    dx = network.backward(g)
    params, grads = network.params.copy(), network.grads.copy()
    check_network(network, 2 * x, t, MSELoss())
    check_layer(network, 2 * x, g)
    assert_array_equal(network.params, params)
    assert_array_equal(network.grads, grads)
    assert_array_equal(network.backward(g), dx)


def test_a_check_leaves_its_arguments_alone(network, x, t):
    before = x.copy(), t.copy()
    check_network(network, x, t, MSELoss())
    check_loss(MSELoss(), t, t)
    check_layer(Tanh(), x, x)
    assert_array_equal(x, before[0])
    assert_array_equal(t, before[1])


def test_float32_networks_are_checked_in_float64(rng):
    network = Sequential(
        Dense(3, 4, rng=0, dtype=np.float32), Tanh(), Dense(4, 2, rng=1, dtype=np.float32)
    )
    x, t = rng.normal(size=(4, 3)).astype(np.float32), rng.uniform(size=(4, 2)).astype(np.float32)
    assert max(check_network(network, x, t, MSELoss()).values()) < 1e-13
    assert network.params.dtype == np.float32


def test_float32_inputs_are_checked_in_float64(x):
    assert check_layer(Tanh(), x.astype(np.float32), x)["inputs"] < 1e-13


# Numerical derivatives


@both_methods
def test_numerical_gradient_of_a_known_function(x, method, tolerance):
    assert_allclose(
        numerical_gradient(lambda v: np.sum(np.sin(v)), x, method),
        np.cos(x),
        rtol=0,
        atol=tolerance,
    )


@pytest.mark.parametrize("method", ["central", "complex"])
def test_numerical_gradient_leaves_the_point(x, method):
    before, seen = x.copy(), []
    numerical_gradient(lambda v: seen.append(v.real.copy()) or np.sum(v), x, method)
    assert_array_equal(x, before)
    assert max(np.abs(v - before).max() for v in seen) < 1e-5


@pytest.mark.parametrize("method", ["central", "complex"])
def test_numerical_gradient_may_be_given_an_array_it_cannot_write(x, method):
    x.flags.writeable = False
    assert_allclose(numerical_gradient(lambda v: np.sum(v**2), x, method), 2 * x, atol=1e-8)


def test_numerical_gradient_puts_every_element_back(x):
    last = []
    numerical_gradient(lambda v: last.append(v) or np.sum(v), x, "central")
    assert_array_equal(last[-1], x)
    numerical_gradient(lambda v: last.append(v) or np.sum(v), x, "complex")
    assert_array_equal(last[-1], x)


def test_central_difference_of_a_cube_is_off_by_eps_squared():
    slope = numerical_gradient(lambda v: v[0] ** 3, [2.0], eps=0.5)
    assert slope == pytest.approx(3 * 2**2 + 0.5**2)


def test_central_difference_is_the_default():
    def f(v):
        return np.sum(np.exp(v))

    assert_array_equal(
        numerical_gradient(f, [1.0]), numerical_gradient(f, [1.0], "central", eps=1e-6)
    )


def test_complex_step_takes_a_step():
    points = []
    numerical_gradient(lambda v: points.append(v[0]) or v[0], [2.0], "complex", eps=0.25)
    assert points == [2 + 0.25j]


def test_numerical_gradient_has_the_shape_of_the_point():
    x = np.arange(6.0).reshape(1, 3, 2)
    assert_allclose(numerical_gradient(lambda v: np.sum(v**2), x), 2 * x, atol=1e-8)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (
            ([1.0], "forward"),
            ValueError,
            "method: expected one of 'central', 'complex', got 'forward'",
        ),
        (([1],), TypeError, "x: expected floats, got dtype int64"),
        (([np.nan],), ValueError, "x: expected finite numbers, got nan at index (0,)"),
        ((np.ones((0, 2)),), ValueError, "x: expected at least one sample"),
    ],
)
def test_what_cannot_be_differentiated_is_refused(arguments, error, words, refuses):
    with refuses(error, words):
        numerical_gradient(np.sum, *arguments)


@pytest.mark.parametrize(
    "check",
    [
        lambda x, method: check_layer(Tanh(), x, x, method),
        lambda x, method: check_network(Sequential(Dense(3, 3)), x, x, MSELoss(), method),
        lambda x, method: check_loss(MSELoss(), x, x, method),
    ],
    ids=["layer", "network", "loss"],
)
def test_an_unknown_method_is_refused_by_every_check(x, check, refuses):
    with refuses(ValueError, "method: expected one of 'central', 'complex', got 'forward'"):
        check(x, "forward")


# Relative error


@pytest.mark.parametrize(
    "a, b, error",
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([1.0, 4.0], [1.5, 4.0], 0.125),
        ([1.0, 2.0], [1.5, -4.0], 1.5),
        ([0.0], [1e-300], 1.0),
        ([[3.0, -4.0]], [[3.0, -3.0]], 0.25),
    ],
)
def test_relative_error_is_against_the_largest_element(a, b, error):
    assert relative_error(a, b) == relative_error(b, a) == error


@pytest.mark.parametrize(
    "a, b, error, words",
    [
        ([[1.0]], [1.0], ValueError, "expected two arrays of one shape, got (1, 1) and (1,)"),
        ([1.0], [np.nan], ValueError, "b: expected finite numbers, got nan at index (0,)"),
        ([1], [1.0], TypeError, "a: expected floats, got dtype int64"),
    ],
)
def test_what_cannot_be_compared_is_refused(a, b, error, words, refuses):
    with refuses(error, words):
        relative_error(a, b)


def test_a_gradient_of_outputs_of_another_shape_is_refused(x, refuses):
    with refuses(ValueError, "grad_output: expected shape (4, 3), got (4, 1)"):
        check_layer(Sigmoid(), x, np.ones((4, 1)))


def test_complex_point_is_refused():
    """Its imaginary part would be dropped."""
    with pytest.raises(TypeError, match="x: expected dtype float64, got complex128"):
        numerical_gradient(np.sum, np.array([1 + 1j]))


def test_a_method_of_another_kind_is_named(refuses):
    """The message was that a list cannot be hashed."""
    with refuses(TypeError, "method: expected one of 'central', 'complex', got ["):
        numerical_gradient(lambda x: float(x.sum()), np.ones(2), [1])


def test_differences_are_quiet_and_the_function_is_not():
    """A difference of large values overflowed aloud; warnings of the function are the user's."""
    large = np.float64(1.7e308)
    with np.errstate(all="raise"):
        jump = numerical_gradient(lambda x: large if x[0] > 0 else -large, [0.0])
        steep = numerical_gradient(lambda x: 1e300 * x[0], [1.0], "complex", eps=1e-20)
        assert jump == np.inf and steep == pytest.approx(1e300)
        with pytest.raises(FloatingPointError, match="divide by zero"):
            numerical_gradient(lambda x: np.log(0 * x[0]), [1.0])
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in log"):
        numerical_gradient(lambda x: np.isnan(np.log(0 * x[0])) + 1.0, [1.0])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: numerical_gradient(3, x), TypeError, "f: expected a function, got 3"),
        (
            lambda x: numerical_gradient(np.sin, x),
            TypeError,
            "f: expected a function that returns a number, got array(",
        ),
        (
            lambda x: numerical_gradient(lambda v: None, x, "complex"),
            TypeError,
            "f: expected a function that returns a number, got None",
        ),
        (
            lambda x: numerical_gradient(np.sum, x, eps="x"),
            TypeError,
            "eps: expected a finite number above 0, got 'x'",
        ),
        (
            lambda x: numerical_gradient(np.sum, x, eps=0),
            ValueError,
            "eps: expected a finite number above 0, got 0",
        ),
        (lambda x: relative_error(x, x, "x"), TypeError, "floor: expected a finite number of"),
        (lambda x: relative_error(x, x, -1.0), ValueError, "floor: expected a finite number of"),
        (lambda x: relative_error(x, x, np.nan), ValueError, "floor: expected a finite number"),
        (lambda x: check_layer(Tanh, x, x), TypeError, "layer: expected something like Dense(3"),
        (lambda x: check_network(3, x, x, MSELoss()), TypeError, "network: expected something"),
        (
            lambda x: check_network(Tanh(), x, x, "mse"),
            TypeError,
            "loss: expected something like MSELoss(), got 'mse'",
        ),
        (lambda x: check_loss(None, x, x), TypeError, "loss: expected something like MSELoss()"),
    ],
    ids=range(12),
)
def test_arguments_of_another_kind_are_named(call, error, words, x, refuses):
    """The messages were Python's and NumPy's own."""
    with refuses(error, words):
        call(x)


def test_a_loss_whose_gradient_is_all_rounding_is_right():
    assert check_loss(CrossEntropyLoss(), [[40.0, 0.3, -30.0]], [0]) < 1e-6


def test_a_wrong_gradient_of_a_loss_is_found_among_many_small_numbers():
    """Each of 10,000 elements has a tiny gradient; the floor is a fraction of them."""
    rng = np.random.default_rng(0)
    p = rng.normal(size=(100, 100))
    assert check_loss(MSELoss(), p, p + 1e-5) < 1e-6
    assert check_loss(WrongLoss(), p, p + 1e-5) == pytest.approx(0.99, rel=1e-3)
