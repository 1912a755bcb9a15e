"""The report's formulas, written for HIPS autograd and apart from the library."""

import autograd.numpy as anp
from autograd import grad

from nnlib import BCEWithLogitsLoss, Dense, MSELoss, ReLU, Sigmoid, Softmax, Tanh


def relu(x):
    return anp.where(x > 0, x, 0.0)


def sigmoid(x):
    return 1 / (1 + anp.exp(-x))


def tanh(x):
    return (anp.exp(x) - anp.exp(-x)) / (anp.exp(x) + anp.exp(-x))


def softmax(x):
    return anp.exp(x) / anp.sum(anp.exp(x), axis=-1, keepdims=True)


def mse(p, t):
    return anp.mean((p - t) ** 2)


def bce_with_logits(p, t):
    return -anp.mean(t * anp.log(sigmoid(p)) + (1 - t) * anp.log(sigmoid(-p)))


ACTIVATIONS = {ReLU: relu, Sigmoid: sigmoid, Tanh: tanh, Softmax: softmax}
LOSSES = {MSELoss: mse, BCEWithLogitsLoss: bce_with_logits}


def dense_leaves(network):
    """The Dense layers of a network and of the networks in it, in order."""
    return [leaf for leaf in network.leaves if isinstance(leaf, Dense)]


def weights(network):
    """A list of (W, b), copied out of a network's Dense layers."""
    return [(leaf.W.copy(), leaf.b.copy()) for leaf in dense_leaves(network)]


def outputs(network, weights, x):
    """What the formulas make of x, for a network of these layers with these (W, b)."""
    weights = iter(weights)
    for leaf in network.leaves:
        if isinstance(leaf, Dense):
            W, b = next(weights)
            x = anp.dot(x, W) + b
        else:
            x = ACTIVATIONS[type(leaf)](x)
    return x


def gradients(network, x, head):
    """Gradients of head(outputs) in the inputs, and in each (W, b)."""

    def value(weights, x):
        return head(outputs(network, weights, x))

    parts = weights(network)
    return grad(value, 1)(parts, x), grad(value, 0)(parts, x) if parts else []
