"""Switch the techniques of nnlib's training step off, one at a time; print what each gave as JSON.

    python -m studies.frameworks.techniques IMAGES ROUNDS

IMAGES is an npy file. Before a variant is timed, its loss and gradients are compared with those
of nnlib's own step.
"""

# mypy: ignore-errors

import json
import sys
from functools import partial

import numpy as np

from nnlib import SGD, BCEWithLogitsLoss, ReLU, Sequential
from nnlib.layers import Affine, Tape, batch_buffer, bound
from nnlib.losses import flat
from nnlib.network import Step, Trainer

from .. import kit
from . import recipe

STEPS = 40  # steps of a variant in a round


class SeparateBias(Affine):
    """A dense layer without the column of ones: biases are added, their gradients summed."""

    def forward_calls(self, x, y):
        yield np.dot, self.W.T, x.T, y.T
        yield np.add, y, self.b, y

    def param_calls(self, x, dy):
        yield np.dot, x.T, dy, self.dW
        yield np.add.reduce, dy, 0, None, self.db


class ScalarReLU(ReLU):
    """ReLU as the maximum with a number, not with an array of zeros."""

    def forward_calls(self, x, y):
        yield np.maximum, x, np.zeros((), x.dtype), y


class IndexedReLU(ReLU):
    """ReLU whose backward pass writes zeros where the output is zero."""

    def backward_calls(self, x, y, dy, dx):
        def write_zeros(g, h):
            g[h <= 0] = 0

        yield np.copyto, dx, dy
        yield write_zeros, dx.T, y.T  # transposed: in the order of memory


class LogaddexpLoss(BCEWithLogitsLoss):
    """The loss by the one function of NumPy that has its name: log(1 + exp(p)) - p t."""

    def calls(self, p, t, dp, value):
        one, scale = (np.array(c, p.dtype) for c in (1, 1 / p.size))
        zeros, terms = np.zeros_like(p), np.empty_like(p)
        yield np.multiply, p, t, dp
        yield np.logaddexp, zeros, p, terms
        yield np.subtract, terms, dp, terms
        yield np.add.reduce, flat(terms), 0, None, value
        yield np.multiply, value, scale, value
        yield from sigmoid_gradient(p, t, dp, one, scale)


class WhereLoss(BCEWithLogitsLoss):
    """The loss with np.where choosing between the two stable forms of the sigmoid."""

    def calls(self, p, t, dp, value):
        scale = np.array(1 / p.size, p.dtype)

        def compute(p, t, dp, value):
            e = np.exp(-abs(p))
            terms = np.where(p > 0, p, 0) - p * t + np.log1p(e)
            value[...] = flat(terms).sum() * scale
            dp[...] = (np.where(p > 0, 1 / (1 + e), e / (1 + e)) - t) * scale

        yield compute, p, t, dp, value


class ScalarLoss(BCEWithLogitsLoss):
    """nnlib's loss, with its maximum taken with a number."""

    def calls(self, p, t, dp, value):
        zero = np.zeros((), p.dtype)
        for function, *arguments in super().calls(p, t, dp, value):
            if isinstance(function, partial) and function.func is np.maximum:
                function, arguments = np.maximum, [p, zero, function.keywords["out"]]
            yield function, *arguments


def sigmoid_gradient(p, t, dp, one, scale):
    """Yield the calls of nnlib's loss that compute its gradient."""
    yield np.negative, p, dp
    yield np.exp, dp, dp
    yield np.add, dp, one, dp
    yield np.reciprocal, dp, dp
    yield np.subtract, dp, t, dp
    yield np.multiply, dp, scale, dp


class WholeStep(Step):
    """A step that computes the gradient of the images too."""

    def __init__(self, network, loss, n, copying=False):
        tape = Tape(network.leaves, n, network.n_in, network.params.dtype)
        self.x = tape.x
        self.targets = tape.x if copying else batch_buffer(n, network.n_out, tape.x.dtype)
        self._X, self._y = np.empty_like(self.x, order="C"), np.empty_like(self.targets, order="C")
        self.value, dy = np.zeros((), tape.x.dtype), np.empty_like(tape.y)
        self.calls = tape.forward + bound(loss.calls(tape.y, self.targets, dy, self.value))
        self.calls += tape.backward(dy, to_input=True)[0]


class IndexingTrainer(Trainer):
    """Fetches a batch by indexing, inputs and targets each."""

    def load(self, rows):
        step = self.steps[len(rows)]
        step.x[...] = self.X[rows]
        if step.targets is not step.x:
            step.targets[...] = self.y[rows]
        return step


class ExpressionTrainer(Trainer):
    """Writes the step as expressions, each result a new array; arithmetic as in nnlib's step."""

    def load(self, rows):
        return np.take(self.X, rows, 0, mode="clip")

    def update(self, x):
        layers, inputs, h = [leaf for leaf in self.network.leaves if leaf.params.size], [], x
        for layer in layers:
            inputs.append(h)
            h = h @ layer.W + layer.b
            if layer.n_out not in (32, 784):
                h = np.maximum(h, np.zeros_like(h))
        terms = np.maximum(h, np.zeros_like(h)) - h * x + np.log1p(np.exp(-abs(h)))
        value = terms.sum() / h.size
        g = (1 / (1 + np.exp(-h)) - x) / np.float32(h.size)
        for layer, h in zip(reversed(layers), reversed(inputs)):
            layer.dW[...], layer.db[...] = h.T @ g, g.sum(0)
            if layer.n_in != 784:
                g = g @ layer.W.T
            if layer.n_in not in (32, 784):
                g = g * (h > 0)
        self.network.params[...] = self.network.params - np.float32(0.1) * self.network.grads
        return value.item()


OFF = {  # technique: what replaces it
    "again": {},  # nothing: how far two copies of one step differ
    "float32": {"dtype": np.float64},
    "buffers": {"trainer": ExpressionTrainer},
    "mask": {"relu": IndexedReLU},
    "zeros": {"relu": ScalarReLU, "loss": ScalarLoss},
    "loss-logaddexp": {"loss": LogaddexpLoss},
    "loss-where": {"loss": WhereLoss},
    "input-gradient": {"step": WholeStep},
    "gather": {"trainer": IndexingTrainer, "copying": False},
    "ones": {"dense": SeparateBias},
}


def make_trainer(images, *, dtype=np.float32, dense=Affine, relu=ReLU, loss=BCEWithLogitsLoss,
                 step=Step, trainer=Trainer, copying=True):
    """Make a trainer of the autoencoder, with the common initial weights."""
    layers = []
    for W in recipe.autoencoder_weights():
        layer = dense(*W.shape, dtype)
        layer.W[...] = W
        layers += [layer] if W.shape[1] in (32, 784) else [layer, relu()]
    network = Sequential(*layers)
    X = images.astype(dtype, copy=False)
    made = trainer(network, X, X if copying else X[:], loss(), SGD(0.1), recipe.BATCH, None)
    made.steps = {n: step(network, loss(), n, copying) for n in made.steps}
    return made


def check(ours, variant, rows):
    """Raise unless a variant computes the loss and the gradients of nnlib's own step."""
    losses = [made.update(made.load(rows)) for made in (ours, variant)]
    assert abs(losses[0] / losses[1] - 1) < 1e-5, losses
    one, two = ours.network.grads, variant.network.grads
    assert abs(one - two).max() < 1e-4 * abs(two).max()


def main():
    """Check each variant, time all in turn, and print the result."""
    images, rounds = np.load(sys.argv[1]), int(sys.argv[2])
    order = np.random.default_rng(1).permutation(len(images))[: STEPS * recipe.BATCH]
    batches = np.split(order, STEPS)
    trainers = {"nnlib": make_trainer(images)}
    for name, change in OFF.items():
        trainers[name] = make_trainer(images, **change)
        check(make_trainer(images), trainers[name], batches[0])

    def some_steps(made):
        for rows in batches:
            made.update(made.load(rows))

    sides = {name: partial(some_steps, made) for name, made in trainers.items()}
    timed = kit.interleaved(sides, rounds, rng=np.random.default_rng(0))
    seconds = {name: [took / STEPS for took, _ in runs] for name, runs in timed.items()}
    result = {"steps": STEPS, "batch": recipe.BATCH, "BLAS": kit.pools(), "seconds": seconds}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
