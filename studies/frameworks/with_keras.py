"""XOR and the autoencoder as a user of Keras writes them, with TensorFlow behind it."""

import keras
from keras.layers import Dense


def xor_network():
    keras.config.set_floatx("float64")
    network = keras.Sequential([
        keras.Input((2,)),
        Dense(4, activation="tanh"),
        Dense(1, activation="sigmoid"),
    ])
    network.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
    return network


def xor_train(network, X, y, epochs):
    history = network.fit(X, y, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return history.history["loss"]


def autoencoder_network():
    network = keras.Sequential([
        keras.Input((784,)),
        Dense(256, activation="relu"),
        Dense(128, activation="relu"),
        Dense(64, activation="relu"),
        Dense(32),
        Dense(64, activation="relu"),
        Dense(128, activation="relu"),
        Dense(256, activation="relu"),
        Dense(784),
    ])
    network.compile(optimizer=keras.optimizers.SGD(0.1),
                    loss=keras.losses.BinaryCrossentropy(from_logits=True))
    return network


def autoencoder_train(network, X, epochs):
    history = network.fit(X, X, batch_size=256, epochs=epochs, verbose=0)
    return history.history["loss"]


# What follows belongs to the comparison: no user writes it.


def train_in_order(network, X, epochs, rng):
    """Train the autoencoder on the batches of the others; `fit` alone draws its own."""
    losses = []
    for _ in range(epochs):
        shuffled = rng.permutation(X)  # the rows in the order rng.permutation(len(X))
        history = network.fit(shuffled, shuffled, batch_size=256, shuffle=False, verbose=0)
        losses += history.history["loss"]
    return losses


def set_weights(network, weights):
    """Give the dense layers these weights, (n_in, n_out) each, and no biases."""
    for layer, W in zip(network.layers, weights, strict=True):
        layer.set_weights([W, 0 * W[0]])


def as_data(array):
    """Return the data in the form that the training takes."""
    return array
