"""Tables of pandas and polars: columns of mixed types, names, and tables that come back."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from test_odd_inputs import DOORS, X, check_door

from nnlib import PCA, SVC, OneVsRestSVC, StandardScaler

KINDS = [StandardScaler, PCA, SVC, OneVsRestSVC]
ODD = {
    "a frame": pd.DataFrame(X),
    "a frame of strings": pd.DataFrame(X).astype(str),
    "an empty frame": pd.DataFrame(),
    "a frame of nullable ints": pd.DataFrame({"a": pd.array([1, None, 3] * 2, dtype="Int64")}),
    "a frame of polars": pl.DataFrame(X),
    "a frame of polars with nulls": pl.DataFrame({"a": [1.0, None, 2.0] * 2, "b": [1] * 6}),
    "a series of polars": pl.Series([0, 1, None] * 2),
    "strings of polars": pl.Series(["a", "b", None] * 2),
    "categories of polars": pl.Series(["a", "b"] * 3, dtype=pl.Categorical),
    "nullable floats": pd.array([0.5, None, 2.0] * 2, dtype="Float64"),
    "nullable ints": pd.array([0, 1] * 3, dtype="Int64"),
    "categories": pd.Series(["a", "b"] * 3, dtype="category"),
    "missing categories": pd.Series(["a", None] * 3, dtype="category"),
    "nullable strings": pd.array(["a", None] * 3, dtype="string"),
    "intervals": pd.Series(pd.interval_range(0, 6)),
    "periods": pd.Series(pd.period_range("2020", periods=6, freq="D")),
    "dates with zones": pd.Series(pd.date_range("2020", periods=6, tz="UTC")),
    "sparse columns": pd.DataFrame(X).astype(pd.SparseDtype("float", 0.0)),
}


@pytest.fixture
def table(rng):
    """A frame of floats, truth values, integers and nullable columns, with an index of its own."""
    X = rng.normal(size=(40, 3))
    return pd.DataFrame({
        "a": X[:, 0], "b": X[:, 1].astype(np.float32), "c": X[:, 2] > 0,
        "d": pd.array(np.arange(40), "Int64"), "e": pd.array(X[:, 0] > 1, "boolean"),
        "f": pd.array(X[:, 1], "Float64")}, index=range(100, 140))  # fmt: skip


def use(model, X):
    return model.transform(X) if hasattr(model, "transform") else model.decision_function(X)


@pytest.mark.parametrize("kind", KINDS)
def test_frames_of_mixed_columns_are_numbers(kind, table):
    y = table["a"] > 0
    plain = table.astype(float)
    ours, other = kind().fit(table, y), kind().fit(plain.to_numpy(), y)
    assert_allclose(use(ours, table), use(other, plain.to_numpy()), rtol=1e-9, atol=1e-9)
    assert_array_equal(ours.feature_names_in_, list("abcdef"))
    assert ours.n_features_in_ == 6


@pytest.mark.parametrize("kind", KINDS)
def test_columns_in_another_order_are_refused(kind, table, refuses):
    model = kind().fit(table, table["a"] > 0)
    with refuses(ValueError, "X: expected the columns ['a', 'b', 'c', 'd', 'e', 'f'], in this"):
        use(model, table[list("bacdef")])
    with refuses(ValueError, "X: expected the columns"):
        use(model, table[list("abcde")])
    with pytest.warns(UserWarning, match="has no names of columns"):
        use(model, table.astype(float).to_numpy())
    again = model.fit(table.astype(float).to_numpy(), table["a"] > 0)
    assert not hasattr(again, "feature_names_in_")
    with pytest.warns(UserWarning, match="was fitted without them"):
        use(again, table)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_and_other_kinds_are_refused(kind, table, refuses):
    y = table["a"] > 0
    with refuses(ValueError, "expected finite numbers, got nan at index (1, 3)"):
        kind().fit(table.assign(d=pd.array([1, None] * 20, "Int64")), y)
    with refuses(TypeError, "X: expected numbers, got 'x'"):
        kind().fit(table.assign(d="x"), y)
    with refuses(TypeError, "X: expected names of columns that are all strings"):
        kind().fit(table.rename(columns={"a": 1}), y)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("make", [StandardScaler, PCA])
def test_tables_come_back_if_asked_for(make, kind, table):
    frames = {"pandas": pd, "polars": pl}[kind]
    plain = table.astype(float)
    model = make().set_output(transform=kind)
    out = model.fit_transform(plain)
    assert isinstance(out, frames.DataFrame)
    assert list(out.columns) == model.get_feature_names_out().tolist()
    assert_array_equal(out.to_numpy(), make().fit(plain).transform(plain))
    if kind == "pandas":
        assert_array_equal(out.index, table.index)
    with config_context(transform_output=kind):
        assert isinstance(make().fit_transform(plain), frames.DataFrame)
    assert isinstance(make().fit_transform(plain), np.ndarray)


def test_pipelines_and_column_transformers_name_their_columns(table):
    plain = table.astype(float)
    pipeline = make_pipeline(StandardScaler(), PCA(2)).set_output(transform="pandas")
    out = pipeline.fit_transform(plain)
    assert list(out.columns) == ["pca0", "pca1"] == pipeline.get_feature_names_out().tolist()
    columns = ColumnTransformer([("s", StandardScaler(), ["a", "b"])], remainder="passthrough")
    out = columns.set_output(transform="pandas").fit_transform(plain)
    assert list(out.columns)[:2] == ["s__a", "s__b"]
    assert_allclose(out["s__a"].std(ddof=0), 1)


def test_polars_frames_are_samples(table):
    plain = table.astype(float)
    frame = pl.DataFrame({name: plain[name].to_numpy() for name in plain})
    model = StandardScaler().fit(frame)
    assert_array_equal(model.feature_names_in_, list("abcdef"))
    assert_array_equal(model.transform(frame), StandardScaler().fit(plain).transform(plain))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("strict", [False, True], ids=["quiet", "strict"])
def test_odd_tables_are_used_or_refused(door, strict):
    check_door(door, strict, ODD)
