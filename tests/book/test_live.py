"""The live page, in a real browser that reaches nothing but this machine: chapters run there as in
the book.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect
from waiting import PATIENCE, alone, settled, wait_until, watch

from nnbook.live import live, pyodide
from nnbook.site import page_weight

ROOT = Path(__file__).parents[2]
NOTEBOOKS = re.findall(r"nbs/(\w+)$", (ROOT / "_toc.yml").read_text("utf-8"), re.M)
CHAPTERS = [
    name
    for name in NOTEBOOKS
    if (path := ROOT / "nbs" / f"{name}.ipynb").exists()
    and live.shows(live.live_cells(path.read_text("utf-8")))
]
UNFOLD = "document.querySelectorAll('details').forEach((element) => (element.open = true))"


# ---------------------------------------------------------------- what the site holds
def cell(source: str) -> dict:
    return {"cell_type": "code", "id": "a", "metadata": {}, "source": source}


def test_cell_runs_in_the_page_as_its_directives_say() -> None:
    assert live.live_cell(cell("#| hide\nx = 1\n")) == {
        "id": "a",
        "hidden": True,
        "source": "x = 1",
    }
    assert live.live_cell(cell("#| default_exp layers")) is None
    assert live.live_cell(cell("#| eval: false\nx = 1")) is None
    short = live.live_cell(cell("#| live: epochs=800 -> epochs=3\nfit(epochs=800)"))
    assert short["source"] == "fit(epochs=3)" and "epochs=800 has become epochs=3" in short["note"]
    twice = live.live_cell(cell("#| live: 800 -> 3\n#| live: seed=1 -> seed=2\nfit(800, seed=1)"))
    assert twice["source"] == "fit(3, seed=2)"
    assert "800 has become 3; seed=1 has become seed=2" in twice["note"]
    skipped = live.live_cell(cell("#| hide\n#| live-skip: It starts a process.\nx = 1"))
    assert skipped["skip"] and "It starts a process." in skipped["note"]
    assert live.live_cell(cell("#| live-note: No warnings.\nx = 1"))["note"] == "No warnings."


@pytest.mark.parametrize("text", ["epochs=80 -> epochs=3", "epochs=800", "-> 3"])
def test_shortening_that_replaces_nothing_is_refused(text: str) -> None:
    with pytest.raises(live.ExtensionError, match="expected 'old -> new'"):
        live.live_cell(
            cell(
                f"#| live: {text}\nfit(epochs=800)".replace(
                    "=800)", "=100)" if "->" in text else "=800)"
                )
            )
        )


def test_data_of_a_chapter_is_what_it_names(tmp_path: Path) -> None:
    images, run = (
        tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz",
        tmp_path / "runs" / "autoencoder.npz",
    )
    assert live.needs("X, y = load_mnist()", images) and not live.needs(
        "from nnlib import load_mnist", images
    )
    assert live.needs('load(data_folder() / "runs" / "autoencoder.npz")', run) and not live.needs(
        "load_mnist()", run
    )


def test_file_of_pyodide_with_another_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="expected SHA-256"):
        pyodide.check("pyodide.mjs", b"something else")


def test_folder_named_for_pyodide_must_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is named and not complete is an error; a download that is missing is none."""
    app = type("App", (), {"confdir": tmp_path})
    monkeypatch.delenv("NNLIB_PYODIDE", raising=False)
    assert live.pyodide_folder(app) is None
    monkeypatch.setenv("NNLIB_PYODIDE", str(tmp_path))
    with pytest.raises(live.ExtensionError, match="NNLIB_PYODIDE"):
        live.pyodide_folder(app)


@pytest.fixture(scope="session")
def published(html: Path) -> Path:
    folder = html / "_static" / "pyodide"
    if not folder.exists():
        pytest.fail(
            "Pyodide is not in this build: `make book` with a network, or with NNLIB_PYODIDE"
        )
    return folder


def test_site_holds_pyodide_as_it_was_published_with_its_licences(published: Path) -> None:
    for name, expected in pyodide.FILES.items():
        assert hashlib.sha256((published / name).read_bytes()).hexdigest() == expected, name
    text = (published / "licences.txt").read_text("utf-8")
    wheels = [name for name in pyodide.FILES if name.endswith(".whl")]
    assert "Mozilla Public License 2.0" in text and all(name in text for name in wheels)


def test_package_in_the_page_is_this_checkout(published: Path) -> None:
    entry = json.loads((published / "pyodide-lock.json").read_text("utf-8"))["packages"]["nnlib"]
    assert (
        hashlib.sha256((published / entry["file_name"]).read_bytes()).hexdigest()
        == entry["sha256"]
    )
    with zipfile.ZipFile(published / entry["file_name"]) as wheel:
        modules = {
            name: wheel.read(name)
            for name in wheel.namelist()
            if re.fullmatch(r"nnlib/\w+\.py", name)
        }
    assert modules == {
        f"nnlib/{path.name}": path.read_bytes()
        for path in (ROOT / "nnlib").glob("*.py")
        if path.name != "_modidx.py"  # nbdev's own, not shipped
    }


def test_download_holds_the_notebooks_and_a_package_that_installs(
    html: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(html / "_static" / "nnlib-notebooks.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "nnlib-notebooks"
    found = {path.name: path.read_bytes() for path in folder.glob("*.ipynb")}
    assert found == {path.name: path.read_bytes() for path in (ROOT / "nbs").glob("*.ipynb")}
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "--no-deps",
    ]
    subprocess.run(
        [*pip, "--target", tmp_path / "installed", next(folder.glob("*.whl"))], check=True
    )
    command = "import nnlib; print(nnlib.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", command],
        check=True,
        cwd=tmp_path / "installed",
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "installed" / "nnlib" / "__init__.py")


def test_site_without_what_live_pages_need_is_small(html: Path) -> None:
    """Less than 30 MB."""
    static = html / "_static"
    only_live = (static / "pyodide", static / "data", static / "editions", html / "lite")
    pages = "".join(path.read_text("utf-8") for path in html.glob("**/*.html"))
    files = [
        path
        for path in html.rglob("*")
        if path.is_file()
        and not any(map(path.is_relative_to, only_live))
        and (path.parent.name != "_images" or path.name in pages)  # of this build
    ]
    assert sum(path.stat().st_size for path in files) < 30e6


def test_figures_wait_and_have_their_size(tmp_path: Path) -> None:
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "a.svg").write_text(
        '<svg xmlns="x" width="30pt" height="15pt">', encoding="utf-8"
    )
    page = (
        '<script src="../fontawesome/6/js/all.min.js?d=1"></script>'
        '<img alt="A" src="_images/a.svg"/>'
    )
    builder = SimpleNamespace(srcdir=tmp_path, images={"_images/a.svg": "a.svg"})
    attributes = 'loading="lazy" width="40" height="20" style="--width: 40px" alt="A"'
    assert page_weight.lighten(page, builder) == f'<img {attributes} src="_images/a.svg"/>'


# ---------------------------------------------------------------- in the browser
@pytest.fixture(autouse=True)
def needs_pyodide(request: pytest.FixtureRequest) -> None:
    """What is looked at in the browser needs Python there."""
    if "browser" in request.fixturenames:
        request.getfixturevalue("published")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def make_live(page: Page, address: str) -> None:
    page.goto(address, wait_until="networkidle")
    page.get_by_role("button", name="Make this page live").click()
    expect(page.get_by_role("region", name="Live page")).to_be_visible()


def status(page: Page, text: str | re.Pattern[str], timeout: float = PATIENCE) -> None:
    expect(page.locator(".nnbook-live-status")).to_have_text(text, timeout=timeout)


def write(page: Page, number: int, code: str) -> None:
    page.get_by_label(f"Code of cell {number}", exact=True).fill(code)


def run(page: Page, number: int) -> None:
    page.get_by_role("button", name=f"Run cell {number}", exact=True).click()


def printed(page: Page) -> dict[str, str]:
    """What stands under each cell that is shown, by the cell's class."""
    page.evaluate(UNFOLD)
    return page.evaluate("""Object.fromEntries([...document.querySelectorAll(".cell")].map(cell =>
        [[...cell.classList].find((name) => name.startsWith("live-")),
         [...cell.querySelectorAll(".cell_output > :not(figure)")]
            .map((output) => output.innerText).join("\\n")]))""")


NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d*)?(?:e[-+]?\d+)?")


def split(text: str) -> tuple[str, list[str]]:
    """Part the words of a text from its numbers."""
    text = re.sub(r"\bint(32|64)\b", "int", text)  # 32 bits are the default in WebAssembly
    text = text.translate(str.maketrans("‘’“”−", "''\"\"-"))
    return " ".join(NUMBER.sub("#", text).split()), [
        number.replace(",", "") for number in NUMBER.findall(text)
    ]


def same(book: str, page: str) -> bool:
    """Whether two texts have the same words, and numbers that differ by one in the last digit at
    most.

    Rounding errors, all below 1e-7, are equal to each other.
    """
    (words, numbers), (others, found) = split(book), split(page)
    if words != others:
        return False
    for one, two in zip(numbers, found):
        unit = Decimal(1).scaleb(Decimal(one).as_tuple().exponent)
        if (
            abs(Decimal(one) - Decimal(two)) > unit
            and max(abs(float(one)), abs(float(two))) > 1e-7
        ):
            return False
    return True


def test_comparison_sees_another_digit_and_another_word() -> None:
    assert same("loss 0.2469, off by 3e-16", "loss 0.2470, off by  4e-16") and same(
        "1,880 epochs", "1,881 epochs"
    )
    assert (
        not same("loss 0.2469", "loss 0.2471")
        and not same("passed", "failed")
        and not same("1 2", "1")
    )
    assert not same("off by 3e-05", "off by 5e-05")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_runs_in_the_page_as_in_the_book(
    isolated: str, html: Path, context: BrowserContext, chapter: str
) -> None:
    """All its cells, hidden ones too: no error, the same results, every figure drawn anew, nothing
    from elsewhere.

    Before the click the page asks for less than 1 MB, and for nothing of Python.
    """
    page = context.new_page()
    problems = watch(page, isolated)
    answers: list[tuple[str, int]] = []
    page.on(
        "response",
        lambda answer: answers.append((answer.url, int(answer.headers.get("content-length", 0)))),
    )
    page.goto(f"{isolated}/nbs/{chapter}.html", wait_until="networkidle")
    assert not [
        url for url, _ in answers if "pyodide" in url or "kernel" in url or "/data/" in url
    ]
    assert 100_000 < sum(size for _, size in answers) < 1_000_000
    before = printed(page)
    page.get_by_role("button", name="Make this page live").click()
    expect(page.get_by_role("region", name="Live page")).to_be_visible()
    page.get_by_role("button", name="Run all cells").click()
    status(page, re.compile("^(Done|Cell .* failed|Python broke)"), timeout=5 * PATIENCE)
    assert page.locator(".traceback, .nnbook-live-warning pre").all_text_contents() == []
    status(page, "Done")
    cells = json.loads((html / "nbs" / f"{chapter}.live.json").read_text("utf-8"))["cells"]
    noted = {f"live-{cell['id']}" for cell in cells if "note" in cell}
    after = printed(page)
    assert before.keys() == after.keys()
    assert {
        key: (before[key], after[key])
        for key in before
        if key not in noted and not same(before[key], after[key])
    } == {}
    skipped = [f"live-{cell['id']}" for cell in cells if cell.get("skip")]
    old = page.locator(".cell").evaluate_all(
        """(cells, skipped) => cells
        .filter((cell) => !skipped.some((name) => cell.classList.contains(name)))
        .flatMap((cell) => [...cell.querySelectorAll(".cell_output figure img")])
        .filter((image) => !image.src.startsWith("blob:"))
        .map((image) => image.alt)""",
        skipped,
    )
    assert old == []
    wait_until(
        page,
        "[...document.querySelectorAll('img[src^=\"blob:\"]')].every("
        "(image) => (image.loading = 'eager') && image.naturalWidth > 100)",
    )
    assert problems == []


BOOK = {
    "cells": [
        {"hidden": True, "source": "secret = 42"},
        {"hidden": False, "source": "print('sum', secret + 1)"},
        {"hidden": True, "source": "assert secret == 42"},
        {"hidden": False, "source": "x = 7\nx"},
        {
            "hidden": False,
            "source": "skipped = True",
            "skip": True,
            "note": "Does not run by itself in the page. It is long.",
        },
        {"hidden": True, "source": "assert 'skipped' not in globals()"},
        {"hidden": False, "source": "print(x * secret)"},
    ],
    "data": ["data/mnist/t10k-labels-idx1-ubyte.gz"],
}


@pytest.fixture(scope="module")
def shared(isolated: str, html: Path, browser: Browser) -> Iterator[Page]:
    """A live page for several tests."""
    context = browser.new_context()
    yield open_small(context, isolated, html)
    context.close()


@pytest.fixture
def small(shared: Page) -> Page:
    """The live page with the cells of BOOK as they were."""
    seen = [cell["source"] for cell in BOOK["cells"] if not cell["hidden"]]
    for number, source in enumerate(seen, 1):
        write(shared, number, source)
    shared.get_by_role("button", name="Run all cells").click()
    status(shared, "Done")
    return shared


def open_small(context: BrowserContext, server: str, html: Path) -> Page:
    """Make a chapter live with a few other cells in the places of its own."""
    cells = json.loads((html / "nbs" / "gradients.live.json").read_text("utf-8"))["cells"]
    shown, hidden = (
        [cell["id"] for cell in cells if cell["hidden"] is kind] for kind in (False, True)
    )
    small = [
        {**cell, "id": (hidden if cell["hidden"] else shown).pop(0)} for cell in BOOK["cells"]
    ]
    page = context.new_page()
    page.route("**/*.live.json", lambda route: route.fulfill(json={**BOOK, "cells": small}))
    make_live(page, f"{server}/nbs/gradients.html")
    page.evaluate(UNFOLD)
    return page


def output(page: Page, number: int):
    return page.locator(
        ".cell", has=page.get_by_label(f"Code of cell {number}", exact=True)
    ).locator(".cell_output")


def test_cell_runs_after_what_it_needs_and_can_be_edited(small: Page) -> None:
    """By keyboard: the cells above run first, hidden ones too; an edit changes the result; a
    failure is told in its place.
    """
    page = small
    write(page, 2, "x = 5\nx")
    write(page, 1, "print('sum', secret + 2)")
    run(page, 4)
    expect(output(page, 4)).to_have_text("210")
    expect(output(page, 1)).to_have_text("sum 44")
    expect(output(page, 2)).to_have_text("5")
    area = page.get_by_label("Code of cell 2", exact=True)
    area.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("for i in range(2):\nx = i + 9\nx")
    assert area.input_value() == "for i in range(2):\n    x = i + 9\n    x"
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("Delete")
    page.keyboard.press("Shift+Enter")
    expect(output(page, 2)).to_have_text("10")
    expect(page.get_by_label("Code of cell 3", exact=True)).to_be_focused()
    page.keyboard.press("Home")  # behind a name, Tab asks how it goes on
    page.keyboard.press("Tab")  # indents ...
    assert page.get_by_label("Code of cell 3", exact=True).input_value().startswith("    ")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # ... and leaves
    expect(page.get_by_role("button", name="Run cell 3", exact=True)).to_be_focused()
    write(page, 4, "1 / (x - 10)")
    run(page, 4)
    status(page, "Cell 4 failed")
    expect(output(page, 4)).to_contain_text('File "<cell 4>", line 1, in <module>')
    expect(output(page, 4)).to_contain_text("ZeroDivisionError: division by zero")
    assert (
        "kernel.py" not in output(page, 4).inner_text()
        and "nnbook_kernel" not in output(page, 4).inner_text()
    )


def test_hidden_check_that_fails_is_told_and_the_rest_runs(small: Page) -> None:
    page = small
    write(page, 1, "secret = 1\nprint('changed')")
    page.get_by_role("button", name="Run all cells").click()
    status(page, "Done; 1 hidden cell failed")
    warning = page.locator(".nnbook-live-warning")
    expect(warning).to_contain_text("something that the text says does not hold")
    expect(output(page, 4)).to_have_text("7")
    expect(page.locator(".nnbook-live-remark")).to_have_text(
        "Does not run by itself in the page. It is long."
    )
    write(page, 1, "print('sum', secret + 1)")
    page.get_by_role("button", name="Run all cells").click()
    status(page, "Done")
    expect(warning).to_have_count(0)


def test_results_of_every_kind_appear_in_their_order(small: Page) -> None:
    """Text, warnings, Markdown, figures; names are in place for what the book's cells import."""
    page = small
    write(
        page,
        1,
        """%config InlineBackend.figure_formats = ['svg']
import sys
import matplotlib.pyplot as plt
from IPython.display import Markdown, display
print("one & <two>")
print("late", file=sys.stderr)
table, code = "| a | b |\\n|:--|--:|\\n| `x` | 1 |", "```python\\na  = 1\\n\\nb = [2]\\n```"
display(Markdown(f"Some **bold** `code` <b>\\n\\n{table}\\n\\n{code}"))
plt.plot([1, 2])
plt.show()
fig, axes = plt.subplots(1, 2)
{"a": 1}""",
    )
    run(page, 1)
    status(page, "Done")
    kinds = output(page, 1).evaluate(
        "element => [...element.children].map((child) => child.className || child.tagName)"
    )
    assert kinds == [
        "output stream",
        "output stderr",
        "output text_markdown",
        "nnbook-live-figure",
        "output text_plain",
        "nnbook-live-figure",
    ]
    expect(output(page, 1).locator("th")).to_have_text(["a", "b"])
    assert output(page, 1).locator(".text_markdown pre").inner_text() == "a  = 1\n\nb = [2]\n"
    expect(output(page, 1).locator(".text_markdown p").first).to_have_text("Some bold code <b>")


def test_endless_cell_is_interrupted_and_variables_stay(small: Page) -> None:
    """The page answers while the cell runs, and shows what it prints at once."""
    page = small
    assert page.evaluate("crossOriginIsolated")
    write(page, 2, "x = 8\nprint('before')\nwhile True:\n    pass")
    run(page, 2)
    expect(output(page, 2)).to_contain_text("before")
    page.evaluate("""new Promise((resolve) => { let frames = 0;
        const tick = () => (frames++ < 30 ? requestAnimationFrame(tick) : resolve());
        requestAnimationFrame(tick); })""")
    status(page, re.compile("Running cell 2"))
    page.get_by_role("button", name="Stop the running cell").click()
    status(page, "Stopped")
    expect(output(page, 2)).to_contain_text("KeyboardInterrupt")
    write(page, 2, "x")
    run(page, 2)
    expect(output(page, 2)).to_have_text("8")


@pytest.fixture
def plain(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without service workers: nothing can isolate a page there that its host does not
    isolate.
    """
    context = browser.new_context(service_workers="block")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def test_endless_cell_is_interrupted_on_a_host_that_sends_no_headers(
    server: str, published: Path, context: BrowserContext
) -> None:
    """A service worker adds them: the page is loaded again, once, and goes on to what the reader
    wanted.
    """
    page = context.new_page()
    make_live(page, f"{server}/nbs/gradients.html")
    page.evaluate(UNFOLD)
    assert page.evaluate("crossOriginIsolated")
    number = int(
        page.locator(".nnbook-live-editor textarea").first.get_attribute("aria-label").split()[-1]
    )
    write(page, number, "x = 8\nwhile True:\n    pass")
    run(page, number)
    status(page, re.compile(f"Running cell {number} "))
    page.get_by_role("button", name="Stop the running cell").click()
    status(page, "Stopped")
    write(page, number, "print('x is', x)")
    run(page, number)
    expect(output(page, number)).to_contain_text("x is 8")
    other = context.new_page()
    other.goto(f"{server}/nbs/layers.html")
    assert other.evaluate("crossOriginIsolated")


def test_endless_cell_is_stopped_on_any_host(
    server: str, html: Path, published: Path, plain: BrowserContext
) -> None:
    """Where a cell cannot be interrupted Python starts anew, and the next cell runs what stands
    above it.
    """
    page = open_small(plain, server, html)
    assert not page.evaluate("crossOriginIsolated")
    write(page, 2, "while True:\n    pass")
    run(page, 2)
    status(page, re.compile("Running cell 2"))
    page.get_by_role("button", name="Stop the running cell").click()
    status(page, re.compile("Python was started anew"))
    write(page, 2, "x = secret")
    run(page, 4)
    status(page, "Done")
    expect(output(page, 4)).to_have_text("1764")


def test_reset_brings_the_page_back(isolated: str, context: BrowserContext) -> None:
    """To the last tag of what was rendered."""
    page = context.new_page()
    page.goto(f"{isolated}/nbs/gradients.html", wait_until="networkidle")
    wait_until(
        page,
        "document.querySelectorAll('.math mjx-container').length"
        " >= document.querySelectorAll('.math').length",
    )
    page.evaluate("MathJax.startup.promise.then(() => true)")  # the last of the formulas, whole
    tags = "document.querySelector('article').innerHTML.split('<')"
    rendered = settled(page, tags)
    make_live(page, f"{isolated}/nbs/gradients.html")
    page.get_by_role("button", name="Run all cells").click()
    wait_until(page, "document.querySelectorAll('img[src^=\"blob:\"]').length > 0")
    page.get_by_role("button", name="Reset the page").click()
    expect(page.get_by_role("button", name="Make this page live")).to_be_focused()
    assert settled(page, tags) == rendered


def test_kernel_serves_other_pages_too(isolated: str, context: BrowserContext) -> None:
    """Load files, run code, call functions with numbers and arrays: what the explorables need."""
    page = context.new_page()
    page.goto(f"{isolated}/nbs/index.html")
    result = page.evaluate("""async () => {
        const { Kernel } = await import("../_static/live/kernel.js");
        const labels = "../_static/data/mnist/t10k-labels-idx1-ubyte.gz";
        const seen = [], outputs = [];
        const kernel = new Kernel({
            packages: ["nnlib"], onprogress: ({ loaded }) => seen.push(loaded),
            files: [{ url: new URL(labels, location.href).href, path: "/data/mnist/labels.gz" }],
        });
        await kernel.start();
        const ran = await kernel.run(`
import gzip, numpy as np
from nnlib.data import data_folder, parse_idx
labels = parse_idx(gzip.decompress((data_folder() / "mnist" / "labels.gz").read_bytes()))
def scores(factor, values):
    first = labels[:5].astype(np.float32)
    return {"sum": factor * np.asarray(values).sum(), "first": first}
def refuse(value): raise ValueError(f"expected less than {value}")
print(labels.shape)`, "setup", (output) => outputs.push(output));
        const { sum, first } = await kernel.call("scores", 2, [1, 2.5]);
        const said = (error) => error.message;
        const errors = [await kernel.call("missing").catch(said),
                        await kernel.call("refuse", 3).catch(said)];
        return { ran, outputs, sum: Number(sum), first: [...first],
                 kind: first.constructor.name, errors, grew: seen.at(-1) > seen[0] };
    }""")
    assert result["ran"] and "".join(part["text"] for part in result["outputs"]) == "(10000,)\n"
    assert (
        result["sum"] == 7
        and result["first"] == [7, 2, 1, 0, 4]
        and result["kind"] == "Float32Array"
    )
    assert result["errors"] == [
        "NameError: name 'missing' is not defined",
        "ValueError: expected less than 3",
    ]
    assert result["grew"]


@pytest.mark.parametrize(
    ("chapter", "data"), [("frameworks", ""), ("preprocessing", " and 11 MB of data")]
)
def test_control_says_what_it_loads(
    isolated: str, context: BrowserContext, chapter: str, data: str
) -> None:
    """Nothing of data below half a megabyte."""
    page = context.new_page()
    page.goto(f"{isolated}/nbs/{chapter}.html")
    expect(page.locator(".nnbook-live span")).to_have_text(
        re.compile(rf"Loads \d+ MB{data} from this site\.$")
    )


@pytest.mark.parametrize(
    ("theme", "width", "height"), [("light", 390, 844), ("dark", 390, 844), ("light", 640, 360)]
)
def test_live_page_fits_a_phone_and_a_window_at_200_percent(
    small: Page, theme: str, width: int, height: int
) -> None:
    page = small
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    box = page.locator(".nnbook-live-bar").bounding_box()
    assert (
        box
        and box["x"] >= 0
        and box["x"] + box["width"] <= width
        and box["y"] + box["height"] <= height
    )


EDITORS = """() => [...document.querySelectorAll(".nnbook-live-editor")]
  .filter((editor) => editor.checkVisibility()).map((editor) => {
  const [text, area] = [editor.querySelector("pre"), editor.querySelector("textarea")];
  const [one, two] = [text, area].map((element) => getComputedStyle(element));
  const large = area.scrollHeight > area.clientHeight || area.scrollWidth > area.clientWidth;
  return ["lineHeight", "fontSize", "paddingTop", "fontFamily"]
    .filter((name) => one[name] !== two[name]).concat(large ? ["size"] : []);
})"""


@pytest.mark.parametrize("width", [1200, 390])
def test_caret_and_text_of_a_cell_coincide_and_long_lines_can_be_seen(
    small: Page, width: int
) -> None:
    """A style sheet gave the text another line height than the text area over it; a long line was
    cut off.
    """
    page = small
    page.set_viewport_size({"width": width, "height": 844})
    write(page, 2, "x = 7\n" * 30 + "y = '" + 200 * "long " + "'\nx")
    found = page.evaluate(EDITORS)
    assert len(found) >= 4 and not any(found), found
    editor = page.locator(
        ".nnbook-live-editor", has=page.get_by_label("Code of cell 2", exact=True)
    )
    assert (
        editor.evaluate("element => element.scrollWidth")
        > 1200
        >= page.evaluate("document.scrollingElement.scrollWidth")
    )
    page.set_viewport_size({"width": 1280, "height": 720})


def test_second_stop_leaves_a_page_that_runs(small: Page) -> None:
    """What the ended worker still said was taken for the failure of the new one, and nothing ran
    any more.
    """
    page = small
    write(page, 2, "import time\ntime.sleep(60)")
    run(page, 2)
    status(page, re.compile("Running cell 2"))
    stop = page.get_by_role("button", name="Stop the running cell")
    stop.click()
    status(page, re.compile("press Stop again"))
    page.wait_for_timeout(4000)
    stop.click()
    expect(stop).to_be_focused()
    status(page, re.compile("Python was started anew"))
    page.wait_for_timeout(3000)
    write(page, 2, "x = 7\nx")
    run(page, 4)
    status(page, "Done")
    expect(output(page, 4)).to_have_text("294")


def test_second_stop_ends_a_cell_that_catches_the_first(small: Page) -> None:
    """The flag that Python takes back when it raises was the sign of an earlier Stop: to such a
    cell each was the first.
    """
    page = small
    # CPython 3.12 takes an interrupt at a loop's end for one before the loop: what stands first in
    # a `try` must not be the loop
    code = """print('begun')
while True:
    try:
        time.sleep(0.1)
        while True: time.sleep(0.1)
    except: print('ignored')"""
    write(page, 2, f"import time\n{code}")
    run(page, 2)
    expect(output(page, 2)).to_contain_text("begun")
    stop = page.get_by_role("button", name="Stop the running cell")
    stop.click()
    expect(output(page, 2)).to_contain_text("ignored")
    status(page, re.compile("press Stop again"))
    stop.click()
    status(page, re.compile("Python was started anew"))
    write(page, 2, "x = 7")
    run(page, 4)
    status(page, "Done")
    expect(output(page, 4)).to_have_text("294")


def test_failed_cell_is_marked_and_the_status_leads_to_it(small: Page) -> None:
    """It bears the number that the reader counts, which the traceback names too."""
    page = small
    page.set_viewport_size({"width": 1280, "height": 720})
    write(page, 4, "def f():\n    return 1 / 0\nf()")
    page.evaluate("scrollTo(0, 0)")
    page.get_by_role("button", name="Run all cells").click()
    page.get_by_role("link", name="Cell 4 failed").click()
    area = page.get_by_label("Code of cell 4", exact=True)
    expect(area).to_be_focused()
    expect(output(page, 4).get_by_role("alert")).to_be_in_viewport()
    expect(output(page, 4)).to_contain_text('File "<cell 4>", line 2, in f')
    failed = page.locator(".nnbook-live-failed")
    expect(failed).to_have_count(1)
    expect(failed.locator(".nnbook-live-foot")).to_contain_text("Cell 4failed")
    area.evaluate(
        "area => { for (let box = area; (box = box.closest('details')); ) { box.open = "
        "false; box = box.parentElement; } }"
    )
    page.get_by_role("link", name="Cell 4 failed").click()
    expect(area).to_be_visible()
    write(page, 4, "x")
    run(page, 4)
    status(page, "Done")
    expect(failed).to_have_count(0)
    write(page, 1, "secret = 1")
    page.get_by_role("button", name="Run all cells").click()
    page.get_by_role("link", name="1 hidden cell failed").click()
    expect(page.locator(".nnbook-live-warning")).to_be_focused()
    expect(page.locator(".nnbook-live-warning")).to_be_in_viewport()


def test_long_output_scrolls_in_its_place_and_can_be_folded_and_cleared(small: Page) -> None:
    """A thousand lines made the page as long as they are."""
    page = small
    write(page, 2, "for i in range(20_000): print(i)")
    run(page, 2)
    status(page, "Done")
    shown = output(page, 2)
    assert shown.evaluate("element => element.offsetHeight") < 800
    text = shown.locator("pre")
    assert text.evaluate("pre => pre.scrollHeight > 5 * pre.clientHeight && pre.tabIndex === 0")
    page.get_by_role("button", name="Fold output").click()
    expect(text).to_be_hidden()
    page.get_by_role("button", name="Unfold output").click()
    expect(text).to_be_visible()
    page.get_by_role("button", name="Clear output").click()
    expect(shown).to_be_hidden()
    write(page, 2, "x = 7\nprint('short')")
    run(page, 2)
    expect(shown).to_have_text("short")
    expect(page.get_by_role("button", name="Clear output")).to_have_count(0)


def test_only_what_is_no_python_is_taken_for_a_command(small: Page) -> None:
    """Lines that begin with % vanished, also from an expression and a text."""
    page = small
    write(page, 2, "x = (17\n% 10)\ntext = '''a\n%b\n'''\n%timeit x\nx?\nprint(x, repr(text))")
    run(page, 2)
    status(page, "Done")
    expect(output(page, 2)).to_contain_text("7 'a\\n%b\\n'")
    expect(output(page, 2)).to_contain_text("%timeit x: a command of IPython")
    expect(output(page, 2)).to_contain_text("Help on int object")


def test_input_is_explained_and_await_works(small: Page) -> None:
    page = small
    write(page, 2, "x = 7\ninput('Your name: ')")
    run(page, 2)
    status(page, "Cell 2 failed")
    expect(output(page, 2)).to_contain_text("this page cannot ask for input")
    write(page, 2, "import asyncio\nawait asyncio.sleep(0.01)\nx = await asyncio.sleep(0, 7)\nx")
    run(page, 2)
    status(page, "Done")
    expect(output(page, 2)).to_have_text("7")
    write(page, 2, "await asyncio.sleep(1000)")
    run(page, 2)
    stop = page.get_by_role("button", name="Stop the running cell")
    stop.click()
    status(page, re.compile("press Stop again"))
    stop.click()
    status(page, re.compile("Python was started anew"))


def test_html_of_a_cell_is_shown_and_runs_nothing(small: Page, isolated: str) -> None:
    page = small
    problems = watch(page, isolated)
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    write(
        page,
        2,
        f"""x = 7
class Table:
    def _repr_html_(self):
        return (
            "<table><tr><td>cell</td></tr></table><script>top.pwned = 1</script>"
            "<img src=x onerror='top.pwned = 2'><img src='{isolated}/_static/favicon.svg'>"
            "<a href='javascript:top.pwned = 3' target=_top>go</a>"
            + "<p>row</p>" * 30
        )
Table()""",
    )
    run(page, 2)
    status(page, "Done")
    frame = output(page, 2).locator("iframe")
    inside = frame.content_frame
    expect(inside.get_by_role("cell")).to_have_text("cell")
    wait_until(page, "document.querySelector('iframe').offsetHeight > 500")
    inside.get_by_role("link").click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert [url for url in asked if not url.startswith("blob:")] == []
    assert not [problem for problem in problems if "foreign" in problem]


def test_formula_of_a_cell_makes_no_link(small: Page) -> None:
    """MathJax makes one that runs code of it."""
    page = small
    code = r"display(Markdown(r'$\href{javascript:alert(1)}{x}$ and $y$'))"
    write(page, 2, f"x = 7\nfrom IPython.display import Markdown, display\n{code}")
    run(page, 2)
    status(page, "Done")
    expect(output(page, 2).locator("mjx-container")).to_have_count(1)
    expect(output(page, 2).locator("[href]")).to_have_count(0)
    expect(output(page, 2)).to_contain_text("javascript:alert(1)")


def state(page: Page, number: int):
    return page.locator(
        ".cell", has=page.get_by_label(f"Code of cell {number}", exact=True)
    ).locator(".nnbook-live-state")


def code(page: Page, number: int) -> str:
    return page.get_by_label(f"Code of cell {number}", exact=True).input_value()


def make_small_live(page: Page) -> None:
    page.get_by_role("button", name="Make this page live").click()
    expect(page.get_by_role("region", name="Live page")).to_be_visible()
    page.evaluate(UNFOLD)


def test_edits_are_kept_come_back_and_can_be_taken_back(
    isolated: str, html: Path, context: BrowserContext
) -> None:
    """Reset, a reload, and a look at another page lost them without a word."""
    page = open_small(context, isolated, html)
    write(page, 1, "print('mine')")
    write(page, 4, "print('mine too')")
    page.get_by_role("button", name="Reset the page").click()
    told = "Your edits of 2 cells are kept and come back."
    expect(page.locator(".nnbook-live")).to_contain_text(told)
    page.goto(f"{isolated}/nbs/layers.html")
    page.go_back()
    expect(page.locator(".nnbook-live")).to_contain_text(told)
    make_small_live(page)
    status(page, "This page is live; your edits of 2 cells are back")
    assert code(page, 1) == "print('mine')" and code(page, 4) == "print('mine too')"
    assert code(page, 2) == "x = 7\nx"
    expect(output(page, 1)).not_to_contain_text("mine")  # nothing has run
    expect(state(page, 1)).to_have_text("edited")
    page.get_by_role("button", name="Reset cell 1", exact=True).click()
    assert code(page, 1) == "print('sum', secret + 1)"
    page.keyboard.press("Control+Z")
    assert code(page, 1) == "print('mine')"
    page.get_by_role("button", name="Reset all cells").click()
    assert code(page, 4) == "print(x * secret)"
    page.get_by_role("button", name="Undo").click()
    assert code(page, 1) == "print('mine')" and code(page, 4) == "print('mine too')"
    page.get_by_role("button", name="Reset cell 1", exact=True).click()
    expect(page.get_by_role("button", name="Reset cell 1", exact=True)).to_be_hidden()
    page.reload()
    expect(page.locator(".nnbook-live")).to_contain_text("Your edits of 1 cell are kept")


def test_notebook_is_downloaded_with_the_edits(
    isolated: str, html: Path, context: BrowserContext
) -> None:
    page = open_small(context, isolated, html)
    write(page, 2, "x = 'ä'")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the notebook").click()
    assert waiting.value.suggested_filename == "gradients-edited.ipynb"
    mine = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    book = json.loads((ROOT / "nbs" / "gradients.ipynb").read_text("utf-8"))
    differ = [
        (one["id"], "".join(two["source"]).splitlines()[-1])
        for one, two in zip(book["cells"], mine["cells"])
        if "".join(one["source"]) != "".join(two["source"])
    ]
    assert [text for _, text in differ] == ["x = 'ä'"]
    assert {**book, "cells": []} == {**mine, "cells": []}


def test_browser_that_keeps_nothing_asks_before_edits_are_left(
    isolated: str, html: Path, context: BrowserContext
) -> None:
    context.add_init_script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    page = open_small(context, isolated, html)
    asked: list[str] = []

    def answered(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answered)
    page.get_by_label("Code of cell 2", exact=True).press_sequentially("# mine")
    page.reload()
    assert asked == ["beforeunload"]


def test_link_brings_code_and_runs_nothing(
    isolated: str, html: Path, context: BrowserContext
) -> None:
    """It is shown, marked, and left out of what runs by itself, until its own Run is pressed."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_small(context, isolated, html)
    write(page, 2, "x = 8\nprint('brought')")
    page.get_by_role("button", name="Copy a link to cell 2 as it is now").click()
    expect(state(page, 2)).to_have_text("link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{isolated}/nbs/gradients.html#nnbook-code=")
    page.get_by_role("button", name="Reset all cells").click()

    page.evaluate("link => location.assign(link)", link)  # while the page is open
    expect(page.get_by_role("button", name="Make this page live")).to_be_visible()
    expect(page.locator(".nnbook-live")).to_contain_text("The link brings changed code")
    make_small_live(page)
    expect(page.get_by_label("Code of cell 2", exact=True)).to_be_focused()
    assert code(page, 2) == "x = 8\nprint('brought')"
    assert page.evaluate("location.hash") == ""
    notes = page.locator(".nnbook-live-remark", has_text="This code came with the link")
    expect(notes).to_have_count(1)
    page.get_by_role("button", name="Run all cells").click()
    status(page, "Cell 4 failed")  # it needs x
    expect(output(page, 2)).not_to_contain_text("brought")
    run(page, 2)
    status(page, "Done")
    expect(output(page, 2)).to_have_text("brought")
    expect(notes).to_have_count(0)
    run(page, 4)
    expect(output(page, 4)).to_have_text("336")

    write(page, 2, "x = 9")  # the reader's own is not replaced, and comes back
    page.evaluate("link => location.assign(link)", link)
    expect(page.get_by_role("button", name="Make this page live")).to_be_visible()
    make_small_live(page)
    assert code(page, 2) == "x = 9"
    page.get_by_role("button", name="Show it").click()
    assert code(page, 2) == "x = 8\nprint('brought')"
    page.keyboard.press("Control+Z")
    assert code(page, 2) == "x = 9"


def test_restart_that_fails_is_told(
    server: str, html: Path, published: Path, plain: BrowserContext
) -> None:
    page = open_small(plain, server, html)
    write(page, 2, "while True:\n    pass")
    run(page, 2)
    status(page, re.compile("Running cell 2"))
    page.route("**/*.wasm", lambda route: route.abort())
    page.get_by_role("button", name="Stop the running cell").click()
    status(page, re.compile("^Python did not start again: .*Press Reset"))
    page.unroute("**/*.wasm")
    page.get_by_role("button", name="Reset the page").click()
    page.get_by_role("button", name="Make this page live").click()
    expect(page.get_by_role("region", name="Live page")).to_be_visible()


@pytest.mark.parametrize(
    ("lost", "answer"),
    [
        ("numpy-*.whl", None),
        ("nnlib_book-*.whl", 404),
        ("pyodide.asm.wasm", None),
        ("pyodide.asm.wasm", 404),
        ("pyodide.asm.wasm", 200),
        ("pyodide.asm.js", 403),
        ("python_stdlib.zip", 404),
        ("kernel.py", 404),
        ("gradients.live.json", 404),
        ("worker.js", 404),
        ("kernel.js", 404),
    ],
)
def test_a_file_that_does_not_load_is_told(
    isolated: str, context: BrowserContext, lost: str, answer: int | None
) -> None:
    """A line that is cut, a host that refuses the file or sends a page in its place. Pyodide only
    logs a package, and is silent about its core: the page said that it was live, or waited for
    ever.
    """
    page = context.new_page()

    def answered(route: Route) -> None:
        if answer is None:
            route.abort()
        else:
            route.fulfill(status=answer, content_type="text/html", body="<p>Something else")

    page.route(f"**/{lost}", answered)
    page.goto(f"{isolated}/nbs/gradients.html", wait_until="networkidle")
    page.get_by_role("button", name="Make this page live").click()
    expect(page.get_by_role("alert")).to_contain_text("Python did not start: ")
    expect(page.get_by_role("alert")).to_contain_text(
        re.compile("could not (be )?load|cannot be reached|live.json: 404")
    )
    expect(page.get_by_role("button", name="Make this page live")).to_be_visible()


def test_a_host_that_does_not_know_webassembly_serves_the_page(
    isolated: str, context: BrowserContext
) -> None:
    """Where the core came as another type the page waited for ever."""
    page = context.new_page()

    def answered(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, headers={"content-type": "application/octet-stream"})

    page.route("**/*.wasm", answered)
    make_live(page, f"{isolated}/nbs/gradients.html")


def test_cancel_at_once_and_a_second_start_make_one_live_page(
    isolated: str, context: BrowserContext
) -> None:
    """Cancel did nothing before the list of cells had come; a second start then doubled every
    cell.
    """
    page = context.new_page()
    page.route("**/*.live.json", lambda route: (page.wait_for_timeout(1000), route.continue_()))
    page.goto(f"{isolated}/nbs/gradients.html", wait_until="networkidle")
    for name in ("Make this page live", "Cancel", "Make this page live"):
        page.get_by_role("button", name=name).click()
    expect(page.get_by_role("region", name="Live page")).to_be_visible()
    page.wait_for_timeout(2000)
    assert page.locator(".nnbook-live-bar").count() == 1
    assert page.locator(".nnbook-live-editor").count() == page.locator(".cell .cell_input").count()


def test_traceback_follows_much_output(small: Page) -> None:
    """The limit of what a cell may print swallowed it."""
    page = small
    write(page, 2, "print(200_000 * 'x')\nraise ValueError('boom')")
    run(page, 2)
    status(page, "Cell 2 failed")
    expect(output(page, 2)).to_contain_text("and more, which is not shown")
    expect(output(page, 2).get_by_role("alert")).to_contain_text("ValueError: boom")
    assert len(output(page, 2).inner_text()) > 100_000
    write(page, 2, "print('again')")
    run(page, 2)
    expect(output(page, 2)).to_have_text("again")


def test_code_edited_while_it_runs_has_not_run(small: Page) -> None:
    page = small
    write(page, 2, "import time\ntime.sleep(1)\nx = 1")
    run(page, 2)
    status(page, re.compile("Running cell 2"))
    write(page, 2, "x = 2")
    status(page, "Done")
    expect(
        page.locator(".cell", has=page.get_by_label("Code of cell 2", exact=True)).locator(
            ".nnbook-live-state"
        )
    ).to_contain_text("edited since")
    run(page, 4)
    status(page, "Done")
    expect(output(page, 4)).to_have_text("84")


def test_cells_run_in_quick_succession_run_once(small: Page) -> None:
    """What had to run before a cell was listed when it was asked for, not when its turn came."""
    page = small
    write(
        page,
        1,
        "import time\ntime.sleep(0.5)\ncount = globals().get('count', 0) + 1\nprint(count)",
    )
    write(page, 2, "x = 7\nx")
    run(page, 1)
    run(page, 2)
    run(page, 4)
    expect(output(page, 4)).to_have_text("294")
    status(page, "Done")
    expect(output(page, 1)).to_have_text("1")


def test_a_cell_that_loses_the_output_breaks_nothing(small: Page) -> None:
    page = small
    write(page, 2, "import sys\nsys.stdout = sys.stderr = None")
    run(page, 2)
    status(page, "Done")
    write(page, 2, "x = 7\nprint('here')")
    run(page, 2)
    expect(output(page, 2)).to_have_text("here")


def test_tab_indents_what_is_selected(small: Page) -> None:
    """It replaced the selection by four blanks."""
    page = small
    write(page, 2, "if x:\npass\nx")
    area = page.get_by_label("Code of cell 2", exact=True)
    area.evaluate("element => { element.focus(); element.setSelectionRange(6, 11); }")
    page.keyboard.press("Tab")
    assert area.input_value() == "if x:\n    pass\nx"


def test_editor_takes_indents_back_and_makes_remarks(small: Page) -> None:
    """Shift+Tab left the code, Backspace took one blank of four, and Ctrl+/ did nothing."""
    page = small
    area = page.get_by_label("Code of cell 2", exact=True)
    write(page, 2, "if x:\n    y = 1\n    z = 2")
    area.evaluate("element => { element.focus(); element.setSelectionRange(8, 20); }")
    page.keyboard.press("Shift+Tab")
    assert area.input_value() == "if x:\ny = 1\nz = 2"
    page.keyboard.press("Control+/")
    assert area.input_value() == "if x:\n# y = 1\n# z = 2"
    page.keyboard.press("Control+/")
    page.keyboard.press("Control+Z")
    assert area.input_value() == "if x:\n# y = 1\n# z = 2"
    write(page, 2, "")
    area.focus()
    page.keyboard.type("def f():\n if True:\nreturn 1\n")
    assert area.input_value() == "def f():\n     if True:\n         return 1\n     "
    page.keyboard.press("Backspace")
    assert area.input_value().endswith("return 1\n    ")
    page.keyboard.press("Backspace")
    assert area.input_value().endswith("return 1\n")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    expect(area).not_to_be_focused()


def test_brackets_come_in_pairs_and_undo_takes_them_back(small: Page) -> None:
    page = small
    area = page.get_by_label("Code of cell 2", exact=True)
    write(page, 2, "")
    area.focus()
    page.keyboard.type("print({'a': [1")
    assert area.input_value() == "print({'a': [1]})"
    page.keyboard.type("]}")
    assert area.input_value() == "print({'a': [1]})"
    page.keyboard.type(", (")
    page.keyboard.press("Enter")
    assert area.input_value() == "print({'a': [1]}, (\n    \n))"
    page.keyboard.press("Control+Z")
    assert area.input_value() == "print({'a': [1]}, ())"
    page.keyboard.press("Backspace")
    assert area.input_value() == "print({'a': [1]}, )"
    page.keyboard.press("Control+Z")
    assert area.input_value() == "print({'a': [1]}, ())"
    area.select_text()
    page.keyboard.type("[")
    assert area.input_value() == "[print({'a': [1]}, ())]"
    page.keyboard.press("Control+Z")
    assert area.input_value() == "print({'a': [1]}, ())"


AT_ONCE = """label => {
  document.querySelector(`button[aria-label="${label}"]`).click();
  return document.querySelector(".nnbook-live-status").textContent;
}"""


def test_status_says_at_once_that_a_cell_runs(small: Page) -> None:
    """Before Python has answered anything."""
    assert small.evaluate(AT_ONCE, "Run cell 2") == "Running ..."
    status(small, "Done")
    assert small.evaluate(AT_ONCE, "Run all cells") == "Running ..."
    status(small, "Done")


def test_tab_behind_a_name_completes_it_and_says_how_it_is_called(small: Page) -> None:
    """From the Python that runs, with a link to the reference."""
    page = small
    write(page, 2, "import numpy as np\nfrom nnlib import Sequential\nx = 7")
    run(page, 2)
    status(page, "Done")
    area = page.get_by_label("Code of cell 2", exact=True)
    hint = page.locator(".nnbook-live-hint:not(:empty)")
    write(page, 2, "np.linsp")
    area.focus()
    page.keyboard.press("Tab")
    expect(area).to_have_value("np.linspace")
    expect(hint).to_contain_text("np.linspace(start, stop, num=50")
    write(page, 2, "np.lin")
    page.keyboard.press("Tab")
    expect(hint).to_contain_text("linalg  linspace")
    write(page, 2, "Sequ")
    page.keyboard.press("Tab")
    expect(area).to_have_value("Sequential")
    link = hint.get_by_role("link", name="Reference of nnlib.network.Sequential")
    assert link.get_attribute("href").endswith("/nbs/api.html#nnlib.network.Sequential")
    write(page, 2, "unknown_name")
    page.keyboard.press("Tab")
    expect(hint).to_contain_text("Python does not know unknown_name yet")
    write(page, 2, "x = 7\n  ")
    area.focus()
    page.keyboard.press("Control+End")
    page.keyboard.press("Tab")  # to the next stop
    expect(area).to_have_value("x = 7\n    ")


def test_focus_stays_where_the_reader_has_gone(isolated: str, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{isolated}/nbs/gradients.html", wait_until="networkidle")
    page.get_by_role("button", name="Make this page live").click()
    link = page.locator("article p a").first
    link.focus()
    expect(page.get_by_role("region", name="Live page")).to_be_visible()
    expect(link).to_be_focused()


@pytest.mark.parametrize("width", [1200, 768, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_live_cells_are_accessible_after_they_have_run(
    small: Page, theme: str, width: int
) -> None:
    """With long output, a cell that failed, edits, what Python knows of a name, and HTML."""
    page = small
    page.set_viewport_size({"width": width, "height": 844})
    html = "class T:\n    def _repr_html_(self): return '<table><tr><td>1</td></tr></table>'"
    write(page, 1, f"{html}\nfrom nnlib import Sequential\nfor i in range(200): print(i)\nT()")
    write(page, 2, "x = 7\n1 / 0")
    run(page, 2)
    page.get_by_role("link", name="Cell 2 failed").click()
    write(page, 4, "Sequential")
    page.keyboard.press("Tab")
    expect(page.locator(".nnbook-live-hint a")).to_be_visible()
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.wait_for_timeout(300)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    options = {"resultTypes": ["violations"], "preload": False, "iframes": False}
    added = ".cell, body [class*='nnbook-']"  # and what the scripts change
    with alone(page, added):
        found = Axe().run(page, "body", options).response["violations"]
    assert [
        (problem["id"], node["html"][:120])
        for problem in found
        if problem["impact"] in ("serious", "critical")
        for node in problem["nodes"]
    ] == []
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(media="print")
    assert page.locator(".nnbook-live-foot:visible, .nnbook-live-bar:visible").count() == 0
    page.emulate_media(media="screen")


@pytest.mark.parametrize(
    ("name", "place"), [("gradients", ".nnbook-live"), ("explore", ".nnbook-explorable")]
)
def test_a_page_opened_as_a_file_says_what_is_missing(
    html: Path, context: BrowserContext, name: str, place: str
) -> None:
    """A browser loads no modules there, so the scripts that would say it do not run."""
    page = context.new_page()
    page.goto((html / "nbs" / f"{name}.html").as_uri())
    expect(page.locator(place).first).to_have_text(
        "Opened as a file, this page cannot run code. "
        "Run make serve (or python tools/serve.py), and open it from there."
    )
    expect(page.locator(place).first).to_be_visible()


def test_server_shows_the_page_for_what_there_is_not(
    isolated: str, context: BrowserContext
) -> None:
    page = context.new_page()
    answer = page.goto(f"{isolated}/nbs/no-such-page.html")
    assert answer and answer.status == 404
    expect(page.get_by_role("heading")).to_have_text("There is no such page")
    page.get_by_role("link", name="its first page").click()
    expect(page).to_have_url(f"{isolated}/nbs/index.html")
