"""Classify latents, components and pixels as the report did, many times: compare, or store.

`python -m studies.trainings` does this with the networks that it has trained. It takes a few
minutes on two cores, in processes of one thread each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from nnlib import PCA, Autoencoder, load_mnist
from nnlib.fingerprint import fingerprint
from nnlib.report import classify_features, feature_scores, report_parts, report_run

from . import kit

STORED = kit.RUNS / "latents.json"
NAMES = {  # by which a result is known
    "runs": ("features", "seed", "draw", "n", "C", "scaled", "pairs"),
    "choices": ("features", "seed"),
    "scores": ("seed",),
}
TOLERANCE = 0.01  # of accuracies: another BLAS rounds differently, and 800 epochs amplify it
CHOICES: list[dict[str, Any]] = [  # the report's
    {"C": 1.0},
    {"C": 10.0},
    {"C": 100.0},
    {"C": 1.0, "kernel": "linear"},
]
RECIPE = {
    "draws": 3,
    "untrained": 20,
    "small_draws": 10,
    "chosen": 3,
    "scored": 100,
    "samples": 20,
}


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


def run(
    about: dict[str, Any], encode: Callable[[Any], Any], size: int | None = None, **options: Any
) -> dict[str, Any]:
    """Classify the test images; on random samples of them too, if a size is given."""
    images, digits = parts()
    machine: Any
    machine, (answers,) = classify_features(encode, images[0], digits[0], images[2:], **options)
    right, rng = answers == digits[2], np.random.default_rng(options["draw"])
    result = about | {"n": 5000, "C": 10.0, "scaled": True, "pairs": False} | options
    result |= {
        "accuracy": right.mean(),
        "support_vectors": len(machine.support_),
        "steps": int(machine.n_iter_.sum()),
    }
    if size is not None:
        samples = [rng.choice(len(right), size, replace=False) for _ in range(RECIPE["samples"])]
        result["samples"] = [right[rows].mean() for rows in samples]
    return result


def of_encoder(seed: int, params: Any) -> list[dict[str, Any]]:
    """Classify the latents of an encoder: three draws if it is trained, else one."""
    encode = encoder(seed, params).encode
    draws = range(RECIPE["draws"]) if params is not None else [seed]
    about = {"features": "untrained" if params is None else "trained", "seed": seed}
    return [run(about, encode, draw=draw) for draw in draws]


def of_pairs(seed: int, params: Any) -> list[dict[str, Any]]:
    """Classify the latents of an encoder by one machine for each pair of digits."""
    about = {"features": "untrained" if params is None else "trained", "seed": seed}
    return [run(about, encoder(seed, params).encode, draw=seed, pairs=True)]


def of_linear(draw: int) -> list[dict[str, Any]]:
    """Classify what linear maps to 32 numbers make of the images."""
    pca = PCA(32).fit(parts()[0][0])
    projection = np.random.default_rng(draw).normal(size=(784, 32)).astype(np.float32)
    maps: dict[str, Callable[[Any], Any]] = {
        "pca": pca.transform,
        "projection": lambda X: X @ projection,
    }
    return [run({"features": name}, encode, draw=draw) for name, encode in maps.items()]


def of_pixels(draw: int) -> list[dict[str, Any]]:
    """Classify the pixels themselves, standardized and not."""
    return [
        run({"features": "raw"}, np.asarray, draw=draw, scaled=scaled) for scaled in (True, False)
    ]


def of_report(draw: int) -> list[dict[str, Any]]:
    """Classify the pixels by the report's settings for them, on samples of 1,000 test images."""
    return [run({"features": "raw"}, np.asarray, 1000, draw=draw, n=3000, C=1.0)]


def choose(seed: int, params: Any) -> list[dict[str, Any]]:
    """Judge the report's four choices on validation images, test images, and samples of these."""
    images, digits = parts()
    encode, rng = encoder(seed, params).encode, np.random.default_rng(seed)
    samples = [rng.choice(len(digits[2]), 2000, replace=False) for _ in range(RECIPE["samples"])]
    tried = []
    for choice in CHOICES:
        valid, test = classify_features(
            encode, images[0], digits[0], images[1:], draw=seed, tol=1e-2, **choice
        )[1]
        right = test == digits[2]
        tried.append(
            choice
            | {
                "valid": (valid == digits[1]).mean(),
                "test": right.mean(),
                "samples": [right[rows].mean() for rows in samples],
            }
        )
    features = "untrained" if params is None else "trained"
    return [{"features": features, "seed": seed, "tried": tried}]


def score(seed: int) -> list[dict[str, Any]]:
    """Compute variances of the class means and shares of the components of untrained latents."""
    images, digits = parts()
    Z = encoder(seed).encode(images[2])
    variances = np.sort(feature_scores(Z, digits[2])[0])[::-1]
    return [
        {
            "seed": seed,
            "variances": variances[:5].tolist(),
            "shares": PCA(2).fit(Z).explained_variance_ratio_.tolist(),
        }
    ]


def all_jobs(params: Mapping[int, Any]) -> dict[str, dict[str, kit.Job]]:
    """List all parts, for these trained autoencoders by seed, under the name of their result."""
    untrained = range(RECIPE["untrained"])
    runs: dict[str, kit.Job] = {}
    for title, function in ("encoder", of_encoder), ("pairs", of_pairs):
        runs |= {f"{title}-trained-{seed}": (function, seed, params[seed]) for seed in params}
        runs |= {f"{title}-untrained-{seed}": (function, seed, None) for seed in untrained}
    runs |= {f"linear-{draw}": (of_linear, draw) for draw in range(RECIPE["draws"])}
    runs |= {f"pixels-{draw}": (of_pixels, draw) for draw in range(RECIPE["draws"])}
    runs |= {f"report-{draw}": (of_report, draw) for draw in range(RECIPE["small_draws"])}
    chosen = {
        f"choose-{name}-{seed}": (choose, seed, trained)
        for seed in range(RECIPE["chosen"])
        for name, trained in (("untrained", None), ("trained", params.get(seed)))
        if name == "untrained" or seed in params
    }
    scored = {f"score-{seed}": (score, seed) for seed in range(RECIPE["scored"])}
    return {"runs": runs, "choices": chosen, "scores": scored}


def measure(params: Mapping[int, Any]) -> dict[str, Any]:
    """Do all of it, several parts at a time, for these trained autoencoders, by seed."""
    named = all_jobs(params)
    found = dict(kit.run_jobs(named["choices"] | named["runs"] | named["scores"]))
    return {title: [one for name in jobs for one in found[name]] for title, jobs in named.items()}


def code() -> str:
    """Compute the fingerprint of the code that the results depend on."""
    return fingerprint(report_run, PCA, classify_features, feature_scores)


def study() -> str:
    """Compute the fingerprint of the study itself, with all that it uses."""
    return fingerprint(of_encoder, of_pairs, of_linear, of_pixels, of_report, choose, score)


def settings() -> dict[str, Any]:
    """Return what is stored beside the results."""
    return {"recipe": RECIPE}


def store(results: dict[str, Any]) -> None:
    """Store the results, and how they were made; what was not measured anew stays, and says so."""
    known = kit.load(STORED)
    codes = {"code": code(), "study": study()}
    about = {**settings(), **codes, "environment": kit.environment()}
    kept = dict[str, int]()
    for title, names in NAMES.items():
        found = {tuple(one.get(name) for name in names): one for one in results[title]}
        stored = [(tuple(one.get(name) for name in names), one) for one in known[title]]
        kept[title] = sum(key not in found for key, _ in stored)
        results[title] = [found.pop(key, one) for key, one in stored] + list(found.values())
    if any(kept.values()):
        about["kept"] = {"from": known.get("kept", {}).get("from", known["code"])} | kept
    kit.store(about | results, STORED)


def accuracies(results: dict[str, Any]) -> dict[tuple[Any, ...], float]:
    """List the accuracies by what they are of."""
    return {
        tuple(found.get(name) for name in NAMES["runs"]): found["accuracy"]
        for found in results["runs"]
    }


def compare(results: dict[str, Any]) -> list[str]:
    """List what differs from the stored results."""
    known = accuracies(kit.load(STORED))
    found = accuracies(results)
    equal = sum(found[key] == known[key] for key in found)
    print(f"{equal} of {len(found)} accuracies are the stored ones", flush=True)
    return [
        f"{key}: {found[key]:.4f}, stored {known[key]:.4f}"
        for key in found
        if abs(found[key] - known[key]) > TOLERANCE
    ]


def finish(params: Mapping[int, Any], storing: bool) -> list[str]:
    """Measure, then compare, and store if nothing differs much; list the differences."""
    results = measure(params)
    differences = compare(results)
    if storing and not differences:
        store(results)
    return differences
