"""What the explorables compute with nnlib, in the worker of the page; explore.js calls these
functions by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nnlib import (
    SGD,
    Adam,
    Autoencoder,
    Dense,
    MSELoss,
    OneVsRestSVC,
    ReLU,
    Sequential,
    Sigmoid,
    StandardScaler,
    Tanh,
    load,
)
from nnlib.arrays import Array
from nnlib.data import MNIST, parse_idx, read_verified
from nnlib.distances import half_squared_distances
from nnlib.kernels import make_kernel
from nnlib.simple_svm import certify, find_bias
from nnlib.smo import smo

STATE: dict[str, Any] = {}  # what each explorable works on, by its name


def attempt(name: str, *values: Any) -> dict[str, Any]:
    """Call one of the functions below; return its value, or what was wrong."""
    try:
        return {"value": globals()[name](*values)}
    except (ArithmeticError, ValueError) as error:
        return {"error": str(error)}


# ---------------------------------------------------------------- draw a digit
# these digits of the official test set train the machine
FITTED = 100 + np.random.default_rng(0).permutation(9900)[:3000]


def shrink(n: int, m: int) -> Array:
    """Compute the matrix (m, n) that turns n pixels into m, each the mean of what it covers."""
    edges, pixels = np.linspace(0, n, m + 1), np.arange(n)
    shared: Array = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shared = np.maximum(shared, 0)
    shared /= shared.sum(1, keepdims=True)
    return shared


def middle(mass: Array) -> int:
    """Return where rows of these masses start in 28, for their centre of mass to lie in row 14,
    counted from 0.
    """
    center = mass @ np.arange(len(mass)) / mass.sum()
    return int(np.clip(round(14 - center), 0, 28 - len(mass)))


def centered(ink: Array) -> Array:
    """Place a drawing as MNIST's digits are: scaled into 20 x 20, its centre of mass in the pixel
    (14, 14) of 28 x 28.
    """
    image = np.zeros((28, 28), np.float32)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if len(rows):
        box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        height, width = (max(1, round(20 * n / max(box.shape))) for n in box.shape)
        small = shrink(len(box), height) @ box @ shrink(box.shape[1], width).T
        top, left = middle(small.sum(1)), middle(small.sum(0))
        image[top : top + height, left : left + width] = small
    return image.reshape(1, 784)


def draw_start(
    network: bytes, images: bytes, labels: bytes, folder: str = "/tmp"
) -> dict[str, Any]:
    """Take the files' contents, train the machine; return the digits for the buttons and the
    latents' ranges.
    """
    parts: list[Any] = []
    for name, data in (
        ("autoencoder.npz", network),
        ("t10k-images-idx3-ubyte.gz", images),
        ("t10k-labels-idx1-ubyte.gz", labels),
    ):
        path = Path(folder, name)
        path.write_bytes(data)
        if name in MNIST:
            content, _, size = MNIST[name]
            parts.append(parse_idx(read_verified(path, content, size)))
        else:
            parts.append(load(path).network)
    autoencoder, X, y = parts
    X = X.reshape(-1, 784) / np.float32(255)
    Z = autoencoder.encode(X)
    scaler = StandardScaler().fit(Z[FITTED])
    machine = OneVsRestSVC(C=10).fit(scaler.transform(Z[FITTED]), y[FITTED])
    STATE["draw"] = autoencoder, scaler, machine, X
    return {"digits": y[:10].tolist(), "low": Z.min(0).tolist(), "high": Z.max(0).tolist()}


def draw_digit(index: int) -> list[int]:
    """Return the pixels of a test digit, from 0 to 255."""
    X: Array = STATE["draw"][-1]
    return [int(value) for value in np.rint(X[index] * 255)]


def draw_image(ink: bytes, side: int) -> dict[str, Any]:
    """Encode, decode and classify a drawing of side x side bytes."""
    image = centered(np.frombuffer(ink, np.uint8).reshape(side, side) / np.float32(255))
    latents = STATE["draw"][0].encode(image)
    return {"image": image[0].tolist(), "latents": latents[0].tolist(), **draw_latents(latents[0])}


def draw_latents(latents: Any) -> dict[str, Any]:
    """Decode and classify 32 latents."""
    autoencoder, scaler, machine, _ = STATE["draw"]
    Z = np.asarray(latents, np.float32)[None]
    scores = machine.decision_function(scaler.transform(Z))[0]
    return {
        "decoded": autoencoder.decode(Z)[0].tolist(),
        "scores": scores.tolist(),
        "digit": int(scores.argmax()),
    }


# ---------------------------------------------------------------- the XOR playground
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
TARGETS = np.array([[0], [1], [1], [0]], float)
ACTIVATIONS = {"tanh": Tanh, "ReLU": ReLU, "sigmoid": Sigmoid}


def grid(low: float, high: float, side: int) -> Array:
    """Return the points of a square grid, row by row from above."""
    line = np.linspace(low, high, side)
    return np.stack(np.meshgrid(line, line[::-1]), -1).reshape(-1, 2)


def xor_start(units: int, activation: str, seed: int, rate: float) -> dict[str, Any]:
    """Make the network of the XOR chapter."""
    rng = np.random.RandomState(seed)
    hidden, output = Dense(2, units, rng=rng), Dense(units, 1, rng=rng)
    STATE["xor"] = Sequential(hidden, ACTIVATIONS[activation](), output, Sigmoid()), SGD(rate), []
    return xor_state()


def xor_train(epochs: int, every: int) -> dict[str, Any]:
    """Train for some epochs; return the state, with the loss of one epoch in so many."""
    network, optimizer, losses = STATE["xor"]
    history = network.fit(CORNERS, TARGETS, loss=MSELoss(), optimizer=optimizer, epochs=epochs)
    losses += history.loss
    return {**xor_state(), "losses": history.loss[::every]}


def xor_state() -> dict[str, Any]:
    """Return epochs, loss, outputs at the corners and around, and which corners look alike."""
    network, _, losses = STATE["xor"]
    hidden = network.layers[1].forward(network.layers[0].forward(CORNERS))
    alike = [[i, j] for i in (0, 3) for j in (1, 2) if abs(hidden[i] - hidden[j]).max() < 0.01]
    return {
        "epochs": len(losses),
        "loss": network.evaluate(CORNERS, TARGETS, MSELoss()),
        "outputs": network.predict(CORNERS)[:, 0].tolist(),
        "alike": alike,
        "field": (2 * network.predict(grid(-0.25, 1.25, 41))[:, 0] - 1).tolist(),
    }


# ---------------------------------------------------------------- train an autoencoder
IMAGES, PART, HELD_OUT, SHOWN = 4000, 500, 500, 8


def train_data(images: bytes, folder: str = "/tmp") -> dict[str, Any]:
    """Take the contents of the file of test images; return the digits that are shown, and the
    error of the mean image.
    """
    path = Path(folder, "t10k-images-idx3-ubyte.gz")
    path.write_bytes(images)
    content, _, size = MNIST[path.name]
    X = parse_idx(read_verified(path, content, size)).reshape(-1, 784) / np.float32(255)
    held, train = X[:HELD_OUT], X[HELD_OUT : HELD_OUT + IMAGES]
    STATE["data"] = train, held
    error = np.square(train.mean(0) - held).mean()
    return {"digits": held[:SHOWN].tolist(), "mean": float(error)}


def train_start() -> dict[str, Any]:
    """Make a small autoencoder and its optimizer."""
    rng = np.random.default_rng(0)
    STATE["train"] = Autoencoder((784, 128, 32), rng=rng), Adam(), rng, []
    return train_state(0.0)


def train_part() -> dict[str, Any]:
    """Train on the next part of an epoch, in which each image comes once."""
    autoencoder, optimizer, rng, parts = STATE["train"]
    X, _ = STATE["data"]
    count = IMAGES // PART
    if len(parts) % count == 0:
        STATE["order"] = rng.permutation(IMAGES)
    first = len(parts) % count * PART
    rows = STATE["order"][first : first + PART]
    parts += autoencoder.fit(X[rows], optimizer=optimizer, epochs=1, batch_size=100, rng=rng).loss
    return train_state(len(parts) / count)


def train_state(epochs: float) -> dict[str, Any]:
    """Return the error on the digits that are held out, and some reconstructions."""
    _, held = STATE["data"]
    drawn = STATE["train"][0].reconstruct(held)
    return {
        "epochs": epochs,
        "error": float(np.square(drawn - held).mean()),
        "digits": drawn[:SHOWN].tolist(),
    }


# ---------------------------------------------------------------- the valley
START, CURVATURES = (4.0, 1.0), np.array([1.0, 10.0])
STEPS, NEAR, FAR = 500, 0.01, 1000.0


def valley_path(rate: float, momentum: float) -> dict[str, Any]:
    """Descend in the valley of the optimizer's chapter; return the path, the distances from the
    minimum, and since which step it is near, or None.
    """
    theta, sgd = np.array(START), SGD(rate, momentum)
    path = [theta.tolist()]
    while len(path) <= STEPS and np.hypot(*theta) < FAR:
        sgd.step(theta, CURVATURES * theta)
        path.append(theta.tolist())
    far = np.hypot(*np.transpose(path))
    arrived = int(np.flatnonzero(far > NEAR)[-1]) + 1
    return {
        "path": path,
        "distance": float(far[-1]),
        "arrived": arrived if arrived < len(path) else None,
        "diverges": bool(far[-1] > far[0]),
    }


# ---------------------------------------------------------------- SMO step by step
TOL = 1e-3


def smo_start(points: Any, labels: Any, C: float, kernel: str) -> dict[str, Any]:
    """Set up the dual problem for points (n, 2) in the square from -1 to 1."""
    X, y = np.array(points, float).reshape(-1, 2), np.array(labels, float)
    if not {-1, 1} <= set(y.tolist()):
        raise ValueError("SMO needs a point of each class")
    made = make_kernel(kernel, X, 2.0, 3, 1.0)
    A = made.features(X)
    K, box = made.block(A, A), np.array([np.minimum(0, C * y), np.maximum(0, C * y)])
    STATE["smo"] = {
        "kernel": made,
        "A": A,
        "K": K,
        "H": half_squared_distances(made, A)[0],
        "y": y,
        "C": C,
        "box": box,
        "b": np.zeros(len(y)),
        "steps": 0,
    }
    return smo_state()


def smo_step() -> dict[str, Any]:
    """Make one step of `nnlib.smo.smo`; return the state, with the pair and its move if there was
    one.
    """
    s = STATE["smo"]
    F = s["K"] @ s["b"] - s["y"]
    low, high = s["box"]
    b, moved = smo(s["H"], F, s["b"], low, high, TOL, 1)
    if not moved:
        return {**smo_state(), "solved": True}
    change = b - s["b"]
    i, j = int(change.argmax()), int(change.argmin())
    s.update(b=b, steps=s["steps"] + 1)
    wanted = (F[j] - F[i]) / (2 * s["H"][i, j])
    return {
        **smo_state(),
        "raised": i,
        "lowered": j,
        "wanted": float(wanted),
        "moved": float(change[i]),
    }


def smo_state() -> dict[str, Any]:
    """Return multipliers, the certificate, the largest violation among pairs, and f around the
    points.
    """
    s = STATE["smo"]
    b, y, (low, high) = s["b"], s["y"], s["box"]
    F = s["K"] @ b - y
    bias = find_bias(F, b, s["box"])
    proof = certify(b * y, y, F + y + bias, bias, s["C"])
    around = s["kernel"].features(grid(-1, 1, 41))
    gap = F[b > low].max() - F[b < high].min()
    return {
        "steps": s["steps"],
        "alpha": (b * y).tolist(),
        "dual": proof.dual,
        "primal": proof.primal,
        "gap": float(gap),
        "solved": bool(gap <= TOL),
        "field": (s["kernel"].block(around, s["A"]) @ b + bias).tolist(),
    }
