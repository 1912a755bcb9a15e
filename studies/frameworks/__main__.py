"""Compare nnlib with PyTorch and Keras: the report's two networks, trained from one start.

    python -m studies.frameworks [ROUNDS]

Every training runs in a process of its own (train_one.py), in turn, round after round; the code
of each framework is in with_nnlib.py, with_torch.py and with_keras.py, and nothing is stored
unless the losses agree. The result, data/runs/frameworks.json, is what the book's chapter on
frameworks shows.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import nnlib

from .. import kit
from . import recipe

ROUNDS = 5
XOR_VARIANTS = ("nnlib", "torch", "torch-compile", "keras")
VARIANTS = {"xor": XOR_VARIANTS, "autoencoder": (*XOR_VARIANTS, "keras-jit")}
PACKAGES = {
    "nnlib": ["numpy"],
    "torch": ["torch"],
    "keras": ["keras", "tensorflow-cpu", "tensorflow"],
}
SETTINGS = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
Results = dict[str, dict[str, list[dict[str, Any]]]]  # by network and variant, one of each round


def canonical(name: str) -> str:
    """Return the name of a distribution as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(names: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Return these distributions and all that they require here, by name."""
    wanted, found = list(names), dict[str, metadata.Distribution]()
    while wanted:
        name = canonical(wanted.pop())
        try:
            found.setdefault(name, metadata.distribution(name))
        except metadata.PackageNotFoundError:
            continue  # required on other systems only
        required = [line for line in found[name].requires or () if "extra ==" not in line]
        others = [canonical(re.split(r"[^\w.-]", line)[0]) for line in required]
        wanted += [other for other in others if other not in found]
    return found


def installation(framework: str) -> dict[str, Any]:
    """Say which distributions a framework consists of, and the MB they take on the disk."""
    found = closure(PACKAGES[framework])
    paths = [Path(str(path.locate())) for dist in found.values() for path in dist.files or ()]
    versions = {name: found[name].version for name in PACKAGES[framework] if name in found}
    if framework == "nnlib":
        paths += Path(nnlib.__file__).parent.glob("*.py")
        versions["nnlib"] = nnlib.__version__
    size = sum(path.stat().st_size for path in paths if path.is_file())
    packages = len(found) + (framework == "nnlib")
    return {"versions": versions, "packages": packages, "megabytes": size / 1e6}


def run_rounds(rounds: int, images: Path) -> Results:
    """Train everything in turn, round after round; return the results by network and variant."""
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    results: Results = {
        network: {variant: [] for variant in variants if compiler or variant != "torch-compile"}
        for network, variants in VARIANTS.items()
    }
    for number in range(rounds):
        for network, variants in results.items():
            for variant, done in variants.items():
                done.append(
                    kit.child("studies.frameworks.train_one", variant, network, images, **SETTINGS)
                )
                print(
                    f"round {number + 1}, {network}, {variant}: "
                    f"{done[-1]['seconds']:.4g} s an epoch, loss {done[-1]['losses'][-1]:.6g}",
                    flush=True,
                )
    return results


def check_losses(results: Results) -> None:
    """Raise unless all trainings of a network end at one loss."""
    for network, tolerance in (("xor", 1e-9), ("autoencoder", 1e-3)):
        ends = [run["losses"][-1] for runs in results[network].values() for run in runs]
        scale = 1 if network == "xor" else ends[0]  # absolute, and relative
        assert max(ends) - min(ends) < tolerance * scale, f"{network}: final losses {ends}"


def training(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put the runs of one variant together: every time, and the losses of the first run."""
    first = runs[0]
    names = ("losses", "own_order_losses", "jit", "threads")
    kept: dict[str, Any] = {name: first[name] for name in names if name in first}
    for name in ("seconds", "first_seconds", "import_seconds", "products_seconds"):
        if name in first:
            kept[name] = [run[name] for run in runs]
            kept[f"median_{name}"] = median(kept[name])
    kept["memory"] = {
        name: median(run["memory"][name] for run in runs) for name in first["memory"]
    }
    return kept | {"loss": first["losses"][-1], "lines": first["lines"], "code": first["code"]}


def summary(results: Results, images: Path, rounds: int) -> dict[str, Any]:
    """Return all that is stored."""
    networks = {
        network: {variant: training(runs) for variant, runs in variants.items()}
        for network, variants in results.items()
    }
    for made in networks["xor"].values():
        reference = np.array(networks["xor"]["nnlib"]["losses"])
        made["largest_difference"] = float(abs(np.array(made["losses"]) - reference).max())
    for made in networks["xor"].values():
        made["losses"] = made["losses"][::20] + made["losses"][-1:]  # epochs 1, 21, ..., 1880
    recipes = {
        "xor": {
            "epochs": recipe.XOR_EPOCHS,
            "learning_rate": 0.5,
            "batch_size": 4,
            "dtype": "float64",
        },
        "autoencoder": {
            "epochs": recipe.EPOCHS,
            "learning_rate": 0.1,
            "batch_size": recipe.BATCH,
            "images": recipe.IMAGES,
            "dtype": "float32",
        },
    }
    origin = kit.origin("make frameworks")
    return origin | {
        "rounds": rounds,
        "recipes": recipes,
        "installations": {framework: installation(framework) for framework in PACKAGES},
        "trainings": networks,
        "techniques": kit.child("studies.frameworks.techniques", images, 2 * rounds + 1),
    }


def main() -> None:
    """Measure, check, store."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images.npy"
        np.save(images, recipe.training_images())
        results = run_rounds(rounds, images)
        check_losses(results)
        kit.store(summary(results, images, rounds), kit.RUNS / "frameworks.json")


if __name__ == "__main__":
    main()
