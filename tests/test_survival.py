"""The claims of the page "What the package survives", with fewer tries than in the study."""

import sys

import numpy as np
import pytest

from nnlib import Dense, Sequential, load, save
from nnlib import checkpoint as module
from studies import survival

FEW = {
    "lines of fit": lambda: survival.lines_of_fit(11),
    "lines of save": lambda: survival.lines_of_save(13),
    "lines of load": lambda: survival.lines_of_load(7),
    "lines of refits": lambda: survival.lines_of_refits(97),
    "flipped bits": lambda: survival.flipped_bits(5),
    "signed changes": lambda: survival.signed_changes(1000),
}
UNIX = {
    "kills": lambda: survival.kills(25),
    "little memory": lambda: survival.little_memory(20.0),
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files left open
@pytest.mark.parametrize("name", FEW)
def test_it_is_survived(name):
    tried, survived = FEW[name]()
    assert survived == tried > 50


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # a worker has threads
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and limits of memory")
@pytest.mark.parametrize("name", UNIX)
def test_it_is_survived_in_processes(name):
    tried, survived = UNIX[name]()
    assert survived == tried > 4


def test_an_injected_exception_would_be_noticed(monkeypatch):
    """Without the rollback, the experiment on `fit` fails."""
    monkeypatch.setattr("nnlib.training.Trainer.restore", lambda self, snapshot: None)
    tried, survived = survival.lines_of_fit(23)
    assert survived < tried


def test_too_little_memory_is_no_damage(tmp_path, monkeypatch):
    """A whole file was called no whole checkpoint."""

    def fail(file):
        raise MemoryError

    path = tmp_path / "run.npz"
    save(path, Sequential(Dense(1, 1, rng=0)))
    monkeypatch.setattr(module, "read_arrays", fail)
    with pytest.raises(MemoryError):
        load(path)


def test_all_experiments_are_tested():
    assert {*FEW, *UNIX, "odd arrays"} == {*survival.EXPERIMENTS}
    assert np.isfinite(survival.X).all()
