"""What every training of the comparison shares: the data, the start, the machine it ran on."""

import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

XOR_SIZES = (2, 4, 1)
XOR_EPOCHS = 1880
SIZES = (784, 256, 128, 64, 32, 64, 128, 256, 784)
EPOCHS = 5  # of the autoencoder
BATCH = 256
IMAGES = 50_400
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
y = np.array([[0], [1], [1], [0]], float)
# settings that force OpenBLAS to kernels for another processor than the one it runs on
BLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def xor_weights():
    """Draw the weights of the report's XOR network: Xavier, legacy generator, seed 42."""
    rng = np.random.RandomState(42)
    pairs = zip(XOR_SIZES, XOR_SIZES[1:])
    return [np.sqrt(2 / (n_in + n_out)) * rng.standard_normal((n_in, n_out))
            for n_in, n_out in pairs]


def autoencoder_weights():
    """Draw the autoencoder's weights, float32: He's rule, and Xavier's for the last layer."""
    rng, weights = np.random.default_rng(0), []
    for n_in, n_out in zip(SIZES, SIZES[1:]):
        variance = 2 / (n_in + n_out) if len(weights) == len(SIZES) - 2 else 2 / n_in
        W = np.sqrt(variance) * rng.standard_normal((n_in, n_out))
        weights.append(W.astype(np.float32))
    return weights


def training_images():
    """Return the 50,400 images that the report trained its autoencoder on."""
    from nnlib.data import load_mnist, stratified_split

    pixels, digits = load_mnist()
    train, _ = stratified_split(digits, 0.2, 42)
    return np.ascontiguousarray(pixels[train[5600:]])


class Products:
    """The matrix products of an epoch of the autoencoder, and nothing else: a bound for NumPy."""

    def __init__(self):
        rng, self.calls = np.random.default_rng(0), []
        for n_in, n_out in zip(SIZES, SIZES[1:]):
            x, W, dy = (rng.random(shape, np.float32)
                        for shape in ((BATCH, n_in), (n_in, n_out), (BATCH, n_out)))
            self.calls += [(x, W, np.empty_like(dy)), (x.T, dy, np.empty_like(W))]
            if len(self.calls) > 2:  # the first layer's input needs no gradient
                self.calls.append((dy, W.T, np.empty_like(x)))

    def epoch(self):
        """Compute the products of 197 batches."""
        for _ in range(-(-IMAGES // BATCH)):
            for a, b, out in self.calls:
                np.dot(a, b, out)


def cpu():
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def machine():
    """Describe the machine."""
    return {"cpu": cpu(), "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version()}


def pools():
    """List the thread pools of linear algebra in this process, by threadpoolctl."""
    import threadpoolctl

    keys = ("internal_api", "version", "num_threads", "architecture")
    return [{key: pool.get(key) for key in keys} for pool in threadpoolctl.threadpool_info()]


def peak_memory():
    """Return the largest resident memory of this process so far, in MB.

    On Linux not from getrusage, where a new process inherits the peak of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024e-6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1e-6 if sys.platform == "darwin" else 1024e-6)


def clean_environment(**settings):
    """Return the environment for a child: no foreign kernel of OpenBLAS, bytecode kept."""
    drop = (*BLAS_SETTINGS, "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if name not in drop} | settings


def store(result, path):
    """Write a result to a JSON file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8", newline="\n")
    os.replace(part, path)
    print(f"stored in {path}")


def timed(function, *arguments):
    """Call a function; return the seconds it took, and what it returned."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result
