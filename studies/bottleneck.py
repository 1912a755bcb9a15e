"""Train autoencoders of several widths and depths: compare with the stored result, or store.

`python -m studies.bottleneck --store` replaces the result. It takes about ten minutes on two
cores, in processes of one thread each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlib import Adam, Autoencoder, load_mnist
from nnlib.fingerprint import fingerprint
from nnlib.report import report_parts

from . import kit

TOLERANCE = 0.02  # relative, of errors
HIDDEN = {"none": [], "one": [256], "three": [256, 128, 64]}  # layers of the encoder
WIDTHS = (2, 4, 8, 16, 32, 64, 128)
RECIPE = {"epochs": 20, "batch_size": 256, "seeds": 3}


def train(hidden: str, k: int, seed: int) -> list[dict[str, Any]]:
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
    return [about | {"loss": history.loss, "error": float(error)}]


def jobs() -> dict[str, kit.Job]:
    """List the trainings: every width from one seed, every depth at 32 latents from several."""
    cases = [("three", k, 0) for k in WIDTHS]
    cases += [(hidden, 32, seed) for hidden in HIDDEN for seed in range(RECIPE["seeds"])]
    return {f"{hidden}-{k}-{seed}": (train, hidden, k, seed) for hidden, k, seed in cases}


def code() -> str:
    """Compute the fingerprint of the code that the results depend on."""
    return fingerprint(report_parts, Autoencoder, Adam)


def study() -> str:
    """Compute the fingerprint of the study itself, with all that it uses."""
    return fingerprint(train)


def settings() -> dict[str, Any]:
    """Return what is stored beside the results."""
    return {"recipe": RECIPE}


def measure() -> dict[str, Any]:
    """Train all."""
    return {"runs": kit.all_runs(jobs(), kit.SCRATCH / f"bottleneck-{code()}-{study()}")}


def compare(found: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """List what differs from the stored results."""
    names = "hidden", "k", "seed"
    return kit.differences(found["runs"], stored["runs"], names, "error", TOLERANCE, relative=True)


def main() -> None:
    """Train all; store, or compare."""
    codes = {"code": code(), "study": study()}
    kit.main("bottleneck", __doc__, measure, compare, settings() | codes)


if __name__ == "__main__":
    main()
