"""XOR and the autoencoder as a user of PyTorch writes them."""

import torch
from torch import nn


def xor_network():
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid())
    return network.double()


def xor_train(network, X, y, epochs):
    loss_function, losses = nn.MSELoss(), []
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = loss_function(network(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def autoencoder_network():
    return nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(),
        nn.Linear(256, 128), nn.ReLU(),
        nn.Linear(128, 64), nn.ReLU(),
        nn.Linear(64, 32),
        nn.Linear(32, 64), nn.ReLU(),
        nn.Linear(64, 128), nn.ReLU(),
        nn.Linear(128, 256), nn.ReLU(),
        nn.Linear(256, 784),
    )


def autoencoder_train(network, X, epochs, rng):
    loss_function, losses = nn.BCEWithLogitsLoss(), []
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(epochs):
        total = 0.0
        for rows in torch.from_numpy(rng.permutation(len(X))).split(256):
            batch = X[rows]
            optimizer.zero_grad()
            loss = loss_function(network(batch), batch)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(X))
    return losses


# What follows belongs to the comparison: no user writes it.


def set_weights(network, weights):
    """Give the linear layers these weights, (n_in, n_out) each, and no biases."""
    linear = [module for module in network if isinstance(module, nn.Linear)]
    for module, W in zip(linear, weights, strict=True):
        module.weight.data = torch.from_numpy(W.T.copy())
        module.bias.data.zero_()


def as_data(array):
    """Return the data in the form that the training takes."""
    return torch.from_numpy(array)
