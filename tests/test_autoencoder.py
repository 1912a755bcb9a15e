"""Autoencoder: one set of parameters for the whole and its parts, the report's recipe, the stored
run.
"""

import copy
import gc
import json
import pickle
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nnlib import (
    SGD,
    Adam,
    Autoencoder,
    BCEWithLogitsLoss,
    Dense,
    Sequential,
    checkpoint,
    load_mnist,
    stratified_split,
)
from nnlib.data import data_folder
from nnlib.fingerprint import fingerprint
from nnlib.report import (
    RECIPE,
    VARIANTS,
    named_variant,
    reconstruction_metrics,
    report_parts,
    report_run,
    variant_run,
)


def images(n=40, d=20, dtype=np.float32):
    return np.random.default_rng(5).uniform(size=(n, d)).astype(dtype)


def small(dtype=np.float32):
    return Autoencoder((20, 8, 3), rng=0, dtype=dtype)


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


# Building


def test_the_report_s_network_has_its_parameters():
    network = Autoencoder(rng=0)
    sizes = [784, 256, 128, 64, 32, 64, 128, 256, 784]
    shapes = [leaf.W.shape for leaf in network.leaves if leaf.params.size]
    assert shapes == list(pairwise(sizes))
    assert network.params.size == 489_136 and network.params.dtype == np.float32
    kinds = [type(leaf).__name__ for leaf in network.leaves]
    assert kinds == 3 * ["Dense", "ReLU"] + ["Dense"] + 3 * ["Dense", "ReLU"] + ["Dense"]


def test_weights_are_he_s_but_for_the_last_layer(dtype):
    """And drawn from one generator, layer by layer."""
    rng = np.random.default_rng(3)
    network = Autoencoder((20, 8, 3), rng=3, dtype=dtype)
    dense = [leaf for leaf in network.leaves if leaf.params.size]
    for i, (n_in, n_out) in enumerate([(20, 8), (8, 3), (3, 8), (8, 20)]):
        init = "xavier" if i == 3 else "he"
        expected = Dense(n_in, n_out, init=init, rng=rng, dtype=dtype)
        assert_array_equal(dense[i].W, expected.W)
        assert not dense[i].b.any()


def test_repr_is_a_call():
    assert repr(small()) == "Autoencoder(sizes=(20, 8, 3))"
    assert Autoencoder(**small().config()).config() == {"sizes": [20, 8, 3]}


# The encoder that is used is the one that is trained


@pytest.mark.parametrize(
    "again",
    [lambda a: a, copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))],
    ids=["itself", "deepcopy", "pickle"],
)
def test_training_moves_the_encoder(again):
    """The test that the report lacked: its encoder was never trained."""
    network, X = again(small()), images()
    before, latents = network.params.copy(), network.encode(X)
    pixels = network.decode(latents)
    network.fit(X, epochs=2, batch_size=8, rng=0)
    assert np.abs(network.encode(X) - latents).max() > 1e-3
    assert np.abs(network.decode(latents) - pixels).max() > 1e-3
    assert_array_equal(network.decoder.predict(network.encode(X)), network.predict(X))
    assert np.shares_memory(network.encoder.params, network.params)
    assert np.shares_memory(network.decoder.params, network.params)
    assert (network.params != before).mean() > 0.9


def test_reconstructions_are_the_sigmoid_of_the_logits(dtype):
    network, X = small(dtype), images(dtype=dtype)
    expected = 1 / (1 + np.exp(-network.predict(X).astype(float)))
    assert_allclose(network.reconstruct(X), expected, rtol=0, atol=4 * np.finfo(dtype).eps)
    assert network.reconstruct(X).dtype == dtype and network.encode(X).shape == (40, 3)


def test_latents_are_linear():
    """No ReLU cuts them off, nor the logits."""
    network, X = Autoencoder((20, 8, 3), rng=1), images(400)
    assert 0.1 < (network.encode(X) < 0).mean() < 0.9
    assert 0.1 < (network.predict(X) < 0).mean() < 0.9


# Training


def test_fit_is_that_of_a_sequential_on_its_own_input():
    network, X = small(), images()
    layers = [copy.deepcopy(leaf) for leaf in small().leaves]
    twin = Sequential(*layers)
    twin.params[...] = network.params
    options = {"epochs": 3, "batch_size": 16, "rng": 7}
    history = network.fit(
        X, learning_rate=0.5, validation_data=X[:10], validation_interval=2, **options
    )
    expected = twin.fit(
        X,
        X,
        loss=BCEWithLogitsLoss(),
        optimizer=SGD(0.5),
        validation_interval=2,
        validation_data=(X[:10], X[:10]),
        **options,
    )
    assert history == expected and history.val_epochs == [2]
    assert_array_equal(network.params, twin.params)


def test_another_optimizer_may_be_given():
    network, X, optimizer = small(), images(), Adam(0.01)
    network.fit(X, epochs=2, batch_size=16, optimizer=optimizer, rng=0)
    assert optimizer.state["steps"] == 6


def test_a_history_is_continued():
    whole, parts, X = small(), small(), images()
    rng = np.random.default_rng(0)
    history = parts.fit(X, epochs=2, batch_size=16, rng=rng)
    parts.fit(X, epochs=4, batch_size=16, rng=rng, history=history)
    assert whole.fit(X, epochs=4, batch_size=16, rng=np.random.default_rng(0)) == history
    assert_array_equal(whole.params, parts.params)


def test_the_defaults_are_the_report_s():
    network, X = small(), images(600)
    again = copy.deepcopy(network)
    options = {key: RECIPE[key] for key in ("batch_size", "learning_rate", "validation_interval")}
    one = network.fit(X, epochs=20, rng=0, validation_data=X[:5])
    assert one == again.fit(X, epochs=20, rng=0, validation_data=X[:5], **options)
    assert one.val_epochs == [10, 20]


@pytest.mark.parametrize(
    "name, value",
    [
        ("encoder", lambda: Sequential(Dense(20, 3))),
        ("decoder", lambda: Sequential(Dense(3, 20))),
        ("layers", tuple),
        ("sizes", lambda: (20, 3)),
        ("n_in", lambda: 5),
    ],
)
def test_parts_cannot_be_replaced(name, value, refuses):
    network = small()
    with refuses(AttributeError, f"{name} cannot be replaced; make a new one", network.params):
        setattr(network, name, value())


def test_an_encoder_can_be_taken_over_and_fine_tuned():
    network, X = small(), images()
    network.fit(X, epochs=1, rng=0)
    latents = network.encode(X)
    classifier = Sequential(network.encoder, Dense(3, 2, rng=0, dtype=np.float32))
    assert_array_equal(network.encoder.predict(X), latents)
    classifier.fit(X, X[:, :2], loss=BCEWithLogitsLoss(), optimizer=SGD(0.5), epochs=5)
    assert np.shares_memory(network.encoder.params, classifier.params)
    assert np.abs(network.encode(X) - latents).max() > 1e-3
    for use in (
        lambda: network.predict(X),
        lambda: network.fit(X, epochs=1),
        lambda: network.params,
        lambda: network.evaluate(X, X, BCEWithLogitsLoss()),
        lambda: network.forward(X),
        lambda: network.reconstruct(X),  # by the classifier's encoder and its own decoder
    ):
        with pytest.raises(
            RuntimeError, match=r"has been taken over by another network; copy.deepcopy\(layer\)"
        ):
            use()


def test_a_copy_of_an_encoder_leaves_the_autoencoder_whole():
    network, X = small(), images()
    before = network.predict(X)
    classifier = Sequential(copy.deepcopy(network.encoder), Dense(3, 2, rng=0, dtype=np.float32))
    classifier.fit(X, X[:, :2], loss=BCEWithLogitsLoss(), optimizer=SGD(0.5), epochs=5)
    assert_array_equal(network.predict(X), before)


def test_targets_other_than_the_images_are_refused(refuses):
    network, X = small(), images()
    assert network.fit(X, X, epochs=1).loss
    with refuses(
        ValueError, "y: expected none, for the images are their own targets", network.params
    ):
        network.fit(X, X[:, ::-1], epochs=1)


def test_a_slip_in_an_option_is_named():
    with pytest.raises(TypeError, match=r"fit.* got an unexpected keyword argument 'shufle'"):
        small().fit(images(), epochs=1, shufle=False)


def test_a_named_variant_without_epochs_is_refused(refuses):
    """0 was taken for the variant's own number, which trains for minutes."""
    with refuses(ValueError, "epochs: expected"):
        named_variant("adam", np.zeros((3, 784), np.float32), epochs=0)


def test_a_named_variant_is_its_recipe(mnist):
    X = mnist[0][:300]
    one = named_variant("mse-adam", X, 2, epochs=1, test=X[:5])
    two = variant_run(X, Adam(), True, 2, epochs=1, test=X[:5])
    assert_array_equal(one[0].params, two[0].params)
    assert one[1:] == two[1:] and len(one[2]) == 1


# Refusals


@pytest.mark.parametrize(
    "pixels, words",
    [
        (255 * images(), "expected pixels from 0 to 1, got"),
        (images() - 0.5, "divide gray levels by 255"),
        (np.where(images() > 0.99, np.nan, images()), "expected finite numbers, got nan"),
        (images()[:, :19], "expected shape (any, 20), got (40, 19)"),
        (images()[0], "expected shape (any, 20), got (20,)"),
        (np.empty((0, 20), np.float32), "expected at least one sample"),
    ],
)
def test_pixels_that_do_not_fit_are_refused(pixels, words, refuses):
    network = small()
    for options, name in ({}, "X"), ({"validation_data": pixels}, "validation"):
        data = pixels if name == "X" else images()
        with refuses(ValueError, words, network.params):
            network.fit(data, epochs=1, **options)


def test_gray_levels_as_integers_are_refused(refuses):
    network = small()
    with refuses(TypeError, "X: expected floats, got dtype uint8", network.params):
        network.fit((255 * images()).astype(np.uint8), epochs=1)


@pytest.mark.parametrize(
    "sizes, error",
    [((20,), ValueError), ((), ValueError), ((20, 0), ValueError), ((20, 2.5), TypeError)],
)
def test_sizes_that_make_no_autoencoder_are_refused(sizes, error):
    with pytest.raises(error, match="expected"):
        Autoencoder(sizes)


# The report's recipe and numbers


def test_parts_are_the_report_s(mnist):
    X, y = mnist
    train, valid, test = report_parts(X, y)
    rest, rows = stratified_split(y, 14_000, 42)
    assert (len(train), len(valid), len(test)) == (50_400, 5_600, 14_000)
    assert_array_equal(valid, X[rest[:5600]])
    assert_array_equal(train[0], X[rest[5600]])
    assert_array_equal(test[-1], X[rows[-1]])


def test_a_run_is_made_again_from_its_seed(mnist):
    X = mnist[0][:600]
    one, history, quality = report_run(X, X[:50], seed=3, epochs=10)
    two, same, _ = report_run(X, X[:50], seed=3, epochs=10)
    other = report_run(X, X[:50], seed=4, epochs=10)[1]
    assert history == same != other and history.val_epochs == [10]
    assert_array_equal(one.params, two.params)
    expected = np.square(one.reconstruct(X[:100]) - X[:100]).mean()
    assert quality == [pytest.approx(float(expected), rel=1e-6)]


def test_a_run_draws_weights_then_orders_from_one_generator(mnist):
    X, rng = mnist[0][:600], np.random.default_rng(3)
    network = Autoencoder(rng=rng)
    history = network.fit(X, epochs=2, rng=rng)
    assert report_run(X, X[:50], seed=3, epochs=2)[1].loss == history.loss


def test_metrics_are_their_formulas():
    network, X = small(np.float64), images(dtype=np.float64)
    pixels = network.reconstruct(X)
    errors = ((pixels - X) ** 2).mean(1)
    bce = -(X * np.log(pixels) + (1 - X) * np.log1p(-pixels)).mean()
    expected = {
        "mse": ((pixels - X) ** 2).mean(),
        "mae": abs(pixels - X).mean(),
        "bce": bce,
        "std": np.sqrt(((errors - errors.mean()) ** 2).mean()),
        "median": np.median(errors),
        "range": (pixels.max() - pixels.min()) / (X.max() - X.min()),
    }
    metrics = reconstruction_metrics(network, X)
    assert metrics == pytest.approx(expected, rel=1e-12) and type(metrics["mse"]) is float


# The stored run


@pytest.fixture(scope="module")
def stored():
    folder = data_folder() / "runs"
    spread = json.loads((folder / "spread.json").read_text(encoding="utf-8"))
    return checkpoint.load(folder / "autoencoder.npz"), spread


def test_the_stored_run_was_made_by_this_code_and_recipe(stored):
    for notes in stored[0].notes, stored[1]:
        assert notes["code"] == fingerprint(report_parts, report_run) and notes["recipe"] == RECIPE
        assert {"python", "numpy", "blas", "threads", "machine"} <= set(notes["environment"])


def test_the_stored_network_has_the_stored_numbers(stored, mnist):
    """Weights, history and metrics belong to one another."""
    loaded, spread = stored
    run = next(run for run in spread["runs"] if run["seed"] == loaded.notes["seed"])
    train, valid, test = report_parts(*mnist)
    network = loaded.network
    assert isinstance(network, Autoencoder) and network.params.size == 489_136
    loss = network.evaluate(valid, valid, BCEWithLogitsLoss())
    assert loss == pytest.approx(run["val_loss"][-1], rel=1e-5)
    assert reconstruction_metrics(network, test) == pytest.approx(run["metrics"], rel=1e-4)
    error = np.square(network.reconstruct(train[:100]) - train[:100]).mean()
    assert run["quality"][-1] == pytest.approx(float(error), rel=1e-4)
    assert loss < 0.09


@pytest.mark.parametrize("method", ["encode", "reconstruct", "predict"])
def test_predictions_leave_nothing_behind(method):
    """Not even until the garbage collector comes: each left 88 MB for 14,000 images, gigabytes in
    a training.
    """
    autoencoder, X = Autoencoder((784, 16, 4), rng=0), np.full((2000, 784), 0.5, np.float32)
    getattr(autoencoder, method)(X)
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(3):
            getattr(autoencoder, method)(X)
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.parametrize("squared", [False, True])
def test_variants_train_the_same_network_by_another_road(squared):
    """From the same weights and order of images as `report_run`; the errors are those after each
    epoch.
    """
    X = np.random.default_rng(0).random((40, 784)).astype(np.float32)
    make, *settings = VARIANTS["mse-adam" if squared else "adam"]
    assert settings[0] is squared
    autoencoder, history, errors = variant_run(
        X[:30], make(), squared, seed=3, test=X[30:], epochs=2
    )
    assert len(history.loss) == len(errors) == 2
    assert errors[-1] == np.square(autoencoder.reconstruct(X[30:]) - X[30:]).mean()
    expected = Autoencoder(rng=3).evaluate(X[:30], X[:30], BCEWithLogitsLoss())
    if squared:
        expected = np.square(Autoencoder(rng=3).reconstruct(X[:30]) - X[:30]).mean()
    assert history.loss[0] == pytest.approx(expected, rel=1e-5)
    assert variant_run(X[:30], make(), squared, seed=3, epochs=1)[2] == []


@pytest.mark.parametrize("sizes", [5, None, 2.5])
def test_sizes_that_are_no_sequence_are_named(sizes, refuses):
    with refuses(TypeError, "sizes: expected a sequence of ints, got "):
        Autoencoder(sizes)


def test_a_rate_beside_an_optimizer_is_refused(refuses):
    """It was ignored, and the optimizer's own rate taken."""
    network, X = small(), np.full((4, 20), 0.5, np.float32)
    with refuses(ValueError, "learning_rate: expected none beside an optimizer", network.params):
        network.fit(X, epochs=1, optimizer=Adam(), learning_rate=0.5)


def test_sizes_that_cannot_be_listed_are_refused(refuses):
    for wrong in (3, np.array(3.0), None):
        with refuses(TypeError, "sizes: expected a sequence of ints"):
            Autoencoder(wrong)
