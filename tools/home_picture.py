"""Draw the picture of the home page: test images, their 32 latents, and what comes back.

    python tools/home_picture.py   # writes nbs/home.svg, from the stored network

The ink is dark on nothing, so that a page with a dark theme can invert it.
"""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from nnlib import load, load_mnist
from nnlib.report import report_parts

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "nbs" / "home.svg"
SHOWN = (0, 1, 5, 7, 8, 4)  # of the test images
SIDE, STEP, LEFT = 84, 108, 96  # of a digit; from one to the next; room for the labels
WIDTH, HEIGHT = LEFT + STEP * len(SHOWN) - 12, 300
INK, BLUE, ORANGE = "#333333", "#0072B2", "#D55E00"


def png(pixels: Any) -> str:
    """Encode gray levels from 0 to 1 as the opacity of black pixels, in a data address."""
    alpha = np.rint(255 * pixels.reshape(28, 28)).astype(np.uint8)
    rows = b"".join(b"\0" + np.stack([0 * row, row], axis=1).tobytes() for row in alpha)

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 28, 28, 8, 4, 0, 0, 0)  # gray with opacity
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


def digit(pixels: Any, x: float, y: float) -> str:
    """Draw a digit."""
    return (
        f'<image x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" '
        f'style="image-rendering: pixelated" href="{png(pixels)}"/>'
    )


def bars(latents: Any, x: float, y: float) -> str:
    """Draw latents as bars up and down from a line, at most 26 long."""
    step = SIDE / len(latents)
    shapes = [
        f'<rect x="{x + k * step:.2f}" y="{y - max(size, 0):.1f}" width="{step - 0.6:.2f}" '
        f'height="{abs(size):.1f}" fill="{BLUE if size > 0 else ORANGE}"/>'
        for k, size in enumerate(latents)
    ]
    return f'<path d="M{x} {y}h{SIDE}" stroke="{INK}" stroke-width="0.6"/>' + "".join(shapes)


def arrow(x: float, y: float) -> str:
    """Draw an arrow down from here."""
    return f'<path d="M{x} {y}v14m-4 -5l4 5l4 -5" fill="none" stroke="{INK}"/>'


def draw() -> str:
    """Draw the picture as SVG."""
    network: Any = load(ROOT / "data" / "runs" / "autoencoder.npz").network
    X, y = load_mnist()
    test = report_parts(X, y)[2][list(SHOWN)]
    latents, back = network.encode(test), network.reconstruct(test)
    sizes = 26 * latents / np.abs(latents).max(axis=1, keepdims=True)
    parts = []
    for k, (image, size, drawn) in enumerate(zip(test, sizes, back)):
        x = LEFT + k * STEP
        middle = x + SIDE / 2
        parts += [digit(image, x, 4), arrow(middle, 96), bars(size, x, 148)]
        parts += [arrow(middle, 184), digit(drawn, x, 210)]
    labels = (50, "784", "pixels"), (152, "32", "numbers"), (256, "784", "pixels")
    for height, number, unit in labels:
        parts += [
            f'<text x="0" y="{height - 2}" font-size="22" font-weight="bold">{number}</text>',
            f'<text x="0" y="{height + 15}" font-size="15">{unit}</text>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{0.75 * WIDTH:g}pt" '
        f'height="{0.75 * HEIGHT:g}pt" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" fill="{INK}">\n' + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8", newline="\n")
