"""What holds for every layer, and for Dense."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from autograd import grad
from formulas import gradients
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from nnlib import SGD, Dense, Layer, MSELoss, ReLU, Sequential, Sigmoid, Softmax, Tanh
from nnlib.arrays import as_rng
from nnlib.buffers import Buffers, batch_buffer, with_ones
from nnlib.layers import VectorView

sizes = st.integers(1, 5)


def batch(rng, dtype, n=4, d=3):
    return rng.normal(size=(n, d)).astype(dtype)


# Buffers


def test_batch_buffer_has_a_column_of_ones_behind_it():
    x = batch_buffer(3, 2)
    x[...] = 7
    assert_array_equal(with_ones(x), [[7, 7, 1]] * 3)


def test_with_ones_is_a_view():
    x = batch_buffer(3, 2)
    with_ones(x)[1, 1] = 5
    assert x[1, 1] == 5


def test_with_ones_needs_a_batch_buffer():
    with pytest.raises(AssertionError, match="batch_buffer"):
        with_ones(np.ones((3, 2)))


# Every layer


def test_gradients_match_autograd(layer, rng):
    x = batch(rng, np.float64)
    layer = copy.deepcopy(layer)
    layer.bind(layer.params.astype(np.float64), layer.grads.astype(np.float64))
    g = rng.normal(size=layer.forward(x).shape)
    dx, parts = gradients(layer, x, lambda y: (g * y).sum())
    assert_allclose(layer.backward(g), dx, rtol=1e-12, atol=1e-15)
    dparams = [np.concatenate([dW.ravel(), db]) for dW, db in parts]
    assert_allclose(layer.grads, np.concatenate([np.empty(0), *dparams]), rtol=1e-12, atol=1e-15)


def test_dtype_is_kept(layer, dtype, rng):
    y = layer.forward(batch(rng, dtype))
    assert y.dtype == layer.backward(y).dtype == dtype


def test_gradients_have_the_shape_of_the_inputs(layer, dtype, rng):
    y = layer.forward(batch(rng, dtype, n=5))
    assert len(y) == 5 and layer.backward(y).shape == (5, 3)


def test_one_sample_is_a_row_of_many(layer, dtype, rng):
    x = batch(rng, dtype)
    rows = [layer.forward(row[None])[0] for row in x]
    assert_allclose(layer.forward(x), rows, rtol=10 * np.finfo(dtype).eps)


def test_rows_permute_with_the_samples(layer, dtype, rng):
    x, order = batch(rng, dtype), [2, 0, 3, 1]
    assert_allclose(
        layer.forward(x[order]), layer.forward(x)[order], rtol=10 * np.finfo(dtype).eps
    )


def test_layout_of_the_inputs_is_no_matter(layer, dtype, layout, rng):
    x = layout(batch(rng, dtype))
    assert_array_equal(layer.forward(x), layer.forward(np.array(x, dtype)))


def test_lists_are_float64(layer):
    if not layer.params.size:
        assert layer.forward([[1.0, 2.0, 3.0]]).dtype == np.float64


def test_layout_of_the_gradient_is_no_matter(layer, dtype, layout, rng):
    g = layout(layer.forward(batch(rng, dtype)))
    assert_array_equal(layer.backward(g), layer.backward(np.array(g, dtype)))


def test_arguments_are_left_alone(layer, dtype, rng):
    x = batch(rng, dtype)
    g = np.ones_like(layer.forward(x))
    before = x.copy(), g.copy()
    layer.forward(x)
    layer.backward(g)
    assert_array_equal(x, before[0])
    assert_array_equal(g, before[1])


def test_results_are_contiguous_and_owned(layer, dtype, rng):
    y = layer.forward(batch(rng, dtype))
    dx = layer.backward(y)
    for result in (y, dx):
        assert result.flags.forc and result.flags.writeable
        assert not np.shares_memory(result, layer.params)


def test_later_calls_leave_earlier_results(layer, dtype, rng):
    x = batch(rng, dtype)
    y = layer.forward(x)
    dx = layer.backward(y)
    before = y.copy(), dx.copy()
    layer.forward(2 * x)
    layer.backward(3 * y)
    assert_array_equal(y, before[0])
    assert_array_equal(dx, before[1])


def test_writing_into_results_and_inputs_does_not_reach_the_layer(layer, dtype, rng):
    x = batch(rng, dtype)
    y = layer.forward(x)
    g = np.ones_like(y)
    dx = layer.backward(g)
    expected = dx.copy(), layer.grads.copy()
    x[...] = y[...] = dx[...] = np.nan
    assert_array_equal(layer.backward(g), expected[0])
    assert_array_equal(layer.grads, expected[1])


def test_backward_replaces_gradients(layer, dtype, rng):
    g = np.ones_like(layer.forward(batch(rng, dtype)))
    layer.backward(g)
    once = layer.grads.copy()
    layer.backward(g)
    assert_array_equal(layer.grads, once)


def test_backward_is_linear(layer, rng):
    g = layer.forward(batch(rng, np.float32))
    assert_allclose(layer.backward(2 * g), 2 * layer.backward(g), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_large_inputs_give_finite_numbers_without_warnings(layer, dtype, scale, rng):
    y = layer.forward(scale * np.sign(batch(rng, dtype)))
    assert np.isfinite(y).all() and np.isfinite(layer.backward(y)).all()


@pytest.mark.parametrize(
    "again",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))],
    ids=["deepcopy", "pickle"],
)
class TestCopies:
    """A copy computes the same, shares nothing, and its names are views of its own vectors."""

    def test_computes_the_same(self, layer, again, dtype, rng):
        x = batch(rng, dtype)
        assert_array_equal(again(layer).forward(x), layer.forward(x))

    def test_is_independent(self, layer, again, dtype, rng):
        x = batch(rng, dtype)
        y = layer.forward(x)
        twin = again(layer)
        twin.params[...] = 1
        twin.backward(np.ones_like(twin.forward(-x)))
        assert_array_equal(layer.forward(x), y)
        assert_array_equal(layer.grads, 0)

    def test_keeps_views(self, layer, again):
        twin = again(layer)
        twin.params[...], twin.grads[...] = 3, 4
        for leaf in twin.leaves:
            assert (leaf.params == 3).all() and (leaf.grads == 4).all()

    def test_has_seen_no_forward(self, layer, again, dtype, rng, refuses):
        y = layer.forward(batch(rng, dtype))
        with refuses(RuntimeError, "call forward before backward", layer.params):
            again(layer).backward(y)

    def test_may_join_a_network(self, layer, again):
        Sequential(layer)
        assert Sequential(again(layer)).leaves


@pytest.mark.parametrize(
    "value, error, words",
    [
        (
            np.ones((0, 3)),
            ValueError,
            "expected at least one sample, got an array of shape (0, 3)",
        ),
        (np.array(1.0), ValueError, ", got "),
        (np.ones((2, 3), int), TypeError, "inputs: expected floats, got dtype int64"),
        ([[1, 2, 3]], TypeError, "convert with .astype(float)"),
        (np.ones((2, 3), bool), TypeError, "inputs: expected floats, got dtype bool"),
        (np.ones((2, 3), object), TypeError, "inputs: expected floats, got dtype object"),
        ([["1", "2", "3"]], TypeError, "inputs: expected floats, got dtype <U1"),
        (None, TypeError, "inputs: expected an array, got NoneType"),
        (
            [[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]],
            ValueError,
            "expected finite numbers, got nan at index (1, 1)",
        ),
        ([[1.0, 2.0, -np.inf]], ValueError, "expected finite numbers, got -inf at index (0, 2)"),
    ],
    ids=str,
)
def test_bad_inputs_are_refused(layer, value, error, words, refuses):
    with refuses(error, words, layer.params, layer.grads):
        layer.forward(value)


@pytest.mark.parametrize(
    "change, error, words",
    [
        (lambda g: g[:-1], ValueError, "grad_output: expected shape (4, {k}), got (3, {k})"),
        (lambda g: g[:1], ValueError, "grad_output: expected shape (4, {k}), got (1, {k})"),
        (lambda g: g[:, 0], ValueError, "grad_output: expected shape (4, {k}), got (4,)"),
        (lambda g: g.astype(int), TypeError, "grad_output: expected floats, got dtype int64"),
        (lambda g: g + 0j, TypeError, "grad_output: expected dtype {dtype}, got complex"),
        (
            lambda g: g * np.nan,
            ValueError,
            "grad_output: expected finite numbers, got nan at index (0, 0)",
        ),
    ],
    ids=["short", "broadcasting", "flat", "int", "complex", "nan"],
)
def test_bad_gradients_are_refused(layer, dtype, change, error, words, rng, refuses):
    g = layer.forward(batch(rng, dtype))
    with refuses(
        error, words.format(k=g.shape[1], dtype=np.dtype(dtype)), layer.params, layer.grads
    ):
        layer.backward(change(g))


def test_backward_before_forward_is_refused(layer, refuses):
    with refuses(
        RuntimeError, f"{layer!r}: call forward before backward", layer.params, layer.grads
    ):
        layer.backward(np.ones((1, 2)))


def test_a_refused_forward_keeps_the_one_before(layer, dtype, rng):
    y = layer.forward(batch(rng, dtype))
    dx = layer.backward(y)
    with pytest.raises(TypeError):
        layer.forward([["no"]])
    assert_array_equal(layer.backward(y), dx)


# Dense


@given(st.data(), sizes, sizes, sizes, st.sampled_from([np.float32, np.float64]))
def test_dense_is_x_W_plus_b(data, n, n_in, n_out, dtype):
    values = st.floats(-8, 8, width=16)
    x, W, b = (
        data.draw(arrays(dtype, shape, elements=values))
        for shape in ((n, n_in), (n_in, n_out), n_out)
    )
    layer = Dense(n_in, n_out, dtype=dtype)
    layer.W, layer.b = W, b
    assert_array_equal(layer.params, np.vstack([W, b]).ravel())
    y = layer.forward(x)
    assert y.dtype == dtype and y.shape == (n, n_out)
    assert_allclose(y, x.astype(float) @ W + b, rtol=1e-5, atol=64 * 5 * np.finfo(dtype).eps)


@given(sizes, sizes, sizes, st.integers(0, 99))
def test_dense_gradients_match_autograd_in_any_shape(n, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    layer, x, g = (
        Dense(n_in, n_out, rng=rng),
        rng.normal(size=(n, n_in)),
        rng.normal(size=(n, n_out)),
    )
    layer.forward(x)
    dx, [(dW, db)] = gradients(layer, x, lambda y: (g * y).sum())
    for ours, theirs in ((layer.backward(g), dx), (layer.dW, dW), (layer.db, db)):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "init, variance", [("xavier", 2 / (3 + 5)), ("he", 2 / 3), ("lecun", 1 / 3), ("zeros", 0)]
)
def test_weights_are_normal_draws_of_the_stated_variance(init, variance):
    layer = Dense(3, 5, init=init, rng=7)
    assert_array_equal(
        layer.W, np.sqrt(variance) * np.random.default_rng(7).standard_normal((3, 5))
    )


def test_xavier_is_the_default():
    assert_array_equal(Dense(3, 5, rng=7).params, Dense(3, 5, init="xavier", rng=7).params)


def test_biases_and_gradients_start_at_zero(dtype):
    layer = Dense(3, 5, rng=0, dtype=dtype)
    assert_array_equal(layer.b, np.zeros(5))
    assert_array_equal(layer.grads, np.zeros(20))


def test_weights_come_in_one_draw_from_a_random_state():
    rng = np.random.RandomState(42)
    layers = Dense(2, 4, rng=rng), Dense(4, 1, rng=rng)
    old = np.random.RandomState(42)
    assert_array_equal(layers[0].W, np.sqrt(2 / 6) * old.randn(2, 4))
    assert_array_equal(layers[1].W, np.sqrt(2 / 5) * old.randn(4, 1))


def test_float32_weights_are_rounded_float64_weights():
    assert_array_equal(
        Dense(3, 5, rng=7, dtype=np.float32).W, Dense(3, 5, rng=7).W.astype(np.float32)
    )


def test_without_a_seed_no_two_are_alike():
    assert not np.array_equal(Dense(3, 5).W, Dense(3, 5).W)


def test_as_rng_passes_generators_on(rng):
    assert as_rng(rng) is rng
    assert as_rng(old := np.random.RandomState(0)) is old


@pytest.mark.parametrize(
    "name, vector, rows",
    [
        ("W", "params", slice(0, 6)),
        ("b", "params", slice(6, 8)),
        ("dW", "grads", slice(0, 6)),
        ("db", "grads", slice(6, 8)),
    ],
)
class TestViews:
    """W, b, dW and db are parts of the layer's vectors."""

    def test_writing_into_one_writes_the_vector(self, name, vector, rows):
        layer = Dense(3, 2)
        getattr(layer, name)[...] = 5
        assert (getattr(layer, vector)[rows] == 5).all()

    def test_setting_one_writes_the_vector(self, name, vector, rows):
        layer = Dense(3, 2)
        memory = getattr(layer, vector)
        setattr(layer, name, np.full(getattr(layer, name).shape, 5.0))
        assert getattr(layer, vector) is memory and (memory[rows] == 5).all()

    def test_writing_the_vector_shows_in_it(self, name, vector, rows):
        layer = Dense(3, 2)
        getattr(layer, vector)[rows] = 5
        assert (getattr(layer, name) == 5).all()

    @pytest.mark.parametrize(
        "value, error, words",
        [
            (np.ones((3, 1)), ValueError, "parameters of Dense(3, 2): expected shape ("),
            (1.0, ValueError, "got ()"),
            (np.ones(2, int), TypeError, "expected floats, got dtype int64"),
            (np.ones(2, complex), TypeError, "expected dtype float64, got complex128"),
        ],
        ids=["broadcasting", "scalar", "int", "complex"],
    )
    def test_bad_values_are_refused(self, name, vector, rows, value, error, words, refuses):
        layer = Dense(3, 2)
        with refuses(error, words, layer.params, layer.grads):
            setattr(layer, name, value)


def test_nan_is_no_weight(refuses):
    layer = Dense(3, 2)
    with refuses(ValueError, "expected finite numbers, got nan at index (1,)", layer.params):
        layer.b = [0.0, np.nan]


def test_the_class_shows_its_views():
    assert isinstance(Dense.W, VectorView) and isinstance(Dense.db, VectorView)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ((0, 2), ValueError, "n_in: expected an int of at least 1, got 0"),
        ((2, -1), ValueError, "n_out: expected an int of at least 1, got -1"),
        ((2.0, 1), TypeError, "n_in: expected an int of at least 1, got 2.0"),
        ((2, "1"), TypeError, "n_out: expected an int of at least 1, got '1'"),
        ((True, 1), TypeError, "n_in: expected an int of at least 1, got True"),
        ((2, None), TypeError, "n_out: expected an int of at least 1, got None"),
    ],
)
def test_bad_sizes_are_refused(arguments, error, words, refuses):
    with refuses(error, words):
        Dense(*arguments)


@pytest.mark.parametrize(
    "options, error, words",
    [
        (
            {"init": "glorot"},
            ValueError,
            "init: expected one of 'xavier', 'he', 'lecun', 'zeros', got 'glorot'",
        ),
        ({"dtype": np.float16}, TypeError, "dtype: expected float32 or float64, got float16"),
        ({"dtype": int}, TypeError, "dtype: expected float32 or float64, got int64"),
        ({"dtype": complex}, TypeError, "dtype: expected float32 or float64, got complex128"),
    ],
)
def test_bad_options_are_refused(options, error, words, refuses):
    with refuses(error, words):
        Dense(2, 1, **options)


def test_numpy_integers_are_sizes():
    assert Dense(np.int64(2), np.int32(3)).W.shape == (2, 3)


@pytest.mark.parametrize("shape", [(4, 2), (4, 4), (3,), (2, 4, 3)])
def test_wrong_shapes_are_refused(shape, refuses):
    layer = Dense(3, 2, rng=0)
    with refuses(ValueError, f"inputs: expected shape (any, 3), got {shape}", layer.params):
        layer.forward(np.ones(shape))


def test_complex_inputs_to_real_weights_are_refused(dtype, refuses):
    layer = Dense(3, 2, rng=0, dtype=dtype)
    with refuses(
        TypeError, f"inputs: expected dtype {np.dtype(dtype)}, got complex128", layer.params
    ):
        layer.forward(np.ones((4, 3), complex))


def test_float64_inputs_are_rounded_to_float32(rng):
    layer, x = Dense(3, 2, rng=0, dtype=np.float32), batch(rng, np.float64)
    assert_array_equal(layer.forward(x), layer.forward(x.astype(np.float32)))


def test_inputs_beyond_float32_are_refused(refuses):
    layer = Dense(2, 1, rng=0, dtype=np.float32)
    with refuses(
        ValueError, "inputs: expected finite numbers, got inf at index (0, 1)", layer.params
    ):
        layer.forward([[1.0, 1e300]])


def test_reprs_are_calls():
    assert repr(Dense(3, 2)) == "Dense(3, 2)" and repr(ReLU()) == "ReLU()"


# Layers of one's own


class Square(Layer):
    """x², as a reader might write it."""

    def forward_into(self, x, y):
        np.multiply(x, x, out=y)

    def backward_into(self, x, y, dy, dx):
        np.multiply(dy, x, out=dx)
        np.multiply(dx, 2.0, out=dx)


class Scale(Layer):
    """A factor for each feature, that is learned."""

    def __init__(self, d):
        self.n_in = self.n_out = d
        self.params = np.ones(d)

    def forward_into(self, x, y):
        np.multiply(x, self.params, out=y)

    def backward_into(self, x, y, dy, dx):
        np.sum(x * dy, axis=0, out=self.grads)
        if dx is not None:
            np.multiply(dy, self.params, out=dx)


def test_a_layer_of_ones_own_works_alone_and_in_a_network(rng):
    x, dense = batch(rng, np.float64), Dense(3, 2, rng=0)
    W, b = dense.W.copy(), dense.b.copy()
    network = Sequential(dense, Square())
    assert_allclose(network.forward(x), Square().forward(x @ W + b), rtol=1e-14)
    assert_allclose(
        network.backward(np.ones((4, 2))), grad(lambda x: ((x @ W + b) ** 2).sum())(x), rtol=1e-12
    )


@pytest.mark.parametrize("method, arguments", [("forward_into", 2), ("backward_into", 4)])
def test_a_layer_must_define_its_methods(method, arguments, refuses):
    with refuses(NotImplementedError, f"Layer must define {method}("):
        getattr(Layer(), method)(*[None] * arguments)


def test_a_layer_without_forward_says_so_when_called(refuses):
    with refuses(NotImplementedError, "Layer must define forward_into"):
        Layer().forward(np.ones((1, 1)))


def test_a_layer_of_ones_own_learns_in_a_network(rng):
    X, scale = rng.normal(size=(50, 3)), Scale(3)
    Sequential(scale).fit(X, X * [2.0, -1.0, 0.5], loss=MSELoss(), optimizer=SGD(0.5), epochs=200)
    assert_allclose(scale.params, [2, -1, 0.5], rtol=1e-6)


def test_a_layer_says_how_to_make_another():
    assert Dense(np.int64(3), 2).config() == {"n_in": 3, "n_out": 2} and ReLU().config() == {}
    assert type(Dense(np.int64(3), 2).config()["n_in"]) is int


# Assignments


@pytest.mark.parametrize("name", ["params", "grads"])
@pytest.mark.parametrize(
    "make", [lambda: Dense(3, 2), lambda: Sequential(Dense(3, 2), Tanh()), lambda: Scale(8)]
)
def test_assigning_writes_into_the_vector(name, make):
    layer = make()
    memory = getattr(layer, name)
    setattr(layer, name, np.arange(8.0))
    assert getattr(layer, name) is memory and memory.tolist() == list(range(8))


@pytest.mark.parametrize("name", ["params", "grads"])
@pytest.mark.parametrize(
    "value, error",
    [
        (np.ones(7), ValueError),
        (1.0, ValueError),
        (np.ones(8, int), TypeError),
        (np.full(8, np.nan), ValueError),
    ],
)
def test_what_does_not_fit_the_vector_is_refused(name, value, error, refuses):
    layer = Dense(3, 2)
    with refuses(error, f"{name} of Dense(3, 2): expected ", layer.params, layer.grads):
        setattr(layer, name, value)


def test_arithmetic_in_place_is_an_assignment_too():
    layer = Dense(3, 2, init="zeros")
    memory = layer.params
    layer.params += 1
    layer.W *= 2
    assert layer.params is memory and memory.tolist() == 6 * [2] + 2 * [1]


@pytest.mark.parametrize("name", ["n_in", "n_out"])
def test_sizes_are_fixed(name, refuses):
    layer = Dense(3, 2)
    with refuses(
        AttributeError, f"Dense(3, 2): {name} cannot be replaced; make a new one", layer.params
    ):
        setattr(layer, name, 5)


def test_a_layer_of_ones_own_may_have_attributes_like_those_of_an_autoencoder():
    """The base class refused the names of its subclasses to all."""
    layer = Tanh()
    for name in ("sizes", "encoder", "layers", "_parts"):
        setattr(layer, name, 3)
        setattr(layer, name, 4)
        assert getattr(copy.deepcopy(layer), name) == 4


def test_parameters_cannot_be_given_to_a_layer_without_any_in_a_network(refuses):
    network = Sequential(Dense(3, 2), Tanh())
    with refuses(ValueError, "params of Tanh(): expected shape (0), got (2,)", network.params):
        network.layers[1].params = np.ones(2)


# Buffers


def test_buffers_are_kept_while_shape_and_type_stay(layer, dtype, rng):
    layer.forward(batch(rng, dtype))
    kept = layer._buffers
    layer.forward(batch(rng, dtype))
    assert layer._buffers is kept
    layer.forward(batch(rng, dtype, n=5))
    assert layer._buffers is not kept


def test_a_batch_like_the_last_is_checked_at_once(layer, dtype, rng, monkeypatch):
    """The whole check of a small batch took longer than the layer."""
    x = batch(rng, dtype)
    first = layer.forward(x)
    with monkeypatch.context() as patch:
        patch.setattr("nnlib.layers.check_inputs", None)
        assert_array_equal(layer.forward(x), first)
        assert_array_equal(layer.forward(np.asfortranarray(x)), first)
    assert_array_equal(layer.forward(x.tolist()), layer.forward(np.array(x, np.float64)))
    with pytest.raises(ValueError, match="expected finite numbers, got nan"):
        layer.forward(np.where(x == x[1, 1], np.nan, x))
    assert_allclose(layer.forward(1e30 * x[:, :3]), layer.forward((1e30 * x).tolist()))


def test_other_parameters_are_used_at_once(rng):
    """After `bind`, a batch like the last must not meet the buffers of another precision."""
    layer, x = Dense(3, 2, rng=0), batch(rng, np.float64)
    y = layer.forward(x)
    layer.bind(layer.params * 2, layer.grads)
    assert_array_equal(layer.forward(x), 2 * y)
    layer.bind(layer.params.astype(complex), layer.grads.astype(complex))
    assert layer.forward(x).dtype == complex
    assert_allclose(layer.forward(x), 2 * y, rtol=1e-14)


def test_a_network_whose_layer_is_taken_over_refuses_a_batch_like_the_last(refuses):
    network, x = Sequential(Dense(3, 2, rng=0), Tanh()), np.ones((4, 3))
    network.forward(x)
    Sequential(network.layers[0])
    with refuses(RuntimeError, "has been taken over by another network"):
        network.forward(x)


def test_batches_with_more_axes_take_turns_with_others(rng):
    layer, x = Tanh(), rng.normal(size=(4, 3))
    for shape in ((4, 3), (2, 2, 3), (4, 3), (4, 3), (1, 4, 3)):
        y = layer.forward(x.reshape(shape))
        assert y.shape == layer.backward(y).shape == shape
        with pytest.raises(ValueError, match="grad_output: expected shape"):
            layer.backward(np.ones((12,)))


def test_buffers_follow_the_type_of_the_inputs(rng):
    layer, x = Tanh(), batch(rng, np.float64)
    y = layer.forward(x)
    assert layer.forward(x.astype(np.float32)).dtype == np.float32
    assert_array_equal(layer.forward(x), y)


def test_more_axes_are_more_samples(layer, dtype, rng):
    if layer.n_in is None:
        x = rng.normal(size=(2, 2, 3)).astype(dtype)
        y = layer.forward(x)
        assert y.shape == x.shape == layer.backward(y).shape
        assert_array_equal(y.reshape(4, 3), layer.forward(x.reshape(4, 3)))


def test_what_only_the_gradient_of_the_inputs_needs_is_left_out(rng):
    x, layers = batch(rng, np.float64), [Tanh(), Dense(3, 2, rng=0), Tanh()]
    dy = rng.normal(size=(4, 2))
    for to_input in (True, False):
        buffers = Buffers(layers, 4, 3, np.float64, to_input=to_input)
        buffers.values[0][...] = x
        buffers.forward(layers)
        for gradient in buffers.gradients[:2]:
            gradient[...] = 7
        buffers.gradients[-1][...] = dy
        layers[1].grads[...] = 0
        buffers.backward(layers)
        if to_input:
            expected = layers[1].grads.copy()
            assert all((gradient != 7).all() for gradient in buffers.gradients)
    assert_array_equal(layers[1].grads, expected)
    assert all((gradient == 7).all() for gradient in buffers.gradients[:2])


def test_an_error_in_a_layer_has_a_traceback_into_it():
    class Broken(Tanh):
        def forward_into(self, x, y):
            raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError) as caught:
        Sequential(Dense(3, 2), Broken()).forward(np.ones((1, 3)))
    assert caught.traceback[-1].name == "forward_into"


@pytest.mark.parametrize(
    "make",
    [lambda: Dense(3, 2), ReLU, Sigmoid, Softmax, Tanh, lambda: Sequential(Dense(3, 2), Tanh())],
)
def test_a_layer_is_gone_with_its_last_name(make):
    """Its buffers once held the layer: megabytes that waited for the garbage collector."""
    gc.disable()
    try:
        layer = make()
        layer.forward(np.ones((4, 3)))
        layer.backward(np.ones((4, layer.n_out or 2 if layer.n_in else 3)))
        gone = weakref.ref(layer)
        del layer
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "sizes, options, error, words",
    [
        ((10**400, 2), {}, ValueError, "got an int of 1329 bits by 2"),
        ((2**31, 2**31), {}, ValueError, "n_in, n_out: expected at most 2**48 weights, got "),
        ((2, 2), {"init": ["xavier"]}, TypeError, "init: expected one of "),
        (
            (2, 2),
            {"dtype": "float99"},
            TypeError,
            "dtype: expected float32 or float64, got 'float99'",
        ),
        ((2, 2), {"dtype": "2,"}, TypeError, "dtype: expected float32 or float64, got "),
        ((2, 2), {"dtype": ">f4"}, TypeError, "dtype: expected float32 or float64, got >f4"),
        ((2, 2), {"rng": 1.5}, TypeError, "rng: expected a generator, an int or None, got 1.5"),
        ((2, 2), {"rng": -1}, ValueError, "rng: expected an int of at least 0, got -1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_absurd_arguments_of_a_dense_layer_are_named(sizes, options, error, words, refuses):
    with refuses(error, words):
        Dense(*sizes, **options)


def test_widths_in_a_small_type_do_not_wrap_around():
    """101 times 2 was -54: NumPy complained of a negative dimension."""
    layer = Dense(np.int8(100), np.int8(2), rng=0)
    assert layer.W.shape == (100, 2) and np.array_equal(layer.params, Dense(100, 2, rng=0).params)
