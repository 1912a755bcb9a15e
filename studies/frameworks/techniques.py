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

from nnlib import SGD, BCEWithLogitsLoss, Dense, ReLU, Sequential
from nnlib.losses import flat
from nnlib.network import Trainer, TrainingStep

from .. import kit
from . import recipe

STEPS = 40  # steps of a variant in a round


class SeparateBias(Dense):
    """A dense layer without the column of ones: biases are added, their gradients summed."""

    def forward_into(self, x, y):
        np.dot(self.W.T, x.T, out=y.T)
        np.add(y, self.b, out=y)

    def backward_into(self, x, y, dy, dx):
        np.dot(x.T, dy, out=self.dW)
        np.add.reduce(dy, axis=0, out=self.db)
        if dx is not None:
            np.dot(self.W, dy.T, out=dx.T)


class ScalarReLU(ReLU):
    """ReLU as the maximum with a number, not with an array of zeros."""

    def forward_into(self, x, y):
        np.maximum(x, 0, out=y)


class IndexedReLU(ReLU):
    """ReLU whose backward pass writes zeros where the output is zero."""

    def backward_into(self, x, y, dy, dx):
        dx[...] = dy
        dx.T[y.T <= 0] = 0  # transposed: in the order of memory


class LogaddexpLoss(BCEWithLogitsLoss):
    """The loss by the one function of NumPy that has its name: log(1 + exp(p)) - p t."""

    def value_into(self, p, t, dp):
        terms = self.scratch(p)
        np.multiply(p, t, out=dp)
        np.logaddexp(0, p, out=terms)
        np.subtract(terms, dp, out=terms)
        sigmoid_gradient(p, t, dp)
        return np.add.reduce(flat(terms)).item() / p.size


class WhereLoss(BCEWithLogitsLoss):
    """The loss with np.where choosing between the two stable forms of the sigmoid."""

    def value_into(self, p, t, dp):
        e = np.exp(-abs(p))
        terms = np.where(p > 0, p, 0) - p * t + np.log1p(e)
        dp[...] = (np.where(p > 0, 1 / (1 + e), e / (1 + e)) - t) / p.size
        return flat(terms).sum().item() / p.size


class ScalarLoss(BCEWithLogitsLoss):
    """nnlib's loss, with its maximum taken with a number."""

    def value_into(self, p, t, dp):
        terms = self.scratch(p)
        np.maximum(p, 0, out=terms)
        np.multiply(p, t, out=dp)
        np.subtract(terms, dp, out=terms)
        np.negative(p, out=dp)
        np.minimum(p, dp, out=dp)
        np.exp(dp, out=dp)
        np.log1p(dp, out=dp)
        np.add(terms, dp, out=terms)
        sigmoid_gradient(p, t, dp)
        return np.add.reduce(flat(terms)).item() / p.size


def sigmoid_gradient(p, t, dp):
    """Compute the gradient as nnlib's loss does."""
    np.negative(p, out=dp)
    np.exp(dp, out=dp)
    np.add(dp, 1, out=dp)
    np.reciprocal(dp, out=dp)
    np.subtract(dp, t, out=dp)
    np.multiply(dp, 1 / p.size, out=dp)


class WholeStep(TrainingStep):
    """A step that computes the gradient of the images too."""

    def run(self):
        values, gradients = self.buffers.values, self.buffers.gradients
        self.buffers.forward(self.layers)
        value = self.loss.value_into(values[-1], self.targets, gradients[-1])
        self.buffers.backward(self.layers)
        return value


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


def make_trainer(images, *, dtype=np.float32, dense=Dense, relu=ReLU, loss=BCEWithLogitsLoss,
                 step=TrainingStep, trainer=Trainer, copying=True):
    """Make a trainer of the autoencoder, with the common initial weights."""
    layers = []
    for W in recipe.autoencoder_weights():
        layer = dense(*W.shape, init="zeros", dtype=dtype)
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
