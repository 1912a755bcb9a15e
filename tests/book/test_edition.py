"""The reader's edition: accessible, its names and exercises at work, and what is around pages."""

from __future__ import annotations

import importlib
import os
import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup, SoupStrainer
from playwright.sync_api import Browser
from waiting import wait_until, watch

from nnbook.notebook import directives, names
from nnbook.notebook import scan as scan_module
from nnbook.site import fixes, links

ROOT = Path(__file__).parents[2]
TOC = (ROOT / "_toc.yml").read_text("utf-8")
CHAPTERS = [
    ROOT / "nbs" / f"{name}.ipynb"
    for part in re.findall(r"numbered: true\n +chapters:\n((?: +- file: .*\n)+)", TOC)
    for name in re.findall(r"nbs/(\w+)$", part, re.M)
]
# which looks back, and asks nothing
WITH_EXERCISES = [path for path in CHAPTERS if path.stem != "lessons"]
PAGES = [f"nbs/{name}.html" for name in re.findall(r"nbs/(\w+)$", TOC, re.M)]
OTHERS = [
    "404.html",
    "genindex.html",
    "py-modindex.html",
    "search.html",
    "_modules/nnlib/layers.html",
]
STYLED = """() => document.readyState === 'complete'
    && [...document.querySelectorAll('link[rel=stylesheet]')].every(link => link.sheet)"""
CUT = """() => {
    const cut = [];
    const parts = "article :is(pre, table, figure, img, svg, mjx-math, .cell_output)";
    for (const part of document.querySelectorAll(parts)) {
        const { left, width } = part.getBoundingClientRect();
        if (!width) continue;
        const inner = part.matches("svg, mjx-math") ? 0 : part.scrollWidth;
        const right = left + Math.max(width, inner);
        for (let box = part; box; box = box.parentElement) {
            const page = box === document.documentElement;
            if (!page && getComputedStyle(box).overflowX === "visible") continue;
            const start = page ? 0 : box.getBoundingClientRect().left;
            if (left < start - 1 || right > start + box.offsetWidth + 1) {
                const text = (part.textContent || part.alt || "").trim().slice(0, 60);
                cut.push(`${part.localName} of ${Math.round(right - left)} px: ${text}`);
                break;
            }
        }
    }
    return cut;
}"""
WRAPPED = """() => [...document.querySelectorAll("article .cell_input pre")].filter(pre => {
    const style = getComputedStyle(pre);
    const [top, bottom, line] = [style.paddingTop, style.paddingBottom, style.lineHeight]
        .map(parseFloat);
    const lines = pre.textContent.trimEnd().split("\\n").length;
    return pre.clientHeight && pre.clientHeight - top - bottom > (lines + 0.5) * line;
}).map(pre => pre.textContent.trim().slice(0, 60))"""
NOT_FOUND = "Failed to load resource: the server responded with a status of 404 (Not Found)"
TYPESET = """() => document.querySelectorAll('.math mjx-container').length
    >= document.querySelectorAll('.math').length"""


# ---------------------------------------------------------------- for everyone
DESK, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
CONTRAST = {"runOnly": ["color-contrast"]}
REST = {"rules": {"color-contrast": {"enabled": False}}}
PASSES = [
    ("light", DESK, None, REST),
    ("light", DESK, {"include": ["[data-look]"]}, CONTRAST),
    ("dark", DESK, {"include": ["[data-look]"]}, CONTRAST),
    ("light", PHONE, None, REST),
]

# axe judges the contrast of each text by itself, and there are thousands on a page: of those that
# look alike in both themes, with all that they stand in, three are marked. Tokens of code that are
# not become plain text, and of formulas three of each kind stay. A single character is not judged
FEW_OF_EACH = """() => {
  for (const kind of ["div", "span"])
    [...document.querySelectorAll(`${kind}.math > mjx-container`)].slice(3).forEach(
      (formula) => formula.remove());
  const own = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 1;
  const shown = (part) => part.checkVisibility({ visibilityProperty: true });
  const texts = [...document.body.querySelectorAll("*:not(script, style, mjx-container *)")]
    .filter((part) => shown(part) && [...part.childNodes].some(own));
  const looks = texts.map(() => "");
  for (const theme of ["dark", "light"]) {
    document.documentElement.dataset.theme = theme;
    const grounds = new Map([[null, ""]]);
    const ground = (part) => {
      if (!grounds.has(part)) {
        const { backgroundColor, backgroundImage, opacity, filter } = getComputedStyle(part);
        const own = [backgroundColor, backgroundImage, opacity, filter].join(" ");
        grounds.set(part, `${own} | ${ground(part.parentElement)}`);
      }
      return grounds.get(part);
    };
    texts.forEach((text, i) => {
      const { color, fontSize, fontWeight } = getComputedStyle(text);
      looks[i] += ` | ${color} ${fontSize} ${fontWeight} | ${ground(text)}`;
    });
  }
  const seen = new Map();
  texts.forEach((text, i) => {
    seen.set(looks[i], (seen.get(looks[i]) ?? 0) + 1);
    if (seen.get(looks[i]) <= 3) text.dataset.look = "";
  });
  for (const token of document.querySelectorAll("pre span[class]:not([data-look], [id], a *)"))
    if (!token.childElementCount) token.replaceWith(...token.childNodes);
  document.querySelectorAll("pre").forEach((block) => block.normalize());
}"""


@pytest.mark.parametrize("page", [*PAGES, *OTHERS])
def test_page_has_no_error_and_is_accessible(isolated: str, browser: Browser, page: str) -> None:
    """Everything comes from the site itself, nothing fails or is refused by the policy for
    scripts, every formula is typeset. With all that is folded opened, every piece of code, table,
    figure and formula is whole on a phone and on a desk, where no line of code is wrapped, and
    axe-core finds nothing serious or critical, in either theme and on a phone.
    """
    context = browser.new_context(color_scheme="dark", reduced_motion="reduce", viewport=PHONE)
    tab = context.new_page()
    tab.set_default_timeout(180_000)  # hundreds of formulas, and a machine that may be busy
    problems = watch(tab, isolated)
    tab.goto(f"{isolated}/{page}", wait_until="networkidle")
    wait_until(tab, STYLED, seconds=180)
    wait_until(tab, TYPESET, seconds=180)
    assert tab.evaluate("document.querySelectorAll('mjx-merror, [data-mjx-error]').length") == 0
    tab.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert tab.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
    assert tab.evaluate(CUT) == []
    tab.set_viewport_size(DESK)
    assert tab.evaluate(CUT) + tab.evaluate(WRAPPED) == []
    if page == "404.html":  # which is sent with this status
        problems.remove(NOT_FOUND)
    assert problems == []
    tab.evaluate(FEW_OF_EACH)
    found = []
    for theme, size, parts, options in PASSES:
        tab.set_viewport_size(size)
        tab.emulate_media(color_scheme=theme)
        tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        tab.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        for problem in (
            Axe()
            .run(tab, parts, {"resultTypes": ["violations"], **options})
            .response["violations"]
        ):
            if problem["impact"] in ("serious", "critical"):
                found += [
                    (theme, size["width"], problem["id"], node["html"][:100])
                    for node in problem["nodes"]
                ]
    context.close()
    assert found == []


def luminance(color: tuple[float, ...]) -> float:
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in color
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def in_the_dark(red: float, green: float, blue: float) -> tuple[float, ...]:
    """What a dark page makes of a color of a figure: invert(.93) hue-rotate(180deg)."""
    r, g, b = (0.93 - 0.86 * part for part in (red, green, blue))
    turned = (
        -0.574 * r + 1.43 * g + 0.144 * b,
        0.426 * r + 0.43 * g + 0.144 * b,
        0.426 * r + 1.43 * g - 0.856 * b,
    )
    return tuple(min(1.0, max(0.0, part)) for part in turned)


def test_colors_of_figures_can_be_read_on_both_grounds() -> None:
    """Labels are drawn in the colors of lines, so each has a contrast of 4.5 with the page."""
    rules = (ROOT / "nbs/_ext/nnbook/matplotlibrc").read_text("utf-8")
    css = (ROOT / "nbs/_ext/nnbook/static/book.css").read_text("utf-8")
    assert "filter: invert(.93) hue-rotate(180deg)" in css
    colors = re.findall(r'"([0-9A-F]{6})"', rules)
    assert len(colors) == 7
    for color in colors:
        rgb = tuple(int(color[i : i + 2], 16) / 255 for i in (0, 2, 4))
        assert contrast(rgb, (1, 1, 1)) >= 4.5, color
        assert contrast(in_the_dark(*rgb), (0x12 / 255,) * 3) >= 4.5, color


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_button_that_leads_back_to_the_top_can_be_read(
    server: str, browser: Browser, theme: str
) -> None:
    """On a phone it comes when a reader scrolls up: a page that was just opened has none."""
    context = browser.new_context(reduced_motion="reduce", viewport=PHONE)
    tab = context.new_page()
    tab.goto(f"{server}/nbs/xor.html", wait_until="networkidle")
    wait_until(tab, TYPESET)
    tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    for place in 4000, 3000:
        tab.evaluate(f"scrollTo({{ top: {place}, behavior: 'instant' }})")
        tab.wait_for_timeout(300)
    button = tab.locator("#pst-back-to-top")
    button.wait_for()
    for _ in range(2):  # and once more with the mouse on it
        colors = button.evaluate(
            "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
        )
        text, ground = (
            [int(part) / 255 for part in re.findall(r"\d+", one)[:3]] for one in colors
        )
        assert contrast((*text,), (*ground,)) >= 4.5, colors
        button.hover()
    context.close()


def test_keyboard_skips_to_the_text_and_shows_where_it_is(server: str, browser: Browser) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{server}/nbs/xor.html", wait_until="networkidle")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    # it comes into sight when it is reached
    tab.wait_for_function("document.activeElement.getBoundingClientRect().top >= 0")
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#main-content"
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.querySelector('#main-content').contains(document.activeElement)")
    for _ in range(12):
        tab.keyboard.press("Tab")
        style = tab.evaluate(
            "(({outlineStyle, outlineWidth, boxShadow}) =>"
            " [outlineStyle, outlineWidth, boxShadow])"
            "(getComputedStyle(document.activeElement))"
        )
        assert (style[0] != "none" and style[1] != "0px") or style[2] != "none", tab.evaluate(
            "document.activeElement.outerHTML"
        )
    context.close()


def test_text_of_a_page_is_mended() -> None:
    assert fixes.mend('<div role="doc-biblioentry">') == '<div role="listitem">'
    assert (
        fixes.mend('<th class="head"><p></p></th><th class="head"><p>x</p></th>')
        == '<td class="head"></td><th class="head"><p>x</p></th>'
    )
    formula = r'<span class="math notranslate nohighlight">\(x\)</span>'
    for beside in f"{formula}:", f"({formula}", f"({formula}),":
        assert fixes.mend(f"of {beside} or") == f'of <span class="nnbook-glued">{beside}</span> or'
    assert fixes.mend(f"of {formula} or") == f"of {formula} or"


# ---------------------------------------------------------------- names
def notebook(path: Path, *sources: str) -> Path:
    kernel = {"kernelspec": {"name": "python3", "display_name": "python3"}}
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=[*map(nbformat.v4.new_code_cell, sources)], metadata=kernel
        ),
        path,
    )
    return path


@pytest.fixture
def index(tmp_path: Path) -> names.Index:
    """Two chapters: one defines, the other uses, in all the ways there are."""
    one = notebook(
        tmp_path / "one.ipynb",
        "#| default_exp layers",
        '#| export\nclass Dense:\n    """A layer."""\n\ndef run(x):\n    return Dense()',
        "#| export\nRNG: type = int\n_own = 1",
        "#| hide\n#| export\nhidden = 1",
        "Dense(run)",
        "#| exporti\ndef part():\n    return run(1)",
    )
    two = notebook(
        tmp_path / "two.ipynb",
        "from nnlib import Dense\nimport nnlib.layers as L",
        "é = Dense(); L.run(é)",
        "def f(run, Dense):\n    return run(Dense)",
        "[Dense for Dense in (1, 2)]",
        "#| hide\nL.RNG",
        "%magic",
        "Dense = 1\nDense",
    )
    return names.read_index({"one": one, "two": two}, "nnlib")


def test_names_are_found_where_they_are_defined(index: names.Index) -> None:
    public = ["nnlib.layers.Dense", "nnlib.layers.run", "nnlib.layers.RNG"]
    assert {name: found.docname for name, found in index.definitions.items()} == dict.fromkeys(
        [*public, "nnlib.layers.part"], "one"
    )
    assert [name for name, found in index.definitions.items() if found.public] == public
    assert index.definitions["nnlib.layers.Dense"].summary == "A layer."
    assert index.pages["one"][1].defined == {
        (0, 6): "nnlib.layers.Dense",
        (3, 4): "nnlib.layers.run",
    }


def test_uses_are_told_from_names_that_only_look_alike(index: names.Index) -> None:
    """Arguments, loop variables and names that got another value are not the exported ones."""
    dense, run = "nnlib.layers.Dense", "nnlib.layers.run"
    assert index.pages["one"][1].used == {(4, 11): dense}
    assert index.pages["one"][4].used == {(0, 0): dense, (0, 6): run}
    assert [cell.used for cell in index.pages["two"]] == [
        {(0, 18): dense},
        {(0, 4): dense, (0, 15): run},
        {},
        {},
        {(0, 2): "nnlib.layers.RNG"},
        {},
        {},
    ]
    assert index.pages["two"][1].methods == {}
    assert (index.users(dense), index.users(run), index.users("nnlib.layers.RNG")) == (
        ["two"],
        ["two"],
        [],
    )


def test_methods_are_those_of_the_class_of_an_object(index: names.Index) -> None:
    scan = index.scan("two")
    found = [
        scan.read(scan_module.Cell(code), "").methods
        for code in (
            "from nnlib import Dense",
            "x = Dense()\nx.forward(1)",
            "Dense().run",
            "x = 1\nx.forward",
            "y.forward",
        )
    ]
    assert found == [
        {},
        {(1, 2): "nnlib.layers.Dense.forward"},
        {(0, 8): "nnlib.layers.Dense.run"},
        {},
        {},
    ]


def test_names_in_highlighted_code_become_links() -> None:
    code = (
        '<div><pre><span></span><span class="nd">@a.b</span>\n<span class="n">x</span> '
        '<span class="o">&lt;</span> <span class="n">b</span></pre></div>'
    )
    link = "m.b", {"href": "p.html#m.b"}
    assert links.add_links(code, {(1, 4): link}) == code.replace(
        '<span class="n">b</span>',
        '<span class="n"><a class="nnbook-name" href="p.html#m.b" title="m.b">b</a></span>',
    )
    # another name, or part of one
    assert links.add_links(code, {(1, 0): link, (0, 3): link}) == code


def test_index_lists_every_exported_name_and_each_leads_to_its_line(html: Path) -> None:
    listed = set(
        re.findall(
            r'href="\w+\.html#def-(nnlib\.[\w.]+)"',
            (html / "nbs" / "names.html").read_text("utf-8"),
        )
    )
    index = names.read_index(
        {f"nbs/{path.stem}": path for path in [*CHAPTERS, ROOT / "nbs" / "package.ipynb"]}, "nnlib"
    )
    assert listed == {name for name, found in index.definitions.items() if found.public}
    for module in {name.rpartition(".")[0] for name in listed}:
        offered = {f"{module}.{name}" for name in importlib.import_module(module).__all__}
        assert {name for name in listed if name.rpartition(".")[0] == module} <= offered
    shown: dict[str, str] = {}
    for docname in {found.docname for found in index.definitions.values()}:
        page = BeautifulSoup(
            (html / f"{docname}.html").read_text("utf-8"),
            "html.parser",
            parse_only=SoupStrainer(id=re.compile("^def-")),
        )
        shown |= {mark["id"]: mark.get_text() for mark in page.select('[id^="def-"]')}
    for name in index.definitions:
        assert shown[f"def-{name}"] == name.rpartition(".")[2]


def test_every_use_in_code_leads_to_the_definition(html: Path) -> None:
    index = names.read_index({f"nbs/{path.stem}": path for path in CHAPTERS}, "nnlib")
    for docname, found in index.pages.items():
        page = BeautifulSoup((html / f"{docname}.html").read_text("utf-8"), "html.parser")
        found_links = [
            link["href"].partition("#")[2]
            for link in page.select(".cell_input pre a[href*='#def-']")
        ]
        uses = [f"def-{name}" for cell in found if cell.visible for name in cell.used.values()]
        missing = [use for use in set(uses) if found_links.count(use) < uses.count(use)]
        assert missing == [], docname


# ---------------------------------------------------------------- exercises
def test_checks_of_an_exercise_are_taken_out_of_its_solution() -> None:
    solution = (
        "x = [\n    1]\nassert x == [\n    1]  # one\nfor y in x:\n    assert y\ncheck(x, 1)"
    )
    assert directives.checks_of(solution) == "assert x == [\n    1]  # one\ncheck(x, 1)"
    assert directives.checks_of("for y in x:\n    print(y)\n    assert y") == "assert y"


@pytest.mark.parametrize("chapter", WITH_EXERCISES, ids=lambda path: path.stem)
def test_every_solution_stands_beside_its_check(html: Path, chapter: Path) -> None:
    page = (html / "nbs" / f"{chapter.stem}.html").read_text("utf-8")
    assert page.count("Check an answer") == page.count("Hide the solution") >= 3


@pytest.mark.parametrize("chapter", WITH_EXERCISES, ids=lambda path: path.stem)
def test_exercises_can_be_cited(html: Path, chapter: Path) -> None:
    """Each has a place under its number."""
    page = (html / "nbs" / f"{chapter.stem}.html").read_text("utf-8")
    numbers = [int(number) for number in re.findall(r'id="exercise-(\d+)"', page)]
    assert numbers == [*range(1, len(numbers) + 1)]
    assert len(numbers) >= 3


@pytest.mark.parametrize("chapter", WITH_EXERCISES, ids=lambda path: path.stem)
def test_exercises_go_from_easy_to_hard(chapter: Path) -> None:
    """And each says how hard it is."""
    cells = nbformat.read(chapter, 4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    found = [re.search(r"^\*\*\d+\. .+?\*\* *\(?([-a-z]+)?", text, re.M) for text in texts]
    marks = [match[1] for match in found if match]
    assert marks == sorted(marks, key=["warm-up", "core", "hard"].index)
    assert len(marks) >= 3


# ---------------------------------------------------------------- around the pages
def test_links_to_elsewhere_are_well_formed(html: Path) -> None:
    """Each is https, has a host with a name, and no blank or stray mark; `_build/links.txt` lists
    them for a look.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for path in html.rglob("*.html"):
        if not {"_static", "lite"} & {*path.relative_to(html).parts}:
            for link in BeautifulSoup(path.read_text("utf-8"), "html.parser").select("a[href]"):
                if urlsplit(str(link["href"])).scheme:
                    found[str(link["href"])].add(path.name)
    (ROOT / "_build" / "links.txt").write_text(
        "\n".join(f"{url}  {' '.join(sorted(where))}" for url, where in sorted(found.items())),
        "utf-8",
    )
    for url in found:
        parts = urlsplit(url)
        assert parts.scheme == "https", url
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), url
        assert not re.search(r"[\s<>\"{}|\\^`]|[.,;:]$", url) and url.count("(") == url.count(
            ")"
        ), url
        if parts.netloc == "doi.org":
            assert re.fullmatch(r"/10\.\d{4,9}/\S+", parts.path), url


@pytest.mark.parametrize(
    "address", ["nbs/none.html", "none.html", "_modules/nnlib/none.html", "book/nbs/none.html"]
)
def test_lost_reader_is_led_back(html: Path, server: str, browser: Browser, address: str) -> None:
    """At whatever address a host shows the page, also under a prefix, its links lead into the
    book.
    """
    tab = browser.new_page()
    tab.route(f"**/{address}", lambda route: route.fulfill(path=html / "404.html", status=200))
    tab.goto(f"{server}/{address}")
    root = f"{server}/" + ("book/" if address.startswith("book/") else "")
    links = tab.evaluate("[...document.links].map(link => link.href)")
    tab.close()
    assert len(links) == 3 and all((html / link.removeprefix(root)).exists() for link in links)


def test_pages_name_an_address_only_if_the_book_has_one(html: Path) -> None:
    """Where none was set, nothing leads to an account that is not ours: no canonical link, no
    card.
    """
    base = os.environ.get("BASEURL", "").rstrip("/")
    for name in PAGES:
        page = BeautifulSoup((html / name).read_text("utf-8"), "html.parser")
        named = [tag["href"] for tag in page.select("link[rel=canonical]")]
        named += [tag["content"] for tag in page.select("meta[property='og:url']")]
        assert named == ([f"{base}/{name}"] * 2 if base else []), name
        assert bool(page.select("meta[property^='og:'], meta[name^='twitter:']")) == bool(base), (
            name
        )
        assert len(str(page.select_one("meta[name=description]")["content"])) > 20, name


@pytest.mark.parametrize("page", PAGES[1:-1])
def test_page_leads_on_and_back_and_can_be_downloaded(html: Path, page: str) -> None:
    soup = BeautifulSoup((html / page).read_text("utf-8"), "html.parser")
    assert soup.select_one("a.left-prev[href]") and soup.select_one("a.right-next[href]")
    source = soup.select_one("a.btn-download-source-button")
    assert source is not None and (html / page).parent.joinpath(str(source["href"])).exists()
