"""Train one network in one framework, in a process of its own; print what happened as JSON.

    python -m studies.frameworks.train_one VARIANT NETWORK IMAGES

IMAGES is an npy file. Nothing that a framework brings along is imported before it is timed.
"""

from __future__ import annotations

import importlib
import json
import sys
import time


def main() -> None:
    """Import the framework, then all that is needed for the training."""
    variant, network, images = sys.argv[1:]
    start = time.perf_counter()
    peer = importlib.import_module(f"{__package__}.with_{variant.partition('-')[0]}")
    import_seconds = time.perf_counter() - start
    from .. import kit

    imported = kit.peak_memory()  # MB
    from .training import run

    result = run(peer, variant, network, images)
    result["memory"]["import"] = imported
    print(json.dumps(result | {"import_seconds": import_seconds}))


if __name__ == "__main__":
    main()
