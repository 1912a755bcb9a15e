"""Train one network in one framework, in a process of its own; print what happened as JSON.

Called by frameworks.py: python train_one.py VARIANT NETWORK IMAGES, with the images in an npy file.
"""

import importlib
import inspect
import json
import sys
import time

VARIANT, NETWORK, IMAGES = sys.argv[1:]
start = time.perf_counter()
peer = importlib.import_module("with_" + VARIANT.partition("-")[0])
import_seconds = time.perf_counter() - start

import numpy as np  # noqa: E402

import recipe  # noqa: E402

EPOCHS = {"xor": recipe.XOR_EPOCHS, "autoencoder": recipe.EPOCHS}[NETWORK]


def make_network():
    """Make the network with the common initial weights, in the variant asked for."""
    network = getattr(peer, f"{NETWORK}_network")()
    peer.set_weights(network, getattr(recipe, f"{NETWORK}_weights")())
    if VARIANT == "torch-compile":
        network = peer.torch.compile(network)
    if VARIANT == "keras-jit":
        network.jit_compile = True
    return network


def trainer(name, network, arrays, rng):
    """Return a function that trains the network for some epochs and returns the losses."""
    train = getattr(peer, name)
    if NETWORK == "xor":
        return lambda epochs: train(network, *arrays, epochs)
    if name == "autoencoder_train" and peer.__name__ == "with_keras":
        return lambda epochs: train(network, *arrays, epochs)  # it shuffles by itself
    return lambda epochs: train(network, *arrays, epochs, rng)


def code():
    """Return the source of the user's two functions, which have neither docstring nor comment."""
    parts = [getattr(peer, f"{NETWORK}_{part}") for part in ("network", "train")]
    assert not any(part.__doc__ for part in parts)
    return "\n\n".join(map(inspect.getsource, parts))


def threads():
    """Say how many threads compute."""
    found = {"BLAS": recipe.pools()}
    if peer.__name__ == "with_torch":
        found["PyTorch"] = peer.torch.get_num_threads()
    if peer.__name__ == "with_keras":
        import tensorflow as tf

        config = tf.config.threading  # 0: as many as there are cores
        found["TensorFlow"] = [config.get_intra_op_parallelism_threads(),
                               config.get_inter_op_parallelism_threads()]
    return found


def main():
    """Train, first for one epoch, in which frameworks compile, and then for the others."""
    imported = recipe.peak_memory()
    arrays = (recipe.X, recipe.y) if NETWORK == "xor" else (np.load(IMAGES),)
    arrays = tuple(map(peer.as_data, arrays))
    before = recipe.peak_memory()
    network = make_network()
    train = trainer(f"{NETWORK}_train", network, arrays, np.random.default_rng(1))
    first, losses = recipe.timed(train, 1)
    rest, more = recipe.timed(train, EPOCHS - 1)
    result = {
        "import_seconds": import_seconds,
        "first_seconds": first,
        "seconds": rest / (EPOCHS - 1),
        "memory": {"import": imported, "before": before, "peak": recipe.peak_memory()},
        "losses": [*losses, *more],
        "threads": threads(),
        "code": code(),
        "lines": sum(bool(line.strip()) for line in code().splitlines()),
    }
    if peer.__name__ == "with_keras":
        result["jit"] = bool(network.jit_compile)
        if NETWORK == "autoencoder":
            train = trainer("train_in_order", make_network(), arrays, np.random.default_rng(1))
            result["own_order_losses"] = result["losses"]
            result["losses"] = train(EPOCHS)
    if VARIANT == "nnlib" and NETWORK == "autoencoder":
        products = recipe.Products()
        products.epoch()
        result["products_seconds"] = float(np.median([recipe.timed(products.epoch)[0]
                                                      for _ in range(EPOCHS - 1)]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
