"""Train the report's encoder with its mirrored decoder and with a plain one: compare, or store.

    python -m studies.decoders          # compared with data/runs/decoders.json
    python -m studies.decoders --store  # ... and stores the result there

The report says that a decoder which mirrors the encoder helps the reconstruction. The plain
decoder has one hidden layer, so wide that both have about as many parameters. Both are trained by
Adam for 20 epochs, which takes some five minutes on two cores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlib import Adam, BCEWithLogitsLoss, Dense, ReLU, Sequential, Sigmoid, load_mnist
from nnlib.fingerprint import fingerprint
from nnlib.report import report_parts

from . import kit

ENCODER = (784, 256, 128, 64, 32)
DECODERS = {"mirrored": (32, 64, 128, 256, 784), "plain": (32, 298, 784)}
EPOCHS, SEEDS = 20, 2
TOLERANCE = 0.03  # relative, of errors: epochs amplify what another BLAS rounds


def dense_relu(sizes: tuple[int, ...], last: str, rng: np.random.Generator) -> Sequential:
    """Put a ReLU between dense layers of these widths."""
    inits = ["he"] * (len(sizes) - 2) + [last]
    parts: list[Any] = []
    for n_in, n_out, init in zip(sizes, sizes[1:], inits):
        parts += [Dense(n_in, n_out, init=init, rng=rng, dtype=np.float32), ReLU()]
    return Sequential(*parts[:-1])


def run(name: str, seed: int, epochs: int = EPOCHS) -> list[dict[str, Any]]:
    """Train with one of the decoders; measure the error on the test images."""
    images, _, test = report_parts(*load_mnist())
    rng = np.random.default_rng(seed)
    encoder, decoder = (
        dense_relu(ENCODER, "he", rng),
        dense_relu(DECODERS[name], "xavier", rng),
    )
    network = Sequential(encoder, decoder)
    history = network.fit(
        images,
        images,
        loss=BCEWithLogitsLoss(),
        optimizer=Adam(),
        epochs=epochs,
        batch_size=256,
        rng=rng,
    )
    pixels = np.ascontiguousarray(Sigmoid().forward(network.predict(test)))
    return [
        {
            "decoder": name,
            "seed": seed,
            "parameters": int(decoder.params.size),
            "loss": history.loss,
            "test_mse": float(np.square(pixels - test).mean(dtype=np.float64)),
        }
    ]


def code() -> str:
    """Compute the fingerprint of the code that the results depend on."""
    return fingerprint(report_parts, Sequential, Dense, ReLU, BCEWithLogitsLoss, Adam)


def study() -> str:
    """Compute the fingerprint of the study itself, with all that it uses."""
    return fingerprint(run)


def settings() -> dict[str, Any]:
    """Return what is stored beside the results."""
    return {"epochs": EPOCHS, "sizes": {"encoder": ENCODER, **DECODERS}}


def measure() -> dict[str, Any]:
    """Train with all decoders, from all seeds."""
    jobs: dict[str, kit.Job] = {
        f"{name}-{seed}": (run, name, seed) for name in DECODERS for seed in range(SEEDS)
    }
    return {"runs": kit.all_runs(jobs)}


def compare(found: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """List what differs from the stored results."""
    names = "decoder", "seed"
    return kit.differences(
        found["runs"], stored["runs"], names, "test_mse", TOLERANCE, relative=True
    )


def main() -> None:
    """Train all; store, or compare."""
    codes = {"code": code(), "study": study()}
    kit.main("decoders", __doc__, measure, compare, settings() | codes)


if __name__ == "__main__":
    main()
