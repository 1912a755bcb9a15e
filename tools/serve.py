"""Serves the built book on this machine, so that its pages can be made live.

    python tools/serve.py [FOLDER] [PORT]    # 8000, or the next port that is free

Texts are compressed, as hosts do, and what the build has written into ``_headers`` is sent: the
policy for scripts, and what isolates the pages from other origins, so that a running cell can be
interrupted and keeps its variables. On a host that does not send that a service worker isolates
them, after a click. Only this machine is answered, and only under its own names.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

NAMES = {"127.0.0.1", "localhost", "[::1]"}  # another site's name could lead here
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
        sent, here = rules(Path(self.directory, "_headers")), place(urlsplit(self.path).path)
        for name, value in sent.get(here, [] if here == "/lite/*" else sent.get("/404.html", [])):
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def send_head(self) -> BinaryIO | None:
        host = re.sub(r":\d+$", "", self.headers.get("Host", "127.0.0.1"))
        if host.lower() not in NAMES:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        if "\0" in unquote(self.path):  # no name of a file
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        path = Path(self.translate_path(self.path))
        if not path.resolve().is_relative_to(Path(self.directory).resolve()):  # by a link
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        if (
            path.suffix not in TEXTS
            or not path.is_file()
            or "gzip" not in self.headers.get("Accept-Encoding", "")
        ):
            return super().send_head()
        state = path.stat()
        tag = f'"{state.st_mtime_ns:x}-{state.st_size:x}-gzip"'
        if tag in self.headers.get("If-None-Match", ""):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", tag)
            self.end_headers()
            return None
        data = compress(path, state.st_mtime_ns)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        self.end_headers()
        return io.BytesIO(data)

    def list_directory(self, path: object) -> None:
        """A folder without a page is not listed, as on most hosts."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        page = Path(self.directory, "404.html")
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        # the site is at the root here, wherever the page is shown
        data = page.read_bytes().replace(b'data-root=""', b'data-root="/"')
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def place(path: str) -> str:
    """Name the rule of ``_headers`` that an address falls under: a folder of the site, or a file
    beside them.
    """
    folder, slash, _ = path.removeprefix("/").partition("/")
    return f"/{folder}/*" if slash else path


def rules(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Read what is to be sent, by place; nothing of a site that was not built with it."""
    return read_rules(path, path.stat().st_mtime_ns) if path.is_file() else {}


@functools.lru_cache(maxsize=4)
def read_rules(path: Path, changed: int) -> dict[str, list[tuple[str, str]]]:
    headers: list[tuple[str, str]] = []
    found: dict[str, list[tuple[str, str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("/"):
            headers = found[line] = []
        else:
            name, _, value = line.strip().partition(": ")
            headers.append((name, value))
    return found


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
    if not root.is_dir():
        sys.exit(f"{root}: there is no such folder; make book builds it")
    with find_port(root, int(sys.argv[2]) if len(sys.argv) > 2 else 8000) as server:
        print(
            f"The book is at http://127.0.0.1:{server.server_port}/ until Ctrl-C is pressed.",
            flush=True,
        )
        with suppress(KeyboardInterrupt):
            server.serve_forever()
