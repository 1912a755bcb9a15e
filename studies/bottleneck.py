"""Train autoencoders of several widths and depths: compare with the stored result, or store.

`python -m studies.bottleneck --store` replaces the result. It takes about ten minutes on two
cores, in processes of one thread each.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from nnlib import Adam, Autoencoder, load_mnist
from nnlib.fingerprint import fingerprint
from nnlib.report import report_parts

from . import kit

STORED = kit.RUNS / "bottleneck.json"
TOLERANCE = 0.02  # relative, of errors
HIDDEN = {"none": [], "one": [256], "three": [256, 128, 64]}  # layers of the encoder
WIDTHS = (2, 4, 8, 16, 32, 64, 128)
RECIPE = {"epochs": 20, "batch_size": 256, "seeds": 3}


def train(hidden: str, k: int, seed: int) -> dict[str, Any]:
    """Train one autoencoder with Adam; measure the loss of each epoch and the test error."""
    images, _, test = report_parts(*load_mnist())
    rng = np.random.default_rng(seed)
    autoencoder = Autoencoder((784, *HIDDEN[hidden], k), rng=rng)
    history = autoencoder.fit(
        images,
        optimizer=Adam(),
        epochs=RECIPE["epochs"],
        batch_size=RECIPE["batch_size"],
        rng=rng,
    )
    error = np.square(autoencoder.reconstruct(test) - test).mean(dtype=np.float64)
    about = {"hidden": hidden, "k": k, "seed": seed}
    return about | {"loss": history.loss, "error": float(error)}


def jobs() -> dict[str, kit.Job]:
    """List the trainings: every width from one seed, every depth at 32 latents from several."""
    cases = [("three", k, 0) for k in WIDTHS]
    cases += [(hidden, 32, seed) for hidden in HIDDEN for seed in range(RECIPE["seeds"])]
    return {f"{hidden}-{k}-{seed}": (train, hidden, k, seed) for hidden, k, seed in cases}


def code() -> str:
    """Compute the fingerprint of the code that the results depend on."""
    return fingerprint(report_parts, Autoencoder, Adam)


def compare(runs: list[dict[str, Any]]) -> list[str]:
    """List what differs from the stored results."""
    known = {(run["hidden"], run["k"], run["seed"]): run for run in kit.load(STORED)["runs"]}
    lines = []
    for run in runs:
        before = known[run["hidden"], run["k"], run["seed"]]["error"]
        if abs(run["error"] / before - 1) > TOLERANCE:
            lines.append(f"{run['hidden']}, {run['k']}: {run['error']:.5f}, stored {before:.5f}")
    return lines


def main() -> None:
    """Train all; store, or compare."""
    done = dict(kit.run_jobs(jobs(), kit.SCRATCH / f"bottleneck-{code()}"))
    runs = [done[name] for name in jobs()]
    if "--store" in sys.argv:
        about = {"recipe": RECIPE, "code": code(), "environment": kit.environment()}
        kit.store(about | {"runs": runs}, STORED)
    else:
        kit.stop_if_different(compare(runs))


if __name__ == "__main__":
    main()
