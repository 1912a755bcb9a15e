"""The kit of the studies: complete files, resumed jobs, no verdict on a busy machine."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studies import bottleneck, carry, decoders, kit, labels, latents, step_limit


def test_a_result_is_stored_as_json(tmp_path):
    path = tmp_path / "new" / "result.json"
    kit.store({"seconds": [1.5, 2.0]}, path)
    assert kit.load(path) == {"seconds": [1.5, 2.0]}
    assert path.read_bytes().endswith(b"}\n") and b"\r" not in path.read_bytes()


def test_numbers_of_numpy_are_stored_exactly(tmp_path, rng):
    numbers = [rng.random(), rng.random(1)[0], rng.random(1, "f")[0]]
    kit.store(numbers, tmp_path / "result.json")
    assert kit.load(tmp_path / "result.json") == numbers


def test_a_result_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    kit.store("old", path)
    with pytest.raises(TypeError):
        kit.store(["new", object()], path)

    def fail(source, target):
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="full"):
        kit.store("new", path)
    assert json.loads(path.read_text(encoding="utf-8")) == "old"


def test_equal_numbers_counts_bit_for_bit():
    assert kit.equal_numbers([0.1 + 0.2, 1.0, 2.0], [0.3, 1.0, 2.0, 4.0]) == 2


def test_stop_if_different_names_the_differences():
    kit.stop_if_different([])
    with pytest.raises(SystemExit, match=r"(?s)stored results:.*one.*two"):
        kit.stop_if_different(["one", "two"])


def test_runs_are_compared_by_their_names_within_a_tolerance():
    stored = [{"seed": 0, "test": 0.5}, {"seed": 1, "test": 4.0}]
    runs = [{"seed": 0, "test": 0.52}, {"seed": 1, "test": 4.02}, {"seed": 2, "test": 1.0}]
    lines = kit.differences(runs, stored, ["seed"], "test", 0.01, relative=True)
    assert [line.partition(":")[0] for line in lines] == ["(0,)", "(2,)"]
    lines = kit.differences(runs, stored, ["seed"], "test", 0.03)
    assert lines == ["(2,): test 1.000000, stored None"]


def test_runs_are_listed_in_the_order_of_the_jobs(monkeypatch):
    found = {"b": [{"n": 2}, {"n": 3}], "a": [{"n": 1}]}
    monkeypatch.setattr(kit, "run_jobs", lambda jobs, scratch: found.items())
    assert kit.all_runs({"a": (), "b": ()}) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_the_command_of_a_study_stores_or_compares(tmp_path, monkeypatch):
    monkeypatch.setattr(kit, "RUNS", tmp_path)

    def run(found, *arguments):
        monkeypatch.setattr("sys.argv", ["study", *arguments])
        kit.main(
            "some",
            "What it measures.",
            lambda: {"runs": found},
            lambda new, old: [] if new["runs"] == old["runs"] else ["runs"],
            {"code": "1"},
        )

    run([1.5], "--store")
    stored = kit.load(tmp_path / "some.json")
    assert (stored["code"], stored["runs"]) == ("1", [1.5])
    assert stored["command"] == "python -m studies.some --store" and stored["environment"]
    run([1.5])
    with pytest.raises(SystemExit, match="runs"):
        run([2.5])
    assert kit.load(tmp_path / "some.json") == stored


def test_verdict():
    quiet, busy = [1.0, 1.1, 1.2], [1.0, 1.3, 1.4]
    assert kit.verdict(True, quiet, quiet) == "reached"
    assert kit.verdict(False, quiet) == "NOT reached"
    assert kit.verdict(True, quiet, busy).startswith("NO VERDICT, the machine is busy")
    assert kit.verdict(True) == "reached"


def test_report_ratio_judges_the_ratio_of_the_medians(capsys):
    kit.report_ratio("fit", [4.0, 4.0, 4.2], [2.0, 2.0, 2.1], least=2, most=1.5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fit: 4.0000 s / 2.0000 s = 2.00 (rounds 2.00 to 2.00)")
    assert lines[1:] == ["  target at least 2: reached", "  target at most 1.5: NOT reached"]


def test_rounds_are_interleaved_after_a_warm_up():
    calls = []
    sides = {name: lambda name=name: calls.append(name) or len(calls) for name in "ab"}
    rounds = kit.interleaved(sides, 2)
    assert calls == ["a", "b"] * 3
    assert [result for _, result in rounds["a"]] == [3, 5]
    assert all(seconds >= 0 for runs in rounds.values() for seconds, _ in runs)


def test_each_round_may_have_its_own_order(rng):
    calls = []
    sides = {name: lambda name=name: calls.append(name) for name in "abcd"}
    kit.interleaved(sides, 5, warm_up=False, rng=rng)
    rounds = [tuple(calls[k : k + 4]) for k in range(0, 20, 4)]
    assert all(sorted(names) == list("abcd") for names in rounds) and len(set(rounds)) > 1


def test_jobs_run_with_one_thread_each_and_are_resumed(tmp_path):
    jobs = {"one": (os.getenv, "OPENBLAS_NUM_THREADS"), "two": (divmod, 7, 2)}
    assert dict(kit.run_jobs(jobs, tmp_path)) == {"one": "1", "two": (3, 1)}
    (tmp_path / "one.pickle").unlink()
    again = {"one": (os.getenv, "OPENBLAS_NUM_THREADS"), "two": (divmod, 1, 0)}  # not run again
    assert dict(kit.run_jobs(again, tmp_path)) == {"one": "1", "two": (3, 1)}
    with pytest.raises(ZeroDivisionError):
        dict(kit.run_jobs(again))


def test_only_a_run_that_was_completed_is_forgotten(tmp_path):
    scratch = tmp_path / "run"
    kit.begin(scratch)
    kit.write(scratch / "one.pickle", pickle.dumps(1))
    kit.begin(scratch)
    assert kit.kept_result(scratch, "one") == 1
    kit.complete(scratch)
    assert kit.kept_result(scratch, "one") == 1
    kit.begin(scratch)
    assert kit.kept_result(scratch, "one") is None


def test_a_result_that_is_carried_over_says_which_code_computed_it():
    stored = {"code": "one", "runs": [1.0]}
    once = kit.carried(stored, "two", {"epochs": 10})
    assert once == {"code": "two", "runs": [1.0], "carried": {"from": "one", "epochs": 10}}
    assert kit.carried(once, "three", {"epochs": 5})["carried"] == {"from": "one", "epochs": 5}
    assert stored["code"] == "one"


def test_the_beginning_of_a_run_is_found_among_runs_of_several_kinds():
    stored = [{"seed": 0, "accuracy": 0.5}, {"seed": 0, "loss": [3.0, 2.0, 1.0], "test_mse": 1.0}]
    assert carry.is_stored({"seed": 0, "loss": [3.0, 2.0], "test_mse": 2.0}, stored)
    assert carry.is_stored({"seed": 0, "accuracy": 0.5}, stored)
    assert not carry.is_stored({"seed": 1, "accuracy": 0.5}, stored)
    assert not carry.is_stored({"seed": 0, "loss": [3.0, 2.5]}, stored)
    assert not carry.is_stored({"seed": 0, "variances": [1.0]}, stored)


def test_results_are_kept_whatever_code_computed_them(tmp_path):
    for name, value in ("run-1-aa", 1), ("run-1-bb", 2), ("run-10-aa", 3):
        kit.write(tmp_path / f"{name}.pickle", pickle.dumps(value))
    assert kit.kept_results(tmp_path, "run-1") == [1, 2]


@pytest.mark.parametrize("study", [bottleneck, decoders, labels, latents, step_limit])
def test_stored_results_are_of_this_study_and_its_code(study):
    """Of three studies nobody compared the code, and of none its own settings."""
    stored = kit.load(kit.RUNS / f"{study.__name__.split('.')[-1]}.json")
    assert (stored["code"], stored["study"]) == (study.code(), study.study())


def test_the_fingerprint_of_a_study_notices_its_settings(tmp_path):
    folder = Path(decoders.__file__).parent
    shutil.copytree(folder, tmp_path / "studies")
    copied = tmp_path / "studies" / "decoders.py"
    code = "from studies import decoders; print(decoders.study())"
    environment = os.environ | {"PYTHONPATH": str(folder.parent)}

    def study():
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    text = copied.read_text(encoding="utf-8")
    assert study() == decoders.study()
    for old, new in ('["he"]', '["lecun"]'), ("batch_size=256", "batch_size=64"):
        assert text.count(old) == 1
        copied.write_text(text.replace(old, new), encoding="utf-8")
        assert study() != decoders.study()
    copied.write_text("# A remark.\n" + text, encoding="utf-8")
    assert study() == decoders.study()


def test_results_of_other_settings_are_not_carried_over(tmp_path, monkeypatch, capsys):
    stored = kit.load(kit.RUNS / "decoders.json") | {"code": "old", "study": "old"}
    monkeypatch.setattr(kit, "RUNS", tmp_path)
    kit.store(stored, tmp_path / "decoders.json")
    monkeypatch.setattr(decoders, "EPOCHS", 30)
    monkeypatch.setattr(carry, "studies", lambda: {"decoders": (decoders, {})})
    monkeypatch.setattr("sys.argv", ["carry"])
    with pytest.raises(SystemExit, match="decoders: the settings are"):
        carry.main()
    assert kit.load(tmp_path / "decoders.json") == stored
