"""Classify latents, components and pixels as the report did, many times: compare with the stored results, or store them.

    python data/classify_latents.py                           # what the stored network of the first seed allows
    python data/classify_latents.py --params FOLDER --store   # all, from seed0.npz, seed1.npz, ... with `params`

`make retrain` does the whole of it with the autoencoders that it has trained. It takes a few minutes on two
cores; each part runs in a process with one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported, here and in the processes

import numpy as np

from nnlib import PCA, Autoencoder, checkpoint, load_mnist
from nnlib.autoencoder import report_parts
from nnlib.latents import LATENT_CODE, classify, feature_scores

RUNS = Path(__file__).with_name("runs")
STORED = RUNS / "latents.json"
TOLERANCE = 0.01  # of accuracies: another BLAS rounds otherwise, and 800 epochs amplify it
CHOICES: list[dict[str, Any]] = [{"C": 1.0}, {"C": 10.0}, {"C": 100.0}, {"C": 1.0, "kernel": "linear"}]  # the report's
RECIPE = {"draws": 3, "untrained": 20, "small_draws": 10, "chosen": 3, "scored": 100, "samples": 20}


@cache
def parts() -> tuple[Any, Any]:
    """Load images and digits, each for training, validation and testing; once in a process."""
    X, y = load_mnist()
    return report_parts(X, y), report_parts(y, y)


def encoder(seed: int, params: Any = None) -> Autoencoder:
    """Draw an autoencoder, and give it trained parameters if there are any."""
    autoencoder = Autoencoder(rng=seed)
    if params is not None:
        autoencoder.params[...] = params
    return autoencoder


def run(about: dict[str, Any], encode: Callable[[Any], Any], size: int | None = None, **options: Any) -> dict[str, Any]:
    """Classify the test images; on random samples of them too, if a size is given."""
    images, digits = parts()
    machine, (answers,) = classify(encode, images[0], digits[0], images[2:], **options)
    right, rng = answers == digits[2], np.random.default_rng(options["draw"])
    result = about | {"n": 5000, "C": 10.0, "scaled": True, "pairs": False} | options
    result |= {"accuracy": right.mean(), "support_vectors": len(machine.support_), "steps": int(machine.n_iter_.sum())}
    if size is not None:
        result["samples"] = [right[rng.choice(len(right), size, replace=False)].mean() for _ in range(RECIPE["samples"])]
    return result


def of_encoder(seed: int, params: Any) -> list[dict[str, Any]]:
    """Classify the latents of an encoder: of a trained one by several draws, of an untrained one by one."""
    encode = encoder(seed, params).encode
    draws = range(RECIPE["draws"]) if params is not None else [seed]
    about = {"features": "untrained" if params is None else "trained", "seed": seed}
    return [run(about, encode, draw=draw) for draw in draws]


def of_pairs(seed: int, params: Any) -> list[dict[str, Any]]:
    """Classify the latents of an encoder by a machine for each pair of digits, as scikit-learn does."""
    about = {"features": "untrained" if params is None else "trained", "seed": seed}
    return [run(about, encoder(seed, params).encode, draw=seed, pairs=True)]


def of_linear(draw: int) -> list[dict[str, Any]]:
    """Classify what linear maps to 32 numbers make of the images."""
    pca = PCA(32).fit(parts()[0][0])
    projection = np.random.default_rng(draw).normal(size=(784, 32)).astype(np.float32)
    maps: dict[str, Callable[[Any], Any]] = {"pca": pca.transform, "projection": lambda X: X @ projection}
    return [run({"features": name}, encode, draw=draw) for name, encode in maps.items()]


def of_pixels(draw: int) -> list[dict[str, Any]]:
    """Classify the pixels themselves, standardized and not."""
    return [run({"features": "raw"}, np.asarray, draw=draw, scaled=scaled) for scaled in (True, False)]


def of_report(draw: int) -> list[dict[str, Any]]:
    """Classify the pixels by the report's settings for them, on samples of 1,000 test images."""
    return [run({"features": "raw"}, np.asarray, 1000, draw=draw, n=3000, C=1.0)]


def choose(seed: int, params: Any) -> list[dict[str, Any]]:
    """Judge the report's four choices on validation, on test images, and on samples of 2,000 of these."""
    images, digits = parts()
    encode, rng = encoder(seed, params).encode, np.random.default_rng(seed)
    samples = [rng.choice(len(digits[2]), 2000, replace=False) for _ in range(RECIPE["samples"])]
    tried = []
    for choice in CHOICES:
        valid, test = classify(encode, images[0], digits[0], images[1:], draw=seed, tol=1e-2, **choice)[1]
        right = test == digits[2]
        tried.append(choice | {"valid": (valid == digits[1]).mean(), "test": right.mean(),
                               "samples": [right[rows].mean() for rows in samples]})
    return [{"features": "untrained" if params is None else "trained", "seed": seed, "tried": tried}]


def score(seed: int) -> list[dict[str, Any]]:
    """Describe the latents of an untrained encoder: five largest variances of class means, shares of components."""
    images, digits = parts()
    Z = encoder(seed).encode(images[2])
    variances = np.sort(feature_scores(Z, digits[2])[0])[::-1]
    return [{"seed": seed, "variances": variances[:5].tolist(),
             "shares": PCA(2).fit(Z).explained_variance_ratio_.tolist()}]


def measure(params: Mapping[int, Any]) -> dict[str, Any]:
    """Do all of it, several parts at a time, for these trained autoencoders, by seed."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        chosen = [pool.submit(choose, seed, trained) for seed in range(RECIPE["chosen"])
                  for trained in (None, params.get(seed)) if trained is None or seed in params]
        runs = [pool.submit(of_encoder, seed, trained) for seed, trained in params.items()]
        runs += [pool.submit(of_encoder, seed, None) for seed in range(RECIPE["untrained"])]
        runs += [pool.submit(of_pairs, seed, trained) for seed, trained in params.items()]
        runs += [pool.submit(of_pairs, seed, None) for seed in range(RECIPE["untrained"])]
        runs += [pool.submit(of_linear, draw) for draw in range(RECIPE["draws"])]
        runs += [pool.submit(of_pixels, draw) for draw in range(RECIPE["draws"])]
        runs += [pool.submit(of_report, draw) for draw in range(RECIPE["small_draws"])]
        scored = [pool.submit(score, seed) for seed in range(RECIPE["scored"])]
        named = {"runs": runs, "choices": chosen, "scores": scored}
        return {name: [found for future in futures for found in future.result()] for name, futures in named.items()}


def environment() -> dict[str, str]:
    """Say what it ran on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"python": platform.python_version(), "numpy": np.__version__,
            "blas": f"{blas['name']} {blas['version']}", "threads": "1",
            "machine": f"{platform.machine()}, {platform.system()}"}


def store(results: dict[str, Any]) -> None:
    """Write the results, whole or not at all."""
    about = {"recipe": RECIPE, "code": checkpoint.fingerprint(*LATENT_CODE), "environment": environment()}
    text = json.dumps(about | results, indent=1, default=float)
    new = STORED.with_suffix(".new")
    new.write_text(text + "\n", encoding="utf-8", newline="\n")
    new.replace(STORED)


def accuracies(results: dict[str, Any]) -> dict[tuple[Any, ...], float]:
    """List the accuracies by what they are of."""
    names = "features", "seed", "draw", "n", "C", "scaled", "pairs"
    return {tuple(found.get(name) for name in names): found["accuracy"] for found in results["runs"]}


def compare(results: dict[str, Any]) -> list[str]:
    """List what differs from the stored results."""
    known = accuracies(json.loads(STORED.read_text(encoding="utf-8")))
    found = accuracies(results)
    for key, accuracy in found.items():
        print(*key, f"stored {known[key]:.4f}, now {accuracy:.4f}")
    return [f"{key}: {found[key]:.4f}, stored {known[key]:.4f}" for key in found if abs(found[key] - known[key]) > TOLERANCE]


def finish(params: Mapping[int, Any], storing: bool) -> list[str]:
    """Measure, then store or compare; list the differences."""
    results = measure(params)
    if storing:
        store(results)
        return []
    return compare(results)


def main() -> None:
    """Read the parameters, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="store_true", help="store the results instead of comparing them")
    parser.add_argument("--params", type=Path, help="folder with seed0.npz, ...; else the stored network alone")
    options = parser.parse_args()
    if options.params is not None:
        files = sorted(options.params.glob("seed*.npz"))
        params = {int(file.stem.removeprefix("seed")): np.load(file)["params"] for file in files}
    elif options.store:
        parser.error("--store needs --params")
    else:
        params = {0: checkpoint.load(RUNS / "autoencoder.npz").network.params}
    if differences := finish(params, options.store):
        sys.exit("\n".join(["These differ from the stored results:", *differences]))


if __name__ == "__main__":
    main()
