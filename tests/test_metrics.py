"""Metrics: the same numbers, and the same characters, as scikit-learn's, whatever the labels."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as theirs
from sklearn.exceptions import UndefinedMetricWarning

from nnlib import (
    accuracy_score,
    classification_report,
    confusion_matrix,
    precision_recall_fscore_support,
)

ALPHABETS = {
    "digits": list(range(10)),
    "two": [0, 1],
    "one": [3],
    "far apart": [-7, 0, 5, 1_000_000],
    "whole floats": [-1.0, 0.0, 2.0, 30.0],
    "truth values": [False, True],
    "strings": ["a", "b", "aa", "", "a rather long name", "é", "B"],
    "numerals": ["1", "10", "2"],
}
AVERAGES = [None, "micro", "macro", "weighted"]

# the empty case is refused by both; labels of one side may be missing on the other
cases = st.sampled_from(sorted(ALPHABETS)).flatmap(
    lambda name: st.lists(
        st.tuples(*2 * [st.sampled_from(ALPHABETS[name])]), min_size=1, max_size=30
    ).map(lambda pairs: (ALPHABETS[name], *map(list, zip(*pairs))))
)


def some_labels(data, alphabet, y_true):
    """A choice of classes, in any order, with one of y_true among them; or None for all."""
    if data.draw(st.booleans()):
        return None
    chosen = data.draw(st.lists(st.sampled_from(alphabet)))
    occurs = data.draw(st.sampled_from(y_true))
    return data.draw(st.permutations(list(dict.fromkeys([*chosen, occurs]))))


def quietly(function, *args, **kwargs):
    """Call scikit-learn without its warnings of undefined scores and single labels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        warnings.filterwarnings("ignore", "A single label was found", UserWarning)
        return function(*args, **kwargs)


@given(cases)
def test_accuracy(case):
    _, y_true, y_pred = case
    ours = accuracy_score(y_true, y_pred)
    assert ours == theirs.accuracy_score(y_true, y_pred) and type(ours) is float


@given(cases, st.sampled_from([None, "true", "pred", "all"]), st.data())
def test_confusion_matrix(case, normalize, data):
    alphabet, y_true, y_pred = case
    labels = some_labels(data, alphabet, y_true)
    ours = confusion_matrix(y_true, y_pred, labels=labels, normalize=normalize)
    expected = quietly(theirs.confusion_matrix, y_true, y_pred, labels=labels, normalize=normalize)
    assert ours.dtype == expected.dtype
    assert_array_equal(ours, expected)


@given(
    cases,
    st.sampled_from(AVERAGES),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 1e-9, 1e9, np.inf]),
    st.sampled_from([0.0, 1.0, np.nan]),
    st.data(),
)
def test_precision_recall_fscore_support(case, average, beta, zero_division, data):
    alphabet, y_true, y_pred = case
    options = {
        "labels": some_labels(data, alphabet, y_true),
        "average": average,
        "beta": beta,
        "zero_division": zero_division,
    }
    ours = precision_recall_fscore_support(y_true, y_pred, **options)
    expected = quietly(theirs.precision_recall_fscore_support, y_true, y_pred, **options)
    assert len(ours) == 4
    for a, b in zip(ours[:3], expected[:3]):
        assert_allclose(a, b, rtol=1e-14)
        assert type(a) is (np.ndarray if average is None else float)
    assert_array_equal(ours[3], expected[3])


@given(cases, st.integers(0, 20), st.sampled_from([0.0, 1.0, np.nan]), st.data())
def test_classification_report(case, digits, zero_division, data):
    alphabet, y_true, y_pred = case
    options = {"labels": some_labels(data, alphabet, y_true), "zero_division": zero_division}
    if data.draw(st.booleans()):
        n = len(options["labels"] or set(y_true) | set(y_pred))
        names = st.text(st.characters(codec="utf-8"), max_size=20)
        options["target_names"] = data.draw(st.lists(names, min_size=n, max_size=n, unique=True))
    text = classification_report(y_true, y_pred, digits=digits, **options)
    expected = quietly(theirs.classification_report, y_true, y_pred, digits=digits, **options)
    if not any(t == p for t, p in zip(y_true, y_pred)):  # then it counts in floats: 3.0 images
        expected = re.sub(r" +(\d+)\.0$", lambda m: f"{m[1]:>{len(m[0])}}", expected, flags=re.M)
    assert text == expected
    ours = classification_report(y_true, y_pred, output_dict=True, **options)
    expected = quietly(theirs.classification_report, y_true, y_pred, output_dict=True, **options)
    assert list(ours) == list(expected)
    for name, row in expected.items():
        if name == "accuracy":
            assert ours[name] == row
        else:
            assert list(ours[name]) == list(row)
            assert_allclose(list(ours[name].values()), list(row.values()), rtol=1e-14)


# ---------------------------------------------------------------- worth a name
def test_a_class_that_is_only_predicted_is_counted():
    """The report's own metrics raise KeyError here."""
    y_true, y_pred = ["cat", "dog"], ["cat", "cow"]
    assert confusion_matrix(y_true, y_pred).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    scores = precision_recall_fscore_support(y_true, y_pred)
    assert_array_equal(scores, [[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 1]])
    assert "cow" in classification_report(y_true, y_pred)


def test_undefined_scores_are_zero_without_a_warning():
    """Every warning is an error in these tests."""
    scores = precision_recall_fscore_support([0, 0, 1], [0, 0, 2])
    assert_array_equal(scores, [[1, 0, 0], [1, 0, 0], [1, 0, 0], [2, 1, 0]])
    assert confusion_matrix([1], [1]).tolist() == [[1]]


def test_undefined_scores_may_be_left_out_of_the_mean():
    options = {"average": "macro", "zero_division": np.nan}
    macro = precision_recall_fscore_support([0, 0, 1], [0, 0, 0], **options)
    assert_allclose(macro[:3], [2 / 3, 1 / 2, 0.8 / 2])
    nothing = precision_recall_fscore_support([0, 0], [0, 0], labels=[1], **options)
    assert np.isnan(nothing[:3]).all()


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_classes_without_samples_still_have_an_average(average):
    options = {"labels": [2], "average": average, "zero_division": 1.0}
    ours = precision_recall_fscore_support([0, 1], [0, 2], **options)
    assert ours == quietly(theirs.precision_recall_fscore_support, [0, 1], [0, 2], **options)


def test_micro_averages_are_the_accuracy(rng):
    t, p = rng.integers(0, 5, (2, 200))
    micro = precision_recall_fscore_support(t, p, average="micro")
    assert set(micro[:3]) == {accuracy_score(t, p)} and micro[3] is None


def test_the_mean_in_the_fscore_is_weighted_by_the_square_of_beta():
    p, r, f, _ = precision_recall_fscore_support([1, 1, 1, 0], [1, 0, 0, 1], labels=[1], beta=2)
    assert_allclose([p, r], [[1 / 2], [1 / 3]])
    assert_allclose(f, 5 * p * r / (4 * p + r))


def test_labels_of_several_types_come_as_lists_arrays_and_objects():
    for t in (["b", "a"], np.array(["b", "a"]), np.array(["b", "a"], object), ("b", "a")):
        assert accuracy_score(t, ["b", "a"]) == 1
    for t in ([1, 0], [True, False], [1.0, 0.0], np.array([1, 0], np.uint8), range(1, -1, -1)):
        assert accuracy_score(t, [1, 0]) == 1
        assert confusion_matrix(t, [1, 0]).tolist() == [[1, 0], [0, 1]]


def test_labels_are_in_the_order_given():
    t, p = [0, 1, 2, 2], [0, 2, 2, 1]
    assert confusion_matrix(t, p, labels=[2, 0]).tolist() == [[1, 0], [0, 1]]
    assert precision_recall_fscore_support(t, p, labels=[2, 0])[3].tolist() == [2, 1]


def test_many_classes_take_no_square_of_memory():
    """Scores are made of counts, not of the matrix: 200,000 classes would need 300 GB."""
    y = np.arange(200_000)
    assert precision_recall_fscore_support(y, y[::-1] * 2, average="micro")[0] == pytest.approx(
        np.mean(y == y[::-1] * 2)
    )


def test_nothing_given_is_changed(rng):
    t, p = rng.integers(0, 5, (2, 50))
    before = t.copy(), p.copy()
    classification_report(t, p, labels=[4, 2])
    assert_array_equal(before, (t, p))


def test_a_class_may_have_the_name_of_an_average():
    names = ["accuracy", "macro avg"]
    options = {"target_names": names, "zero_division": 0.0}
    ours = classification_report([0, 1], [0, 0], **options)
    assert ours == theirs.classification_report([0, 1], [0, 0], **options)


@pytest.mark.parametrize(
    ("y_true", "y_pred"), [([1, 1], [1, 2]), ([1, 2], [1, 1]), ([1, 2], [1, 2])], ids=str
)
def test_the_micro_average_is_no_accuracy_if_a_class_is_left_out(y_true, y_pred):
    text = classification_report(y_true, y_pred, labels=[1])
    assert text == quietly(theirs.classification_report, y_true, y_pred, labels=[1])
    assert "micro avg" in text and "accuracy" not in text


def test_names_come_in_any_order_of_things():
    text = classification_report([0, 1], [0, 1], target_names=np.array(["no", "yes"]))
    assert text == classification_report([0, 1], [0, 1], target_names=iter(["no", "yes"]))
    assert text == theirs.classification_report([0, 1], [0, 1], target_names=["no", "yes"])


FUNCTIONS = [
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    classification_report,
]
MIXED = "{}: expected labels of one kind, whole numbers, truth values or strings, got "
SHAPE = "{}: expected labels of shape (n,), at least one, got "
WHOLE = "{}: expected class labels, got the number "


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("swap", [False, True], ids=["y_pred", "y_true"])
@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        ([0, 1], ValueError, "y_pred: expected {} labels, as many as y_true, got {}"),
        ([], ValueError, SHAPE + "(0,)"),
        ([[0], [1], [1]], ValueError, SHAPE + "(3, 1)"),
        (1, ValueError, SHAPE + "()"),
        ([0, 0.5, 1], ValueError, WHOLE + "0.5"),
        ([0, np.nan, 1], ValueError, "{}: expected a label for each sample, got nan at index 1"),
        ([0, np.inf, 1], ValueError, WHOLE + "inf"),
        (["0", "1", "1"], TypeError, "labels: expected all numbers or all strings, got dtypes"),
        (["0", 1, 1], TypeError, MIXED + "int, str"),
        ([None, 1, 1], ValueError, "{}: expected a label for each sample, got None at index 0"),
        ([b"0", b"1", b"1"], TypeError, MIXED + "bytes"),
        ([0, 1, 1j], TypeError, MIXED + "complex, int"),
        (np.ma.masked_equal([0, 1, 1], 0), TypeError, "{}: expected an array without a mask"),
    ],
    ids=str,
)
def test_bad_labels_are_refused(function, swap, bad, error, words, refuses):
    good = [0, 1, 1]
    side = ("y_true" if swap else "y_pred") if words.startswith("{}") else (2 if swap else 3)
    with refuses(error, words.format(side, 3 if swap else 2)):
        function(bad, good) if swap else function(good, bad)


@pytest.mark.parametrize("function", FUNCTIONS[1:], ids=lambda function: function.__name__)
@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        ([0, 1, 0], ValueError, "labels: expected each label once, got [0, 1, 0]"),
        ([], ValueError, "labels: expected labels of shape (n,), at least one, got (0,)"),
        ([[0, 1]], ValueError, "got (1, 2)"),
        (["0", "1"], TypeError, "got dtypes <U1, int64, int64"),
        ([0.5], ValueError, "labels: expected class labels, got the number 0.5"),
    ],
    ids=str,
)
def test_bad_lists_of_classes_are_refused(function, labels, error, words, refuses):
    with refuses(error, words):
        function([0, 1], [1, 1], labels=labels)


def test_a_matrix_of_classes_that_do_not_occur_is_refused(refuses):
    with refuses(ValueError, "labels: expected at least one of y_true, got [2, 3]"):
        confusion_matrix([0, 1], [2, 2], labels=[2, 3])


def test_an_unknown_normalization_is_refused(refuses):
    with refuses(ValueError, "normalize: expected one of 'true', 'pred', 'all', None, got 'rows'"):
        confusion_matrix([0], [0], normalize="rows")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"beta": -1}, "beta: expected a finite number of at least 0, got -1"),
        ({"beta": np.nan}, "beta: expected a finite number of at least 0, got nan"),
        ({"average": "binary"}, "'micro', 'macro', 'weighted', None, got 'binary'"),
        ({"zero_division": "warn"}, "zero_division: expected 0, 1 or nan, got 'warn'"),
        ({"zero_division": 0.5}, "zero_division: expected 0, 1 or nan, got 0.5"),
    ],
    ids=str,
)
def test_bad_options_are_refused(option, words, refuses):
    with refuses(ValueError, words):
        precision_recall_fscore_support([0], [0], **option)


def test_an_average_of_another_kind_is_refused(refuses):
    with refuses(TypeError, "'micro', 'macro', 'weighted', None, got array"):
        precision_recall_fscore_support([0], [0], average=np.ones(2))


def test_a_beta_that_is_no_number_is_refused(refuses):
    for beta in ("1", None, True):
        with refuses(TypeError, f"beta: expected a finite number of at least 0, got {beta!r}"):
            precision_recall_fscore_support([0], [0], beta=beta)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]], ids=str)
def test_a_name_too_few_or_too_many_is_refused(names, refuses):
    with refuses(ValueError, f"target_names: expected 2 names, got {len(names)}"):
        classification_report([0, 1], [0, 1], target_names=names)


@pytest.mark.parametrize("digits", [-1, 1.5, "2", True], ids=repr)
def test_bad_digits_are_refused(digits, refuses):
    error = ValueError if digits == -1 else TypeError
    words = f"digits: expected an int of at least 0 and of at most 100, got {digits!r}"
    with refuses(error, words):
        classification_report([0], [0], digits=digits)


def test_bad_options_of_the_report_are_refused(refuses):
    with refuses(ValueError, "zero_division: expected 0, 1 or nan, got 2"):
        classification_report([0], [0], zero_division=2)


def test_whole_numbers_of_different_types_are_compared_as_whole_numbers():
    """NumPy compares int64 and uint64 as floats, in which 2**53 and 2**53 + 1 are the same."""
    t = np.array([2**53, 2**53 + 1])
    assert confusion_matrix(t, t.astype(np.uint64)).tolist() == [[1, 0], [0, 1]]
    assert classification_report([0, 1], np.array([0.0, 1.0])) == classification_report(
        [0, 1], [0, 1]
    )


def test_whole_numbers_beyond_64_bits_stay_apart(recwarn):
    assert confusion_matrix([-(2**63), 0], np.array([2**63, 0], np.uint64)).tolist() == [
        [0, 0, 1],
        [0, 1, 0],
        [0, 0, 0],
    ]
    assert confusion_matrix([0, 1], np.array([0.0, 1e300])).tolist() == [
        [1, 0, 0],
        [0, 0, 1],
        [0, 0, 0],
    ]
    assert not recwarn


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"zero_division": 10**400}, "zero_division: expected 0, 1 or nan, got"),
        ({"digits": 10**400}, "digits: expected an int of at least 0 and of at most 100"),
    ],
)
def test_absurd_numbers_are_named(options, words, refuses):
    """The errors were Python's own."""
    with refuses(ValueError, words):
        classification_report([0, 1], [0, 1], **options)


@pytest.mark.parametrize("value", ["no", None, np.ones(3, bool), 1], ids=repr)
def test_the_form_of_a_report_is_true_or_false(value, refuses):
    """A string was true, and an array got NumPy's own message."""
    with refuses(TypeError, "output_dict: expected True or False, got "):
        classification_report([0, 1], [0, 1], output_dict=value)


def test_a_report_takes_truth_values_of_numpy():
    report = classification_report([0, 1], [0, 1], output_dict=np.True_)
    assert report["accuracy"] == 1.0


@pytest.mark.parametrize("names", [5, "ab"])
def test_names_that_are_no_list_are_refused(names, refuses):
    """A number got Python's own message, and a string was taken for its letters."""
    with refuses(TypeError, f"target_names: expected a list of names, got {names!r}"):
        classification_report([0, 1], [0, 1], target_names=names)


@pytest.mark.parametrize("value", [np.timedelta64(1, "D"), np.timedelta64(0, "s"), True], ids=repr)
def test_a_value_of_undefined_scores_is_a_number(value, refuses):
    with refuses(ValueError, "zero_division: expected 0, 1 or nan, got"):
        precision_recall_fscore_support([0, 1], [0, 1], zero_division=value)


def test_names_of_classes_that_cannot_be_listed_are_refused(refuses):
    for wrong in ("ab", np.array(3.0), 3):
        with refuses(TypeError, "target_names: expected a list of names"):
            classification_report([0, 1], [0, 1], target_names=wrong)
