"""What the tests share: one of every layer, memory layouts, and the check of a refusal."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from nnlib import Dense, ReLU, Sequential, Sigmoid, Softmax, Tanh

settings.register_profile(
    "nnlib",
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # of a busy machine: times are no tests
)
settings.load_profile("nnlib")


def nested(dtype):
    """A network in a network, for 3 features."""
    head = Sequential(Dense(4, 3, rng=1, dtype=dtype), Sigmoid(), Dense(3, 2, rng=2, dtype=dtype))
    return Sequential(Tanh(), Dense(3, 4, rng=0, dtype=dtype), ReLU(), head, Softmax())


MAKERS = {
    "Dense": lambda dtype: Dense(3, 2, rng=0, dtype=dtype),
    "ReLU": lambda dtype: ReLU(),
    "Sigmoid": lambda dtype: Sigmoid(),
    "Tanh": lambda dtype: Tanh(),
    "Softmax": lambda dtype: Softmax(),
    "Sequential": nested,
}

LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "reversed rows": lambda a: a[::-1],
    "reversed columns": lambda a: a[:, ::-1],
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "one row broadcast": lambda a: np.broadcast_to(a[0], a.shape),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(params=MAKERS)
def layer(request, dtype):
    """One of every kind of layer, for 3 features, in both precisions."""
    return MAKERS[request.param](dtype)


@pytest.fixture
def network():
    """A network of mixed layers with another in it, for 3 features, in float64."""
    return nested(np.float64)


@pytest.fixture(params=LAYOUTS)
def layout(request):
    """A function that gives an array another layout in memory."""
    return LAYOUTS[request.param]


@pytest.fixture
def refuses():
    """A block that must raise this error with these words, and leave these arrays alone."""

    @contextmanager
    def block(error, words, *arrays):
        before = [array.copy() for array in arrays]
        with pytest.raises(error) as caught:
            yield
        assert words in str(caught.value)
        for array, old in zip(arrays, before):
            np.testing.assert_array_equal(array, old)

    return block
