"""Switch the techniques of nnlib's training step off, one at a time; print what each gave as JSON.

    python -m studies.frameworks.techniques IMAGES ROUNDS

IMAGES is an npy file. Before a variant is timed, its loss and gradients are compared with those
of nnlib's own step.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nnlib import SGD, BCEWithLogitsLoss, Dense, ReLU, Sequential
from nnlib.arrays import Array
from nnlib.losses import flat
from nnlib.training import History, Trainer, TrainingStep

from .. import kit
from . import recipe

STEPS = 40  # steps of a variant in a round
Update = Callable[[Array], float]  # makes a step on these rows of the images, returns the loss


class SeparateBias(Dense):
    """A dense layer without the column of ones: biases are added, their gradients summed."""

    def forward_into(self, x: Array, y: Array) -> None:
        np.dot(self.W.T, x.T, out=y.T)
        np.add(y, self.b, out=y)

    def backward_into(self, x: Array, y: Array, dy: Array, dx: Array | None) -> None:
        np.dot(x.T, dy, out=self.dW)
        np.add.reduce(dy, 0, out=self.db)
        if dx is not None:
            np.dot(self.W, dy.T, out=dx.T)


class ScalarReLU(ReLU):
    """ReLU as the maximum with a number, not with an array of zeros."""

    def forward_into(self, x: Array, y: Array) -> None:
        np.maximum(x, 0, out=y)


class IndexedReLU(ReLU):
    """ReLU whose backward pass writes zeros where the output is zero."""

    def backward_into(self, x: Array, y: Array, dy: Array, dx: Any) -> None:
        np.copyto(dx, dy)
        dx.T[y.T <= 0] = 0  # transposed: in the order of memory


class LogaddexpLoss(BCEWithLogitsLoss):
    """The loss by the one function of NumPy that has its name: log(1 + exp(p)) - p t."""

    def value_into(self, p: Array, t: Array, dp: Array) -> Any:
        terms = self.scratch(p)
        np.multiply(p, t, out=dp)
        np.logaddexp(0, p, out=terms)
        np.subtract(terms, dp, out=terms)
        return finish_loss(p, t, dp, terms)


class ScalarLoss(BCEWithLogitsLoss):
    """nnlib's loss, with its maximum taken with a number."""

    def value_into(self, p: Array, t: Array, dp: Array) -> Any:
        terms = self.scratch(p)
        np.maximum(p, 0, out=terms)
        np.multiply(p, t, out=dp)
        np.subtract(terms, dp, out=terms)
        np.negative(p, out=dp)
        np.minimum(p, dp, out=dp)
        np.exp(dp, out=dp)
        np.log1p(dp, out=dp)
        np.add(terms, dp, out=terms)
        return finish_loss(p, t, dp, terms)


def finish_loss(p: Array, t: Array, dp: Array, terms: Array) -> Any:
    """Compute the mean of the terms and the gradient as nnlib's loss does."""
    value = np.add.reduce(flat(terms)) * (1 / p.size)
    np.negative(p, out=dp)
    np.exp(dp, out=dp)
    np.add(dp, 1, out=dp)
    np.reciprocal(dp, out=dp)
    np.subtract(dp, t, out=dp)
    np.multiply(dp, 1 / p.size, out=dp)
    return value.item()


class WhereLoss(BCEWithLogitsLoss):
    """The loss with np.where choosing between the two stable forms of the sigmoid."""

    def value_into(self, p: Array, t: Array, dp: Array) -> Any:
        e = np.exp(-abs(p))
        terms = np.where(p > 0, p, 0) - p * t + np.log1p(e)
        dp[...] = (np.where(p > 0, 1 / (1 + e), e / (1 + e)) - t) * (1 / p.size)
        return (flat(terms).sum() * (1 / p.size)).item()


class WholeStep(TrainingStep):
    """A step that computes the gradient of the images too."""

    def run(self) -> float:
        values, gradients = self.buffers.values, self.buffers.gradients
        self.buffers.forward(self.layers)
        value: float = self.loss.value_into(values[-1], self.targets, gradients[-1])
        self.buffers.backward(self.layers)
        return value


class IndexingStep(TrainingStep):
    """A step that fetches a batch by indexing, inputs and targets each."""

    def load(self, X: Array, y: Array, rows: Array) -> None:
        self.x[...] = X[rows]
        if self.targets is not self.x:
            self.targets[...] = y[rows]


def update_by_expressions(network: Sequential, images: Array, rows: Array) -> float:
    """Make nnlib's step in expressions, each result a new array."""
    x = np.take(images, rows, 0, mode="clip")
    layers = [leaf for leaf in network.leaves if isinstance(leaf, Dense)]
    inputs, h = [], x
    for layer in layers:
        inputs.append(h)
        h = h @ layer.W + layer.b
        if layer.n_out not in (32, 784):
            h = np.maximum(h, 0)
    terms = np.maximum(h, 0) - h * x + np.log1p(np.exp(-abs(h)))
    value = terms.sum() / h.size
    g = (1 / (1 + np.exp(-h)) - x) / np.float32(h.size)
    for layer, h in zip(reversed(layers), reversed(inputs)):
        layer.dW[...], layer.db[...] = h.T @ g, g.sum(0)
        if layer.n_in != 784:
            g = g @ layer.W.T
        if layer.n_in not in (32, 784):
            g = g * (h > 0)
    network.params[...] = network.params - np.float32(0.1) * network.grads
    return float(value)


OFF: dict[str, dict[str, Any]] = {  # technique: what replaces it
    "again": {},  # nothing: how far two copies of one step differ
    "float32": {"dtype": np.float64},
    "buffers": {"expressions": True},
    "mask": {"relu": IndexedReLU},
    "zeros": {"relu": ScalarReLU, "loss": ScalarLoss},
    "loss-logaddexp": {"loss": LogaddexpLoss},
    "loss-where": {"loss": WhereLoss},
    "input-gradient": {"step": WholeStep},
    "gather": {"step": IndexingStep, "copying": False},
    "ones": {"dense": SeparateBias},
}


def make_network(dtype: Any, dense: type[Dense], relu: type[ReLU]) -> Sequential:
    """Make the autoencoder with the common initial weights."""
    layers: list[Any] = []
    for W in recipe.autoencoder_weights():
        layer = dense(*W.shape, dtype=dtype)
        layer.W[...] = W
        layers += [layer] if W.shape[1] in (32, 784) else [layer, relu()]
    return Sequential(*layers)


def make_variant(
    images: Array,
    *,
    dtype: Any = np.float32,
    dense: type[Dense] = Dense,
    relu: type[ReLU] = ReLU,
    loss: type[BCEWithLogitsLoss] = BCEWithLogitsLoss,
    step: type[TrainingStep] = TrainingStep,
    copying: bool = True,
    expressions: bool = False,
) -> tuple[Sequential, Update]:
    """Make the autoencoder and the function that makes a step."""
    network, X = make_network(dtype, dense, relu), images.astype(dtype, copy=False)
    if expressions:
        return network, partial(update_by_expressions, network, X)
    trainer = Trainer(
        network, X, X if copying else X[:], loss(), SGD(0.1), recipe.BATCH, None, History()
    )
    trainer.steps = {n: step(network, trainer.loss, n, copying) for n in trainer.steps}
    return network, lambda rows: trainer.update(trainer.load(rows))


def check(images: Array, change: dict[str, Any], rows: Array) -> None:
    """Raise unless a variant computes the loss and the gradients of nnlib's own step."""
    (ours, own_update), (network, update) = make_variant(images), make_variant(images, **change)
    losses = own_update(rows), update(rows)
    assert abs(losses[0] / losses[1] - 1) < 1e-5, losses
    difference = abs(ours.grads - network.grads).max()
    assert difference < 1e-4 * abs(network.grads).max(), difference


def main() -> None:
    """Check each variant, time all in turn, and print the result."""
    images, rounds = np.load(sys.argv[1]), int(sys.argv[2])
    order = np.random.default_rng(1).permutation(len(images))[: STEPS * recipe.BATCH]
    batches = np.split(order, STEPS)

    def some_steps(update: Update) -> None:
        for rows in batches:
            update(rows)

    sides = {"nnlib": partial(some_steps, make_variant(images)[1])}
    for name, change in OFF.items():
        check(images, change, batches[0])
        sides[name] = partial(some_steps, make_variant(images, **change)[1])
    timed = kit.interleaved(sides, rounds, rng=np.random.default_rng(0))
    seconds = {name: [took / STEPS for took, _ in runs] for name, runs in timed.items()}
    result = {"steps": STEPS, "batch": recipe.BATCH, "BLAS": kit.pools(), "seconds": seconds}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
