"""What every training of the comparison shares: the data, the start, the bound of the products."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from nnlib import Autoencoder, Dense, load_mnist
from nnlib.report import report_parts

XOR_SIZES = (2, 4, 1)
XOR_EPOCHS = 1880
SIZES = (784, 256, 128, 64, 32, 64, 128, 256, 784)
EPOCHS = 5  # of the autoencoder
BATCH = 256
IMAGES = 50_400
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
y = np.array([[0], [1], [1], [0]], float)


def xor_weights() -> list[Any]:
    """Draw the weights of the report's XOR network: Xavier, legacy generator, seed 42."""
    rng = np.random.RandomState(42)
    return [Dense(*sizes, rng=rng).W for sizes in pairwise(XOR_SIZES)]


def autoencoder_weights() -> list[Any]:
    """Draw the autoencoder's weights in single precision, from seed 0."""
    autoencoder = Autoencoder(rng=0)
    layers = (*autoencoder.encoder.layers, *autoencoder.decoder.layers)
    return [layer.W for layer in layers if isinstance(layer, Dense)]


def training_images() -> Any:
    """Return the 50,400 images that the report trained its autoencoder on."""
    return np.ascontiguousarray(report_parts(*load_mnist())[0])


class Products:
    """The matrix products of an epoch of the autoencoder, and nothing else: a bound for NumPy."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.calls: list[tuple[Any, Any, Any]] = []
        for n_in, n_out in pairwise(SIZES):
            x, W, dy = (
                rng.random(shape, np.float32)
                for shape in ((BATCH, n_in), (n_in, n_out), (BATCH, n_out))
            )
            self.calls += [(x, W, np.empty_like(dy)), (x.T, dy, np.empty_like(W))]
            if len(self.calls) > 2:  # the first layer's input needs no gradient
                self.calls.append((dy, W.T, np.empty_like(x)))

    def epoch(self) -> None:
        """Compute the products of 197 batches."""
        for _ in range(-(-IMAGES // BATCH)):
            for a, b, out in self.calls:
                np.dot(a, b, out)
