"""Odd arrays at every public door: a right answer, or a refusal that names the argument and
changes nothing.
"""

import array
import pickle
import warnings
from collections import deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from nnlib import (
    PCA,
    SVC,
    Adam,
    Autoencoder,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Dense,
    MSELoss,
    OneVsRestSVC,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    StandardScaler,
    Tanh,
    accuracy_score,
    check_layer,
    check_loss,
    check_network,
    classification_report,
    confusion_matrix,
    numerical_gradient,
    precision_recall_fscore_support,
    relative_error,
    stratified_split,
)
from nnlib.estimator import ConvergenceWarning
from nnlib.interior_point import solve_low_rank
from nnlib.simple_svm import simple_smo

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)), np.array([0, 1, 0, 1, 0, 1])
FINE = np.dtypes.StringDType()
MISSING = np.dtypes.StringDType(na_object=np.nan)


class Failing:
    """What cannot be made an array."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("not today")


class Posing:
    """What says that it is an array, and is none."""

    def __init__(self):
        self.__array_interface__ = {"shape": (6, 3), "typestr": "<f8", "version": 3}


class Own(np.ndarray):
    """An array of somebody's own class."""


def masked(values, mask):
    return np.ma.masked_array(values, mask)


def nested(depth):
    part = [1.0]
    for _ in range(depth):
        part = [part]
    return part


def with_value(value, kind=float):
    a = X.astype(kind)
    a[1, 2] = value
    return a


def circular():
    part = [1.0]
    part.append(part)
    return part


ODD = {
    # no arrays at all
    "None": None,
    "a number": 3.5,
    "an int of 400 digits": 10**400,
    "a string": "abc",
    "bytes": b"abc",
    "a class": object,
    "an object": object(),
    "a function": len,
    "a generator": (i for i in range(6)),
    "a set": {1.0, 2.0},
    "a dict": {"a": [1.0]},
    "a deque": deque([1.0, 2.0]),
    "Ellipsis": ...,
    "a memoryview": memoryview(b"abcdef"),
    "an array that fails": Failing(),
    "an array that lies": Posing(),
    # shapes
    "no axis": np.array(1.0),
    "empty": np.array([]),
    "no row": np.ones((0, 3)),
    "no column": np.ones((6, 0)),
    "an empty list": [],
    "a list of empty lists": [[]] * 6,
    "one axis": np.ones(6),
    "three axes": np.ones((6, 3, 2)),
    "thirty axes": np.ones((1,) * 30),
    "a ragged list": [[1.0, 2.0, 3.0], [1.0]] * 3,
    "nested 60 deep": nested(60),
    "nested 100 deep": nested(100),
    "a list that holds itself": circular(),
    "one row": np.ones((1, 3)),
    "a broadcast number": np.broadcast_to(1.0, (6, 3)),
    # kinds
    "ints": np.arange(18).reshape(6, 3),
    "truth values": X > 0,
    "bytes of an image": np.arange(18, dtype=np.uint8).reshape(6, 3),
    "uint64": np.full((6, 3), 2**64 - 1, np.uint64),
    "float16": X.astype(np.float16),
    "float32": X.astype(np.float32),
    "longdouble": X.astype(np.longdouble),
    "complex": X + 1j,
    "big-endian": X.astype(">f8"),
    "dates": np.array(["2020", "2021", "2022"] * 6, "M8[D]").reshape(6, 3),
    "not a date": np.full((6, 3), "NaT", "M8[s]"),
    "durations": np.ones((6, 3), "m8[s]"),
    "strings": X.astype(str),
    "byte strings": X.astype("S"),
    "variable strings": X.astype(str).astype(FINE),
    "missing strings": np.array([["a", np.nan, "b"]] * 6, MISSING),
    "void": np.zeros((6, 3), "V4"),
    "records": np.zeros(6, [("a", float), ("b", float)]),
    "objects": X.astype(object),
    "Nones": np.full((6, 3), None),
    "objects with None": with_value(None, object),
    "objects with NaN": with_value(np.nan, object),
    "objects with a string": with_value("a", object),
    "objects with lists": np.array([[1.0], [2.0, 3.0]], object),
    "fractions": np.array([[Fraction(1, 3)] * 3] * 6, object),
    "decimals": np.array([[Decimal("0.1")] * 3] * 6, object),
    "long ints": np.array([[10**400] * 3] * 6, object),
    "a list with a long int": [[1.0, 2.0, 10**400]] * 6,
    "a list with None": [[1.0, 2.0, None]] * 6,
    "a list with a string": [[1.0, 2.0, "3"]] * 6,
    # values
    "NaN": with_value(np.nan),
    "infinity": with_value(np.inf),
    "minus infinity": with_value(-np.inf),
    "NaN in float32": with_value(np.nan, np.float32),
    "huge": with_value(1e308),
    "all huge": np.full((6, 3), -1.7e308),
    "tiny": with_value(5e-324),
    "all tiny": np.full((6, 3), 5e-324),
    "minus zero": np.full((6, 3), -0.0),
    "beyond float32": with_value(1e300),
    "far from zero": X + 1e15,
    # other arrays
    "masked": masked(X, X > 0),
    "masked without a mask": masked(X, False),
    "a masked row": masked([1.0, -999.0, 2.0] * 2, [0, 1, 0] * 2),
    "masked in a list": [masked([1.0, 2.0, -999.0], [0, 0, 1])] * 6,
    "a masked constant": [[1.0, 2.0, np.ma.masked]] * 6,
    "a matrix": np.array(X).view(np.matrix) if hasattr(np, "matrix") else X,
    "a class of somebody's own": X.view(Own),
    "read-only": np.frombuffer(X.tobytes()).reshape(6, 3),
    "reversed": X[::-1, ::-1],
    "every second": np.repeat(X, 2, 0)[::2],
    "not aligned": np.frombuffer(b"\0" + X.tobytes(), "V1")[1:].copy().view(float).reshape(6, 3),
    "array.array": array.array("d", [1.0, 2.0]),
    "a range": range(6),
    "sparse": sparse.csr_matrix(np.eye(6, 3)),
    "a sparse array": sparse.coo_array(np.eye(6, 3)),
    # labels
    "labels of two kinds": [0, "a"] * 3,
    "labels that are no whole numbers": [0.5, 1.5] * 3,
    "labels beyond 2**53": np.array([2**53, 2**53 + 1] * 3),
    "labels beyond 64 bits": [2**70, 1] * 3,
    "complex labels": [0j, 1 + 0j] * 3,
    "one class": [1] * 6,
}


def net(out=2):
    rng = np.random.default_rng(0)
    return Sequential(Dense(3, 4, rng=rng), Tanh(), Dense(4, out, rng=rng))


def assign(thing, name):
    return lambda value: setattr(thing, name, value)


def doors():
    """Every place where an array comes in: a name, the object whose state is watched, the call."""
    network, layer, encoder = net(), Dense(3, 2, rng=0), Autoencoder((3, 2), rng=0)
    layer.forward(X)
    network.forward(X)
    targets, t = RNG.random((6, 2)), np.full((6, 2), 0.5)
    yield "Dense.forward", layer, layer.forward
    yield "Dense.backward", layer, layer.backward
    for name in ("W", "b", "dW", "params", "grads"):
        yield f"Dense.{name}", layer, assign(layer, name)
    for kind in (ReLU, Sigmoid, Tanh, Softmax):
        activation = kind()
        yield f"{kind.__name__}.forward", activation, activation.forward
    yield "Sequential.params", network, assign(network, "params")
    for name in ("forward", "backward", "predict"):
        yield f"Sequential.{name}", network, getattr(network, name)
    yield "evaluate X", network, lambda a: network.evaluate(a, targets, MSELoss())
    yield "evaluate y", network, lambda a: network.evaluate(X, a, MSELoss())
    for loss in (MSELoss(), BCEWithLogitsLoss(), CrossEntropyLoss()):
        name = type(loss).__name__
        yield f"{name} p", loss, lambda a, loss=loss: loss.forward(a, t)
        yield f"{name} t", loss, lambda a, loss=loss: loss.forward(t, a)
        for place in ("X", "y", "X of validation", "y of validation"):
            trained, optimizer = net(), Adam(0.01)
            watched = trained, optimizer, loss

            def fit(a, trained=trained, optimizer=optimizer, loss=loss, place=place):
                arguments = {"X": X, "y": t, "X of validation": X, "y of validation": t}
                arguments |= {place: a}
                inputs, y, *validation = [*arguments.values()][:4]
                trained.fit(inputs, y, loss=loss, optimizer=optimizer, epochs=1, rng=0,
                            validation_data=tuple(validation))  # fmt: skip

            yield f"fit {name} {place}", watched, fit
    yield "Autoencoder.fit", encoder, lambda a: encoder.fit(a, epochs=1, rng=0)
    for name in ("encode", "decode", "reconstruct"):
        yield f"Autoencoder.{name}", encoder, getattr(encoder, name)
    for make in (StandardScaler, lambda: PCA(2)):
        fitted = make().fit(X)
        for name in ("fit", "fit_transform", "transform", "inverse_transform"):
            yield f"{type(fitted).__name__}.{name}", fitted, getattr(fitted, name)
    for kind in (SVC, OneVsRestSVC):
        machine = kind().fit(X, Y)
        name = kind.__name__
        yield f"{name}.fit X", machine, lambda a, machine=machine: machine.fit(a, Y)
        yield f"{name}.fit y", machine, lambda a, machine=machine: machine.fit(X, a)
        yield f"{name}.score X", machine, lambda a, machine=machine: machine.score(a, Y)
        yield f"{name}.score y", machine, lambda a, machine=machine: machine.score(X, a)
        yield f"{name}.predict", machine, machine.predict
        yield f"{name}.decision_function", machine, machine.decision_function
    weighed = SVC().fit(X, Y)
    yield "SVC.fit weights", weighed, lambda a: weighed.fit(X, Y, sample_weight=a)
    yield "stratified_split", (), lambda a: stratified_split(a, 2, 0)
    for score in (accuracy_score, confusion_matrix, precision_recall_fscore_support,
                  classification_report):  # fmt: skip
        yield f"{score.__name__} true", (), lambda a, score=score: score(a, Y)
        yield f"{score.__name__} pred", (), lambda a, score=score: score(Y, a)
    yield "confusion_matrix labels", (), lambda a: confusion_matrix(Y, Y, labels=a)
    yield "numerical_gradient", (), lambda a: numerical_gradient(lambda x: float(x.ravel()[0]), a)
    yield "relative_error", (), lambda a: relative_error(a, X)
    yield "check_layer x", layer, lambda a: check_layer(layer, a, np.ones((6, 2)))
    yield "check_layer g", layer, lambda a: check_layer(layer, X, a)
    yield "check_network y", network, lambda a: check_network(network, X, a, MSELoss())
    yield "check_loss p", (), lambda a: check_loss(MSELoss(), a, X)
    yield "check_loss t", (), lambda a: check_loss(MSELoss(), X, a)
    yield "simple_smo K", (), lambda a: simple_smo(a, np.array([1.0, -1.0] * 3), 1.0, rng=0)
    yield "simple_smo y", (), lambda a: simple_smo(np.eye(6), a, 1.0, rng=0)
    yield "solve_low_rank V", (), lambda a: solve_low_rank(a, np.array([1.0, -1.0] * 3), 1.0)
    yield "solve_low_rank y", (), lambda a: solve_low_rank(X, a, 1.0)
    yield "solve_low_rank C", (), lambda a: solve_low_rank(X, np.array([1.0, -1.0] * 3), a)


DOORS = {name: (watched, call) for name, watched, call in doors()}


def frozen(thing):
    """Bits of an object, or of several, but for what it keeps for the next call only."""
    return pickle.dumps(thing)


def try_odd(watched, call, odd):
    """Call with an odd array; return None for an answer or a refusal, else what is wrong."""
    before = frozen(watched)
    image = odd.copy() if isinstance(odd, np.ndarray) else None
    with warnings.catch_warnings(record=True) as heard, np.errstate():
        warnings.simplefilter("always")
        try:
            call(odd)
        except Exception as error:
            kinds = TypeError, ValueError, FloatingPointError
            if not isinstance(error, kinds) or "expected" not in str(error):
                return f"{type(error).__name__}: {error}"
            if frozen(watched) != before:
                return "refused, and the state has changed"
    told = [  # but for those of the package
        str(w.message)
        for w in heard
        if w.category is not ConvergenceWarning and not str(w.message).startswith("X: ")
    ]
    if told:
        return f"warned: {told[0]}"
    if image is not None and odd.dtype.kind != "T" and odd.tobytes() != image.tobytes():
        return "the argument has changed"
    return None


def check_door(door, strict, arrays):
    """Give each of these arrays to a door, under NumPy's usual or strict settings."""
    watched, call = DOORS[door]
    wrong = {}
    for name, odd in arrays.items():
        with np.errstate(all="raise" if strict else "warn"):
            fault = try_odd(watched, call, odd)
        if fault:
            wrong[name] = fault
    assert not wrong, "\n".join(f"{name}: {fault:.200}" for name, fault in wrong.items())


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("strict", [False, True], ids=["quiet", "strict"])
def test_odd_arrays_are_used_or_refused(door, strict):
    check_door(door, strict, ODD)


def test_there_are_many():
    assert len(ODD) >= 80 and len(DOORS) >= 80


SIZES = [1e-320, 1e-200, 1e-155, 1e-100, 1e-38, 1e38, 1e100, 1e154, 1e300]
SHAPES = [(6,), (6, 2), (6, 3), (3, 6), (6, 6)]


@pytest.mark.parametrize("strict", [False, True], ids=["quiet", "strict"])
@pytest.mark.parametrize("door", DOORS)
def test_numbers_of_every_size_are_used_or_refused(door, strict):
    """Variances, kernels and multipliers overflowed or underflowed aloud."""
    arrays = {
        f"{size:g} {shape}": size * np.random.default_rng(1).uniform(0.5, 1.5, shape)
        for size in SIZES
        for shape in SHAPES
    }
    check_door(door, strict, arrays)
