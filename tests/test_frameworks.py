"""The stored comparison with other frameworks: complete, consistent, and of today's code."""

import ast
import json
import math
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STORED = json.loads((ROOT / "data" / "runs" / "frameworks.json").read_text(encoding="utf-8"))
TRAININGS = [
    pytest.param(network, variant, id=f"{network}-{variant}")
    for network, variants in STORED["trainings"].items()
    for variant in variants
]
TIMES = ("seconds", "first_seconds", "import_seconds")
TECHNIQUES = {
    "again", "float32", "buffers", "mask", "zeros", "loss-logaddexp", "loss-where",
    "input-gradient", "gather", "ones",
}  # fmt: skip


def positive(numbers, count):
    return len(numbers) == count and all(0 < number < math.inf for number in numbers)


def median(numbers):
    ordered = sorted(numbers)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def test_the_run_is_described():
    assert STORED["command"] == "make frameworks"
    assert set(STORED["machine"]) == {"cpu", "cores", "system", "python"}
    assert all(STORED["machine"].values()) and STORED["rounds"] >= 1
    for framework in ("nnlib", "torch", "keras"):
        installation = STORED["installations"][framework]
        assert framework in installation["versions"] and all(installation["versions"].values())
        assert installation["megabytes"] > 1 and installation["packages"] >= 2


def test_every_framework_trained_both_networks():
    for variants in STORED["trainings"].values():
        assert {"nnlib", "torch", "keras"} <= set(variants)
    assert set(STORED["trainings"]) == {"xor", "autoencoder"} == set(STORED["recipes"])


@pytest.mark.parametrize("network, variant", TRAININGS)
def test_a_training_is_complete(network, variant):
    training = STORED["trainings"][network][variant]
    for name in TIMES:
        assert positive(training[name], STORED["rounds"])
        assert training[f"median_{name}"] == pytest.approx(median(training[name]))
    assert training["memory"]["import"] <= training["memory"]["peak"]
    epochs = STORED["recipes"][network]["epochs"]
    assert len(training["losses"]) == (epochs if network == "autoencoder" else epochs // 20 + 1)
    assert training["loss"] == training["losses"][-1] < training["losses"][0]
    assert all(pool["num_threads"] >= 1 for pool in training["threads"]["BLAS"])


@pytest.mark.parametrize("network, variant", TRAININGS)
def test_losses_agree(network, variant):
    ours, theirs = (STORED["trainings"][network][name] for name in ("nnlib", variant))
    if network == "xor":
        assert theirs["loss"] == pytest.approx(ours["loss"], rel=0, abs=1e-9)
        assert theirs["losses"] == pytest.approx(ours["losses"], rel=0, abs=1e-9)
        assert theirs["largest_difference"] < 1e-9
    else:
        assert theirs["losses"] == pytest.approx(ours["losses"], rel=1e-3)


def test_xor_ends_as_in_the_report():
    assert STORED["trainings"]["xor"]["nnlib"]["loss"] == pytest.approx(0.0009993340616763898)


@pytest.mark.parametrize("network, variant", TRAININGS)
def test_the_code_that_was_counted_is_that_of_today(network, variant):
    training = STORED["trainings"][network][variant]
    path = ROOT / "studies" / "frameworks" / f"with_{variant.partition('-')[0]}.py"
    text = path.read_text(encoding="utf-8")
    found = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    nodes = [found[f"{network}_{part}"] for part in ("network", "train")]
    assert not any(map(ast.get_docstring, nodes))
    sources = [ast.get_source_segment(text, node) for node in nodes]
    written = [line for line in "\n".join(sources).splitlines() if line.strip()]
    assert [line for line in training["code"].splitlines() if line.strip()] == written
    assert training["lines"] == len(written)


def test_every_technique_was_timed_beside_the_step_with_all():
    seconds = STORED["techniques"]["seconds"]
    assert set(seconds) == {"nnlib", *TECHNIQUES}
    assert all(positive(times, 2 * STORED["rounds"] + 1) for times in seconds.values())
