"""On a cluster: a search through scikit-learn, joblib and Dask, and a training on two workers."""

import json
from pathlib import Path

import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from nnlib import SGD, Dense, MSELoss, OneVsRestSVC, Sequential, Tanh

CHAPTER = Path(__file__).parents[2] / "nbs" / "making_fast.ipynb"
GRID = {"C": [0.01, 1.0], "gamma": [0.1, 1.0]}


@pytest.mark.filterwarnings("default")  # of Dask itself
def test_a_search_on_a_dask_cluster_finds_what_one_process_finds():
    """The function that the chapter on all of MNIST shows."""
    from studies.svm_search import search

    X, y = make_blobs(200, centers=4, cluster_std=4, random_state=0)
    spread = search(X, y, GRID, fitted=150, tol=1e-3)
    here = GridSearchCV(
        OneVsRestSVC(), GRID, cv=PredefinedSplit([-1] * 150 + [0] * 50), refit=False
    ).fit(X, y)
    assert_array_equal(spread.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])
    assert (
        spread.best_params_ == here.best_params_
        and len(set(here.cv_results_["mean_test_score"])) > 1
    )


def of_the_chapter(*names):
    """Run the cells of the chapter that define these functions; return the functions."""
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    found = {"__name__": "making_fast", "np": np}
    for name in names:
        (source,) = (source for source in sources if f"def {name}(" in source)
        exec(source, found)
    return [found[name] for name in names]


@pytest.mark.filterwarnings("default")  # of Dask itself
def test_a_training_on_two_workers_ends_where_one_process_ends():
    """The functions that the chapter on speed shows, as they stand there."""
    _, fit_on = of_the_chapter("share_of_gradient", "fit_on")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5))
    y = np.sin(X[:, :2])
    alone, shared = (Sequential(Dense(5, 8, rng=1), Tanh(), Dense(8, 2, rng=2)) for _ in range(2))
    options = {"loss": MSELoss(), "epochs": 2, "batch_size": 33, "rng": 3}  # odd, and one short
    history = alone.fit(X, y, optimizer=SGD(0.1), **options)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        losses = fit_on(client, 2, shared, X, y, optimizer=SGD(0.1), **options)
    assert_allclose(shared.params, alone.params, rtol=0, atol=1e-14)
    assert_allclose(losses, history.loss, rtol=1e-13)
    assert history.loss[1] < history.loss[0]
