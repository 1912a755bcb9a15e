"""What comes in is checked once, and a message says what was expected and what came."""

from fractions import Fraction

import numpy as np
import pytest

from nnlib.arrays import check_number, gen_batches


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_an_int_may_be_any_integer(value):
    assert type(check_number("n", value, int)) is int and check_number("n", value, int) == 3


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float16(0.5), Fraction(1, 2)])
def test_a_float_may_be_any_real_number(value):
    assert type(check_number("x", value, float)) is float and check_number("x", value, float) == 0.5


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
        (1.0, {"low": 0, "below": 1}, "x: expected a finite number of at least 0 and below 1, got 1.0"),
        (1.5, {"above": 0, "high": 1}, "x: expected a finite number above 0 and of at most 1, got 1.5"),
        (np.nan, {}, "x: expected a finite number, got nan"),
        (np.float32("inf"), {"low": 0}, "got inf"),
        (10**400, {"low": 0}, "x: expected a finite number of at least 0, got an int of 1329 bits"),
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
