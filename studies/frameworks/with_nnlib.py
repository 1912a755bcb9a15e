"""XOR and the autoencoder as a user of nnlib writes them."""

from functools import partial

import numpy as np

from nnlib import SGD, BCEWithLogitsLoss, Dense, MSELoss, ReLU, Sequential, Sigmoid, Tanh


def xor_network():
    return Sequential(Dense(2, 4), Tanh(), Dense(4, 1), Sigmoid())


def xor_train(network, X, y, epochs):
    history = network.fit(X, y, loss=MSELoss(), optimizer=SGD(0.5), epochs=epochs)
    return history.loss


def autoencoder_network():
    dense = partial(Dense, dtype=np.float32)
    return Sequential(
        dense(784, 256), ReLU(),
        dense(256, 128), ReLU(),
        dense(128, 64), ReLU(),
        dense(64, 32),
        dense(32, 64), ReLU(),
        dense(64, 128), ReLU(),
        dense(128, 256), ReLU(),
        dense(256, 784),
    )


def autoencoder_train(network, X, epochs, rng):
    history = network.fit(X, X, loss=BCEWithLogitsLoss(), optimizer=SGD(0.1),
                          batch_size=256, epochs=epochs, rng=rng)
    return history.loss


# What follows belongs to the comparison: no user writes it.


def set_weights(network, weights):
    """Give the dense layers these weights, (n_in, n_out) each, and no biases."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    for layer, W in zip(dense, weights, strict=True):
        layer.W[...], layer.b[...] = W, 0


def as_data(array):
    """Return the data in the form that the training takes."""
    return array
