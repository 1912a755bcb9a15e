"""After a refactoring: give the results of studies today's fingerprints, if it computes the same.

    python -m studies.carry
    python -m studies.carry --before FOLDER  # compares with a checkout of the code of before

Some jobs of each study are repeated. If every number is the stored one bit for bit, the result
gets the fingerprint of today's code, and says by which code it was computed and what was repeated.
Long trainings have their own way, ``python -m studies.trainings --carry``. Where a number differs,
the study has to run again with ``--store``, unless it is the machine that rounds differently: then
--before runs the same jobs by the code of before, too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from nnlib import load

from . import bottleneck, decoders, kit, labels, latents, step_limit

EPOCHS = 2  # of trainings with both decoders
FEW = ("encoder", "pairs", "linear", "report", "choose", "score")  # one each of latents' jobs


def studies() -> dict[str, tuple[Any, dict[str, kit.Job]]]:
    """Name for each study its module and the jobs to repeat."""
    widths, limits, few = bottleneck.jobs(), step_limit.all_jobs(), labels.jobs()
    trained = load(kit.RUNS / "autoencoder.npz").network.params
    classified = [*latents.all_jobs({0: trained}).values()]
    named = {name: job for jobs in classified for name, job in jobs.items()}
    first = [next(name for name in named if name.startswith(f"{kind}-")) for kind in FEW]
    return {
        "bottleneck": (bottleneck, {"none-32-0": widths["none-32-0"]}),
        "decoders": (
            decoders,
            {f"{name}-0": (decoders.run, name, 0, EPOCHS) for name in decoders.DECODERS},
        ),
        "labels": (labels, dict([next(iter(few.items()))])),
        "latents": (latents, {name: named[name] for name in first}),
        "step_limit": (
            step_limit,
            {name: limits[name] for name in ("trained-0-1", "untrained-0-free")},
        ),
    }


def is_stored(run: dict[str, Any], stored: list[dict[str, Any]]) -> bool:
    """Tell whether a run, or the beginning of one, is among those that are stored."""
    return any(
        all(
            old.get(key) == value
            or (isinstance(value, list) and value == old.get(key, [])[: len(value)])
            or (key == "test_mse" and len(run["loss"]) < len(old["loss"]))
            for key, value in run.items()
        )
        for old in stored
    )


def main() -> None:
    """Repeat some jobs of every study whose code has changed; renew the fingerprints."""
    parser = argparse.ArgumentParser(prog="python -m studies.carry", description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout of the code of before")
    before = parser.parse_args().before
    different: list[str] = []
    for name, (module, jobs) in studies().items():
        path, code, study = kit.RUNS / f"{name}.json", module.code(), module.study()
        stored = kit.load(path)
        if (stored["code"], stored.get("study")) == (code, study):
            continue
        wanted = json.loads(json.dumps(module.settings()))
        if wanted != {key: stored.get(key) for key in wanted}:
            different.append(f"{name}: the settings are {wanted}; run it with --store")
            continue
        runs = json.loads(json.dumps(dict(kit.run_jobs(jobs)), default=float))
        known = [run for title in ("runs", "choices", "scores") for run in stored.get(title, [])]
        if before is not None:
            old = kit.results_before(before, f"carry.studies()[{name!r}][1]")
            known = [
                run
                for several in json.loads(json.dumps(old, default=float)).values()
                for run in several
            ]
        wrong = [
            f"{name}, {job}: {run}"
            for job, several in runs.items()
            for run in several
            if not is_stored(run, known)
        ]
        if not wrong:
            evidence = kit.evidence(before, jobs=[*jobs])
            kit.store(kit.carried(stored, code, evidence, study=study), path)
        different += wrong
    kit.stop_if_different(different)


if __name__ == "__main__":
    main()
