"""What the package survives: exceptions at every line, kills, damage, odd arrays, little memory.

    python -m studies.survival          # try all of it, stop if something was not survived
    python -m studies.survival --store  # ... and store how much was tried

Each experiment returns how often something was tried, and how often it was survived. The tests
run the same experiments, with fewer tries. It takes a few minutes on one core.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import random
import signal
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nnlib import (
    PCA,
    SGD,
    SVC,
    Autoencoder,
    Dense,
    History,
    MSELoss,
    OneVsRestSVC,
    Sequential,
    StandardScaler,
    Tanh,
)
from nnlib.archive import append_checksum, write_arrays
from nnlib.arrays import get_state
from nnlib.checkpoint import Checkpoint, CheckpointError, load, read_checkpoint, save, to_arrays

from . import kit

Count = tuple[int, int]  # tried, survived
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 1))


# A training


def begin(hidden: int = 4) -> Checkpoint:
    """Make all parts of a training."""
    rng = np.random.default_rng(1)
    network = Sequential(Dense(3, hidden, rng=rng), Tanh(), Dense(hidden, 1, rng=rng))
    return Checkpoint(network, SGD(0.05, momentum=0.9), rng, History())


def train(run: Checkpoint, epochs: int, callback: Callable[[History], Any] | None = None) -> None:
    """Go on to this many epochs."""
    assert run.optimizer is not None
    run.network.fit(
        X,
        Y,
        loss=MSELoss(),
        optimizer=run.optimizer,
        epochs=epochs,
        batch_size=15,
        rng=run.rng,
        validation_data=(X, Y),
        history=run.history,
        callback=callback,
    )


def keep(run: Checkpoint, path: Path) -> None:
    """Save all parts."""
    save(path, run.network, optimizer=run.optimizer, rng=run.rng, history=run.history)


def bits(run: Checkpoint) -> bytes:
    """Put all that a training consists of into bytes."""
    assert run.optimizer is not None and run.rng is not None
    state = {
        name: value.tobytes() if isinstance(value, np.ndarray) else value
        for name, value in run.optimizer.state.items()
    }
    parts = run.network.params.tobytes(), state, run.optimizer.config(), vars(run.history)
    return repr((parts, get_state(run.rng))).encode()


# Exceptions at every line


def at_line(work: Callable[[], Any], number: int) -> bool:
    """Run with Ctrl-C at the line of the package of this number; tell if there were so many."""
    left = number

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal left
        if f"{os.sep}nnlib{os.sep}" not in frame.f_code.co_filename:
            return None
        left -= event == "line"
        if not left:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with np.errstate():  # Python does not end a block that is interrupted at its end
            work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def lines_of_fit(step: int = 1) -> Count:
    """Interrupt a training; it must be at the end of a whole epoch, and go on to the same bits."""
    epochs, whole = 3, [bits(begin())]
    for epoch in range(1, epochs + 1):
        run = begin()
        train(run, epoch)
        whole.append(bits(run))
    tried = survived = 0
    for number in range(1, 1_000_000, step):
        run = begin()
        if not at_line(partial(train, run, epochs), number):
            break
        assert run.history is not None
        right = bits(run) == whole[len(run.history.loss)]
        train(run, epochs)
        tried, survived = tried + 1, survived + (right and bits(run) == whole[epochs])
    return tried, survived


def lines_of_save(step: int = 1) -> Count:
    """Interrupt a save; the old file or the new one must be there, and nothing else."""
    old, new = begin(), begin()
    train(new, 2)
    tried = survived = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        for number in range(1, 1_000_000, step):
            keep(old, path)
            if not at_line(lambda: keep(new, path), number):
                break
            known = {bits(old), bits(new)}
            right = bits(load(path)) in known
            keep(new, path)
            right &= [*Path(folder).iterdir()] == [path] and bits(load(path)) == bits(new)
            tried, survived = tried + 1, survived + right
    return tried, survived


def lines_of_load(step: int = 1) -> Count:
    """Interrupt a load; the file must be as before, and can be loaded."""
    run = begin()
    train(run, 2)
    tried = survived = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        keep(run, path)
        content = path.read_bytes()
        for number in range(1, 1_000_000, step):
            if not at_line(lambda: load(path), number):
                break
            tried, survived = tried + 1, survived + (path.read_bytes() == content)
        survived -= bits(load(path)) != bits(run)
    return tried, survived


def lines_of_refits(step: int = 3) -> Count:
    """Interrupt the second fit of each estimator; the first one must be left whole."""
    labels = np.arange(len(X)) % 3
    estimators: list[Any] = [StandardScaler(), PCA(2), SVC(), OneVsRestSVC()]
    tried = survived = 0
    for estimator in estimators:
        estimator.fit(X, labels % 2 if type(estimator) is SVC else labels)
        old = pickle.dumps(estimator)
        for number in range(1, 1_000_000, step):
            probe = pickle.loads(old)
            goal = (labels + 1) % (2 if type(estimator) is SVC else 3)
            before = pickle.dumps(probe)
            if not at_line(partial(probe.fit, 50 * X + 1, goal), number):
                break
            new = pickle.loads(old).fit(50 * X + 1, goal)
            right = pickle.dumps(probe) in (before, pickle.dumps(new))
            tried, survived = tried + 1, survived + right
    return tried, survived


# Kills


def killed(work: Callable[[], Any], after: float) -> None:
    """Run in a process of its own, and kill it after some seconds."""
    if (pid := os.fork()) == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def kills(n: int = 200) -> Count:
    """Kill a training that saves after each epoch; it must go on from its file, to the same bits.

    So often that it is killed in the middle of saves too.
    """
    chance, epochs, tried, survived = random.Random(0), 60, 0, 0
    straight = begin(200)
    train(straight, epochs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"

        def work() -> None:
            run = load(path) if path.exists() else begin(200)
            train(run, epochs, lambda history: keep(run, path))

        for _ in range(n):
            killed(work, chance.uniform(0, 0.05))
            try:
                run = load(path) if path.exists() else begin(200)
            except CheckpointError:
                right = False
            else:
                assert run.history is not None
                if len(run.history.loss) == epochs:
                    right = bits(run) == bits(straight)
                    path.unlink()  # begins anew
                else:
                    right = True
            tried, survived = tried + 1, survived + right
        run = load(path) if path.exists() else begin(200)
        train(run, epochs)
        survived -= bits(run) != bits(straight)
    return tried, survived


# Damage


def small() -> bytes:
    """Return the bytes of a small checkpoint with everything in it."""
    run = begin(1)
    train(run, 1)
    file = io.BytesIO()
    write_arrays(file, to_arrays(run))
    return file.getvalue()


def refused(data: bytes) -> bool:
    """Tell whether bytes are refused as they should be; anything else is raised."""
    try:
        read_checkpoint(io.BytesIO(data), "damaged")
    except CheckpointError:
        return True
    return False


def flipped_bits(step: int = 1) -> Count:
    """Flip each bit of a checkpoint; it must be refused."""
    whole, tried, survived = small(), 0, 0
    for i in range(0, 8 * len(whole), step):
        data = bytearray(whole)
        data[i // 8] ^= 1 << i % 8
        tried, survived = tried + 1, survived + refused(bytes(data))
    return tried, survived


def signed_changes(n: int = 20_000) -> Count:
    """Change bytes and sign the result; it must be read or refused, within a second."""
    chance, whole, survived = random.Random(0), small()[:-64], 0
    for _ in range(n):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            data[place] = chance.choice([0, 1, 255, chance.randrange(256)])
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        file = io.BytesIO(bytes(data))
        if len(data) >= 2:
            append_checksum(file)
        start = time.process_time()
        refused(file.getvalue())  # raises anything but a refusal
        survived += time.process_time() - start < 1
    return n, survived


# Odd arrays, and little memory


def odd_arrays() -> Count:
    """Give odd arrays to all that takes arrays; each must be used, or refused by name."""
    sys.path.insert(0, str(kit.ROOT / "tests"))
    odd = importlib.import_module("test_odd_inputs")
    tried = survived = 0
    for watched, call in odd.DOORS.values():
        for strict in ("warn", "raise"):
            for array in odd.ODD.values():
                with np.errstate(all=strict):
                    survived += odd.try_odd(watched, call, array) is None
                tried += 1
    return tried, survived


def in_little_memory(work: Callable[[], bool], megabytes: float) -> bool | None:
    """Run in a process of its own, with so much more memory, which may run out.

    Returns None if there was enough, else whether it found all right after the error.
    """
    import resource

    if (pid := os.fork()) == 0:
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
            limit = pages * resource.getpagesize() + int(megabytes * 2**20)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            os._exit(0 if work() else 1)
        except MemoryError:
            os._exit(3)
        finally:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {0: None, 3: True}.get(code, False)


def little_memory(step: float = 5.0) -> Count:
    """Train, save and load with too little memory; what was there before must still be there.

    The vectors have 32 MB: what is smaller, the allocator may have left over from before.
    """
    tried = survived = 0
    data = np.random.default_rng(0).normal(size=(8, 1000))
    network = Sequential(Dense(1000, 4100, rng=0))

    def go(epochs: int) -> None:
        network.fit(
            data,
            np.tile(data, 5)[:, :4100],
            loss=MSELoss(),
            optimizer=optimizer,
            epochs=epochs,
            batch_size=4,
            rng=0,
            history=history,
        )

    optimizer, history = SGD(0.01, momentum=0.9), History()
    start = network.params.copy()
    ends = [start]
    for epochs in (1, 2):
        network.params, optimizer, history = start, SGD(0.01, momentum=0.9), History()
        go(epochs)
        ends.append(network.params.copy())
    network.params, optimizer, history = start, SGD(0.01, momentum=0.9), History()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        save(path, network)
        content = path.read_bytes()

        def fit() -> bool:
            try:
                go(2)
            except MemoryError:
                if np.array_equal(network.params, ends[len(history.loss)]):
                    raise
                return False
            return True

        def write() -> bool:
            try:
                save(path, network, notes={"new": True})
            except MemoryError:
                if path.read_bytes() == content:
                    raise
                return False
            path.write_bytes(content)
            return True

        def read() -> bool:
            return np.array_equal(load(path).network.params, start)

        for work in (fit, write, read):
            for megabytes in np.arange(0, 200, step):
                right = in_little_memory(work, float(megabytes))
                if right is None:
                    break
                tried, survived = tried + 1, survived + right
    return tried, survived


def peaks() -> dict[str, float]:
    """Measure the memory of save and load, in sizes of the file."""
    found = {}
    networks: dict[str, Callable[[], Sequential]] = {
        "a large layer": lambda: Sequential(Dense(3000, 4000, rng=0)),
        "a large autoencoder": lambda: Autoencoder((4000, 3000, 10), rng=0),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.npz"
        for name, make in networks.items():
            network = make()
            works: dict[str, Callable[[], Any]] = {
                "save": partial(save, path, network),
                "load": partial(load, path),
            }
            for what, work in works.items():
                tracemalloc.start()
                work()
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                found[f"{what} {name}"] = peak / path.stat().st_size
    return found


EXPERIMENTS: dict[str, Callable[[], Count]] = {
    "lines of fit": lines_of_fit,
    "lines of save": lines_of_save,
    "lines of load": lines_of_load,
    "lines of refits": lines_of_refits,
    "kills": kills,
    "flipped bits": flipped_bits,
    "signed changes": signed_changes,
    "odd arrays": odd_arrays,
    "little memory": little_memory,
}


def measure() -> dict[str, Any]:
    """Try everything; measure the memory."""
    counts = {}
    for name, experiment in EXPERIMENTS.items():
        tried, survived = experiment()
        counts[name] = {"tried": tried, "survived": survived}
        print(f"{name}: {survived:,} of {tried:,}", flush=True)
    kit.stop_if_different([name for name, c in counts.items() if c["tried"] > c["survived"]])
    return {"counts": counts, "peaks": peaks()}


def main() -> None:
    """Try everything; store, unless something has not survived."""
    kit.main("survival", __doc__, measure, lambda found, stored: [], {})


if __name__ == "__main__":
    main()
