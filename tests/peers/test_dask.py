"""A search on a cluster: nnlib's estimators through scikit-learn, joblib and Dask."""

import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from nnlib import OneVsRestSVC

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
