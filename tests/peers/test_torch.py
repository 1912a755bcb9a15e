"""Parity with PyTorch: values, gradients and training, from the same weights and batches."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose

from nnlib import (
    SGD,
    Adam,
    Autoencoder,
    BCEWithLogitsLoss,
    Dense,
    MSELoss,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    load_mnist,
)

try:
    import torch
    from torch import nn
except ImportError:
    pytest.fail(
        "these tests compare nnlib with PyTorch, which is not installed: pip install torch",
        pytrace=False,
    )

torch.set_num_threads(1)  # waiting threads would wait for each other on a busy machine
ACTIVATIONS = {
    ReLU: nn.ReLU,
    Sigmoid: nn.Sigmoid,
    Tanh: nn.Tanh,
    Softmax: lambda: nn.Softmax(dim=-1),
}
LOSSES = {MSELoss: nn.MSELoss, BCEWithLogitsLoss: nn.BCEWithLogitsLoss}
TOLERANCE = {
    np.float32: 2e-6,
    np.float64: 1e-12,
}  # absolute, after 100 steps on numbers of the order of 1
STEPS, SAMPLES, SIZE = 100, 45, 16  # batches of 16, 16 and 13

pytestmark = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float32", "float64"])


def peer_of(network):
    """The same network in PyTorch."""
    layers = []
    for leaf in network.leaves:
        if isinstance(leaf, Dense):
            linear = nn.Linear(leaf.n_in, leaf.n_out, dtype=torch.from_numpy(leaf.params).dtype)
            linear.weight.data = torch.from_numpy(leaf.W.T.copy())
            linear.bias.data = torch.from_numpy(leaf.b.copy())
            layers.append(linear)
        else:
            layers.append(ACTIVATIONS[type(leaf)]())
    return nn.Sequential(*layers)


def vector(peer, part):
    """The parameters of a PyTorch network, or their gradients, in our order."""
    parts = [part(p).detach().numpy().T.ravel() for p in peer.parameters()]
    return np.concatenate(parts)


def train_peer(peer, X, y, loss, rate, epochs, rng):
    """Train it on the batches `fit` draws; return the mean loss of each epoch."""
    optimizer, losses = torch.optim.SGD(peer.parameters(), lr=rate), []
    for _ in range(epochs):
        order, total = rng.permutation(len(X)), 0.0
        for rows in np.split(order, range(SIZE, len(X), SIZE)):
            optimizer.zero_grad()
            value = loss(peer(torch.from_numpy(X[rows])), torch.from_numpy(y[rows]))
            value.backward()
            optimizer.step()
            total += value.item() * len(rows)
        losses.append(total / len(X))
    return losses


def network(dtype, hidden, output=None):
    rng = np.random.default_rng(0)
    layers = [
        Dense(6, 8, rng=rng, dtype=dtype),
        hidden(),
        Dense(8, 5, rng=rng, dtype=dtype),
        hidden(),
        Dense(5, 3, rng=rng, dtype=dtype),
    ]
    return Sequential(*layers, output()) if output else Sequential(*layers)


def data(dtype):
    rng = np.random.default_rng(1)
    return rng.normal(size=(SAMPLES, 6)).astype(dtype), rng.uniform(size=(SAMPLES, 3)).astype(
        dtype
    )


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_agree(kind, dtype):
    x = np.random.default_rng(0).normal(scale=3, size=(5, 4)).astype(dtype)
    z, g, layer = torch.tensor(x, requires_grad=True), np.cos(x), kind()
    out = ACTIVATIONS[kind]()(z)
    out.backward(torch.from_numpy(g))
    assert_allclose(layer.forward(x), out.detach(), rtol=0, atol=TOLERANCE[dtype])
    assert_allclose(layer.backward(g), z.grad, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_agree(kind, dtype):
    p, t = (a[:, :3] for a in data(dtype))
    z = torch.tensor(p, requires_grad=True)
    expected = LOSSES[kind]()(z, torch.tensor(t))
    expected.backward()
    value, gradient = kind().value_and_gradient(p, t)
    assert value == pytest.approx(expected.item(), abs=TOLERANCE[dtype])
    assert_allclose(gradient, z.grad, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("hidden, output", [(Tanh, Sigmoid), (ReLU, None), (Sigmoid, Softmax)])
def test_gradients_of_a_network_agree(hidden, output, dtype):
    (X, y), ours, loss = data(dtype), network(dtype, hidden, output), MSELoss()
    peer, z = peer_of(ours), torch.tensor(X, requires_grad=True)
    nn.MSELoss()(peer(z), torch.tensor(y)).backward()
    dx = ours.backward(loss.value_and_gradient(ours.forward(X), y)[1])
    assert_allclose(dx, z.grad, rtol=0, atol=TOLERANCE[dtype])
    assert_allclose(ours.grads, vector(peer, lambda p: p.grad), rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize(
    "hidden, output, loss, rate",
    [(Tanh, Sigmoid, MSELoss, 0.5), (ReLU, None, BCEWithLogitsLoss, 0.2)],
)
def test_training_agrees(hidden, output, loss, rate, dtype):
    (X, y), ours = data(dtype), network(dtype, hidden, output)
    peer, start = peer_of(ours), ours.params.copy()
    epochs = -(-STEPS // 3)
    history = ours.fit(
        X, y, loss=loss(), optimizer=SGD(rate), epochs=epochs, batch_size=SIZE, rng=2
    )
    losses = train_peer(peer, X, y, LOSSES[loss](), rate, epochs, np.random.default_rng(2))
    assert np.abs(ours.params - start).max() > 0.1
    assert_allclose(ours.params, vector(peer, lambda p: p), rtol=0, atol=TOLERANCE[dtype])
    assert_allclose(history.loss, losses, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        (Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
        (
            Adam(0.02, betas=(0.5, 0.9), eps=1e-3),
            lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.5, 0.9), eps=1e-3),
        ),
    ],
    ids=["momentum", "Adam", "Adam with other settings"],
)
def test_optimizers_agree_step_by_step(ours, theirs, dtype):
    """On gradients whose sizes span eight orders of magnitude."""
    rng, ours = np.random.default_rng(0), copy.deepcopy(ours)
    params = rng.normal(size=30).astype(dtype)
    peer = torch.tensor(params, requires_grad=True)
    optimizer = theirs([peer])
    for _ in range(300):
        grads = (rng.normal(size=30) * 10.0 ** rng.uniform(-6, 2, 30)).astype(dtype)
        peer.grad = torch.from_numpy(grads)
        before = np.abs(params).max()
        optimizer.step()
        ours.step(params, grads)
        tolerance = 100 * np.finfo(dtype).eps * max(1, before)
        assert_allclose(params, peer.detach(), rtol=0, atol=tolerance)


def test_the_autoencoder_trains_like_its_peer(dtype):
    """200 steps of the report's network on real digits, from the same weights and batches."""
    X = load_mnist()[0][:5000].astype(dtype)
    ours = Autoencoder(rng=0, dtype=dtype)
    peer, start = peer_of(ours), ours.params.copy()
    optimizer, rng, losses = (
        torch.optim.SGD(peer.parameters(), lr=0.1),
        np.random.default_rng(1),
        [],
    )
    history = ours.fit(X, epochs=10, rng=1)
    for _ in range(10):
        order, total = rng.permutation(len(X)), 0.0
        for rows in np.split(order, range(256, len(X), 256)):
            optimizer.zero_grad()
            batch = torch.from_numpy(X[rows])
            value = nn.BCEWithLogitsLoss()(peer(batch), batch)
            value.backward()
            optimizer.step()
            total += value.item() * len(rows)
        losses.append(total / len(X))
    assert history.loss[-1] < 0.9 * history.loss[0]
    assert np.abs(ours.params - start).max() > 0.01
    assert_allclose(history.loss, losses, rtol=1e-10 if dtype == np.float64 else 5e-5)
