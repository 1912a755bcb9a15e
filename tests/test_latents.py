"""Classifying features of images: the experiment of the report, the F ratio, the stored runs."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_selection import f_classif

from nnlib import SVC, checkpoint, load_mnist
from nnlib.data import data_folder
from nnlib.fingerprint import fingerprint
from nnlib.multiclass_svm import OneVsRestSVC
from nnlib.preprocessing import PCA, StandardScaler
from nnlib.report import classify_features, feature_scores, report_parts, report_run


def clouds(n=300, d=3):
    rng, y = np.random.default_rng(1), np.arange(n) % 3
    return np.eye(3, d)[y] * [1, 5, 20] + rng.normal(size=(n, d)) * [0.3, 2, 5], y


# The experiment


def test_training_rows_are_drawn_by_number_and_without_repetition():
    X, y = clouds()
    seen = []
    classify_features(lambda part: seen.append(part) or part, X, y, [X[:5]], n=50, draw=3)
    assert_array_equal(seen[0], X[np.random.default_rng(3).choice(300, 50, replace=False)])
    assert len(np.unique(seen[0], axis=0)) == 50
    assert_array_equal(seen[1], X[:5])


@pytest.mark.parametrize("scaled", [True, False])
def test_it_is_a_machine_on_scaled_features(scaled):
    """Scaled by the training rows alone, C = 10 by default; what is tested goes the same way."""
    X, y = clouds()
    machine, (first, second) = classify_features(
        lambda part: 3 * part, X, y, [X[:90], X[90:]], n=60, scaled=scaled
    )
    rows = np.random.default_rng(0).choice(300, 60, replace=False)
    scaler = StandardScaler().fit(3 * X[rows])
    turn = scaler.transform if scaled else np.asarray
    expected = OneVsRestSVC(C=10).fit(turn(3 * X[rows]), y[rows])
    assert machine.C == 10 and machine.gamma == "scale" and machine.kernel == "rbf"
    assert_allclose(machine.dual_coef_, expected.dual_coef_)
    assert_array_equal(np.concatenate([first, second]), expected.predict(turn(3 * X)))


def test_parameters_are_those_of_the_machine():
    X, y = clouds()
    machine = classify_features(np.asarray, X, y, [], n=60, C=2.0, kernel="linear")[0]
    assert machine.C == 2 and machine.kernel == "linear"
    assert classify_features(np.asarray, X, y, [], n=60)[1] == []


@pytest.mark.parametrize(
    "wrong, error", [({"n": 301}, ValueError), ({"c": 1.0}, TypeError), ({"n": 0}, ValueError)]
)
def test_what_does_not_fit_is_refused(wrong, error):
    X, y = clouds()
    with pytest.raises(error):
        classify_features(np.asarray, X, y, [X], **{"n": 60} | wrong)


def test_one_against_one_on_request():
    X, y = clouds()
    assert type(classify_features(np.asarray, X, y, [], n=60, pairs=True)[0]) is SVC
    assert type(classify_features(np.asarray, X, y, [], n=60)[0]) is OneVsRestSVC


# One feature at a time


@pytest.mark.parametrize("sizes", [(100, 100, 100), (2, 30, 250)])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_f_ratio_is_scikit_learn_s(sizes, kind):
    y = np.repeat([4, 1, 7], sizes)
    X = (
        np.random.default_rng(2).normal(size=(len(y), 5)) + y[:, None] * [0, 0.1, 1, 5, -3]
    ).astype(kind)
    variances, F = feature_scores(X, y)
    assert_allclose(
        F, f_classif(X.astype(float), y)[0], rtol=1e-3 if kind == np.float32 else 1e-10
    )
    means = [X[y == k].mean(0, dtype=float) for k in (1, 4, 7)]
    assert_allclose(variances, np.var(means, axis=0), rtol=1e-10)


def test_by_hand_and_in_other_units():
    X, y = np.array([[1.0], [3.0], [5.0], [7.0]]), np.array(["a", "a", "b", "b"])
    assert [value[0] for value in feature_scores(X, y)] == [4, 8]
    assert_allclose([value[0] for value in feature_scores(10 * X + 3, y)], [400, 8])


# The stored runs


@pytest.fixture(scope="module")
def stored():
    return json.loads((data_folder() / "runs" / "latents.json").read_text(encoding="utf-8"))


def accuracies(stored, features, **wanted):
    wanted = {"features": features, "n": 5000, "C": 10.0, "scaled": True, "pairs": False} | wanted
    return [
        run["accuracy"]
        for run in stored["runs"]
        if all(run.get(key) == wanted[key] for key in wanted)
    ]


def test_the_stored_runs_are_of_this_code(stored):
    assert stored["code"] == fingerprint(report_run, PCA, classify_features, feature_scores)
    assert {"python", "numpy", "blas", "threads", "machine"} <= set(stored["environment"])


def test_the_stored_runs_are_complete(stored):
    recipe = stored["recipe"]
    spread = json.loads((data_folder() / "runs" / "spread.json").read_text(encoding="utf-8"))
    seeds = sorted(run["seed"] for run in spread["runs"])
    kinds = [
        (run["features"], run.get("seed"), run["draw"], run["n"], run["scaled"], run["pairs"])
        for run in stored["runs"]
    ]
    expected = [
        ("trained", seed, draw, 5000, True, False)
        for seed in seeds
        for draw in range(recipe["draws"])
    ]
    expected += [
        ("untrained", seed, seed, 5000, True, pairs)
        for seed in range(recipe["untrained"])
        for pairs in (False, True)
    ]
    expected += [("trained", seed, seed, 5000, True, True) for seed in seeds]
    for draw in range(recipe["draws"]):
        expected += [
            (name, None, draw, 5000, True, False) for name in ("pca", "projection", "raw")
        ]
        expected += [("raw", None, draw, 5000, False, False)]
    expected += [("raw", None, draw, 3000, True, False) for draw in range(recipe["small_draws"])]
    assert sorted(kinds, key=str) == sorted(expected, key=str)
    assert [score["seed"] for score in stored["scores"]] == list(range(recipe["scored"]))
    chosen = {(choice["features"], choice["seed"]) for choice in stored["choices"]}
    assert chosen == {
        (name, seed) for name in ("trained", "untrained") for seed in range(recipe["chosen"])
    }


def test_the_stored_runs_agree_with_themselves(stored):
    for run in stored["runs"]:
        hits = run["accuracy"] * 14_000
        assert hits == pytest.approx(round(hits), abs=1e-6) and 0.6 < run["accuracy"] < 1
        assert 0 < run["support_vectors"] <= run["n"] and run["steps"] > 1000
        assert run["C"] == (1 if run["n"] == 3000 else 10)
        if "samples" in run:
            assert run["n"] == 3000 and len(run["samples"]) == stored["recipe"]["samples"]
            assert np.mean(run["samples"]) == pytest.approx(run["accuracy"], abs=0.01)
    for choice in stored["choices"]:
        assert [(tried["C"], tried.get("kernel")) for tried in choice["tried"]] == [
            (1, None),
            (10, None),
            (100, None),
            (1, "linear"),
        ]
        for tried in choice["tried"]:
            assert abs(tried["valid"] - tried["test"]) < 0.03
            assert np.mean(tried["samples"]) == pytest.approx(tried["test"], abs=0.01)
    for score in stored["scores"]:
        assert (
            score["variances"] == sorted(score["variances"], reverse=True)
            and len(score["variances"]) == 5
        )
        assert (
            score["shares"] == sorted(score["shares"], reverse=True) and sum(score["shares"]) < 1
        )


def test_the_report_s_accuracy_is_an_untrained_encoder_s(stored):
    """By the report's method, pairs that vote; no trained one comes near it."""
    untrained, trained = (
        accuracies(stored, "untrained", pairs=True),
        accuracies(stored, "trained", pairs=True),
    )
    assert (
        min(untrained)
        < 0.752
        < max(untrained)
        < min(accuracies(stored, "projection"))
        < min(trained)
    )
    assert max(accuracies(stored, "untrained")) < min(accuracies(stored, "projection"))
    assert min(accuracies(stored, "trained")) > 0.94


def test_the_stored_network_lands_in_its_spread(stored):
    """Computed anew: one draw of the trained encoder, within what another BLAS may change."""
    X, y = load_mnist()
    (images, _, test), (digits, _, truth) = report_parts(X, y), report_parts(y, y)
    network = checkpoint.load(data_folder() / "runs" / "autoencoder.npz").network
    accuracy = (classify_features(network.encode, images, digits, [test])[1][0] == truth).mean()
    assert accuracy == pytest.approx(*accuracies(stored, "trained", seed=0, draw=0), abs=0.003)
    assert (
        min(accuracies(stored, "trained")) - 0.003
        < accuracy
        < max(accuracies(stored, "trained")) + 0.003
    )
