"""The training of one network by one framework: its times, memory, losses and code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import kit
from . import recipe

WEIGHTS = {"xor": recipe.xor_weights, "autoencoder": recipe.autoencoder_weights}
EPOCHS = {"xor": recipe.XOR_EPOCHS, "autoencoder": recipe.EPOCHS}


def make_network(peer: Any, variant: str, name: str) -> Any:
    """Make the network with the common initial weights, in the variant asked for."""
    network = getattr(peer, f"{name}_network")()
    peer.set_weights(network, WEIGHTS[name]())
    if variant == "torch-compile":
        network = peer.torch.compile(network)
    if variant == "keras-jit":
        network.jit_compile = True
    return network


def trainer(train: Any, network: Any, arrays: tuple[Any, ...]) -> Callable[[int], list[float]]:
    """Return a function that trains the network for some epochs and returns the losses.

    All functions that take a generator shuffle alike.
    """
    shuffles = "rng" in inspect.signature(train).parameters
    order = (np.random.default_rng(1),) if shuffles else ()
    return lambda epochs: list(train(network, *arrays, epochs, *order))


def code(peer: Any, name: str) -> str:
    """Return the source of the user's two functions, which have neither docstring nor comment."""
    parts = [getattr(peer, f"{name}_{part}") for part in ("network", "train")]
    assert not any(part.__doc__ for part in parts)
    return "\n\n".join(map(inspect.getsource, parts))


def threads(peer: Any) -> dict[str, Any]:
    """Say how many threads compute."""
    found: dict[str, Any] = {"BLAS": kit.pools()}
    if hasattr(peer, "torch"):
        found["PyTorch"] = peer.torch.get_num_threads()
    if hasattr(peer, "keras"):
        import tensorflow as tf

        config = tf.config.threading  # 0: as many as there are cores
        found["TensorFlow"] = [
            config.get_intra_op_parallelism_threads(),
            config.get_inter_op_parallelism_threads(),
        ]
    return found


def products_seconds() -> float:
    """Return the median seconds of the matrix products of an epoch."""
    rounds = kit.interleaved({"products": recipe.Products().epoch}, recipe.EPOCHS - 1)
    return float(np.median([seconds for seconds, _ in rounds["products"]]))


def run(peer: Any, variant: str, name: str, images: str) -> dict[str, Any]:
    """Train, first for one epoch, in which frameworks compile, and then for the others."""
    arrays = (recipe.X, recipe.y) if name == "xor" else (np.load(images),)
    arrays = tuple(map(peer.as_data, arrays))
    before = kit.peak_memory()
    network = make_network(peer, variant, name)
    train = trainer(getattr(peer, f"{name}_train"), network, arrays)
    first, losses = kit.timed(train, 1)
    rest, more = kit.timed(train, EPOCHS[name] - 1)
    source = code(peer, name)
    result: dict[str, Any] = {
        "first_seconds": first,
        "seconds": rest / (EPOCHS[name] - 1),
        "memory": {"before": before, "peak": kit.peak_memory()},
        "losses": [*losses, *more],
        "threads": threads(peer),
        "code": source,
        "lines": sum(bool(line.strip()) for line in source.splitlines()),
    }
    if hasattr(peer, "keras"):
        result["jit"] = bool(network.jit_compile)
        if name == "autoencoder":
            train = trainer(peer.train_in_order, make_network(peer, variant, name), arrays)
            result["own_order_losses"] = result["losses"]
            result["losses"] = train(EPOCHS[name])
    if variant == "nnlib" and name == "autoencoder":
        result["products_seconds"] = products_seconds()
    return result
