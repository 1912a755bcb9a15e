"""Importing the package is silent, brings NumPy only, and gives the names it promises."""

import doctest
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import nnlib

ROOT = Path(nnlib.__file__).parents[1]
NEW_MODULES = """
import json, sys
before = set(sys.modules)
import nnlib
new = [name for name in sys.modules if name not in before]
new = {name.partition(".")[0] for name in new if getattr(sys.modules[name], "__spec__", None)}
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""


def python(code):
    """Run code in a fresh interpreter in which a warning is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )


def test_import_prints_nothing():
    result = python("import nnlib")
    assert (result.stdout, result.stderr) == ("", "")


def test_import_brings_numpy_only():
    assert json.loads(python(NEW_MODULES).stdout) == ["nnlib", "numpy"]


def test_import_is_quick_for_it_leaves_until_later_what_loads_slowly():
    """Each of these takes milliseconds, where NumPy takes forty."""
    code = (
        "import sys, numpy; before = set(sys.modules); import nnlib; "
        "print(*set(sys.modules) - before)"
    )
    loaded = set(python(code).stdout.split())
    assert not loaded & {
        "hashlib",
        "zipfile",
        "secrets",
        "tempfile",
        "subprocess",
        "numpy.random",
        "urllib.request",
    }


def test_every_promised_name_is_there():
    names = {}
    exec("from nnlib import *", names)
    assert set(nnlib.__all__) <= set(names) and len(set(nnlib.__all__)) == len(nnlib.__all__)


PROMISED = """
    Adam Autoencoder BCEWithLogitsLoss Checkpoint CheckpointError CrossEntropyLoss Dense History
    Layer Loss MSELoss OneVsRestSVC Optimizer PCA ReLU SGD SVC Sequential Sigmoid Softmax
    StandardScaler Tanh accuracy_score check_layer check_loss check_network classification_report
    confusion_matrix load load_mnist numerical_gradient precision_recall_fscore_support register
    relative_error save stratified_split
""".split()


@pytest.mark.parametrize("name", PROMISED)
def test_the_package_promises(name):
    assert name in nnlib.__all__ and getattr(nnlib, name).__doc__


def test_docstrings_leave_the_chapter_to_the_reference():
    """The build adds it there, from the notebook in which the code stands."""
    for path in (ROOT / "nnlib").glob("*.py"):
        assert "erived in :" not in path.read_text("utf-8"), path.name


def test_version_is_that_of_the_citation():
    """It stands in nbs/package.ipynb; the others take it from there, and this file cannot."""
    assert f"\nversion: {nnlib.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


# ---------------------------------------------------------------- examples in docstrings
MODULES = sorted(module.name for module in pkgutil.iter_modules(nnlib.__path__, "nnlib."))
MADE = [
    thing
    for thing in map(vars(nnlib).get, nnlib.__all__)
    if isinstance(thing, type)
    and not issubclass(thing, Exception)
    and thing.__name__ not in {"Layer", "Loss", "Optimizer", "History", "Checkpoint"}
]


def test_at_most_eighty_names_are_public():
    """What a program does not call is no public name; the package's own list counts too."""
    modules = nnlib, *map(importlib.import_module, MODULES)
    assert sum(len(module.__all__) for module in modules if hasattr(module, "__all__")) <= 80


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.__name__)
def test_each_class_that_a_user_makes_has_an_example(kind):
    assert ">>>" in kind.__doc__
