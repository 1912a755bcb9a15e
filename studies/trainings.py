"""Repeat the long trainings that the book shows: compare them with the stored ones, or store them.

    python -m studies.trainings             # trains everything again, about an hour on two cores
    python -m studies.trainings --store     # ... and stores the results in data/runs
    python -m studies.trainings --epochs 5  # only the first epochs of each, for a comparison
    python -m studies.trainings --variants  # only the other optimizers and losses
    python -m studies.trainings --latents   # only the classification, with networks of before
    python -m studies.trainings --carry     # after a refactoring: renews the fingerprints

--carry is for code that was rearranged and computes the same. It repeats the first epochs of every
training, and gives the stored ones the fingerprint of today only if each number comes out equal
bit for bit; they then say so. On a machine that rounds differently from the one of the stored
runs, add ``--before FOLDER``, a checkout of the code of before, which then runs too.
``python -m studies.carry`` does this for the latents, and for all other studies.

After complete trainings by the report's recipe, the latents are classified too (latents.py).
Finished trainings are kept in _build/studies: a run that was interrupted goes on from there, and
--latents takes them from there. If only the stored network of the first seed is at hand, the
results of the others stay, and say by which code they were made.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter
from typing import Any

from nnlib import Autoencoder, load_mnist, save
from nnlib import load as load_network
from nnlib.fingerprint import fingerprint
from nnlib.report import (
    RECIPE,
    VARIANTS,
    named_variant,
    reconstruction_metrics,
    report_parts,
    report_run,
)

from . import kit, latents

TRAININGS = kit.SCRATCH / "trainings"
SEEDS = range(6)  # of the report's recipe; the network of the first is stored
OTHERS = [(name, seed) for name, (*_, seeds) in VARIANTS.items() for seed in range(seeds)]
TOLERANCE = 0.02  # relative, of the last losses: 800 epochs amplify what another BLAS rounds


def train_report(seed: int, epochs: int) -> dict[str, Any]:
    """Train by the report's recipe from one seed."""
    images, valid, test = report_parts(*load_mnist())
    start = perf_counter()
    autoencoder, history, quality = report_run(images, valid, seed, epochs=epochs)
    return {
        "seed": seed,
        "loss": history.loss,
        "val_loss": history.val_loss,
        "val_epochs": history.val_epochs,
        "quality": quality,
        "seconds": perf_counter() - start,
        "params": autoencoder.params,
        "metrics": reconstruction_metrics(autoencoder, test),
    }


def train_variant(name: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train the same network by another optimizer or loss; follow its error on the test images."""
    images, _, test = report_parts(*load_mnist())
    limit = VARIANTS[name][2]
    start = perf_counter()
    _, history, errors = named_variant(name, images, seed, test=test, epochs=min(epochs, limit))
    return {
        "name": name,
        "seed": seed,
        "loss": history.loss,
        "test_mse": errors,
        "seconds": perf_counter() - start,
    }


def codes() -> dict[str, str]:
    """Compute the fingerprints of the code of both kinds of trainings."""
    return {
        "report": fingerprint(report_parts, report_run),
        "variants": fingerprint(report_parts, named_variant),
    }


def all_jobs(epochs: int, report: bool) -> dict[str, kit.Job]:
    """List the trainings by name, the longest first; the name says by which code, too."""
    code = codes()
    jobs: dict[str, kit.Job] = {}
    for seed in SEEDS if report else ():
        jobs[f"report-{seed}-{code['report']}"] = train_report, seed, epochs
    for name, seed in OTHERS:
        jobs[f"{name}-{seed}-{code['variants']}"] = train_variant, name, seed, epochs
    return jobs


def store(name: str, about: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """Store the histories of runs, and how they were made."""
    kept = [{key: value for key, value in run.items() if key != "params"} for run in runs]
    kit.store(about | {"environment": kit.environment(), "runs": kept}, kit.RUNS / f"{name}.json")


def store_reports(runs: list[dict[str, Any]]) -> None:
    """Store the network of the first seed, and the histories of all."""
    about = {"recipe": RECIPE, "code": codes()["report"]}
    first, autoencoder = runs[0], Autoencoder(rng=0)
    autoencoder.params[...] = first["params"]
    notes = about | {"environment": kit.environment(), "seed": first["seed"]}
    save(kit.RUNS / "autoencoder.npz", autoencoder, notes=notes)
    store("spread", about, runs)


def settings() -> dict[str, list[Any]]:
    """Describe the settings of all variants."""
    return {name: [repr(make()), *others] for name, (make, *others) in VARIANTS.items()}


def store_variants(runs: list[dict[str, Any]]) -> None:
    """Store the histories of all variants, with their settings."""
    store("beyond", {"variants": settings(), "code": codes()["variants"]}, runs)


def stored_runs() -> dict[tuple[str, int], dict[str, Any]]:
    """Read the stored histories, by name and seed."""
    paths = [kit.RUNS / f"{name}.json" for name in ("spread", "beyond")]
    runs = [run for path in paths for run in kit.load(path)["runs"]]
    return {(run.get("name", "report"), run["seed"]): run for run in runs}


def compare(run: dict[str, Any], stored: dict[str, Any]) -> tuple[str, list[str]]:
    """Describe how a run agrees with the stored one, and list what differs too much."""
    which = f"{run.get('name', 'report')}, seed {run['seed']}"
    new, old = run["loss"], stored["loss"]
    first = (
        f"{which}: {kit.equal_numbers(new, old)} of {len(new)} losses equal bit for bit, "
        f"the last {new[-1]:.6f}, stored {old[len(new) - 1]:.6f}, {run['seconds']:.0f} s"
    )
    lines = [first]
    for key in "val_loss", "quality", "test_mse":
        if numbers := run.get(key):
            equal = kit.equal_numbers(numbers, stored[key])
            lines.append(f"  {key}: {equal} of {len(numbers)} equal")
    if which == "report, seed 0" and len(new) == len(old):
        same = load_network(kit.RUNS / "autoencoder.npz").network.params == run["params"]
        lines.append(f"  the stored network: {same.sum():,} of {same.size:,} parameters equal")
    apart = abs(new[-1] / old[len(new) - 1] - 1)
    return "\n".join(lines), [] if apart <= TOLERANCE else [f"{which}: {apart:.1%} apart"]


def kept_params() -> dict[int, Any]:
    """Return the parameters of the stored trainings by the report's recipe, by seed.

    They are kept by trainings whose losses are those that are stored; without all, there are none.
    """
    known, params = stored_runs(), dict[int, Any]()
    for seed in SEEDS:
        for run in kit.kept_results(TRAININGS, f"report-{seed}"):
            if run["loss"] == known["report", seed]["loss"]:
                params[seed] = run["params"]
    return params if len(params) == len(SEEDS) else {}


def classify(storing: bool) -> list[str]:
    """Classify the latents of the networks that were trained before; list the differences."""
    stored = {0: load_network(kit.RUNS / "autoencoder.npz").network.params}
    return latents.finish(kept_params() or stored, storing)


def train(epochs: int, report: bool, storing: bool) -> list[str]:
    """Train, and store or compare; list the differences."""
    complete = epochs == RECIPE["epochs"]
    if complete:
        kit.begin(TRAININGS)
    known, differences, equal, losses = stored_runs(), list[str](), 0, 0
    runs: dict[tuple[str, int], dict[str, Any]] = {}
    for _, run in kit.run_jobs(all_jobs(epochs, report), TRAININGS if complete else None):
        which = run.get("name", "report"), run["seed"]
        runs[which] = run
        if which in known:
            text, found = compare(run, known[which])
            print(text, flush=True)
            differences += found
            equal += kit.equal_numbers(run["loss"], known[which]["loss"])
            losses += len(run["loss"])
    print(f"in all {equal} of {losses} losses are the stored ones bit for bit", flush=True)
    if storing:
        store_variants([runs[which] for which in OTHERS])
        if report:
            store_reports([runs["report", seed] for seed in SEEDS])
        differences = []
    if complete and report:
        params = {seed: runs["report", seed]["params"] for seed in SEEDS}
        differences += latents.finish(params, storing)
    if complete:
        kit.complete(TRAININGS)
    return differences


def carry(epochs: int, before: Path | None = None) -> list[str]:
    """Give the stored trainings today's fingerprints if their first epochs come out the same.

    They are compared with the stored ones, or with those of a checkout of the code of before.
    """
    known, different = stored_runs(), list[str]()
    if before is not None:
        runs = kit.results_before(before, f"trainings.all_jobs({epochs}, True)").values()
        known = {(run.get("name", "report"), run["seed"]): run for run in runs}
    for _, run in kit.run_jobs(all_jobs(epochs, report=True)):
        which = run.get("name", "report"), run["seed"]
        text, _ = compare(run, known[which])
        print(text, flush=True)
        for key in ("loss", "val_loss", "quality", "test_mse"):
            numbers = run.get(key, [])
            if kit.equal_numbers(numbers, known[which].get(key, [])) < len(numbers):
                different.append(f"{which}: {key} is not equal bit for bit")
    if different:
        return different
    evidence = kit.evidence(before, epochs=epochs)
    network = load_network(kit.RUNS / "autoencoder.npz")
    assert network.notes is not None
    notes = kit.carried(network.notes, codes()["report"], evidence)
    save(kit.RUNS / "autoencoder.npz", network.network, notes=notes)
    for name, code in zip(("spread", "beyond"), codes().values()):
        path = kit.RUNS / f"{name}.json"
        stored = kit.load(path)
        if name == "beyond":
            stored["variants"] = settings()
        kit.store(kit.carried(stored, code, evidence), path)
    return []


def main() -> None:
    """Read the options, then train or classify."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.trainings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", action="store_true", help="store the results")
    parser.add_argument(
        "--epochs", type=int, default=RECIPE["epochs"], help="epochs of each training, at most"
    )
    parser.add_argument(
        "--variants",
        action="store_true",
        help="train only what the chapter beyond the report shows",
    )
    parser.add_argument("--latents", action="store_true", help="only classify the latents")
    parser.add_argument(
        "--carry",
        action="store_true",
        help="renew fingerprints if --epochs epochs (10) are equal bit for bit",
    )
    parser.add_argument(
        "--before",
        type=Path,
        help="for --carry: a checkout of the code of before, to compare with",
    )
    options = parser.parse_args()
    if options.store and options.epochs != RECIPE["epochs"]:
        parser.error("--store needs complete trainings")
    if options.carry:
        short = options.epochs < RECIPE["epochs"]
        kit.stop_if_different(carry(options.epochs if short else 10, options.before))
    elif options.latents:
        kit.stop_if_different(classify(options.store))
    else:
        kit.stop_if_different(train(options.epochs, not options.variants, options.store))


if __name__ == "__main__":
    main()
