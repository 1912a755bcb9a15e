"""SGD: the step, its size, and whose parameters it moves."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nnlib import SGD, Adam, Dense, MSELoss, Optimizer, Sequential, Tanh
from nnlib.optimizer import Setting


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


def test_defaults_are_those_of_the_papers():
    """Of Kingma and Ba, for Adam; plain descent has no momentum."""
    assert vars(Adam()) == vars(Adam(0.001, (0.9, 0.999), 1e-8))
    assert vars(SGD(0.1)) == vars(SGD(0.1, momentum=0.0))


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
    "rate",
    [-0.1, np.nan, np.inf, -np.inf, "0.1", None, 1j, [0.1], True, 10**400],
    ids=lambda rate: f"{rate!r:.9}",
)
class TestBadRates:
    """A rate is finite and not negative, at the start and later."""

    def test_at_the_start(self, rate, refuses):
        error = ValueError if isinstance(rate, (int, float)) and rate is not True else TypeError
        with refuses(error, "learning_rate: expected a finite number of at least 0, got "):
            SGD(rate)

    def test_later(self, rate):
        optimizer = SGD(0.1)
        with pytest.raises(
            (TypeError, ValueError), match="learning_rate: expected a finite number"
        ):
            optimizer.learning_rate = rate
        assert optimizer.learning_rate == 0.1


def test_a_rate_of_zero_moves_nothing(params, grads):
    """Schedules begin or end there."""
    before, optimizer = params.copy(), SGD(0.0)
    optimizer.step(params, grads)
    assert_array_equal(params, before)


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
    assert repr(SGD(0.5)) == "SGD(learning_rate=0.5, momentum=0.0)"


@pytest.mark.parametrize("optimizer", [SGD(0.5, 0.9), Adam(0.01, (0.5, 0.9), 1e-3)], ids=repr)
def test_config_makes_another(optimizer):
    assert repr(type(optimizer)(**optimizer.config())) == repr(optimizer)


def test_integer_parameters_are_refused():
    """They would be left as they are, without a word."""
    with pytest.raises(TypeError, match="expected float parameters, got dtype int64"):
        SGD(0.1).step(np.ones(3, np.int64), np.ones(3, np.int64))


# Memory: momentum and Adam


def test_momentum_follows_the_fading_sum_of_gradients(dtype, rng):
    theta, velocity, optimizer = np.zeros(4, dtype), np.zeros(4), SGD(0.1, momentum=0.75)
    expected = np.zeros(4)
    for _ in range(20):
        g = rng.normal(size=4).astype(dtype)
        velocity = 0.75 * velocity + g
        expected = expected - 0.1 * velocity
        optimizer.step(theta, g)
    assert_allclose(theta, expected, rtol=0, atol=20 * np.finfo(dtype).eps)
    assert_allclose(optimizer.state["velocity"], velocity, rtol=0, atol=20 * np.finfo(dtype).eps)
    assert optimizer.state["velocity"].dtype == dtype


def test_without_momentum_nothing_is_remembered(params, grads):
    optimizer = SGD(0.1)
    optimizer.step(params, grads)
    assert optimizer.state == {}


def test_adam_is_its_formula(dtype, rng):
    theta, optimizer = np.ones(6, dtype), Adam(0.01, betas=(0.8, 0.95), eps=1e-3)
    mean, square, expected = np.zeros(6), np.zeros(6), np.ones(6)
    for t in range(1, 40):
        g = (rng.normal(size=6) * 10.0 ** rng.uniform(-5, 2, 6)).astype(dtype)
        mean, square = 0.8 * mean + 0.2 * g, 0.95 * square + 0.05 * g.astype(float) ** 2
        root = np.sqrt(square / (1 - 0.95**t)) + 1e-3
        expected = expected - 0.01 * mean / (1 - 0.8**t) / root
        optimizer.step(theta, g)
    assert_allclose(theta, expected, rtol=0, atol=10 * np.finfo(dtype).eps)
    assert theta.dtype == dtype and optimizer.state["steps"] == 39


def test_adam_s_first_step_is_the_rate_whatever_the_gradient():
    theta = np.zeros(3)
    Adam(0.01).step(theta, np.array([1e-3, -5.0, 1e4]))
    assert_allclose(theta, [-0.01, 0.01, -0.01], rtol=1e-4)


@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), Adam], ids=["momentum", "Adam"])
class TestState:
    @pytest.mark.parametrize(
        "again",
        [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))],
        ids=["copy", "deepcopy", "pickle"],
    )
    def test_a_copy_goes_on_as_the_original(self, make, again, params, grads):
        first, theta = make(), params.copy()
        for _ in range(3):
            first.step(theta, grads)
        second, twin = again(first), theta.copy()
        for _ in range(3):
            second.step(twin, grads)
        for _ in range(3):
            first.step(theta, grads)
        assert_array_equal(theta, twin)
        assert repr(second) == repr(first)

    def test_a_state_can_be_put_back(self, make, params, grads):
        optimizer, theta = make(), params.copy()
        optimizer.step(theta, grads)
        kept, there = copy.deepcopy(optimizer.state), theta.copy()
        optimizer.step(theta, grads)
        once = theta.copy()
        theta[...], optimizer.state = there, kept
        optimizer.step(theta, grads)
        assert_array_equal(theta, once)

    def test_parameters_unlike_the_state_are_refused(self, make, params, grads, refuses):
        optimizer = make()
        optimizer.step(params.copy(), grads)
        with refuses(ValueError, "like the parameters, (3,)", params):
            copy.copy(optimizer).step(np.ones(3, params.dtype), np.ones(3, params.dtype))

    def test_it_is_copied_together_with_its_network(self, make):
        """Copies of both train on as the originals do, and apart from them."""
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
        network, optimizer = Sequential(Dense(3, 5, rng=0), Tanh(), Dense(5, 2, rng=1)), make()
        network.fit(X, y, loss=MSELoss(), optimizer=optimizer, epochs=4)
        twins = [
            copy.deepcopy((network, optimizer)),
            pickle.loads(pickle.dumps((network, optimizer))),
        ]
        for one, its in [(network, optimizer), *twins]:
            one.fit(X, y, loss=MSELoss(), optimizer=its, epochs=4)
        for one, _ in twins:
            assert_array_equal(one.params, network.params)
            assert not np.shares_memory(one.params, network.params)

    def test_a_training_that_diverges_puts_the_memory_back(self, make):
        """What was remembered of a failed training must not spoil the next."""
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
        network, optimizer = Sequential(Dense(3, 1, rng=0)), make()
        network.fit(X, y, loss=MSELoss(), optimizer=optimizer, epochs=2)
        before, optimizer.learning_rate = copy.deepcopy(optimizer.state), 1e300
        with pytest.raises(FloatingPointError):
            network.fit(X, y, loss=MSELoss(), optimizer=optimizer, epochs=5)
        assert set(optimizer.state) == set(before)
        for name, value in optimizer.state.items():
            assert_array_equal(value, before[name])

    def test_a_first_training_that_diverges_leaves_no_memory(self, make):
        X, y = np.ones((8, 3)), np.ones((8, 1))
        network, optimizer = Sequential(Dense(3, 1, rng=0)), make()
        optimizer.learning_rate = 1e300
        with pytest.raises(FloatingPointError):
            network.fit(X, y, loss=MSELoss(), optimizer=optimizer, epochs=5)
        assert optimizer.state == {}


@pytest.mark.parametrize("value", [-0.1, 1.0, 2, np.nan, "0.9", None, True], ids=repr)
def test_what_is_no_fraction_is_refused(value):
    sgd, adam = SGD(0.1, 0.5), Adam()
    for make, name in (
        (lambda: SGD(0.1, momentum=value), "momentum"),
        (lambda: setattr(sgd, "momentum", value), "momentum"),
        (lambda: Adam(betas=(value, 0.9)), "betas[0]"),
        (lambda: Adam(betas=(0.9, value)), "betas[1]"),
        (lambda: setattr(adam, "betas", (0.9, value)), "betas[1]"),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            make()
        assert (
            str(caught.value)
            == f"{name}: expected a finite number of at least 0 and below 1, got {value!r}"
        )
    assert sgd.momentum == 0.5 and adam.betas == (0.9, 0.999)


def test_momentum_may_be_set_later():
    """It read as 0.9 and was ignored."""
    optimizer, p, g = SGD(0.1), np.ones(1), np.ones(1)
    optimizer.momentum = 0.9
    for _ in range(2):
        optimizer.step(p, g)
    assert_allclose(p, 1 - 0.1 - 0.19, rtol=1e-15)


def test_momentum_that_ends_is_forgotten(params, grads):
    optimizer = SGD(0.1, momentum=0.9)
    optimizer.step(params, grads)
    optimizer.momentum = 0
    expected = params - params.dtype.type(0.1) * grads
    optimizer.step(params, grads)
    assert_array_equal(params, expected)
    assert optimizer.state == {}


@pytest.mark.parametrize("eps", [0, -1.0, np.inf, "1"], ids=repr)
def test_adam_needs_a_positive_eps(eps):
    optimizer = Adam()
    for make in lambda: Adam(eps=eps), lambda: setattr(optimizer, "eps", eps):
        with pytest.raises(
            (TypeError, ValueError), match="eps: expected a finite number above 0, got"
        ):
            make()


def test_repr_of_an_optimizer_with_memory_is_a_call():
    for optimizer in SGD(0.5, momentum=0.9), Adam(0.01):
        assert repr(eval(repr(optimizer))) == repr(optimizer)
    assert repr(SGD(0.5, 0.9)) == "SGD(learning_rate=0.5, momentum=0.9)"


def test_an_optimizer_without_a_rule_is_refused():
    with pytest.raises(NotImplementedError, match="Optimizer must define update"):
        Optimizer(0.1).step(np.ones(1), np.ones(1))


@pytest.mark.parametrize("betas", [(0.9,), (0.9, 0.99, 0.5), 0.9, None])
def test_betas_that_are_no_pair_are_refused(betas):
    with pytest.raises(TypeError, match="betas: expected a pair of numbers, got"):
        Adam(betas=betas)


class Averaged(Optimizer):
    """A reader's: steps along the mean of all gradients so far, times a factor."""

    factor = Setting(above=0)

    def __init__(self, learning_rate, factor=1.0):
        super().__init__(learning_rate)
        self.factor = factor

    def update(self, params, grads):
        total, n = self.state_array("total"), self.state.get("n", 0) + 1
        self.state["n"] = n
        total += grads
        params -= self.learning_rate * self.factor * total / n


def test_an_optimizer_of_ones_own_needs_its_rule_and_its_settings(refuses):
    optimizer, params = Averaged(1.0, factor=2), np.zeros(2)
    for g in 1.0, 3.0:
        optimizer.step(params, np.full(2, g))
    assert params.tolist() == [-6, -6] and optimizer.config() == {
        "learning_rate": 1.0,
        "factor": 2.0,
    }
    with refuses(ValueError, "factor: expected a finite number above 0, got 0", params):
        optimizer.factor = 0
    assert isinstance(Averaged.factor, Setting) and copy.deepcopy(optimizer).state["n"] == 2
