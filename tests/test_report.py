"""The digits the report prints, from its own recipes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nnlib import SGD, Dense, MSELoss, ReLU, Sequential, Sigmoid, Tanh

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
y = np.array([[0], [1], [1], [0]], float)


def xor_network(rng):
    return Sequential(Dense(2, 4, rng=rng), Tanh(), Dense(4, 1, rng=rng), Sigmoid())


def train(network, rate, epochs, below=0.0):
    """Full batches of the four rows, until a loss lies below this."""
    return network.fit(
        X,
        y,
        loss=MSELoss(),
        optimizer=SGD(rate),
        epochs=epochs,
        callback=lambda history: history.loss[-1] < below,
    ).loss


@pytest.fixture(scope="module")
def report_run():
    """The run behind Table 6 and Figures 2 and 3."""
    network = xor_network(np.random.RandomState(42))
    return network, train(network, rate=0.5, epochs=5000, below=0.001)


@pytest.fixture(scope="module")
def notebook_run():
    """The run of the notebook: the generator goes on from Table 3."""
    rng = np.random.RandomState(127)
    rng.randn(2, 3, 2)
    network = xor_network(rng)
    return network, train(network, rate=0.1, epochs=2000)


def test_xor_stops_after_1880_epochs(report_run):
    assert len(report_run[1]) == 1880


def test_xor_starts_and_ends_at_the_recorded_losses(report_run):
    losses = report_run[1]
    assert losses[0] == pytest.approx(0.26952678434697247, abs=1e-12)
    assert losses[-1] == pytest.approx(0.0009993340616763898, abs=1e-12)


def test_xor_passes_the_waypoints(report_run):
    losses = report_run[1]
    waypoints = {
        1: 0.269527,
        2: 0.266161,
        10: 0.254930,
        50: 0.248080,
        100: 0.239472,
        250: 0.147442,
        500: 0.012864,
        1000: 0.002635,
        1500: 0.001377,
        1880: 0.000999,
    }
    assert {epoch: round(losses[epoch - 1], 6) for epoch in waypoints} == waypoints


def test_xor_predicts_the_recorded_numbers(report_run):
    assert_allclose(
        report_run[0].predict(X)[:, 0],
        [0.01484442, 0.96781759, 0.9664162, 0.04013079],
        rtol=0,
        atol=5.1e-9,
    )


def test_xor_without_the_stop_ends_where_the_readme_says():
    network = xor_network(np.random.RandomState(42))
    losses = train(network, rate=0.5, epochs=5000)
    assert len(losses) == 5000 and round(losses[-1], 6) == 0.000295
    assert_array_equal(network.predict(X).round(4), [[0.0072], [0.9823], [0.9817], [0.0219]])


def test_notebook_run_passes_the_waypoints(notebook_run):
    losses = notebook_run[1]
    waypoints = {400: 0.245623, 800: 0.202809, 1200: 0.075797, 1600: 0.024835, 2000: 0.012658}
    assert {epoch: round(losses[epoch - 1], 6) for epoch in waypoints} == waypoints


def test_notebook_run_predicts_the_stored_numbers(notebook_run):
    network = notebook_run[0]
    assert_array_equal(network.predict(X).round(4), [[0.0647], [0.8865], [0.8779], [0.1364]])
    assert network.predict([[10.0, 10.0]]).item() == pytest.approx(0.0791211, abs=5e-8)


@pytest.mark.parametrize("seed, dW, db", [(42, 2.20745, 0.865195), (0, 2.01788, 1.12444)])
def test_table_1_norms_of_seeded_stand_ins(seed, dW, db):
    rng = np.random.RandomState(seed)
    layer = Dense(3, 2, rng=rng)
    layer.W = 0.1 * rng.randn(3, 2)
    layer.forward(rng.randn(2, 3))
    layer.backward(0.5 * rng.randn(2, 2))
    assert np.linalg.norm(layer.dW) == pytest.approx(dW, rel=3e-6)
    assert np.linalg.norm(layer.db) == pytest.approx(db, rel=3e-6)


@pytest.mark.parametrize(
    "kind, output_norm, gradient_norm",
    [(ReLU, 2.324782, 2.435377), (Sigmoid, 1.728296, 0.843999), (Tanh, 2.439435, 2.380952)],
)
def test_table_2_norms(kind, output_norm, gradient_norm):
    inputs, grad_output = np.random.RandomState(123).randn(2, 3, 4)
    layer = kind()
    assert round(np.linalg.norm(layer.forward(inputs)), 6) == output_norm
    assert round(np.linalg.norm(layer.backward(grad_output)), 6) == gradient_norm


def test_table_3():
    predictions, targets = 0.5 * np.random.RandomState(127).randn(2, 3, 2)
    value, gradient = MSELoss().value_and_gradient(predictions, targets)
    assert value == pytest.approx(0.567806653786954, rel=1e-15)
    assert np.linalg.norm(gradient) == pytest.approx(0.6152542313477435, rel=1e-15)
    assert_allclose(gradient, 2 / 6 * (predictions - targets), rtol=1e-15)
