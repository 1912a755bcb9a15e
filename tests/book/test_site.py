"""The built site: complete, readable without a network, and free of errors."""

from __future__ import annotations

import http.client
import importlib
import inspect
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser
from waiting import wait_until

import nnlib
import serve
from nnbook.notebook import ledger

ROOT = Path(__file__).parents[2]
PAGES = [
    f"nbs/{name}.html"
    for name in re.findall(r"nbs/([\w]+)$", (ROOT / "_toc.yml").read_text("utf-8"), re.M)
]


class Page(HTMLParser):
    """The ids, links, images and texts of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids |= {value for key, value in attrs if key in ("id", "name") and value}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"] or "")
        if tag == "img":
            self.images.append(found)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="session")
def pages(html: Path) -> dict[Path, Page]:
    """Every page of the site, by its path."""
    return {
        path: Page(path)
        for path in html.rglob("*.html")
        if not {"_static", "lite"} & {*path.relative_to(html).parts}
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_begins_in_the_theme_of_the_system(
    isolated: str, browser: Browser, theme: str
) -> None:
    context = browser.new_context(color_scheme=theme)
    tab = context.new_page()
    tab.goto(f"{isolated}/{PAGES[0]}", wait_until="networkidle")
    assert tab.evaluate("document.documentElement.dataset.theme") == theme
    context.close()


def test_search_finds_a_word_without_a_network(server: str, browser: Browser) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{server}/search.html?q=perceptron")
    tab.wait_for_selector("ul.search li a")
    assert any(
        "nbs/xor" in (link.get_attribute("href") or "")
        for link in tab.locator("ul.search li a").all()
    )
    context.close()


def test_links_and_anchors_resolve(html: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            url, anchor = urldefrag(link)
            if urlsplit(link).scheme:
                continue
            target = (path.parent / unquote(url)).resolve() if url else path
            if not target.exists() or (
                anchor and target in pages and unquote(anchor) not in pages[target].ids
            ):
                broken.append(f"{path.relative_to(html)}: {link}")
    assert broken == []


def test_every_image_says_what_it_shows(html: Path, pages: dict[Path, Page]) -> None:
    """Alt text stands on every image of the text, and is more than a file name."""
    silent = [
        (path.name, image.get("src"))
        for path, page in pages.items()
        for image in page.images
        if "_images" in (image.get("src") or "") and len(image.get("alt") or "") < 40
    ]
    assert silent == []


def test_no_directive_line_and_no_raw_markup_is_shown(pages: dict[Path, Page], html: Path) -> None:
    for path, page in pages.items():
        if path.parent.name == "nbs":
            assert "#|" not in page.text, path
            assert not re.search(r"\{(glue|ref|eq|cite|numref|py):?\w*\}", page.text), path


def test_no_page_shows_a_warning(html: Path) -> None:
    """What a cell writes to the error stream is not for readers: a warning that is meant is caught
    and printed.
    """
    shown = [
        path.name
        for path in html.glob("nbs/*.html")
        if 'class="output stderr' in path.read_text(encoding="utf-8")
    ]
    assert shown == []


def test_no_page_shows_markup(html: Path) -> None:
    """The index of names gave the role `ref` as it stands in the docstring."""
    for path in html.glob("nbs/*.html"):
        page = path.read_text(encoding="utf-8")
        text = re.sub(r"(?s)<(pre|script|style|code)\b.*?</\1>", "", page)
        assert not re.findall(r".{40}(?::ref:|``)", text), path.name
        assert '<span class="pre"></span></code>' not in page, path.name


@pytest.mark.parametrize("number", range(1, 24))
def test_equation_of_the_report_keeps_its_number(
    pages: dict[Path, Page], html: Path, number: int
) -> None:
    """Each of the report's equations (1) to (23) stands in the book once, under its number."""
    where = [path for path, page in pages.items() if f"equation-eq-{number}" in page.ids]
    assert len(where) == 1
    block = where[0].read_text("utf-8").split(f'id="equation-eq-{number}"')[1]
    assert f'<span class="eqno">({number})' in block[:300]


def test_exported_cells_say_where_their_code_goes(html: Path) -> None:
    page = (html / "nbs" / "layers.html").read_text("utf-8")
    assert page.count("exported to ") >= 5
    assert re.search(r'class="nnbook-badge.*?href="api\.html#module-nnlib\.layers"', page, re.S)


# ---------------------------------------------------------------- the reference
MODULES = [
    importlib.import_module(f"nnlib.{path.stem}")
    for path in sorted((ROOT / "nnlib").glob("[a-z]*.py"))
]
PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in MODULES
    for name in module.__all__
}
DESCRIBED = {
    name: thing
    for name, thing in PUBLIC.items()
    if getattr(thing, "__module__", "").startswith("nnlib.") and getattr(thing, "__doc__", None)
}


@pytest.fixture(scope="session")
def reference(html: Path) -> dict[str, Tag]:
    """The entries of the reference, by the names of what they describe."""
    page = BeautifulSoup((html / "nbs" / "api.html").read_text("utf-8"), "html.parser")
    return {
        str(entry["id"]): entry.find_next("dd")
        for entry in page.select("section > dl.py > dt.sig")
    }


def test_reference_has_an_entry_for_what_is_public_and_for_nothing_else(
    reference: dict[str, Tag],
) -> None:
    assert set(reference) == set(DESCRIBED)
    assert len(reference) <= 80
    assert {thing.__name__ for thing in map(vars(nnlib).get, nnlib.__all__)} <= {
        name.rpartition(".")[2] for name in reference
    }


def test_reference_begins_with_its_contents(html: Path, reference: dict[str, Tag]) -> None:
    """Each entry is listed once, as it is imported, with its first line, in the page's order."""
    page = BeautifulSoup((html / "nbs" / "api.html").read_text("utf-8"), "html.parser")
    listed = page.select("dl.nnbook-contents > dt")
    assert [term.select_one("a")["href"] for term in listed] == [f"#{name}" for name in reference]
    for term in listed:
        shown = term.get_text().strip("#")
        assert shown in nnlib.__all__ or f"nnlib.{shown}" in PUBLIC, shown
        assert len(term.find_next_sibling("dd").get_text(strip=True)) > 10, shown


@pytest.mark.parametrize(
    "name", [name for name, thing in DESCRIBED.items() if isinstance(thing, type)]
)
def test_class_shows_its_methods_and_its_base(reference: dict[str, Tag], name: str) -> None:
    """Those it inherits too: `fit` and `predict` of SVC stood under names that no user knows."""
    thing, entry = PUBLIC[name], reference[name]
    own = {
        key
        for base in thing.__mro__
        if base.__module__.startswith("nnlib")
        for key, value in vars(base).items()
        if inspect.isfunction(value) and not key.startswith("_")
    }
    assert {f"{name}.{key}" for key in own} <= {
        part["id"] for part in entry.select("dl.py > dt.sig")
    }
    bases = [base.__name__ for base in thing.__bases__ if base is not object]
    assert not bases or re.search(r"Bases: .*" + bases[0], entry.get_text(" ", strip=True))


def test_entry_begins_with_its_summary(reference: dict[str, Tag]) -> None:
    """Before the chapter that derives it stood in front of it."""
    for name, entry in reference.items():
        texts = [part.get_text() for part in entry.find_all("p", recursive=False)]
        assert not texts[0].startswith(("Derived in", "Bases:")), name
        first, summary = (
            re.findall(r"\w+", text)[:3] for text in (texts[0], inspect.getdoc(PUBLIC[name]))
        )
        assert first == summary, name


def test_names_in_code_link_to_their_definition_and_that_to_the_reference(html: Path) -> None:
    """In a chapter that imports it, a class in a code cell leads to the line that defines it, and
    that line to its entry.
    """
    assert 'network.html#def-nnlib.network.Sequential" title' in (
        html / "nbs" / "xor.html"
    ).read_text("utf-8")
    assert re.search(
        r'<a [^>]*href="api.html#nnlib.network.Sequential"[^>]*id="def-nnlib.network.Sequential"|'
        r'<a [^>]*id="def-nnlib.network.Sequential"[^>]*href="api.html#nnlib.network.Sequential"',
        (html / "nbs" / "network.html").read_text("utf-8"),
    )


def test_ledger_and_the_boxes_of_its_claims_lead_to_each_other(html: Path) -> None:
    """With the report's words, the criterion and the evidence, here and there."""

    @cache
    def read(name: str) -> BeautifulSoup:
        return BeautifulSoup((html / "nbs" / name).read_text("utf-8"), "html.parser")

    page = read("ledger.html")
    for name, claim in ledger.load_claims(ROOT / "nbs" / "claims.toml").items():
        target = page.find(id=f"ledger-{name}")
        assert isinstance(target, Tag), name
        row = target if target.name == "tr" else target.find_parent("tr")
        assert isinstance(row, Tag), name
        links = {str(link["href"]) for link in row.select("a[href]")}
        chapter, anchor = next(link for link in links if "#claim-" in link).split("#")
        assert anchor == f"claim-{name}"
        box = read(chapter).find(id=anchor)
        assert isinstance(box, Tag), name
        assert box.select_one(f'.nnbook-evidence a[href="ledger.html#ledger-{name}"]'), name
        assert box.select_one(".nnbook-criterion"), name
        assert row.select_one(f".nnbook-{claim['verdict']}"), name
        assert row.select_one(".nnbook-criterion") and row.select_one(".nnbook-evidence"), name
        assert "\u201c" in row.get_text(), name
    assert page.select_one('a[href*="bibliography.html#"]')


def test_ledger_is_filtered_by_verdict(server: str, browser: Browser) -> None:
    """All claims are listed at first; a button leaves those of one verdict, and their headings."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server}/nbs/ledger.html")
        rows = page.locator(".nnbook-ledger tbody tr:visible")
        claims = ledger.load_claims(ROOT / "nbs" / "claims.toml").values()
        assert rows.count() == len(claims)
        page.get_by_role("button", name="refuted").click()
        refuted = [claim for claim in claims if claim["verdict"] == "refuted"]
        assert rows.count() == len(refuted)
        assert (
            page.locator(".nnbook-ledger:visible").count() < page.locator(".nnbook-ledger").count()
        )
        assert page.locator("h2:visible", has_text="How to read").count() == 1
        page.get_by_role("button", name=re.compile(r"^all \d+")).click()
        assert rows.count() == len(claims)


def test_exercises_that_are_done_are_remembered(server: str, browser: Browser) -> None:
    """On the page, and in the contents of the book on any other."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{server}/nbs/xor.html")
        boxes = page.locator("article").get_by_role(
            "checkbox", name=re.compile("^Exercise .* done")
        )
        count = boxes.count()
        assert count >= 3
        page.get_by_role("checkbox", name="Exercise 2 is done").check()
        note = f" 1 of {count} done"
        assert page.locator("#exercises h2 .nnbook-progress").text_content() == note
        page.goto(f"{server}/nbs/index.html")
        link = page.locator("nav.bd-links").get_by_role("link", name=re.compile("XOR"))
        assert link.locator(".nnbook-progress").text_content() == note
        page.goto(f"{server}/nbs/xor.html")
        box = page.get_by_role("checkbox", name="Exercise 2 is done")
        assert box.is_checked()
        box.uncheck()
        assert page.locator(".nnbook-progress").count() == 0


# ---------------------------------------------------------------- what the server sends
def ask(address: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask as no browser does: status, headers and what was sent."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers), answer.read()
    connection.close()
    return found


@pytest.mark.parametrize(
    "path", ["/", "/nbs/xor.html", "/_static/live/worker.js", "/search.html", "/no/such/page"]
)
def test_server_sends_the_policy_that_the_build_wrote(isolated: str, path: str) -> None:
    """No script runs but those of the site: of those in its pages, each by its hash."""
    _, headers, _ = ask(isolated, path)
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    sources = policy["script-src"].split()
    assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'"
    assert {*sources[:2]} == {"'self'", "'wasm-unsafe-eval'"}
    assert all(source.startswith("'sha256-") for source in sources[2:]) and len(sources) < 25
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "Content-Security-Policy" not in ask(isolated, "/lite/lab/index.html")[1]
    assert max(map(len, headers.values())) < 1900  # a line that hosts read


def test_script_that_gets_into_a_page_does_not_run(isolated: str, browser: Browser) -> None:
    """In a tag, in a link, or in an attribute; what the theme's buttons do, they still do."""
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script("window.print = () => { window.printed = true; }")
        page.goto(f"{isolated}/nbs/xor.html", wait_until="networkidle")
        assert not re.search(r"\son[a-z]+=\"", page.content())
        page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.pwned = 1";
            const link = document.createElement("a");
            link.href = "javascript:window.pwned = 2";
            const image = document.createElement("div");
            image.innerHTML = "<img src=none onerror='window.pwned = 3'>";
            document.body.append(script, link, image);
            link.click();
        }""")
        page.wait_for_timeout(500)
        assert page.evaluate("window.pwned") is None
        page.get_by_role("button", name="Download this page").click()
        page.get_by_role("button", name=".pdf").click()
        assert page.evaluate("window.printed")


def test_server_answers_its_own_names_only(isolated: str) -> None:
    """Under another name it would be another site's page that asks."""
    assert ask(isolated, "/nbs/xor.html", Host="evil.example:8000")[0] == 421
    for name in ("localhost:8000", "127.0.0.1", "[::1]:80", "LOCALHOST"):
        assert ask(isolated, "/nbs/xor.html", Host=name)[0] == 200


@pytest.mark.parametrize("path", ["/nbs/xor.html", "/_static/pyodide/python_stdlib.zip"])
def test_server_sends_a_file_once(isolated: str, path: str) -> None:
    """Compressed ones came anew each time."""
    status, headers, body = ask(isolated, path, Accept_Encoding="gzip")
    assert status == 200 and len(body) > 1000
    asked = {"If_None_Match": headers["ETag"]} if "ETag" in headers else {}
    asked = asked or {"If_Modified_Since": headers["Last-Modified"]}
    status, _, body = ask(isolated, path, Accept_Encoding="gzip", **asked)
    assert (status, body) == (304, b"")
    assert ask(isolated, path, Accept_Encoding="gzip", If_None_Match='"other"')[0] == 200


def test_server_survives_a_name_that_no_file_can_have(isolated: str) -> None:
    """It broke the connection, and printed a traceback in the reader's terminal."""
    assert ask(isolated, "/index.html%00")[0] == 404


def test_server_lists_no_folder_and_follows_no_link_out_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("private", encoding="utf-8")
    site = tmp_path / "site"
    (site / "folder").mkdir(parents=True)
    (site / "index.html").write_text("home", encoding="utf-8")
    try:
        (site / "link.txt").symlink_to(tmp_path / "outside.txt")
    except OSError:
        pytest.skip("no symbolic links here")
    with serve.served(site, serve.Handler) as address:
        assert ask(address, "/")[2] == b"home"
        assert ask(address, "/folder/")[0] == ask(address, "/link.txt")[0] == 404


@pytest.mark.parametrize("address", ["none.html", "a/none.html", "a/b/c/none.html", "nbs/a/none"])
def test_lost_reader_is_led_back_from_any_depth(
    isolated: str, browser: Browser, html: Path, address: str
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{isolated}/{address}")
        links = page.evaluate("[...document.links].map(link => link.href)")
        assert len(links) == 3
        assert all((html / link.removeprefix(f"{isolated}/")).exists() for link in links)


def test_excerpts_of_a_search_have_no_signs_of_tex(isolated: str, browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{isolated}/search.html?q=momentum")
        wait_until(page, "document.querySelectorAll('#search-results p.context').length > 3")
        assert not re.search(r"\\[(\[]", page.locator("#search-results").inner_text())
