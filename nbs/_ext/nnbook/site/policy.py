"""What a host is to send with the pages: the file ``_headers``, in the form that several hosts of
static sites read, and `make serve` does too.

Scripts run only if they are files of the site or stand in its pages as they were built: each of
these is listed by its hash. Two headers isolate the pages, so that a running cell can be
interrupted. The workspace of `make lite` goes without all of it: its scripts make others, and
isolated, its kernel 0.6.1 loses answers of its worker that come early, and waits for ever.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.builders import Builder

SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", re.S)
# of what only sphinx-thebe and a switch of versions would ask; each page has another
UNUSED = re.compile(
    r'\s*<script type="text/x-thebe-config">.*?</script>'
    r"|\s*<script>kernelName = '\w*'</script>"
    r"|\s*<script>DOCUMENTATION_OPTIONS\.pagename = '[^']*';</script>",
    re.S,
)
HANDLER = re.compile(r'onclick="(?:window\.)?(print|toggleFullScreen)\(\)"')
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",  # of Matplotlib's and MathJax's making
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
}


def tame(page: str, builder: Builder) -> str:
    """Leave out scripts that do nothing here; what a button runs is known to ``book.js``."""
    return HANDLER.sub(r'data-nnbook-does="\1"', UNUSED.sub("", page))


def hashes(page: str) -> set[str]:
    """List the scripts that stand in a page, as a policy names them."""
    return {
        f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'"
        for attributes, body in SCRIPT.findall(page)
        if "type=" not in attributes or "javascript" in attributes or "module" in attributes
    }


def rules(site: Path) -> str:
    """Write what is to be sent with the files of a site."""
    pages = [path for path in site.rglob("*.html") if "lite" not in path.relative_to(site).parts]
    known = sorted(set().union(*(hashes(path.read_text(encoding="utf-8")) for path in pages)))
    policy = {**POLICY, "script-src": " ".join([POLICY["script-src"], *known])}
    headers = {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        **HEADERS,
    }
    folders = sorted(path.name for path in site.iterdir() if path.is_dir())
    files = sorted(path.name for path in site.iterdir() if path.suffix in (".html", ".js"))
    places = ["/", *(f"/{name}" for name in files)]
    places += [f"/{name}/*" for name in folders if name not in ("lite", ".doctrees")]
    lines = "".join(f"  {name}: {value}\n" for name, value in headers.items())
    return "".join(f"{place}\n{lines}" for place in places)


def write(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        site = Path(app.outdir)
        (site / "_headers").write_text(rules(site), encoding="utf-8")


def setup(app: Sphinx) -> None:
    app.connect("build-finished", write, priority=950)  # after all that writes pages
