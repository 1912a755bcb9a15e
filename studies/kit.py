"""What all studies share: jobs that can be resumed, timed rounds, the machine, stored results.

A study is a module that is run from the root of the repository, ``python -m studies.trainings``.
It compares what it finds with the result that is stored in ``data/runs``, or replaces it.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")
Job = tuple[Any, ...]  # a function of a module, and its arguments

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "data" / "runs"
SCRATCH = ROOT / "_build" / "studies"  # finished jobs of a run that may be interrupted
BUSY = 1.25  # above this ratio of median to minimum, other work was measured as well


# Results


def store(result: Any, path: Path) -> None:
    """Write a result to a JSON file, completely or not at all."""
    text = json.dumps(result, indent=1, default=float) + "\n"
    write(path, text.encode())
    print(f"stored in {path}", flush=True)


def write(path: Path, content: bytes) -> None:
    """Replace a file by one with this content; the old one stays until the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def load(path: Path) -> Any:
    """Read a stored result."""
    return json.loads(path.read_text(encoding="utf-8"))


def carried(
    stored: Mapping[str, Any], code: str, evidence: Mapping[str, Any], **others: str
) -> dict[str, Any]:
    """Give a stored result the fingerprints of rearranged code that computes the same.

    It says by which code it was computed, and on what evidence it was carried over.
    """
    computed_by = stored.get("carried", {}).get("from", stored["code"])
    return {**stored, "code": code, **others, "carried": {"from": computed_by, **evidence}}


def today() -> str:
    """Return the date, as stored results have it."""
    return date.today().isoformat()


def evidence(before: Path | None, **repeated: Any) -> dict[str, Any]:
    """Say what was repeated, when and where, and whether the code of before ran the same."""
    beside = {"beside": "the code of before"} if before else {}
    return {**repeated, "date": today(), "environment": environment(), **beside}


def equal_numbers(new: Sequence[float], stored: Sequence[float]) -> int:
    """Count the numbers of `new` that are the stored ones bit for bit, position by position."""
    return sum(float(a) == float(b) for a, b in zip(new, stored))


def stop_if_different(differences: Sequence[str]) -> None:
    """Exit with these lines, if there are any."""
    if differences:
        sys.exit("\n".join(["These differ from the stored results:", *differences]))


def differences(
    runs: Sequence[Mapping[str, Any]],
    stored: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    value: str,
    tolerance: float,
    *,
    relative: bool = False,
) -> list[str]:
    """List the runs, known by what is under these names, whose value is not the stored one."""
    known = {tuple(one[name] for name in names): one[value] for one in stored}
    lines = []
    for one in runs:
        key, new = tuple(one[name] for name in names), one[value]
        old = known.get(key)
        if old is None or abs(new - old) > tolerance * (old if relative else 1):
            lines.append(f"{key}: {value} {new:.6f}, stored {old}")
    return lines


def main(
    name: str,
    about: str,
    measure: Callable[[], dict[str, Any]],
    compare: Callable[[dict[str, Any], dict[str, Any]], Sequence[str]],
    settings: Mapping[str, Any],
) -> None:
    """Be the command of a study: measure, then compare with the stored result, or replace it.

    Parameters
    ----------
    name : str
        Of the module, and of the stored result.
    about : str
        The docstring of the module.
    measure : callable
        Returns the results.
    compare : callable
        Lists what is wrong with results, given those that are stored.
    settings : mapping
        What is stored beside the results.
    """
    command = f"python -m studies.{name}"
    parser = argparse.ArgumentParser(
        prog=command,
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", action="store_true", help="store the results")
    storing, path = parser.parse_args().store, RUNS / f"{name}.json"
    found = measure()
    if storing:
        made = {"environment": environment(), **origin(f"{command} --store")}
        store({**settings, **made, **found}, path)
    else:
        stop_if_different(compare(found, load(path)))


# Jobs


def all_runs(jobs: Mapping[str, Job], scratch: Path | None = None) -> list[dict[str, Any]]:
    """Run jobs as `run_jobs` does; list the runs that they return, in the order of the jobs."""
    found = dict(run_jobs(jobs, scratch))
    return [one for name in jobs for one in found[name]]


def run_jobs(jobs: Mapping[str, Job], scratch: Path | None = None) -> Iterator[tuple[str, Any]]:
    """Run jobs in processes of one thread each, as many at a time as there are cores.

    Parameters
    ----------
    jobs : mapping of str to tuple
        A function that a module defines, and its arguments, by the name of the job.
    scratch : Path, optional
        Folder that keeps the result of each job as soon as it is done. What is there
        already is not run again.

    Yields
    ------
    name, result
        Of each job, in the order in which they are done.
    """
    waiting = dict(jobs)
    for name in jobs:
        if scratch and (kept := kept_result(scratch, name)) is not None:
            print(f"{name}: done before", flush=True)
            yield name, kept
            del waiting[name]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read by NumPy in the processes that start now
    pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
    try:
        running = {pool.submit(*job): name for name, job in waiting.items()}
        for number, future in enumerate(as_completed(running), 1):
            name, result = running[future], future.result()
            if scratch:
                write(scratch / f"{name}.pickle", pickle.dumps(result))
            print(f"{name}: done, {number} of {len(running)}", flush=True)
            yield name, result
    finally:
        pool.shutdown(cancel_futures=True)


def results_before(folder: Path, jobs: str) -> dict[str, Any]:
    """Run jobs by the code of before, in a checkout of it; return their results by name.

    Parameters
    ----------
    folder : Path
        The checkout.
    jobs : str
        What gives the jobs, as ``trainings.all_jobs(2, True)``.
    """
    module = jobs.partition(".")[0]
    code = f"import pickle, sys; from studies import kit, {module}; out = sys.stdout.buffer; "
    code += f"sys.stdout = sys.stderr; out.write(pickle.dumps(dict(kit.run_jobs({jobs}))))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        check=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, Any] = pickle.loads(done.stdout)
    return found


def kept_result(scratch: Path, name: str) -> Any:
    """Return the result of a job that was done before, or None."""
    path = scratch / f"{name}.pickle"
    return pickle.loads(path.read_bytes()) if path.exists() else None


def kept_results(scratch: Path, name: str) -> list[Any]:
    """Return all results that are kept of a job, by whatever code it was done."""
    return [pickle.loads(path.read_bytes()) for path in sorted(scratch.glob(f"{name}-*.pickle"))]


def begin(scratch: Path) -> None:
    """Go on with a run that was interrupted; forget one that was completed."""
    if (scratch / "complete").exists():
        shutil.rmtree(scratch)


def complete(scratch: Path) -> None:
    """Note that a run has been completed: its results are kept until the next one begins."""
    write(scratch / "complete", b"")


def child(module: str, *arguments: Any, **settings: str) -> Any:
    """Run a module in a process of its own; return the JSON that it prints last."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=child_environment() | settings,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    return json.loads(done.stdout.splitlines()[-1])


def child_environment() -> dict[str, str]:
    """Return the environment for a process whose imports are timed: bytecode is kept."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


# Times


def timed(function: Callable[..., Result], *arguments: Any) -> tuple[float, Result]:
    """Call a function; return the seconds it took, and what it returned."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def interleaved(
    sides: Mapping[str, Callable[[], Result]],
    rounds: int,
    *,
    warm_up: bool = True,
    rng: np.random.Generator | None = None,
) -> dict[str, list[tuple[float, Result]]]:
    """Time functions in turn, round after round, so that a disturbance hits all of them.

    Parameters
    ----------
    sides : mapping of str to callable
        What is compared.
    rounds : int
        How often each is called.
    warm_up : bool
        Whether each is called once more before, without being counted.
    rng : Generator, optional
        Draws a new order for each round; without it the order stays.

    Returns
    -------
    dict of str to list
        The seconds and the result of each call.
    """
    found: dict[str, list[tuple[float, Result]]] = {name: [] for name in sides}
    for number in range(-warm_up, rounds):
        names = list(sides) if rng is None else rng.permutation(list(sides)).tolist()
        for name in names:
            measured = timed(sides[name])
            if number >= 0:
                found[name].append(measured)
    return found


def verdict(met: bool, *times: Sequence[float]) -> str:
    """Say whether a target is reached, unless the times show that the machine was disturbed."""
    noise = max((median(side) / min(side) for side in times), default=1.0)
    if noise > BUSY:
        return f"NO VERDICT, the machine is busy (median / minimum {noise:.2f}); run again"
    return "reached" if met else "NOT reached"


def report_ratio(
    title: str,
    above: Sequence[float],
    below: Sequence[float],
    *,
    least: float | None = None,
    most: float | None = None,
) -> None:
    """Print two medians, their ratio with its range over the rounds, and the verdict."""
    one, two, ratios = median(above), median(below), [a / b for a, b in zip(above, below)]
    print(
        f"{title}: {one:.4f} s / {two:.4f} s = {one / two:.2f} "
        f"(rounds {min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )
    if least is not None:
        print(f"  target at least {least:g}: {verdict(one / two >= least, above, below)}")
    if most is not None:
        print(f"  target at most {most:g}: {verdict(one / two <= most, above, below)}")


# The machine


def cpu() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def machine() -> dict[str, Any]:
    """Describe the machine."""
    return {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def environment() -> dict[str, str]:
    """Describe what the numbers of `run_jobs` depend on beside the code."""
    config: Any = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "threads": "1",
        "machine": f"{platform.machine()}, {platform.system()}",
    }


def origin(command: str) -> dict[str, Any]:
    """Describe when, where and by which command a time was measured."""
    return {"command": command, "date": today(), "machine": machine()}


def pools() -> list[dict[str, Any]]:
    """List the thread pools of linear algebra in this process, by threadpoolctl."""
    import threadpoolctl

    keys = ("internal_api", "version", "num_threads", "architecture")
    return [{key: pool.get(key) for key in keys} for pool in threadpoolctl.threadpool_info()]


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, in MB.

    On Linux it is not taken from getrusage, where a new process inherits the peak of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024e-6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1e-6 if sys.platform == "darwin" else 1024e-6)
