"""Classify latents under the limit of 2,000 steps in Table 9, and without it: compare, or store.

    python -m studies.step_limit          # compared with data/runs/step_limit.json
    python -m studies.step_limit --store  # ... and stores the result there

The report's classifier trains one machine for each of the 45 pairs of digits, and its Table 9
lists "Max Iterations 2000", which is a limit for each machine. Here the report's four settings are
tried under that limit. It takes two minutes on two cores.
"""

from __future__ import annotations

import warnings
from typing import Any

from nnlib import load
from nnlib.estimator import ConvergenceWarning
from nnlib.fingerprint import fingerprint
from nnlib.report import classify_features, report_parts

from . import kit
from .latents import CHOICES, encoder, parts

LIMIT = 2000
UNTRAINED = 20  # encoders that are classified with C = 10, with the limit and without
CHOSEN = 4  # ... of which so many are classified with all four settings
TOLERANCE = 0.01  # of accuracies: another BLAS rounds differently


def run(seed: int, params: Any, choice: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Classify the validation and the test images by the latents of one encoder."""
    images, digits = parts()
    encode = encoder(seed, params).encode
    machine: Any
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # that is what is counted
        machine, (valid, test) = classify_features(
            encode,
            images[0],
            digits[0],
            images[1:],
            draw=seed,
            pairs=True,
            max_iter=limit,
            solver="smo",  # as the report's
            **choice,
        )
    return [
        {
            "features": "untrained" if params is None else "trained",
            "seed": seed,
            "kernel": "rbf",
            "limit": limit,
            **choice,
            "valid": float((valid == digits[1]).mean()),
            "test": float((test == digits[2]).mean()),
            "stopped": int((machine.violation_ > machine.tol).sum()),
            "most_steps": int(machine.n_iter_.max()),
        }
    ]


def all_jobs() -> dict[str, kit.Job]:
    """List all runs under their names."""
    stored = load(kit.RUNS / "autoencoder.npz").network.params
    encoders = [("trained", 0, stored), *(("untrained", k, None) for k in range(UNTRAINED))]
    jobs: dict[str, kit.Job] = {}
    for name, seed, params in encoders:
        for number, choice in enumerate(CHOICES):
            if choice == {"C": 10.0}:
                jobs[f"{name}-{seed}-free"] = (run, seed, params, choice, -1)
            if choice == {"C": 10.0} or seed < CHOSEN:
                jobs[f"{name}-{seed}-{number}"] = (run, seed, params, choice, LIMIT)
    return jobs


def measure() -> dict[str, Any]:
    """Do all runs, several at a time."""
    return {"runs": kit.all_runs(all_jobs())}


def compare(found: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """List what differs from the stored runs."""
    names = "features", "seed", "kernel", "C", "limit"
    return kit.differences(found["runs"], stored["runs"], names, "test", TOLERANCE)


def code() -> str:
    """Compute the fingerprint of the code that the results depend on."""
    return fingerprint(report_parts, classify_features)


def study() -> str:
    """Compute the fingerprint of the study itself, with all that it uses."""
    return fingerprint(run)


def settings() -> dict[str, Any]:
    """Return what is stored beside the results."""
    return {"limit": LIMIT, "untrained": UNTRAINED}


def main() -> None:
    """Do all runs; store, or compare."""
    codes = {"code": code(), "study": study()}
    kit.main("step_limit", __doc__, measure, compare, settings() | codes)


if __name__ == "__main__":
    main()
