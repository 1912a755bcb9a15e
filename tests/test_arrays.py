"""What comes in is checked once, and a message says what was expected and what came."""

import re
import tracemalloc
import warnings
from fractions import Fraction

import numpy as np
import pytest

from nnlib import BCEWithLogitsLoss
from nnlib.arrays import (
    as_rng,
    check_array,
    check_labels,
    check_number,
    encode_labels,
    gen_batches,
    is_usual,
    join_labels,
    scalar,
)
from nnlib.estimator import check_samples


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_an_int_may_be_any_integer(value):
    assert type(check_number("n", value, int)) is int and check_number("n", value, int) == 3


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float16(0.5), Fraction(1, 2)])
def test_a_float_may_be_any_real_number(value):
    assert (
        type(check_number("x", value, float)) is float and check_number("x", value, float) == 0.5
    )


@pytest.mark.parametrize("value", ["3", None, True, np.True_, 3j, [3], np.ones(1), 2.0])
def test_the_kind_of_an_int(value, refuses):
    with refuses(TypeError, f"n: expected an int of at least 1, got {value!r}"):
        check_number("n", value, int, low=1)


@pytest.mark.parametrize("value", ["0.5", None, False, 1j, [0.5], np.ones(1)])
def test_the_kind_of_a_float(value, refuses):
    with refuses(TypeError, f"x: expected a finite number, got {value!r}"):
        check_number("x", value, float)


@pytest.mark.parametrize(
    "value, bounds, words",
    [
        (0, {"above": 0}, "x: expected a finite number above 0, got 0"),
        (-0.5, {"low": 0}, "x: expected a finite number of at least 0, got -0.5"),
        (
            1.0,
            {"low": 0, "below": 1},
            "x: expected a finite number of at least 0 and below 1, got 1.0",
        ),
        (
            1.5,
            {"above": 0, "high": 1},
            "x: expected a finite number above 0 and of at most 1, got 1.5",
        ),
        (np.nan, {}, "x: expected a finite number, got nan"),
        (np.float32("inf"), {"low": 0}, "got inf"),
        (
            10**400,
            {"low": 0},
            "x: expected a finite number of at least 0, got an int of 1329 bits",
        ),
    ],
)
def test_the_range_of_a_float(value, bounds, words, refuses):
    with refuses(ValueError, words):
        check_number("x", value, float, **bounds)


def test_what_a_bound_includes():
    assert check_number("x", 0, float, low=0, high=0) == 0
    assert check_number("x", 0.5, float, above=0, below=1) == 0.5


@pytest.mark.parametrize("value", [0, -(10**5000)], ids=["0", "long"])
def test_the_range_of_an_int(value, refuses):
    with refuses(ValueError, "n: expected an int of at least 1, got "):
        check_number("n", value, int, low=1)


def test_an_int_too_long_to_be_printed_is_one_all_the_same():
    assert check_number("n", 10**5000, int, low=1) == 10**5000


@pytest.mark.parametrize("n, stops", [(0, []), (4, [4]), (9, [4, 8, 12])])
def test_batches_cover_all_rows_once(n, stops):
    parts = list(gen_batches(n, 4))
    assert [part.stop for part in parts] == stops
    assert [i for part in parts for i in range(n)[part]] == list(range(n))


# ---- samples


@pytest.mark.parametrize(
    "kind, kept",
    [
        (np.float32, np.float32),
        (np.float16, np.float32),
        (np.float64, np.float64),
        (np.longdouble, np.float64),
        (np.uint8, np.float64),
        (np.int64, np.float64),
        (bool, np.float64),
    ],
)
def test_samples_are_floats(kind, kept):
    X = check_samples(np.ones((3, 2), kind), "X")
    assert X.dtype == kept and X.tolist() == [[1, 1]] * 3
    assert check_samples(np.ones((3, 2), kind), "X", 2, np.float32).dtype == np.float32


def test_samples_that_are_floats_already_are_not_copied():
    X = np.ones((3, 2), np.float32)
    assert check_samples(X, "X") is X


@pytest.mark.parametrize(
    "X, error, words",
    [
        (np.ones(3), ValueError, "X: expected shape (any, any), got (3,)"),
        (np.ones((2, 3)), ValueError, "X: expected shape (any, 2), got (2, 3)"),
        (np.ones((0, 2)), ValueError, "at least one sample"),
        ([[1, 2], [3]], ValueError, "X: expected rows of one length, got a ragged list"),
        ([["1", "2"]], TypeError, "X: expected floats, got dtype <U1"),
        ([[1j, 2]], TypeError, "X: expected dtype float64, got complex128"),
        ([[1, np.nan]], ValueError, "X: expected finite numbers, got nan at index (0, 1)"),
        (
            np.ma.masked_equal([[1, 2]], 2),
            TypeError,
            "X: expected an array without a mask, got a masked one",
        ),
        (object, TypeError, "X: expected an array, got type"),
        (None, TypeError, "X: expected an array, got NoneType"),
    ],
    ids=str,
)
def test_what_are_no_samples(X, error, words, refuses):
    with refuses(error, words):
        check_samples(X, "X", None if "(any, any)" in words else 2)


# ---- labels


STRINGS = np.dtypes.StringDType()
LABELS = {
    "ints": [2, 1, 2],
    "truth values": [True, False, True],
    "whole floats": [7.0, 3.0, 7.0],
    "strings": ["b", "a", "b"],
    "bytes of an image": np.array([2, 1, 2], np.uint8),
    "NumPy's strings": np.array(["b", "a", "b"]),
    "strings of pandas": np.array(["b", "a", "b"], object),
    "strings without a width": np.array(["b", "a", "b"], STRINGS),
    "ints of pandas": np.array([2, 1, 2], object),
    "truth values of pandas": np.array([True, False, True], object),
    "floats in a tuple": (np.float32(7), 3.0, 7.0),
    "NumPy's own": [np.str_("b"), "a", "b"],
    "a range": range(2, 0, -1),
    "ints and floats": [2, 1.0, True + 1],
    "beyond 64 bits": [2**70, 1, 2**70],
    "both signs of 64 bits": [2**63, -1, 2**63],
    "near 2**53": [2**53 + 1, 2**53, 2**53 + 1],
    "near 2**53, with a float": [2**53 + 1, 0.0, 2**53 + 1],
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_labels_are_encoded(y):
    classes, codes = encode_labels(y)
    assert classes.tolist() == sorted(set(y)) and len(classes) == 2
    assert codes.tolist() == [1, 0, 1][: len(y)] and codes.dtype.kind == "i"
    assert classes[codes].tolist() == list(y)
    assert encode_labels(classes[codes])[0].tolist() == classes.tolist()


@pytest.mark.parametrize(
    "y", [[True, False], [1.0, 0.0], np.array([1, 0], np.uint16), ["u", "v"]], ids=str
)
def test_classes_keep_their_type(y):
    assert encode_labels(y)[0].dtype == np.asarray(y).dtype


class NA:
    """As pandas has it: it is not equal, nor unequal, to itself."""

    def __ne__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")


MISSING = {
    "None": [None, 1, 1],
    "None among strings": ["a", None],
    "NaN of pandas": np.array([1, np.nan, 0], object),
    "NaN among strings": ["a", float("nan")],
    "NaT": np.array(["2020", "NaT"], "M8[D]"),
    "NA": np.array(["a", NA()], object),
    "NaN in a list": [0, np.nan],
    "NaN of NumPy": np.array(["a", np.nan], np.dtypes.StringDType(na_object=np.nan)),
}


@pytest.mark.parametrize("y", MISSING.values(), ids=MISSING)
def test_missing_labels_are_refused(y, refuses):
    with refuses(ValueError, "target: expected a label for each sample, got "):
        encode_labels(y, name="target")


@pytest.mark.parametrize(
    "y, error, words",
    [
        (np.array([0, np.nan]), ValueError, "y: expected class labels, got the number nan"),
        ([0, 0.5], ValueError, "y: expected class labels, got the number 0.5"),
        (np.array([0, -np.inf]), ValueError, "y: expected class labels, got the number -inf"),
        ([0, np.inf], ValueError, "y: expected class labels, got the number inf"),
        (
            ["a", 1],
            TypeError,
            "y: expected labels of one kind, whole numbers, truth values or strings, got int, str",
        ),
        ([b"a", b"b"], TypeError, "strings, got bytes"),
        ([1j, 1], TypeError, "strings, got complex, int"),
        (np.array(["2020", "2021"], "M8[D]"), TypeError, "strings, got date"),
        (np.array([np.ones(2), 1], object), TypeError, "strings, got int, ndarray"),
        ([[0], [1]], ValueError, "y: expected labels of shape (n,), at least one, got (2, 1)"),
        ([], ValueError, "y: expected labels of shape (n,), at least one, got (0,)"),
        ("ab", ValueError, "got ()"),
        ([[0], [1, 2]], ValueError, "y: expected rows of one length"),
        (np.ma.masked_equal([0, 1], 1), TypeError, "y: expected an array without a mask"),
        (object, TypeError, "y: expected an array, got type"),
    ],
    ids=str,
)
def test_what_are_no_labels(y, error, words, refuses):
    with refuses(error, words):
        encode_labels(y)


def test_there_are_as_many_labels_as_samples(refuses):
    assert len(encode_labels([0, 1], 2)[1]) == 2
    with refuses(ValueError, "y: expected labels of shape (3,), got (2,)"):
        encode_labels([0, 1], 3)


JOINED = {
    "int64 beside uint64": (np.array([2**53, 2**53 + 1]), np.array([2**53 + 1], np.uint64)),
    "ints beside floats": (np.array([2**53, 2**53 + 1]), np.array([2.0**53])),
    "far apart": (np.array([0, 1]), np.array([1e300, 1.0])),
    "truth values": (np.array([True, False]), np.array([1, 0])),
    "truth values and bytes": (np.array([True, False]), np.array([1, 0], np.uint8)),
    "floats": (np.array([1.0, 2.0]), np.array([2.0], np.float32)),
    "strings": (np.array(["a", "b"]), np.array(["long"])),
}


@pytest.mark.parametrize("arrays", JOINED.values(), ids=JOINED)
def test_labels_of_two_arrays_are_compared_exactly(arrays):
    """NumPy compares int64 and uint64 as floats, in which 2**53 and 2**53 + 1 are the same."""
    joined, exact = join_labels(*arrays), [value for a in arrays for value in a.tolist()]
    assert joined.tolist() == exact
    assert len(encode_labels(joined)[0]) == len(set(exact))


def test_strings_beside_numbers_are_refused(refuses):
    with refuses(TypeError, "all numbers or all strings, got dtypes <U1, int64"):
        join_labels(check_labels(["0"]), check_labels([0]))


@pytest.mark.parametrize("shape", [None, (None,), (4,)], ids=str)
def test_masked_arrays_are_refused_everywhere(shape, refuses):
    """The mask was dropped, and the numbers behind it were used as data."""
    with refuses(TypeError, "x: expected an array without a mask"):
        check_array(np.ma.masked_equal([1.0, 2.0, 3.0, -999.0], -999.0), "x", shape)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [None, (2, 3), (None, 3), (None, None)])
def test_an_array_of_finite_floats_is_seen_to_be_right_at_once(kind, shape):
    a = np.ones((2, 3), kind)
    assert is_usual(a, shape, None) and is_usual(a, shape, np.dtype(kind))


@pytest.mark.parametrize(
    "a, shape, kind",
    [
        ([[1.0]], None, None),
        (np.ones((128, 65))[::2], None, None),
        (np.ones((0, 3)), None, None),
        (np.ones(()), None, None),
        (np.ones((2, 3), ">f8"), None, None),
        (np.ones((2, 3), int), None, None),
        (np.ones((2, 3), complex), None, None),
        (np.ones((2, 3), np.float32), None, np.dtype(np.float64)),
        (np.ones((2, 3)), (3, 2), None),
        (np.ones((2, 3)), (None, 2), None),
        (np.ones((2, 3)), (2,), None),
        (np.ones((2, 3)), (None, 3, None), None),
        (np.array([[np.nan]]), None, None),
        (np.array([[np.inf]]), None, None),
    ],
)
def test_every_other_array_is_looked_at(a, shape, kind):
    assert not is_usual(a, shape, kind)


def test_a_constant_is_an_array_without_axes_that_nobody_changes():
    number = scalar(0.1, np.dtype(np.float32))
    assert number.shape == () and number.dtype == np.float32 and number == np.float32(0.1)
    assert scalar(0.1, np.dtype(np.float32)) is number
    with pytest.raises(ValueError, match="read-only"):
        number[...] = 1


def test_half_precision_becomes_single():
    """Ten bits are too few for sums; a loss of float16 was computed in float16."""
    a = check_array(np.ones((2, 3), np.float16), "x")
    assert a.dtype == np.float32 and (a == 1).all()
    assert check_array(np.ones((2, 3), np.float16), "x", dtype=np.float64).dtype == np.float64
    assert (
        BCEWithLogitsLoss().forward(np.full((9, 9), 1e-4, np.float16), np.ones((9, 9))) < 0.69315
    )


def test_what_is_too_small_for_the_precision_becomes_zero():
    with np.errstate(all="raise"):
        assert check_array(np.array([1e-300]), "x", dtype=np.float32) == 0


def test_a_large_array_is_checked_in_blocks():
    """A truth value for each number of a memmap took a quarter of its size, or more."""
    a = np.zeros((1 << 14, 1 << 9), np.float32)
    tracemalloc.start()
    assert check_array(a, "x") is a
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < a.nbytes / 8
    a[-1, 3] = np.nan
    with pytest.raises(ValueError, match=re.escape("got nan at index (16383, 3)")):
        check_array(a, "x")


MASKED = np.ma.masked_equal([1.0, -999.0], -999.0)


@pytest.mark.parametrize(
    "values", [MASKED, [MASKED, MASKED], [1.0, np.ma.masked], [[1.0], [np.ma.masked]]], ids=str
)
def test_masked_arrays_in_lists_are_refused(values, refuses):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with refuses(TypeError, "x: expected an array without a mask"):
            check_array(values, "x")


@pytest.mark.parametrize(
    "values, words",
    [
        ([1.0, 10**400], "x: expected floats, got dtype object"),
        (np.array(["1", "2"], STRINGS), "x: expected floats, got dtype StringDType"),
        (np.array([10**400], object), "x: expected floats, got dtype object"),
    ],
    ids=["too long", "strings", "objects"],
)
def test_what_is_no_array_of_floats_is_named(values, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        check_array(values, "x")


@pytest.mark.parametrize(
    "seed, error",
    [
        (1.5, TypeError),
        (True, TypeError),
        ("1", TypeError),
        (np.random, TypeError),
        ([1, 2], TypeError),
        (np.array(3), TypeError),
        (-1, ValueError),
        (-(10**400), ValueError),
    ],
    ids=str,
)
def test_what_is_no_seed_is_refused(seed, error, refuses):
    with refuses(error, "rng: expected "):
        as_rng(seed)


def test_seeds_are_as_numpy_has_them():
    for seed in (0, 5, 10**400, np.int64(5)):
        assert as_rng(seed).random() == np.random.default_rng(seed).random()


@pytest.mark.parametrize(
    "value",
    [Fraction(10**400), Fraction(10**5000, 7), -(10**400)],
    ids=["long", "longer", "negative"],
)
def test_numbers_beyond_all_floats_are_refused(value, refuses):
    with refuses(ValueError, "C: expected a finite number above 0, got "):
        check_number("C", value, float, above=0)


def test_what_cannot_be_printed_has_a_message_too(refuses):
    class Mute:
        def __repr__(self):
            raise RuntimeError("no words")

    for value, words in (Mute(), "an object of type Mute"), ([10**5000], "an object of type list"):
        with refuses(TypeError, f"C: expected a finite number, got {words}"):
            check_number("C", value, float)


@pytest.mark.parametrize("value", [np.timedelta64(1, "D"), np.timedelta64(1, "s")], ids=str)
@pytest.mark.parametrize("kind", [int, float])
def test_a_span_of_time_is_no_number(kind, value, refuses):
    """NumPy counts them among the integers: layers were 1 second wide, or int() complained."""
    with refuses(TypeError, "n: expected"):
        check_number("n", value, kind)
    with refuses(TypeError, "rng: expected a generator, an int or None"):
        as_rng(value)
    with refuses(TypeError, "y: expected labels of one kind"):
        check_labels([value, value])
