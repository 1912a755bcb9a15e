"""Learn digits from few labels, in five ways: compare with the stored result, or store.

`python -m studies.labels --store` replaces the result. It takes about ten minutes on two cores,
in processes of one thread each.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlib import (
    PCA,
    Adam,
    Autoencoder,
    CrossEntropyLoss,
    Dense,
    Sequential,
    checkpoint,
    load_mnist,
)
from nnlib.fingerprint import fingerprint
from nnlib.report import classify_features, report_parts

from . import kit

TOLERANCE = 0.02  # of accuracies
RECIPE = {"draws": 5, "steps": 1500, "batch_size": 50}
LABELS = (100, 300, 1000, 5000)


def network_accuracy(
    encoder: Sequential, X: Any, y: Any, rows: Any, test: Any, truth: Any, draw: int
) -> float:
    """Train an encoder with a layer for ten digits on these rows; score it on the test images."""
    rng = np.random.default_rng(draw)
    network = Sequential(encoder, Dense(32, 10, rng=rng, dtype=np.float32))
    epochs = RECIPE["steps"] * RECIPE["batch_size"] // len(rows)
    network.fit(
        X[rows],
        y[rows],
        loss=CrossEntropyLoss(),
        optimizer=Adam(),
        epochs=epochs,
        batch_size=RECIPE["batch_size"],
        rng=rng,
    )
    return float((network.predict(test).argmax(axis=1) == truth).mean())


def learn(n: int, draw: int) -> list[dict[str, Any]]:
    """Learn from n labels in all ways."""
    X, y = load_mnist()
    (images, _, test), (digits, _, truth) = report_parts(X, y), report_parts(y, y)
    trained: Any = checkpoint.load(kit.RUNS / "autoencoder.npz").network
    rows = np.random.default_rng(draw).choice(len(images), n, replace=False)
    starts = {"direct": Autoencoder(rng=draw).encoder, "tuned": copy.deepcopy(trained.encoder)}
    found = {
        name: network_accuracy(encoder, images, digits, rows, test, truth, draw)
        for name, encoder in starts.items()
    }
    pca = PCA(32).fit(images)
    features: dict[str, tuple[Callable[[Any], Any], bool]] = {
        "latents": (trained.encode, True),
        "latents-plain": (trained.encode, False),
        "pca": (pca.transform, True),
        "pca-plain": (pca.transform, False),
    }
    for name, (encode, scaled) in features.items():
        _, (guess,) = classify_features(
            encode, images, digits, [test], n=n, draw=draw, scaled=scaled
        )
        found[name] = float((guess == truth).mean())
    return [{"method": name, "n": n, "draw": draw, "accuracy": a} for name, a in found.items()]


def jobs() -> dict[str, kit.Job]:
    """List the parts: each number of labels with each draw."""
    return {f"{n}-{draw}": (learn, n, draw) for n in LABELS for draw in range(RECIPE["draws"])}


def code() -> str:
    """Compute the fingerprint of the code that the results depend on."""
    return fingerprint(report_parts, classify_features, PCA, Autoencoder, CrossEntropyLoss, Adam)


def study() -> str:
    """Compute the fingerprint of the study itself, with all that it uses."""
    return fingerprint(learn)


def settings() -> dict[str, Any]:
    """Return what is stored beside the results."""
    return {"recipe": RECIPE}


def measure() -> dict[str, Any]:
    """Learn in all ways."""
    return {"runs": kit.all_runs(jobs(), kit.SCRATCH / f"labels-{code()}-{study()}")}


def compare(found: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """List what differs from the stored results."""
    names = "method", "n", "draw"
    return kit.differences(found["runs"], stored["runs"], names, "accuracy", TOLERANCE)


def main() -> None:
    """Learn in all ways; store, or compare."""
    codes = {"code": code(), "study": study()}
    kit.main("labels", __doc__, measure, compare, settings() | codes)


if __name__ == "__main__":
    main()
