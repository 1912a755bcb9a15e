"""The same seed gives the same bits: what holds for any number of threads, and what for one.

A BLAS divides large products among its threads, and another division rounds differently.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from nnlib import (
    PCA,
    SGD,
    SVC,
    Adam,
    Autoencoder,
    CrossEntropyLoss,
    Dense,
    OneVsRestSVC,
    Sequential,
    StandardScaler,
    Tanh,
    accuracy_score,
    classification_report,
    load,
    save,
    stratified_split,
)
from nnlib.arrays import as_rng
from nnlib.simple_svm import simple_smo

VARIABLES = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"


def data(n=600, d=300, dtype=float):
    X = np.random.default_rng(0).normal(size=(n, d)).astype(dtype)
    return X, (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0)


def drawn():
    """Initial parameters, splits, and the orders in which samples are shuffled."""
    yield Dense(300, 200, rng=0).params
    yield Dense(500, 300, rng=1, init="he", dtype=np.float32).params
    yield from stratified_split(data()[1], 0.25, 7)


def scaled():
    for dtype in (np.float32, np.float64):
        X = data(20_000, 40, dtype)[0]
        scaler = StandardScaler().fit(X)
        yield from (scaler.mean_, scaler.scale_, scaler.transform(X))


def scored():
    y = data(20_000, 3)[1]
    guesses = np.random.default_rng(1).permutation(y)
    yield accuracy_score(y, guesses)
    yield classification_report(y, guesses)


def stepped():
    """Steps of the optimizers, from given gradients."""
    for optimizer in (SGD(0.1, momentum=0.9), Adam(0.01)):
        rng = np.random.default_rng(2)
        params = rng.normal(size=200_000)
        for _ in range(3):
            optimizer.step(params, rng.normal(size=params.size))
        yield params


def kept():
    """What a file keeps."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        save(path, Sequential(Dense(300, 200, rng=0)), optimizer=Adam(), rng=as_rng(3))
        yield path.read_bytes()
        yield load(path).network.params


def trained():
    """Trainings whose products are large enough to be divided."""
    for dtype in (np.float32, np.float64):
        X, y = data(d=784, dtype=dtype)
        rng = np.random.default_rng(0)
        network = Sequential(
            Dense(784, 300, rng=rng, dtype=dtype), Tanh(), Dense(300, 3, rng=rng, dtype=dtype)
        )
        history = network.fit(X, np.eye(3, dtype=dtype)[y], loss=CrossEntropyLoss(),
                              optimizer=Adam(), epochs=2, batch_size=128, rng=0)  # fmt: skip
        yield network.params
        yield np.array(history.loss)
        yield network.predict(X)
    encoder = Autoencoder((300, 100, 8), rng=0)
    encoder.fit(1 / (1 + np.exp(-data()[0])), epochs=1, rng=0)
    yield encoder.params


def analysed():
    X = data(2000)[0]
    yield PCA(20).fit(X).components_
    yield PCA(20).fit_transform(X[:200])


def separated():
    X, y = data(300)
    for machine in (SVC(), SVC(kernel="linear", solver="interior_point"), OneVsRestSVC()):
        machine.fit(X, y > 0 if machine.get_params()["kernel"] == "linear" else y)
        yield from (machine.dual_coef_, machine.intercept_, machine.decision_function(X))
    alpha, bias = simple_smo(X @ X.T, np.where(y > 0, 1, -1), 1.0, rng=0)
    yield from (alpha, bias)


ANY_THREADS = [drawn, scaled, scored, stepped, kept]
SAME_THREADS = [trained, analysed, separated]


def digest(parts):
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return sha.hexdigest()


def run(threads, works):
    """Return the digests of what these functions give, from a process with so many threads."""
    names = [work.__name__ for work in works]
    done = subprocess.run(
        [sys.executable, __file__, *names], capture_output=True, text=True, encoding="utf-8",
        check=True, env=os.environ | dict.fromkeys(VARIABLES, str(threads)))  # fmt: skip
    return json.loads(done.stdout)


@lru_cache
def once(threads, again=False):
    """Return the digests of everything from one process, or of another one like it."""
    return run(threads, ANY_THREADS + SAME_THREADS)


def test_everything_is_the_same_with_the_same_number_of_threads():
    assert once(2) == once(2, again=True)
    assert len({*once(2).values()}) == len(ANY_THREADS + SAME_THREADS)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_multiplies_no_matrices_is_the_same_with_any_number_of_threads(threads):
    assert run(threads, ANY_THREADS).items() <= once(2).items()


def test_readme_and_docstrings_say_so():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for text in (readme, Sequential.fit.__doc__, load.__doc__):
        assert "same number of" in " ".join(text.split()) and "threads" in text


if __name__ == "__main__":
    print(json.dumps({name: digest(globals()[name]()) for name in sys.argv[1:]}))
