"""Choose C and gamma on a cluster: nnlib's estimator in scikit-learn's search, on Dask's workers.

The book's chapter on all of MNIST shows the function below, and the result that svm_growth stored.
"""

import joblib
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from nnlib import OneVsRestSVC


def search(X, y, grid, *, fitted, workers=2, **parameters):
    """Fit on the first `fitted` rows, judge on the others; return the search with its results."""
    fold = [-1] * fitted + [0] * (len(y) - fitted)
    found = GridSearchCV(OneVsRestSVC(**parameters), grid, cv=PredefinedSplit(fold), refit=False)
    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), joblib.parallel_config("dask"):
        return found.fit(X, y)
