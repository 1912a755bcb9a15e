"""Sequential: building, nesting, predicting and training."""

import contextlib
import copy
import pickle
import sys
import tracemalloc

import numpy as np
import pytest
from formulas import LOSSES, gradients, outputs, weights
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from nnlib import (
    SGD,
    Autoencoder,
    BCEWithLogitsLoss,
    Dense,
    MSELoss,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from nnlib.arrays import get_state
from nnlib.gradient_checker import check_network
from nnlib.layers import Layer
from nnlib.training import History, Trainer, TrainingStep, check_data
from studies.survival import at_line

ACTIVATIONS = [ReLU, Sigmoid, Tanh, Softmax]


def mlp(dtype=np.float64, seed=0):
    """A network of 3 features, 4 hidden units and 2 outputs."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Dense(3, 4, rng=rng, dtype=dtype), Tanh(), Dense(4, 2, rng=rng, dtype=dtype), Sigmoid()
    )


def data(n=7, dtype=np.float64, seed=1):
    """Inputs and targets for it."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)).astype(dtype), rng.uniform(size=(n, 2)).astype(dtype)


def fit(network, X, y, **options):
    """Train a little, with the defaults of these tests."""
    defaults = {"loss": MSELoss(), "optimizer": SGD(0.5), "epochs": 3, "rng": 0}
    return network.fit(X, y, **(defaults | options))


# Building


def test_building_moves_parameters_into_one_vector_unchanged():
    layers = Dense(3, 4, rng=0), Tanh(), Dense(4, 2, rng=1)
    before = np.concatenate([layers[0].params, layers[2].params])
    network = Sequential(*layers)
    assert_array_equal(network.params, before)
    assert_array_equal(network.grads, np.zeros(26))


def test_layers_and_network_share_parameters_and_gradients():
    network = mlp()
    network.params[...], network.grads[...] = 3, 4
    for dense in (network.layers[0], network.layers[2]):
        assert (
            (dense.W == 3).all()
            and (dense.b == 3).all()
            and (dense.dW == 4).all()
            and (dense.db == 4).all()
        )
    network.layers[2].b = [5.0, 6.0]
    assert_array_equal(network.params[-2:], [5, 6])


def test_nested_networks_share_parameters_and_gradients():
    encoder, decoder = Sequential(Dense(3, 2, rng=0), Tanh()), Sequential(Dense(2, 3, rng=1))
    whole = Sequential(encoder, decoder)
    whole.params[...] = np.arange(17)
    assert_array_equal(encoder.params, np.arange(8))
    assert_array_equal(decoder.layers[0].W, [[8, 9, 10], [11, 12, 13]])
    decoder.params[...], encoder.grads[...] = 1, 2
    assert_array_equal(whole.params[8:], np.ones(9))
    assert_array_equal(whole.grads[:8], np.full(8, 2.0))


def test_training_the_whole_trains_its_parts(rng):
    encoder = Sequential(Dense(3, 2, rng=0), Tanh())
    whole = Sequential(encoder, Dense(2, 3, rng=1))
    X, before = rng.normal(size=(5, 3)), encoder.params.copy()
    fit(whole, X, X)
    assert not np.array_equal(encoder.params, before)
    assert_array_equal(whole.leaves[-1].forward(encoder.predict(X)), whole.predict(X))


def test_nesting_computes_what_a_flat_network_does(rng):
    x = rng.normal(size=(5, 3))
    flat, deep = mlp(), Sequential(Sequential(mlp()))
    assert_array_equal(deep.forward(x), flat.forward(x))
    assert_array_equal(deep.backward(x[:, :2]), flat.backward(x[:, :2]))
    assert_array_equal(deep.grads, flat.grads)


def test_sizes_are_those_of_the_first_and_last_layer_that_learn():
    network = Sequential(Tanh(), Sequential(Dense(3, 4), Tanh()), Dense(4, 2), Softmax())
    assert (network.n_in, network.n_out) == (3, 2)
    assert (Sequential(Tanh()).n_in, Sequential(Tanh()).n_out) == (None, None)


def test_leaves_are_the_layers_that_run():
    inner = Sequential(Dense(4, 2), Sigmoid())
    network = Sequential(Dense(3, 4), Sequential(Tanh(), inner))
    assert [repr(leaf) for leaf in network.leaves] == [
        "Dense(3, 4)",
        "Tanh()",
        "Dense(4, 2)",
        "Sigmoid()",
    ]


def test_repr_is_a_call():
    assert (
        repr(Sequential(Sequential(Dense(3, 4), Tanh())))
        == "Sequential(Sequential(Dense(3, 4), Tanh()))"
    )


def test_an_activation_may_serve_twice(rng):
    tanh, x = Tanh(), rng.normal(size=(4, 3))
    network = Sequential(tanh, Dense(3, 3, rng=0), tanh)
    network.forward(x)
    dx, _ = gradients(network, x, lambda y: y.sum())
    assert_allclose(network.backward(np.ones((4, 3))), dx, rtol=1e-12)
    assert Sequential(tanh).predict(x) is not None


def one_twice():
    layer = Dense(3, 3)
    return layer, layer


def torn():
    network = Sequential(Dense(3, 3), Tanh())
    Sequential(network.layers[0])
    return network


@pytest.mark.parametrize(
    "layers, error, words",
    [
        (lambda: (), ValueError, "Sequential: expected at least one layer, got none"),
        (lambda: ([Dense(3, 2)],), TypeError, "Sequential: expected layers, got [Dense(3, 2)]"),
        (
            lambda: (Tanh,),
            TypeError,
            "Sequential: expected layers, got <class 'nnlib.activations.Tanh'>",
        ),
        (lambda: (MSELoss(),), TypeError, "Sequential: expected layers, got MSELoss()"),
        (
            lambda: (Dense(3, 4), Tanh(), Dense(5, 2)),
            ValueError,
            "Dense(5, 2) expects 5 features, but Dense(3, 4) gives 4",
        ),
        (
            lambda: (Dense(3, 4), Sequential(Dense(5, 2))),
            ValueError,
            "Sequential(Dense(5, 2)) expects 5 features",
        ),
        (one_twice, ValueError, "expected each layer with parameters once, got one twice"),
        (lambda: (torn(),), RuntimeError, "Dense(3, 3) has been taken over by another network"),
        (lambda: 2 * (Sequential(Dense(3, 3)),), ValueError, "got one twice"),
        (
            lambda: (Dense(3, 4), Dense(4, 2, dtype=np.float32)),
            TypeError,
            "expected one dtype, got float64 and float32",
        ),
    ],
    ids=[
        "none",
        "list",
        "class",
        "loss",
        "features",
        "nested features",
        "one twice",
        "torn",
        "network twice",
        "dtypes",
    ],
)
def test_layers_that_make_no_network_are_refused(layers, error, words, refuses):
    with refuses(error, words):
        Sequential(*layers())


@pytest.mark.parametrize(
    "use",
    [
        lambda network: network.params,
        lambda network: network.predict(data()[0]),
        lambda network: network.evaluate(*data(), MSELoss()),
        lambda network: network.forward(data()[0]),
        lambda network: fit(network, *data()),
        lambda network: setattr(network, "params", network._params),
        lambda network: network.grads,
        lambda network: setattr(network, "grads", 0 * network._grads),
        copy.deepcopy,
        pickle.dumps,
        lambda network: check_network(network, *data(), MSELoss()),
        Sequential,
    ],
)
@pytest.mark.parametrize(
    "again",
    [lambda n: n, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))],
    ids=["itself", "deepcopy", "pickle"],
)
def test_a_network_whose_layer_was_taken_over_says_so(use, again):
    """It would compute with weights that nobody trains any more."""
    network = again(mlp())
    taken = Sequential(network.layers[0], Dense(4, 3, rng=1))
    assert np.shares_memory(network.layers[0].W, taken.params)
    with pytest.raises(
        RuntimeError, match=r"Dense\(3, 4\) has been taken over by another network; copy.deepcopy"
    ):
        use(network)


def test_gradients_are_not_computed_into_another_network(refuses):
    """A pass that had begun before a layer was taken over ended in its new network."""
    network, inputs = mlp(), data()[0]
    outputs = network.forward(inputs)
    layer = network.layers[0]
    taken = Sequential(layer, Dense(4, 3, rng=1))
    with refuses(RuntimeError, "has been taken over by another network", taken.grads):
        network.backward(outputs)
    layer.forward(inputs)
    other = Sequential(layer, Dense(4, 3, rng=1))
    with refuses(RuntimeError, "call forward before backward", other.grads):
        layer.backward(np.ones((7, 4)))


def test_an_activation_goes_back_after_it_has_got_into_a_network():
    """It has no parameters that could be another's."""
    activation, X = Tanh(), data()[0]
    activation.forward(X)
    Sequential(Dense(3, 3), activation)
    assert activation.backward(X).shape == X.shape


@pytest.mark.parametrize("kind", [copy.copy, copy.deepcopy])
def test_a_copy_takes_nothing_over(kind):
    """A shallow copy made the original useless."""
    network, X = mlp(), data()[0]
    twin = kind(network)
    before = network.predict(X)
    twin.params = np.zeros(twin.params.size)
    assert_array_equal(network.predict(X), before)


@pytest.mark.parametrize("name", ["layers", "leaves"])
def test_layers_cannot_be_replaced(name, refuses):
    network = mlp()
    with refuses(
        AttributeError,
        f"{name} cannot be replaced; make a new one, as in Sequential(",
        network.params,
    ):
        setattr(network, name, (*network.layers[:2], Dense(4, 2)))


def test_a_network_without_parameters_is_evaluated_and_not_trained(refuses):
    network, X = Sequential(Tanh()), data()[0]
    assert network.evaluate(X, np.tanh(X), MSELoss()) == 0
    with refuses(ValueError, "has no parameters to train"):
        fit(network, X, X)


def test_a_new_head_is_trained_with_what_was_learned(rng):
    X, y = data()
    network = mlp()
    fit(network, X, y)
    learned, head = network.layers[0].W.copy(), Dense(4, 5, rng=3)
    tuned = Sequential(*network.layers[:2], head)
    assert_array_equal(tuned.layers[0].W, learned)
    before = tuned.params.copy()
    fit(tuned, X, rng.normal(size=(7, 5)))
    assert (tuned.params != before).all() and np.shares_memory(head.params, tuned.params)


def test_nesting_a_network_again_takes_it_over():
    inner = mlp()
    one = Sequential(inner, Dense(2, 2, rng=0))
    two = Sequential(inner, Dense(2, 2, rng=1))
    assert np.shares_memory(inner.params, two.params)
    with pytest.raises(RuntimeError, match="taken over"):
        one.predict(data()[0])


@pytest.mark.parametrize("name", ["params", "grads"])
def test_assigning_to_a_layer_writes_into_the_vector(name):
    """A layer whose parameters were assigned was trained no more, nor saved."""
    network = mlp()
    setattr(network.layers[2], name, np.arange(10.0))
    assert_array_equal(getattr(network, name)[16:], np.arange(10))
    inner = Sequential(mlp(), Dense(2, 2, rng=0))
    setattr(inner.layers[0], name, np.arange(26.0))
    assert_array_equal(getattr(inner, name)[:26], np.arange(26))
    assert_array_equal(getattr(inner.leaves[2], name), np.arange(16, 26))


def test_a_pickled_network_with_many_parameters_is_whole():
    """NumPy keeps the bytes of a large pickled array as its base."""
    network = Sequential(Dense(300, 300, rng=0), Sequential(Dense(300, 2, rng=1)))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(network, protocol))
        assert_array_equal(twin.predict(np.ones((1, 300))), network.predict(np.ones((1, 300))))
        twin.params = np.zeros(network.params.size)
        assert not twin.layers[1].layers[0].W.any()


def test_config_makes_another():
    network = Sequential(Dense(3, 4), Tanh(), Sequential(Dense(4, 2)))
    dense = {"kind": "Dense", "n_in": 4, "n_out": 2}
    assert network.config() == {
        "layers": [
            {"kind": "Dense", "n_in": 3, "n_out": 4},
            {"kind": "Tanh"},
            {"kind": "Sequential", "layers": [dense]},
        ]
    }


def test_a_refusal_leaves_the_layers_free():
    one, two = Dense(3, 4), Dense(5, 2)
    params = one.params
    with pytest.raises(ValueError):
        Sequential(one, two)
    assert one.params is params
    assert Sequential(one).params.size == 16


# Passes


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(ACTIVATIONS)), min_size=1, max_size=4),
    st.integers(0, 99),
    st.integers(0, 3),
    st.sampled_from(list(LOSSES)),
)
def test_whole_networks_match_autograd(shape, seed, cut, loss):
    rng = np.random.default_rng(seed)
    layers, n_in = [], 3
    for n_out, activation in shape:
        layers += [Dense(n_in, n_out, rng=rng), activation()]
        n_in = n_out
    network = (
        Sequential(*layers[:cut], Sequential(*layers[cut:]))
        if cut < len(layers)
        else Sequential(*layers)
    )
    x, t = rng.normal(size=(4, 3)), rng.uniform(size=(4, n_in))
    assert_allclose(network.forward(x), outputs(network, weights(network), x), rtol=1e-12)
    dx = network.backward(loss().value_and_gradient(network.predict(x), t)[1])
    expected, parts = gradients(network, x, lambda p: LOSSES[loss](p, t))
    assert_allclose(dx, expected, rtol=1e-11, atol=1e-14)
    assert_allclose(
        network.grads,
        np.concatenate([np.append(dW, db) for dW, db in parts]),
        rtol=1e-11,
        atol=1e-14,
    )


def test_predict_is_forward(network, rng):
    x = rng.normal(size=(4, 3))
    assert_array_equal(network.predict(x), network.forward(x))


def test_predict_leaves_backward_alone(network, rng):
    x, g = rng.normal(size=(4, 3)), np.ones((4, 2))
    network.forward(x)
    dx = network.backward(g)
    network.predict(-x[:2])
    assert_array_equal(network.backward(g), dx)


@given(st.permutations(range(6)), st.integers(0, 99))
def test_predictions_permute_with_the_samples(order, seed):
    network, (X, _) = mlp(seed=seed), data(6)
    assert_allclose(network.predict(X[order]), network.predict(X)[order], rtol=1e-14)


def test_predictions_are_the_callers_own(network, rng):
    x = rng.normal(size=(4, 3))
    y = network.predict(x)
    before = y.copy()
    network.params[...] = 0
    network.predict(x)
    assert_array_equal(y, before)


def test_evaluate_is_the_loss_of_the_predictions():
    network, (X, y), loss = mlp(), data(), BCEWithLogitsLoss()
    assert network.evaluate(X, y, loss) == loss.forward(network.predict(X), y)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copied_network_trains_like_the_first(again):
    (X, y), first = data(), mlp()
    expected = fit(copy.deepcopy(first), X, y)
    assert fit(again(first), X, y) == expected


def test_training_a_deep_copy_leaves_the_first():
    (X, y), network = data(), Sequential(mlp(), Dense(2, 2, rng=3))
    before = network.params.copy()
    twin = copy.deepcopy(network)
    fit(twin, X, y)
    assert_array_equal(network.params, before)
    assert np.shares_memory(twin.layers[0].layers[0].W, twin.params)


# Training


def by_hand(network, X, y, size, rng):
    """What `fit` does, as the loop a reader would write."""
    losses, loss, optimizer = [], MSELoss(), SGD(0.5)
    for _ in range(3):
        order, total = rng.permutation(len(X)), 0
        for rows in np.split(order, range(size, len(X), size)):
            total += len(rows) * loss.forward(network.forward(X[rows]), y[rows])
            network.backward(loss.backward())
            optimizer.step(network.params, network.grads)
        losses.append(total / len(X))
    return losses


class InOrder:
    """A generator that leaves everything in order."""

    permutation = staticmethod(np.arange)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_fit_is_the_loop_written_by_hand(size, dtype):
    X, y = data(7, dtype)
    fitted, looped = mlp(dtype), mlp(dtype)
    history = fit(fitted, X, y, batch_size=size, rng=5)
    losses = by_hand(looped, X, y, size, np.random.default_rng(5))
    assert_allclose(history.loss, losses, rtol=1e-15)
    assert_array_equal(fitted.params, looped.params)


@pytest.mark.parametrize("size", [None, 3, 7, 100])
def test_without_shuffling_the_order_is_that_of_the_data(size):
    X, y = data()
    fitted, looped = mlp(), mlp()
    history = fit(fitted, X, y, batch_size=size, shuffle=False)
    losses = by_hand(looped, X, y, size or 7, InOrder())
    assert_allclose(history.loss, losses, rtol=1e-15)
    assert_array_equal(fitted.params, looped.params)


@pytest.mark.parametrize("size", [None, 7, 100])
def test_the_whole_batch_is_never_shuffled(size):
    (X, y), rng = data(), np.random.default_rng(0)
    fit(mlp(), X, y, batch_size=size, rng=rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_a_layer_without_parameters_may_come_first():
    (X, y), loss = data(), MSELoss()
    network = Sequential(Tanh(), mlp())
    twin = copy.deepcopy(network)
    fit(network, X, y, epochs=1)
    twin.backward(loss.value_and_gradient(twin.forward(X), y)[1])
    assert_array_equal(network.params, twin.params - 0.5 * twin.grads)


@pytest.mark.parametrize(
    "make",
    [np.random.default_rng, np.random.RandomState, int],
    ids=["Generator", "RandomState", "int"],
)
def test_fit_repeats_by_seed(make):
    X, y = data()
    one, two, other = mlp(), mlp(), mlp()
    fit(one, X, y, batch_size=2, rng=make(3))
    fit(two, X, y, batch_size=2, rng=make(3))
    fit(other, X, y, batch_size=2, rng=make(4))
    assert_array_equal(one.params, two.params)
    assert not np.array_equal(one.params, other.params)


def test_each_epoch_shuffles_anew():
    orders, (X, y) = [], data()

    class Recorder(MSELoss):
        def value_into(self, p, t, dp):
            orders.append(t[:, 0].copy())
            return super().value_into(p, t, dp)

    fit(mlp(), X, y, loss=Recorder(), epochs=2, batch_size=7 - 1, rng=0)
    first, second = np.concatenate(orders[:2]), np.concatenate(orders[2:])
    assert_array_equal(np.sort(first), np.sort(y[:, 0]))
    assert not np.array_equal(first, second)


def test_fit_leaves_the_data():
    X, y = data()
    before = X.copy(), y.copy()
    fit(mlp(), X, y, batch_size=2)
    assert_array_equal(X, before[0])
    assert_array_equal(y, before[1])


def test_layout_of_the_data_is_no_matter(layout):
    X, y = map(layout, data())
    one, two = mlp(), mlp()
    fit(one, X, y, batch_size=3)
    fit(two, np.array(X, float), np.array(y, float), batch_size=3)
    assert_array_equal(one.params, two.params)


def test_parameters_stay_where_they_are(dtype):
    network, (X, y) = mlp(dtype), data()
    memory = network.params
    fit(network, X, y)
    assert (
        network.params is memory and memory.dtype == dtype and network.layers[0].W.base is not None
    )


def test_two_fits_in_a_row_are_one():
    (X, y), one, two, optimizer = data(), mlp(), mlp(), SGD(0.5)
    halves = [fit(one, X, y, optimizer=optimizer, epochs=2).loss for _ in range(2)]
    assert halves[0] + halves[1] == fit(two, X, y, epochs=4).loss


def test_training_lowers_the_loss():
    loss = fit(mlp(), *data(), epochs=50).loss
    assert loss[-1] < 0.5 * loss[0] and loss == sorted(loss, reverse=True)


def test_history_holds_a_float_for_each_epoch():
    history = fit(mlp(np.float32), *data(), epochs=4)
    assert [type(value) for value in history.loss] == [float] * 4
    assert history.val_loss == history.val_epochs == []


def test_histories_are_independent():
    History().loss.append(1.0)
    assert History().loss == []


@pytest.mark.parametrize(
    "interval, epochs", [(1, [1, 2, 3, 4, 5]), (2, [2, 4]), (5, [5]), (6, [])]
)
def test_validation_is_taken_after_every_interval(interval, epochs):
    network, (X, y), seen = mlp(), data(), []
    validation = data(4, seed=9)
    history = fit(
        network,
        X,
        y,
        epochs=5,
        validation_data=validation,
        validation_interval=interval,
        callback=lambda history: seen.append(network.evaluate(*validation, MSELoss())),
    )
    assert history.val_epochs == epochs
    assert history.val_loss == [seen[epoch - 1] for epoch in epochs]


def test_validation_does_not_change_the_training():
    (X, y), one, two = data(), mlp(), mlp()
    assert (
        fit(one, X, y, batch_size=2, validation_data=data(4)).loss
        == fit(two, X, y, batch_size=2).loss
    )
    assert_array_equal(one.params, two.params)


@pytest.mark.parametrize("optimizer", [SGD(0.5), SGD(0.5, momentum=0.9)], ids=repr)
def test_a_callback_may_put_the_network_into_another(optimizer):
    """The training went on with the gradients of before, and the loss rose."""
    X, y = data(20)
    straight, joined = mlp(), mlp()
    other = copy.deepcopy(optimizer)
    expected = fit(straight, X, y, optimizer=optimizer, epochs=20, batch_size=5).loss
    whole = []
    found = fit(
        joined,
        X,
        y,
        optimizer=other,
        epochs=20,
        batch_size=5,
        callback=lambda history: whole.append(Sequential(joined, Sigmoid())),
    ).loss
    assert found == expected
    assert_array_equal(joined.params, straight.params)
    fit(joined, X, y, optimizer=other)  # it still belongs to the network


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_callback_that_fails_after_joining_leaves_the_last_whole_epoch(error):
    X, y = data(20)
    straight, joined, history = mlp(), mlp(), History()
    fit(straight, X, y, optimizer=SGD(0.5, momentum=0.9), epochs=2, batch_size=5)
    optimizer, whole = SGD(0.5, momentum=0.9), []

    def join_and_fail(history):
        if len(history.loss) == 3:
            whole.append(Sequential(joined, Sigmoid()))
            raise error

    options = {"optimizer": optimizer, "batch_size": 5, "history": history}
    with pytest.raises(error):
        fit(joined, X, y, epochs=5, callback=join_and_fail, **options)
    assert len(history.loss) == 2
    assert_array_equal(joined.params, straight.params)
    fit(joined, X, y, epochs=5, **options)
    assert len(history.loss) == 5


class Renews(Layer):
    """A layer that renews its view whenever it gets other vectors, as `Dense` does."""

    def __init__(self):
        self.n_in = self.n_out = 3
        self.params = np.ones(3)

    def bind(self, params, grads):
        super().bind(params, grads)
        self.scale = params


def test_layers_that_renew_their_views_are_taken():
    network = Sequential(Renews())
    assert np.shares_memory(network.layers[0].scale, network.params)


class Keeps(Layer):
    """A layer that keeps a view of its parameters, which a network would leave behind."""

    def __init__(self):
        self.params = np.ones(3)
        self.scale = self.params[:2]


def test_layers_that_keep_views_of_their_parameters_are_refused(refuses):
    with refuses(ValueError, "Sequential: expected layers without views of their parameters"):
        Sequential(Keeps())


def test_gradients_that_were_bound_elsewhere_are_noticed():
    network = mlp()
    first = network.layers[0]
    first.bind(first.params, np.zeros_like(first.params))
    with pytest.raises(RuntimeError, match="taken over"):
        fit(network, *data())


@pytest.mark.parametrize("name", ["layers", "n_in", "n_out"])
def test_what_is_fixed_cannot_be_deleted(name):
    with pytest.raises(AttributeError, match=f"{name} cannot be deleted"):
        delattr(mlp(), name)


def test_two_precisions_are_refused_with_what_to_do(refuses):
    encoder = Autoencoder((4, 2), rng=0).encoder
    with refuses(TypeError, "float32 and float64; make a layer with dtype=np.float32"):
        Sequential(encoder, Dense(2, 3))
    assert Sequential(encoder, Dense(2, 3, dtype=np.float32)).params.dtype == np.float32


def test_callback_ends_the_training():
    history = fit(
        mlp(),
        *data(),
        epochs=9,
        validation_data=data(),
        callback=lambda history: len(history.loss) == 3,
    )
    assert len(history.loss) == len(history.val_loss) == 3


def test_callback_sees_every_epoch_and_may_change_the_rate():
    optimizer, rates = SGD(0.5), []

    def halve(history):
        rates.append((len(history.loss), optimizer.learning_rate))
        optimizer.learning_rate /= 2

    fit(mlp(), *data(), optimizer=optimizer, callback=halve)
    assert rates == [(1, 0.5), (2, 0.25), (3, 0.125)]


def begin(seed=0):
    """A network, an optimizer with memory, a generator, a history."""
    rng = np.random.default_rng(seed)
    return mlp(), SGD(0.05, momentum=0.9), rng, History()


def go(parts, epochs=4, **options):
    network, optimizer, rng, history = parts
    X, y = data()
    return network.fit(
        X,
        y,
        loss=MSELoss(),
        optimizer=optimizer,
        epochs=epochs,
        rng=rng,
        history=history,
        validation_data=(X, y),
        **({"batch_size": 3} | options),
    )


def bits(parts):
    """All of a training, as what can be compared."""
    network, optimizer, rng, history = parts
    memory = {
        name: value.tobytes() if isinstance(value, np.ndarray) else value
        for name, value in optimizer.state.items()
    }
    return network.params.tobytes(), memory, optimizer.config(), repr(get_state(rng)), history


def all_bits(epochs=4, **options):
    """The state of a training before it, and after each epoch."""
    parts = begin()
    states = [copy.deepcopy(bits(parts))]
    for epoch in range(1, epochs + 1):
        go(parts, epoch, **options)
        states.append(copy.deepcopy(bits(parts)))
    return states


@pytest.mark.parametrize("size", [3, None], ids=["batches", "all at once"])
def test_an_exception_at_any_line_leaves_the_last_whole_epoch(size):
    """Ctrl-C in the middle of an epoch left half of it: saved and continued, the training ended
    elsewhere.
    """
    states, line, found = all_bits(3, batch_size=size), 0, set()
    while True:
        parts, line = begin(), line + 7 if line > 500 else line + 1
        if not at_line(lambda parts=parts: go(parts, 3, batch_size=size), line):
            break
        whole = len(parts[3].loss)
        assert bits(parts) == states[whole], f"after {line} lines"
        if whole not in found:
            found.add(whole)
            go(parts, 3, batch_size=size)
            assert bits(parts) == states[3]
    assert found >= {0, 1, 2} and line > 100


@pytest.mark.parametrize("error", [KeyError("mine"), FloatingPointError("mine"), MemoryError()])
@pytest.mark.parametrize("rng", [np.random.default_rng, np.random.RandomState])
def test_an_epoch_whose_callback_fails_is_undone(error, rng):
    parts, straight = [[*begin()[:2], rng(0), History()] for _ in range(2)]
    rate = parts[1].learning_rate

    def fail(history):
        parts[1].learning_rate = rate / 2
        parts[2].random()
        if len(history.loss) == 3:
            raise error

    with pytest.raises(type(error)) as caught:
        go(parts, callback=fail)
    assert caught.value is error and len(parts[3].loss) == 2 == len(parts[3].val_epochs)

    def slow(history):
        straight[1].learning_rate = rate / 2
        straight[2].random()

    go(straight, 2, callback=slow)
    assert bits(parts) == bits(straight)


def test_ctrl_c_while_a_training_is_restored_restores_it_again():
    """A second Ctrl-C left the half of the state that was put back until then."""
    states, number, reached = all_bits(2), 0, True

    def spoil(history):
        if len(history.loss) == 3:
            parts[0].params[...] = 9.0
            parts[1].learning_rate = 5.0
            parts[2].random()
            raise ZeroDivisionError

    def again(frame, event, _):
        nonlocal left
        if frame.f_code.co_name != "restore":
            return None
        left -= event == "line"
        if not left:
            raise KeyboardInterrupt
        return again

    while reached:
        parts, number = begin(), number + 1
        left, before = number, sys.gettrace()
        sys.settrace(again)
        try:
            with pytest.raises(ZeroDivisionError):
                go(parts, callback=spoil)
        finally:
            sys.settrace(before)
        assert bits(parts) == states[2]
        reached = left <= 0
    assert number > 5


def test_an_error_of_the_first_epoch_leaves_all_as_before():
    parts = begin()
    before = copy.deepcopy(bits(parts))
    with pytest.raises(ZeroDivisionError):
        go(parts, callback=lambda history: 1 / 0)
    assert bits(parts) == before


def test_a_training_that_diverges_puts_the_generator_and_the_rate_back():
    """A second try with a smaller rate drew other batches than it would have at first."""
    parts = Sequential(Dense(3, 2, rng=0)), *begin()[1:]
    before = copy.deepcopy(bits(parts))

    def soar(history):
        parts[1].learning_rate = 1e200

    with pytest.raises(FloatingPointError, match="the parameters are as before"):
        go(parts, callback=soar)
    assert bits(parts) == before


def test_own_entries_of_a_history_are_left_alone():
    """A number kept with the history made fit fail, with "object of type 'float' has no len()"."""
    parts = begin()
    parts[3].seconds = 3.0
    go(parts, 1)
    assert parts[3].seconds == 3.0 and len(parts[3].loss) == 1


def test_warnings_of_a_callback_are_heard_and_own_ones_are_not():
    """NumPy's warnings were off while the callback ran."""
    network, (X, y) = mlp(), data()

    def careless(history):
        np.array([1.0]) / np.zeros(1)

    with pytest.warns(RuntimeWarning, match="divide by zero"):
        network.fit(X, y, loss=MSELoss(), optimizer=SGD(0.1), epochs=1, callback=careless)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        network.fit(X, y, loss=MSELoss(), optimizer=SGD(0.1), epochs=1, callback=careless)


def test_errors_of_the_callback_come_through(refuses):
    def fail(history):
        raise KeyError("mine")

    with refuses(KeyError, "mine"):
        fit(mlp(), *data(), callback=fail)


def test_progress_shows_a_bar_with_the_loss(capsys):
    history = fit(mlp(), *data(), progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "3/3" in err and f"loss={history.loss[-1]:.3g}" in err


def test_progress_does_not_change_the_training(capsys):
    assert fit(mlp(), *data(), progress=True) == fit(mlp(), *data())


def test_without_progress_nothing_is_printed(capfd):
    fit(mlp(), *data(), validation_data=data())
    assert capfd.readouterr() == ("", "")


def test_progress_without_tqdm_says_what_to_install(monkeypatch, refuses):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    network = mlp()
    with refuses(
        ImportError,
        "fit: progress=True needs tqdm; install it with: pip install tqdm",
        network.params,
    ):
        fit(network, *data(), progress=True)


@pytest.mark.parametrize("size", [None, 3])
def test_a_history_is_continued(size):
    """Two epochs and three more are five: losses, validations and parameters."""
    whole, parts, (X, y) = mlp(), mlp(), data()
    options = {"batch_size": size, "validation_data": data(seed=5), "validation_interval": 2}
    expected = fit(whole, X, y, epochs=5, rng=np.random.default_rng(0), **options)
    rng, optimizer = np.random.default_rng(0), SGD(0.5)
    history = fit(parts, X, y, epochs=2, rng=rng, optimizer=optimizer, **options)
    again = fit(parts, X, y, epochs=5, rng=rng, optimizer=optimizer, history=history, **options)
    assert again is history and history == expected
    assert_array_equal(parts.params, whole.params)
    # nothing is left to do
    assert fit(parts, X, y, epochs=5, history=history, **options) == expected
    assert_array_equal(parts.params, whole.params)


def test_progress_counts_the_epochs_of_a_continued_history(capsys):
    history = fit(mlp(), *data(), epochs=2)
    fit(mlp(), *data(), epochs=5, history=history, progress=True)
    assert "5/5" in capsys.readouterr().err


@pytest.mark.parametrize("parts", [((1.0,),), ([], (), ()), ([], [], 3)], ids=repr)
def test_a_history_without_lists_is_refused_before_the_first_step(parts, refuses):
    network = mlp()
    with refuses(TypeError, "expected something like [], got", network.params):
        fit(network, *data(), history=History(*parts))


def test_what_is_no_history_is_refused(refuses):
    network = mlp()
    with refuses(TypeError, "expected something like History(), got [0.5]", network.params):
        fit(network, *data(), history=[0.5])


@pytest.mark.parametrize("size", [4, None])
def test_targets_that_are_the_inputs_train_like_a_copy(size, dtype):
    one = Sequential(Dense(3, 2, rng=0, dtype=dtype), Tanh(), Dense(2, 3, rng=1, dtype=dtype))
    two, (X, _) = copy.deepcopy(one), data(dtype=dtype)
    assert fit(one, X, X, batch_size=size) == fit(two, X, X.copy(), batch_size=size)
    assert_array_equal(one.params, two.params)


def test_training_does_not_allocate_more_and_more():
    """Steps leave nothing behind: after the first epoch the memory stays where it is."""
    network, (X, y), seen = mlp(), data(2000), []

    def watch(history):
        seen.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    fit(network, X, y, epochs=20, batch_size=8, callback=watch)
    tracemalloc.stop()
    assert seen[-1] - seen[2] < 10_000  # 250 steps an epoch


def test_predictions_of_many_samples_are_made_in_blocks():
    network, X = Sequential(Dense(3, 500, rng=0), Tanh(), Dense(500, 2, rng=1)), data(30_000)[0]
    tracemalloc.start()
    outputs = network.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6 < X.shape[0] * 500 * 8
    assert_allclose(outputs, network.forward(X), rtol=0, atol=1e-12)
    y = data(30_000)[1]
    loss = MSELoss().forward(outputs, y)
    assert network.evaluate(X, y, MSELoss()) == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("n", [1, 1023, 1024, 1025, 2500])
def test_no_sample_is_lost_between_blocks(n):
    network, (X, y) = mlp(), data(n)
    assert_allclose(network.predict(X), network.forward(X), rtol=0, atol=1e-14)
    loss = MSELoss().forward(network.forward(X), y)
    assert network.evaluate(X, y, MSELoss()) == pytest.approx(loss, rel=1e-13)


def test_a_bad_number_in_a_later_block_is_refused(refuses):
    X = data(1500)[0]
    X[1200, 1] = np.nan
    with refuses(ValueError, "inputs: expected finite numbers, got nan at index"):
        mlp().predict(X)


def test_a_step_can_be_run_by_hand():
    network, (X, y) = mlp(), data()
    step = TrainingStep(network, MSELoss(), 7, 3)
    step.x[...], step.targets[...] = X, y
    assert step.run() == MSELoss().forward(network.predict(X), y)


def test_a_step_does_not_compute_the_gradient_of_the_inputs():
    asked = []

    class Watched(Dense):
        def backward_into(self, x, y, dy, dx):
            asked.append(dx is not None)
            super().backward_into(x, y, dy, dx)

    TrainingStep(Sequential(Tanh(), Watched(3, 2), Watched(2, 2)), MSELoss(), 7, 3).run()
    assert asked == [True, False]


# Refusals


BAD_ARRAYS = [
    (lambda X, y: (X[:, :2], y), ValueError, "X: expected shape (any, 3), got (7, 2)"),
    (lambda X, y: (X[0], y), ValueError, "X: expected shape (any, 3), got (3,)"),
    (lambda X, y: (X[None], y), ValueError, "X: expected shape (any, 3), got (1, 7, 3)"),
    (lambda X, y: (X, y[:, :1]), ValueError, "y: expected shape (7, 2), got (7, 1)"),
    (lambda X, y: (X, y[:1]), ValueError, "y: expected shape (7, 2), got (1, 2)"),
    (lambda X, y: (X, y[:, 0]), ValueError, "y: expected shape (7, 2), got (7,)"),
    (lambda X, y: (X, y.T), ValueError, "y: expected shape (7, 2), got (2, 7)"),
    (
        lambda X, y: (X[:0], y[:0]),
        ValueError,
        "X: expected at least one sample, got an array of shape (0, 3)",
    ),
    (
        lambda X, y: (X.astype(int), y),
        TypeError,
        "X: expected floats, got dtype int64; convert with .astype(float)",
    ),
    (lambda X, y: (X > 0, y), TypeError, "X: expected floats, got dtype bool"),
    (lambda X, y: (X, y.astype(object)), TypeError, "y: expected floats, got dtype object"),
    (lambda X, y: (X, y.astype(str)), TypeError, "y: expected floats, got dtype <U32"),
    (lambda X, y: (X + 0j, y), TypeError, "X: expected dtype float64, got complex128"),
    (lambda X, y: (X, y + 0j), TypeError, "y: expected dtype float64, got complex128"),
    (
        lambda X, y: (np.where(X == X[2, 1], np.nan, X), y),
        ValueError,
        "X: expected finite numbers, got nan at index (2, 1)",
    ),
    (
        lambda X, y: (X, np.where(y == y[6, 0], np.inf, y)),
        ValueError,
        "y: expected finite numbers, got inf at index (6, 0)",
    ),
    (lambda X, y: (X, None), TypeError, "y: expected an array, got NoneType"),
]
BAD_IDS = [
    "features",
    "one row",
    "3-D",
    "targets of one column",
    "targets of one row",
    "flat targets",
    "turned targets",
    "empty",
    "int",
    "bool",
    "object",
    "str",
    "complex X",
    "complex y",
    "nan",
    "inf",
    "none",
]


@pytest.mark.parametrize("change, error, words", BAD_ARRAYS, ids=BAD_IDS)
class TestBadArrays:
    """Data that do not fit are refused before anything happens."""

    def test_in_training(self, change, error, words, refuses):
        network = mlp()
        with refuses(error, words, network.params, network.grads):
            fit(network, *change(*data()))

    def test_in_validation(self, change, error, words, refuses):
        network = mlp()
        with refuses(error, words, network.params, network.grads):
            fit(network, *data(), validation_data=change(*data()))

    def test_in_evaluation(self, change, error, words, refuses):
        network = mlp()
        with refuses(error, words, network.params, network.grads):
            network.evaluate(*change(*data()), MSELoss())


@pytest.mark.parametrize("name", ["epochs", "batch_size", "validation_interval"])
@pytest.mark.parametrize(
    "count, error, words",
    [
        (0, ValueError, "got 0"),
        (-1, ValueError, "got -1"),
        (1.0, TypeError, "got 1.0"),
        (np.nan, TypeError, "got nan"),
        ("1", TypeError, "got '1'"),
        (True, TypeError, "got True"),
    ],
    ids=repr,
)
def test_bad_counts_are_refused(name, count, error, words, refuses):
    network = mlp()
    with refuses(
        error, f"{name}: expected an int of at least 1, {words}", network.params, network.grads
    ):
        fit(network, *data(), **{name: count})


def test_numpy_integers_are_counts():
    assert len(fit(mlp(), *data(), epochs=np.int64(2), batch_size=np.int32(3)).loss) == 2


def test_an_optimizer_of_another_network_is_refused(refuses):
    optimizer, network, (X, y) = SGD(0.5), mlp(), data()
    fit(mlp(), X, y, optimizer=optimizer)
    with refuses(
        ValueError, "got another vector of 26; make an optimizer for each network", network.params
    ):
        fit(network, X, y, optimizer=optimizer)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"loss": MSELoss}, "expected something like MSELoss(), got <class "),
        ({"loss": "mse"}, "expected something like MSELoss(), got 'mse'"),
        ({"optimizer": SGD}, "expected something like SGD(0.1), got <class "),
        ({"optimizer": 0.1}, "expected something like SGD(0.1), got 0.1"),
    ],
    ids=["loss class", "loss name", "optimizer class", "rate"],
)
def test_what_is_no_loss_or_optimizer_is_refused(options, words, refuses):
    network = mlp()
    with refuses(TypeError, words, network.params, network.grads):
        fit(network, *data(), **options)


def test_evaluating_by_the_class_of_a_loss_is_refused(refuses):
    with refuses(TypeError, "expected something like MSELoss(), got <class "):
        mlp().evaluate(*data(), MSELoss)


@pytest.mark.parametrize("pair", [data()[0], (*data(), 1)], ids=["only X", "three"])
def test_validation_data_that_are_no_pair_are_refused(pair, refuses):
    network = mlp()
    with refuses(TypeError, "validation_data: expected a pair (X, y), got", network.params):
        fit(network, *data(), validation_data=pair)


def test_a_callback_that_cannot_be_called_is_refused_before_the_first_step(refuses):
    network = mlp()
    with refuses(TypeError, "callback: expected a function, got 3", network.params):
        fit(network, *data(), callback=3)


class PairSum(Layer):
    """Adds neighbouring features, 4 to 2: has sizes, and nothing to learn."""

    n_in, n_out = 4, 2

    def forward_into(self, x, y):
        np.add(x[:, ::2], x[:, 1::2], out=y)

    def backward_into(self, x, y, dy, dx):
        dx[:, ::2] = dx[:, 1::2] = dy


class Scale(Layer):
    """Multiplies by one learned number: has a parameter, and no size."""

    def __init__(self):
        self.params = np.array([2.0])

    def forward_into(self, x, y):
        np.multiply(x, self.params, out=y)

    def backward_into(self, x, y, dy, dx):
        self.grads[...] = np.sum(x * dy)
        if dx is not None:
            np.multiply(dy, self.params, out=dx)


class Mean(Layer):
    """Averages the features, however many: gives one, and asks for no number."""

    n_out = 1

    def forward_into(self, x, y):
        np.mean(x, axis=1, keepdims=True, out=y)

    def backward_into(self, x, y, dy, dx):
        np.divide(dy, float(x.shape[1]), out=dx)


def test_a_layer_may_give_a_number_of_features_and_ask_for_none():
    network = Sequential(Dense(3, 4, rng=0), Mean(), Dense(1, 2, rng=1))
    assert max(check_network(network, *data(), MSELoss()).values()) < 1e-14
    assert Sequential(Dense(3, 4, rng=0), Mean()).n_out == 1
    with pytest.raises(ValueError, match=r"expects 4 features, but Mean\(\) gives 1"):
        Sequential(Dense(3, 4, rng=0), Mean(), Dense(4, 2, rng=1))


def test_sizes_of_a_layer_without_parameters_count():
    network = Sequential(PairSum(), Dense(2, 1, rng=0))
    assert (network.n_in, network.n_out) == (4, 1)
    assert max(check_network(network, np.eye(4), np.ones((4, 1)), MSELoss()).values()) < 1e-14
    with pytest.raises(ValueError, match="expects 4 features, but"):
        Sequential(Dense(3, 3, rng=0), PairSum())


def test_a_layer_with_parameters_may_leave_its_sizes_open():
    network = Sequential(Dense(3, 4, rng=0), Scale(), Dense(4, 2, rng=1))
    assert max(check_network(network, *data(), MSELoss()).values()) < 1e-14
    assert fit(network, *data()).loss


def test_a_layer_with_parameters_and_of_any_width_is_trained():
    """It ended in an assertion, with an optimizer that was already attached."""
    network, X = Sequential(Scale()), data()[0]
    network.fit(X, 2 * X, loss=MSELoss(), optimizer=SGD(0.3), epochs=50)
    assert abs(network.params[0] - 2) < 1e-6
    assert type(network.evaluate(X, X, MSELoss())) is float


def test_setting_params_of_a_network_sets_its_layers(refuses):
    """An assignment must not part the vector from the layers that view it."""
    network = mlp()
    network.params = np.arange(float(network.params.size))
    assert network.layers[0].W[0, 0] == 0 and np.shares_memory(network.layers[0].W, network.params)
    with refuses(ValueError, "expected shape (26), got (3,)", network.params):
        network.params = np.ones(3)


def test_a_network_without_parameters_is_refused(refuses):
    with refuses(ValueError, "fit: Sequential(Tanh()) has no parameters to train"):
        fit(Sequential(Tanh()), *data())


def test_backward_before_forward_is_refused(network, refuses):
    with refuses(RuntimeError, "call forward before backward", network.params, network.grads):
        network.backward(np.ones((4, 2)))


@pytest.mark.parametrize("name", ["X", "y"])
def test_data_beyond_float32_are_refused(name, refuses):
    network, arrays = mlp(np.float32), dict(zip("Xy", data()))
    arrays[name][3, 1] = 1e300
    with refuses(
        ValueError, f"{name}: expected finite numbers, got inf at index (3, 1)", network.params
    ):
        fit(network, **arrays)


# Divergence


def diverge(rate, network, **options):
    """Train so fast that numbers cease to be finite."""
    X, y = data()
    network.fit(
        10 * X, 10 * y, **({"loss": MSELoss(), "optimizer": SGD(rate), "epochs": 9} | options)
    )


@pytest.mark.parametrize("rate, loss", [(1e200, "inf"), (1.7e308, "nan")])
def test_a_loss_that_is_not_finite_restores_the_parameters(rate, loss, refuses):
    network = Sequential(Dense(3, 2, rng=0))
    words = (
        f"fit: loss: expected a finite number, got {loss} in epoch 2; the parameters are as before"
    )
    with refuses(FloatingPointError, words, network.params):
        diverge(rate, network)


def test_a_loss_that_is_not_finite_in_a_later_batch_restores_the_parameters(refuses):
    network = Sequential(Dense(3, 2, rng=0))
    words = "fit: loss: expected a finite number, got inf in epoch 1; the parameters are as before"
    with refuses(FloatingPointError, words, network.params):
        diverge(1e200, network, batch_size=2)


def test_parameters_that_cease_to_be_finite_in_the_last_step_are_restored(refuses):
    network = Sequential(Dense(3, 2, rng=0))
    words = (
        "parameters: expected finite numbers, got NaN or infinity; the parameters are as before"
    )
    with refuses(FloatingPointError, words, network.params):
        diverge(1.7e308, network, epochs=1)


def test_parameters_that_cease_to_be_finite_before_a_stop_are_restored(refuses):
    network = Sequential(Dense(3, 2, rng=0))
    with refuses(FloatingPointError, "fit: parameters: expected finite numbers", network.params):
        diverge(1.7e308, network, callback=lambda history: True)


@pytest.mark.parametrize("rate", [1e306, 1.7e308], ids=["predictions", "parameters"])
def test_validation_that_is_not_finite_restores_the_parameters(rate, refuses):
    network, (X, y) = Sequential(Dense(3, 2, rng=0)), data()
    words = (
        "predictions: expected finite numbers, got NaN or infinity; the parameters are as before"
    )
    with refuses(FloatingPointError, words, network.params):
        diverge(rate, network, validation_data=(1000 * X, y))


def test_a_network_can_be_trained_after_a_divergence():
    network, twin = mlp(), mlp()
    with pytest.raises(FloatingPointError):
        diverge(1e308, Sequential(network, Dense(2, 2, rng=0)))
    assert fit(network, *data()) == fit(twin, *data())


def test_a_history_is_cut_back_when_training_diverges():
    """Epochs that were undone would otherwise count as done in the next call."""
    x = np.linspace(-1, 1, 8)[:, None]
    network, history = Sequential(Dense(1, 1, rng=0)), History()
    network.fit(
        x,
        3 * x,
        loss=MSELoss(),
        optimizer=SGD(0.1),
        epochs=3,
        history=history,
        validation_data=(x, 3 * x),
    )
    before, loss = copy.deepcopy(history), history.loss
    with pytest.raises(FloatingPointError):
        network.fit(
            x,
            3 * x,
            loss=MSELoss(),
            optimizer=SGD(50.0),
            epochs=2000,
            history=history,
            validation_data=(x, 3 * x),
        )
    assert history == before and history.loss is loss


def test_gradients_set_by_hand_are_written_into_the_vector():
    """`network.grads = ...`, meant to clear them, once cut the layers off, and training went on
    without effect.
    """
    x = np.linspace(-1, 1, 8)[:, None]
    network = Sequential(Dense(1, 1, rng=0))
    grads = network.grads
    network.grads = np.ones_like(grads)
    assert network.grads is grads and (grads == 1).all() and network.layers[0].dW[0, 0] == 1
    history = network.fit(x, 3 * x, loss=MSELoss(), optimizer=SGD(0.1), epochs=50)
    assert history.loss[-1] < 0.1 * history.loss[0]
    with pytest.raises(ValueError, match=r"expected shape \(2\), got \(3,\)"):
        network.grads = np.zeros(3)


def test_a_bad_value_in_many_rows_is_named_by_its_row():
    """Rows are computed in blocks; the index was that in the block."""
    X = np.zeros((3000, 2))
    X[2500, 1] = np.nan
    with pytest.raises(ValueError, match=r"got nan at index \(2500, 1\)"):
        Sequential(Dense(2, 1, rng=0)).predict(X)


def test_targets_that_are_the_inputs_are_checked_by_the_loss(refuses):
    """Inputs that served as targets too were not: the cross-entropy became negative."""
    X = np.linspace(-1, 1, 12).reshape(4, 3)
    network = Sequential(Dense(3, 3, rng=0))
    with refuses(ValueError, "y: expected targets from 0 to 1, got -1 to 1", network.params):
        network.fit(X, X, loss=BCEWithLogitsLoss(), optimizer=SGD(0.1), epochs=1)


def test_underflow_is_no_error_when_numpy_raises():
    """Under np.seterr(all="raise"), exponentials that are rightly 0 raised."""
    network = Sequential(Dense(1, 1, init="zeros"), Sigmoid())
    network.params[...] = [-1.0, 0.0]
    far, one = np.full((1, 1), -800.0), np.ones((1, 1))
    with np.errstate(all="raise"):
        assert network.predict(far) == network.predict(-far) + 1 == 1
        assert network.evaluate(-far, one, MSELoss()) == 1
        assert network.forward(-far) == 0 and network.backward(1e-300 * one) == 0
        assert BCEWithLogitsLoss().forward(far, one) == 800
        assert Autoencoder((2, 1), rng=0).decode(np.full((1, 1), 1e4, np.float32)).size == 2
        SGD(1e-300).step(one.ravel(), 1e-300 * one.ravel())


def test_targets_that_are_the_inputs_are_converted_once():
    """In another dtype the autoencoder's images were copied twice."""
    X = np.random.default_rng(0).random((50, 3))
    network = Sequential(Dense(3, 3, rng=0, dtype=np.float32))
    inputs, targets = check_data(network, X, X, MSELoss())
    assert inputs is targets and inputs.dtype == np.float32


def test_ctrl_c_again_and_again_while_fit_puts_back(monkeypatch, rng):
    """What was half restored is restored from the start, and the first Ctrl-C is told."""
    X, restore, calls = rng.normal(size=(6, 3)), Trainer.restore, []

    def interrupted(trainer, snapshot):
        calls.append(len(trainer.history.loss))
        if len(calls) < 4:
            trainer.params[:2] = 7
            raise KeyboardInterrupt
        restore(trainer, snapshot)

    def stop(history):
        if len(history.loss) == 3:
            raise KeyboardInterrupt

    def train(epochs, callback=None):
        network, optimizer = Sequential(Dense(3, 3, rng=0)), SGD(0.1, momentum=0.9)
        with contextlib.suppress(KeyboardInterrupt):
            network.fit(
                X, X, loss=MSELoss(), optimizer=optimizer, epochs=epochs, callback=callback
            )
        return network.params, optimizer.state["velocity"]

    whole = train(2)
    monkeypatch.setattr(Trainer, "restore", interrupted)
    assert_array_equal(train(9, stop), whole)
    assert len(calls) == 4


def test_an_own_layer_is_heard_if_it_wants_to_be(rng):
    """In training NumPy is quiet in all layers, but for what sets its own error state."""

    class Noisy(Layer):
        def forward_into(self, x, y):
            np.log(np.zeros(1))
            with np.errstate(**self.settings):
                np.divide(np.ones(1), 0)
            y[...] = x

        def backward_into(self, x, y, dy, dx):
            dx[...] = dy

    X, layer, training = rng.normal(size=(6, 3)), Noisy(), {"loss": MSELoss(), "epochs": 1}
    network = Sequential(Dense(3, 3, rng=0), layer)
    layer.settings = {}
    network.fit(X, X, optimizer=SGD(0.1), **training)  # warnings are errors here
    layer.settings = {"divide": "warn"}
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        network.fit(X, X, optimizer=SGD(0.1), **training)
    layer.settings = {"divide": "raise"}
    with pytest.raises(FloatingPointError, match="divide by zero encountered in divide"):
        network.fit(X, X, optimizer=SGD(0.1), **training)


@pytest.mark.parametrize(
    "flag", ["no", 2.5, None, [1], np.timedelta64(1, "s"), np.ones(2)], ids=repr
)
@pytest.mark.parametrize("name", ["shuffle", "progress"])
def test_a_flag_is_true_or_false(name, flag, refuses):
    """The samples were shuffled if `shuffle` was "no"."""
    network = mlp()
    with refuses(TypeError, f"{name}: expected True or False, got", network.params):
        fit(network, *data(), **{name: flag})


@pytest.mark.parametrize(
    "width", ["3", 2.5, True, [1], np.ones(2), np.timedelta64(1, "s")], ids=repr
)
@pytest.mark.parametrize("name", ["n_in", "n_out"])
def test_a_layer_of_the_user_s_own_has_whole_widths(name, width, refuses):
    """NumPy complained in the first batch, or a width of "3" was never looked at."""
    with refuses(TypeError, f"{name}: expected an int of at least 1, got"):
        setattr(Layer(), name, width)
    with refuses(ValueError, f"{name}: expected an int of at least 1, got 0"):
        setattr(Layer(), name, 0)


def test_a_training_that_diverges_restores_the_gradients(refuses):
    """They stayed infinite."""
    network = Sequential(Dense(3, 2, rng=0))
    network.forward(data()[0])
    network.backward(data()[1])
    before = network.grads.copy()
    with refuses(FloatingPointError, "fit: loss: expected a finite number", network.grads):
        diverge(1e200, network)
    assert before.any() and np.array_equal(network.grads, before)


def test_gradients_are_those_of_the_last_whole_epoch():
    network, straight = mlp(), mlp()

    def fail(history):
        if len(history.loss) == 3:
            raise KeyError

    with pytest.raises(KeyError):
        fit(network, *data(), callback=fail)
    fit(straight, *data(), epochs=2)
    assert network.grads.tobytes() == straight.grads.tobytes()


@pytest.mark.parametrize("progress", [False, True])
def test_what_a_callback_removes_from_the_history_stays_removed(progress, capsys):
    """The bar looked for the last loss of an empty history."""
    network, straight, history = mlp(), mlp(), History()
    fit(network, *data(), history=history, progress=progress,
        callback=lambda history: history.loss.clear())  # fmt: skip
    fit(straight, *data())
    assert history.loss == [] and network.params.tobytes() == straight.params.tobytes()

    def fail(history):
        history.loss.clear()
        raise KeyError

    network, straight = mlp(), mlp()
    before = network.params.copy()
    history.loss[:] = [1.0]
    with pytest.raises(KeyError):
        fit(network, *data(), history=history, callback=fail)
    assert history.loss == [] and np.array_equal(network.params, before)


@pytest.mark.parametrize("strict", ["warn", "raise"])
def test_gradients_that_overflow_make_no_noise(strict, recwarn):
    """Forward was quiet, backward was not."""
    network = Sequential(Dense(3, 2, rng=0), Dense(2, 2, rng=0))
    network.params = 1e200 * network.params
    with np.errstate(all=strict):
        assert not np.isfinite(network.forward(1e200 * data()[0])).all()
        assert not np.isfinite(network.backward(1e200 * data()[1])).all()
    assert not recwarn
