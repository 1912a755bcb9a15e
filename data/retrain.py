"""Repeat the long trainings whose results the book shows: compare them with the stored ones, or store them.

After whole trainings the latents are classified as well, by classify_latents.py.

    python data/retrain.py            # trains everything again (about an hour on two cores), comparing each
    python data/retrain.py --store    # ... and stores the results in data/runs
    python data/retrain.py --variants # trains only the other optimizers and losses, with or without --store
    python data/retrain.py --epochs 3 # only the first epochs of each, compared with the stored histories

Each training runs in a process with one thread, as many at a time as there are cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is imported, here and in the processes

import classify_latents
import numpy as np

from nnlib import Autoencoder, checkpoint, load_mnist
from nnlib.autoencoder import (BEYOND_CODE, RECIPE, REPORT_CODE, VARIANTS, reconstruction_metrics, report_parts, report_run,
                               variant_run)

RUNS = Path(__file__).with_name("runs")
SEEDS = range(6)  # of the report's recipe; the network of the first is stored
OTHERS = [(name, seed) for name, (*_, seeds) in VARIANTS.items() for seed in range(seeds)]
TOLERANCE = 0.02  # relative, of the last losses: another BLAS rounds otherwise, and 800 epochs amplify it


def environment() -> dict[str, str]:
    """Say what the trainings ran on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"python": platform.python_version(), "numpy": np.__version__,
            "blas": f"{blas['name']} {blas['version']}", "threads": "1",
            "machine": f"{platform.machine()}, {platform.system()}"}


def train_report(seed: int, epochs: int) -> dict[str, Any]:
    """Train by the report's recipe from one seed."""
    images, valid, test = report_parts(*load_mnist())
    start = perf_counter()
    autoencoder, history, quality = report_run(images, valid, seed, epochs=epochs)
    return {"seed": seed, "loss": history.loss, "val_loss": history.val_loss, "val_epochs": history.val_epochs,
            "quality": quality, "seconds": perf_counter() - start, "params": autoencoder.params,
            "metrics": reconstruction_metrics(autoencoder, test)}


def train_variant(name: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train the same network by another optimizer or loss; follow its error on the test images."""
    images, _, test = report_parts(*load_mnist())
    make, squared, limit, _ = VARIANTS[name]
    start = perf_counter()
    _, history, errors = variant_run(images, make(), squared, seed, test=test, epochs=min(epochs, limit))
    return {"name": name, "seed": seed, "loss": history.loss, "test_mse": errors, "seconds": perf_counter() - start}


def train_all(epochs: int, report: bool) -> Iterator[dict[str, Any]]:
    """Train everything, several at a time; give each as it is done."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(train_report, seed, epochs) for seed in SEEDS if report]
        jobs += [pool.submit(train_variant, *which, epochs) for which in OTHERS]
        for job in as_completed(jobs):
            yield job.result()


def store(name: str, about: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """Write the histories of runs, and how they were made."""
    kept = [{key: value for key, value in run.items() if key != "params"} for run in runs]
    text = json.dumps(about | {"environment": environment(), "runs": kept}, indent=1, default=float)
    (RUNS / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def store_reports(runs: list[dict[str, Any]]) -> None:
    """Write the network of the first seed, and the histories of all."""
    about = {"recipe": RECIPE, "code": checkpoint.fingerprint(*REPORT_CODE)}
    first, autoencoder = runs[0], Autoencoder(rng=0)
    autoencoder.params[...] = first["params"]
    notes = about | {"environment": environment(), "seed": first["seed"]}
    checkpoint.save(RUNS / "autoencoder.npz", autoencoder, notes=notes)
    store("spread", about, runs)


def store_variants(runs: list[dict[str, Any]]) -> None:
    """Write the histories of all variants, with their settings."""
    settings = {name: [repr(make()), *others] for name, (make, *others) in VARIANTS.items()}
    store("beyond", {"variants": settings, "code": checkpoint.fingerprint(*BEYOND_CODE)}, runs)


def compare(run: dict[str, Any]) -> list[str]:
    """Say what differs from the stored result, if anything."""
    which = run.get("name", "report"), run["seed"]
    text = (RUNS / ("beyond.json" if "name" in run else "spread.json")).read_text(encoding="utf-8")
    known = next(r for r in json.loads(text)["runs"] if (r.get("name", "report"), r["seed"]) == which)
    old, new = known["loss"][: len(run["loss"])], run["loss"]
    print(*which, f"{run['seconds']:.0f} s, loss after {len(new)} epochs: stored {old[-1]:.6f}, now {new[-1]:.6f}", flush=True)
    if which == ("report", 0) and old == new == known["loss"]:
        same = checkpoint.load(RUNS / "autoencoder.npz").network.params == run["params"]
        print(f"the stored network: {same.mean():.1%} of the parameters equal bit for bit", flush=True)
    apart = abs(new[-1] / old[-1] - 1)
    return [] if apart <= TOLERANCE else [f"{which}: {apart:.1%} apart"]


def main() -> None:
    """Train, then store or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="store_true", help="store the results instead of comparing them")
    parser.add_argument("--epochs", type=int, default=RECIPE["epochs"], help="epochs of each training, at most")
    parser.add_argument("--variants", action="store_true", help="train only what the chapter beyond the report shows")
    options = parser.parse_args()
    if options.store and options.epochs != RECIPE["epochs"]:
        parser.error("--store needs whole trainings")
    reports, variants, differences = {}, {}, []
    for run in train_all(options.epochs, not options.variants):
        (variants if "name" in run else reports)[run.get("name"), run["seed"]] = run
        differences += [] if options.store else compare(run)
    if options.store and reports:
        store_reports([reports[None, seed] for seed in SEEDS])
    if options.store:
        store_variants([variants[which] for which in OTHERS])
    if options.epochs == RECIPE["epochs"] and reports:
        differences += classify_latents.finish({seed: run["params"] for (_, seed), run in reports.items()}, options.store)
    if differences:
        sys.exit("\n".join(["These differ from the stored runs:", *differences]))


if __name__ == "__main__":
    main()
