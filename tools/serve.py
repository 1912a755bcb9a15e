"""Serves the built book on this machine, so that its pages can be made live.

    python tools/serve.py [FOLDER] [PORT]    # 8000, or the next port that is free

Texts are compressed, as hosts do; two headers isolate the pages from other origins, so that a
running cell can be interrupted and keeps its variables. On a host that does not send them a
service worker adds them, after a click. The JupyterLab of `make lite` goes without: isolated, its
kernel 0.6.1 loses answers of its worker that come early, and waits for ever.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
TEXTS = {".html", ".css", ".js", ".mjs", ".json", ".svg", ".wasm", ".txt"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, as any host serves them."""

    def log_message(self, *args: object) -> None: ...


class Handler(Quiet):
    """Files of a folder, compressed and isolated."""

    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".wasm": "application/wasm",
        ".mjs": "text/javascript",
        ".js": "text/javascript",
    }

    def end_headers(self) -> None:
        if not self.path.startswith("/lite/"):
            for name, value in ISOLATION.items():
                self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def send_head(self) -> BinaryIO | None:
        path = Path(self.translate_path(self.path))
        if (
            path.suffix not in TEXTS
            or not path.is_file()
            or "gzip" not in self.headers.get("Accept-Encoding", "")
        ):
            return super().send_head()
        data = compress(path, path.stat().st_mtime_ns)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return io.BytesIO(data)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        page = Path(self.directory, "404.html")
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        data = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@functools.lru_cache(maxsize=256)
def compress(path: Path, changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)


class Server(http.server.ThreadingHTTPServer):
    """A server of its own port: Windows would let two have the same."""

    allow_reuse_address = os.name != "nt"


def make_server(folder: Path, port: int = 0) -> Server:
    """Listen on this machine only; port 0 takes any that is free."""
    return Server(("127.0.0.1", port), functools.partial(Handler, directory=str(folder)))


def find_port(folder: Path, first: int = 8000) -> Server:
    """Listen on this port or the first free one of the next nine, else on any."""
    for port in range(first, first + 10):
        try:
            return make_server(folder, port)
        except OSError:  # taken, or not ours
            continue
    return make_server(folder)


@contextmanager
def served(
    folder: Path, handler: type[http.server.SimpleHTTPRequestHandler] = Quiet
) -> Iterator[str]:
    """Serve a folder while the block runs, as any host does; give its address."""
    with Server(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "_build/html")
    with find_port(root, int(sys.argv[2]) if len(sys.argv) > 2 else 8000) as server:
        print(
            f"The book is at http://127.0.0.1:{server.server_port}/ until Ctrl-C is pressed.",
            flush=True,
        )
        with suppress(KeyboardInterrupt):
            server.serve_forever()
